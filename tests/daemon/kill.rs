//! Whatever is killed, and whenever: what was answered `250` is stored, once.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{daemon::Daemon, reports, smtp::Client};

/// `kill -9` of the daemon and of the engine in turn, at random moments under load. `RUAD_KILLS` says how often.
#[test]
fn every_acknowledged_report_is_stored_once_through_any_crash() {
    let kills: u64 = std::env::var("RUAD_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let mut daemon = Daemon::new("");
    daemon.start();
    let load = Load::start(&daemon);
    let mut random = Random(0x5eed);
    for kill in 0..kills {
        thread::park_timeout(Duration::from_millis(random.below(700)));
        if kill % 3 == 2 {
            daemon.kill_engine();
        } else {
            daemon.kill();
            daemon.start();
        }
    }
    let acknowledged = load.stop();
    daemon.wait_ready();
    daemon.wait_stored();
    let (implausible, acknowledged): (BTreeSet<_>, BTreeSet<_>) =
        acknowledged.into_iter().partition(|id| is_implausible(id));

    let stored: Vec<(String, u64, u64)> = daemon.query(
        "SELECT ifNull(report_id, ''), count(), sum(messages) FROM aggregate_reports GROUP BY report_id ORDER BY report_id",
    );
    let doubled: Vec<_> = stored.iter().filter(|(_, count, _)| *count != 1).collect();
    assert!(doubled.is_empty(), "stored more than once: {doubled:?}");
    let ids: BTreeSet<_> = stored.iter().map(|(id, _, _)| id.clone()).collect();
    let missing: Vec<_> = acknowledged.iter().filter(|id| !ids.contains(*id)).collect();
    assert!(missing.is_empty(), "acknowledged and not stored: {missing:?}; {}", daemon.log());
    // Unless the daemon came up now and then, this test has shown nothing.
    assert!(acknowledged.len() as u64 > kills, "only {} reports in {kills} kills", acknowledged.len());

    let expected: u64 = stored.iter().map(|(_, _, messages)| *messages).sum();
    let sums = [("count", "aggregate_records"), ("messages", "daily_domains"), ("messages", "daily_sources")]
        .map(|(column, table)| daemon.query::<u64>(&format!("SELECT toUInt64(sum({column})) FROM {table}")));
    assert_eq!(sums, [[expected]; 3], "records and rollups agree with the reports");

    let set_aside = set_aside(daemon.folder());
    let kept: BTreeSet<_> = set_aside.iter().cloned().collect();
    let lost: Vec<_> = implausible.iter().filter(|id| !kept.contains(*id)).collect();
    assert!(lost.is_empty(), "acknowledged and not in quarantine: {lost:?}");
    let blamed: Vec<_> = kept.iter().filter(|id| !is_implausible(id)).collect();
    assert!(blamed.is_empty(), "no message is blamed for a kill: {blamed:?}");
    assert!(implausible.len() > 10, "only {} went to quarantine", implausible.len());
    let rows: Vec<u64> =
        daemon.query("SELECT count() FROM messages FINAL WHERE outcome IN ('quarantined', 'rejected')");
    assert_eq!(rows, [set_aside.len() as u64], "a row for each entry");
    println!("{kills} kills, {} reports acknowledged, {} stored", acknowledged.len(), stored.len());
    daemon.stop();
}

/// Clients that deliver reports as fast as they can, and again what was not answered.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
    clients: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(daemon: &Daemon) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
        let next = Arc::new(AtomicU64::new(0));
        let clients = (0..CLIENTS)
            .map(|_| {
                let (stop, acknowledged, next) = (stop.clone(), acknowledged.clone(), next.clone());
                let address = daemon.smtp;
                thread::spawn(move || deliver(address, &stop, &acknowledged, &next))
            })
            .collect();
        Self { stop, acknowledged, clients }
    }

    fn stop(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
        Arc::into_inner(self.acknowledged).unwrap().into_inner().unwrap()
    }
}

fn deliver(
    address: std::net::SocketAddr,
    stop: &AtomicBool,
    acknowledged: &Mutex<BTreeSet<String>>,
    next: &AtomicU64,
) {
    let mut connection = None;
    let mut unanswered = None;
    let mut repeated = None;
    while !stop.load(Ordering::Relaxed) {
        let Some(client) = connection.as_mut() else {
            connection = Client::connect(address).ok();
            if connection.is_none() {
                thread::park_timeout(Duration::from_millis(10));
            }
            continue;
        };
        let number = unanswered.take().unwrap_or_else(|| next.fetch_add(1, Ordering::Relaxed));
        let id = format!("report-{number:06}");
        let count = if is_implausible(&id) { u64::MAX / 2 } else { number % 7 + 1 };
        let mail = reports::mail(&id, &format!("d{}.example", number % 20), count);
        match client.deliver("reports@reporter.example", "rua@reports.example", &mail) {
            Ok(()) => {
                acknowledged.lock().unwrap().insert(id);
                // Now and then the same report again: it still counts once.
                if number % 10 == 0 && repeated != Some(number) {
                    (unanswered, repeated) = (Some(number), Some(number));
                }
                thread::park_timeout(Duration::from_millis(1));
            }
            Err(_) => {
                unanswered = Some(number);
                connection = None;
            }
        }
    }
}

/// Whether the report of this id counts more than can be, so that it goes to quarantine.
fn is_implausible(id: &str) -> bool {
    id.ends_with("13")
}

/// The ids of the reports in quarantine; one that was not answered is there twice when it was sent again.
fn set_aside(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("spool/quarantine")).unwrap().map(|entry| entry.unwrap().path());
    let id = |entry: std::path::PathBuf| {
        let mail = fs::read_to_string(entry.join("message.eml")).unwrap();
        mail.split_once("Report-ID: <").unwrap().1.split_once('>').unwrap().0.to_owned()
    };
    entries.map(id).collect()
}

/// splitmix64: the same moments in every run, as far as the machine allows.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % bound
    }
}

const KILLS: u64 = 200;

const CLIENTS: usize = 4;
