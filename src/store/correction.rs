//! Changes to what was stored: a copy of a report is taken out of the tables and of every sum, or brought back.
//!
//! Its rows move to the tables `withdrawn_…` and back. A materialized view takes what arrives in `withdrawn_aggregate_records`
//! out of the rollups, as another adds what arrives in `aggregate_records`, so one insert under one token does both.
//!
//! - **Two copies.** A copy that proves less may come first, and two receivers may store the same report at the same time.
//!   Whoever has written to the ledger looks whether a report is there from several segments, and takes out every copy but
//!   the best one ([`losers`]). A segment is in the ledger only after all its rows are stored, and the last to write
//!   there sees all others: so each such report is seen, and what is taken out had been put in.
//! - **A refusal.** What had been stored of a message that ClickHouse does not take whole is taken out.
//! - **A person** withdraws reports and restores them.
//!
//! Each change is written to `report_corrections` before and after it is made. One that was cut short is done again under
//! the same tokens; its batch says with which others.

use std::collections::{BTreeMap, BTreeSet};

use clickhouse::{Row, query::Query};
use serde::Deserialize;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    Block, Store, StoreError,
    copies::{BY_RUAD, CopyFilter, CopyRow, Place, StoredCopy, losers},
    query::{KEYS_AT_ONCE, identity, list},
    tables::{
        AggregateRecords, AggregateReports, FailureReports, ReportCorrections, TlsFailures, TlsPolicies,
        precedence, precedence_without_proof,
    },
};
use crate::store::telemetry;

/// Who changes copies, when and why.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// What is done to them.
    pub action: Action,
    /// Who does it.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When; seconds since 1970.
    pub at: u64,
}

/// What is done to a copy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// A person takes it out.
    Withdrawn,
    /// Another copy counts instead.
    Superseded,
    /// ClickHouse did not take its message whole.
    Refused,
    /// A person brings it back.
    Restored,
}

/// How far a change is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    Begun = 1,
    Done = 2,
    /// Somebody else had begun to change the same copy; nothing was done.
    GivenUp = 3,
}

impl Store {
    /// Takes out the copies of these reports that lost their place to another; gives how many there were.
    ///
    /// # Errors
    ///
    /// What ClickHouse said. It can be done again.
    pub async fn settle(&self, report_keys: &[u128]) -> Result<usize, StoreError> {
        let copies = self.copies_of(report_keys, true).await?;
        let mut by_reason: BTreeMap<String, Vec<(StoredCopy, Uuid)>> = BTreeMap::new();
        for copy in copies.iter().filter(|copy| copy.place == Place::Superseded && copy.pending.is_some()) {
            let batch = batch_of(copy);
            by_reason.entry(copy.reason.clone()).or_default().push((copy.clone(), batch));
        }
        for (loser, winner) in losers(&copies).into_iter().filter(|(loser, _)| loser.pending.is_none()) {
            telemetry::superseded(loser, winner);
            let reason = format!("the {} copy in segment {} counts", winner.verdict.as_str(), winner.segment);
            by_reason.entry(reason).or_default().push(next_of_its_own(loser));
        }
        let mut settled = Vec::new();
        for (reason, changes) in by_reason {
            let change = Change::by_ruad(Action::Superseded, &reason);
            settled.extend(self.begin(changes, &change).await?);
        }
        self.carry_out(&settled, Action::Superseded).await?;
        Ok(settled.len())
    }

    /// Takes out what was stored of these copies, whose messages ClickHouse did not take whole.
    ///
    /// # Errors
    ///
    /// What ClickHouse said. It can be done again.
    pub async fn take_out_refused(&self, copies: &[StoredCopy]) -> Result<(), StoreError> {
        let changes: Vec<_> = copies.iter().map(next_of_its_own).collect();
        for changes in changes.chunks(COPIES_AT_ONCE) {
            let change = Change::by_ruad(Action::Refused, "ClickHouse refused rows of its message");
            self.note(changes, &change, State::Begun).await?;
            self.carry_out(changes, Action::Refused).await?;
        }
        Ok(())
    }

