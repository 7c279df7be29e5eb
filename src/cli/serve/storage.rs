//! Everything that needs ClickHouse. While it cannot be had, mail is taken all the same and waits in the spool.

use std::{net::IpAddr, time::Duration};

use ruad::{
    advice::Adviser,
    certificate::{self, Register},
    config::Settings,
    health::Watch,
    http::{Health, Part},
    intake::Intake,
    provenance::{self, Authenticator},
    recent::Recent,
    sources::{Inbox, SourceRow, Sources},
    store::{self, Backoff, Store, StoreError},
    tenants,
};
use ruad_engine as engine;
use ruad_engine::Child;
use ruad_smtp as smtp;
use ruad_spool::Spool;
use tokio_util::sync::CancellationToken;

use super::isolated::Handles;

/// The part of the daemon that stores.
pub(super) struct Storage {
    spool: Spool,
    registry: ruad_registry::Shared,
    sources: Sources,
    domains: Option<Watch>,
    adviser: Option<Adviser>,
    issuing: Option<certificate::Issuing>,
    register: Option<Register>,
    recent: Option<Recent>,
    known: smtp::KnownNetworks,
    health: Health,
    authenticator: Authenticator,
    provenance: provenance::Settings,
    intake: ruad::intake::Settings,
    store: store::Settings,
    engine: engine::Settings,
    log: ruad_common::log::Settings,
}

impl Storage {
    pub(super) fn new(
        settings: &Settings,
        spool: Spool,
        registry: ruad_registry::Shared,
        sources: Sources,
        domains: Option<Watch>,
        adviser: Option<Adviser>,
        health: Health,
    ) -> anyhow::Result<Self> {
        let resolver = settings.dns.resolver(settings.dns.cache_entries.min(ruad_dns::SENDER_ANSWERS))?;
        Ok(Self {
            spool,
            registry,
            sources,
            domains,
            adviser,
            issuing: None,
            register: None,
            recent: None,
            known: smtp::KnownNetworks::default(),
            health,
            authenticator: Authenticator::new(&settings.provenance, resolver),
            provenance: settings.provenance.clone(),
            intake: settings.intake.clone(),
            store: settings.clickhouse.clone(),
            engine: settings.engine.clone(),
            log: settings.log.clone(),
        })
    }

    /// The same, which opens the register of certificates once ClickHouse can be asked.
    pub(super) fn opening(self, register: Option<Register>) -> Self {
        Self { register, ..self }
    }

    /// The same, which issues certificates from the planner's plans.
    pub(super) fn issuing(self, issuing: Option<certificate::Issuing>) -> Self {
        Self { issuing, ..self }
    }

    /// The same, which says what was stored lately.
    pub(super) fn telling(self, recent: Recent) -> Self {
        Self { recent: Some(recent), ..self }
    }

    /// The same, which says from which networks genuine reports come.
    pub(super) fn introducing(self, known: smtp::KnownNetworks) -> Self {
        Self { known, ..self }
    }

    /// Reaches ClickHouse, then stores until `stop`; `isolated` is where work runs whose amount strangers decide.
    pub(super) async fn run(mut self, stop: CancellationToken, isolated: Handles) {
        let child = match self.store.url {
            Some(_) => None,
            None => match self.start_engine(&stop).await {
                Some(child) => Some(child),
                None => return,
            },
        };
        if let Some(child) = &child {
            self.store.url = Some(child.url());
            self.store.user = Some(engine::OWNER.to_owned());
            self.store.password = Some(child.password());
        }
        if let Some(store) = self.reach(child.is_some(), &stop).await {
            self.store_reports(store, stop, isolated).await;
        }
        if let Some(child) = child {
            child.stop().await;
        }
    }

    async fn start_engine(&self, stop: &CancellationToken) -> Option<Child> {
        self.until_done(stop, || async { Child::start(&self.engine, &self.access()?, &self.log).await }).await
    }

    /// The users and databases of the embedded engine.
    fn access(&self) -> Result<engine::Access, engine::Error> {
        let database = &self.store.database;
        if !self.engine.tenants {
            return Ok(engine::Access::to(database));
        }
        let passwords = engine::Passwords::of(&self.engine);
        let registry = self.registry.current();
        let hashed = |(group, _): (&str, &str)| {
            let password = passwords.read_or_make(&tenants::user(group))?;
            Ok((group.to_owned(), engine::password_hash(&password)))
        };
        let groups: Vec<_> = registry.groups().map(hashed).collect::<Result<_, engine::Error>>()?;
        Ok(engine::Access {
            databases: vec![database.clone(), tenants::views(database)],
            users: tenants::Access::new(database, engine::OWNER).engine_users(&groups),
        })
    }

