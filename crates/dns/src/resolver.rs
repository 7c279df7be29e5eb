//! Asks questions, never too many at once.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use hickory_resolver::{
    ResponseCache, TokioResolver, TtlConfig,
    lookup::Lookup,
    net::{DnsError, NetError, NoRecords},
    proto::{
        op::{Message, Query, ResponseCode},
        rr::{Name, RData, RecordType, rdata::TLSA},
    },
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    Answer, Found, ResolverError, Settings, Trouble, Ttls,
    asked::Asked,
    bounds::{REMEMBERED, weight},
    caa,
    patience::Patience,
};

/// Asks the configured servers, with a cache of its own. Cheap to clone; clones share the cache and the bound.
#[derive(Clone)]
pub struct Resolver {
    source: Source,
    cache: ResponseCache,
    outstanding: Arc<Semaphore>,
    ttls: Option<Ttls>,
    patience: Option<Patience>,
    /// What came of the questions of one examination.
    asked: Option<Asked<Arc<Result<Lookup, NetError>>>>,
}

/// Where answers come from.
#[allow(clippy::large_enum_variant, clippy::type_complexity, reason = "there are few of it")]
#[derive(Clone)]
enum Source {
    Servers {
        resolver: TokioResolver,
        /// The same, for servers that know no EDNS.
        without_edns: TokioResolver,
    },
    Given(Arc<dyn Fn(&str, u16) -> Vec<u8> + Send + Sync>),
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
        // The library's own cache takes answers of any size.
        let resolver = settings.resolver(0)?;
        let cache = ResponseCache::new(cache_entries, TtlConfig::from_opts(resolver.options()));
        let outstanding = Arc::new(Semaphore::new(outstanding));
        let source = Source::Servers { resolver, without_edns: settings.resolver_without_edns(0)? };
        Ok(Self { source, cache, outstanding, ttls: None, patience: None, asked: None })
    }

    /// A resolver that asks nobody and remembers nothing: `answer` gives the message (RFC 1035 section 4) that answers a
    /// question for a name, in lower case without the trailing dot, and the number of a type. It is for tests and fuzzing,
    /// which need answers that no name server gives.
    pub fn answering(answer: impl Fn(&str, u16) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let source = Source::Given(Arc::new(answer));
        let cache = ResponseCache::new(0, TtlConfig::default());
        let outstanding = Arc::new(Semaphore::new(1));
        Self { source, cache, outstanding, ttls: None, patience: None, asked: None }
    }

    /// The same resolver, which notes until when the answers may be given again.
    pub fn noting(&self, ttls: &Ttls) -> Self {
        Self { ttls: Some(ttls.clone()), ..self.clone() }
    }

    /// The same resolver for the examination of one domain.
    pub(super) fn patient(&self, patience: &Patience) -> Self {
        Self { patience: Some(patience.clone()), asked: Some(Asked::default()), ..self.clone() }
    }

    /// The TXT records of a name.
    pub async fn txt(&self, name: &str) -> Answer<Text> {
        self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(text) => Some(Text::of(&text.txt_data)),
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

    /// Who may issue certificates for a name.
    pub async fn caa(&self, name: &str) -> Answer<caa::Record> {
        self.ask(name, RecordType::CAA, |data| match data {
            RData::CAA(record) => Some(caa::Record {
                tag: record.tag.to_ascii_lowercase(),
                value: String::from_utf8_lossy(&record.value).into_owned(),
                critical: record.issuer_critical,
                reserved: record.reserved_flags,
            }),
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
        if patience.budget().is_spent() {
            return Answer::Unknown(Trouble::TooMuch);
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
            Err(error) => {
                let answer = negative(error);
                if let (Some(ttls), NetError::Dns(DnsError::NoRecordsFound(none)), true) =
                    (&self.ttls, error, answer.is_none())
                {
                    ttls.absent(none.negative_ttl);
                }
                return answer;
            }
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
            if let Some(ttls) = &self.ttls {
                ttls.absent_by(lookup.authorities());
            }
            return Answer::NoData;
        }
        // Name servers turn them round with every answer (RFC 1794), and nothing may depend on that.
        records.sort_unstable();
        let ttl = lookup.valid_until().saturating_duration_since(Instant::now());
        if let Some(ttls) = &self.ttls {
            ttls.present(lookup.answers());
        }
        let alias = owner.filter(|owner| *owner != asked).map(|owner| host(&owner));
        Answer::Found(Found { records, ttl: ttl.max(Duration::from_secs(1)), alias })
    }

    /// What the library says, without a second question for what this examination has asked already.
    pub(super) async fn lookup(&self, name: &Name, kind: RecordType) -> Arc<Result<Lookup, NetError>> {
        // In a box: dozens of these are parts of one examination, which is held on a thread's stack.
        let send = Box::pin(async {
            let Some(patience) = &self.patience else { return self.send(name.clone(), kind).await };
            patience.budget().ask();
            let answer = self.send(name.clone(), kind).await;
            let bytes = answer.as_ref().as_ref().map_or(0, |lookup| weight(lookup.message().all_sections()));
            if patience.budget().hold(bytes) { answer } else { Arc::new(Err(NetError::from(TOO_MUCH))) }
        });
        match &self.asked {
            Some(asked) => asked.once(name, kind, send).await,
            None => send.await,
        }
    }

    async fn send(&self, name: Name, kind: RecordType) -> Arc<Result<Lookup, NetError>> {
        let query = Query::query(name.clone(), kind);
        if let Some(known) = self.cache.get(&query, Instant::now()) {
            return Arc::new(known.map(|message| remembered(query, message)));
        }
        let (resolver, without_edns) = match &self.source {
            Source::Servers { resolver, without_edns } => (resolver.clone(), without_edns.clone()),
            Source::Given(answer) => {
                let message = answer(&host(&name), kind.into());
                return Arc::new(given(query, &message));
            }
        };
        // The semaphore is never closed.
        let permit = self.outstanding.clone().acquire_owned().await;
        // On a task of its own: an examination waits for dozens of questions, and whoever waits for several at once asks all of
        // them how they are whenever one of them moves.
        let lookup = tokio::spawn(async move {
            let _permit = permit;
            match resolver.lookup(name.clone(), kind).await {
                Err(NetError::Dns(DnsError::ResponseCode(code))) if knows_no_edns(code) => {
                    without_edns.lookup(name, kind).await
                }
                answer => answer,
            }
        });
        let answer = lookup.await.unwrap_or_else(|_| Err(NetError::from("the runtime ends")));
        let is_small =
            answer.as_ref().map_or(true, |lookup| weight(lookup.message().all_sections()) <= REMEMBERED);
        if is_small {
            let message = answer.as_ref().map(|lookup| lookup.message().clone()).map_err(NetError::clone);
            self.cache.insert(query, message, Instant::now());
        }
        Arc::new(answer)
    }
}

/// What a message answers.
fn given(query: Query, message: &[u8]) -> Result<Lookup, NetError> {
    let message = Message::from_vec(message).map_err(|_| NetError::from("the answer cannot be read"))?;
    if message.answers.is_empty() {
        return Err(NetError::Dns(DnsError::NoRecordsFound(NoRecords::new(query, message.response_code))));
    }
    Ok(Lookup::new_with_deadline(query, message.answers, Instant::now() + Duration::from_secs(60)))
}

/// An answer from the cache.
fn remembered(query: Query, message: Message) -> Lookup {
    let shortest = message.answers.iter().map(|record| record.ttl).min().unwrap_or_default();
    let until = Instant::now() + Duration::from_secs(shortest.into());
    let mut lookup = Lookup::new_with_deadline(query, message.answers, until);
    lookup.extend_authorities(message.authorities);
    lookup
}

impl Text {
    /// Where one string ends and the next one begins is of no use in a text of more strings than it needs.
    fn of(strings: &[Box<[u8]>]) -> Self {
        if strings.len() > MOST_STRINGS {
            return Self { strings: vec![strings.concat()] };
        }
        Self { strings: strings.iter().map(|string| string.to_vec()).collect() }
    }

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
        NetError::Message(TOO_MUCH) => Answer::Unknown(Trouble::TooMuch),
        _ => Answer::Unknown(Trouble::Network),
    }
}

/// What a server answers that does not know EDNS: it is to be asked again without (RFC 6891 section 7).
pub(super) fn knows_no_edns(code: ResponseCode) -> bool {
    matches!(code, ResponseCode::FormErr | ResponseCode::NotImp)
}

pub(super) fn trouble(code: ResponseCode) -> Trouble {
    match code {
        ResponseCode::ServFail => Trouble::ServerFailure,
        ResponseCode::Refused | ResponseCode::NotAuth => Trouble::Refused,
        _ => Trouble::Network,
    }
}

const TOO_MUCH: &str = "the examination holds too much";
/// 64 KiB in strings as long as they can be are 257.
const MOST_STRINGS: usize = 300;

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
