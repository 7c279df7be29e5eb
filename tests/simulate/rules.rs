//! What the statement in ClickHouse makes of records, beside a second implementation of the rules, and how much it bears.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use ruad::advice::simulate::{Scenario, Verdict};
use ruad_common::domain_name::is_within;
use ruad_dns::dmarc::{Alignment, Policy};

use crate::{
    DOMAIN,
    engine::{self, Engine},
    outcome,
    records::{Record, insert, sort},
    scenario,
};

/// Records of every shape, judged in ClickHouse as a few lines of Rust judge them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_statement_judges_as_the_rules_say() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let records: Vec<Record> =
        (0..600).map(|_| any_record().new_tree(&mut runner).unwrap().current()).collect();
    let store = Engine::shared().store().await;
    insert(&store, &records).await;
    let alignments = [None, Some(Alignment::Relaxed), Some(Alignment::Strict)];
    let mut delivered = Vec::new();
    for policy in [Policy::None, Policy::Quarantine, Policy::Reject] {
        for dkim_alignment in alignments {
            for spf_alignment in alignments {
                let scenario = Scenario {
                    subdomain_policy: Some(Policy::Quarantine),
                    dkim_alignment,
                    spf_alignment,
                    ..scenario(policy)
                };
                let outcome = outcome(&store, &scenario, 30).await;
                let mut expected = [0, 0, 0, 0];
                for record in &records {
                    expected[reference(record, &scenario)] += record.count;
                }
                let would = outcome.all.would;
                let found = [would.delivered, would.spared, would.quarantined, would.rejected];
                assert_eq!(found, expected, "{scenario:?}");
                delivered.push(would.delivered);
            }
        }
    }
    // Strict never delivers more than relaxed, nor reject more than none.
    for group in delivered.chunks(9) {
        assert!(group[8] <= group[4] && group[5] <= group[4] && group[7] <= group[4]);
        assert!(group[8] < group[4], "the records make no difference");
    }
    for at in 0..9 {
        assert!(delivered[18 + at] <= delivered[9 + at] && delivered[9 + at] <= delivered[at]);
    }
}

/// A copy that two receivers stored counts once, also while ClickHouse has not merged the two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_counts_once() {
    let store = Engine::shared().store().await;
    let copy = format!(
        "INSERT INTO aggregate_records (policy_domain, day, verdict, report_key, received_at, precedence, source_ip, count, \
         disposition, header_from) SELECT '{DOMAIN}', today() - 1, 'genuine', toUUID('00000000-0000-0000-0000-000000000007'), \
         now64(3), arrayJoin([1, 2]), '192.0.2.1', 50, 'none', '{DOMAIN}'"
    );
    store.client().query_raw(&copy).with_setting("optimize_on_insert", "0").execute().await.unwrap();
    assert_eq!(engine::number(&store, "SELECT count() FROM aggregate_records").await, 2);
    assert_eq!(outcome(&store, &scenario(Policy::Reject), 30).await.all.messages, 50);
}

/// Half a million records from as many addresses and at as many subdomains.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_that_everybody_forges_is_added_up() {
    let store = Engine::shared().store().await;
    let many = format!(
        "INSERT INTO aggregate_records (policy_domain, day, reporter, verdict, report_key, record, received_at, source_ip, \
         count, disposition, header_from) SELECT '{DOMAIN}', today() - number % 20, 'google.com', 'genuine', \
         toUUID('00000000-0000-0000-0000-000000000009'), number, now64(3), \
         IPv4ToIPv6(toIPv4(toUInt32(number * 8191 + 16777216))), 2, 'none', concat('x', toString(number), '.{DOMAIN}') \
         FROM numbers(500000)"
    );
    store.client().query_raw(&many).execute().await.unwrap();
    sort(&store, &[("service:google", "Google Workspace", "aligned"), ("net:others", "others", "threat")])
        .await;
    let outcome = outcome(&store, &scenario(Policy::Reject), 30).await;
    assert_eq!((outcome.all.messages, outcome.all.would.rejected), (1_000_000, 1_000_000));
    assert!(outcome.senders.len() <= 101 && outcome.by_subdomain.len() == 21);
    assert_eq!(outcome.senders.iter().map(|one| one.tally.messages).sum::<u64>(), 1_000_000);
    assert_eq!(outcome.verdict, Verdict::NothingLost);
}

