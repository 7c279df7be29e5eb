//! What a record says of one sender: the `check_host` function of RFC 7208 section 4.

use std::{future::Future, net::IpAddr, pin::Pin};

use super::{
    super::{Answer, Resolver, Text, Trouble},
    macros::{MacroString, Place, Values},
    network::Network,
    record::{Meaning, Mechanism, Prefixes, Qualifier, Record},
    select::{Selection, Source},
};

/// Who wants to send.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// The address of the client.
    pub address: IpAddr,
    /// What it said its name is.
    pub helo: &'a str,
    /// The sender of the message; without anything before the `@`, `postmaster` is meant.
    pub sender: &'a str,
    /// Who checks; a name for explanations.
    pub receiver: &'a str,
    /// When; seconds since 1970, for explanations.
    pub time: u64,
}

/// What a record says of a sender.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verdict {
    /// There is no record.
    None,
    /// The domain says nothing of this sender.
    Neutral,
    /// It may send.
    Pass,
    /// It may not send.
    Fail,
    /// It probably may not send.
    SoftFail,
    /// Somebody did not answer.
    TempError,
    /// The record cannot be evaluated.
    PermError,
}

/// The result of an evaluation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evaluation {
    /// What the record says.
    pub verdict: Verdict,
    /// The domain's words for a refusal, if it has any.
    pub explanation: Option<String>,
}

/// Evaluates the record of `domain`.
pub async fn check_host(resolver: &Resolver, domain: &str, client: &Client<'_>) -> Evaluation {
    let none = Evaluation { verdict: Verdict::None, explanation: None };
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if !is_asked_for(domain) {
        return none;
    }
    let (local_part, sender_domain) = match client.sender.rsplit_once('@') {
        Some((local_part, sender_domain)) => (local_part, sender_domain),
        None => ("", if client.sender.is_empty() { domain } else { client.sender }),
    };
    let local_part = if local_part.is_empty() { POSTMASTER } else { local_part };
    let address = client.address.to_canonical();
    let mut session =
        Session { resolver, client, address, local_part, sender_domain, lookups: 0, voids: 0, names: None };
    match session.evaluate(domain.to_owned()).await {
        Ok(Outcome { qualifier, refused }) => {
            let explanation = match (qualifier, refused) {
                (Some(Qualifier::Fail), Some((domain, at))) => session.explain(&domain, &at).await,
                _ => None,
            };
            Evaluation { verdict: qualifier.map_or(Verdict::Neutral, Verdict::from), explanation }
        }
        Err(Stop::None) => none,
        Err(Stop::Permanent) => Evaluation { verdict: Verdict::PermError, explanation: None },
        Err(Stop::Temporary) => Evaluation { verdict: Verdict::TempError, explanation: None },
    }
}

impl Verdict {
    /// Its name, as in a `Received-SPF` field.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl From<Qualifier> for Verdict {
    fn from(qualifier: Qualifier) -> Self {
        match qualifier {
            Qualifier::Pass => Self::Pass,
            Qualifier::Fail => Self::Fail,
            Qualifier::SoftFail => Self::SoftFail,
            Qualifier::Neutral => Self::Neutral,
        }
    }
}

struct Session<'a> {
    resolver: &'a Resolver,
    client: &'a Client<'a>,
    address: IpAddr,
    local_part: &'a str,
    sender_domain: &'a str,
    /// Terms that asked, over all records.
    lookups: usize,
    /// Terms that asked for what is not there.
    voids: usize,
    /// The validated names of the client, once they were asked for.
    names: Option<Vec<String>>,
}

/// What a record came to.
struct Outcome {
    /// Of the term that matched; nothing when none did.
    qualifier: Option<Qualifier>,
    /// Where the explanation of a refusal is: the domain of the record, and what it says.
    refused: Option<(String, MacroString)>,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug)]
enum Stop {
    None,
    Permanent,
    Temporary,
}

