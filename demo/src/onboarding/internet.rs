//! The DNS of a simulated internet: signed zones on loopback, in which records are changed while they are served.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::dnssec::NxProofKind;
use hickory_server::net::runtime::{Time, TokioRuntimeProvider};
use hickory_server::proto::dnssec::crypto::Ed25519SigningKey;
use hickory_server::proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS};
use hickory_server::proto::dnssec::{Algorithm, DigestType, DnssecSigner, SigningKey as _};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::proto::serialize::txt::Parser;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use ruad_dns::Settings;
use tempfile::NamedTempFile;

use super::Error;
use crate::dns::sockets;
use crate::zone::{self, Data};

/// Everybody's DNS: the root, what is right below it, and the zones of owners. What no zone holds does not exist.
pub struct Internet {
    address: SocketAddr,
    anchor: NamedTempFile,
    zones: Mutex<Vec<Zone>>,
    version: AtomicU64,
    served: Served,
    _server: Server<Answers>,
}

/// The zones as they are served.
type Served = Arc<RwLock<Vec<(Name, Arc<Catalog>)>>>;

/// A record: its name without the final dot, its type, and its data as in a master file; that of a TXT record is the
/// plain text.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Its data.
    pub value: String,
}

struct Zone {
    origin: Name,
    /// Absent for a zone that is not signed.
    key: Option<Vec<u8>>,
    records: BTreeSet<Entry>,
}

impl Internet {
    /// Serves what everybody publishes but the owner of `domain`, who has a signed zone and nothing in it.
    ///
    /// # Errors
    ///
    /// When there is no address to answer at, or the zones cannot be signed.
    pub async fn start(domain: &'static str) -> Result<Self, Error> {
        Self::of(SocketAddr::from(([127, 0, 0, 1], 0)), &[(domain, true)]).await
    }

    /// The same for several owners, at `address`; of each it is said whether the zone is signed.
    ///
    /// # Errors
    ///
    /// When the address cannot be had, or the zones cannot be signed.
    pub async fn of(address: SocketAddr, owned: &[(&str, bool)]) -> Result<Self, Error> {
        let above: BTreeSet<_> = owned.iter().filter_map(|(domain, _)| domain.rsplit('.').next()).collect();
        let above = above.into_iter().map(|label| (label, true));
        let mut zones = Vec::new();
        for (origin, is_signed) in [(".", true)].into_iter().chain(above).chain(owned.iter().copied()) {
            let key = if is_signed {
                Some(Ed25519SigningKey::generate_pkcs8().map_err(Error::dns)?.secret_pkcs8_der().to_vec())
            } else {
                None
            };
            zones.push(Zone { origin: name(origin)?, key, records: BTreeSet::new() });
        }
        let mut anchor = NamedTempFile::new()?;
        let root = zones.first().ok_or_else(|| Error::dns("no root"))?.public()?;
        let root = root.ok_or_else(|| Error::dns("the root is not signed"))?;
        writeln!(anchor, ". IN DNSKEY {root}")?;
        let (udp, tcp) = sockets(address).await?;
        let address = udp.local_addr()?;
        let served = Served::default();
        let mut server = Server::new(Answers(served.clone()));
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(5), 64 * 1024);
        let internet = Self {
            address,
            anchor,
            zones: Mutex::new(zones),
            version: AtomicU64::new(0),
            served,
            _server: server,
        };
        let mut all = everybody();
        all.extend(SERVERS.map(|(name, kind, value)| Entry::new(name, kind, value)));
        internet.change(|records| records.extend(all))?;
        Ok(internet)
    }

    /// Adds records; those that are there stay once.
    ///
    /// # Errors
    ///
    /// When they are no records.
    pub fn publish(&self, entries: impl IntoIterator<Item = Entry>) -> Result<(), Error> {
        self.change(|records| records.extend(entries))
    }

    /// Takes records away and adds others, together.
    ///
    /// # Errors
    ///
    /// When they are no records.
    pub fn replace(&self, gone: &BTreeSet<Entry>, new: BTreeSet<Entry>) -> Result<(), Error> {
        self.change(|records| {
            records.retain(|record| !gone.contains(record));
            records.extend(new);
        })
    }

    /// Takes a record away.
    ///
    /// # Errors
    ///
    /// When what is left cannot be signed.
    pub fn remove(&self, entry: &Entry) -> Result<bool, Error> {
        let mut was_there = false;
        self.change(|records| {
            let before = records.len();
            records.retain(|record| record != entry);
            was_there = records.len() < before;
        })?;
        Ok(was_there)
    }

    /// The values of the records of this name and type.
    pub fn values(&self, name: &str, kind: &str) -> Vec<String> {
        let is_meant = |entry: &&Entry| entry.name.eq_ignore_ascii_case(name) && entry.kind == kind;
        let zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        let records = zones.iter().flat_map(|zone| &zone.records);
        records.filter(is_meant).map(|entry| entry.value.clone()).collect()
    }

    /// The records of the domain's own zone, in the order of their names.
    pub fn own(&self) -> Vec<Entry> {
        let zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        zones.last().map(|zone| zone.records.iter().cloned().collect()).unwrap_or_default()
    }

    /// Another number after every change.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// The file with the key of the root, by which everything signed is known.
    pub fn anchor(&self) -> &Path {
        self.anchor.path()
    }

    /// How to ask it: everything is answered anew, because what the answers are changes with a time that clocks do not
    /// show.
    pub fn settings(&self) -> Settings {
        Settings {
            servers: vec![self.address],
            timeout: Duration::from_secs(5),
            retries: 0,
            cache_longest: Duration::ZERO,
            cache_longest_negative: Duration::ZERO,
            trust_anchor: Some(self.anchor.path().to_owned()),
            ..Settings::default()
        }
    }

    /// Changes all records together, gives each to its zone, and signs.
    fn change(&self, change: impl FnOnce(&mut BTreeSet<Entry>)) -> Result<(), Error> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        let before: Vec<_> = zones.iter().map(|zone| zone.records.clone()).collect();
        let mut all = before.iter().flatten().cloned().collect();
        change(&mut all);
        zones.iter_mut().for_each(|zone| zone.records.clear());
        for entry in all {
            let owner = name(&entry.name)?;
            let zone = zones.iter_mut().rev().find(|zone| zone.origin.zone_of(&owner));
            zone.ok_or_else(|| Error::dns("a record in no zone"))?.records.insert(entry);
        }
        let is_first = self.served.read().unwrap_or_else(PoisonError::into_inner).is_empty();
        for (index, before) in before.iter().enumerate() {
            let Some(zone) = zones.get(index) else { continue };
            if zone.records == *before && !is_first {
                continue;
            }
            let catalog = Arc::new(zone.catalog(&zone.below(&zones))?);
            self.version.fetch_add(1, Ordering::Relaxed);
            let mut served = self.served.write().unwrap_or_else(PoisonError::into_inner);
            match served.iter_mut().find(|(origin, _)| *origin == zone.origin) {
                Some(place) => place.1 = catalog,
                None => served.push((zone.origin.clone(), catalog)),
            }
        }
        Ok(())
    }
}

