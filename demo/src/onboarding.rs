//! A customer from nothing to `p=reject` in simulated months: everything that advises is real, and time is not.
//!
//! An [`Internet`] answers DNS on loopback. [`Sender`]s send in the domain's name, [`Receivers`] judge what they send by
//! what DNS says that day and report it, in mails that the [`Desk`] puts through the real spool and intake into a real
//! ClickHouse. The real examiner looks at DNS, the real adviser draws the plan, and the [`Customer`] does what its steps
//! say. [`Life::live`] lets the days pass and writes the [`Story`].

mod customer;
mod desk;
mod engine;
mod examination;
mod internet;
mod life;
mod receivers;
mod scenario;
mod sender;
mod story;
mod web;

use std::fmt::Display;
use std::io;

use ruad::sources::SourcesError;
use ruad::store::StoreError;
use ruad_dns::ResolverError;
use ruad_spool::SpoolError;

pub use customer::{Customer, Habits};
pub use desk::Desk;
pub use engine::Engine;
pub use examination::{Examination, Found};
pub use internet::{Entry, Internet};
pub use life::Life;
pub use receivers::{Fate, Fates, Receivers};
pub use scenario::{Happening, Scenario};
pub(crate) use sender::key_record;
pub use sender::{Rhythm, Role, Sender};
pub use story::{Chapter, Story};
pub use web::Web;

/// Why a simulation could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or a socket.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The simulated DNS.
    #[error("the simulated DNS: {reason}")]
    Dns {
        /// What was wrong.
        reason: String,
    },
    /// The simulated web server, or what fetches from it.
    #[error("TLS: {reason}")]
    Tls {
        /// What was wrong.
        reason: String,
    },
    /// The database did not start.
    #[error(transparent)]
    Engine(#[from] crate::engine::Error),
    /// The intake did not take in what it was given.
    #[error("the intake: {reason}")]
    Intake {
        /// What was wrong.
        reason: &'static str,
    },
    /// The scenario cannot be played.
    #[error("the scenario: {reason}")]
    Scenario {
        /// What was wrong.
        reason: String,
    },
    /// What ClickHouse said.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the spool said.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The resolver could not be set up.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
    /// The catalogue of senders could not be read.
    #[error(transparent)]
    Sources(#[from] SourcesError),
}

impl Error {
    fn dns(reason: impl Display) -> Self {
        Self::Dns { reason: reason.to_string() }
    }

    fn tls(reason: impl Display) -> Self {
        Self::Tls { reason: reason.to_string() }
    }

    pub(crate) fn scenario(reason: impl Display) -> Self {
        Self::Scenario { reason: reason.to_string() }
    }
}