    /// Takes out these copies, all of which count, or brings them back, all of which were withdrawn. Gives how many were
    /// changed: not those that somebody else began to change at the same moment.
    ///
    /// # Errors
    ///
    /// What ClickHouse said. [`Store::finish_changes`] does what is left.
    pub async fn change(&self, copies: &[StoredCopy], change: &Change<'_>) -> Result<usize, StoreError> {
        let mut changed = 0;
        for copies in portions(copies) {
            let batch = Uuid::now_v7();
            let next = |copy: &StoredCopy| (StoredCopy { step: copy.step + 1, ..copy.clone() }, batch);
            let changes = self.begin(copies.iter().map(next).collect(), change).await?;
            self.carry_out(&changes, change.action).await?;
            changed += changes.len();
        }
        telemetry::changed(change.action.as_str(), changed, change.by, change.reason);
        Ok(changed)
    }

    /// Withdraws what was stored before counts had a bound and counts more than can be: sums that wrapped because of it
    /// are right again, for what is taken out wraps as what was added did. Gives how many copies there were.
    ///
    /// # Errors
    ///
    /// What ClickHouse said. It can be done again.
    pub(super) async fn withdraw_implausible(&self) -> Result<usize, StoreError> {
        let mut withdrawn = self.finish_changes().await?;
        loop {
            let keys: Vec<String> = self.timed(self.client().query_raw(IMPLAUSIBLE).fetch_all()).await?;
            let keys = keys.iter().map(|key| identity(key)).collect::<Result<Vec<_>, _>>()?;
            if keys.is_empty() {
                return Ok(withdrawn);
            }
            let filter = CopyFilter { keys, place: Some(Place::Counted), ..CopyFilter::default() };
            let copies = self.copies(&filter, usize::MAX).await?;
            let reason = "it counts more than can be";
            let changed = self.change(&copies, &Change::by_ruad(Action::Withdrawn, reason)).await?;
            withdrawn += changed;
            if changed == 0 {
                return Ok(withdrawn);
            }
        }
    }

    /// Finishes the changes by persons that were cut short; gives how many copies that were.
    ///
    /// # Errors
    ///
    /// What ClickHouse said. It can be done again.
    pub async fn finish_changes(&self) -> Result<usize, StoreError> {
        let unfinished = "SELECT DISTINCT toString(batch) AS batch, toString(action) AS action \
            FROM report_corrections FINAL WHERE state = 1 AND action IN ('withdrawn', 'restored') ORDER BY batch";
        let batches: Vec<Unfinished> = self.timed(self.client().query_raw(unfinished).fetch_all()).await?;
        let mut finished = 0;
        for Unfinished { batch, action } in batches {
            let batch = Uuid::from_u128(identity(&batch)?);
            let statement = format!(
                "SELECT toString(report_key) AS key_text, toString(content_hash) AS content_text, \
                    toString(segment) AS segment_text, number, toString(kind) AS kind_text, \
                    toInt64(toUnixTimestamp64Milli(received_at)) AS received, toString(policy_domain) AS domain_text, \
                    toUInt16(day) AS its_day, toString(group_name) AS group_text, toString(reporter) AS reporter_text, \
                    toString(verdict) AS verdict_text, toString(standing) AS standing_text, report_id, records, messages, step, \
                    action, false AS is_done, toString(batch) AS batch_text, changed_by, reason \
                 FROM report_corrections FINAL WHERE batch = '{batch}' AND state = 1"
            );
            let rows: Vec<CopyRow> = self.timed(self.client().query_raw(&statement).fetch_all()).await?;
            let copies = rows.into_iter().map(|row| StoredCopy::try_from(row).map(|copy| (copy, batch)));
            let changes = copies.collect::<Result<Vec<_>, _>>()?;
            let action = if action == "restored" { Action::Restored } else { Action::Withdrawn };
            self.carry_out(&changes, action).await?;
            finished += changes.len();
        }
        Ok(finished)
    }

