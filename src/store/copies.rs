//! The copies of a report that were stored: which of them count, and which lost their place to another.
//!
//! A report is stored once for each content and segment. The ledger (`deliveries`) has every copy, and `report_corrections`
//! what was done to it since.

use std::collections::{BTreeMap, BTreeSet};

use clickhouse::{Row, query::Query};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Store, StoreError,
    query::{KEYS_AT_ONCE, identity, list},
};
use crate::provenance::Verdict;

/// A copy of a report that was stored.
#[derive(Clone, Debug)]
pub struct StoredCopy {
    /// Identity of the report.
    pub report_key: u128,
    /// Hash of what it says.
    pub content_hash: u128,
    /// The segment it was stored from.
    pub segment: Uuid,
    /// The number of its message in the segment.
    pub number: u32,
    /// `aggregate`, `tls` or `failure`.
    pub kind: String,
    /// When its message arrived; milliseconds since 1970.
    pub received_at: u64,
    /// The domain it is about; the first one of a TLS report.
    pub policy_domain: String,
    /// The day it is about; days since 1970.
    pub day: u16,
    /// Customer.
    pub group_name: String,
    /// Who reports, lower case.
    pub reporter: String,
    /// What provenance says.
    pub verdict: Verdict,
    /// Whether it can be believed.
    pub standing: String,
    /// Its id as written.
    pub report_id: String,
    /// Records, policies or failure reports in it.
    pub records: u64,
    /// Messages or sessions it counts.
    pub messages: u64,
    /// Changes made to it so far, the one under way included.
    pub step: u32,
    /// Whether it counts.
    pub place: Place,
    /// The batch of the change under way.
    pub pending: Option<Uuid>,
    /// Who made the last change, and why; empty without one.
    pub changed_by: String,
    /// Why.
    pub reason: String,
}

/// Whether a copy counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the tables and in every sum.
    Counted,
    /// Another copy counts instead of it.
    Superseded,
    /// Withdrawn by a person.
    Withdrawn,
}

/// Which copies are meant. What is empty restricts nothing.
#[derive(Clone, Debug, Default)]
pub struct CopyFilter {
    /// Their reports' identities, at most 4,000.
    pub keys: Vec<u128>,
    /// Who reports, lower case.
    pub reporter: Option<String>,
    /// The policy domain, normalized.
    pub domain: Option<String>,
    /// The report's id as written.
    pub id: Option<String>,
    /// The segment.
    pub segment: Option<Uuid>,
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// Arrived at this time or later; milliseconds since 1970.
    pub since: Option<u64>,
    /// Arrived before this time; milliseconds since 1970.
    pub before: Option<u64>,
    /// Whether they count.
    pub place: Option<Place>,
}

/// How much some copies are together.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Row)]
pub struct CopySums {
    /// Copies.
    pub copies: u64,
    /// Records, policies and failure reports in them.
    pub records: u64,
    /// Messages and sessions they count.
    pub messages: u64,
}

