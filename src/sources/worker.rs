use std::{
    collections::VecDeque,
    fmt::Display,
    future::Future,
    net::IpAddr,
    time::{Duration, Instant},
};

use tokio::{
    select,
    task::JoinSet,
    time::{Interval, MissedTickBehavior, interval, timeout},
};

use super::{Inbox, SourceRow, Sources, reverse::Reverse};
use crate::sources::telemetry::{LookedUp, RefillFailed, Stored};
use ruad_common::time::unix_seconds;

impl Sources {
    /// Identifies the addresses of `inbox`, and those that `missing` names when it is asked, until the inbox
    /// ends.
    ///
    /// `missing` is asked now and then for at most so many addresses that have no row, or one whose
    /// [`SourceRow::recheck_at`] has passed. `store` is given rows to keep; rows it refuses are made again
    /// later.
    pub async fn run<M, Missing, S, Store, E>(&self, inbox: Inbox, missing: M, store: S)
    where
        M: Fn(usize) -> Missing,
        Missing: Future<Output = Result<Vec<IpAddr>, E>>,
        S: Fn(Vec<SourceRow>) -> Store,
        Store: Future<Output = Result<(), E>>,
        E: Display,
    {
        let settings = &self.0.settings;
        let mut inbox = inbox.0;
        let mut is_open = true;
        let mut waiting = VecDeque::new();
        let mut lookups = JoinSet::new();
        let mut rows = Vec::new();
        let mut pace = every(Duration::from_secs(1) / settings.per_second.max(1));
        let mut batch = every(settings.batch_wait);
        let mut refill = every(settings.refill);
        let mut renewal = every(RENEWAL);
        while is_open || !waiting.is_empty() || !lookups.is_empty() {
            let may_begin = lookups.len() < settings.concurrency.max(1) && (is_open || !waiting.is_empty());
            let may_refill = is_open && waiting.is_empty();
            // What is met now comes before what was missed.
            let next = async {
                pace.tick().await;
                if let Some(ip) = inbox.try_recv().ok().or_else(|| waiting.pop_front()) {
                    return Some(ip);
                }
                inbox.recv().await
            };
            select! {
                Some(lookup) = lookups.join_next() => {
                    if let Ok((ip, reverse)) = lookup {
                        rows.push(self.row(ip, reverse));
                    }
                    if rows.len() >= settings.batch {
                        self.keep(&mut rows, &store).await;
                    }
                }
                ip = next, if may_begin => match ip {
                    Some(ip) => {
                        let lookup = self.clone().look_up(ip);
                        lookups.spawn(async move { (ip, lookup.await) });
                    }
                    None => is_open = false,
                },
                _ = batch.tick(), if !rows.is_empty() => self.keep(&mut rows, &store).await,
                _ = refill.tick(), if may_refill => {
                    waiting.extend(self.refill(&missing).await);
                }
                _ = renewal.tick() => self.renew_databases().await,
            }
        }
        self.keep(&mut rows, &store).await;
    }

    async fn look_up(self, ip: IpAddr) -> Reverse {
        let settings = &self.0.settings;
        if !settings.reverse_names || !has_public_name(ip) {
            return Reverse::none();
        }
        let started = Instant::now();
        let reverse = Reverse::look_up(&self.0.resolver, ip, settings.timeout).await;
        let Reverse { name, confirmed, is_certain } = &reverse;
        LookedUp {
            named: name.is_some(),
            confirmed: *confirmed,
            certain: *is_certain,
            took: started.elapsed(),
        }
        .record();
        reverse
    }

    fn row(&self, ip: IpAddr, reverse: Reverse) -> SourceRow {
        let settings = &self.0.settings;
        let recheck = match &reverse {
            Reverse { is_certain: false, .. } => settings.recheck_failed,
            Reverse { name: None, .. } => settings.recheck_nameless,
            _ => settings.recheck_named,
        };
        self.0.recent.insert(ip, Instant::now() + recheck);
        let now = unix_seconds();
        let mut row = SourceRow::new(ip, reverse, self.network(ip), &self.catalog());
        row.checked_at = now;
        row.recheck_at = now + recheck.as_secs();
        row
    }

    async fn keep<S, Store, E>(&self, rows: &mut Vec<SourceRow>, store: &S)
    where
        S: Fn(Vec<SourceRow>) -> Store,
        Store: Future<Output = Result<(), E>>,
        E: Display,
    {
        if rows.is_empty() {
            return;
        }
        let rows = std::mem::take(rows);
        let ips: Vec<_> = rows.iter().map(|row| row.ip).collect();
        let outcome = store(rows).await;
        if outcome.is_err() {
            ips.iter().for_each(|ip| self.0.recent.remove(ip));
        }
        Stored { rows: ips.len(), error: outcome.err().as_ref().map(|error| error as _) }.record();
    }

    async fn refill<M, Missing, E>(&self, missing: &M) -> Vec<IpAddr>
    where
        M: Fn(usize) -> Missing,
        Missing: Future<Output = Result<Vec<IpAddr>, E>>,
        E: Display,
    {
        let error = match timeout(REFILL_LONGEST, missing(self.0.settings.queue)).await {
            Ok(Ok(ips)) => return ips.into_iter().map(|ip| ip.to_canonical()).collect(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {} s", REFILL_LONGEST.as_secs()),
        };
        RefillFailed { error }.record();
        Vec::new()
    }

    async fn renew_databases(&self) {
        let sources = self.clone();
        // An error is told where it happens, and what was in use stays in use.
        let _told = tokio::task::spawn_blocking(move || sources.reload_databases()).await;
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Whether the world's DNS can know a name for `ip`.
fn has_public_name(ip: IpAddr) -> bool {
    let is_local = match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    !(is_local || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
}

const RENEWAL: Duration = Duration::from_secs(60);
const REFILL_LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_asked_for_inside() {
        for ip in
            ["10.0.0.1", "127.0.0.1", "169.254.1.1", "192.168.1.1", "224.0.0.1", "::1", "fe80::1", "fd00::1"]
        {
            assert!(!has_public_name(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["192.0.2.1", "8.8.8.8", "2001:db8::1"] {
            assert!(has_public_name(ip.parse().unwrap()), "{ip}");
        }
    }
}
