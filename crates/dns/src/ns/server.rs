use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;
use hickory_resolver::proto::{
    op::ResponseCode,
    rr::{RData, RecordType},
};
use serde::Serialize;
use tokio::join;

use super::{Settings, direct};
use crate::{Answer, Resolver, Trouble, may_connect};

/// A name server.
#[derive(Clone, Debug, Serialize)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// The name it is an alias (CNAME) of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Its addresses, those of IPv4 in front.
    pub addresses: Vec<IpAddr>,
    /// What it said when it was asked by itself, by address.
    pub told: Vec<Asked>,
    /// Whether the name does not exist.
    #[serde(skip)]
    pub(super) is_missing: bool,
    /// Why its addresses could not be told.
    #[serde(skip)]
    pub(super) trouble: Option<Trouble>,
}

/// What came of asking one address.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Asked {
    /// The address.
    pub address: IpAddr,
    /// What it said.
    pub told: Told,
}

/// What a server said about the zone.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It answers for the zone.
    Zone {
        /// The version of the zone.
        serial: u32,
        /// The zone's name servers, sorted; `None` when that was not answered.
        servers: Option<Vec<String>>,
        /// The domain's MX records, sorted; `None` when that was not answered.
        mx: Option<Vec<String>>,
        /// The TXT records of the domain and of `_dmarc` below it, sorted; `None` when one was not answered.
        texts: Option<Vec<String>>,
        /// When the last signature of its SOA record ends, as RFC 4034 section 3.1.5 writes it; `None` without any.
        signed_until: Option<u32>,
    },
    /// It does not answer for the zone.
    Lame {
        /// What it answered.
        reason: String,
    },
    /// It did not answer.
    Silent,
}

impl Server {
    pub(super) async fn resolve(resolver: &Resolver, name: String) -> Self {
        let (ipv4, ipv6) = join!(resolver.a(&name), resolver.aaaa(&name));
        let alias = alias(&ipv4).or_else(|| alias(&ipv6));
        let is_missing = matches!((&ipv4, &ipv6), (Answer::NoName, Answer::NoName));
        // A name that cannot be asked for has no address for certain.
        let trouble = ipv4.trouble().or(ipv6.trouble()).filter(|trouble| *trouble != Trouble::BadName);
        let ipv4 = ipv4.records().iter().take(ADDRESSES).map(|ip| IpAddr::V4(*ip));
        let ipv6 = ipv6.records().iter().take(ADDRESSES).map(|ip| IpAddr::V6(*ip));
        let mut addresses: Vec<_> = ipv4.chain(ipv6).collect();
        addresses.sort_unstable();
        addresses.dedup();
        Self { name, alias, addresses, told: Vec::new(), is_missing, trouble }
    }

    /// Asks every address what it knows about the zone.
    pub(super) async fn ask(&mut self, resolver: &Resolver, zone: &str, domain: &str, settings: &Settings) {
        let mut asked = Vec::new();
        for address in
            self.addresses.iter().filter(|ip| may_connect(**ip, settings.private_addresses).is_ok())
        {
            asked.push(tell(resolver, *address, zone, domain, settings));
        }
        self.told = join_all(asked).await;
    }

    pub(super) fn has_ipv6(&self) -> bool {
        self.addresses.iter().any(IpAddr::is_ipv6)
    }
}

async fn tell(resolver: &Resolver, address: IpAddr, zone: &str, domain: &str, settings: &Settings) -> Asked {
    let server = SocketAddr::new(address, settings.port);
    Asked { address, told: told(resolver, server, zone, domain, settings).await }
}

async fn told(
    resolver: &Resolver,
    server: SocketAddr,
    zone: &str,
    domain: &str,
    settings: &Settings,
) -> Told {
    let ask = |name, kind| direct::ask(resolver, server, settings, name, kind);
    let Some(reply) = ask(zone, RecordType::SOA).await else { return Told::Silent };
    let serial = reply.records.iter().find_map(|data| match data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    });
    let serial = match (reply.code, reply.is_authoritative, serial) {
        (ResponseCode::NoError, true, Some(serial)) => serial,
        (ResponseCode::NoError, true, None) => return Told::lame("it knows the name, but not as a zone"),
        (ResponseCode::NoError, false, _) => return Told::lame("its answer is not authoritative"),
        (ResponseCode::NXDomain, ..) => return Told::lame("it says that the zone does not exist"),
        (ResponseCode::Refused, ..) => return Told::lame("it refuses to answer"),
        (ResponseCode::ServFail, ..) => return Told::lame("it answers that it failed (SERVFAIL)"),
        (code, ..) => return Told::lame(&format!("it answers with the error \"{code}\"")),
    };
    let signed_until = reply.signed_until.iter().copied().max();
    let policy = format!("_dmarc.{domain}");
    let (servers, mx, texts, policies) = join!(
        ask(zone, RecordType::NS),
        ask(domain, RecordType::MX),
        ask(domain, RecordType::TXT),
        ask(&policy, RecordType::TXT),
    );
    let known = |reply: Option<direct::Reply>| {
        let reply = reply.filter(|reply| {
            let is_known = matches!(reply.code, ResponseCode::NoError | ResponseCode::NXDomain);
            // A domain below a further cut of zones is not answered for here.
            is_known && reply.is_authoritative && !reply.is_truncated
        })?;
        Some(reply.records)
    };
    let sorted = |reply| known(reply).map(|records| self::texts(&records));
    let written = |name: &str, reply| {
        let records = known(reply)?;
        Some(records.iter().map(|data| format!("{name} {data}")).collect::<Vec<_>>())
    };
    let texts = written(domain, texts).zip(written(&policy, policies)).map(|(mut texts, more)| {
        texts.extend(more);
        texts.sort();
        texts
    });
    Told::Zone { serial, servers: sorted(servers), mx: sorted(mx), texts, signed_until }
}

impl Told {
    fn lame(reason: &str) -> Self {
        Self::Lame { reason: reason.to_owned() }
    }
}

/// In lower case, sorted.
pub(super) fn texts(records: &[RData]) -> Vec<String> {
    let mut texts: Vec<_> = records.iter().map(|data| data.to_string().to_ascii_lowercase()).collect();
    texts.sort();
    texts
}

fn alias<T>(answer: &Answer<T>) -> Option<String> {
    match answer {
        Answer::Found(found) => found.alias.clone(),
        _ => None,
    }
}

/// Addresses of one server and one family that are looked at.
const ADDRESSES: usize = 4;