/// A change of a copy.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct CopyChange {
    /// The copy's segment.
    pub segment: String,
    /// The hash of what the copy says, as a UUID.
    pub content: String,
    /// `withdrawn`, `restored`, `superseded` or `refused`.
    pub action: String,
    /// Whether it was finished.
    pub is_done: bool,
    /// When it was begun; seconds since 1970.
    pub at: u32,
    /// Who made it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// The copies that are meant, the latest to arrive first, at most so many.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn copies(&self, filter: &CopyFilter, most: usize) -> Result<Vec<StoredCopy>, StoreError> {
        let statement = format!(
            "SELECT toString(report_key) AS key_text, toString(content_hash) AS content_text, \
                toString(segment) AS segment_text, number, toString(kind) AS kind_text, \
                toInt64(toUnixTimestamp64Milli(received_at)) AS received, toString(policy_domain) AS domain_text, \
                toUInt16(day) AS its_day, toString(group_name) AS group_text, toString(reporter) AS reporter_text, \
                toString(verdict) AS verdict_text, toString(standing) AS standing_text, report_id, records, messages, step, \
                action, is_done, \
                toString(batch) AS batch_text, changed_by, reason \
             FROM ({}) ORDER BY received_at DESC, report_key, content_hash, segment LIMIT {most}",
            filter.statement()
        );
        let rows: Vec<CopyRow> = self.timed(filter.bind(self, &statement).fetch_all()).await?;
        let mut seen = BTreeSet::new();
        let copies = rows.into_iter().map(StoredCopy::try_from);
        copies.filter(|copy| copy.as_ref().map_or(true, |copy| seen.insert(copy.identity()))).collect()
    }

    /// How much the copies that are meant are together.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn copy_sums(&self, filter: &CopyFilter) -> Result<CopySums, StoreError> {
        let statement = format!(
            "SELECT count() AS copies, toUInt64(least(sum(toUInt128(records)), {MOST})) AS records, \
                toUInt64(least(sum(toUInt128(messages)), {MOST})) AS messages FROM ({})",
            filter.statement(),
            MOST = i64::MAX
        );
        self.timed(filter.bind(self, &statement).fetch_one()).await
    }

    /// Those of these withdrawn copies that can be restored: not those beside which another copy counts that proves more,
    /// nor what this program itself withdrew.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn restorable(&self, copies: &[StoredCopy]) -> Result<Vec<StoredCopy>, StoreError> {
        let keys: BTreeSet<_> = copies.iter().map(|copy| copy.report_key).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let mut all = self.copies_of(&keys, false).await?;
        let wanted = |copy: &&StoredCopy| {
            copy.place == Place::Withdrawn && copy.pending.is_none() && copy.changed_by != BY_RUAD
        };
        let wanted: BTreeMap<_, _> =
            copies.iter().filter(wanted).map(|copy| (copy.identity(), copy.clone())).collect();
        for copy in &mut all {
            if wanted.contains_key(&copy.identity()) {
                copy.place = Place::Counted;
            }
        }
        let losers: BTreeSet<_> = losers(&all).into_iter().map(|(loser, _)| loser.identity()).collect();
        Ok(wanted.into_values().filter(|copy| !losers.contains(&copy.identity())).collect())
    }

    /// What was done to the copies of a report, in order, at most so many changes.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn changes_of(&self, report_key: u128, most: usize) -> Result<Vec<CopyChange>, StoreError> {
        let statement = format!(
            "SELECT toString(segment) AS segment, toString(content_hash) AS content, toString(action) AS action, \
                state = 2 AS is_done, toUInt32(changed_at) AS at, toString(changed_by) AS by, reason \
             FROM (SELECT * FROM report_corrections FINAL WHERE report_key IN ({}) ORDER BY changed_at, step LIMIT {most}) \
             WHERE state < 3 ORDER BY changed_at, step",
            list(&[report_key])
        );
        self.timed(self.client().query_raw(&statement).fetch_all()).await
    }

    /// The copies of these reports; of all that are stored, or of those with copies from several segments.
    pub(super) async fn copies_of(
        &self,
        keys: &[u128],
        several: bool,
    ) -> Result<Vec<StoredCopy>, StoreError> {
        let several = if several { "HAVING min(segment) != max(segment)" } else { "" };
        let mut copies = Vec::new();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            // Nearly every report is new, and the ledger alone says so.
            let statement = format!(
                "SELECT toString(report_key) FROM deliveries \
                 WHERE report_key IN ({}) AND decision IN ('stored', 'conflict') \
                 GROUP BY report_key {several}",
                list(keys)
            );
            let found: Vec<String> = self.timed(self.client().query_raw(&statement).fetch_all()).await?;
            let keys = found.iter().map(|key| identity(key)).collect::<Result<Vec<_>, _>>()?;
            for keys in keys.chunks(KEYS_AT_ONCE / 4) {
                let filter = CopyFilter { keys: keys.to_vec(), ..CopyFilter::default() };
                copies.extend(self.copies(&filter, MOST_COPIES).await?);
            }
        }
        Ok(copies)
    }
}

impl StoredCopy {
    /// What tells it from every other copy.
    pub fn identity(&self) -> (u128, u128, Uuid) {
        (self.report_key, self.content_hash, self.segment)
    }

    /// How early it comes among the copies of the same content: by its proof, then by its segment. As text, segments sort
    /// by time; ClickHouse sorts UUIDs by their second half.
    fn rank(&self) -> (std::cmp::Reverse<u8>, String) {
        (std::cmp::Reverse(self.verdict.proof()), self.segment.to_string())
    }
}

impl Place {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Those of these copies that count and must not, each with the copy that takes its place. Once a genuine copy of a
/// report counts, no other says anything; and of the copies with one content, one counts. Copies whose ids differ in case are
/// of one report only where they say the same.
pub(super) fn losers(copies: &[StoredCopy]) -> Vec<(&StoredCopy, &StoredCopy)> {
    let mut reports: BTreeMap<u128, Vec<&StoredCopy>> = BTreeMap::new();
    for copy in copies.iter().filter(|copy| copy.place == Place::Counted) {
        reports.entry(copy.report_key).or_default().push(copy);
    }
    let mut losers = Vec::new();
    for mut copies in reports.into_values() {
        copies.sort_by_key(|copy| copy.rank());
        // In order of rank, so that the best of each id stays.
        let mut genuine: BTreeMap<&str, &StoredCopy> = BTreeMap::new();
        for copy in copies.iter().copied().filter(|copy| copy.verdict == Verdict::Genuine) {
            genuine.entry(&copy.report_id).or_insert(copy);
        }
        let mut winners: BTreeMap<u128, &StoredCopy> = BTreeMap::new();
        for copy in copies {
            let same = winners.get(&copy.content_hash).copied();
            let better =
                genuine.get(copy.report_id.as_str()).copied().filter(|_| copy.verdict != Verdict::Genuine);
            match same.or(better) {
                Some(winner) => losers.push((copy, winner)),
                None => {
                    winners.insert(copy.content_hash, copy);
                }
            }
        }
    }
    losers
}

impl CopyFilter {
    /// Whether nothing restricts it.
    pub fn is_empty(&self) -> bool {
        self.conditions().is_empty()
    }

