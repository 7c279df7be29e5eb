//! The loop of the daemon.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    select,
    time::{Instant, sleep},
    try_join,
};
use tokio_util::sync::CancellationToken;

use super::{Advised, Adviser, BATCH, Inner, advise, page};
use crate::{
    advice::{Posture, Settings, telemetry, telemetry::Ran},
    certificate::{self, Issuer, certificates},
    domains,
    health::Watch,
    sources::{Catalog, Sources},
    store::{Backoff, Store, StoreError},
};

impl Adviser {
    /// One that has drawn nothing yet.
    pub fn new(settings: &Settings) -> Self {
        Self(Arc::new(Inner { settings: settings.clone(), shown: std::sync::Mutex::default(), issuer: None }))
    }

    /// Also issues certificates. `profile` is that by which the score of a domain is counted for which the registry names none.
    #[must_use]
    pub fn issuing(self, issuer: Option<Issuer>, profile: &str) -> Self {
        let issuer = issuer.map(|issuer| (issuer, profile.to_owned()));
        Self(Arc::new(Inner {
            settings: self.0.settings.clone(),
            shown: std::sync::Mutex::default(),
            issuer,
        }))
    }

    /// Draws plans until `stop`: all of them every interval, and those of domains that have none as soon as it is known what
    /// DNS says about them. While ClickHouse is away it is tried again.
    pub async fn run(
        self,
        watch: Watch,
        store: Store,
        sources: Sources,
        registry: domains::Shared,
        stop: CancellationToken,
    ) {
        select! {
            () = self.run_on(&watch, &store, &sources, &registry) => {}
            () = stop.cancelled() => {}
        }
    }

    /// How the domains of the registry stand, in Prometheus's text format, in pieces.
    pub fn metrics(&self, registry: &domains::Registry) -> impl Iterator<Item = String> + Send + use<> {
        let shown = self.shown();
        let watched = shown.iter().filter(|(domain, _)| registry.watched(domain).is_some());
        page::pieces(watched.map(|(_, row)| row.clone()).collect())
    }

    /// Shows these plans from now on.
    pub fn show(&self, advised: &[Advised]) {
        let rows = advised.iter().map(|one| (one.plan.domain.as_str().into(), Arc::new(page::Row::new(one))));
        self.shown().extend(rows);
    }

    /// Shows what the last run before this process found, where there is nothing newer.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn restore(&self, store: &Store, registry: &domains::Registry) -> Result<(), StoreError> {
        let active = registry.domains().filter(|(_, _, is_active)| *is_active);
        let mut names: Vec<_> = active.map(|(domain, _, _)| domain).collect();
        names.sort_unstable();
        for names in names.chunks(BATCH) {
            let (plans, steps) = store.last_plans(names, page::MOST_STEPS as u32).await?;
            let mut of: HashMap<String, Vec<_>> = HashMap::new();
            for step in steps {
                of.entry(step.domain.clone()).or_default().push(step);
            }
            let mut shown = self.shown();
            for plan in plans {
                let steps = of.remove(&plan.domain).unwrap_or_default();
                if let Some(row) = page::Row::stored(&plan, &steps) {
                    shown.entry(plan.domain.as_str().into()).or_insert_with(|| Arc::new(row));
                }
            }
        }
        Ok(())
    }

    /// Draws the plans of these domains at `now`, keeps and shows them. Memory does not grow with the number of domains, but for
    /// what is shown.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn round(
        &self,
        postures: &[Arc<Posture>],
        store: &Store,
        catalog: &Catalog,
        registry: &domains::Registry,
        now: u64,
    ) -> Result<(), StoreError> {
        self.shown().retain(|domain, _| registry.watched(domain).is_some());
        // While ClickHouse adds up for one batch, plans are drawn for another.
        let lane = async |first: usize| {
            for batch in postures.chunks(BATCH).skip(first).step_by(2) {
                let advised = advise(store, catalog, registry, batch, &self.0.settings, now).await?;
                self.show(&advised);
                self.issue(&advised, store, registry, now).await?;
            }
            Ok(())
        };
        try_join!(lane(0), lane(1)).map(|_: ((), ())| ())
    }

    /// Issues the certificates that are due, when somebody issues any.
    async fn issue(
        &self,
        advised: &[Advised],
        store: &Store,
        registry: &domains::Registry,
        now: u64,
    ) -> Result<(), StoreError> {
        let Some((issuer, profile)) = &self.0.issuer else { return Ok(()) };
        let profile_of =
            |domain: &str| registry.watched(domain).and_then(|watched| watched.profile).unwrap_or(profile);
        let subjects: Vec<_> = advised
            .iter()
            .map(|one| certificate::Subject {
                plan: &one.plan,
                posture: &one.posture,
                traffic: &one.traffic,
                group: &one.group,
                profile: profile_of(&one.plan.domain),
            })
            .collect();
        certificates(store, &subjects, issuer, self.0.settings.certificate_days, now).await?;
        Ok(())
    }

    async fn run_on(&self, watch: &Watch, store: &Store, sources: &Sources, registry: &domains::Shared) {
        if let Err(error) = self.restore(store, &registry.current()).await {
            telemetry::not_restored(&error);
        }
        let interval = self.0.settings.interval;
        let mut backoff = Backoff::new();
        let mut advised: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut last: Option<Instant> = None;
        loop {
            let now = Instant::now();
            let is_time = last.is_none_or(|last| now.duration_since(last) >= interval);
            let mut postures: BTreeMap<Arc<str>, Arc<Posture>> = watch
                .postures()
                .into_iter()
                .map(|(_, posture)| (posture.domain.as_str().into(), posture))
                .collect();
            advised.retain(|domain| postures.contains_key(domain));
            if !is_time {
                postures.retain(|domain, _| !advised.contains(domain));
            }
            let clock = watch.now().filter(|_| !postures.is_empty());
            let Some(at) = clock else {
                sleep(interval.min(LOOK)).await;
                continue;
            };
            let current = registry.current();
            let watched: Vec<_> = postures
                .values()
                .filter(|posture| current.watched(&posture.domain).is_some())
                .cloned()
                .collect();
            match self.round(&watched, store, &sources.catalog(), &current, at).await {
                Ok(()) => {
                    backoff = Backoff::new();
                    advised.extend(postures.into_keys());
                    if is_time {
                        last = Some(now);
                        Ran { domains: advised.len(), at, took: now.elapsed() }.record();
                    }
                    sleep(interval.min(LOOK)).await;
                }
                Err(error) => {
                    let pause = backoff.next_pause();
                    telemetry::failed(&error, pause);
                    sleep(pause).await;
                }
            }
        }
    }

    fn shown(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<page::Row>>> {
        // A panic while the lock was held leaves rows that are still rows.
        self.0.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often it is looked whether there are domains without a plan.
const LOOK: Duration = Duration::from_secs(30);
