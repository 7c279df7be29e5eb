//! A domain with a store, a registry and a web server.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use metrics_exporter_prometheus::PrometheusBuilder;
use ruad::{
    advice::{Class, Counts, Plan, Recent, Rule, Sender, Setup, Stage, Traffic, Window},
    certificate::{Certificate, Issuer, Register, SigningKey, Subject, certificates},
    health::posture::{Key, Posture},
    http::{self, Health},
    store::Store,
};
use ruad_dns::profile::{Profile, Score};
use ruad_dns::{
    dkim::Kind,
    dmarc::{Policies, Policy},
};
use ruad_registry::{Registry, SenderId, Shared};

use crate::engine::Engine;

pub(crate) const DOMAIN: &str = "customer.example";
pub(crate) const URL: &str = "https://dmarc.msp.example";
pub(crate) const DAY: u64 = 86_400;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) issuer: Issuer,
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
    register: Register,
    pub(crate) now: u64,
}

/// An answer of the web server.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl World {
    /// One whose web server knows the store.
    pub(crate) async fn new() -> Self {
        let world = Self::without_store().await;
        world.register.open(world.store.clone());
        world
    }

    /// One whose web server does not know the store yet.
    pub(crate) async fn without_store() -> Self {
        let store = Engine::shared().store().await;
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::open(&folder.path().join("certificate.pem")).unwrap();
        let issuer = Issuer::new(URL.parse().unwrap(), key);
        let text = format!("[[group]]\nname = \"acme\"\ndomains = [\"{DOMAIN}\", \"other.example\"]\n");
        std::fs::write(folder.path().join("domains.toml"), &text).unwrap();
        let registry = Shared::fixed(Registry::parse(&text, "domains.toml").unwrap());
        let register = Register::remembering(&issuer, registry, Duration::ZERO);
        let address = serve(Some(register.clone())).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Self { store, issuer, address, folder, register, now }
    }

    /// Lets the adviser's hour pass for one domain.
    pub(crate) async fn run(&self, domain: &Domain) -> Vec<Certificate> {
        let subjects = [domain.subject()];
        certificates(&self.store, &subjects, &self.issuer, 30, self.now).await.unwrap()
    }

    /// Keeps what a plan said: `ago` seconds before now, of the day that this was.
    pub(crate) async fn plan(&self, domain: &str, ago: u64, score: Option<f32>, policy: &str) {
        let at = self.now - ago;
        let score = score.map_or("NULL".to_owned(), |score| score.to_string());
        let statement = format!(
            "INSERT INTO domain_stages (domain, day, computed_at, score, policy) \
             SELECT '{domain}', toDate(toDateTime({at}, 'UTC')), {at}, {score}, '{policy}'"
        );
        self.store.client().query_raw(&statement).execute().await.unwrap();
    }

    /// Runs a statement, without the question marks that the client would take for places.
    pub(crate) async fn execute(&self, statement: &str) {
        self.store.client().query_raw(statement).execute().await.unwrap();
    }

    /// The kinds of the events about a certificate, in their order.
    pub(crate) async fn events(&self) -> Vec<String> {
        let query = "SELECT toString(kind) FROM domain_events FINAL WHERE check = 'certificate' \
                     ORDER BY seen_at, kind = 'certificate.restored', kind = 'certificate.void'";
        self.store.client().query_raw(query).fetch_all().await.unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        get(self.address, path, "")
    }

    pub(crate) fn get_with(&self, path: &str, headers: &str) -> Answer {
        get(self.address, path, headers)
    }
}

/// A domain that has earned a certificate, with what is known of it.
pub(crate) struct Domain {
    pub(crate) plan: Plan,
    pub(crate) posture: Posture,
    traffic: Traffic,
}

impl Domain {
    pub(crate) fn perfect(domain: &str, now: u64) -> Self {
        let reject = Policy::Reject;
        let posture = Posture {
            score: Some(Score::BEST),
            policies: Some(Policies { domain: reject, subdomains: reject, nonexistent: reject }),
            reports_to_us: Some(true),
            spf: Some("v=spf1 ip4:192.0.2.0/24 -all".to_owned()),
            keys: vec![Key {
                selector: "s1".to_owned(),
                fingerprint: Some("f".to_owned()),
                kind: Kind::Rsa,
                bits: 2048,
                alias: None,
                age_days: None,
                text: String::new(),
            }],
            receives: Some(true),
            has_tls_rpt: true,
            ..Posture::empty(domain, now)
        };
        let plan = Plan {
            domain: domain.to_owned(),
            at: now,
            stage: Stage::Maintained,
            stage_since: now,
            progress: 1.0,
            score: Some(Score::BEST),
            is_parked: false,
            readiness: None,
            steps: Vec::new(),
            perfect_since: Some(now - 31 * DAY),
        };
        let today = u32::try_from(now / DAY).unwrap();
        let sender = Sender {
            id: SenderId::service("one"),
            name: "One".to_owned(),
            category: None,
            counts: Counts { messages: 41_870, passed: 41_866, ..Counts::default() },
            recent: Recent::default(),
            share: 1.0,
            addresses: 3,
            active_days: 30,
            first_day: today - 200,
            last_day: today - 1,
            class: Class::Aligned,
            rule: Rule("test"),
            setup: Setup::default(),
        };
        let traffic = Traffic {
            reported: Some((today - 200, today - 1)),
            window: Window { from: today - 30, to: today - 1, days: 30, messages: 48_213, is_grown: false },
            senders: vec![sender],
            ..Traffic::default()
        };
        Self { plan, posture, traffic }
    }

    /// The same with something wrong.
    pub(crate) fn worse(mut self) -> Self {
        let profile = Profile::named("default").unwrap();
        self.plan.score = Some(profile.score(ruad_dns::Code::all()));
        self.plan.perfect_since = None;
        self
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        let Self { plan, posture, traffic } = self;
        Subject { plan, posture, traffic, group: "acme", profile: "default" }
    }
}

/// Starts a web server on a free port.
pub(crate) async fn serve(register: Option<Register>) -> SocketAddr {
    let settings = http::Settings { listen: ([127, 0, 0, 1], 0).into(), ..Default::default() };
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let server = http::Server::bind(&settings, metrics, Health::default(), None).await.unwrap();
    let server = match register {
        Some(register) => server.with_certificates(register),
        None => server,
    };
    let address = server.local_addr().unwrap();
    tokio::spawn(server.run(std::future::pending()));
    address
}

pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer { status, headers, body: body.to_owned() }
}
