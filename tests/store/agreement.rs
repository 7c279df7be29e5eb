//! The rollups say what the records say, by every dimension and every sum, whatever came twice or was taken out again.

use super::*;

/// By what a rollup adds up, and each of its sums as a record gives it.
struct Rollup {
    table: &'static str,
    dimensions: &'static str,
    sums: &'static [(&'static str, &'static str)],
}

const ROLLUPS: [Rollup; 2] = [
    Rollup {
        table: "daily_domains",
        dimensions: "toString(policy_domain), day, toString(group_name), toString(reporter), toString(verdict), toString(standing), \
                     toString(disposition), dkim_aligned, spf_aligned",
        sums: &[("messages", "count"), ("records", "1")],
    },
    Rollup {
        table: "daily_sources",
        dimensions: "toString(policy_domain), day, toString(group_name), source_ip, toString(verdict), toString(standing)",
        sums: &[
            ("messages", "count"),
            ("passed", "count * dmarc_pass"),
            ("dkim_aligned", "count * dkim_aligned"),
            ("spf_aligned", "count * spf_aligned"),
            ("quarantined", "count * (disposition = 'quarantine')"),
            ("rejected", "count * (disposition = 'reject')"),
            ("records", "1"),
        ],
    },
];

#[tokio::test]
async fn the_rollups_agree_with_the_records() {
    let store = Engine::shared().store().await;
    let earlier = Report { segment: Uuid::from_u128(1 << 64), ..Report::default() };
    let later = Report {
        segment: Uuid::from_u128(2 << 64),
        verdict: "unknown",
        standing: "stranger",
        month: 1,
        ..earlier
    };
    let other = Report { key: 8, content: 80, segment: Uuid::from_u128(3 << 64), ..earlier };
    for report in [&earlier, &other] {
        for _ in 0..2 {
            insert(&store, &records(report), &report.segment.to_string()).await.unwrap();
            deliver(&store, report, "stored").await;
        }
        assert_eq!(differences(&store).await, [0, 0], "a block that comes twice counts once");
    }
    insert(&store, &records(&later), "later").await.unwrap();
    deliver(&store, &later, "stored").await;
    assert_ne!(differences(&store).await, [0, 0], "nobody has looked for the copy of the other receiver yet");
    assert_eq!(store.settle(&[7, 8]).await.unwrap(), 1);
    assert_eq!(differences(&store).await, [0, 0], "the copy is taken out");
    for rollup in &ROLLUPS {
        let merge = format!("OPTIMIZE TABLE {} FINAL", rollup.table);
        store.client().query_raw(&merge).execute().await.unwrap();
    }
    assert_eq!(differences(&store).await, [0, 0], "merging changes no sum");

    store.take_out_refused(&[other.copy()]).await.unwrap();
    assert_eq!(number(&store, "SELECT count() FROM aggregate_records FINAL").await, 3);
    assert_eq!(differences(&store).await, [0, 0], "what is refused goes everywhere");
    store.take_out_refused(&[earlier.copy()]).await.unwrap();
    assert_eq!(number(&store, "SELECT count() FROM aggregate_records FINAL").await, 0);
    assert_eq!(differences(&store).await, [0, 0], "nothing is left of the domain");
}

/// For each rollup, how many combinations of its dimensions have another sum than the records.
pub(super) async fn differences(store: &Store) -> Vec<i64> {
    let mut found = Vec::new();
    for Rollup { table, dimensions, sums } in &ROLLUPS {
        let rolled: Vec<_> = sums.iter().map(|(sum, _)| format!("r.{sum}")).collect();
        let single: Vec<_> = sums.iter().map(|(_, one)| format!("-toInt64({one})")).collect();
        let statement = format!(
            "SELECT toInt64(count()) FROM (SELECT dimensions, sumForEach(sums) AS differences FROM ( \
                SELECT tuple({dimensions}) AS dimensions, [{}] AS sums FROM {table} AS r \
                UNION ALL SELECT tuple({dimensions}), [{}] FROM aggregate_records FINAL \
             ) GROUP BY dimensions HAVING arrayExists(one -> one != 0, differences))",
            rolled.join(", "),
            single.join(", ")
        );
        found.push(number(store, &statement).await);
    }
    found
}
