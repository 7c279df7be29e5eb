//! A real name server on loopback that owns the root: what its zone does not hold does not exist. Zones are master
//! files (RFC 1035 section 5), in which comments may say what goes wrong:
//!
//! ```text
//! ; servfail: name     questions for this name and for names below it are answered with SERVFAIL
//! ; silent: name       … are not answered
//! ; also: record       is answered to questions of exactly its name and type, beside what it must not stand beside
//! ; nxdomain: name     this very name is said not to exist, whatever is below it
//! ; edns: code         questions with EDNS are answered with FORMERR or NOTIMP, others as the zone says
//! ; ttl: seconds       how long answers may be kept that the zone does not say it of; 60 without
//! ```

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use hickory_server::{
    Server,
    net::runtime::{Time, TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{LowerName, Name, Record, RecordSet, RecordType, RrKey},
        serialize::txt::Parser,
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{AxfrPolicy, Catalog, MessageResponseBuilder, ZoneType},
};
use ruad_dns::{Resolver, Settings, Validator};
use tokio::net::{TcpListener, UdpSocket};

pub(crate) struct Dns {
    address: SocketAddr,
    state: Arc<State>,
    _server: Server<Handler>,
}

impl Dns {
    /// Serves `zone`, with `domain.example.` as the origin of relative names.
    pub(crate) async fn serve(zone: &str) -> Self {
        loop {
            if let Some(server) = Self::serve_at("127.0.0.1:0".parse().unwrap(), zone).await {
                return server;
            }
        }
    }

    /// Serves `zone` at an address; `None` when one of its two ports is taken, be it by another process.
    pub(crate) async fn serve_at(address: SocketAddr, zone: &str) -> Option<Self> {
        Self::serve_zone(address, State::new(Zone::parse(zone))).await
    }

    /// Serves records that a master file cannot hold; questions for the names in `mute`, not for names below, are not
    /// answered.
    pub(crate) async fn serve_records(records: Vec<Record>, mute: Vec<Name>) -> Self {
        let mut all = BTreeMap::new();
        for record in Zone::records("")
            .into_values()
            .flat_map(|set| set.records_without_rrsigs().cloned().collect::<Vec<_>>())
            .chain(records)
        {
            let key = RrKey::new((&record.name).into(), record.record_type());
            let set = all
                .entry(key)
                .or_insert_with(|| RecordSet::new(record.name.clone(), record.record_type(), 0));
            set.insert(record, 0);
        }
        let mut zone = Zone::parse("");
        zone.catalog = Zone::catalog(all);
        zone.mute = mute.into_iter().map(LowerName::from).collect();
        let state = State::new(zone);
        loop {
            if let Some(server) = Self::serve_zone("127.0.0.1:0".parse().unwrap(), state.clone()).await {
                return server;
            }
        }
    }

    /// `None` when one of the address's two ports is taken, be it by another process.
    async fn serve_zone(address: SocketAddr, state: Arc<State>) -> Option<Self> {
        let udp = UdpSocket::bind(address).await.ok()?;
        let address = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(address).await.ok()?;
        let mut server = Server::new(Handler(state.clone()));
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(5), 64 * 1024);
        Some(Self { address, state, _server: server })
    }

    /// Serves another zone from now on.
    pub(crate) fn replace(&self, zone: &str) {
        *self.state.zone.write().unwrap() = Zone::parse(zone);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The questions asked so far, as `NAME TYPE`, in their order.
    pub(crate) fn questions(&self) -> Vec<String> {
        self.state.questions.lock().unwrap().clone()
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            servers: vec![self.address],
            timeout: Duration::from_millis(300),
            retries: 0,
            ..Settings::default()
        }
    }

    /// A resolver that asks this server and remembers nothing.
    pub(crate) fn resolver(&self) -> Resolver {
        Resolver::new(&self.settings(), 0, 200).unwrap()
    }

    /// A validator that asks this server, whose answers are not signed.
    pub(crate) fn validator(&self) -> Validator {
        Validator::new(&self.settings(), 0, 200).unwrap()
    }
}

struct State {
    zone: RwLock<Zone>,
    questions: Mutex<Vec<String>>,
}