    /// Writes down that these changes begin, and leaves out those of copies that somebody else began to change. Both
    /// write before they look, so that never both go on. A person gives up; what has to be done anyway is left for the next
    /// [`Store::settle`].
    async fn begin(
        &self,
        changes: Vec<(StoredCopy, Uuid)>,
        change: &Change<'_>,
    ) -> Result<Vec<(StoredCopy, Uuid)>, StoreError> {
        if changes.is_empty() {
            return Ok(changes);
        }
        self.note(&changes, change, State::Begun).await?;
        let keys: BTreeSet<_> = changes.iter().map(|(copy, _)| copy.report_key).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        // Who changes each copy, and whether it is done.
        let mut batches: BTreeMap<String, BTreeMap<Uuid, bool>> = BTreeMap::new();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let statement = format!(
                "SELECT toString(report_key) AS key_text, toString(content_hash) AS content_text, \
                    toString(segment) AS segment_text, step, toString(batch) AS batch_text, state = 2 AS is_done \
                 FROM report_corrections FINAL WHERE report_key IN ({}) AND state != 3",
                list(keys)
            );
            let rows: Vec<Begun> = self.timed(self.client().query_raw(&statement).fetch_all()).await?;
            for row in rows {
                let step = format!(
                    "{:032x}/{:032x}/{}/{}",
                    identity(&row.key_text)?,
                    identity(&row.content_text)?,
                    row.segment_text,
                    row.step
                );
                let batch = Uuid::from_u128(identity(&row.batch_text)?);
                batches.entry(step).or_default().insert(batch, row.is_done);
            }
        }
        let others = |(copy, batch): &(StoredCopy, Uuid)| {
            let batches = batches.get(&step_of(copy)).into_iter().flatten();
            let others: Vec<bool> =
                batches.filter(|(other, _)| *other != batch).map(|(_, is_done)| *is_done).collect();
            others
        };
        let (alone, contested): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| others(change).is_empty());
        let is_idle =
            |one: &(StoredCopy, Uuid)| change.action != Action::Superseded || others(one).contains(&true);
        let given_up: Vec<_> = contested.into_iter().filter(is_idle).collect();
        self.note(&given_up, change, State::GivenUp).await?;
        Ok(alone)
    }

    /// Makes the changes, which were begun.
    async fn carry_out(&self, changes: &[(StoredCopy, Uuid)], action: Action) -> Result<(), StoreError> {
        for changes in changes.chunks(COPIES_AT_ONCE) {
            self.move_rows(changes, action).await?;
            // What the row says besides its state is replaced by itself.
            self.finish(changes).await?;
        }
        Ok(())
    }

    async fn move_rows(&self, changes: &[(StoredCopy, Uuid)], action: Action) -> Result<(), StoreError> {
        let batches: BTreeSet<_> =
            changes.iter().filter(|(copy, _)| copy.kind == "aggregate").map(|(_, batch)| *batch).collect();
        if action != Action::Restored && !batches.is_empty() {
            // ClickHouse may have refused a report because a column is missing.
            let query =
                self.client().query("SELECT name FROM system.columns WHERE database = ? AND table = ?");
            let query = query.bind(&self.settings().database).bind(RECORDS);
            let present: Vec<String> = self.timed(query.fetch_all()).await?;
            for batch in &batches {
                let query = self.client().query_raw(&records_out(*batch, action, &present));
                self.timed(once(query, &format!("correction/{batch}")).execute()).await?;
            }
        }
        let token = token(changes);
        for (kind, table, columns) in tables() {
            let of_kind: Vec<_> = changes.iter().filter(|(copy, _)| copy.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            let rows = rows_of(&of_kind);
            let (from, to) = match action {
                Action::Restored => (format!("withdrawn_{table}"), table.to_owned()),
                _ => (table.to_owned(), format!("withdrawn_{table}")),
            };
            // What was refused waits in quarantine whole; only its records have to leave the sums.
            let moves = if table == RECORDS { action == Action::Restored } else { action != Action::Refused };
            if moves {
                let statement = format!(
                    "INSERT INTO {to} ({columns}) SELECT {columns} FROM {from} FINAL WHERE {rows} ORDER BY {}",
                    order(table)
                );
                let query = self.client().query_raw(&statement);
                self.timed(once(query, &format!("correction/{token}/{table}")).execute()).await?;
            }
        }
        for (kind, table, _) in tables() {
            let of_kind: Vec<_> = changes.iter().filter(|(copy, _)| copy.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            let prefix = if action == Action::Restored { "withdrawn_" } else { "" };
            let cluster = self.settings().cluster.as_deref();
            let (local, on) =
                cluster.map_or(("", String::new()), |name| ("_local", format!(" ON CLUSTER {name}")));
            let statement = format!("DELETE FROM {prefix}{table}{local}{on} WHERE {}", rows_of(&of_kind));
            self.timed(self.client().query_raw(&statement).execute()).await?;
        }
        Ok(())
    }

    async fn note(
        &self,
        changes: &[(StoredCopy, Uuid)],
        change: &Change<'_>,
        state: State,
    ) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut rows = ReportCorrections::default();
        for (copy, batch) in changes {
            rows.add(copy, *batch, change, state);
        }
        let token = format!("correction/{}/{}", token(changes), state as u32);
        self.insert(&rows, 0..changes.len(), &[], &token).await.map(|_| ())
    }

    /// Writes down that these changes are made: the same rows again, with a larger state.
    async fn finish(&self, changes: &[(StoredCopy, Uuid)]) -> Result<(), StoreError> {
        let columns = ReportCorrections::default();
        let names: Vec<_> = columns.columns().into_iter().map(|(name, _)| name).collect();
        let into = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let selected = names.iter().map(|name| match *name {
            "state" => (State::Done as u32).to_string(),
            name => format!("`{name}`"),
        });
        let steps = changes.iter().map(|(copy, batch)| {
            let (key, content) = (Uuid::from_u128(copy.report_key), Uuid::from_u128(copy.content_hash));
            format!("('{key}','{content}','{}',{},'{batch}')", copy.segment, copy.step)
        });
        let statement = format!(
            "INSERT INTO report_corrections ({into}) SELECT {} FROM report_corrections FINAL \
             WHERE (report_key, content_hash, segment, step, batch) IN ({}) AND state = 1 \
             ORDER BY report_key, content_hash, segment, step, batch",
            selected.collect::<Vec<_>>().join(", "),
            steps.collect::<Vec<_>>().join(",")
        );
        let query = once(self.client().query_raw(&statement), &format!("correction/{}/done", token(changes)));
        self.timed(query.execute()).await
    }
}

