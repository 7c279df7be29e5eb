//! Who is believed, from the mail to the sums.

use ruad::store::Store;

use crate::{
    bench::{Bench, failure_report, report, tls_report},
    dns::Dns,
    engine::{Engine, number},
};

/// Both have SPF and DMARC of their own; so has whoever attacks.
const ZONE: &str = "\
google.com. IN TXT \"v=spf1 ip4:192.0.2.25 -all\"
_dmarc.google.com. IN TXT \"v=DMARC1; p=reject\"
reporter.example. IN TXT \"v=spf1 ip4:192.0.2.25 -all\"
_dmarc.reporter.example. IN TXT \"v=DMARC1; p=reject\"
";

async fn verifying(store: Option<Store>) -> (Bench, Dns) {
    let dns = Dns::serve(ZONE).await;
    let mut bench = match store {
        Some(store) => Bench::over(store),
        None => Bench::new(Engine::shared()).await,
    };
    bench.dns = Some(dns.settings());
    (bench, dns)
}

async fn sums(store: &Store, standing: &str) -> [i64; 4] {
    let mut sums = [0; 4];
    for (sum, (what, table)) in sums.iter_mut().zip([
        ("count", "aggregate_records FINAL"),
        ("messages", "daily_domains"),
        ("messages", "daily_sources"),
        ("messages", "deliveries FINAL"),
    ]) {
        let query = format!("SELECT toInt64(sum({what})) FROM {table} WHERE standing = '{standing}'");
        *sum = number(store, &query).await;
    }
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_names_itself_is_a_stranger_until_it_has_a_history() {
    let (bench, _dns) = verifying(None).await;
    let store = &bench.store;
    bench.send(&[report("r1", 3)]).await;
    bench.send_from("google.com", &[report("g1", 2)]).await;
    bench.run_until_empty().await;
    assert_eq!(number(store, "SELECT count() FROM aggregate_reports WHERE verdict = 'genuine'").await, 2);
    assert_eq!((sums(store, "stranger").await, sums(store, "known").await), ([6; 4], [3; 4]));
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_domains WHERE believed").await, 3);
    let named = "SELECT count() FROM deliveries WHERE organization IN ('reporter.example', 'google.com')";
    assert_eq!(number(store, named).await, 2);

    // A month of genuine reports about two customers is not enough, about more it is; acme is one of them.
    let history = |groups: u32, organization: &str| {
        format!(
            "INSERT INTO deliveries (report_key, segment, kind, received_at, group_name, verdict, standing, organization) \
             SELECT generateUUIDv4(), generateUUIDv4(), 'aggregate', now() - toIntervalDay(number % 30), \
                concat('group', toString(number % {groups})), 'genuine', 'stranger', '{organization}' FROM numbers(90)"
        )
    };
    bench.query(&history(1, "reporter.example")).await;
    bench.query(&history(3, "other.example")).await;
    bench.send(&[report("r2", 3)]).await;
    bench.run_until_empty().await;
    assert_eq!(sums(store, "established").await, [0; 4]);
    bench.query(&history(3, "reporter.example")).await;
    bench.send(&[report("r3", 3), report("g1o0gle", 1).replace("Reporter<", "Goog1e<")]).await;
    bench.run_until_empty().await;
    assert_eq!(sums(store, "established").await, [6; 4], "and no history makes a disguise believed");
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_sources WHERE believed").await, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_about_a_standing_stays() {
    let (mut bench, dns) = verifying(None).await;
    bench.send(&[report("r1", 3)]).await;
    bench.take_away("aggregate_reports").await;
    bench.run_until(|bench| bench.has_decisions()).await;
    bench.bring_back("aggregate_reports").await;
    // Nothing is verified any more, and everything believed: the report has been judged.
    bench.dns = None;
    bench.run_until_empty().await;
    assert_eq!(sums(&bench.store, "stranger").await, [6; 4]);
    drop(dns);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_is_no_evidence_whoever_sent_it() {
    let (bench, _dns) = verifying(None).await;
    let store = &bench.store;
    let of_1970 = |mail: String| {
        let (before, rest) = mail.split_once("<begin>").unwrap();
        let (_, after) = rest.split_once("</begin>").unwrap();
        format!("{before}<begin>0</begin>{after}")
    };
    bench.send_from("google.com", &[of_1970(report("g1", 2)), report("g2", 1)]).await;
    bench.run_until_empty().await;
    assert_eq!(number(store, "SELECT sum(messages) FROM daily_sources WHERE believed").await, 1);
    assert_eq!(
        number(store, "SELECT toInt64(min(day) > toDate(19000)) FROM daily_domains WHERE believed").await,
        1
    );
}

/// Its numbers come back when it can be verified; a stranger's mail is not kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_reporter_that_dns_did_not_tell_of_is_kept_to_be_verified_again() {
    let (bench, dns) = verifying(None).await;
    dns.replace("; servfail: google.com\n; servfail: reporter.example\n");
    bench.send(&[report("r1", 1)]).await;
    bench.send_from("google.com", &[report("g1", 2)]).await;
    bench.run_until_empty().await;
    assert_eq!(sums(&bench.store, "stranger").await, [4; 4], "nothing is lost, and nothing believed");
    let kept = "SELECT count() FROM messages WHERE code = 'unverified' AND outcome = 'stored'";
    assert_eq!((number(&bench.store, kept).await, bench.backlog().quarantined), (1, 1));
}

/// One mail without proof moved every sum of a domain to where it liked.
#[tokio::test(flavor = "multi_thread")]
async fn counts_of_strangers_are_in_no_sum_that_is_believed() {
    let (bench, _dns) = verifying(None).await;
    let store = &bench.store;
    bench.send_from("google.com", &[report("g1", 2)]).await;
    for (id, count) in [("huge", i64::MAX.unsigned_abs()), ("negative", u64::MAX - 8_699)] {
        let hostile = report(id, 1).replace("<count>1<", &format!("<count>{count}<"));
        bench.send(std::slice::from_ref(&hostile)).await;
        bench.send_from("nobody.example", &[hostile]).await;
    }
    bench.run_until_empty().await;
    for sum in ["sum(messages) FROM daily_domains", "sum(passed) FROM daily_sources"] {
        assert_eq!(number(store, &format!("SELECT {sum} WHERE believed")).await, 3, "{sum}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_verification_everything_is_believed_and_says_so() {
    let bench = Bench::new(Engine::shared()).await;
    bench.send(&[report("r1", 2), tls_report(), failure_report()]).await;
    bench.run_until_empty().await;
    for table in [
        "aggregate_reports",
        "aggregate_records",
        "daily_domains",
        "daily_sources",
        "tls_policies",
        "tls_failures",
        "failure_reports",
        "deliveries",
    ] {
        let rows = format!("SELECT count() FROM {table} WHERE believed AND standing = 'unchecked'");
        let all = format!("SELECT count() FROM {table}");
        assert!(number(&bench.store, &rows).await > 0, "{table}");
        assert_eq!(number(&bench.store, &rows).await, number(&bench.store, &all).await, "{table}");
    }
}
