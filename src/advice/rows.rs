//! What of a run is kept in ClickHouse.

use std::collections::{BTreeSet, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use super::{Advised, Class, Counts, KeptRow, KeptSender, Recollection, Sender, Step};
use ruad_registry::Decision;

/// The rows of a run that need to be written.
#[derive(Debug, Default)]
pub struct Rows<'a> {
    /// Of `domain_stages`.
    pub stages: Vec<StageRow<'a>>,
    /// Of `domain_steps`.
    pub steps: Vec<StepRow<'a>>,
    /// Of `domain_senders`.
    pub senders: Vec<SenderRow<'a>>,
}

/// A row of `domain_stages`.
#[derive(Debug)]
pub struct StageRow<'a> {
    /// The plan, and what it rests on.
    pub advised: &'a Advised,
    /// Policy in force; empty without one.
    pub policy: &'static str,
    /// Policy it can be raised to now; empty when it cannot, or need not, be.
    pub ready_for: &'static str,
    /// Messages of senders that are the owner's.
    pub legitimate: u64,
    /// Of these, those that passed.
    pub legitimate_passed: u64,
    /// Messages of senders that forge the domain.
    pub threats: u64,
    /// Steps that somebody has to do now.
    pub open_steps: u32,
    /// Hash of what the row says.
    pub digest: u64,
}

/// A row of `domain_steps`.
#[derive(Debug)]
pub struct StepRow<'a> {
    /// The plan it is of, and what that rests on.
    pub advised: &'a Advised,
    /// The step.
    pub step: &'a Step,
    /// Its place in the plan.
    pub position: u32,
    /// Hash of what the row says.
    pub digest: u64,
}

/// A row of `domain_senders`.
#[derive(Debug)]
pub struct SenderRow<'a> {
    /// The plan it belongs to, and what that rests on.
    pub advised: &'a Advised,
    /// Who sends.
    pub sender: &'a str,
    /// What people call it.
    pub name: &'a str,
    /// What the service does; empty when it is not a known one.
    pub category: &'a str,
    /// What it is held for.
    pub class: &'a str,
    /// What makes it so.
    pub rule: &'a str,
    /// What the owner said; empty for nothing.
    pub decision: &'static str,
    /// Its messages in the window.
    pub counts: Counts,
    /// Its part of all messages.
    pub share: f64,
    /// Addresses it sent from.
    pub addresses: u64,
    /// Days on which it sent.
    pub active_days: u32,
    /// The first day it was ever seen; days since 1970.
    pub first_day: u32,
    /// The last day.
    pub last_day: u32,
    /// Hash of what the row says.
    pub digest: u64,
}

impl<'a> Rows<'a> {
    /// The rows of these domains that say something else than what is kept, or were last written before today.
    pub fn of(advised: &'a [Advised], known: &'a HashMap<String, Recollection>, now: u64) -> Self {
        let mut rows = Self::default();
        for one in advised {
            rows.add(one, known.get(&one.plan.domain), now);
        }
        rows
    }

    fn add(&mut self, advised: &'a Advised, known: Option<&'a Recollection>, now: u64) {
        let stage = StageRow::new(advised);
        let kept = known.and_then(|known| known.stage.as_ref()).map(|stage| stage.row);
        if is_due(kept.as_ref(), stage.digest, now) {
            self.stages.push(stage);
        }
        // A step that the plan leaves out is one about which nobody can tell now; it stays as it is stored.
        for (position, step) in (0..).zip(&advised.plan.steps) {
            let row = StepRow::new(advised, step, position);
            let kept = known.and_then(|known| known.steps.get(&(step.code, step.subject.clone())));
            if is_due(kept, row.digest, now) {
                self.steps.push(row);
            }
        }
        let there: BTreeSet<_> = advised.traffic.senders.iter().map(|sender| sender.id.as_str()).collect();
        for sender in &advised.traffic.senders {
            let row = SenderRow::new(advised, sender);
            let kept = known.and_then(|known| known.senders.get(sender.id.as_str()));
            if is_due(kept.map(|kept| &kept.row), row.digest, now) {
                self.senders.push(row);
            }
        }
        let vanished = known.into_iter().flat_map(|known| &known.senders);
        let vanished = vanished.filter(|(sender, _)| !there.contains(sender.as_str()));
        self.senders.extend(vanished.map(|(sender, kept)| SenderRow::vanished(advised, sender, kept)));
    }
}

