//! Where reports come in: the real spool and the real intake, told at which simulated time each mail came.

use std::time::Duration;

use futures_util::future::try_join_all;
use ruad::intake::{Intake, Settings};
use ruad::provenance::{self, Authenticator};
use ruad::sources::{self, Sources};
use ruad::store::Store;
use ruad_registry::{Registry, Shared};
use ruad_spool as spool;
use ruad_spool::Spool;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Error, Internet};
use crate::Mail;

/// A spool and the intake that empties it.
pub struct Desk {
    spool: Spool,
    stop: CancellationToken,
    task: JoinHandle<()>,
    _folder: TempDir,
}

impl Desk {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// When the spool or the resolver cannot be set up.
    pub fn open(internet: &Internet, store: &Store, registry: Registry) -> Result<Self, Error> {
        let folder = TempDir::new()?;
        let settings = spool::Settings {
            path: folder.path().join("spool"),
            segment_age: Duration::from_millis(20),
            min_free_bytes: 0,
            ..spool::Settings::default()
        };
        let spool = Spool::open(&settings)?;
        // What reporters publish stays as it is.
        let lasting = Duration::from_secs(3_600);
        let dns = ruad_dns::Settings {
            cache_longest: lasting,
            cache_longest_negative: lasting,
            ..internet.settings()
        };
        let resolver = dns.resolver(1_000)?;
        let provenance = provenance::Settings::default();
        let authenticator = Authenticator::new(&provenance, resolver.clone());
        let sources = Sources::new(&sources::Settings::default(), resolver)?;
        let intake = Intake::new(
            Settings::default(),
            spool.clone(),
            store.clone(),
            Shared::fixed(registry),
            (authenticator, provenance),
            sources.queue().0,
        );
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(intake.run(stopped));
        Ok(Self { spool, stop, task, _folder: folder })
    }

    /// Takes mails in and waits until the rows of their reports are in the store.
    ///
    /// # Errors
    ///
    /// When the spool does not take one, when the intake sets one aside, or does not get done.
    pub async fn deliver(&self, mails: &[Mail]) -> Result<(), Error> {
        let commits = mails.iter().map(async |mail| {
            let mut incoming = self.spool.incoming();
            incoming.write(&mail.bytes).await?;
            incoming.commit(mail.envelope()).await
        });
        try_join_all(commits).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let backlog = self.spool.backlog();
            match (backlog.segments, backlog.quarantined) {
                (0, 0) => return Ok(()),
                (_, 1..) => return Err(Error::Intake { reason: "a report was set aside" }),
                _ if Instant::now() > deadline => return Err(Error::Intake { reason: "it takes too long" }),
                _ => sleep(INTERVAL).await,
            }
        }
    }

    /// Closes it.
    pub async fn close(self) {
        self.stop.cancel();
        drop(self.task.await);
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(2);
