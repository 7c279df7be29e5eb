//! The daemon with a name server and a registry.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::{daemon::Daemon, dns::Dns, world::ONE_HOST};

#[test]
fn a_daemon_watches_its_domains() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dns = runtime.block_on(Dns::serve(ONE_HOST));
    let extra = format!(
        "[dns]\nservers = [\"{}\"]\ntimeout = 0.5\nretries = 0\n[domains]\nfile = \"domains.toml\"\n",
        dns.address()
    );
    let mut daemon = Daemon::new(&extra);
    let file = daemon.folder().join("domains.toml");
    let list = |domains: &[&str]| {
        let text = format!("[[group]]\nname = \"acme\"\ndomains = {domains:?}\n");
        fs::write(&file, text).unwrap();
    };
    list(&["domain.example", "other.example"]);
    daemon.start();
    daemon.wait_ready();
    let http = daemon.http;
    let patience = Duration::from_secs(60);
    let shows = |text: &str| request(http, "GET", "/metrics", "").1.contains(text);
    daemon.wait("the first examinations", patience, || {
        shows("status{domain=\"domain.example\"") && shows("status{domain=\"other.example\"")
    });

    let post = |path: &str, headers: &str| request(http, "POST", path, headers).0;
    assert_eq!(post("/check?domain=domain.example", "Origin: https://evil.example\r\n"), 403);
    assert_eq!(post("/check", ""), 400);
    assert_eq!(post("/check?domain=else.example", ""), 404);
    assert_eq!(request(http, "GET", "/check?domain=domain.example", "").0, 405);
    let before = examinations(http);
    assert_eq!(post("/check?domain=domain.example", ""), 202);
    assert_eq!(post("/check?domain=domain.example", ""), 429);
    daemon.wait("one more examination", patience, || examinations(http) > before);

    list(&["other.example"]);
    daemon.hang_up();
    daemon.wait("the series to vanish", patience, || !shows("domain=\"domain.example\""));
    assert!(shows("status{domain=\"other.example\""));
    assert_eq!(post("/check?domain=domain.example", ""), 404);
    daemon.wait("the rows", patience, || {
        let rows: Vec<u64> = daemon.query("SELECT uniqExact(domain) FROM dns_checks");
        rows == [2]
    });

    // What alerts ask for is there: before anything has gone wrong, and at once after a start.
    for line in
        ["ruad_spool_lost_messages_total 0\n", "ruad_spool_quarantine_dropped_total{rank=\"believed\"} 0\n"]
    {
        assert!(shows(line), "{line}");
    }
    assert!(shows("ruad_health_dropped_rows_total{table=\"domain_events\"} 0\n"));
    let limit =
        "ruad_dkim_key_age_limit_seconds{domain=\"other.example\",group=\"acme\",level=\"error\"} 31536000\n";
    assert!(shows(limit));
    assert!(daemon.metric("ruad_spool_disk_free_bytes").is_some_and(|free| free > 1e6));
    let client = daemon.client();
    let insert = client.query(
        "INSERT INTO domain_events (domain, id, seen_at, confirmed_at, kind, subject) \
         VALUES ('other.example', generateUUIDv4(), now() - 60, now(), 'dkim.key_gone', 's1')",
    );
    runtime.block_on(insert.execute()).unwrap();
    daemon.stop();
    daemon.start();
    daemon.wait_ready();
    let http = daemon.http;
    let event = "ruad_domain_event_timestamp_seconds{domain=\"other.example\",group=\"acme\",kind=\"dkim.key_gone\",subject=\"s1\"} ";
    daemon.wait("the event", patience, || request(http, "GET", "/metrics", "").1.contains(event));
    daemon.stop();
}

/// Examinations so far.
fn examinations(http: SocketAddr) -> u64 {
    let (_, page) = request(http, "GET", "/metrics", "");
    let lines = page.lines().filter(|line| line.starts_with("ruad_health_examinations_total{"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// Status and body.
fn request(address: SocketAddr, method: &str, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {address}\r\n{headers}Content-Length: 0\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