impl<'a> Session<'a> {
    /// In a box, because records include each other.
    fn evaluate<'b>(
        &'b mut self,
        domain: String,
    ) -> Pin<Box<dyn Future<Output = Result<Outcome, Stop>> + Send + 'b>> {
        Box::pin(async move {
            let record = self.record(&domain).await?;
            for term in &record.terms {
                let Meaning::Directive(qualifier, mechanism) = &term.meaning else { continue };
                if self.is_match(&domain, mechanism).await? {
                    let refused = record.explanation().map(|at| (domain.clone(), at.clone()));
                    return Ok(Outcome { qualifier: Some(*qualifier), refused });
                }
            }
            // What was not read may say something else.
            if record.left_out > 0 {
                return Err(Stop::Permanent);
            }
            let Some(redirect) = record.redirect() else {
                return Ok(Outcome { qualifier: None, refused: None });
            };
            self.count_lookup()?;
            let target = self.expand(redirect, &domain).await;
            // RFC 7208 section 6.1: without a record there the result is a permanent error.
            self.evaluate(target).await.map_err(Stop::of_target)
        })
    }

    async fn record(&mut self, domain: &str) -> Result<Record, Stop> {
        let selection = Selection::of(&self.resolver.txt(domain).await);
        if selection.source.is_void() && self.lookups > 0 {
            self.count_void()?;
        }
        match selection.source {
            Source::Record { record, .. } if record.faults.is_empty() => Ok(record),
            Source::Record { .. } | Source::Several(_) => Err(Stop::Permanent),
            Source::None | Source::Void { .. } | Source::BadName => Err(Stop::None),
            Source::Unknown(_) => Err(Stop::Temporary),
        }
    }

    async fn is_match(&mut self, domain: &str, mechanism: &Mechanism) -> Result<bool, Stop> {
        if !matches!(mechanism, Mechanism::All | Mechanism::Ip4(_) | Mechanism::Ip6(_)) {
            self.count_lookup()?;
        }
        let target = match mechanism.domain() {
            Some(written) => self.expand(written, domain).await,
            None => domain.to_owned(),
        };
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4(network) | Mechanism::Ip6(network) => Ok(network.contains(self.address)),
            Mechanism::Include(_) => {
                let outcome = self.evaluate(target).await.map_err(Stop::of_target)?;
                Ok(outcome.qualifier == Some(Qualifier::Pass))
            }
            Mechanism::A(_, prefixes) => {
                let addresses = self.addresses(&target).await?;
                self.count_if_void(&addresses)?;
                Ok(self.is_among(&addresses, *prefixes))
            }
            Mechanism::Mx(_, prefixes) => {
                let hosts = present(self.resolver.mx(&target).await)?;
                self.count_if_void(&hosts)?;
                // RFC 7208 section 4.6.4.
                if hosts.len() > MAX_HOSTS {
                    return Err(Stop::Permanent);
                }
                // A null MX (RFC 7505) is no host.
                for host in hosts.into_iter().filter(|host| !host.exchange.is_empty()) {
                    let addresses = self.addresses(&host.exchange).await?;
                    if self.is_among(&addresses, *prefixes) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Mechanism::Ptr(_) => {
                let target = target.to_ascii_lowercase();
                Ok(self.names().await.iter().any(|name| is_within(name, &target)))
            }
            Mechanism::Exists(_) => {
                // Always A, also for a client with an IPv6 address (RFC 7208 section 5.7).
                let addresses = present(self.resolver.a(&target).await)?;
                self.count_if_void(&addresses)?;
                Ok(!addresses.is_empty())
            }
        }
    }

    /// The addresses of `name` of the client's family.
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Stop> {
        if self.address.is_ipv4() {
            Ok(present(self.resolver.a(name).await)?.into_iter().map(IpAddr::from).collect())
        } else {
            Ok(present(self.resolver.aaaa(name).await)?.into_iter().map(IpAddr::from).collect())
        }
    }

    fn is_among(&self, addresses: &[IpAddr], prefixes: Prefixes) -> bool {
        let prefix = if self.address.is_ipv4() { prefixes.ipv4 } else { prefixes.ipv6 };
        addresses.iter().any(|address| Network::new(*address, prefix).contains(self.address))
    }

    /// The names of the client that lead back to its address (RFC 7208 section 5.5). Whatever goes wrong there, the
    /// name is none.
    async fn names(&mut self) -> &[String] {
        if self.names.is_none() {
            let mut validated = Vec::new();
            for name in self.resolver.ptr(self.address).await.records().iter().take(MAX_HOSTS) {
                let addresses = self.addresses(name).await.unwrap_or_default();
                if addresses.contains(&self.address) {
                    validated.push(name.to_ascii_lowercase());
                }
            }
            self.names = Some(validated);
        }
        self.names.as_deref().unwrap_or_default()
    }

    /// The name for `%{p}`: in `domain` if there is one, else any (RFC 7208 section 7.3).
    async fn client_name(&mut self, domain: &str) -> String {
        let domain = domain.to_ascii_lowercase();
        let names = self.names().await;
        let best = names
            .iter()
            .find(|name| **name == domain)
            .or_else(|| names.iter().find(|name| is_within(name, &domain)))
            .or(names.first());
        best.cloned().unwrap_or_else(|| UNKNOWN.to_owned())
    }

    async fn expand(&mut self, text: &MacroString, domain: &str) -> String {
        let client_name =
            if text.uses_client_name() { self.client_name(domain).await } else { String::new() };
        text.expand_domain(&self.values(domain, &client_name))
    }

    fn values<'b>(&'b self, domain: &'b str, client_name: &'b str) -> Values<'b> {
        Values {
            address: self.address,
            local_part: self.local_part,
            sender_domain: self.sender_domain,
            domain,
            helo: self.client.helo,
            client_name,
            receiver: self.client.receiver,
            time: self.client.time,
        }
    }

    /// The domain's explanation. Whatever is wrong with it, it is as if there was none (RFC 7208 section 6.2).
    async fn explain(&mut self, domain: &str, at: &MacroString) -> Option<String> {
        let name = self.expand(at, domain).await;
        let answer = self.resolver.txt(&name).await;
        let [text]: &[Text] = answer.records() else { return None };
        let text = MacroString::parse(&text.joined(), Place::Explanation).ok()?;
        let client_name =
            if text.uses_client_name() { self.client_name(domain).await } else { String::new() };
        Some(text.expand(&self.values(domain, &client_name)))
    }

    fn count_lookup(&mut self) -> Result<(), Stop> {
        self.lookups += 1;
        if self.lookups > MAX_LOOKUPS { Err(Stop::Permanent) } else { Ok(()) }
    }

    fn count_if_void<T>(&mut self, records: &[T]) -> Result<(), Stop> {
        if records.is_empty() { self.count_void() } else { Ok(()) }
    }

    fn count_void(&mut self) -> Result<(), Stop> {
        self.voids += 1;
        if self.voids > MAX_VOIDS { Err(Stop::Permanent) } else { Ok(()) }
    }
}

