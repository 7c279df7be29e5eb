use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    proto::{
        op::{Message, ResponseCode},
        rr::{
            Name, RData, Record, RecordType,
            rdata::{A, AAAA, PTR, SOA, TXT},
        },
    },
};
use ruad_dns::Settings;
use tokio::{net::UdpSocket, task::AbortHandle};

/// A name server on loopback that knows what the test tells it, and counts the questions.
pub(crate) struct Server {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    task: AbortHandle,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let zone = Arc::new(Mutex::new(Zone::default()));
        let task = tokio::spawn(serve(socket, zone.clone())).abort_handle();
        Self { address, zone, task }
    }

    pub(crate) fn txt(&self, name: &str, text: &str) -> &Self {
        let strings =
            text.as_bytes().chunks(255).map(|part| String::from_utf8(part.to_vec()).unwrap()).collect();
        self.add(name, RData::TXT(TXT::new(strings)))
    }

    pub(crate) fn address(&self, name: &str, ip: &str) -> &Self {
        match ip.parse().unwrap() {
            IpAddr::V4(ip) => self.add(name, RData::A(A(ip))),
            IpAddr::V6(ip) => self.add(name, RData::AAAA(AAAA(ip))),
        }
    }

    pub(crate) fn reverse(&self, ip: &str, name: &str) -> &Self {
        let ip: IpAddr = ip.parse().unwrap();
        self.add(
            &Name::from(ip).to_ascii(),
            RData::PTR(PTR(Name::from_labels(name.split('.').map(str::as_bytes)).unwrap())),
        )
    }

    /// Answers questions for `name` with SERVFAIL.
    pub(crate) fn broken(&self, name: &str) -> &Self {
        self.set(name, Some(Fault::ServFail))
    }

    /// Does not answer questions for `name`.
    pub(crate) fn silent(&self, name: &str) -> &Self {
        self.set(name, Some(Fault::Silence))
    }

    /// Answers questions for `name` again.
    pub(crate) fn mended(&self, name: &str) -> &Self {
        self.set(name, None)
    }

    /// How many questions were asked so far.
    pub(crate) fn questions(&self) -> usize {
        self.zone.lock().unwrap().questions.len()
    }

    /// How many questions were asked for `name`.
    pub(crate) fn questions_for(&self, name: &str) -> usize {
        let name = fqdn(name);
        self.zone.lock().unwrap().questions.iter().filter(|asked| **asked == name).count()
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            servers: vec![self.address],
            timeout: Duration::from_millis(300),
            retries: 0,
            ..Settings::default()
        }
    }

    pub(crate) fn resolver(&self) -> TokioResolver {
        self.settings().resolver(1_000).unwrap()
    }

    fn add(&self, name: &str, data: RData) -> &Self {
        self.zone.lock().unwrap().records.entry(fqdn(name)).or_default().push(data);
        self
    }

    fn set(&self, name: &str, fault: Option<Fault>) -> &Self {
        let mut zone = self.zone.lock().unwrap();
        match fault {
            Some(fault) => zone.faults.insert(fqdn(name), fault),
            None => zone.faults.remove(&fqdn(name)),
        };
        drop(zone);
        self
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Default)]
struct Zone {
    records: HashMap<String, Vec<RData>>,
    faults: HashMap<String, Fault>,
    questions: Vec<String>,
}

#[derive(Clone, Copy)]
enum Fault {
    ServFail,
    Silence,
}

async fn serve(socket: UdpSocket, zone: Arc<Mutex<Zone>>) {
    let mut buffer = vec![0; 4_096];
    loop {
        let (length, client) = socket.recv_from(&mut buffer).await.unwrap();
        let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
        if let Some(answer) = answer(question, &mut zone.lock().unwrap()) {
            socket.try_send_to(&answer.to_vec().unwrap(), client).unwrap();
        }
    }
}

fn answer(question: Message, zone: &mut Zone) -> Option<Message> {
    let query = question.queries.first()?.clone();
    let name = fqdn(&query.name().to_ascii());
    zone.questions.push(name.clone());
    let mut answer = question.into_response();
    match zone.faults.get(&name) {
        Some(Fault::Silence) => return None,
        Some(Fault::ServFail) => {
            answer.metadata.response_code = ResponseCode::ServFail;
            return Some(answer);
        }
        None => {}
    }
    let records = zone.records.get(&name);
    for data in records.into_iter().flatten().filter(|data| data.record_type() == query.query_type()) {
        answer.add_answer(Record::from_rdata(query.name().clone(), 3_600, data.clone()));
    }
    if answer.answers.is_empty() {
        if records.is_none() {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
        let soa = SOA::new(Name::root(), Name::root(), 1, 3_600, 600, 86_400, 300);
        answer.add_authority(Record::from_rdata(Name::root(), 300, RData::SOA(soa)));
    }
    debug_assert_ne!(query.query_type(), RecordType::ANY);
    Some(answer)
}

fn fqdn(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.').to_ascii_lowercase())
}