impl<'a> StageRow<'a> {
    fn new(advised: &'a Advised) -> Self {
        let Advised { plan, traffic, posture, group, .. } = advised;
        let of = |is_meant: fn(Class) -> bool| traffic.senders.iter().filter(move |one| is_meant(one.class));
        let legitimate = || of(Class::is_legitimate);
        let ready = plan.readiness.as_ref().filter(|readiness| readiness.is_ready());
        let mut row = Self {
            advised,
            policy: posture.policies.map_or("", |policies| policies.domain.name()),
            ready_for: ready.map_or("", |readiness| readiness.target.name()),
            legitimate: legitimate().map(|sender| sender.counts.messages).fold(0, u64::saturating_add),
            legitimate_passed: legitimate().map(|sender| sender.counts.passed).fold(0, u64::saturating_add),
            threats: of(|class| class == Class::Threat)
                .map(|sender| sender.counts.messages)
                .fold(0, u64::saturating_add),
            open_steps: u32::try_from(plan.open_steps().count()).unwrap_or(u32::MAX),
            digest: 0,
        };
        let gates = plan.readiness.as_ref().map(|readiness| &readiness.gates);
        let told =
            (group, plan.stage, plan.stage_since, plan.progress.to_bits(), plan.score, plan.perfect_since);
        let counted = (row.legitimate, row.legitimate_passed, row.threats, row.open_steps);
        let rest = (row.policy, row.ready_for, plan.is_parked, traffic.window, gates);
        row.digest = hash(&(told, counted, rest));
        row
    }
}

impl<'a> StepRow<'a> {
    fn new(advised: &'a Advised, step: &'a Step, position: u32) -> Self {
        Self { advised, step, position, digest: hash(&(&advised.group, position, step)) }
    }
}

impl<'a> SenderRow<'a> {
    fn new(advised: &'a Advised, sender: &'a Sender) -> Self {
        let decision = match advised.wishes.decisions.get(&sender.id) {
            Some(Decision::Approved) => "approved",
            Some(Decision::Rejected) => "rejected",
            None => "",
        };
        Self {
            advised,
            sender: sender.id.as_str(),
            name: &sender.name,
            category: sender.category.map_or("", |category| category.as_str()),
            class: sender.class.name(),
            rule: sender.rule.0,
            decision,
            counts: sender.counts,
            share: sender.share,
            addresses: sender.addresses,
            active_days: sender.active_days,
            first_day: sender.first_day,
            last_day: sender.last_day,
            digest: hash(&(&advised.group, decision, sender)),
        }
    }

    /// One that was there and has sent nothing in the window.
    fn vanished(advised: &'a Advised, sender: &'a str, kept: &'a KeptSender) -> Self {
        Self {
            advised,
            sender,
            name: &kept.name,
            category: &kept.category,
            class: &kept.class,
            rule: &kept.rule,
            decision: "",
            counts: Counts::default(),
            share: 0.0,
            addresses: 0,
            active_days: 0,
            first_day: kept.first_day,
            last_day: kept.last_day,
            digest: 0,
        }
    }
}

fn is_due(kept: Option<&KeptRow>, digest: u64, now: u64) -> bool {
    !kept.is_some_and(|kept| kept.holds(digest, now))
}

/// Good for as long as one version of the program runs: another one writes every row once more.
fn hash(said: &impl std::fmt::Debug) -> u64 {
    xxh3_64(format!("{said:?}").as_bytes())
}