    fn conditions(&self) -> Vec<String> {
        let mut conditions = Vec::new();
        if !self.keys.is_empty() {
            conditions.push(format!("report_key IN ({})", list(&self.keys)));
        }
        if let Some(segment) = self.segment {
            conditions.push(format!("segment = '{segment}'"));
        }
        if let Some(verdict) = self.verdict {
            conditions.push(format!("verdict = '{}'", verdict.as_str()));
        }
        for (sign, time) in [(">=", self.since), ("<", self.before)] {
            conditions.extend(
                time.map(|time| format!("received_at {sign} fromUnixTimestamp64Milli(toInt64({time}))")),
            );
        }
        for (column, value) in self.values() {
            conditions.extend(value.map(|_| format!("{column} = ?")));
        }
        conditions
    }

    fn values(&self) -> [(&'static str, Option<&String>); 3] {
        [
            ("reporter", self.reporter.as_ref()),
            ("policy_domain", self.domain.as_ref()),
            ("report_id", self.id.as_ref()),
        ]
    }

    /// The copies with what was done to them.
    fn statement(&self) -> String {
        let mut conditions = self.conditions();
        conditions.push("decision IN ('stored', 'conflict')".to_owned());
        let of_keys = match self.keys.is_empty() {
            true => String::new(),
            false => format!("WHERE report_key IN ({})", list(&self.keys)),
        };
        let place = match self.place {
            None => "",
            Some(Place::Counted) => "WHERE action IN ('', 'restored')",
            Some(Place::Superseded) => "WHERE action = 'superseded'",
            Some(Place::Withdrawn) => "WHERE action = 'withdrawn'",
        };
        format!(
            "SELECT d.*, c.step AS step, c.action AS action, c.is_done AS is_done, c.batch AS batch, \
                c.changed_by AS changed_by, c.reason AS reason \
             FROM (SELECT * FROM deliveries WHERE {}) AS d \
             GLOBAL ANY LEFT JOIN ( \
                SELECT report_key, content_hash, segment, max(one_step) AS step, argMax(change, one_step) AS last, \
                    last.1 AS action, last.2 AS is_done, last.3 AS batch, last.4 AS changed_by, last.5 AS reason \
                FROM ( \
                    SELECT report_key, content_hash, segment, step AS one_step, (toString(any(action)), \
                        max(state) = 2, batch, toString(any(changed_by)), any(reason)) AS change \
                    FROM report_corrections {of_keys} \
                    GROUP BY report_key, content_hash, segment, step, batch HAVING max(state) < 3 \
                ) GROUP BY report_key, content_hash, segment \
             ) AS c ON c.report_key = d.report_key AND c.content_hash = d.content_hash AND c.segment = d.segment \
             {place}",
            conditions.join(" AND ")
        )
    }

    fn bind(&self, store: &Store, statement: &str) -> Query {
        let query = store.client().query(statement).with_setting("max_query_size", LONGEST_STATEMENT);
        self.values().into_iter().filter_map(|(_, value)| value).fold(query, |query, value| query.bind(value))
    }
}

#[derive(Deserialize, Row)]
pub(super) struct CopyRow {
    key_text: String,
    content_text: String,
    segment_text: String,
    number: u32,
    kind_text: String,
    received: i64,
    domain_text: String,
    its_day: u16,
    group_text: String,
    reporter_text: String,
    verdict_text: String,
    standing_text: String,
    report_id: String,
    records: u64,
    messages: u64,
    step: u32,
    action: String,
    is_done: bool,
    batch_text: String,
    changed_by: String,
    reason: String,
}

impl TryFrom<CopyRow> for StoredCopy {
    type Error = StoreError;

