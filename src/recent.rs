//! Which reporters wrote and what happened to domains lately: read from ClickHouse again and again, so that alerts know it from
//! the first minute of a process, whoever stored it.

mod page;
pub mod store;
pub mod telemetry;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::sleep;

use crate::{
    recent::store::{RecentEvent, SteadyReporter},
    store::{Backoff, Store, StoreError},
};
use ruad_common::time::unix_seconds;

/// What was read last. Cheap to clone.
#[derive(Clone)]
pub struct Recent(Arc<Inner>);

struct Inner {
    registry: ruad_registry::Shared,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    reporters: Vec<SteadyReporter>,
    events: Vec<RecentEvent>,
}

impl Recent {
    /// Nothing has been read yet.
    pub fn new(registry: ruad_registry::Shared) -> Self {
        Self(Arc::new(Inner { registry, read: Mutex::default() }))
    }

    /// Reads again and again. While ClickHouse is away, what was read before stays.
    pub async fn run(self, store: Store) {
        let mut backoff = Backoff::new();
        loop {
            let pause = match self.refresh(&store).await {
                Ok(()) => {
                    backoff = Backoff::new();
                    REFRESH
                }
                Err(error) => {
                    let pause = backoff.next_pause();
                    telemetry::not_read(&error, pause);
                    pause
                }
            };
            sleep(pause).await;
        }
    }

    /// Reads once.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let reporters = store.steady_reporters(STEADY_DAYS, MOST_REPORTERS).await?;
        let events = store.recent_events(EVENTS_LAST, MOST_EVENTS).await?;
        *self.read() = Read { reporters, events };
        Ok(())
    }

    /// In Prometheus's text format, in pieces. Of domains, those that the registry has and that are active.
    pub fn metrics(&self) -> impl Iterator<Item = String> + Send + use<> {
        let now = unix_seconds();
        self.metrics_at(now)
    }

    fn metrics_at(&self, now: u64) -> impl Iterator<Item = String> + Send + use<> {
        let registry = self.0.registry.current();
        let read = self.read();
        let reporters = read.reporters.iter().map(page::Reporter::new);
        let events = read.events.iter().filter(|event| u64::from(event.at) + EVENTS_LAST > now);
        let events = events.filter_map(|event| {
            registry.watched(&event.domain).map(|watched| page::Happened::new(event, watched.group))
        });
        page::pieces(reporters.collect(), events.collect())
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        // A panic while the lock was held leaves what was read before.
        self.0.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often it is read.
const REFRESH: Duration = Duration::from_secs(60);

/// A reporter that wrote on every second day of the last thirty is missed when it does not.
const STEADY_DAYS: u32 = 15;
const MOST_REPORTERS: u32 = 50;

/// Seconds for which an event is shown.
const EVENTS_LAST: u64 = 7 * 86_400;

/// Events of one domain that are shown, the newest.
const MOST_EVENTS: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use ruad_registry::Registry;

    fn event(domain: &str, subject: &str, at: u32) -> RecentEvent {
        let text = |text: &str| text.to_owned();
        RecentEvent { domain: text(domain), kind: text("sender.new"), subject: text(subject), at }
    }

    #[test]
    fn events_vanish_with_their_week_and_their_domain() {
        let text = "[[group]]\nname = \"acme\"\ndomains = [\"a.example\", \"off.example\"]\n\
                    [[domain]]\nname = \"off.example\"\nactive = false\n";
        let registry = Registry::parse(text, "domains.toml").unwrap();
        let recent = Recent::new(ruad_registry::Shared::fixed(registry));
        let week = 7 * 86_400;
        *recent.read() = Read {
            reporters: vec![SteadyReporter { reporter: "goo\"gle\n.com".to_owned(), last: 77 }],
            events: vec![
                event("a.example", "net:\"x\"\\", 1_000),
                event("a.example", &"long".repeat(99), 1_000),
                event("a.example", &"long".repeat(98), 1_000),
                event("a.example", "old", 999),
                event("off.example", "", 5_000),
                event("gone.example", "", 5_000),
            ],
        };
        let page: String = recent.metrics_at(1_000 + week - 1).collect();
        let series: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            series,
            [
                "ruad_reporter_last_report_timestamp_seconds{reporter=\"goo\\\"gle.com\"} 77",
                "ruad_domain_event_timestamp_seconds{domain=\"a.example\",group=\"acme\",kind=\"sender.new\",\
                 subject=\"net:\\\"x\\\"\\\\\"} 1000",
                &format!(
                    "ruad_domain_event_timestamp_seconds{{domain=\"a.example\",group=\"acme\",kind=\"sender.new\",\
                     subject=\"{}\"}} 1000",
                    "long".repeat(30)
                ),
            ]
        );
        let later: String = recent.metrics_at(1_000 + week).collect();
        assert!(!later.contains("ruad_domain_event_timestamp_seconds{"), "{later}");
    }
}