/// What becomes of a record: 0 delivered, 1 spared, 2 quarantined, 3 rejected.
fn reference(record: &Record, scenario: &Scenario) -> usize {
    let from = normal(&record.from);
    let from = if from.is_empty() { DOMAIN.to_owned() } else { from };
    let is_pass = |result: &str| result.trim().eq_ignore_ascii_case("pass");
    let aligned = |name: &str, alignment: Alignment| {
        let name = normal(name);
        let is_same_organization = is_within(&name, DOMAIN) && is_within(&from, DOMAIN);
        name == from || alignment == Alignment::Relaxed && is_same_organization
    };
    let judged = |said: bool, names: Vec<&str>, alignment: Option<Alignment>| match alignment {
        None => said,
        Some(alignment) => match names.iter().any(|name| aligned(name, Alignment::Relaxed)) {
            true => names.iter().any(|name| aligned(name, alignment)),
            false => said,
        },
    };
    let signers: Vec<&str> = record
        .signatures
        .iter()
        .filter(|(_, result)| is_pass(result))
        .map(|(name, _)| name.as_str())
        .collect();
    let is_helo = |scope: &str| scope.eq_ignore_ascii_case("helo");
    let only_helo = record.paths.iter().all(|(_, scope, _)| is_helo(scope));
    let paths: Vec<&str> = record
        .paths
        .iter()
        .filter(|(_, scope, result)| is_pass(result) && (only_helo || !is_helo(scope)))
        .map(|(name, _, _)| name.as_str())
        .collect();
    if judged(record.dkim, signers, scenario.dkim_alignment)
        || judged(record.spf, paths, scenario.spf_alignment)
    {
        return 0;
    }
    let is_below = from != DOMAIN && is_within(&from, DOMAIN);
    let policy = if is_below { scenario.subdomain_policy.unwrap() } else { scenario.policy };
    let was_delivered = !["quarantine", "reject"].contains(&record.disposition.to_lowercase().as_str());
    let excuses = ["forwarded", "mailing_list", "trusted_forwarder", "local_policy"];
    let is_excused =
        record.reasons.iter().any(|reason| excuses.contains(&reason.trim().to_lowercase().as_str()));
    match policy {
        Policy::None => 0,
        _ if is_excused && was_delivered => 1,
        Policy::Quarantine => 2,
        Policy::Reject => 3,
    }
}

fn normal(name: &str) -> String {
    name.trim().trim_end_matches('.').to_lowercase()
}

fn any_record() -> impl Strategy<Value = Record> {
    let name = || {
        prop::sample::select(vec![
            DOMAIN,
            "Domain.Example.",
            "a.domain.example",
            "b.domain.example",
            "x.a.domain.example",
            "notdomain.example",
            "service.example",
            "",
            " domain.example",
        ])
        .prop_map(str::to_owned)
    };
    let result = || prop::sample::select(vec!["pass", "Pass ", "fail", "none", ""]).prop_map(str::to_owned);
    let scope = prop::sample::select(vec!["mfrom", "HELO", "helo", ""]).prop_map(str::to_owned);
    let reason =
        prop::sample::select(vec!["forwarded", "Mailing_List", "other", "local_policy ", "sampled_out"]);
    let disposition = prop::sample::select(vec!["none", "pass", "quarantine", "Reject", "", "nonsense"]);
    let address = prop::sample::select(vec!["192.0.2.10", "198.51.100.7", "2001:db8::7"]);
    (
        (any::<bool>(), any::<bool>(), 1..50_u64),
        (name(), disposition, address),
        prop::collection::vec(reason.prop_map(str::to_owned), 0..2),
        prop::collection::vec((name(), result()), 0..3),
        prop::collection::vec((name(), scope, result()), 0..3),
    )
        .prop_map(|((dkim, spf, count), (from, disposition, source), reasons, signatures, paths)| {
            Record {
                dkim,
                spf,
                count,
                from,
                disposition: disposition.into(),
                source: source.into(),
                reasons,
                signatures,
                paths,
                ..Record::default()
            }
        })
}