    /// A store whose schema is this program's.
    async fn reach(&self, is_embedded: bool, stop: &CancellationToken) -> Option<Store> {
        let (settings, has_tenants) = (&self.store, is_embedded && self.engine.tenants);
        self.until_done(stop, || async move {
            let store = Store::connect(settings)?;
            store.migrate().await?;
            if has_tenants {
                let access = tenants::Access::new(&settings.database, engine::OWNER);
                for statement in access.domains_statements().iter().chain(&access.view_statements()) {
                    store.execute(statement).await?;
                }
            }
            Ok::<_, StoreError>(store)
        })
        .await
    }

    async fn store_reports(self, store: Store, stop: CancellationToken, isolated: Handles) {
        if let Some(register) = &self.register {
            register.open(store.clone());
        }
        let (seen, inbox) = self.sources.queue();
        let sources = isolated.examining.spawn(identify(self.sources.clone(), inbox, store.clone()));
        let watch = tokio::spawn(watch_store(store.clone(), self.health));
        let recent = self.recent.map(|recent| tokio::spawn(recent.run(store.clone())));
        let advice = self.adviser.zip(self.domains.clone()).map(|(adviser, domains)| {
            let (sources, registry) = (self.sources.clone(), self.registry.clone());
            isolated.examining.spawn(adviser.run(domains, store.clone(), sources, registry, stop.clone()))
        });
        // It ends with the planner.
        let issuing = self
            .issuing
            .map(|issuing| isolated.examining.spawn(issuing.run(store.clone(), self.registry.clone())));
        let domains = self.domains.map(|domains| tokio::spawn(domains.keep(store.clone(), stop.clone())));
        let intake = Intake::new(
            self.intake,
            self.spool,
            store,
            self.registry,
            (self.authenticator, self.provenance),
            seen,
        )
        .telling(self.known)
        .verifying_on(isolated.verifying);
        intake.run(stop).await;
        for task in [domains, advice, issuing].into_iter().flatten() {
            // A panic in it has been logged, and is no reason not to end.
            drop(task.await);
        }
        watch.abort();
        sources.abort();
        if let Some(recent) = recent {
            recent.abort();
        }
    }

    /// Repeats until it works or the daemon ends; the health page has the reason meanwhile.
    async fn until_done<T, E, F>(&self, stop: &CancellationToken, attempt: impl Fn() -> F) -> Option<T>
    where
        E: std::error::Error,
        F: Future<Output = Result<T, E>>,
    {
        let mut backoff = Backoff::new();
        loop {
            let outcome = tokio::select! {
                outcome = attempt() => outcome,
                () = stop.cancelled() => return None,
            };
            let error = match outcome {
                Ok(done) => return Some(done),
                Err(error) => error,
            };
            let pause = backoff.next_pause();
            tracing::error!(%error, ?pause, "ClickHouse is not ready; mail is taken and waits in the spool.");
            self.health.set(Part::Store, Err(error.to_string()));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return None,
            }
        }
    }
}

/// Fills the dimension of sources beside the stream.
async fn identify(sources: Sources, inbox: Inbox, store: Store) {
    let missing = |most: usize| {
        let store = store.clone();
        async move { missing(&store, most).await }
    };
    let keep = |rows: Vec<SourceRow>| {
        let store = store.clone();
        async move { store.keep_sources(&rows).await }
    };
    sources.run(inbox, missing, keep).await;
}

async fn missing(store: &Store, most: usize) -> Result<Vec<IpAddr>, StoreError> {
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let addresses = store.addresses_to_look_up(DAYS_LOOKED_UP, most).await?;
    Ok(addresses.iter().filter_map(|address| address.parse().ok()).collect())
}

async fn watch_store(store: Store, health: Health) {
    let mut tick = tokio::time::interval(WATCH);
    loop {
        tick.tick().await;
        health.set(Part::Store, store.ping().await.map_err(|error| error.to_string()));
    }
}

const WATCH: Duration = Duration::from_secs(10);

/// Addresses that were last seen longer ago keep what was found out about them.
const DAYS_LOOKED_UP: u32 = 31;
