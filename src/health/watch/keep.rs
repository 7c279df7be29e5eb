//! The way to ClickHouse and back: what an earlier run knew is read, what is found is stored, what reports tell is learned.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use tokio::{
    select,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Watch,
    entry::{Entry, costly},
    learned::Learned,
    sightings::Sighting,
};
use crate::{
    health::{
        keys,
        state::{FINDINGS, Fact},
        store::{StoredCheck, StoredKey},
        telemetry,
    },
    store::{Backoff, Store, StoreError},
};
use ruad_dns::{Code, Mechanism, Status, dkim::Kind};

impl Watch {
    /// Reads what an earlier run knew, then stores what is found until `stop`. While ClickHouse is away, it waits here.
    pub async fn keep(self, store: Store, stop: CancellationToken) {
        let mut backoff = Backoff::new();
        while let Err(error) = self.restore(&store).await {
            telemetry::store_failed("restore", &error);
            select! {
                () = sleep(backoff.next_pause()) => {}
                () = stop.cancelled() => return,
            }
        }
        select! {
            () = self.store_rows(&store) => {}
            () = self.learn(&store) => {}
            () = stop.cancelled() => {}
        }
        // What is not stored now is noticed again by the next run, as far as it is a change.
        let waiting = self.0.keeper.len();
        match timeout(LAST_ROWS, self.0.keeper.flush(&store)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => telemetry::last_rows_left_out(waiting, &error),
            Err(_) => telemetry::last_rows_left_out(waiting, &"ClickHouse does not answer"),
        }
    }

    async fn restore(&self, store: &Store) -> Result<(), StoreError> {
        let (checks, keys) = (store.last_checks().await?, store.seen_keys().await?);
        let domains = checks.iter().map(|check| &check.domain).collect::<HashSet<_>>().len();
        let count = keys.len();
        let registry = self.0.registry.current();
        let mut entries = self.0.entries();
        for check in checks {
            let Some(watched) = registry.watched(&check.domain) else { continue };
            let entry = entries
                .entry(check.domain.as_str().into())
                .or_insert_with(|| Entry::new(&watched, &self.0.settings));
            self.restore_check(entry, check);
        }
        for StoredKey { domain, selector, fingerprint, kind, bits, first, last } in keys {
            if let Some(entry) = entries.get_mut(domain.as_str()) {
                let kind = if kind == Kind::Ed25519.to_string() { Kind::Ed25519 } else { Kind::Rsa };
                let (first, last) = (first.into(), last.into());
                let stored = Sighting { kind, bits, alias: None, first, last, written: None };
                entry.sightings.restore((selector, fingerprint), stored);
            }
        }
        for entry in entries.values_mut() {
            entry.accept_new_checks();
        }
        drop(entries);
        telemetry::restored(domains, count);
        self.0.restored.send_replace(true);
        Ok(())
    }

    fn restore_check(&self, entry: &mut Entry, check: StoredCheck) {
        let known = Mechanism::ALL.into_iter().find(|mechanism| mechanism.name() == check.check);
        let Some(mechanism) = known else { return };
        let values = check.values.into_iter().zip(check.absent).zip(check.since);
        let facts = check.names.into_iter().zip(values).map(|(name, ((value, absent), since))| {
            (name, Fact { value: (!absent).then_some(value), since: since.into() })
        });
        let mut facts: BTreeMap<_, _> = facts.collect();
        let status = Status::ALL.into_iter().find(|status| status.name() == check.status);
        entry.statuses.extend(status.map(|status| (mechanism, status)));
        let last = u64::from(check.last);
        let codes: Vec<_> = check.codes.iter().filter_map(|code| Code::named(code)).collect();
        let (of_keys, found): (Vec<_>, Vec<_>) = codes.into_iter().partition(keys::is_of_history);
        entry.of_keys.extend(of_keys);
        // Earlier versions kept the codes of the last answer only.
        if check.answered && !facts.contains_key(FINDINGS) {
            facts.insert(FINDINGS.to_owned(), Fact { value: Some(costly(found)), since: last });
        }
        entry.state.restore(mechanism, check.settled, facts);
        entry.last_checked = Some(entry.last_checked.map_or(last, |known| known.max(last)));
    }

    async fn store_rows(&self, store: &Store) {
        let mut backoff = Backoff::new();
        loop {
            self.0.keeper.filled().await;
            // What comes together goes together.
            sleep(GATHER).await;
            match self.0.keeper.flush(store).await {
                Ok(()) => backoff = Backoff::new(),
                Err(error) => {
                    telemetry::store_failed("store", &error);
                    sleep(backoff.next_pause()).await;
                }
            }
        }
    }

    async fn learn(&self, store: &Store) {
        let mut tick = interval(LEARN);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let registry = self.0.registry.current();
            let active = registry.domains().filter(|(_, _, is_active)| *is_active);
            let domains: Vec<_> = active.map(|(domain, _, _)| domain).collect();
            match Learned::learn(store, &domains).await {
                Ok(learned) => *self.0.learned() = learned,
                Err(error) => telemetry::store_failed("learn", &error),
            }
        }
    }
}

const GATHER: Duration = Duration::from_millis(500);
const LEARN: Duration = Duration::from_secs(3_600);
const LAST_ROWS: Duration = Duration::from_secs(1);