impl Stop {
    /// For an `include` or a `redirect`, no record is a permanent error (RFC 7208 sections 5.2 and 6.1).
    fn of_target(self) -> Self {
        match self {
            Self::None => Self::Permanent,
            stop => stop,
        }
    }
}

/// The records, if any. A name that cannot be asked for has none (RFC 7208 section 4.8).
fn present<T: Clone>(answer: Answer<T>) -> Result<Vec<T>, Stop> {
    match answer {
        Answer::Found(found) => Ok(found.records),
        Answer::NoData | Answer::NoName | Answer::Unknown(Trouble::BadName) => Ok(Vec::new()),
        Answer::Unknown(_) => Err(Stop::Temporary),
    }
}

/// Whether a domain can have a record: it has at least two labels, each of which fits (RFC 7208 section 4.3).
fn is_asked_for(domain: &str) -> bool {
    let is_label = |label: &str| (1..=63).contains(&label.len());
    domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label) && !domain.starts_with('[')
}

fn is_within(name: &str, domain: &str) -> bool {
    ruad_common::domain_name::is_within(name, domain)
}

const POSTMASTER: &str = "postmaster";
const UNKNOWN: &str = "unknown";
/// RFC 7208 section 4.6.4.
pub(super) const MAX_LOOKUPS: usize = 10;
/// RFC 7208 section 4.6.4: two are recommended, and what everybody uses.
pub(super) const MAX_VOIDS: usize = 2;
/// RFC 7208 section 4.6.4: hosts of an `mx`, names of a `ptr`.
pub(super) const MAX_HOSTS: usize = 10;
