//! From a closed segment of the spool to rows in the store.
//!
//! A segment is read twice. *Examine* learns what every message holds and who sent it; *decide* settles, once and on
//! disk, which reports are stored; *load* reads the accepted ones again and sends their rows. Whatever dies on the
//! way, the segment is done again from its decisions, and comes to the same rows under the same tokens.

use std::{num::NonZeroUsize, sync::Arc};

use serde::Deserialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    domains,
    provenance::{self, Authenticator},
    sources::Seen,
    spool::{Spool, SpoolError},
    store::Store,
    telemetry::intake as telemetry,
};

pub mod identity;
pub mod read;

mod decide;
mod decision;
mod established;
mod examine;
mod insert;
mod ledger;
mod load;
mod suspect;
mod worker;

/// The intake, before it runs.
pub struct Intake(Arc<Inner>);

/// What the workers share.
struct Inner {
    spool: Spool,
    store: Store,
    registry: domains::Shared,
    authenticator: Authenticator,
    provenance: provenance::Settings,
    settings: Settings,
    /// Hears every sending address.
    sources: Seen,
    in_flight: decide::InFlight,
    established: established::Established,
    deciding: tokio::sync::Mutex<()>,
}

impl Intake {
    /// Puts the intake together.
    #[must_use]
    pub fn new(
        settings: Settings,
        spool: Spool,
        store: Store,
        registry: domains::Shared,
        (authenticator, provenance): (Authenticator, provenance::Settings),
        sources: Seen,
    ) -> Self {
        Self(Arc::new(Inner {
            spool,
            store,
            registry,
            authenticator,
            provenance,
            settings,
            sources,
            in_flight: decide::InFlight::default(),
            established: established::Established::default(),
            deciding: tokio::sync::Mutex::new(()),
        }))
    }

    /// Takes segments until `stop`; what is under way then is done again by the next run.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read.
    pub async fn run(self, stop: CancellationToken) -> Result<(), SpoolError> {
        self.recall()?;
        // Each has a thread of its own: it reads segments, which blocks.
        let workers = (0..self.0.settings.workers.get()).map(|_| {
            let (inner, stop) = (self.0.clone(), stop.clone());
            tokio::task::spawn_blocking(move || Handle::current().block_on(worker::work(inner, stop)))
        });
        let refreshing = self.0.established.keep_fresh(&self.0.store, &stop);
        let (finished, ()) = tokio::join!(futures_util::future::join_all(workers), refreshing);
        for worker in finished {
            if let Err(error) = worker {
                telemetry::worker_died(&error);
            }
        }
        Ok(())
    }

    /// What the last run had decided and perhaps not stored binds this one, before anything new is decided.
    fn recall(&self) -> Result<(), SpoolError> {
        for segment in self.0.spool.closed() {
            if let Some(bytes) = self.0.spool.read_side(segment, decision::SIDE_FILE)? {
                // A file that cannot be read is the worker's to report, when it comes to the segment.
                let decisions = decision::decode(&bytes).unwrap_or_default();
                self.0.in_flight.insert(segment, &decisions);
            }
        }
        Ok(())
    }
}

/// How reports are taken in.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Segments under way at the same time. One keeps a core busy and ClickHouse another; each takes some 30 MB.
    pub workers: NonZeroUsize,
    /// Messages of one segment that are read, and whose senders are asked after in DNS, at the same time.
    pub concurrency: NonZeroUsize,
    /// What a message must prove about its sender; a report that proves less goes to quarantine.
    pub require: Require,
    /// The limits that unpacking and parsing keep.
    pub limits: read::Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: NonZeroUsize::MIN,
            concurrency: NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN),
            require: Require::Nothing,
            limits: read::Limits::default(),
        }
    }
}

/// What a message must prove about its sender.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Require {
    /// Nothing; the verdict is stored with every report and can be filtered on.
    #[default]
    Nothing,
    /// DMARC passes.
    Authenticated,
    /// DMARC passes, and for the organisation that the report says it is from.
    Genuine,
}
