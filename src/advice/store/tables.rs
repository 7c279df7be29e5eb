//! Columns of the tables that advice writes.

use crate::store::tables::timestamp;
use crate::{
    advice::rows::{SenderRow, StageRow, StepRow},
    store::{
        block::table,
        column::{Day, Fixed, List, Map, Optional, Push, Text, Timestamp, Words},
    },
};
use ruad_common::texts::Language;
use ruad_common::time::DAY;

table! {
    /// Rows of `domain_stages`.
    DomainStages in "domain_stages" {
        domain: Words<false>,
        day: Fixed<Day>,
        computed_at: Fixed<Timestamp>,
        digest: Fixed<u64>,
        group_name: Words<false>,
        stage: Words<false>,
        stage_since: Fixed<Timestamp>,
        progress: Fixed<f32>,
        score: Optional<Fixed<f32>>,
        perfect_since: Optional<Fixed<Timestamp>>,
        policy: Words<false>,
        parked: Fixed<bool>,
        ready_for: Words<false>,
        window_from: Fixed<Day>,
        window_to: Fixed<Day>,
        messages: Fixed<u64>,
        legitimate: Fixed<u64>,
        legitimate_passed: Fixed<u64>,
        threats: Fixed<u64>,
        open_steps: Fixed<u32>,
        gates_name as "gates.name": List<Words<false>>,
        gates_subject as "gates.subject": List<Text>,
        gates_wanted as "gates.wanted": List<Fixed<f64>>,
        gates_found as "gates.found": List<Fixed<f64>>,
        gates_met as "gates.met": List<Fixed<bool>>,
    }
}

table! {
    /// Rows of `domain_steps`.
    DomainSteps in "domain_steps" {
        domain: Words<false>,
        code: Words<false>,
        subject: Text,
        computed_at: Fixed<Timestamp>,
        digest: Fixed<u64>,
        group_name: Words<false>,
        position: Fixed<u32>,
        state: Words<false>,
        opened_at: Fixed<Timestamp>,
        done_at: Optional<Fixed<Timestamp>>,
        who: Words<false>,
        effort: Words<false>,
        risk: Words<false>,
        title: Text,
        why: Text,
        how: Text,
        instructions: Text,
        values: Map<Words<false>, Text>,
    }
}

table! {
    /// Rows of `domain_senders`.
    DomainSenders in "domain_senders" {
        domain: Words<false>,
        sender: Text,
        computed_at: Fixed<Timestamp>,
        digest: Fixed<u64>,
        group_name: Words<false>,
        name: Text,
        category: Words<false>,
        class: Words<false>,
        rule: Words<false>,
        decision: Words<false>,
        messages: Fixed<u64>,
        passed: Fixed<u64>,
        spf_aligned: Fixed<u64>,
        dkim_aligned: Fixed<u64>,
        forwarded: Fixed<u64>,
        foreign_spf: Fixed<u64>,
        quarantined: Fixed<u64>,
        rejected: Fixed<u64>,
        share: Fixed<f64>,
        addresses: Fixed<u64>,
        active_days: Fixed<u32>,
        first_day: Fixed<Day>,
        last_day: Fixed<Day>,
    }
}

impl DomainStages {
    /// Adds how far a domain is.
    pub fn add(&mut self, row: &StageRow<'_>) {
        let (plan, traffic) = (&row.advised.plan, &row.advised.traffic);
        self.domain.push(plan.domain.as_str());
        self.day.push(day(plan.at / DAY));
        self.computed_at.push(timestamp(plan.at));
        self.digest.push(row.digest);
        self.group_name.push(row.advised.group.as_str());
        self.stage.push(plan.stage.name());
        self.stage_since.push(timestamp(plan.stage_since));
        self.progress.push(plan.progress as f32);
        self.score.push(plan.score.map(|score| score.value() as f32));
        self.perfect_since.push(plan.perfect_since.map(timestamp));
        self.policy.push(row.policy);
        self.parked.push(plan.is_parked);
        self.ready_for.push(row.ready_for);
        self.window_from.push(day(traffic.window.from.into()));
        self.window_to.push(day(traffic.window.to.into()));
        self.messages.push(traffic.window.messages);
        self.legitimate.push(row.legitimate);
        self.legitimate_passed.push(row.legitimate_passed);
        self.threats.push(row.threats);
        self.open_steps.push(row.open_steps);
        let gates = || plan.readiness.iter().flat_map(|readiness| &readiness.gates);
        self.gates_name.push(gates().map(|gate| gate.name));
        self.gates_subject.push(gates().map(|gate| gate.subject.as_str()));
        self.gates_wanted.push(gates().map(|gate| gate.wanted));
        self.gates_found.push(gates().map(|gate| gate.found));
        self.gates_met.push(gates().map(|gate| gate.is_met));
    }
}

impl DomainSteps {
    /// Adds a step of a domain.
    pub fn add(&mut self, row: &StepRow<'_>) {
        let (plan, step) = (&row.advised.plan, row.step);
        let text = step.text(Language::En);
        self.domain.push(plan.domain.as_str());
        self.code.push(step.code.as_str());
        self.subject.push(step.subject.as_str());
        self.computed_at.push(timestamp(plan.at));
        self.digest.push(row.digest);
        self.group_name.push(row.advised.group.as_str());
        self.position.push(row.position);
        self.state.push(step.state.name());
        self.opened_at.push(timestamp(step.opened_at));
        self.done_at.push(step.done_at.map(timestamp));
        self.who.push(step.who.name());
        self.effort.push(step.effort.name());
        self.risk.push(step.risk.name());
        self.title.push(text.title.as_str());
        self.why.push(text.why.as_str());
        self.how.push(text.how.as_str());
        // Enums of texts and numbers can always be written.
        self.instructions.push(serde_json::to_string(&step.instructions).unwrap_or_default().as_str());
        self.values.push(step.values.iter().map(|(name, value)| (*name, value.as_str())));
    }
}

impl DomainSenders {
    /// Adds a sender of a domain.
    pub fn add(&mut self, row: &SenderRow<'_>) {
        let SenderRow { advised, counts, .. } = row;
        self.domain.push(advised.plan.domain.as_str());
        self.sender.push(row.sender);
        self.computed_at.push(timestamp(advised.plan.at));
        self.digest.push(row.digest);
        self.group_name.push(advised.group.as_str());
        self.name.push(row.name);
        self.category.push(row.category);
        self.class.push(row.class);
        self.rule.push(row.rule);
        self.decision.push(row.decision);
        self.messages.push(counts.messages);
        self.passed.push(counts.passed);
        self.spf_aligned.push(counts.spf_aligned);
        self.dkim_aligned.push(counts.dkim_aligned);
        self.forwarded.push(counts.forwarded);
        self.foreign_spf.push(counts.foreign_spf);
        self.quarantined.push(counts.quarantined);
        self.rejected.push(counts.rejected);
        self.share.push(row.share);
        self.addresses.push(row.addresses);
        self.active_days.push(row.active_days);
        self.first_day.push(day(row.first_day.into()));
        self.last_day.push(day(row.last_day.into()));
    }
}

fn day(days: u64) -> Day {
    Day(u16::try_from(days).unwrap_or(u16::MAX))
}
