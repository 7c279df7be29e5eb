//! The hosts that receive mail (RFC 5321 section 5, RFC 7505).

pub mod check;
mod host;

use futures_util::future::join_all;
use tokio::join;

use super::{Answer, Check, Mechanism, Mx, Resolver};

pub use check::CODES;
pub use host::Host;

/// How it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// Who receives, those that are tried first in front; each host once. The domain itself when mail is accepted
    /// at its own addresses.
    pub hosts: Vec<Host>,
    /// Whether there is a null MX and nothing else: mail is refused.
    pub null: bool,
    /// Whether the domain has no MX and gets its mail at its own addresses (RFC 5321 section 5.1).
    pub implicit: bool,
    /// Whether mail to the domain finds somebody to be offered to; `None` when that could not be told.
    pub accepts_mail: Option<bool>,
}

/// Examines `domain`.
pub async fn examine(resolver: &Resolver, domain: &str) -> Outcome {
    let mut outcome = Outcome::new();
    let (answer, alias) = join!(resolver.mx(domain), resolver.cname(domain));
    if let Some(target) = alias.records().first() {
        outcome.check.find(check::domain_alias(domain, target));
    }
    match answer {
        Answer::Found(found) => outcome.explicit(resolver, domain, found.records).await,
        Answer::NoData => outcome.without_mx(resolver, domain).await,
        Answer::NoName => {
            outcome.check.find(check::domain_missing(domain));
            outcome.accepts_mail = Some(false);
        }
        Answer::Unknown(trouble) => {
            outcome.check.unanswered(domain, trouble);
            outcome.check.unknown_fact("hosts");
        }
    }
    outcome
}

impl Outcome {
    fn new() -> Self {
        let check = Check::new(Mechanism::Mx);
        Self { check, hosts: Vec::new(), null: false, implicit: false, accepts_mail: None }
    }

    async fn explicit(&mut self, resolver: &Resolver, domain: &str, mut records: Vec<Mx>) {
        records.sort();
        records.dedup();
        for mx in &records {
            self.check.observe(domain, "MX", check::text(mx));
        }
        self.null = records.iter().all(|mx| mx.exchange.is_empty());
        self.accepts_mail = Some(!self.null);
        self.check.fact("hosts", if self.null { "null".to_owned() } else { check::joined(&records) });
        check::records(&mut self.check, domain, &records);
        let mut names = Vec::new();
        for mx in &records {
            if !mx.exchange.is_empty() && names.iter().all(|(_, name)| *name != mx.exchange) {
                names.push((mx.preference, mx.exchange.as_str()));
            }
        }
        names.truncate(HOSTS);
        let hosts = names.into_iter().map(|(preference, name)| Host::resolve(resolver, name, preference));
        self.hosts = join_all(hosts).await;
        check::hosts(&mut self.check, domain, &self.hosts);
    }

    async fn without_mx(&mut self, resolver: &Resolver, domain: &str) {
        let host = Host::resolve(resolver, domain, 0).await;
        if let Some((name, trouble)) = host.unanswered() {
            self.check.unanswered(name, trouble);
        }
        if host.has_address() {
            self.check.find(check::implicit(domain, &host));
            check::addresses(&mut self.check, std::slice::from_ref(&host));
            self.implicit = true;
            self.accepts_mail = Some(true);
            self.hosts = vec![host];
        } else if host.is_settled() {
            self.check.find(check::none(domain));
            self.accepts_mail = Some(false);
        }
    }
}

/// More hosts than this are not looked at: a domain with so many was not made by somebody who wants mail.
const HOSTS: usize = 32;
