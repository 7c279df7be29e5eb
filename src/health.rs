//! The health of a domain: everything examined at once, as `ruad check` prints it and `ruad serve` keeps it.

pub mod events;
mod examine;
pub mod keys;
pub mod posture;
pub mod probe;
mod routing;
pub mod rows;
mod settings;
pub mod state;
pub mod store;
pub mod telemetry;
mod watch;

use serde::Serialize;

use ruad_dns::{
    Check, Copies, Mechanism, bimi, caa, dane, dkim, dmarc, dnsbl, dnssec, mta_sts, mx, ns, reverse, rpki,
    spf, tls_rpt,
};

pub use examine::{Examiner, Subject};
pub use routing::{Routing, RoutingError, Settings as RoutingSettings};
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
    /// Who may issue certificates.
    pub caa: caa::Outcome,
    /// Whether the routes to the servers are authorised.
    pub rpki: rpki::Outcome,
}

impl Snapshot {
    /// Every mechanism's check, in the order people read them.
    pub fn checks(&self) -> [&Check; 14] {
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
            &self.caa.check,
            &self.rpki.check,
        ]
    }

    pub(crate) fn checks_mut(&mut self) -> [&mut Check; 14] {
        [
            &mut self.dmarc.check,
            &mut self.spf.check,
            &mut self.dkim.check,
            &mut self.mx.check,
            &mut self.mta_sts.check,
            &mut self.tls_rpt.check,
            &mut self.dnssec.check,
            &mut self.dane.check,
            &mut self.ns.check,
            &mut self.dnsbl.check,
            &mut self.reverse.check,
            &mut self.bimi.check,
            &mut self.caa.check,
            &mut self.rpki.check,
        ]
    }

    /// Says of each check for how long its answers may come again, those that it took over from another included.
    fn take_copies(&mut self, of: impl Fn(Mechanism) -> Copies) {
        for check in self.checks_mut() {
            let own = of(check.mechanism);
            check.copies = match check.mechanism {
                Mechanism::MtaSts | Mechanism::Dnsbl | Mechanism::Reverse | Mechanism::Caa => {
                    own.and(of(Mechanism::Mx))
                }
                Mechanism::Rpki => of(Mechanism::Mx).and(of(Mechanism::Ns)),
                Mechanism::Bimi => own.and(of(Mechanism::Dmarc)),
                _ => own,
            };
        }
    }
}
