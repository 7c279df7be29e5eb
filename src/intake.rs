//! From a closed segment of the spool to rows in the store.
//!
//! A segment is read twice. *Examine* learns what every message holds and who sent it; *decide* settles, once and on
//! disk, which reports are stored; *load* reads the accepted ones again and sends their rows. Whatever dies on the
//! way, the segment is done again from its decisions, and comes to the same rows under the same tokens.

use std::num::NonZeroUsize;

use serde::Deserialize;

pub mod identity;
pub mod read;

mod decide;
mod decision;
mod examine;
mod suspect;

/// How reports are taken in.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Segments under way at the same time.
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
            workers: NonZeroUsize::new(2).unwrap_or(NonZeroUsize::MIN),
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
