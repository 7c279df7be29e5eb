//! What one domain can cost an examination, whatever its servers say.
//!
//! One test, because it measures its process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that cannot go on should fail"
)]

#[path = "support/hostile.rs"]
mod hostile;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ruad::health::{Examiner, Subject};
use ruad_dns::{
    Resolver, Settings, Validator,
    dkim::{Origin, Selector},
};

#[tokio::test]
async fn a_hostile_domain_costs_bounded_time_memory_and_questions() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = Settings {
        servers: vec![closed],
        retries: 0,
        timeout: Duration::from_millis(20),
        ..Settings::default()
    };
    let validator = Validator::new(&settings, 0, 10).unwrap();
    let kinds = hostile::KINDS.iter().filter(|kind| **kind != "silent");
    let names = kinds.map(|kind| format!("{kind}.hostile.example"));
    for domain in names.chain((0..12).map(|number| format!("random{number}.hostile.example"))) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let resolver = Resolver::answering(move |name, kind| {
            counted.fetch_add(1, Ordering::Relaxed);
            hostile::answer(name, kind).unwrap()
        });
        let subject = Subject {
            domain: domain.clone(),
            selectors: (0..50).map(selector).collect(),
            try_common_selectors: true,
            addresses: (0..32).map(|number| [192, 0, 2, number].into()).collect(),
        };
        let examiner = Examiner::new(resolver, validator.clone());
        let (before, began) = (Resident::reset(), cpu_seconds());
        let snapshot = examiner.examine(&subject, 1_800_000_000).await;
        let (took, grown) = (cpu_seconds() - began, Resident::peak().saturating_sub(before));
        let asked = asked.load(Ordering::Relaxed);
        let bytes = serde_json::to_vec(&snapshot).unwrap().len();
        let findings: usize = snapshot.checks().iter().map(|check| check.findings.len()).sum();
        println!(
            "{domain:<28} {took:.2} s {:>3} MB {asked:>5} questions {findings:>4} findings {bytes:>8} bytes",
            grown >> 20
        );

        assert!(asked <= 2_100, "{domain}: {asked} questions");
        assert!(grown <= 64 << 20, "{domain}: {grown} bytes");
        assert!(bytes <= 4 << 20, "{domain}: {bytes} bytes of JSON");
        assert!(took <= MOST_SECONDS, "{domain}: {took} s");
        for check in snapshot.checks() {
            assert!(check.findings.len() <= 61, "{domain}: {} findings", check.findings.len());
            assert!(check.records.len() <= 200, "{domain}: {} records", check.records.len());
            let texts = check.records.iter().map(|record| record.text.len());
            assert!(texts.max().unwrap_or_default() < 9_000, "{domain}: a record is kept whole");
            let facts = check.facts.values().flatten().map(String::len);
            assert!(facts.max().unwrap_or_default() < 9_000, "{domain}: a fact is as long as it likes");
        }
        let is_cut = snapshot
            .checks()
            .iter()
            .any(|check| check.findings.iter().any(|it| it.code.name.ends_with(".cut")));
        assert!(
            is_cut || !hostile::KINDS[..9].iter().any(|kind| domain.starts_with(kind)),
            "{domain}: nothing says what was cut"
        );
    }
}

fn selector(number: usize) -> Selector {
    let origin = Origin::Report { passed: true, quiet_days: 0 };
    Selector::new(format!("s{number}"), origin)
}

/// Processor time of this process so far, in seconds.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// Memory of this process, in bytes.
struct Resident;

impl Resident {
    /// Forgets the highest value so far; gives the present one.
    fn reset() -> usize {
        fs::write("/proc/self/clear_refs", "5").unwrap();
        Self::field("VmRSS:")
    }

    fn peak() -> usize {
        Self::field("VmHWM:")
    }

    fn field(name: &str) -> usize {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }
}

/// One second in a release; a program that is not optimised has more, though it took less when this was written.
const MOST_SECONDS: f64 = if cfg!(debug_assertions) { 4.0 } else { 1.0 };
