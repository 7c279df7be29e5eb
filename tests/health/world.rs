//! A watch with everything it needs.

use std::{fs, time::Duration};

use ruad::{
    health::{Settings, Watch},
    store::Store,
};
use ruad_dns::Settings as DnsSettings;
use rustls::RootCertStore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::dns::Dns;

pub(crate) use crate::wait::until_async as wait;

pub(crate) struct World {
    pub(crate) dns: Dns,
    pub(crate) registry: ruad_registry::Shared,
    folder: tempfile::TempDir,
}

pub(crate) struct Running {
    pub(crate) watch: Watch,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl World {
    /// `domain.example` of the group `acme`, with this zone.
    pub(crate) async fn new(zone: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("domains.toml");
        fs::write(&file, registry(&["domain.example"])).unwrap();
        let registry = ruad_registry::Shared::load(&ruad_registry::Settings { file: Some(file) }).unwrap();
        Self { dns: Dns::serve(zone).await, registry, folder }
    }

    /// These domains from now on.
    pub(crate) fn list(&self, domains: &[&str]) {
        fs::write(self.folder.path().join("domains.toml"), registry(domains)).unwrap();
        self.registry.reload().unwrap();
    }

    /// Nothing is remembered, so that every examination sees what is there.
    pub(crate) fn dns_settings(&self) -> DnsSettings {
        let cache_longest = Duration::ZERO;
        DnsSettings { cache_longest, cache_longest_negative: cache_longest, ..self.dns.settings() }
    }

    /// Watches, and stores when there is a store.
    pub(crate) fn start(&self, interval: Duration, store: Option<&Store>) -> Running {
        self.start_with(&Settings { interval, ..Settings::default() }, store)
    }

    pub(crate) fn start_with(&self, settings: &Settings, store: Option<&Store>) -> Running {
        let watch = Watch::new(
            settings,
            &self.dns_settings(),
            RootCertStore::empty(),
            self.registry.clone(),
            "ruad.example",
        )
        .unwrap();
        let stop = CancellationToken::new();
        let mut tasks = vec![tokio::spawn(watch.clone().run(stop.clone()))];
        if let Some(store) = store {
            tasks.push(tokio::spawn(watch.clone().keep(store.clone(), stop.clone())));
        }
        Running { watch, stop, tasks }
    }
}

impl Running {
    pub(crate) fn metrics(&self) -> String {
        self.watch.metrics().collect()
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

fn registry(domains: &[&str]) -> String {
    format!("[[group]]\nname = \"acme\"\ndomains = {domains:?}\n")
}

/// The values of a query with one text column.
pub(crate) async fn texts(store: &Store, query: &str) -> Vec<String> {
    store.client().query_raw(query).fetch_all().await.unwrap()
}

/// Often enough that tests need not wait.
pub(crate) const OFTEN: Duration = Duration::from_millis(60);
/// Never again while a test runs.
pub(crate) const SELDOM: Duration = Duration::from_secs(6 * 3_600);

/// Nobody keeps an answer of these, so that every second look confirms the first.
pub(crate) const NOTHING: &str = "; ttl: 0\n";
pub(crate) const ONE_HOST: &str = "; ttl: 0\n@ IN MX 10 mx1.domain.example.\nmx1 IN A 203.0.113.1\n";
pub(crate) const OTHER_HOST: &str = "; ttl: 0\n@ IN MX 10 mx2.domain.example.\nmx2 IN A 203.0.113.2\n";
