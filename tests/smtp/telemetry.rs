//! Counters and logs.

use std::{
    cell::RefCell,
    io::{self, Write},
    time::Duration,
};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use ruad_smtp::Settings;

use crate::support::{Certificate, Receiver, soon};

/// Metrics of the thread, which is all there is in a `tokio::test`.
struct Metrics {
    handle: PrometheusHandle,
    _recorder: metrics::LocalRecorderGuard<'static>,
}

impl Metrics {
    fn new() -> Self {
        let recorder: &'static PrometheusRecorder =
            Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        let guard = metrics::set_default_local_recorder(recorder);
        ruad_smtp::telemetry::describe();
        Self { handle: recorder.handle(), _recorder: guard }
    }

    /// Waits until this line is among the metrics: a session counts itself after the client has seen it end.
    async fn expect(&self, line: &str) {
        let appears = async {
            while !self.handle.render().lines().any(|found| found == line) {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(5), appears).await.is_err() {
            panic!("no {line:?} in\n{}", self.handle.render());
        }
    }

    async fn limit(&self, limit: &str) {
        self.expect(&format!("ruad_smtp_limits_total{{limit=\"{limit}\"}} 1")).await;
    }
}

fn small(settings: &mut Settings) {
    settings.line_bytes = 200;
    settings.message_bytes = 100;
    settings.discard_bytes = 1000;
    settings.recipients_per_message = 1;
    settings.errors_per_session = 5;
}

#[tokio::test]
async fn every_limit_has_its_counter() {
    let metrics = Metrics::new();
    let receiver = Receiver::with(|settings| {
        small(settings);
        settings.sessions = 2;
        settings.sessions_per_address = 1;
    });
    let mut client = receiver.connect().await;
    assert!(receiver.connect_silently().await.rest().await.starts_with("421 "));
    metrics.limit("address_sessions").await;

    client.begin().await;
    client.expect("RCPT TO:<rua+2@reports.example>", "452 4.5.3").await;
    metrics.limit("recipients").await;
    client.expect(&"x".repeat(300), "500 5.5.2").await;
    metrics.limit("line").await;
    client.expect("DATA", "354 ").await;
    client.expect(&format!("{}\r\n.", "x".repeat(100)), "552 5.3.4").await;
    metrics.limit("message_size").await;
    client.transaction().await;
    client.expect("DATA", "354 ").await;
    client.send(&[b'x'; 2000]).await;
    assert!(client.rest().await.starts_with("552 5.3.4"));
    metrics.limit("discard").await;

    let mut client = receiver.connect().await;
    for _ in 0..5 {
        client.expect("WHAT", "500 5.5.1").await;
    }
    assert!(client.rest().await.starts_with("421 4.7.0"));
    metrics.limit("errors").await;
    metrics.expect("ruad_smtp_sessions_total{end=\"errors\"} 1").await;

    let receiver = Receiver::with(|settings| settings.sessions = 1);
    let only = receiver.connect().await;
    assert!(receiver.connect_silently().await.rest().await.starts_with("421 4.7.0"));
    metrics.limit("sessions").await;
    metrics.expect("ruad_smtp_sessions_open 1").await;
    drop(only);
    metrics.expect("ruad_smtp_sessions_open 0").await;

    let short = Duration::from_millis(50);
    let receiver = Receiver::with(|settings| settings.command_timeout = short);
    receiver.connect().await.rest().await;
    metrics.limit("command_timeout").await;
    let receiver = Receiver::with(|settings| settings.session_timeout = short);
    receiver.connect().await.rest().await;
    metrics.limit("session_timeout").await;
}

#[tokio::test]
async fn counts_messages_recipients_and_handshakes() {
    let metrics = Metrics::new();
    let certificate = Certificate::new();
    let receiver = Receiver::with_tls(&certificate);
    let client = receiver.connect().await;
    let mut client = client.start_tls(&certificate, "NOOP\r\n").await;
    client.begin().await;
    client.expect("RCPT TO:<x@elsewhere.example>", "550 5.7.1").await;
    client.expect("DATA", "354 ").await;
    client.expect("x\r\n.", "250 2.6.0").await;
    client.expect("QUIT", "221 ").await;
    for line in [
        "ruad_smtp_messages_total{outcome=\"stored\"} 1",
        "ruad_smtp_message_bytes_sum 3",
        "ruad_smtp_recipients_total{outcome=\"accepted\"} 1",
        "ruad_smtp_recipients_total{outcome=\"refused\"} 1",
        "ruad_smtp_tls_handshakes_total{outcome=\"ok\"} 1",
        "ruad_smtp_plaintext_discarded_total 1",
        "ruad_smtp_sessions_total{end=\"quit\"} 1",
        // What rcgen gives when nothing is asked for: the year 4096.
        "ruad_smtp_tls_certificate_expiry_timestamp_seconds 67090118400",
    ] {
        metrics.expect(line).await;
    }
    receiver.handle.reload_tls().unwrap();
    metrics.expect("ruad_smtp_tls_reloads_total{outcome=\"ok\"} 1").await;
}

thread_local! {
    /// What this thread, and so this test, has logged. (A subscriber for one thread only would be overlooked now and
    /// then by callsites that another thread meets first.)
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged() -> String {
    LOG.with_borrow(|log| String::from_utf8(log.clone()).unwrap())
}

#[tokio::test]
async fn logs_a_line_for_each_message_without_local_parts() {
    tracing_subscriber::fmt().with_ansi(false).with_env_filter("info").with_writer(|| Log).init();

    let receiver = Receiver::with(small);
    let mut client = receiver.connect().await;
    client.expect("EHLO client.example", "250-").await;
    for (body, answer) in [("x".to_owned(), "250 2.6.0"), ("x".repeat(200), "552 5.3.4")] {
        client.expect("MAIL FROM:<secret@sender.example>", "250 2.1.0").await;
        client.expect("RCPT TO:<secret@elsewhere.example>", "550 5.7.1").await;
        client.expect("RCPT TO:<secret@whole.example>", "250 2.1.5").await;
        client.expect("DATA", "354 ").await;
        client.expect(&format!("{body}\r\n."), answer).await;
    }
    client.expect("MAIL FROM:<secret>", "501 5.1.7").await;
    client.expect("VRFY secret", "252 2.").await;
    client.expect("EXPN secret", "502 5.").await;
    assert!(client.rest().await.starts_with("421 "));

    let ended = async {
        while !logged().contains("SMTP session ended") {
            tokio::task::yield_now().await;
        }
    };
    soon(ended).await;
    let text = logged();
    assert!(!text.contains("secret"), "{text}");
    let messages: Vec<_> = text.lines().filter(|line| line.contains("SMTP message")).collect();
    assert_eq!(messages.len(), 2, "{text}");
    for (line, outcome) in messages.iter().zip(["stored", "too_big"]) {
        assert!(line.contains(&format!("outcome=\"{outcome}\"")), "{line}");
        assert!(
            line.contains("from_domain=\"sender.example\"") && line.contains("client=127.0.0.1"),
            "{line}"
        );
    }
}