impl<'a> Change<'a> {
    fn by_ruad(action: Action, reason: &'a str) -> Self {
        Self { action, by: BY_RUAD, reason, at: ruad_common::time::unix_seconds() }
    }
}

impl Action {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
            Self::Refused => "refused",
            Self::Restored => "restored",
        }
    }
}

/// The next change of a copy, in a batch of its own that follows from it: two receivers that make the same change make it
/// once.
fn next_of_its_own(copy: &StoredCopy) -> (StoredCopy, Uuid) {
    let copy = StoredCopy { step: copy.step + 1, ..copy.clone() };
    let batch = batch_of(&copy);
    (copy, batch)
}

fn batch_of(copy: &StoredCopy) -> Uuid {
    Uuid::from_u128(xxh3_128(step_of(copy).as_bytes()))
}

fn step_of(copy: &StoredCopy) -> String {
    format!("{:032x}/{:032x}/{}/{}", copy.report_key, copy.content_hash, copy.segment, copy.step)
}

/// What follows from a set of changes alone.
fn token(changes: &[(StoredCopy, Uuid)]) -> String {
    let mut steps: Vec<_> =
        changes.iter().map(|(copy, batch)| format!("{}/{batch}", step_of(copy))).collect();
    steps.sort_unstable();
    format!("{:032x}", xxh3_128(steps.join(",").as_bytes()))
}

/// So many copies at a time that their records can be sorted in memory.
fn portions(copies: &[StoredCopy]) -> impl Iterator<Item = &[StoredCopy]> {
    let mut rest = copies;
    std::iter::from_fn(move || {
        let mut records = 0_u64;
        let fits = rest.iter().take(COPIES_AT_ONCE).take_while(|copy| {
            records = records.saturating_add(copy.records);
            records <= RECORDS_AT_ONCE
        });
        let (portion, others) = rest.split_at(fits.count().max(1).min(rest.len()));
        rest = others;
        (!portion.is_empty()).then_some(portion)
    })
}

/// The rows of copies, by what no stranger can write into a statement. Rows from before the proof was part of the
/// precedence have another one.
fn rows_of(changes: &[&(StoredCopy, Uuid)]) -> String {
    let rows = changes.iter().flat_map(|(copy, _)| {
        let (key, content) = (Uuid::from_u128(copy.report_key), Uuid::from_u128(copy.content_hash));
        [precedence(copy.segment, copy.verdict), precedence_without_proof(copy.segment)]
            .map(|precedence| format!("('{key}','{content}',{precedence})"))
    });
    let rows = rows.collect::<Vec<_>>().join(",");
    format!("(report_key, content_hash, precedence) IN ({rows})")
}

/// Makes an `INSERT … SELECT` add its rows only the first time, to the table and to each rollup by itself.
fn once(query: Query, token: &str) -> Query {
    query
        .with_setting("insert_deduplicate", "1")
        .with_setting("insert_deduplication_token", token)
        .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
        .with_setting("insert_distributed_sync", "1")
        .with_setting("optimize_on_insert", "0")
        .with_setting("max_threads", "1")
        .with_setting("max_query_size", LONGEST_STATEMENT)
}

