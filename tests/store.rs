//! The store against the real engine.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test fails by panicking, and shares its tools with others"
)]

#[path = "store/agreement.rs"]
mod agreement;
#[path = "store/corrections.rs"]
mod corrections;
#[path = "support/engine.rs"]
mod engine;
#[path = "intake/proxy.rs"]
mod proxy;
#[path = "store/rollups.rs"]
mod rollups;
#[path = "store/upgrade.rs"]
mod upgrade;

use engine::{Engine, number};
use ruad::{
    provenance::Verdict,
    store::{
        Batch, Day, Filling, Kind, Place, Settings, Store, StoreError, StoredCopy,
        tables::{AggregateRecords, Context, Deliveries, Delivery},
    },
};
use ruad_report::{Limits, aggregate};
use uuid::Uuid;

const COLUMNS_WITHOUT_COMMENT: &str = "SELECT count() FROM system.columns WHERE database = currentDatabase() AND comment = '' \
     AND table NOT LIKE '%\\_feed'";
const TABLES_WITHOUT_COMMENT: &str =
    "SELECT count() FROM system.tables WHERE database = currentDatabase() AND comment = ''";

#[tokio::test]
async fn the_schema_is_applied_once() {
    let settings = Engine::shared().settings();
    let store = Store::connect(&settings).unwrap();
    let applied = store.migrate().await.unwrap();
    assert_eq!(applied.len() as i64, number(&store, "SELECT count() FROM schema_migrations").await);
    assert_eq!(applied.last().unwrap().version, store.schema_version().await.unwrap());
    assert!(store.migrate().await.unwrap().is_empty());
    assert_eq!(number(&store, COLUMNS_WITHOUT_COMMENT).await, 0);
    assert_eq!(number(&store, TABLES_WITHOUT_COMMENT).await, 0);
}

