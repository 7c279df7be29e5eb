//! What [`crate::advice`] keeps and asks.

pub mod senders;
mod simulate;
pub mod tables;

use std::collections::{BTreeSet, HashMap};

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    advice::store::tables::{DomainSenders, DomainStages, DomainSteps},
    health::store::tables::DomainEvents,
    store::{
        Block, Store, StoreError,
        query::{KEYS_AT_ONCE, identity, list},
    },
};
use crate::{
    advice::{
        KeptRow, KeptSender, KeptStage, Memory, Recollection, Remembered, Stage, State, StepCode, rows::Rows,
    },
    health::rows::EventRow,
};

/// How a domain stood when a plan was drawn last: what the metrics page shows until there is a newer one.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct StoredPlan {
    /// The domain.
    pub domain: String,
    /// Customer at that time.
    pub group_name: String,
    /// How far it was.
    pub stage: String,
    /// How much of the way lay behind it.
    pub progress: f32,
    /// Policy it could be raised to; empty for none.
    pub ready_for: String,
    /// Steps that waited for somebody.
    pub open_steps: u32,
}

/// A step that waited for somebody when a plan was drawn last.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct StoredStep {
    /// The domain.
    pub domain: String,
    /// Which step.
    pub code: String,
    /// What it is about within the domain.
    pub subject: String,
    /// What is to be done, in English.
    pub title: String,
    /// Who has to do it.
    pub who: String,
    /// Since when; seconds since 1970.
    pub opened_at: u32,
}

/// A DKIM key of a domain: as DNS had it, and what reports tell of its selector.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct StoredKeyUse {
    /// The domain.
    pub domain: String,
    /// Under which selector.
    pub selector: String,
    /// Which key; empty when DNS never had one.
    pub fingerprint: String,
    /// `rsa` or `ed25519`; empty when not known.
    pub kind: String,
    /// Its size; 0 when not known.
    pub bits: u32,
    /// When DNS had it first; seconds since 1970.
    pub first_seen: Option<u32>,
    /// When DNS had it last.
    pub last_seen: Option<u32>,
    /// First day with signatures that verified; days since 1970.
    pub first_day: Option<u16>,
    /// Last day with signatures.
    pub last_day: Option<u16>,
    /// Messages whose signatures verified.
    pub messages: u64,
}

