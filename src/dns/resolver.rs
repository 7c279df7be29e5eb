//! Asks questions, never too many at once.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use hickory_resolver::{
    TokioResolver,
    lookup::Lookup,
    net::{DnsError, NetError},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, RecordType, rdata::TLSA},
    },
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Answer, Found, ResolverError, Settings, Trouble, Ttls, asked::Asked, patience::Patience};

/// Asks the configured servers, with a cache of its own. Cheap to clone; clones share the cache and the bound.
#[derive(Clone)]
pub struct Resolver {
    resolver: TokioResolver,
    outstanding: Arc<Semaphore>,
    ttls: Option<Ttls>,
    patience: Option<Patience>,
    /// What came of the questions of one examination.
    asked: Option<Asked<Arc<Result<Lookup, NetError>>>>,
}

/// A TXT record.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Text {
    /// Its character-strings, as they are.
    pub strings: Vec<Vec<u8>>,
}

/// An MX record.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mx {
    /// Lower is tried first.
    pub preference: u16,
    /// The host, in lower case without the trailing dot; empty for a null MX (RFC 7505).
    pub exchange: String,
}

impl Resolver {
    /// A resolver that has at most `outstanding` questions open at once and remembers `cache_entries` answers.
    ///
    /// # Errors
    ///
    /// When no server is configured and the system's configuration cannot be used.
    pub fn new(settings: &Settings, cache_entries: u64, outstanding: usize) -> Result<Self, ResolverError> {
        let resolver = settings.resolver(cache_entries)?;
        let outstanding = Arc::new(Semaphore::new(outstanding));
        Ok(Self { resolver, outstanding, ttls: None, patience: None, asked: None })
    }

    /// The same resolver, which notes how long the answers may be remembered from now on.
    pub fn noting(&self, ttls: Ttls) -> Self {
        Self { ttls: Some(ttls), ..self.clone() }
    }

    /// The same resolver for the examination of one domain.
    pub(super) fn patient(&self, patience: &Patience) -> Self {
        Self { patience: Some(patience.clone()), asked: Some(Asked::default()), ..self.clone() }
    }

    /// The TXT records of a name.
    pub async fn txt(&self, name: &str) -> Answer<Text> {
        self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(text) => Some(Text { strings: text.txt_data.iter().map(|s| s.to_vec()).collect() }),
            _ => None,
        })
        .await
    }

    /// The IPv4 addresses of a name.
    pub async fn a(&self, name: &str) -> Answer<Ipv4Addr> {
        self.ask(name, RecordType::A, |data| match data {
            RData::A(address) => Some(address.0),
            _ => None,
        })
        .await
    }

    /// The IPv6 addresses of a name.
    pub async fn aaaa(&self, name: &str) -> Answer<Ipv6Addr> {
        self.ask(name, RecordType::AAAA, |data| match data {
            RData::AAAA(address) => Some(address.0),
            _ => None,
        })
        .await
    }

    /// The hosts that receive a domain's mail, as they stand in the answer.
    pub async fn mx(&self, name: &str) -> Answer<Mx> {
        self.ask(name, RecordType::MX, as_mx).await
    }

    /// The name that `name` is an alias of.
    pub async fn cname(&self, name: &str) -> Answer<String> {
        self.ask(name, RecordType::CNAME, |data| match data {
            RData::CNAME(target) => Some(host(&target.0)),
            _ => None,
        })
        .await
    }

    /// The names of the servers that answer for a zone.
    pub async fn ns(&self, name: &str) -> Answer<String> {
        self.ask(name, RecordType::NS, |data| match data {
            RData::NS(ns) => Some(host(&ns.0)),
            _ => None,
        })
        .await
    }

    /// The names of an address.
    pub async fn ptr(&self, address: IpAddr) -> Answer<String> {
        self.ask(&Name::from(address).to_ascii(), RecordType::PTR, |data| match data {
            RData::PTR(ptr) => Some(host(&ptr.0)),
            _ => None,
        })
        .await
    }

    /// Room for a question that is asked by other means.
    pub(super) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        self.outstanding.acquire().await.ok()
    }

    /// How many records of the type SPF a name has, which RFC 7208 gave up.
    pub async fn spf(&self, name: &str) -> Answer<()> {
        self.ask(name, RecordType::Unknown(99), |data| match data {
            RData::Unknown { .. } => Some(()),
            _ => None,
        })
        .await
    }

    async fn ask<T: Ord>(
        &self,
        name: &str,
        kind: RecordType,
        take: impl Fn(&RData) -> Option<T>,
    ) -> Answer<T> {
        let Some(patience) = &self.patience else { return self.look_up(name, kind, take).await };
        if patience.is_over(name) {
            return Answer::Unknown(Trouble::Timeout);
        }
        let answer = self.look_up(name, kind, take).await;
        patience.note(name, answer.trouble());
        answer
    }

    async fn look_up<T: Ord>(
        &self,
        name: &str,
        kind: RecordType,
        take: impl Fn(&RData) -> Option<T>,
    ) -> Answer<T> {
        let Some(mut asked) = name_of(name) else { return Answer::Unknown(Trouble::BadName) };
        asked.set_fqdn(true);
        let lookup = self.lookup(&asked, kind).await;
        let lookup = match lookup.as_ref() {
            Ok(lookup) => lookup,
            Err(error) => return negative(error),
        };
        let mut owner = None;
        let mut records: Vec<_> = lookup
            .answers()
            .iter()
            .filter_map(|record| {
                let taken = take(&record.data)?;
                owner.get_or_insert_with(|| record.name.clone());
                Some(taken)
            })
            .collect();
        if records.is_empty() {
            return Answer::NoData;
        }
        // Name servers turn them round with every answer (RFC 1794), and nothing may depend on that.
        records.sort_unstable();
        let ttl = lookup.valid_until().saturating_duration_since(Instant::now());
        if let Some(ttls) = &self.ttls {
            ttls.note(name, ttl);
        }
        let alias = owner.filter(|owner| *owner != asked).map(|owner| host(&owner));
        Answer::Found(Found { records, ttl: ttl.max(Duration::from_secs(1)), alias })
    }

    /// What the library says, without a second question for what this examination has asked already.
    pub(super) async fn lookup(&self, name: &Name, kind: RecordType) -> Arc<Result<Lookup, NetError>> {
        let send = self.send(name.clone(), kind);
        match &self.asked {
            Some(asked) => asked.once(name, kind, send).await,
            None => send.await,
        }
    }

    async fn send(&self, name: Name, kind: RecordType) -> Arc<Result<Lookup, NetError>> {
        // The semaphore is never closed.
        let permit = self.outstanding.clone().acquire_owned().await;
        let resolver = self.resolver.clone();
        // On a task of its own: an examination waits for dozens of questions, and whoever waits for several at once asks all of
        // them how they are whenever one of them moves.
        let lookup = tokio::spawn(async move {
            let _permit = permit;
            resolver.lookup(name, kind).await
        });
        Arc::new(lookup.await.unwrap_or_else(|_| Err(NetError::from("the runtime ends"))))
    }
}