impl Entry {
    /// A record.
    pub fn new(name: impl Into<String>, kind: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), kind: kind.into(), value: value.into() }
    }

    /// A TXT record.
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(name, "TXT", value)
    }

    /// The line of a master file.
    fn line(&self) -> String {
        let Self { name, kind, value } = self;
        let dotted = |host: &str| if host.ends_with('.') { host.to_owned() } else { format!("{host}.") };
        let data = match kind.as_str() {
            "TXT" => quoted(value),
            "CNAME" | "NS" | "PTR" => dotted(value),
            "MX" => match value.split_once(' ') {
                Some((preference, host)) => format!("{preference} {}", dotted(host)),
                None => value.clone(),
            },
            _ => value.clone(),
        };
        format!("{} 300 IN {kind} {data}\n", dotted(name))
    }
}

impl Zone {
    fn signing(&self) -> Result<Option<Ed25519SigningKey>, Error> {
        let key = self.key.clone().map(|key| Ed25519SigningKey::from_pkcs8(&key.into()));
        key.transpose().map_err(Error::dns)
    }

    fn public(&self) -> Result<Option<DNSKEY>, Error> {
        let key = self.signing()?.map(|key| key.to_public_key()).transpose().map_err(Error::dns)?;
        Ok(key.map(|key| DNSKEY::from_key(&key)))
    }

    fn ds(&self) -> Result<Option<DS>, Error> {
        let Some(key) = self.public()? else { return Ok(None) };
        let hash = key.to_digest(&self.origin, DigestType::SHA256).map_err(Error::dns)?.as_ref().to_owned();
        let tag = key.calculate_key_tag().map_err(Error::dns)?;
        Ok(Some(DS::new(tag, Algorithm::ED25519, DigestType::SHA256, hash)))
    }