impl Store {
    /// What earlier runs knew about these domains.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn memories(&self, domains: &[&str]) -> Result<HashMap<String, Memory>, StoreError> {
        let known = self.recollections(domains).await?;
        Ok(known.into_iter().map(|(domain, known)| (domain, known.memory)).collect())
    }

    /// What the tables hold about these domains.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn recollections(&self, domains: &[&str]) -> Result<HashMap<String, Recollection>, StoreError> {
        let mut known: HashMap<String, Recollection> = HashMap::new();
        for domains in domains.chunks(DOMAINS_AT_ONCE) {
            let query = self.client().query(NEWEST_STAGES).bind(domains);
            for row in self.timed(query.fetch_all::<StageRead>()).await? {
                row.put(&mut known);
            }
            let query = self.client().query(STEPS).bind(domains).bind(MOST_STEPS);
            for row in self.timed(query.fetch_all::<StepRead>()).await? {
                row.put(&mut known);
            }
            let query = self.client().query(SENDERS).bind(domains).bind(MOST_SENDERS);
            for row in self.timed(query.fetch_all::<SenderRead>()).await? {
                row.put(&mut known);
            }
        }
        Ok(known)
    }

    /// Which of these events of these domains are stored.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn known_events(&self, domains: &[&str], ids: &[u128]) -> Result<BTreeSet<u128>, StoreError> {
        let mut known = BTreeSet::new();
        for domains in domains.chunks(DOMAINS_AT_ONCE) {
            for ids in ids.chunks(KEYS_AT_ONCE / 4) {
                let statement = format!(
                    "SELECT DISTINCT toString(id) FROM domain_events WHERE domain IN ? AND id IN ({})",
                    list(ids)
                );
                let query = self.client().query(&statement).bind(domains);
                let found: Vec<String> = self.timed(query.fetch_all()).await?;
                for id in found {
                    known.insert(identity(&id)?);
                }
            }
        }
        Ok(known)
    }

    /// Keeps what a run found. Events go before the state they changed: when the rest does not follow, they are noticed again
    /// with the same identity. How far a domain is goes last: as long as it has no row, nothing about it is an event.
    ///
    /// The same rows may come again.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn keep_plans(&self, rows: &Rows<'_>) -> Result<(), StoreError> {
        let mut steps = DomainSteps::default();
        rows.steps.iter().for_each(|row| steps.add(row));
        self.keep_block(&steps).await?;
        let mut senders = DomainSenders::default();
        rows.senders.iter().for_each(|row| senders.add(row));
        self.keep_block(&senders).await?;
        let mut stages = DomainStages::default();
        rows.stages.iter().for_each(|row| stages.add(row));
        self.keep_block(&stages).await
    }

    /// Keeps events of a run; the same may come again.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn keep_plan_events(&self, rows: &[EventRow]) -> Result<(), StoreError> {
        let mut block = DomainEvents::default();
        rows.iter().for_each(|row| block.add(row));
        self.keep_block(&block).await
    }

    /// How every domain stood when a plan was drawn last, and the steps that waited, this many for each.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn last_plans(
        &self,
        domains: &[&str],
        steps: u32,
    ) -> Result<(Vec<StoredPlan>, Vec<StoredStep>), StoreError> {
        let (mut plans, mut waiting) = (Vec::new(), Vec::new());
        for domains in domains.chunks(DOMAINS_AT_ONCE) {
            let query = self.client().query(LAST_PLANS).bind(domains);
            plans.extend(self.timed(query.fetch_all::<StoredPlan>()).await?);
            let query = self.client().query(WAITING_STEPS).bind(domains).bind(steps);
            waiting.extend(self.timed(query.fetch_all::<StoredStep>()).await?);
        }
        Ok((plans, waiting))
    }

    /// The DKIM keys of these domains, those that reports tell of too.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn key_uses(&self, domains: &[&str]) -> Result<Vec<StoredKeyUse>, StoreError> {
        let query = self.client().query(
            "SELECT domain, selector, fingerprint, type AS kind, bits, toUnixTimestamp(first_seen) AS first_seen, \
                toUnixTimestamp(last_seen) AS last_seen, toUInt16(first_day) AS first_day, \
                toUInt16(last_day) AS last_day, messages \
             FROM dkim_keys WHERE domain IN ? ORDER BY domain, messages DESC, selector LIMIT ? BY domain",
        );
        self.timed(query.bind(domains).bind(MOST_KEYS).fetch_all()).await
    }

    /// Inserts a block under a token that follows from what is in it.
    async fn keep_block(&self, block: &dyn Block) -> Result<(), StoreError> {
        if block.rows() == 0 {
            return Ok(());
        }
        let content = Uuid::from_u128(xxh3_128(&block.encode(0..block.rows())));
        let token = format!("advice/{}/{content}", block.table());
        self.insert(block, 0..block.rows(), &[], &token).await.map(|_| ())
    }
}

#[derive(Deserialize, Row)]
struct StageRead {
    domain: String,
    computed_at: u32,
    digest: u64,
    stage: String,
    stage_since: u32,
    score: Option<f32>,
    perfect_since: Option<u32>,
    ready_for: String,
    first_day: u16,
}

#[derive(Deserialize, Row)]
struct StepRead {
    domain: String,
    code: String,
    subject: String,
    computed_at: u32,
    digest: u64,
    state: String,
    opened_at: u32,
    done_at: Option<u32>,
}

#[derive(Deserialize, Row)]
struct SenderRead {
    domain: String,
    sender: String,
    computed_at: u32,
    digest: u64,
    name: String,
    category: String,
    class: String,
    rule: String,
    first_day: u16,
    last_day: u16,
}

impl StageRead {
    fn put(self, known: &mut HashMap<String, Recollection>) {
        // A stage of another version of the program is as good as none.
        let Some(stage) = Stage::named(&self.stage) else { return };
        let known = known.entry(self.domain).or_default();
        known.memory.stage = Some((stage, self.stage_since.into()));
        known.memory.score = self.score.map(|score| (score * 10.0).round().clamp(0.0, 50.0) as u16);
        known.memory.perfect_since = self.perfect_since.map(u64::from);
        let row = KeptRow { computed_at: self.computed_at.into(), digest: self.digest };
        let first_day = self.first_day.into();
        known.stage = Some(KeptStage { row, ready_for: self.ready_for, first_day });
    }
}