impl Text {
    /// The strings put together without anything between them, bytes that are no UTF-8 replaced.
    pub fn joined(&self) -> String {
        String::from_utf8_lossy(&self.strings.concat()).into_owned()
    }
}

/// A name as it is asked for. One that no host can have may exist all the same: SPF's macros make such names.
fn name_of(text: &str) -> Option<Name> {
    let labels = || text.strip_suffix('.').unwrap_or(text).split('.').map(octets);
    Name::from_ascii(text).or_else(|_| Name::from_labels(labels())).ok()
}

/// What a label stands for: in answers a backslash stands before what no host's name can hold, or before its three octal
/// digits.
fn octets(label: &str) -> Vec<u8> {
    let octal = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok();
    let mut octets = Vec::with_capacity(label.len());
    let mut rest = label.as_bytes();
    while let [first, after @ ..] = rest {
        let (octet, length) = match (first, after) {
            (b'\\', [a @ b'0'..=b'3', b, c, ..]) if let Some(octet) = octal(&[*a, *b, *c]) => (octet, 4),
            (b'\\', [octet, ..]) if octet.is_ascii_punctuation() => (*octet, 2),
            _ => (*first, 1),
        };
        octets.push(octet);
        rest = rest.get(length..).unwrap_or_default();
    }
    octets
}

pub(super) fn as_mx(data: &RData) -> Option<Mx> {
    match data {
        RData::MX(mx) => Some(Mx { preference: mx.preference, exchange: host(&mx.exchange) }),
        _ => None,
    }
}

pub(super) fn as_tlsa(data: &RData) -> Option<TLSA> {
    match data {
        RData::TLSA(tlsa) => Some(tlsa.clone()),
        _ => None,
    }
}

/// In lower case, without the trailing dot.
pub(super) fn host(name: &Name) -> String {
    let mut text = name.to_lowercase().to_ascii();
    if text.ends_with('.') {
        text.pop();
    }
    text
}

fn negative<T>(error: &NetError) -> Answer<T> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Answer::NoName,
            ResponseCode::NoError => Answer::NoData,
            code => Answer::Unknown(trouble(code)),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => Answer::Unknown(trouble(*code)),
        NetError::Timeout => Answer::Unknown(Trouble::Timeout),
        _ => Answer::Unknown(Trouble::Network),
    }
}

pub(super) fn trouble(code: ResponseCode) -> Trouble {
    match code {
        ResponseCode::ServFail => Trouble::ServerFailure,
        ResponseCode::Refused | ResponseCode::NotAuth => Trouble::Refused,
        _ => Trouble::Network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_host_has_can_be_asked_for() {
        for text in ["a b%.example", "foo:bar/baz.example", "_x.example", "a\"b.example"] {
            let name = name_of(text).unwrap();
            assert_eq!(name.iter().next().unwrap(), text.split_once('.').unwrap().0.as_bytes());
            assert_eq!(name_of(&host(&name)).unwrap(), name, "{text}");
        }
        for text in ["a..example", &format!("{}.example", "a".repeat(64)), &"abc.".repeat(70)] {
            assert_eq!(name_of(text), None, "{text}");
        }
    }
}
