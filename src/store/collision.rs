//! Two receivers on two hosts can be sent the same report at the same time. Neither sees the other's delivery in the ledger,
//! both store it. The tables take care of themselves, for their rows replace each other; the rollups have counted twice.
//!
//! So whoever has written to the ledger looks whether a report is there from more than one segment. The smallest segment
//! wins; what every other one added to the rollups is taken out by a block of negative sums. It carries a
//! token made of the report and the losing segment: whoever comes second, or again, adds nothing. A segment is in the ledger
//! only after all its rows are stored, and whoever is the last to write there sees all others, so each collision
//! is seen by somebody, and what is taken out had been put in.

use clickhouse::{Row, query::Query};
use serde::Deserialize;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    Store, StoreError,
    query::{KEYS_AT_ONCE, Known, identity, list},
};
use crate::telemetry::store as telemetry;

impl Store {
    /// Takes the copies of these aggregate reports that lost out of the rollups; gives how many there were.
    ///
    /// # Errors
    ///
    /// What ClickHouse said. It can be done again.
    pub async fn settle_collisions(&self, report_keys: &[u128]) -> Result<usize, StoreError> {
        let mut losers = 0;
        for keys in report_keys.chunks(KEYS_AT_ONCE) {
            let statement = format!(
                "SELECT toString(report_key) AS key, toString(content_hash) AS content, \
                    groupUniqArray(toString(segment)) AS segments \
                 FROM deliveries WHERE report_key IN ({}) AND decision != 'duplicate' AND kind = 'aggregate' \
                 GROUP BY report_key, content_hash HAVING uniqExact(segment) > 1",
                list(keys)
            );
            let collisions: Vec<Collision> =
                self.timed(self.client().query_raw(&statement).fetch_all()).await?;
            for collision in collisions {
                losers += self.settle(collision).await?;
            }
        }
        Ok(losers)
    }

    /// Takes out what this segment stored of reports whose messages ClickHouse did not take whole: first from the rollups,
    /// then the rows. Done again it finds nothing left to take out.
    ///
    /// # Errors
    ///
    /// What ClickHouse said. It can be done again.
    pub async fn withdraw(&self, reports: &[Known], segment: Uuid) -> Result<(), StoreError> {
        for reports in reports.chunks(KEYS_AT_ONCE / 2) {
            let pairs = pairs(reports);
            let token = format!("withdrawn/{segment}/{:032x}", xxh3_128(pairs.as_bytes()));
            for (rollup, sums) in [("daily_domains", DOMAINS_OF), ("daily_sources", SOURCES_OF)] {
                let statement = filled(sums, rollup).replace("{pairs}", &pairs);
                let query = self.client().query_raw(&statement);
                self.timed(once(query, &token).execute()).await?;
            }
            for table in TABLES_OF_REPORTS {
                let on = self.settings().cluster.as_deref();
                let (local, on) =
                    on.map_or(("", String::new()), |name| ("_local", format!(" ON CLUSTER {name}")));
                let statement =
                    format!("DELETE FROM {table}{local}{on} WHERE (report_key, content_hash) IN ({pairs})");
                self.timed(self.client().query_raw(&statement).execute()).await?;
            }
        }
        Ok(())
    }

    async fn settle(&self, mut collision: Collision) -> Result<usize, StoreError> {
        let key = Uuid::from_u128(identity(&collision.key)?);
        let content = Uuid::from_u128(identity(&collision.content)?);
        // As text, segments sort by time. ClickHouse sorts UUIDs by their second half.
        collision.segments.sort_unstable();
        for segment in collision.segments.iter().skip(1) {
            let segment = Uuid::from_u128(identity(segment)?);
            let query = format!(
                "SELECT policy_domain, toString(day) AS its_day, group_name, reporter, verdict, standing, \
                    toString(toStartOfMonth(received_at)) AS its_month FROM deliveries \
                 WHERE report_key = '{key}' AND content_hash = '{content}' AND segment = '{segment}' \
                    AND decision != 'duplicate' LIMIT 1"
            );
            let copy: Copy = self.timed(self.client().query_raw(&query).fetch_one()).await?;
            for (rollup, sums) in [("daily_domains", DOMAINS), ("daily_sources", SOURCES)] {
                self.take_out(rollup, sums, &copy, key, content, segment).await?;
            }
            telemetry::collision(&copy.policy_domain, &segment.to_string());
        }
        Ok(collision.segments.len().saturating_sub(1))
    }

    /// The copies have the same content, so what the loser added is computed from the rows that stay; but under the
    /// loser's own group, verdict, standing and month, which may differ.
    async fn take_out(
        &self,
        rollup: &str,
        sums: &str,
        copy: &Copy,
        key: Uuid,
        content: Uuid,
        segment: Uuid,
    ) -> Result<(), StoreError> {
        let query = self
            .client()
            .query(&filled(sums, rollup))
            .bind(&copy.group_name)
            .bind(&copy.verdict)
            .bind(&copy.standing)
            .bind(&copy.its_month)
            .bind(&copy.reporter)
            .bind(&copy.policy_domain)
            .bind(&copy.its_day)
            .bind(key.to_string())
            .bind(content.to_string());
        let token = format!("collision/{key}/{content}/{segment}");
        self.timed(once(query, &token).execute()).await
    }
}

/// Makes an `INSERT … SELECT` add its rows only the first time.
fn once(query: Query, token: &str) -> Query {
    query
        .with_setting("insert_deduplicate", "1")
        .with_setting("insert_deduplication_token", token)
        .with_setting("insert_distributed_sync", "1")
        .with_setting("max_threads", "1")
}

