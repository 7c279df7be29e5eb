//! A tree of signed zones on one loopback server, which answers for all of them as a recursive server would. The root
//! and `example.` are always there and signed; every zone is delegated from the one above it.

use std::{
    collections::BTreeMap,
    io::Write,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use hickory_server::{
    Server,
    dnssec::NxProofKind,
    net::runtime::{Time, TokioRuntimeProvider},
    proto::{
        dnssec::{
            Algorithm, DigestType, DnssecSigner, PublicKeyBuf, SigningKey, TBS,
            crypto::Ed25519SigningKey,
            rdata::{DNSKEY, DNSSECRData, DS, RRSIG},
        },
        op::ResponseCode,
        rr::{DNSClass, Name, RData, Record, RecordSet, RecordType, RrKey, SerialNumber},
        serialize::txt::Parser,
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{AxfrPolicy, Catalog, MessageResponseBuilder, ZoneType},
};
use ruad_dns::{Settings, Validator};
use tokio::net::{TcpListener, UdpSocket};

/// What is different about a zone.
#[derive(Clone)]
pub(crate) struct Zone {
    origin: &'static str,
    text: String,
    signed: bool,
    /// Iterations and salt.
    pub(crate) nsec3: Option<(u16, &'static [u8])>,
    /// What the parent says of the keys.
    pub(crate) ds: Ds,
    /// When signatures begin, in seconds from now; and for how long they are valid.
    pub(crate) inception: i64,
    pub(crate) validity: u64,
    /// Algorithms of keys that are published and sign nothing.
    pub(crate) idle_keys: Vec<u8>,
    /// Types whose signatures are damaged, or left out.
    pub(crate) damaged: Vec<RecordType>,
    pub(crate) unsigned: Vec<RecordType>,
    /// Questions for these types are answered with SERVFAIL, or with everything but signatures.
    pub(crate) failing: Vec<RecordType>,
}

/// The DS records of a delegation.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Ds {
    None,
    Good,
    /// Of a key that is not there.
    Wrong,
    /// With the number of a key that is there and another digest.
    WrongDigest,
    /// A good one and one of a key that is not there.
    GoodAndWrong,
    Sha1,
    /// Of an algorithm nobody knows.
    Unknown,
}

impl Zone {
    pub(crate) fn signed(origin: &'static str, text: &str) -> Self {
        Self {
            origin,
            text: text.to_owned(),
            signed: true,
            nsec3: None,
            ds: Ds::Good,
            inception: -3_600,
            validity: 30 * 86_400,
            idle_keys: Vec::new(),
            damaged: Vec::new(),
            unsigned: Vec::new(),
            failing: Vec::new(),
        }
    }

    pub(crate) fn unsigned(origin: &'static str, text: &str) -> Self {
        Self { signed: false, ds: Ds::None, ..Self::signed(origin, text) }
    }

    /// The same with one thing changed.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

pub(crate) struct Tree {
    address: SocketAddr,
    anchor: tempfile::NamedTempFile,
    state: Arc<State>,
    _server: Server<Handler>,
}

impl Tree {
    pub(crate) async fn serve(zones: &[Zone]) -> Self {
        let mut all = vec![Zone::signed(".", ""), Zone::signed("example.", "")];
        for zone in zones {
            all.retain(|other| other.origin != zone.origin);
            all.push(zone.clone());
        }
        let keys: Vec<_> = all.iter().map(|zone| Key::of(zone.origin)).collect();
        let served = all.iter().zip(&keys).map(|(zone, key)| Served::new(zone, key, &all, &keys)).collect();
        let mut anchor = tempfile::NamedTempFile::new().unwrap();
        writeln!(anchor, ". IN DNSKEY {}", keys[0].dnskey()).unwrap();
        let state = Arc::new(State { zones: served, ..State::default() });
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let mut server = Server::new(Handler(state.clone()));
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(5), 64 * 1024);
        Self { address, anchor, state, _server: server }
    }

    /// Answers with SERVFAIL to questions without CD, as a server does that validates and finds forgeries.
    pub(crate) fn fail_without_cd(&self) {
        *self.state.checking.lock().unwrap() = true;
    }

    /// How many questions were asked so far.
    pub(crate) fn count(&self) -> usize {
        self.state.count.load(Ordering::Relaxed)
    }

    /// Leaves signatures and denials out from now on.
    pub(crate) fn strip(&self) {
        *self.state.strips.lock().unwrap() = true;
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            servers: vec![self.address],
            timeout: Duration::from_secs(2),
            retries: 0,
            trust_anchor: Some(self.anchor.path().to_owned()),
            ..Settings::default()
        }
    }

    /// A validator that trusts the root of this tree.
    pub(crate) fn validator(&self) -> Validator {
        Validator::new(&self.settings(), 1_000, 50).unwrap()
    }
}

/// A zone's only signing key.
struct Key {
    pkcs8: Vec<u8>,
    origin: Name,
}

impl Key {
    fn of(origin: &str) -> Self {
        let pkcs8 = Ed25519SigningKey::generate_pkcs8().unwrap().secret_pkcs8_der().to_vec();
        Self { pkcs8, origin: Name::from_ascii(origin).unwrap() }
    }

    fn signing(&self) -> Ed25519SigningKey {
        Ed25519SigningKey::from_pkcs8(&self.pkcs8.clone().into()).unwrap()
    }

    fn dnskey(&self) -> DNSKEY {
        DNSKEY::from_key(&self.signing().to_public_key().unwrap())
    }

    fn signer(&self, validity: u64) -> DnssecSigner {
        let key = Box::new(self.signing());
        DnssecSigner::new(self.dnskey(), key, self.origin.clone(), Duration::from_secs(validity))
    }

    fn ds(&self, digest: DigestType) -> DS {
        let dnskey = self.dnskey();
        let hash = dnskey.to_digest(&self.origin, digest).unwrap().as_ref().to_owned();
        DS::new(dnskey.calculate_key_tag().unwrap(), Algorithm::ED25519, digest, hash)
    }

    fn all_ds(&self, kind: Ds) -> Vec<DS> {
        let good = self.ds(DigestType::SHA256);
        let wrong = DS::new(good.key_tag() ^ 1, Algorithm::ED25519, DigestType::SHA256, vec![7; 32]);
        match kind {
            Ds::None => vec![],
            Ds::Good => vec![good],
            Ds::Wrong => vec![wrong],
            Ds::WrongDigest => {
                vec![DS::new(good.key_tag(), Algorithm::ED25519, DigestType::SHA256, vec![7; 32])]
            }
            Ds::GoodAndWrong => vec![good, wrong],
            Ds::Sha1 => vec![self.ds(DigestType::SHA1)],
            Ds::Unknown => {
                vec![DS::new(good.key_tag(), Algorithm::Unknown(16), DigestType::SHA256, vec![7; 32])]
            }
        }
    }
}

struct Served {
    origin: Name,
    failing: Vec<RecordType>,
    catalog: Catalog,
    stripped: Catalog,
}

impl Served {
    fn new(zone: &Zone, key: &Key, all: &[Zone], keys: &[Key]) -> Self {
        let origin = key.origin.clone();
        let mut text = format!(
            "$TTL 60\n$ORIGIN {}\n@ IN SOA ns.invalid. root.invalid. 1 60 60 60 60\n@ IN NS ns.invalid.\nns IN A 127.0.0.1\n{}\n",
            zone.origin, zone.text
        );
        let mut more = Vec::new();
        for (child, child_key) in all.iter().zip(keys) {
            let parents = all.iter().filter(|other| {
                other.origin != child.origin
                    && Name::from_ascii(other.origin).unwrap().zone_of(&child_key.origin)
            });
            let parent = parents.max_by_key(|other| Name::from_ascii(other.origin).unwrap().num_labels());
            if parent.is_some_and(|parent| parent.origin == zone.origin) {
                text += &format!("{} IN NS ns.invalid.\n", child.origin);
                let ds = child_key.all_ds(child.ds).into_iter();
                more.extend(ds.map(|ds| (child_key.origin.clone(), DNSSECRData::DS(ds))));
            }
        }
        for algorithm in &zone.idle_keys {
            let public = PublicKeyBuf::new(vec![3; 64], Algorithm::from_u8(*algorithm));
            more.push((origin.clone(), DNSSECRData::DNSKEY(DNSKEY::with_flags(256, public))));
        }
        let (_, records) = Parser::new(text, None, Some(origin.clone())).parse().unwrap();
        let proof = match zone.nsec3 {
            Some((iterations, salt)) => NxProofKind::Nsec3 {
                algorithm: Default::default(),
                salt: salt.into(),
                iterations,
                opt_out: false,
            },
            None => NxProofKind::Nsec,
        };
        let catalog = |signs: bool| {
            let mut handler = InMemoryZoneHandler::<TokioRuntimeProvider>::new(
                origin.clone(),
                records.clone(),
                ZoneType::Primary,
                AxfrPolicy::Deny,
                signs.then(|| proof.clone()),
            )
            .unwrap();
            for (name, data) in more.clone() {
                handler.upsert_mut(Record::from_rdata(name, 60, RData::DNSSEC(data)), 1);
            }
            if signs {
                handler.add_zone_signing_key_mut(key.signer(zone.validity)).unwrap();
                handler.secure_zone_mut().unwrap();
                sign_again(handler.records_get_mut(), zone, key);
            }
            let mut catalog = Catalog::new();
            catalog.upsert(origin.clone().into(), vec![Arc::new(handler)]);
            catalog
        };
        let (catalog, stripped) = (catalog(zone.signed), catalog(false));
        Self { origin: origin.clone(), failing: zone.failing.clone(), catalog, stripped }
    }
}

/// Signs everything for the times that the zone wants, and damages what it wants damaged.
fn sign_again(records: &mut BTreeMap<RrKey, Arc<RecordSet>>, zone: &Zone, key: &Key) {
    let signer = key.signer(zone.validity);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let inception = u32::try_from(i64::try_from(now).unwrap() + zone.inception).unwrap();
    for set in records.values_mut() {
        let set = Arc::make_mut(set);
        let RData::DNSSEC(DNSSECRData::RRSIG(signature)) = &set.rrsigs()[0].data else { unreachable!() };
        let mut input = signature.input().clone();
        set.clear_rrsigs();
        if zone.unsigned.contains(&set.record_type()) {
            continue;
        }
        input.sig_inception = SerialNumber::new(inception);
        input.sig_expiration = SerialNumber::new(inception + u32::try_from(zone.validity).unwrap());
        let text = TBS::from_input(set.name(), DNSClass::IN, &input, set.records_without_rrsigs()).unwrap();
        let mut signature = RRSIG::from_sig(input, signer.sign(&text).unwrap());
        if zone.damaged.contains(&set.record_type()) {
            let mut bytes = signature.sig().to_vec();
            bytes[10] ^= 1;
            signature = RRSIG::from_sig(signature.input().clone(), bytes);
        }
        let data = RData::DNSSEC(DNSSECRData::RRSIG(signature));
        set.insert_rrsig(Record::from_rdata(set.name().clone(), set.ttl(), data));
    }
}

#[derive(Default)]
struct State {
    zones: Vec<Served>,
    count: AtomicUsize,
    checking: Mutex<bool>,
    strips: Mutex<bool>,
}

struct Handler(Arc<State>);

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        let query = request.request_info().unwrap().query.clone();
        let name = Name::from(query.name().clone());
        let kind = query.query_type();
        // What a parent says of its child is asked of the parent.
        let holds = |zone: &&Served| {
            zone.origin.zone_of(&name) && !(kind == RecordType::DS && zone.origin == name && !name.is_root())
        };
        let zone = self.0.zones.iter().filter(holds).max_by_key(|zone| zone.origin.num_labels()).unwrap();
        let hides = *self.0.checking.lock().unwrap() && !request.metadata.checking_disabled;
        if hides || zone.failing.contains(&kind) {
            let message = MessageResponseBuilder::from_message_request(request)
                .error_msg(&request.metadata, ResponseCode::ServFail);
            return response.send_response(message).await.unwrap();
        }
        if *self.0.strips.lock().unwrap() {
            return zone.stripped.handle_request::<R, T>(request, response).await;
        }
        zone.catalog.handle_request::<R, T>(request, response).await
    }
}
