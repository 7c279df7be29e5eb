//! `kill -9` at any moment: what was acknowledged is there once, in order.

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use ruad_spool::{Settings, Spool};
use tempfile::TempDir;

use super::{body, commit, messages, settings};

#[tokio::test]
async fn what_was_acknowledged_survives_every_kill() {
    let folder = TempDir::new().unwrap();
    let mut random = Random(0x5eed);
    // What was printed since the spool was last emptied, and how many sessions ran.
    let (mut acknowledged, mut sessions) = (HashSet::new(), 0);
    let mut survived = 0;
    for run in 0..KILLS {
        acknowledged.extend(run_and_kill(folder.path(), run, &mut random));
        sessions += SESSIONS;
        // Else the next run recovers on its own and goes on.
        if random.below(3) == 0 || run + 1 == KILLS {
            let found = empty(folder.path()).await;
            let unique: HashSet<_> = found.iter().cloned().collect();
            assert_eq!(unique.len(), found.len(), "run {run}: stored twice");
            let lost: Vec<_> = acknowledged.difference(&unique).collect();
            assert!(lost.is_empty(), "run {run}: lost {lost:?}");
            // What a kill caught between sync and answer may be there unacknowledged.
            assert!(unique.len() <= acknowledged.len() + sessions, "run {run}: made up");
            assert_ordered(&found);
            survived += acknowledged.len();
            acknowledged.clear();
            sessions = 0;
        }
    }
    assert!(survived > KILLS * 50, "only {survived} messages were at risk");
}

/// Not a test: the process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above"]
async fn commits_until_killed() {
    let Some(folder) = std::env::var_os("RUAD_TEST_SPOOL") else { return };
    let run = std::env::var("RUAD_TEST_RUN").unwrap();
    let spool = Spool::open(&small_segments(&PathBuf::from(folder))).unwrap();
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|session| {
            let (spool, run) = (spool.clone(), run.clone());
            tokio::spawn(async move {
                for number in 0.. {
                    let id = format!("{run}:{session}:{number}");
                    let size = if number % 16 == session { 70_000 } else { number * 37 % 3000 };
                    commit(&spool, &id, &filled(&id, size)).await.unwrap();
                    // One write: no line is seen in part.
                    io::stdout().lock().write_all(format!("ack {id}\n").as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for session in sessions {
        session.await.unwrap();
    }
}

/// Starts a process that commits, and kills it when it has acknowledged some more or less messages.
fn run_and_kill(folder: &Path, run: usize, random: &mut Random) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::commits_until_killed", "--ignored", "--nocapture"])
        .env("RUAD_TEST_SPOOL", folder)
        .env("RUAD_TEST_RUN", run.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    let enough = random.below(200);
    while acknowledged.len() < enough {
        let line = lines.next().expect("it runs until it is killed").unwrap();
        acknowledged.extend(line.strip_prefix("ack ").map(str::to_owned));
    }
    // The acknowledgements come in bursts after each sync; the kill should come anywhere between.
    let (_never, wait) = mpsc::channel::<()>();
    wait.recv_timeout(Duration::from_micros(random.below(5000) as u64)).unwrap_err();
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        acknowledged.extend(line.strip_prefix("ack ").map(str::to_owned));
    }
    acknowledged
}

/// Reads and finishes everything.
async fn empty(folder: &Path) -> Vec<String> {
    let spool = Spool::open(&small_segments(folder)).unwrap();
    let mut found = Vec::new();
    while spool.backlog().segments > 0 {
        let id = spool.next_closed().await;
        for message in messages(&spool, id) {
            let name = message.envelope.rcpt_to[0].strip_suffix("@example.com").unwrap();
            assert_eq!(body(&message), filled(name, message.size as usize - name.len()));
            found.push(name.to_owned());
        }
        spool.finish(id).unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.join("spool/large")).unwrap().count(), 0);
    found
}

/// Every session's messages are there from the first to the last without a gap.
fn assert_ordered(found: &[String]) {
    let mut next: HashMap<&str, usize> = HashMap::new();
    for id in found {
        let (session, number) = id.rsplit_once(':').unwrap();
        let next = next.entry(session).or_default();
        assert_eq!(number.parse::<usize>().unwrap(), *next, "{id}");
        *next += 1;
    }
}

fn small_segments(folder: &Path) -> Settings {
    Settings { segment_bytes: 64 * 1024, segment_age: Duration::from_millis(5), ..settings(folder) }
}

fn filled(id: &str, size: usize) -> Vec<u8> {
    let mut bytes = id.as_bytes().to_vec();
    bytes.resize(id.len() + size, b'.');
    bytes
}

/// The same in every run of the test, so that only the machine's timing differs.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit) as usize
    }
}

const KILLS: usize = 60;
const SESSIONS: usize = 8;
