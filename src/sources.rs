//! Who an address is: its network, its country, its name and the service it belongs to.
//!
//! This happens beside the stream of reports. Whoever meets an address offers it to [`Seen`], which never
//! waits; [`Sources::run`] asks DNS at a bounded rate and hands out [`SourceRow`]s. What is lost on the way
//! (a full queue, a restart, a failed insert) is found again by asking the store which addresses lack a row.

mod catalog;
mod category;
mod networks;
mod queue;
mod reverse;
mod row;
mod setup;
pub mod telemetry;
mod worker;

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use hickory_resolver::TokioResolver;

pub use catalog::{Catalog, CatalogError, Clues, Service};
pub use category::Category;
pub use networks::{Network, Networks, NetworksError};
pub use queue::{Inbox, Seen};
pub use row::SourceRow;
pub use setup::{Aligns, Setup};

use crate::sources::telemetry::Reloaded;
use ruad_dns::Expiring;

/// How addresses are identified.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address databases (`.mmdb`) of MaxMind, DB-IP or IPinfo, for network and country. Of each piece of
    /// information the first that has it is believed. They are read again when they are replaced.
    pub databases: Vec<PathBuf>,
    /// A catalogue of services that takes the place of the one that comes with the program.
    pub catalogue: Option<PathBuf>,
    /// Whether reverse names are looked up.
    pub reverse_names: bool,
    /// How many addresses are looked up in a second.
    pub per_second: u32,
    /// How many addresses are looked up at the same time.
    pub concurrency: usize,
    /// How long looking up one address may take; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub timeout: Duration,
    /// Addresses that wait to be looked up; more are left for later.
    pub queue: usize,
    /// The most rows that are stored at once.
    pub batch: usize,
    /// How long a row may wait for others; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub batch_wait: Duration,
    /// How often the store is asked which addresses lack a row; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub refill: Duration,
    /// When an address with a name is looked up again; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub recheck_named: Duration,
    /// When an address without a name is looked up again; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub recheck_nameless: Duration,
    /// When an address is looked up again about which DNS did not answer; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub recheck_failed: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            databases: Vec::new(),
            catalogue: None,
            reverse_names: true,
            per_second: 50,
            concurrency: 20,
            timeout: Duration::from_secs(3),
            queue: 10_000,
            batch: 500,
            batch_wait: Duration::from_secs(5),
            refill: Duration::from_secs(300),
            recheck_named: Duration::from_secs(7 * 24 * 3_600),
            recheck_nameless: Duration::from_secs(24 * 3_600),
            recheck_failed: Duration::from_secs(3_600),
        }
    }
}

/// Identifies addresses. Cheap to clone.
#[derive(Clone)]
pub struct Sources(Arc<Inner>);

impl Sources {
    /// Reads catalogue and databases.
    ///
    /// # Errors
    ///
    /// [`SourcesError`], naming the file.
    pub fn new(settings: &Settings, resolver: TokioResolver) -> Result<Self, SourcesError> {
        Ok(Self(Arc::new(Inner {
            catalog: RwLock::new(Arc::new(catalog(settings)?)),
            networks: RwLock::new(Arc::new(Networks::open(&settings.databases)?)),
            recent: Expiring::new(RECENT_ENTRIES),
            settings: settings.clone(),
            resolver,
        })))
    }

    /// Reads the catalogue again, and the databases whose files were replaced; call it where blocking is
    /// allowed. On an error what was in use stays in use, and the error is logged, counted and returned.
    ///
    /// # Errors
    ///
    /// [`SourcesError`], naming the file.
    pub fn reload(&self) -> Result<(), SourcesError> {
        let catalog = catalog(&self.0.settings).map(|catalog| {
            *self.0.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
        });
        let networks = self.reload_databases();
        Reloaded { what: "catalogue", outcome: catalog.as_ref().err().map(|error| error as _) }.record();
        catalog?;
        networks
    }

    /// The catalogue in use.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the databases in use say of `ip`.
    pub fn network(&self, ip: IpAddr) -> Network {
        self.0.networks().find(ip.to_canonical())
    }

    fn reload_databases(&self) -> Result<(), SourcesError> {
        let renewed = self.0.networks().renewed();
        if !matches!(renewed, Ok(None)) {
            Reloaded { what: "databases", outcome: renewed.as_ref().err().map(|error| error as _) }.record();
        }
        if let Some(networks) = renewed? {
            *self.0.networks.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(networks);
        }
        Ok(())
    }
}

struct Inner {
    settings: Settings,
    resolver: TokioResolver,
    catalog: RwLock<Arc<Catalog>>,
    networks: RwLock<Arc<Networks>>,
    /// Addresses that are waiting, or have a row that is not due yet.
    recent: Expiring<IpAddr>,
}

impl Inner {
    fn networks(&self) -> Arc<Networks> {
        self.networks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why addresses cannot be identified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourcesError {
    /// The catalogue cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A database cannot be used.
    #[error(transparent)]
    Networks(#[from] NetworksError),
}

fn catalog(settings: &Settings) -> Result<Catalog, CatalogError> {
    settings.catalogue.as_deref().map_or_else(Catalog::built_in, Catalog::load)
}

// About 10 MB when full.
const RECENT_ENTRIES: usize = 100_000;