/// The statement that takes the records of a batch out. A copy that lost its place may have been merged away by
/// the one that took it, which says the same: so what it had added is computed from the rows that are there, under
/// its own customer, verdict, day and month. A copy that was refused may have been stored in part.
fn records_out(batch: Uuid, action: Action, present: &[String]) -> String {
    let own = AggregateRecords::default();
    let columns = own.columns().into_iter().filter(|(name, _)| present.iter().any(|one| one == name));
    let columns: Vec<_> = columns.collect();
    let into = columns.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let selected = columns.iter().map(|(name, _)| match *name {
        name if OF_THE_COPY.contains(&name) => format!("c.`{name}`"),
        name => format!("r.`{name}`"),
    });
    let selected = selected.collect::<Vec<_>>().join(", ");
    let batch =
        format!("report_corrections FINAL WHERE batch = '{batch}' AND state != 3 AND kind = 'aggregate'");
    let (last, stored) = match action {
        Action::Refused => ("", format!("AND precedence GLOBAL IN (SELECT precedence FROM {batch})")),
        _ => ("FINAL", String::new()),
    };
    format!(
        "INSERT INTO withdrawn_{RECORDS} ({into}) SELECT {selected} FROM ( \
            SELECT * FROM {RECORDS} {last} \
            WHERE policy_domain GLOBAL IN (SELECT toString(policy_domain) FROM {batch}) \
                AND day GLOBAL IN (SELECT day FROM {batch}) \
                AND (report_key, content_hash) GLOBAL IN (SELECT report_key, content_hash FROM {batch}) {stored} \
         ) AS r GLOBAL INNER JOIN (SELECT * FROM {batch}) AS c \
            ON c.report_key = r.report_key AND c.content_hash = r.content_hash AND c.day = r.day \
         ORDER BY r.policy_domain, r.day, r.report_key, r.content_hash, r.record, c.precedence"
    )
}

/// The tables of each kind of report with their columns, that with the records first.
fn tables() -> [(&'static str, &'static str, String); 5] {
    let columns = |block: &dyn Block| {
        let names: Vec<_> = block.columns().into_iter().map(|(name, _)| format!("`{name}`")).collect();
        names.join(", ")
    };
    [
        ("aggregate", RECORDS, columns(&AggregateRecords::default())),
        ("aggregate", "aggregate_reports", columns(&AggregateReports::default())),
        ("tls", "tls_failures", columns(&TlsFailures::default())),
        ("tls", "tls_policies", columns(&TlsPolicies::default())),
        ("failure", "failure_reports", columns(&FailureReports::default())),
    ]
}

/// By which rows are sorted, so that the same rows make the same blocks.
fn order(table: &str) -> &'static str {
    match table {
        RECORDS => "policy_domain, day, report_key, content_hash, record, precedence",
        "tls_policies" => "policy_domain, day, report_key, content_hash, policy, precedence",
        "tls_failures" => "policy_domain, day, report_key, content_hash, policy, failure, precedence",
        _ => "policy_domain, day, report_key, content_hash, precedence",
    }
}

#[derive(Deserialize, Row)]
struct Unfinished {
    batch: String,
    action: String,
}

#[derive(Deserialize, Row)]
struct Begun {
    key_text: String,
    content_text: String,
    segment_text: String,
    step: u32,
    batch_text: String,
    is_done: bool,
}

const RECORDS: &str = "aggregate_records";

/// Reports with a record, policy or failure of more than a billion, or more than ten billion in all.
const IMPLAUSIBLE: &str = "SELECT DISTINCT toString(report_key) FROM ( \
    SELECT report_key FROM aggregate_records WHERE count > 1000000000 \
    UNION ALL SELECT report_key FROM aggregate_reports WHERE messages > 10000000000 \
    UNION ALL SELECT report_key FROM tls_policies WHERE successful > 1000000000 OR failed > 1000000000 \
    UNION ALL SELECT report_key FROM tls_failures WHERE failed_sessions > 1000000000 \
    UNION ALL SELECT report_key FROM failure_reports WHERE ifNull(incidents, 0) > 1000000000 \
 ) LIMIT 1000";

/// What the ledger says of a copy; the rest of a row is what the report says.
const OF_THE_COPY: [&str; 7] =
    ["day", "group_name", "reporter", "verdict", "standing", "received_at", "precedence"];

/// A statement names each copy twice, in some 100 bytes.
const COPIES_AT_ONCE: usize = 500;

const RECORDS_AT_ONCE: u64 = 200_000;

/// Bytes.
const LONGEST_STATEMENT: &str = "1048576";
