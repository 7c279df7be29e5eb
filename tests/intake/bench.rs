//! A spool, a store and an intake between them.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ruad::{
    intake::{Intake, Require, Settings},
    provenance::{self, Authenticator},
    sources::{self, Sources},
    store::Store,
};
use ruad_dns as dns;
use ruad_registry::{self, Registry};
use ruad_smtp::KnownNetworks;
use ruad_spool as spool;
use ruad_spool::{Backlog, Envelope, Inspector, Spool};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{engine::Engine, wait::until_async};

/// A spool, a store and an intake between them.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) require: Require,
    pub(crate) stranger_rows: u64,
    pub(crate) known: KnownNetworks,
    /// Who answers about senders; without one nobody is asked.
    pub(crate) dns: Option<dns::Settings>,
    spool: Option<Spool>,
    settings: spool::Settings,
    folder: TempDir,
}

/// An intake that runs.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Bench {
    pub(crate) async fn new(engine: &Engine) -> Self {
        Self::over(engine.store().await)
    }

    pub(crate) fn over(store: Store) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("spool");
        let segment_age = Duration::from_millis(100);
        let settings = spool::Settings { path, segment_age, min_free_bytes: 0, ..Default::default() };
        let spool = Some(Spool::open(&settings).unwrap());
        let stranger_rows = Settings::default().stranger_rows;
        Self {
            store,
            require: Require::Nothing,
            stranger_rows,
            known: KnownNetworks::default(),
            dns: None,
            spool,
            settings,
            folder,
        }
    }

    /// Puts messages into one segment, which is closed when this returns.
    pub(crate) async fn send(&self, messages: &[String]) {
        self.send_from("reporter.example", messages).await;
    }

    /// The same from the host and in the name of somebody else.
    pub(crate) async fn send_from(&self, reporter: &str, messages: &[String]) {
        let messages: Vec<_> = messages
            .iter()
            .map(|message| (envelope(reporter), message.replace("reporter.example", reporter)))
            .collect();
        self.deliver(messages).await;
    }

    /// The same from these hosts, each in the name of the reporter.
    pub(crate) async fn send_by(&self, messages: &[(&str, String)]) {
        let messages = messages.iter().map(|(client, message)| {
            let client_ip = client.parse().unwrap();
            (Envelope { client_ip, ..envelope("reporter.example") }, message.clone())
        });
        self.deliver(messages.collect()).await;
    }

    async fn deliver(&self, messages: Vec<(Envelope, String)>) {
        let before = self.spool().closed().len();
        let commits = messages.into_iter().map(async |(envelope, message)| {
            let mut incoming = self.spool().incoming();
            incoming.write(message.as_bytes()).await.unwrap();
            incoming.commit(envelope).await.unwrap();
        });
        futures_util::future::join_all(commits).await;
        until_async("the segment to close", async || self.spool().closed().len() > before).await;
    }

    pub(crate) fn start(&self) -> Running {
        let nobody = dns::Settings { servers: vec!["127.0.0.1:1".parse().unwrap()], ..Default::default() };
        let provenance = provenance::Settings { enabled: self.dns.is_some(), ..Default::default() };
        let dns = self.dns.clone().unwrap_or(nobody);
        let authenticator = Authenticator::new(&provenance, dns.resolver(16).unwrap());
        let sources = Sources::new(&sources::Settings::default(), dns.resolver(16).unwrap()).unwrap();
        let registry =
            Registry::parse("[[group]]\nname = \"acme\"\ndomains = [\"acme.example\"]\n", "test").unwrap();
        let settings =
            Settings { require: self.require, stranger_rows: self.stranger_rows, ..Default::default() };
        let intake = Intake::new(
            settings,
            self.spool().clone(),
            self.store.clone(),
            ruad_registry::Shared::fixed(registry),
            (authenticator, provenance),
            sources.queue().0,
        )
        .telling(self.known.clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        Running { stop, task: tokio::spawn(async move { intake.run(stopped).await }) }
    }

    pub(crate) async fn wait_until_empty(&self) {
        until_async("an empty queue", async || self.backlog().segments == 0).await;
    }

    pub(crate) async fn run_until_empty(&self) {
        self.run_until(|bench| bench.backlog().segments == 0).await;
    }

    pub(crate) async fn run_until(&self, condition: impl Fn(&Self) -> bool) {
        let running = self.start();
        until_async("the intake", async || condition(self)).await;
        running.stop().await;
    }

    pub(crate) fn has_decisions(&self) -> bool {
        let closed = self.spool().closed();
        closed.iter().any(|segment| self.spool().read_side(*segment, "decisions").unwrap().is_some())
    }

    pub(crate) fn backlog(&self) -> Backlog {
        self.spool().backlog()
    }

    pub(crate) async fn query(&self, query: &str) {
        self.store.client().query_raw(query).execute().await.unwrap();
    }

    /// Makes a table unknown, which ClickHouse's clients have to wait for.
    pub(crate) async fn take_away(&self, table: &str) {
        self.query(&format!("RENAME TABLE {table} TO {table}_away")).await;
    }

    pub(crate) async fn bring_back(&self, table: &str) {
        self.query(&format!("RENAME TABLE {table}_away TO {table}")).await;
    }

    /// Puts everything from quarantine back into the queue and runs until it is done.
    pub(crate) async fn requeue(&self) {
        self.requeue_and(|bench| bench.backlog().quarantined == 0 && bench.backlog().segments == 0).await;
    }

    /// The same, until something is so.
    pub(crate) async fn requeue_and(&self, condition: impl Fn(&Self) -> bool) {
        let inspector = Inspector::new(&self.settings);
        let ids: Vec<_> = inspector.quarantine().unwrap().map(|message| message.id).collect();
        inspector.requeue(ids).unwrap();
        // The spool notices what was put in when it is asked for the next segment.
        let before = Inspector::new(&self.settings).segments().unwrap();
        let is_taken = |bench: &Self| !before.iter().any(|segment| bench.waits(segment.id));
        self.run_until(|bench| is_taken(bench) && condition(bench)).await;
    }

    /// Whether a segment is in the spool's folder.
    fn waits(&self, id: spool::SegmentId) -> bool {
        Inspector::new(&self.settings).segments().unwrap().iter().any(|segment| segment.id == id)
    }

    /// The spool's folder as it is now.
    pub(crate) fn copy_of_spool(&self) -> TempDir {
        let copy = TempDir::new_in(self.folder.path()).unwrap();
        copy_files(&self.settings.path, copy.path());
        copy
    }

    /// Puts the copy where the spool was and opens that.
    pub(crate) async fn restore(&mut self, copy: &TempDir) {
        if let Some(spool) = self.spool.take() {
            spool.close().await.unwrap();
        }
        fs::remove_dir_all(&self.settings.path).unwrap();
        copy_files(copy.path(), &self.settings.path);
        self.spool = Some(Spool::open(&self.settings).unwrap());
    }

    fn spool(&self) -> &Spool {
        self.spool.as_ref().unwrap()
    }
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// A mail with an aggregate report of so many records: the first stands for one message, the next for two, and so on.
pub(crate) fn report(id: &str, records: usize) -> String {
    let begin = now() / 86_400 * 86_400 - 86_400;
    let mut xml = format!(
        "<feedback><report_metadata><org_name>Reporter</org_name><email>reports@reporter.example</email>\
         <report_id>{id}</report_id><date_range><begin>{begin}</begin><end>{}</end></date_range></report_metadata>\
         <policy_published><domain>acme.example</domain><p>none</p></policy_published>\r\n",
        begin + 86_399
    );
    for record in 0..records {
        xml += &format!(
            "<record><row><source_ip>10.{}.{}.{}</source_ip><count>{}</count><policy_evaluated>\
             <disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers>\
             <header_from>acme.example</header_from></identifiers></record>\r\n",
            record >> 16 & 255,
            record >> 8 & 255,
            record & 255,
            record + 1
        );
    }
    eml(&format!("Report Domain: acme.example Submitter: reporter.example Report-ID: <{id}>"), "text/xml", &{
        xml + "</feedback>\r\n"
    })
}

pub(crate) fn tls_report() -> String {
    let json = r#"{"organization-name":"Reporter","date-range":{"start-datetime":"2026-11-01T00:00:00Z",
        "end-datetime":"2026-11-01T23:59:59Z"},"contact-info":"reports@reporter.example","report-id":"t1","policies":[
        {"policy":{"policy-type":"sts","policy-string":["version: STSv1"],"policy-domain":"Acme.example","mx-host":["mx"]},
        "summary":{"total-successful-session-count":5,"total-failure-session-count":2},"failure-details":[
        {"result-type":"certificate-expired","sending-mta-ip":"192.0.2.1","failed-session-count":2}]}]}"#;
    eml("Report Domain: acme.example", "application/tlsrpt+json", json)
}