    fn try_from(row: CopyRow) -> Result<Self, StoreError> {
        let place = match row.action.as_str() {
            "superseded" | "refused" => Place::Superseded,
            "withdrawn" => Place::Withdrawn,
            _ => Place::Counted,
        };
        let batch = Uuid::from_u128(identity(&row.batch_text)?);
        Ok(Self {
            report_key: identity(&row.key_text)?,
            content_hash: identity(&row.content_text)?,
            segment: Uuid::from_u128(identity(&row.segment_text)?),
            number: row.number,
            kind: row.kind_text,
            received_at: u64::try_from(row.received).unwrap_or_default(),
            policy_domain: row.domain_text,
            day: row.its_day,
            group_name: row.group_text,
            reporter: row.reporter_text,
            verdict: Verdict::of_word(&row.verdict_text),
            standing: row.standing_text,
            report_id: row.report_id,
            records: row.records,
            messages: row.messages,
            place,
            pending: (row.step > 0 && !row.is_done).then_some(batch),
            step: row.step,
            changed_by: row.changed_by,
            reason: row.reason,
        })
    }
}

/// Who makes changes that no person asked for.
pub(super) const BY_RUAD: &str = "ruad";

/// Copies of 4,000 reports; the intake stores few of each ([`crate::intake`]).
const MOST_COPIES: usize = 1_000_000;

/// Bytes: two lists of 4,000 identities.
const LONGEST_STATEMENT: &str = "1048576";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn copy((content, segment, verdict): (u128, u128, Verdict)) -> StoredCopy {
        StoredCopy {
            report_key: 7,
            content_hash: content,
            segment: Uuid::from_u128(segment),
            number: 0,
            kind: "aggregate".to_owned(),
            received_at: 0,
            policy_domain: String::new(),
            day: 0,
            group_name: String::new(),
            reporter: String::new(),
            verdict,
            standing: String::new(),
            report_id: String::new(),
            records: 0,
            messages: 0,
            step: 0,
            place: Place::Counted,
            pending: None,
            changed_by: String::new(),
            reason: String::new(),
        }
    }

    fn any_copies() -> impl Strategy<Value = Vec<StoredCopy>> {
        let verdict = prop::sample::select(vec![
            Verdict::Genuine,
            Verdict::Authenticated,
            Verdict::Unknown,
            Verdict::Forged,
        ]);
        let one = (0_u128..4, verdict);
        prop::collection::vec(one, 0..12).prop_map(|copies| {
            let numbered = (1_u128..).zip(copies);
            numbered.map(|(segment, (content, verdict))| copy((content, segment, verdict))).collect()
        })
    }

    #[test]
    fn a_genuine_report_outranks_none_with_its_id_in_another_case() {
        let named = |id: &str, one| StoredCopy { report_id: id.to_owned(), ..copy(one) };
        let copies = [
            named("r1", (1, 1, Verdict::Genuine)),
            named("R1", (1, 2, Verdict::Unknown)),
            named("R1", (2, 3, Verdict::Unknown)),
            named("r1", (3, 4, Verdict::Unknown)),
        ];
        let lost: Vec<_> = losers(&copies).iter().map(|(loser, _)| loser.segment.as_u128()).collect();
        assert_eq!(lost, [2, 4], "what says the same, and what says otherwise under its own id");
    }

    proptest! {
        #[test]
        fn the_best_copies_stay_whoever_looks_and_when(copies in any_copies(), turn in 0_usize..12) {
            let lost: BTreeSet<_> = losers(&copies).into_iter().map(|(loser, _)| loser.identity()).collect();
            let stay: Vec<_> = copies.iter().filter(|copy| !lost.contains(&copy.identity())).collect();
            let contents: BTreeSet<_> = stay.iter().map(|copy| copy.content_hash).collect();
            prop_assert_eq!(contents.len(), stay.len(), "one a content");
            prop_assert_eq!(stay.is_empty(), copies.is_empty());
            if copies.iter().any(|copy| copy.verdict == Verdict::Genuine) {
                prop_assert!(stay.iter().all(|copy| copy.verdict == Verdict::Genuine));
            } else {
                for copy in &copies {
                    let best = stay.iter().find(|one| one.content_hash == copy.content_hash).unwrap();
                    prop_assert!(best.verdict.proof() >= copy.verdict.proof());
                }
            }
            // In whatever order they are found, and when some have been settled before.
            let mut turned = copies.clone();
            turned.rotate_left(turn.min(copies.len()));
            let again: BTreeSet<_> = losers(&turned).into_iter().map(|(loser, _)| loser.identity()).collect();
            prop_assert_eq!(&again, &lost);
            let (first, rest) = copies.split_at(turn.min(copies.len()));
            let early: BTreeSet<_> = losers(first).into_iter().map(|(loser, _)| loser.identity()).collect();
            let left: Vec<_> =
                first.iter().chain(rest).filter(|copy| !early.contains(&copy.identity())).cloned().collect();
            let late = losers(&left).into_iter().map(|(loser, _)| loser.identity());
            prop_assert_eq!(&early.iter().copied().chain(late).collect::<BTreeSet<_>>(), &lost);
        }
    }
}