impl State {
    fn new(zone: Zone) -> Arc<Self> {
        Arc::new(Self { zone: RwLock::new(zone), questions: Mutex::default() })
    }
}

struct Zone {
    catalog: Arc<Catalog>,
    /// The records of `; also:`, and their questions.
    second: Arc<Catalog>,
    seconds: Vec<(LowerName, RecordType)>,
    failing: Vec<LowerName>,
    silent: Vec<LowerName>,
    denied: Vec<LowerName>,
    mute: Vec<LowerName>,
    /// What is answered to who asks with EDNS.
    no_edns: Option<ResponseCode>,
}

impl Zone {
    fn parse(zone: &str) -> Self {
        let also: Vec<_> =
            zone.lines().filter_map(|line| line.strip_prefix("; also:")).map(str::trim).collect();
        let second = Self::records(&also.join("\n"));
        let seconds = second.keys().map(|key| (key.name().clone(), key.record_type)).collect();
        let named = |directive: &str| {
            let names = zone.lines().filter_map(|line| line.strip_prefix(directive));
            names.map(|name| Name::from_ascii(format!("{}.", name.trim())).unwrap().into()).collect()
        };
        Self {
            catalog: Self::catalog(Self::records(zone)),
            second: Self::catalog(second),
            seconds,
            failing: named("; servfail:"),
            silent: named("; silent:"),
            denied: named("; nxdomain:"),
            mute: Vec::new(),
            no_edns: zone.lines().find_map(|line| line.strip_prefix("; edns:")).map(|code| {
                match code.trim() {
                    "formerr" => ResponseCode::FormErr,
                    _ => ResponseCode::NotImp,
                }
            }),
        }
    }

    fn records(zone: &str) -> BTreeMap<RrKey, RecordSet> {
        let ttl = zone.lines().find_map(|line| line.strip_prefix("; ttl:")).map_or("60", str::trim);
        let start =
            format!("$TTL {ttl}\n. IN SOA ns. root. 1 60 60 60 {ttl}\n. IN NS ns.\nns. IN A 127.0.0.1\n");
        let text = format!("{start}$ORIGIN domain.example.\n{zone}\n");
        Parser::new(text, None, Some(Name::root())).parse().unwrap().1
    }

    fn catalog(records: BTreeMap<RrKey, RecordSet>) -> Arc<Catalog> {
        let handler = InMemoryZoneHandler::<TokioRuntimeProvider>::new(
            Name::root(),
            records,
            ZoneType::Primary,
            AxfrPolicy::Deny,
            None,
        );
        let mut catalog = Catalog::new();
        catalog.upsert(Name::root().into(), vec![Arc::new(handler.unwrap())]);
        Arc::new(catalog)
    }
}

struct Handler(Arc<State>);

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        let query = request.request_info().unwrap().query.clone();
        let name = query.name().to_string();
        let line = format!("{} {}", name.trim_end_matches('.').to_lowercase(), query.query_type());
        self.0.questions.lock().unwrap().push(line);
        let (catalog, fails, silent, denied, no_edns) = {
            let zone = self.0.zone.read().unwrap();
            let is_in = |names: &[LowerName]| names.iter().any(|apex| apex.zone_of(query.name()));
            let is_second = zone.seconds.contains(&(query.name().clone(), query.query_type()));
            let catalog = if is_second { &zone.second } else { &zone.catalog };
            let denied = zone.denied.contains(query.name());
            let is_silent = is_in(&zone.silent) || zone.mute.contains(query.name());
            (catalog.clone(), is_in(&zone.failing), is_silent, denied, zone.no_edns)
        };
        if silent {
            return std::future::pending().await;
        }
        if let Some(code) = no_edns.filter(|_| request.edns.is_some()) {
            let message =
                MessageResponseBuilder::from_message_request(request).error_msg(&request.metadata, code);
            return response.send_response(message).await.unwrap();
        }
        if fails || denied {
            let code = if fails { ResponseCode::ServFail } else { ResponseCode::NXDomain };
            let message =
                MessageResponseBuilder::from_message_request(request).error_msg(&request.metadata, code);
            return response.send_response(message).await.unwrap();
        }
        catalog.handle_request::<R, T>(request, response).await
    }
}