impl StepRead {
    fn put(self, known: &mut HashMap<String, Recollection>) {
        let states = [State::Open, State::Blocked, State::Regressed, State::Done, State::Obsolete];
        let state = states.into_iter().find(|state| state.name() == self.state);
        let (Some(code), Some(state)) = (StepCode::stored(&self.code), state) else { return };
        let known = known.entry(self.domain).or_default();
        let row = KeptRow { computed_at: self.computed_at.into(), digest: self.digest };
        known.steps.insert((code, self.subject.clone()), row);
        known.memory.steps.push(Remembered {
            code,
            subject: self.subject,
            state,
            opened_at: self.opened_at.into(),
            done_at: self.done_at.map(u64::from),
        });
    }
}

impl SenderRead {
    fn put(self, known: &mut HashMap<String, Recollection>) {
        let kept = KeptSender {
            row: KeptRow { computed_at: self.computed_at.into(), digest: self.digest },
            name: self.name,
            category: self.category,
            class: self.class,
            rule: self.rule,
            first_day: self.first_day.into(),
            last_day: self.last_day.into(),
        };
        known.entry(self.domain).or_default().senders.insert(self.sender, kept);
    }
}

const NEWEST_STAGES: &str = "\
    SELECT toString(domain) AS domain, toUnixTimestamp(s.computed_at) AS computed_at, digest, \
        toString(stage) AS stage, toUnixTimestamp(s.stage_since) AS stage_since, score, \
        toUnixTimestamp(s.perfect_since) AS perfect_since, toString(ready_for) AS ready_for, \
        toUInt16(min(s.day) OVER (PARTITION BY s.domain)) AS first_day \
    FROM domain_stages AS s WHERE domain IN ? ORDER BY domain, s.computed_at DESC, s.stage_since LIMIT 1 BY domain";

const STEPS: &str = "\
    SELECT toString(domain) AS domain, toString(code) AS code, subject, \
        toUnixTimestamp(s.computed_at) AS computed_at, digest, toString(s.state) AS state, \
        toUnixTimestamp(s.opened_at) AS opened_at, toUnixTimestamp(s.done_at) AS done_at \
    FROM domain_steps AS s FINAL WHERE domain IN ? \
    ORDER BY domain, s.state IN ('open', 'regressed', 'blocked') DESC, s.computed_at DESC, code, subject \
    LIMIT ? BY domain";

const SENDERS: &str = "\
    SELECT toString(domain) AS domain, sender, toUnixTimestamp(s.computed_at) AS computed_at, digest, name, \
        toString(category) AS category, toString(class) AS class, toString(rule) AS rule, \
        toUInt16(s.first_day) AS first_day, toUInt16(s.last_day) AS last_day \
    FROM domain_senders AS s FINAL WHERE domain IN ? AND messages > 0 \
    ORDER BY domain, messages DESC, sender LIMIT ? BY domain";

const LAST_PLANS: &str = "\
    SELECT toString(domain) AS domain, toString(group_name) AS group_name, toString(stage) AS stage, progress, \
        toString(ready_for) AS ready_for, open_steps \
    FROM domain_stages AS s WHERE domain IN ? ORDER BY domain, s.computed_at DESC LIMIT 1 BY domain";

const WAITING_STEPS: &str = "\
    SELECT toString(domain) AS domain, toString(code) AS code, subject, title, toString(who) AS who, \
        toUnixTimestamp(s.opened_at) AS opened_at \
    FROM domain_steps AS s FINAL WHERE domain IN ? AND state IN ('open', 'regressed') \
    ORDER BY domain, position, code, subject LIMIT ? BY domain";

/// A statement may have 256 KiB; a name takes up to 256 bytes of it, and identities may stand beside them.
const DOMAINS_AT_ONCE: usize = 500;

/// For each domain. What waits comes first; of what is done, the oldest is forgotten.
const MOST_STEPS: u32 = 300;
const MOST_SENDERS: u32 = 300;
const MOST_KEYS: u32 = 200;