pub(crate) fn failure_report() -> String {
    let boundary = "multipart/report; report-type=feedback-report; boundary=a";
    let body = "--a\r\nContent-Type: text/plain\r\n\r\nA message failed.\r\n--a\r\n\
        Content-Type: message/feedback-report\r\n\r\nFeedback-Type: auth-failure\r\nVersion: 1\r\nUser-Agent: x\r\n\
        Original-Mail-From: <alice@acme.example>\r\nSource-IP: 192.0.2.1\r\nReported-Domain: acme.example\r\n\
        Auth-Failure: dmarc\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nFrom: alice <alice@acme.example>\r\n\
        Subject: hello\r\n\r\nprivate\r\n--a--\r\n";
    eml("FW: hello", boundary, body)
}

pub(crate) fn eml(subject: &str, content_type: &str, body: &str) -> String {
    format!(
        "From: reports@reporter.example\r\nTo: rua@reports.example\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: {content_type}\r\n\r\n{body}"
    )
}

fn envelope(reporter: &str) -> Envelope {
    Envelope {
        received_at: now() * 1000,
        client_ip: "192.0.2.25".parse().unwrap(),
        helo: format!("mail.{reporter}"),
        tls: Some("TLSv1.3".into()),
        mail_from: format!("reports@{reporter}"),
        rcpt_to: vec!["rua@reports.example".into()],
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_files(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
