//! The health of a domain: everything examined at once, as `ruad check` prints it and `ruad serve` keeps it.

pub mod events;
mod examine;
pub mod keys;
pub mod probe;
mod profile;
pub mod rows;
mod settings;
pub mod state;
mod watch;

use serde::Serialize;

use crate::dns::{Check, bimi, dane, dkim, dmarc, dnsbl, dnssec, mta_sts, mx, ns, reverse, spf, tls_rpt};

pub use examine::{Examiner, Subject};
pub use profile::{Otherwise, Profile, Score};
pub(crate) use settings::SHORTEST_INTERVAL;
pub use settings::Settings;
pub use watch::{Asked, Watch, WatchError};

/// What an examination of one domain found.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// The domain, normalized.
    pub domain: String,
    /// When it was examined; seconds since 1970, UTC.
    #[serde(skip)]
    pub checked_at: u64,
    /// The policy, and who gets its reports.
    pub dmarc: dmarc::Outcome,
    /// Who may send.
    pub spf: spf::Outcome,
    /// Signing keys.
    pub dkim: dkim::Outcome,
    /// Who receives.
    pub mx: mx::Outcome,
    /// TLS to the receiver, by policy over HTTPS.
    pub mta_sts: mta_sts::Outcome,
    /// Who gets reports about TLS.
    pub tls_rpt: tls_rpt::Outcome,
    /// Whether answers are signed.
    pub dnssec: dnssec::Outcome,
    /// TLS to the receiver, by records.
    pub dane: dane::Outcome,
    /// The name servers.
    pub ns: ns::Outcome,
    /// Block lists.
    pub dnsbl: dnsbl::Outcome,
    /// Reverse names of own sending addresses.
    pub reverse: reverse::Outcome,
    /// The logo.
    pub bimi: bimi::Outcome,
}

impl Snapshot {
    /// Every mechanism's check, in the order people read them.
    pub fn checks(&self) -> [&Check; 12] {
        [
            &self.dmarc.check,
            &self.spf.check,
            &self.dkim.check,
            &self.mx.check,
            &self.mta_sts.check,
            &self.tls_rpt.check,
            &self.dnssec.check,
            &self.dane.check,
            &self.ns.check,
            &self.dnsbl.check,
            &self.reverse.check,
            &self.bimi.check,
        ]
    }
}