fn filled(statement: &str, rollup: &str) -> String {
    statement.replace("{rollup}", rollup).replace("{sums}", SUMS)
}

fn pairs(reports: &[Known]) -> String {
    let pair = |report: &Known| {
        format!("('{}','{}')", Uuid::from_u128(report.report_key), Uuid::from_u128(report.content_hash))
    };
    reports.iter().map(pair).collect::<Vec<_>>().join(",")
}

/// A report that more than one segment stored.
#[derive(Deserialize, Row)]
struct Collision {
    key: String,
    content: String,
    segments: Vec<String>,
}

/// What the ledger says about one copy.
#[derive(Deserialize, Row)]
struct Copy {
    policy_domain: String,
    its_day: String,
    group_name: String,
    reporter: String,
    verdict: String,
    standing: String,
    its_month: String,
}

/// The opposite of what `daily_domains_feed` adds. Sorted, so that the same rows make the same blocks.
const DOMAINS: &str = "
    INSERT INTO {rollup} (policy_domain, day, group_name, verdict, standing, received_month, reporter,
        disposition, dkim_aligned, spf_aligned, messages, records)
    WITH ? AS its_group, ? AS its_verdict, ? AS its_standing, toDate(?) AS its_month, ? AS its_reporter
    SELECT r.policy_domain, r.day, its_group, its_verdict, its_standing, its_month, its_reporter,
        r.disposition, r.dkim_aligned, r.spf_aligned, -toInt64(sum(r.count)), -toInt64(count())
    FROM aggregate_records AS r FINAL
    WHERE r.policy_domain = ? AND r.day = toDate(?) AND r.report_key = ? AND r.content_hash = ?
    GROUP BY r.policy_domain, r.day, r.disposition, r.dkim_aligned, r.spf_aligned
    ORDER BY r.disposition, r.dkim_aligned, r.spf_aligned";

/// The opposite of what `daily_sources_feed` adds.
const SOURCES: &str = "
    INSERT INTO {rollup} (policy_domain, day, group_name, verdict, standing, received_month,
        source_ip, messages, passed, dkim_aligned, spf_aligned, quarantined, rejected, forwarded, foreign_spf,
        subdomain, subdomain_passed, records)
    WITH ? AS its_group, ? AS its_verdict, ? AS its_standing, toDate(?) AS its_month, ? AS its_reporter
    SELECT r.policy_domain, r.day, its_group, its_verdict, its_standing, its_month, r.source_ip, {sums}
    FROM aggregate_records AS r FINAL
    WHERE r.policy_domain = ? AND r.day = toDate(?) AND r.report_key = ? AND r.content_hash = ?
    GROUP BY r.policy_domain, r.day, r.source_ip
    ORDER BY r.source_ip";

/// What `daily_sources` adds up, each the opposite.
const SUMS: &str = "\
    -toInt64(sum(r.count)), -toInt64(sumIf(r.count, r.dmarc_pass)), -toInt64(sumIf(r.count, r.dkim_aligned)),
    -toInt64(sumIf(r.count, r.spf_aligned)), -toInt64(sumIf(r.count, r.disposition = 'quarantine')),
    -toInt64(sumIf(r.count, r.disposition = 'reject')),
    -toInt64(sumIf(r.count, arrayExists((type, comment) -> lower(type) IN ('forwarded', 'trusted_forwarder', 'mailing_list')
        OR match(lower(comment), '(^|[^a-z])arc[^a-z]*pass'), r.reasons.type, r.reasons.comment))),
    -toInt64(sumIf(r.count, r.dkim_aligned AND NOT r.spf_aligned
        AND arrayExists(result -> lower(result) = 'pass', r.spf_results.result))),
    -toInt64(sumIf(r.count, endsWith(lower(r.header_from), concat('.', r.policy_domain)))),
    -toInt64(sumIf(r.count, r.dmarc_pass AND endsWith(lower(r.header_from), concat('.', r.policy_domain)))),
    -toInt64(count())";

/// The same for reports that only one segment stored, so that their rows say all.
const DOMAINS_OF: &str = "
    INSERT INTO {rollup} (policy_domain, day, group_name, verdict, standing, received_month, reporter,
        disposition, dkim_aligned, spf_aligned, messages, records)
    SELECT r.policy_domain, r.day, r.group_name, r.verdict, r.standing, toStartOfMonth(r.received_at) AS month, r.reporter,
        r.disposition, r.dkim_aligned, r.spf_aligned, -toInt64(sum(r.count)), -toInt64(count())
    FROM aggregate_records AS r FINAL
    WHERE (r.report_key, r.content_hash) IN ({pairs})
    GROUP BY r.policy_domain, r.day, r.group_name, r.verdict, r.standing, month, r.reporter,
        r.disposition, r.dkim_aligned, r.spf_aligned
    ORDER BY ALL";

/// The same for `daily_sources`.
const SOURCES_OF: &str = "
    INSERT INTO {rollup} (policy_domain, day, group_name, verdict, standing, received_month,
        source_ip, messages, passed, dkim_aligned, spf_aligned, quarantined, rejected, forwarded, foreign_spf,
        subdomain, subdomain_passed, records)
    SELECT r.policy_domain, r.day, r.group_name, r.verdict, r.standing, toStartOfMonth(r.received_at) AS month, r.source_ip, {sums}
    FROM aggregate_records AS r FINAL
    WHERE (r.report_key, r.content_hash) IN ({pairs})
    GROUP BY r.policy_domain, r.day, r.group_name, r.verdict, r.standing, month, r.source_ip
    ORDER BY ALL";

const TABLES_OF_REPORTS: [&str; 5] =
    ["aggregate_records", "aggregate_reports", "tls_failures", "tls_policies", "failure_reports"];
