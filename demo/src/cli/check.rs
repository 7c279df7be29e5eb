//! What the database says against what was sent.

use std::collections::BTreeMap;
use std::time::Duration;

use ruad_demo::Truth;
use ruad_demo::truth::Counts;
use tokio::time::{Instant, sleep};

use super::database::Database;
use super::number::thousands;
use super::sql;

/// Numbers read back.
pub(super) struct Findings {
    domains: BTreeMap<String, Domain>,
    /// Reports, rows, messages, aligned messages.
    forged: [u64; 4],
    /// Reports, sessions that went well, sessions that did not.
    tls: [u64; 3],
    failures: u64,
    /// Decision and verdict: deliveries.
    deliveries: Vec<(String, String, u64)>,
    unusable: u64,
    /// Messages by the rollup, over all domains.
    rolled_up: u64,
}

/// Aggregate reports about one domain.
struct Domain {
    group: String,
    /// Reports, rows, messages, aligned messages.
    counts: [u64; 4],
    /// Messages by the word for what was done.
    dispositions: BTreeMap<String, u64>,
}

/// Reads until everything agrees, or for a moment: the message's own row may be there before all others.
pub(super) async fn settled(database: &Database, truth: &Truth) -> anyhow::Result<Findings> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let findings = Findings::read(database).await?;
        if findings.differences(truth).is_empty() || Instant::now() > deadline {
            return Ok(findings);
        }
        sleep(POLL).await;
    }
}

impl Findings {
    async fn read(database: &Database) -> anyhow::Result<Self> {
        let mut domains: BTreeMap<String, Domain> = BTreeMap::new();
        for (domain, group, reports, records, messages, aligned) in
            database.query::<(String, String, u64, u64, u64, u64)>(sql::COUNTS).await?
        {
            let counts = [reports, records, messages, aligned];
            domains.insert(domain, Domain { group, counts, dispositions: BTreeMap::new() });
        }
        for (domain, disposition, messages) in
            database.query::<(String, String, u64)>(sql::DISPOSITIONS).await?
        {
            if let Some(domain) = domains.get_mut(&domain) {
                domain.dispositions.insert(disposition, messages);
            }
        }
        let (reports, records, messages, aligned) = database.one(sql::FORGED).await?;
        let (tls, successful, failed) = database.one(sql::TLS).await?;
        let left_out = database.query::<(String, String, u64)>(sql::LEFT_OUT).await?;
        let rollup = database.query::<(String, String, String, u64, u64, u64, u64)>(sql::DOMAINS).await?;
        Ok(Self {
            domains,
            forged: [reports, records, messages, aligned],
            tls: [tls, successful, failed],
            failures: database.one(sql::FAILURES).await?,
            deliveries: database.query(sql::DELIVERIES).await?,
            unusable: left_out.iter().map(|(_, _, messages)| messages).sum(),
            rolled_up: rollup.iter().map(|row| row.3).sum(),
        })
    }

    /// What is not as it was sent, one sentence each.
    pub(super) fn differences(&self, truth: &Truth) -> Vec<String> {
        let mut differences = Differences::default();
        for (name, expected) in &truth.domains {
            let Some(found) = self.domains.get(*name) else {
                differences.0.push(format!("{name}: nothing is there"));
                continue;
            };
            let wanted = expected.group.unwrap_or("unassigned");
            if found.group != wanted {
                differences.0.push(format!("{name}: its group is {}, not {wanted}", found.group));
            }
            differences.counts(name, &expected.counts, &found.counts);
            let wanted: BTreeMap<String, u64> = expected
                .counts
                .dispositions
                .iter()
                .map(|(word, count)| (word.as_str().to_owned(), *count))
                .collect();
            if wanted != found.dispositions {
                differences
                    .0
                    .push(format!("{name}: dispositions are {:?}, not {wanted:?}", found.dispositions));
            }
        }
        for name in self.domains.keys().filter(|name| !truth.domains.contains_key(name.as_str())) {
            differences.0.push(format!("{name}: nothing was sent about it"));
        }
        differences.counts("forged reports", &truth.forged, &self.forged);
        let [reports, successful, failed] = self.tls;
        differences.number("TLS reports", truth.tls.reports, reports);
        differences.number("TLS sessions", truth.tls.successful, successful);
        differences.number("failed TLS sessions", truth.tls.failed, failed);
        differences.number("failure reports", truth.failures, self.failures);
        differences.number(
            "stored reports",
            truth.mails.stored - truth.mails.conflicts,
            self.decided("stored"),
        );
        differences.number("duplicates", truth.mails.duplicates, self.decided("duplicate"));
        differences.number("conflicts", truth.mails.conflicts, self.decided("conflict"));
        for (verdict, deliveries) in &truth.verdicts {
            differences.number(&format!("{verdict} deliveries"), *deliveries, self.judged(verdict));
        }
        differences.number("messages without a report", truth.mails.unusable, self.unusable);
        differences.number("messages by the rollup", truth.messages(), self.rolled_up);
        differences.0
    }

    /// Deliveries that were decided so.
    pub(super) fn decided(&self, decision: &str) -> u64 {
        self.deliveries.iter().filter(|(word, _, _)| word == decision).map(|(_, _, count)| count).sum()
    }

    /// Deliveries with this verdict.
    pub(super) fn judged(&self, verdict: &str) -> u64 {
        self.deliveries.iter().filter(|(_, word, _)| word == verdict).map(|(_, _, count)| count).sum()
    }

    /// Aggregate reports, rows, TLS reports, TLS sessions that failed, failure reports.
    pub(super) fn kinds(&self) -> [u64; 5] {
        let genuine =
            |at: usize| -> u64 { self.domains.values().filter_map(|domain| domain.counts.get(at)).sum() };
        let [forged, forged_records, ..] = self.forged;
        let [tls, _, failed] = self.tls;
        [genuine(0) + forged, genuine(1) + forged_records, tls, failed, self.failures]
    }

    /// Forged reports and the messages they claim.
    pub(super) fn forged(&self) -> (u64, u64) {
        let [reports, _, messages, _] = self.forged;
        (reports, messages)
    }
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn number(&mut self, what: &str, sent: u64, found: u64) {
        if sent != found {
            self.0.push(format!("{what}: {} there, {} sent", thousands(found), thousands(sent)));
        }
    }

    fn counts(&mut self, what: &str, sent: &Counts, found: &[u64; 4]) {
        let [reports, records, messages, aligned] = *found;
        self.number(&format!("{what}, reports"), sent.reports, reports);
        self.number(&format!("{what}, rows"), sent.records, records);
        self.number(&format!("{what}, messages"), sent.messages, messages);
        self.number(&format!("{what}, aligned"), sent.aligned, aligned);
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(250);
