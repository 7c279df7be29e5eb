//! The loop of the daemon.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    select,
    sync::mpsc,
    time::{Instant, sleep},
    try_join,
};
use tokio_util::sync::CancellationToken;

use super::{Advised, Adviser, BATCH, Inner, advise, page};
use crate::{
    advice::{
        Settings,
        telemetry::{self, Ran},
    },
    health::{Watch, posture::Posture},
    sources::{Catalog, Sources},
    store::{Backoff, Store, StoreError},
};

impl Adviser {
    /// One that has drawn nothing yet.
    pub fn new(settings: &Settings) -> Self {
        Self(Arc::new(Inner {
            settings: settings.clone(),
            shown: std::sync::Mutex::default(),
            listener: None,
        }))
    }

    /// Also sends every batch of plans to `listener` once it is stored. A slow listener slows the planner down, so that plans do not
    /// pile up in memory.
    #[must_use]
    pub fn telling(self, listener: mpsc::Sender<Vec<Advised>>) -> Self {
        Self(Arc::new(Inner {
            settings: self.0.settings.clone(),
            shown: std::sync::Mutex::default(),
            listener: Some(listener),
        }))
    }

    /// Draws plans until `stop`: all of them every interval, and those of domains that have none as soon as it is known what
    /// DNS says about them. While ClickHouse is away it is tried again.
    pub async fn run(
        self,
        watch: Watch,
        store: Store,
        sources: Sources,
        registry: ruad_registry::Shared,
        stop: CancellationToken,
    ) {
        select! {
            () = self.run_on(&watch, &store, &sources, &registry) => {}
            () = stop.cancelled() => {}
        }
    }

    /// How the domains of the registry stand, in Prometheus's text format, in pieces.
    pub fn metrics(&self, registry: &ruad_registry::Registry) -> impl Iterator<Item = String> + Send + use<> {
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
    pub async fn restore(&self, store: &Store, registry: &ruad_registry::Registry) -> Result<(), StoreError> {
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
        registry: &ruad_registry::Registry,
        now: u64,
    ) -> Result<(), StoreError> {
        self.shown().retain(|domain, _| registry.watched(domain).is_some());
        // While ClickHouse adds up for one batch, plans are drawn for another.
        let lane = async |first: usize| {
            for batch in postures.chunks(BATCH).skip(first).step_by(2) {
                let advised = advise(store, catalog, registry, batch, &self.0.settings, now).await?;
                self.show(&advised);
                if let Some(listener) = &self.0.listener {
                    // It has ended when the daemon stops.
                    drop(listener.send(advised).await);
                }
            }
            Ok(())
        };
        try_join!(lane(0), lane(1)).map(|_: ((), ())| ())
    }

    async fn run_on(
        &self,
        watch: &Watch,
        store: &Store,
        sources: &Sources,
        registry: &ruad_registry::Shared,
    ) {
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