#[tokio::test]
async fn receivers_may_start_together() {
    let settings = Engine::shared().settings();
    let starts = (0..4).map(|_| {
        let store = Store::connect(&settings).unwrap();
        tokio::spawn(async move { store.migrate().await.map(|_| ()) })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap();
    }
    let store = Store::connect(&settings).unwrap();
    assert!(store.migrate().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let store = Engine::shared().store().await;
    let insert =
        "INSERT INTO schema_migrations (version, name, applied_at, program) VALUES (9999, 'x', now(), '9')";
    store.client().query_raw(insert).execute().await.unwrap();
    let error = store.migrate().await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
}

#[tokio::test]
async fn retention_follows_the_settings() {
    let settings = Engine::shared().settings();
    let ttl = |text: &str| {
        format!(
            "SELECT countIf(engine_full LIKE '%{text}%') FROM system.tables \
             WHERE database = currentDatabase() \
             AND (partition_key != '' OR engine LIKE '%AggregatingMergeTree')"
        )
    };
    for (months, arrival, rollup) in [(25, "25", "26"), (3, "3", "4"), (0, "", ""), (25, "25", "26")] {
        let store = Store::connect(&Settings { retention_months: months, ..settings.clone() }).unwrap();
        store.migrate().await.unwrap();
        let partitioned = number(&store, &ttl("")).await;
        let there = number(&store, &ttl(" TTL ")).await;
        assert_eq!(there, if months == 0 { 0 } else { partitioned }, "{months}");
        if months > 0 {
            let by_arrival =
                number(&store, &ttl(&format!("toDate(received_at) + toIntervalMonth({arrival})"))).await;
            let by_month = number(&store, &ttl(&format!("received_month + toIntervalMonth({rollup})"))).await;
            let mut others = 0;
            for column in ["checked_at", "seen_at", "last_seen"] {
                let text = format!("toDate({column}) + toIntervalMonth({arrival})");
                others += number(&store, &ttl(&text)).await;
            }
            assert_eq!((by_arrival, by_month, others), (partitioned - 7, 2, 4), "{months}");
        }
    }
}

#[tokio::test]
async fn a_block_sent_again_adds_nothing() {
    let store = Engine::shared().store().await;
    let batch = records(&Report::default());
    for _ in 0..3 {
        insert(&store, &batch, "s/aggregate_records/1/0").await.unwrap();
        assert_eq!(counts(&store).await, (3, 3, 3));
    }
    let parts =
        "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'aggregate_records'";
    assert_eq!(number(&store, parts).await, 1);
    let row: String = store
        .client()
        .query(
            "SELECT toString((source_ip, count, disposition, dkim_aligned, dmarc_pass, dkim_results.selector)) \
             FROM aggregate_records WHERE record = 0",
        )
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(row, "('::ffff:192.0.2.1',10,'none',true,true,['s1'])");
}

#[tokio::test]
async fn a_part_of_a_block_can_be_sent() {
    let store = Engine::shared().store().await;
    let batch = records(&Report::default());
    store.insert(&*batch.block, 1..3, &[], "s/0/1-3").await.unwrap();
    let ips: Vec<String> = store
        .client()
        .query("SELECT toString(source_ip) FROM aggregate_records ORDER BY record")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(ips, ["::ffff:192.0.2.2", "2001:db8::3"]);
}

/// One token stands for all pieces: if ClickHouse stored them one by one, a retry could find some of them missing.
#[tokio::test]
async fn the_pieces_of_a_block_are_one_part() {
    let store = Engine::shared().store().await;
    let mut filling = Filling::<AggregateRecords>::default();
    let (report, mut position) = (Report::default(), 0);
    while position < 20_001 {
        aggregate::read(XML.as_bytes(), &Limits::default(), |record| {
            assert!(filling.add(0, |rows| rows.add(&report.context(), position, record)).is_none());
            position += 1;
        })
        .unwrap();
    }
    let batch = filling.cut().unwrap();
    assert!(batch.pieces.len() > 2, "{:?}", batch.pieces);
    for _ in 0..2 {
        insert(&store, &batch, "s/0").await.unwrap();
        let rows = i64::from(position);
        assert_eq!(counts(&store).await, (rows, rows, rows));
        let parts = "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() \
                     AND table IN ('aggregate_records', 'daily_domains', 'daily_sources')";
        assert_eq!(number(&store, parts).await, 3);
    }
    let different = "SELECT toInt64(uniqExact(source_ip, record, report_key)) FROM aggregate_records";
    assert_eq!(number(&store, different).await, i64::from(position), "every row is itself");
    let sums = "SELECT toInt64(sum(count)) FROM aggregate_records WHERE source_ip = '2001:db8::3' \
                AND disposition = 'reject' AND dkim_results.domain = []";
    assert_eq!(number(&store, sums).await, i64::from(position) / 3);
}

#[tokio::test]
async fn a_missing_column_is_told_from_a_server_that_is_away() {
    let store = Engine::shared().store().await;
    let batch = records(&Report::default());
    store
        .client()
        .query_raw("ALTER TABLE aggregate_records DROP COLUMN envelope_to")
        .execute()
        .await
        .unwrap();
    assert_eq!(insert(&store, &batch, "s/0").await.unwrap_err().kind(), Kind::Schema);
    let away =
        Store::connect(&Settings { url: Some("http://127.0.0.1:1".into()), ..Settings::default() }).unwrap();
    let error = insert(&away, &batch, "s/0").await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert_eq!(error.kind(), Kind::Transient);
}

#[tokio::test]
async fn the_ledger_knows_what_others_stored() {
    let store = Engine::shared().store().await;
    let report = Report::default();
    deliver(&store, &report, "stored").await;
    deliver(&store, &Report { key: 8, content: 80, ..report }, "duplicate").await;
    let known = store.known(&[7, 8, 9], Uuid::from_u128(99)).await.unwrap();
    let known: Vec<_> = known.iter().map(|known| (known.report_key, known.content_hash)).collect();
    assert_eq!(known, [(7, 70)]);
    assert!(store.known(&[7, 8, 9], report.segment).await.unwrap().is_empty(), "its own rows do not count");
    let many: Vec<u128> = (100..10_000).collect();
    assert!(store.known(&many, Uuid::from_u128(99)).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_statements_for_a_cluster_are_understood() {
    let engine = Engine::shared();
    let cluster = Settings { cluster: Some("c1".into()), ..engine.settings() };
    let store = engine.store().await;
    for statement in Store::connect(&cluster).unwrap().schema_statements() {
        let query = store.client().query("SELECT formatQuery(?)").bind(&statement);
        let formatted: String =
            query.fetch_one().await.unwrap_or_else(|error| panic!("{error}: {statement}"));
        assert!(formatted.contains("ON CLUSTER c1"), "{formatted}");
        let is_distributed = formatted.contains("ENGINE = Distributed");
        let is_replicated = formatted.contains("ENGINE = Replicated");
        let is_view = formatted.contains(" VIEW IF NOT EXISTS ") || formatted.contains("CREATE DATABASE");
        let is_change = formatted.starts_with("ALTER TABLE ");
        assert!(is_distributed || is_replicated || is_view || is_change, "{formatted}");
    }
}

#[tokio::test]
async fn summaries_are_read_from_the_rollups() {
    let store = Engine::shared().store().await;
    insert(&store, &records(&Report::default()), "s/0").await.unwrap();
    let summaries = store.domain_summaries(&[]).await.unwrap();
    assert_eq!(summaries.len(), 1);
    let summary = &summaries[0];
    assert_eq!((summary.group_name.as_str(), summary.messages, summary.passed), ("acme", 16, 15));
    assert!(store.domain_summaries(&["forged"]).await.unwrap().is_empty());
    let sources = store.top_sources(2).await.unwrap();
    let sources: Vec<_> = sources.iter().map(|source| (source.address.as_str(), source.messages)).collect();
    assert_eq!(sources, [("192.0.2.1", 10), ("192.0.2.2", 5)]);
    let addresses = store.addresses_to_look_up(30, 10).await.unwrap();
    assert_eq!(addresses.first().map(String::as_str), Some("192.0.2.1"));
}

/// Who delivered the report of the tests, and how it is taken.
#[derive(Clone, Copy)]
struct Report {
    key: u128,
    content: u128,
    segment: Uuid,
    verdict: &'static str,
    standing: &'static str,
    month: u64,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            key: 7,
            content: 70,
            segment: Uuid::from_u128(5 << 64),
            verdict: "genuine",
            standing: "known",
            month: 0,
        }
    }
}

impl Report {
    fn context(&self) -> Context<'static> {
        Context {
            segment: self.segment,
            number: 0,
            received_at: now() - self.month * 31 * 86_400_000,
            path: &[],
            report_key: self.key,
            content_hash: self.content,
            policy_domain: "example.com",
            day: Day(20_000),
            group_name: "acme",
            reporter: "google.com",
            verdict: self.verdict,
            standing: self.standing,
            conflict: false,
            date_suspect: false,
        }
    }
}

impl Report {
    /// It as the ledger has it.
    fn copy(&self) -> StoredCopy {
        let context = self.context();
        StoredCopy {
            report_key: context.report_key,
            content_hash: context.content_hash,
            segment: context.segment,
            number: 0,
            kind: "aggregate".to_owned(),
            received_at: context.received_at,
            policy_domain: context.policy_domain.to_owned(),
            day: context.day.0,
            group_name: context.group_name.to_owned(),
            reporter: context.reporter.to_owned(),
            verdict: Verdict::of_word(context.verdict),
            standing: context.standing.to_owned(),
            report_id: "1".to_owned(),
            records: 3,
            messages: 16,
            step: 0,
            place: Place::Counted,
            pending: None,
            changed_by: String::new(),
            reason: String::new(),
        }
    }
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn records(report: &Report) -> Batch {
    read(XML, report)
}

fn read(xml: &str, report: &Report) -> Batch {
    let mut filling = Filling::<AggregateRecords>::default();
    let mut position = 0;
    aggregate::read(xml.as_bytes(), &Limits::default(), |record| {
        assert!(filling.add(0, |rows| rows.add(&report.context(), position, record)).is_none());
        position += 1;
    })
    .unwrap();
    filling.cut().unwrap()
}

async fn insert(store: &Store, batch: &Batch, token: &str) -> Result<(), StoreError> {
    store.insert(&*batch.block, 0..batch.block.rows(), &batch.pieces, token).await.map(|_| ())
}

async fn deliver(store: &Store, report: &Report, decision: &'static str) {
    let mut rows = Deliveries::default();
    let delivery = Delivery {
        part: 0,
        decision,
        kind: "aggregate",
        organization: "google.com",
        report_id: "1",
        records: 3,
        messages: 16,
    };
    rows.add(&report.context(), &delivery);
    store
        .insert(&rows, 0..1, &[], &format!("{}/{}/{}/ledger", report.segment, report.key, report.content))
        .await
        .unwrap();
}

/// Rows of the table, and records that the two rollups count.
async fn counts(store: &Store) -> (i64, i64, i64) {
    (
        number(store, "SELECT count() FROM aggregate_records").await,
        number(store, "SELECT sum(records) FROM daily_domains").await,
        number(store, "SELECT sum(records) FROM daily_sources").await,
    )
}

const XML: &str = "<feedback><report_metadata><org_name>google.com</org_name><report_id>1</report_id>
  <date_range><begin>1</begin><end>2</end></date_range></report_metadata>
  <policy_published><domain>example.com</domain><p>none</p></policy_published>
  <record><row><source_ip>192.0.2.1</source_ip><count>10</count><policy_evaluated><disposition>none</disposition>
    <dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>example.com</header_from>
    </identifiers><auth_results><dkim><domain>example.com</domain><selector>s1</selector><result>pass</result></dkim>
    </auth_results></record>
  <record><row><source_ip>192.0.2.2</source_ip><count>5</count><policy_evaluated><disposition>none</disposition>
    <dkim>fail</dkim><spf>pass</spf></policy_evaluated></row><identifiers><header_from>example.com</header_from>
    </identifiers></record>
  <record><row><source_ip>2001:db8::3</source_ip><count>1</count><policy_evaluated><disposition>reject</disposition>
    <dkim>fail</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>example.com</header_from>
    </identifiers></record>
</feedback>";

/// An upgrade: what was stored before standings were asked for is believed when its verdict is genuine and its day can be.
#[tokio::test]
async fn rows_from_before_standings_are_believed_by_their_verdict() {
    let settings = Engine::shared().settings();
    let store = Store::connect(&settings).unwrap();
    let statements = store.schema_statements();
    let old =
        statements.iter().take_while(|statement| !statement.contains("ADD COLUMN IF NOT EXISTS standing"));
    // The engine has made the database.
    for statement in old.filter(|statement| !statement.starts_with("CREATE DATABASE")) {
        store.client().clone().with_database("default").query_raw(statement).execute().await.unwrap();
    }
    for (verdict, day, count) in
        [("genuine", "today() - 1", 5), ("unknown", "today() - 1", 70), ("genuine", "toDate(0)", 900)]
    {
        let insert = format!(
            "INSERT INTO aggregate_records (policy_domain, day, verdict, report_key, received_at, count) \
             SELECT 'a.example', {day}, '{verdict}', generateUUIDv4(), now(), {count}"
        );
        store.client().query_raw(&insert).execute().await.unwrap();
    }
    store.migrate().await.unwrap();
    for (standing, count) in [("known", 10), ("stranger", 2_000), ("suspect", 30_000)] {
        let insert = format!(
            "INSERT INTO aggregate_records (policy_domain, day, verdict, standing, report_key, received_at, count) \
             SELECT 'a.example', today() - 1, 'genuine', '{standing}', generateUUIDv4(), now(), {count}"
        );
        store.client().query_raw(&insert).execute().await.unwrap();
    }
    for rollup in ["daily_domains", "daily_sources"] {
        for _ in 0..2 {
            let sum = |of: &str| format!("SELECT sumIf(messages, {of}) FROM {rollup}");
            assert_eq!(number(&store, &sum("believed")).await, 15, "{rollup}");
            assert_eq!(number(&store, &sum("NOT believed")).await, 32_970, "{rollup}");
            let merge = format!("OPTIMIZE TABLE {rollup} FINAL");
            store.client().query_raw(&merge).execute().await.unwrap();
        }
    }
    assert_eq!(
        number(&store, "SELECT toInt64(sumIf(count, believed)) FROM aggregate_records FINAL").await,
        15
    );
    store.client().query_raw("TRUNCATE TABLE schema_migrations").execute().await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(number(&store, "SELECT sumIf(messages, believed) FROM daily_domains").await, 15, "once more");
}