    /// The zones right below this one.
    fn below<'a>(&self, zones: &'a [Self]) -> Vec<&'a Self> {
        let above = |zone: &Self| Some(zone.origin.base_name()).filter(|_| !zone.origin.is_root());
        zones.iter().filter(|zone| above(zone).as_ref() == Some(&self.origin)).collect()
    }

    fn catalog(&self, below: &[&Self]) -> Result<Catalog, Error> {
        let mut text = format!(
            "$TTL 300\n$ORIGIN {}\n@ IN SOA {NS1}. hostmaster.dns-provider.test. 1 7200 900 1209600 300\n\
             @ IN NS {NS1}.\n@ IN NS {NS2}.\n",
            self.origin
        );
        for Self { origin, .. } in below {
            text += &format!("{origin} IN NS {NS1}.\n{origin} IN NS {NS2}.\n");
        }
        text.extend(self.records.iter().map(Entry::line));
        let (_, records) = Parser::new(text, None, Some(self.origin.clone()))
            .parse()
            .map_err(|error| Error::dns(format!("the zone {}: {error}", self.origin)))?;
        let mut handler = InMemoryZoneHandler::<TokioRuntimeProvider>::new(
            self.origin.clone(),
            records,
            ZoneType::Primary,
            AxfrPolicy::Deny,
            self.key.is_some().then_some(NxProofKind::Nsec),
        )
        .map_err(Error::dns)?;
        for below in below {
            if let Some(ds) = below.ds()? {
                let data = RData::DNSSEC(DNSSECRData::DS(ds));
                handler.upsert_mut(Record::from_rdata(below.origin.clone(), 300, data), 1);
            }
        }
        if let (Some(public), Some(key)) = (self.public()?, self.signing()?) {
            let signer = DnssecSigner::new(public, Box::new(key), self.origin.clone(), VALIDITY);
            handler.add_zone_signing_key_mut(signer).map_err(Error::dns)?;
            handler.secure_zone_mut().map_err(Error::dns)?;
        }
        let mut catalog = Catalog::new();
        catalog.upsert(self.origin.clone().into(), vec![Arc::new(handler)]);
        Ok(catalog)
    }
}

struct Answers(Served);

#[async_trait::async_trait]
impl RequestHandler for Answers {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        response: R,
    ) -> ResponseInfo {
        // What is no question is answered by one that holds nothing.
        let catalog = request
            .request_info()
            .ok()
            .and_then(|info| self.holder(&Name::from(info.query.name().clone()), info.query.query_type()));
        catalog.unwrap_or_default().handle_request::<R, T>(request, response).await
    }
}

impl Answers {
    /// Who answers a question.
    fn holder(&self, asked: &Name, kind: RecordType) -> Option<Arc<Catalog>> {
        let zones = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // What a zone above says of a key is asked of the zone above.
        let holds = |(origin, _): &&(Name, Arc<Catalog>)| {
            origin.zone_of(asked) && !(kind == RecordType::DS && origin == asked && !asked.is_root())
        };
        let nearest = zones.iter().filter(holds).max_by_key(|(origin, _)| origin.num_labels());
        nearest.map(|(_, catalog)| catalog.clone())
    }
}

/// What the reporters and the senders of the demo's world publish.
fn everybody() -> BTreeSet<Entry> {
    let records = zone::records().into_iter();
    let entries = records.map(|(name, data)| match data {
        Data::Txt(text) => Entry::text(name, text),
        Data::Address(address @ IpAddr::V4(_)) => Entry::new(name, "A", address.to_string()),
        Data::Address(address @ IpAddr::V6(_)) => Entry::new(name, "AAAA", address.to_string()),
        Data::Name(target) => Entry::new(name, "PTR", target),
    });
    entries.collect()
}

fn name(text: &str) -> Result<Name, Error> {
    let mut name = Name::from_ascii(text).map_err(Error::dns)?;
    name.set_fqdn(true);
    Ok(name)
}

/// As quoted strings of at most 255 bytes. The texts of this world are ASCII.
fn quoted(text: &str) -> String {
    let pieces = text.as_bytes().chunks(255).map(|piece| {
        let piece = String::from_utf8_lossy(piece).replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{piece}\"")
    });
    pieces.collect::<Vec<_>>().join(" ")
}

const NS1: &str = "ns1.dns-provider.test";
const NS2: &str = "ns2.dns-provider.test";

/// The name servers' own records, those of the mail provider, and of the installation that takes the reports.
const SERVERS: [(&str, &str, &str); 10] = [
    (NS1, "A", "192.0.2.53"),
    (NS1, "AAAA", "2001:db8:53::1"),
    (NS2, "A", "198.51.100.253"),
    (NS2, "AAAA", "2001:db8:54::1"),
    ("tulip-bikes.mail.protection.outlook.com", "A", "198.51.100.60"),
    ("tulip-bikes.mail.protection.outlook.com", "AAAA", "2001:db8:3650::60"),
    ("reports.example", "MX", "10 mx.reports.example"),
    ("mx.reports.example", "A", "203.0.113.251"),
    ("mx.reports.example", "AAAA", "2001:db8:25::1"),
    ("reports.example", "TXT", "v=spf1 -all"),
];

const VALIDITY: Duration = Duration::from_secs(60 * 86_400);
