use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ruad::sources::{Category, Inbox, Settings, SourceRow, Sources};
use tokio::task::JoinHandle;

use crate::{dns::Server, wait::until_async};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mmdb").join(name)
}

/// A hurry that no network needs.
fn settings() -> Settings {
    Settings { per_second: 1_000, batch_wait: Duration::from_millis(20), ..Settings::default() }
}

/// What the store of a test holds.
#[derive(Clone, Default)]
struct Store {
    rows: Arc<Mutex<Vec<SourceRow>>>,
    missing: Arc<Mutex<Vec<IpAddr>>>,
    refuses: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
}

impl Store {
    fn run(&self, sources: &Sources, inbox: Inbox) -> JoinHandle<()> {
        let (sources, store) = (sources.clone(), self.clone());
        tokio::spawn(async move {
            let missing = |_| async { Ok(std::mem::take(&mut *store.missing.lock().unwrap())) };
            let keep = |rows: Vec<SourceRow>| async {
                if store.refuses.load(Ordering::SeqCst) {
                    store.refused.fetch_add(rows.len(), Ordering::SeqCst);
                    return Err("read only");
                }
                store.rows.lock().unwrap().extend(rows);
                Ok(())
            };
            sources.run(inbox, missing, keep).await;
        })
    }

    async fn wait_for(&self, rows: usize) -> Vec<SourceRow> {
        until_async("the rows", async || self.rows.lock().unwrap().len() >= rows).await;
        let mut rows = self.rows.lock().unwrap().clone();
        rows.sort_by_key(|row| row.ip);
        rows
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn addresses_become_rows() {
    let server = Server::start().await;
    server.reverse("192.0.2.1", "Mail-1.Google.com").address("mail-1.google.com", "192.0.2.1");
    // Anybody can claim to be Google.
    server.reverse("192.0.2.2", "mail-2.google.com").address("mail-2.google.com", "192.0.2.1");
    server.reverse("192.0.2.3", "first.example").reverse("192.0.2.3", "second.example");
    server.address("second.example", "192.0.2.3");
    server.reverse("192.0.2.4", "bad host.example");
    server.reverse("2001:db8::1", "mx.example").address("mx.example", "2001:db8::1");
    let databases = vec![fixture("maxmind-asn.mmdb"), fixture("dbip-country.mmdb")];
    let sources = Sources::new(&Settings { databases, ..settings() }, server.resolver()).unwrap();
    let (seen, inbox) = sources.queue();
    let store = Store::default();
    let running = store.run(&sources, inbox);
    for text in [
        "192.0.2.1",
        "::ffff:192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
        "192.0.2.4",
        "192.0.2.5",
        "10.0.0.1",
        "2001:db8::1",
    ] {
        seen.offer(ip(text));
    }
    drop(seen);
    running.await.unwrap();

    let rows = store.wait_for(7).await;
    let said: Vec<_> = rows
        .iter()
        .map(|row| {
            (row.ip.to_string(), row.reverse_name.as_deref(), row.reverse_confirmed, row.service.as_deref())
        })
        .collect();
    assert_eq!(
        said,
        [
            ("10.0.0.1".to_owned(), None, false, None),
            ("192.0.2.1".to_owned(), Some("mail-1.google.com"), true, Some("google")),
            ("192.0.2.2".to_owned(), Some("mail-2.google.com"), false, None),
            ("192.0.2.3".to_owned(), Some("second.example"), true, None),
            ("192.0.2.4".to_owned(), None, false, None),
            ("192.0.2.5".to_owned(), None, false, None),
            ("2001:db8::1".to_owned(), Some("mx.example"), true, None),
        ]
    );
    let google = &rows[1];
    assert_eq!(google.category, Some(Category::Mailbox));
    assert_eq!((google.asn, google.country.as_deref()), (Some(64_496), Some("NL")));
    assert_eq!(google.as_name.as_deref(), Some("Example Networks"));
    assert_eq!((rows[6].asn, rows[6].country.as_deref()), (Some(64_497), Some("BE")));
    // What has a name keeps longer than what has none.
    assert_eq!(google.recheck_at - google.checked_at, 7 * 24 * 3_600);
    assert_eq!(rows[5].recheck_at - rows[5].checked_at, 24 * 3_600);
    assert_eq!(server.questions_for("1.0.0.10.in-addr.arpa"), 0);
}

#[tokio::test]
async fn no_answer_is_not_no_name() {
    let server = Server::start().await;
    server.silent("1.2.0.192.in-addr.arpa").broken("2.2.0.192.in-addr.arpa");
    server.reverse("192.0.2.3", "mx.example").broken("mx.example");
    let sources = Sources::new(&settings(), server.resolver()).unwrap();
    let (seen, inbox) = sources.queue();
    let store = Store::default();
    let running = store.run(&sources, inbox);
    ["192.0.2.1", "192.0.2.2", "192.0.2.3"].iter().for_each(|text| seen.offer(ip(text)));
    drop(seen);
    running.await.unwrap();
    for row in store.wait_for(3).await {
        assert_eq!(row.recheck_at - row.checked_at, 3_600, "{row:?}");
        assert!(!row.reverse_confirmed);
    }
}

#[tokio::test]
async fn a_name_that_takes_too_long_is_no_name_yet() {
    let server = Server::start().await;
    server.silent("1.2.0.192.in-addr.arpa");
    let patient = ruad_dns::Settings { timeout: Duration::from_secs(60), ..server.settings() };
    let settings = Settings { timeout: Duration::from_millis(50), ..settings() };
    let sources = Sources::new(&settings, patient.resolver(100).unwrap()).unwrap();
    let (seen, inbox) = sources.queue();
    let store = Store::default();
    let _running = store.run(&sources, inbox);
    seen.offer(ip("192.0.2.1"));
    let rows = store.wait_for(1).await;
    assert_eq!(rows[0].recheck_at - rows[0].checked_at, 3_600);
}

#[tokio::test]
async fn an_address_is_looked_up_once_until_it_is_due() {
    let server = Server::start().await;
    server.reverse("192.0.2.1", "mx.example").address("mx.example", "192.0.2.1");
    let due_at_once = Settings { recheck_nameless: Duration::ZERO, ..settings() };
    let sources = Sources::new(&due_at_once, server.resolver()).unwrap();
    let (seen, inbox) = sources.queue();
    let store = Store::default();
    let running = store.run(&sources, inbox);
    for _ in 0..1_000 {
        seen.offer(ip("192.0.2.1"));
        seen.offer(ip("192.0.2.2"));
    }
    store.wait_for(2).await;
    for _ in 0..1_000 {
        seen.offer(ip("192.0.2.1"));
    }
    seen.offer(ip("192.0.2.2"));
    store.wait_for(3).await;
    drop(seen);
    running.await.unwrap();
    let rows = store.wait_for(3).await;
    let ips: Vec<_> = rows.iter().map(|row| row.ip.to_string()).collect();
    assert_eq!(ips, ["192.0.2.1", "192.0.2.2", "192.0.2.2"]);
}

#[tokio::test]
async fn the_rate_is_bounded_and_a_full_queue_drops() {
    let server = Server::start().await;
    let slow = Settings { per_second: 50, queue: 20, ..settings() };
    let sources = Sources::new(&slow, server.resolver()).unwrap();
    let (seen, inbox) = sources.queue();
    (0..100).for_each(|host| seen.offer(ip(&format!("192.0.2.{host}"))));
    let started = Instant::now();
    let store = Store::default();
    let running = store.run(&sources, inbox);
    drop(seen);
    running.await.unwrap();
    assert_eq!(store.wait_for(20).await.len(), 20);
    assert!(started.elapsed() >= Duration::from_millis(19 * 20 - 40), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_dead_name_server_does_not_hold_up_the_others() {
    let server = Server::start().await;
    for host in 1..=15 {
        server.silent(&format!("{host}.2.0.192.in-addr.arpa"));
    }
    let patient = ruad_dns::Settings { timeout: Duration::from_secs(60), ..server.settings() };
    let settings = Settings { timeout: Duration::from_secs(30), ..settings() };
    let sources = Sources::new(&settings, patient.resolver(100).unwrap()).unwrap();
    let (seen, inbox) = sources.queue();
    let store = Store::default();
    let _running = store.run(&sources, inbox);
    (1..=25).for_each(|host| seen.offer(ip(&format!("192.0.2.{host}"))));
    let rows = store.wait_for(10).await;
    assert!(rows.iter().all(|row| row.ip > ip("192.0.2.15")), "{rows:?}");
}

#[tokio::test]
async fn what_the_store_lacks_or_refuses_comes_again() {
    let server = Server::start().await;
    let often = Settings { refill: Duration::from_millis(20), ..settings() };
    let sources = Sources::new(&often, server.resolver()).unwrap();
    let (seen, inbox) = sources.queue();
    let store = Store::default();
    store.refuses.store(true, Ordering::SeqCst);
    let _running = store.run(&sources, inbox);
    seen.offer(ip("192.0.2.1"));
    until_async("a refusal", async || store.refused.load(Ordering::SeqCst) == 1).await;
    store.refuses.store(false, Ordering::SeqCst);
    // A refused address may be offered again at once, or the store names it.
    until_async("a row", async || {
        seen.offer(ip("192.0.2.1"));
        !store.rows.lock().unwrap().is_empty()
    })
    .await;
    store.missing.lock().unwrap().extend([ip("192.0.2.7"), ip("::ffff:192.0.2.8")]);
    let rows = store.wait_for(3).await;
    assert_eq!(rows[1].ip, ip("192.0.2.7"));
    assert_eq!(rows[2].ip, ip("192.0.2.8"));
}

#[tokio::test]
async fn reload_keeps_what_works() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (catalogue, database) = (folder.path().join("sources.toml"), folder.path().join("asn.mmdb"));
    let service =
        |id: &str| format!("[[service]]\nid = \"{id}\"\nname = \"A\"\ncategory = \"isp\"\nasn = [64496]\n");
    std::fs::write(&catalogue, service("before")).unwrap();
    std::fs::copy(fixture("maxmind-asn.mmdb"), &database).unwrap();
    let settings =
        Settings { catalogue: Some(catalogue.clone()), databases: vec![database.clone()], ..settings() };
    let sources = Sources::new(&settings, server.resolver()).unwrap();
    let id = || sources.catalog().services()[0].id.clone();

    std::fs::write(&catalogue, "[[service]]\n").unwrap();
    let error = sources.reload().unwrap_err().to_string();
    assert!(error.contains("sources.toml") && error.contains("id"), "{error}");
    assert_eq!(id(), "before");

    std::fs::write(&catalogue, service("after")).unwrap();
    std::fs::write(&database, "no database").unwrap();
    let error = sources.reload().unwrap_err().to_string();
    assert!(error.contains("asn.mmdb"), "{error}");
    assert_eq!(id(), "after");
    assert_eq!(sources.network(ip("192.0.2.1")).asn, Some(64_496));

    std::fs::copy(fixture("ipinfo-lite.mmdb"), &database).unwrap();
    sources.reload().unwrap();
    assert_eq!(sources.network(ip("192.0.2.1")).country.as_deref(), Some("NL"));

    let settings = Settings { databases: vec![folder.path().join("none.mmdb")], ..settings };
    assert!(Sources::new(&settings, server.resolver()).err().unwrap().to_string().contains("none.mmdb"));
}
