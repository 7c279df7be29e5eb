//! Asks everything about one domain.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant, UNIX_EPOCH},
};

use tokio::join;

use super::{Routing, Snapshot, probe, probe::Https};
use ruad_dns as dns;
use ruad_dns::{
    Mechanism, Resolver, Ttls, Validator, bimi, caa, dane, dkim, dmarc, dnsbl, dnssec,
    mta_sts::{self, FetchError},
    mx, ns, reverse, rpki, spf, tls_rpt,
};

/// What is needed to examine domains. Cheap to clone.
#[derive(Clone)]
pub struct Examiner {
    resolver: Resolver,
    validator: Validator,
    own: Arc<[String]>,
    https: Option<Https>,
    smtp: Option<probe::Smtp>,
    lists: Arc<dnsbl::Proven>,
    name_servers: Arc<ns::Settings>,
    routing: Routing,
}

/// A domain, and what is known about it that DNS does not tell.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The domain, normalized.
    pub domain: String,
    /// DKIM selectors that were seen in reports, or are configured.
    pub selectors: Vec<dkim::Selector>,
    /// Whether to try the selectors that are common in the world too.
    pub try_common_selectors: bool,
    /// Addresses that send as this domain and pass.
    pub addresses: Vec<IpAddr>,
}

impl Examiner {
    /// An examiner that asks `resolver`, and `validator` where signatures matter.
    pub fn new(resolver: Resolver, validator: Validator) -> Self {
        Self {
            resolver,
            validator,
            own: Arc::default(),
            https: None,
            smtp: None,
            lists: Arc::default(),
            name_servers: Arc::new(ns::Settings { ask_each: false, ..ns::Settings::default() }),
            routing: Routing::default(),
        }
    }

    /// Also says whether reports are sent to one of `own`: addresses, or whole domains as `@domain`.
    #[must_use]
    pub fn expecting_reports_at(self, own: &[String]) -> Self {
        Self { own: own.into(), ..self }
    }

    /// Fetches policies of MTA-STS too; without, they are unknown.
    #[must_use]
    pub fn with_https(mut self, https: Https) -> Self {
        self.https = Some(https);
        self
    }

    /// Looks at the TLS of the hosts that receive mail too.
    #[must_use]
    pub fn with_smtp_probe(mut self, smtp: probe::Smtp) -> Self {
        self.smtp = Some(smtp);
        self
    }

    /// Asks block lists too.
    #[must_use]
    pub fn with_lists(mut self, lists: &dnsbl::Lists) -> Self {
        self.lists = Arc::new(dnsbl::Proven::new(lists));
        self
    }

    /// Looks at the routes to the servers too.
    #[must_use]
    pub fn with_routing(mut self, routing: Routing) -> Self {
        self.routing = routing;
        self
    }

    /// Asks name servers by themselves, when the settings say so.
    #[must_use]
    pub fn with_name_servers(mut self, settings: ns::Settings) -> Self {
        self.name_servers = Arc::new(settings);
        self
    }

    /// Examines one domain; `checked_at` is the time, in seconds since 1970.
    pub async fn examine(&self, subject: &Subject, checked_at: u64) -> Snapshot {
        let domain = subject.domain.as_str();
        let began = Instant::now();
        let ttls: BTreeMap<_, _> = Mechanism::ALL.map(|mechanism| (mechanism, Ttls::default())).into();
        let (resolver, validator) = &dns::patient(&self.resolver, &self.validator, domain).await;
        let noting = |mechanism| match ttls.get(&mechanism) {
            Some(ttls) => (resolver.noting(ttls), validator.noting(ttls)),
            None => (resolver.clone(), validator.clone()),
        };
        let resolver = |mechanism| noting(mechanism).0;
        let [
            for_dmarc,
            for_bimi,
            for_spf,
            for_dkim,
            for_mx,
            for_mta_sts,
            for_tls_rpt,
            for_dnsbl,
            for_reverse,
            for_ns,
            for_caa,
        ] = [
            Mechanism::Dmarc,
            Mechanism::Bimi,
            Mechanism::Spf,
            Mechanism::Dkim,
            Mechanism::Mx,
            Mechanism::MtaSts,
            Mechanism::TlsRpt,
            Mechanism::Dnsbl,
            Mechanism::Reverse,
            Mechanism::Ns,
            Mechanism::Caa,
        ]
        .map(resolver);
        let [for_dnssec, for_dane] =
            [Mechanism::Dnssec, Mechanism::Dane].map(|mechanism| noting(mechanism).1);
        let common = subject.try_common_selectors.then(dkim::common).into_iter().flatten();
        let selectors: Vec<_> = subject.selectors.iter().cloned().chain(common).collect();
        let policy_host = mta_sts::host(domain);
        let policy = async {
            match &self.https {
                Some(https) => https.get(&policy_host, mta_sts::PATH).await,
                None => Err(FetchError::NoRoute { reason: "nothing is fetched over HTTPS".to_owned() }),
            }
        };
        // Whether a logo is shown depends on the policy.
        let dmarc_and_bimi = async {
            let dmarc = dmarc::examine(&for_dmarc, domain, &self.own).await;
            let bimi = bimi::examine(&for_bimi, domain, &dmarc).await;
            (dmarc, bimi)
        };
        let receiving = async {
            let mx = mx::examine(&for_mx, domain).await;
            let (mta_sts, dnsbl, reverse, caa) = join!(
                mta_sts::examine(&for_mta_sts, domain, &mx, policy),
                dnsbl::examine(&for_dnsbl, domain, &subject.addresses, &mx, &self.lists),
                reverse::examine(&for_reverse, &subject.addresses, &mx),
                caa::examine(&for_caa, domain, &mx),
            );
            (mx, mta_sts, dnsbl, reverse, caa)
        };
        let ((dmarc, bimi), (mx, mta_sts, dnsbl, reverse, caa), spf, dkim, tls_rpt, dnssec, dane, ns) = join!(
            dmarc_and_bimi,
            receiving,
            spf::examine(&for_spf, domain),
            dkim::examine(&for_dkim, domain, &selectors),
            tls_rpt::examine(&for_tls_rpt, domain, &self.own),
            dnssec::examine(&for_dnssec, domain, checked_at),
            self.dane(&for_dane, domain, checked_at),
            ns::examine(&for_ns, domain, &self.name_servers),
        );
        let now = UNIX_EPOCH + Duration::from_secs(checked_at);
        let tables = self.routing.tables(now);
        let rpki = rpki::examine(domain, &mx, &ns, tables.as_deref().map_err(|trouble| *trouble));
        let domain = domain.to_owned();
        let mut snapshot = Snapshot {
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
            caa,
            rpki,
        };
        snapshot
            .take_copies(|mechanism| ttls.get(&mechanism).map(|ttls| ttls.since(began)).unwrap_or_default());
        snapshot
    }

    async fn dane(&self, validator: &Validator, domain: &str, now: u64) -> dane::Outcome {
        let mut outcome = dane::examine(validator, domain).await;
        if let Some(smtp) = &self.smtp {
            let sessions = smtp.try_all(outcome.targets()).await;
            outcome.serve(sessions, smtp.authorities(), now);
        }
        outcome
    }
}
