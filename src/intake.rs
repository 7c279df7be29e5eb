//! From a closed segment of the spool to rows in the store.
//!
//! A segment is read twice. *Examine* learns what every message holds and *verify* who sent it; *decide* settles, once and on
//! disk, which reports are stored; *load* reads the accepted ones again and sends their rows. Whatever dies on the
//! way, the segment is done again from its decisions, and comes to the same rows under the same tokens.

use std::{num::NonZeroUsize, sync::Arc};

use serde::Deserialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    provenance::{self, Authenticator},
    sources::Seen,
    store::Store,
};
use ruad_smtp::KnownNetworks;
use ruad_spool::{Spool, SpoolError};

pub mod identity;
pub mod read;

mod again;
mod decide;
mod decision;
mod established;
mod examine;
mod insert;
mod ledger;
mod load;
mod stranger;
mod suspect;
pub mod telemetry;
mod verify;
mod worker;

/// The intake, before it runs.
pub struct Intake(Arc<Inner>);

/// What the workers share.
struct Inner {
    spool: Spool,
    store: Store,
    registry: ruad_registry::Shared,
    authenticator: Authenticator,
    provenance: provenance::Settings,
    settings: Settings,
    /// Hears every sending address.
    sources: Seen,
    in_flight: decide::InFlight,
    established: established::Established,
    /// Hears whose reports are genuine.
    known: KnownNetworks,
    /// Held while a segment is decided about; none before what is stored was asked for.
    deciding: tokio::sync::Mutex<Option<stranger::StrangerQuota>>,
    /// Whether the store has deliveries of versions that gave a report another identity.
    earlier: tokio::sync::OnceCell<bool>,
    turns: verify::Turns,
    /// Where DNS is asked about senders; where everything else runs when absent.
    verifying_on: Option<Handle>,
}

impl Intake {
    /// Puts the intake together.
    #[must_use]
    pub fn new(
        settings: Settings,
        spool: Spool,
        store: Store,
        registry: ruad_registry::Shared,
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
            earlier: tokio::sync::OnceCell::new(),
            known: KnownNetworks::default(),
            deciding: tokio::sync::Mutex::new(None),
            turns: verify::Turns::default(),
            verifying_on: None,
        }))
    }

    /// The same, which tells the receiver from which networks genuine reports come.
    #[must_use]
    pub fn telling(mut self, known: KnownNetworks) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.known = known;
        }
        self
    }

    /// The same, which asks DNS about senders on a runtime of its own.
    #[must_use]
    pub fn verifying_on(mut self, runtime: Handle) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.verifying_on = Some(runtime);
        }
        self
    }

    /// Takes segments until `stop`; what is under way then is done again by the next run.
    pub async fn run(self, stop: CancellationToken) {
        while let Err(error) = self.recall() {
            telemetry::spool_unreadable(&error);
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stop.cancelled() => return,
            }
        }
        self.introduce().await;
        // Each has a thread of its own: it reads segments, which blocks.
        let workers = (0..self.0.settings.workers.get()).map(|_| {
            let (inner, stop) = (self.0.clone(), stop.clone());
            tokio::task::spawn_blocking(move || Handle::current().block_on(worker::work(inner, stop)))
        });
        let refreshing = self.0.established.keep_fresh(&self.0.store, &stop);
        let trying = again::keep_trying(&self.0.spool, &stop);
        let (finished, (), ()) = tokio::join!(futures_util::future::join_all(workers), refreshing, trying);
        for worker in finished {
            if let Err(error) = worker {
                telemetry::worker_died(&error);
            }
        }
    }

    /// Tells the receiver who delivered genuine reports before this program started. Without an answer it learns that
    /// with the first segment.
    async fn introduce(&self) {
        let clients = self.0.store.reporting_clients(uuid::Uuid::nil()).await.unwrap_or_default();
        for client in clients.iter().filter(|client| client.is_believed) {
            self.0.known.remember(client.client);
        }
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
    /// Messages of one segment that are read at the same time.
    pub concurrency: NonZeroUsize,
    /// What a message must prove about its sender; a report that proves less goes to quarantine.
    pub require: Require,
    /// Rows that the senders of one network may store in a day (UTC) with reports that are not genuine; those of all
    /// networks together five times as many. What is beyond it goes to quarantine. 0 is no bound.
    pub stranger_rows: u64,
    /// The limits that unpacking and parsing keep.
    pub limits: read::Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: NonZeroUsize::MIN,
            concurrency: NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN),
            require: Require::Nothing,
            stranger_rows: 200_000,
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

/// Between two attempts at reading the spool's folder.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);
