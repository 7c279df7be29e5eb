//! Asks everything about one domain.

use std::net::IpAddr;

use tokio::join;

use super::{Snapshot, probe};
use crate::dns::{
    Resolver, Validator, bimi, dane, dkim, dmarc, dnsbl, dnssec, mta_sts, mx, ns, reverse, spf, tls_rpt,
};

/// What is needed to examine domains. Cheap to clone.
#[derive(Clone)]
pub struct Examiner {
    resolver: Resolver,
    validator: Validator,
    smtp: Option<probe::Smtp>,
}

/// A domain, and what is known about it that DNS does not tell.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The domain, normalized.
    pub domain: String,
    /// DKIM selectors that were seen in reports, or are configured; the common ones are tried without being named.
    pub selectors: Vec<String>,
    /// Addresses that send as this domain and pass.
    pub addresses: Vec<IpAddr>,
}

impl Examiner {
    /// An examiner that asks `resolver`, and `validator` where signatures matter.
    pub fn new(resolver: Resolver, validator: Validator) -> Self {
        Self { resolver, validator, smtp: None }
    }

    /// The same, which also looks at the TLS of the hosts that receive mail.
    #[must_use]
    pub fn with_smtp_probe(mut self, smtp: probe::Smtp) -> Self {
        self.smtp = Some(smtp);
        self
    }

    /// Examines one domain; `checked_at` is the time, in seconds since 1970.
    pub async fn examine(&self, subject: &Subject, checked_at: u64) -> Snapshot {
        let (resolver, domain) = (&self.resolver, subject.domain.as_str());
        let (dmarc, spf, dkim, mx, mta_sts, tls_rpt, dnssec, dane, ns, dnsbl, reverse, bimi) = join!(
            dmarc::examine(resolver, domain),
            spf::examine(resolver, domain),
            dkim::examine(resolver, domain),
            mx::examine(resolver, domain),
            mta_sts::examine(resolver, domain),
            tls_rpt::examine(resolver, domain),
            dnssec::examine(&self.validator, domain, checked_at),
            self.dane(domain, checked_at),
            ns::examine(resolver, domain),
            dnsbl::examine(resolver, domain),
            reverse::examine(resolver, domain),
            bimi::examine(resolver, domain),
        );
        let domain = domain.to_owned();
        Snapshot {
            domain,
            checked_at,
            dmarc,
            spf,
            dkim,
            mx,
            mta_sts,
            tls_rpt,
            dnssec,
            dane,
            ns,
            dnsbl,
            reverse,
            bimi,
        }
    }

    async fn dane(&self, domain: &str, now: u64) -> dane::Outcome {
        let mut outcome = dane::examine(&self.validator, domain).await;
        if let Some(smtp) = &self.smtp {
            let sessions = smtp.try_all(outcome.targets()).await;
            outcome.serve(sessions, smtp.authorities(), now);
        }
        outcome
    }
}
