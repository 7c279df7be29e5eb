//! Asks everything about one domain.

use std::{net::IpAddr, sync::Arc};

use tokio::join;

use super::Snapshot;
use crate::dns::{
    Resolver, Ttls, bimi, dane, dkim, dmarc, dnsbl, dnssec, mta_sts, mx, ns, reverse, spf, tls_rpt,
};

/// What is needed to examine domains. Cheap to clone.
#[derive(Clone)]
pub struct Examiner {
    resolver: Resolver,
    own: Arc<[String]>,
}

/// A domain, and what is known about it that DNS does not tell.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The domain, normalized.
    pub domain: String,
    /// DKIM selectors that were seen in reports, or are configured; the common ones are tried without being named.
    pub selectors: Vec<dkim::Selector>,
    /// Addresses that send as this domain and pass.
    pub addresses: Vec<IpAddr>,
}

impl Examiner {
    /// An examiner that asks `resolver`.
    pub fn new(resolver: Resolver) -> Self {
        Self { resolver, own: Arc::default() }
    }

    /// Also says whether reports are sent to one of `own`: addresses, or whole domains as `@domain`.
    #[must_use]
    pub fn expecting_reports_at(self, own: &[String]) -> Self {
        Self { own: own.into(), ..self }
    }

    /// The same examiner, which notes how long the answers may be remembered from now on.
    pub fn noting(&self, ttls: Ttls) -> Self {
        Self { resolver: self.resolver.noting(ttls), ..self.clone() }
    }

    /// Examines one domain; `checked_at` is the time, in seconds since 1970.
    pub async fn examine(&self, subject: &Subject, checked_at: u64) -> Snapshot {
        let (resolver, domain) = (&self.resolver, subject.domain.as_str());
        let selectors: Vec<_> = subject.selectors.iter().cloned().chain(dkim::common()).collect();
        // Whether a logo is shown depends on the policy.
        let dmarc_and_bimi = async {
            let dmarc = dmarc::examine(resolver, domain, &self.own).await;
            let bimi = bimi::examine(resolver, domain, &dmarc).await;
            (dmarc, bimi)
        };
        let ((dmarc, bimi), spf, dkim, mx, mta_sts, tls_rpt, dnssec, dane, ns, dnsbl, reverse) = join!(
            dmarc_and_bimi,
            spf::examine(resolver, domain),
            dkim::examine(resolver, domain, &selectors),
            mx::examine(resolver, domain),
            mta_sts::examine(resolver, domain),
            tls_rpt::examine(resolver, domain, &self.own),
            dnssec::examine(resolver, domain),
            dane::examine(resolver, domain),
            ns::examine(resolver, domain),
            dnsbl::examine(resolver, domain),
            reverse::examine(resolver, domain),
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
}
