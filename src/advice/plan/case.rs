//! All that a plan is drawn from, and what follows from it at once.

use std::collections::BTreeMap;

use crate::{
    advice::{
        Class, Gate, Instruction, Memory, RecordType, Remembered, Sender, Settings, State, StepCode, Traffic,
        Wait, readiness,
    },
    health::posture::Posture,
};
use ruad_common::time::DAY;
use ruad_dns::{
    Code, Finding, Mechanism,
    dmarc::{Policy, Record},
    spf,
};
use ruad_registry::{Goal, Preferences};

#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) posture: &'a Posture,
    pub(super) traffic: &'a Traffic,
    pub(super) wishes: &'a Preferences,
    pub(super) memory: &'a Memory,
    pub(super) settings: &'a Settings,
    pub(super) now: u64,
}

/// A step as a rule wants it, before it is compared with what was remembered.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) code: StepCode,
    pub(super) subject: String,
    pub(super) instructions: Vec<Instruction>,
    /// What it waits for; open when there is nothing.
    pub(super) waits: Vec<Wait>,
    pub(super) values: BTreeMap<&'static str, String>,
    /// Whether the service that signs has to do it, where usually somebody else does.
    pub(super) is_senders: bool,
}

impl<'a> Case<'a> {
    pub(super) fn today(&self) -> u32 {
        u32::try_from(self.now / DAY).unwrap_or(u32::MAX)
    }

    /// Whether the domain sends no mail: because its owner says so, or because it says so itself and nobody has seen any.
    pub(super) fn is_parked(&self) -> bool {
        let posture = self.posture;
        self.wishes.parked.unwrap_or_else(|| {
            let is_closed = posture.allows_nobody();
            let is_silent = self.legitimate().all(|sender| sender.counts.messages == 0);
            is_closed && posture.receives == Some(false) && posture.knows(Mechanism::Mx) && is_silent
        })
    }

    /// The policy in force; nothing without one.
    pub(super) fn in_force(&self) -> Option<Policy> {
        self.posture.policies.map(|policies| policies.domain)
    }

    /// The policy the owner wants to end with.
    pub(super) fn goal(&self) -> Policy {
        match self.wishes.goal {
            _ if self.is_parked() => Policy::Reject,
            Goal::Quarantine => Policy::Quarantine,
            Goal::Reject => Policy::Reject,
        }
    }

    /// The policy that was reached here once, step by step: what is broken is restored to it.
    pub(super) fn reached_policy(&self) -> Policy {
        if self.was_done(StepCode::RaiseToReject) {
            self.goal()
        } else if self.was_done(StepCode::RaiseToQuarantine) {
            Policy::Quarantine
        } else {
            Policy::None
        }
    }

    /// The record that receivers go by: the domain's own, or one above it.
    pub(super) fn record(&self) -> Option<&'a Record> {
        self.posture.dmarc.as_ref().map(|(_, record)| record)
    }

    /// Senders of mail that must not be lost.
    pub(super) fn legitimate(&self) -> impl Iterator<Item = &'a Sender> + use<'a> {
        self.traffic.senders.iter().filter(|sender| sender.class.is_legitimate())
    }

    pub(super) fn sender(&self, id: &str) -> Option<&'a Sender> {
        self.traffic.senders.iter().find(|sender| sender.id.as_str() == id)
    }

    pub(super) fn undecided(&self) -> impl Iterator<Item = &'a Sender> + use<'a> {
        let limit = self.settings.undecided_share;
        let senders = self.traffic.senders.iter();
        senders.filter(move |sender| sender.class == Class::Undecided && sender.share > limit)
    }

    pub(super) fn is_reported(&self) -> bool {
        readiness::is_recent(self.traffic, self.today())
    }

    /// Where aggregate reports are to go: an address of ours as a URI.
    pub(super) fn our_address(&self) -> Option<String> {
        self.address("dmarc")
    }

    /// The same for TLS reports.
    pub(super) fn our_tls_address(&self) -> Option<String> {
        self.address("tls")
    }

    /// The first whole address; of a whole domain, `local` at it.
    fn address(&self, local: &str) -> Option<String> {
        let entries = self.wishes.reports_to.iter().filter_map(|entry| entry.trim().rsplit_once('@'));
        let (exact, whole): (Vec<_>, Vec<_>) = entries.partition(|(local, _)| !local.is_empty());
        let (own, domain) = exact.first().or(whole.first())?;
        let local = if own.is_empty() { local } else { own };
        Some(format!("mailto:{local}@{domain}"))
    }

    pub(super) fn found(&self, codes: &[Code]) -> impl Iterator<Item = &'a Finding> {
        self.posture.findings.iter().filter(|finding| codes.contains(&finding.code))
    }

    pub(super) fn remembered(&self, code: StepCode, subject: &str) -> Option<&'a Remembered> {
        self.memory.steps.iter().find(|step| step.code == code && step.subject == subject)
    }

    /// Whether a step was done once, so that it is restored and not begun.
    pub(super) fn was_done(&self, code: StepCode) -> bool {
        self.remembered(code, "").is_some_and(|step| step.done_at.is_some())
    }

    /// Since when a step has been one; now when it is new.
    pub(super) fn opened_at(&self, code: StepCode, subject: &str) -> u64 {
        self.remembered(code, subject).map_or(self.now, |step| since(step, self.now))
    }

    /// Days since the newest report when mail was last signed with a selector so that it verified.
    pub(super) fn quiet_days(&self, selector: &str) -> Option<u32> {
        let (_, newest) = self.traffic.reported?;
        let (_, last) = self.traffic.selectors.iter().find(|(name, _)| name == selector)?;
        Some(newest.saturating_sub(*last))
    }

    /// Whether nobody has sent from a term of SPF for so long that it is superfluous, as far back as reports tell.
    pub(super) fn is_unused(&self, term: &str) -> bool {
        let Some((first, newest)) = self.traffic.reported else { return false };
        let days = self.settings.unused_days;
        let reaches_back = newest.saturating_sub(first) >= days;
        let last = self.traffic.entries.iter().find(|(entry, _)| entry == term).map(|(_, last)| *last);
        let is_quiet = match last {
            Some(Some(last)) => newest.saturating_sub(last) >= days,
            Some(None) => true,
            None => false,
        };
        reaches_back
            && is_quiet
            && self.is_reported()
            && self.legitimate().any(|sender| sender.counts.messages > 0)
    }

    /// The terms of the domain's own SPF record that can be judged, and that let mail pass.
    pub(super) fn superfluous(&self) -> Vec<&'a str> {
        let is_pass = |term: &str| !term.starts_with(['-', '~', '?']);
        let is_approved = |domain: &Option<String>| {
            domain
                .as_ref()
                .is_some_and(|domain| self.legitimate().any(|sender| sender.setup.spf.contains(domain)))
        };
        let entries = self.posture.entries.iter();
        entries
            .filter(|entry| entry.is_complete && is_pass(&entry.term) && !is_approved(&entry.domain))
            .map(|entry| entry.term.as_str())
            .filter(|term| !term.to_ascii_lowercase().starts_with("redirect=") && self.is_unused(term))
            .collect()
    }

    pub(super) fn spf_record(&self) -> Option<spf::Record> {
        spf::Record::parse(self.posture.spf.as_deref()?)
    }
}

/// When a remembered step became one; now when it had ended since.
pub(super) fn since(step: &Remembered, now: u64) -> u64 {
    if matches!(step.state, State::Done | State::Obsolete) { now } else { step.opened_at }
}

impl Draft {
    pub(super) fn new(code: StepCode, subject: impl Into<String>) -> Self {
        Self {
            code,
            subject: subject.into(),
            instructions: Vec::new(),
            waits: Vec::new(),
            values: BTreeMap::new(),
            is_senders: false,
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.insert(name, value.into());
        self
    }

    pub(super) fn doing(mut self, instruction: Instruction) -> Self {
        self.instructions.push(instruction);
        self
    }

    pub(super) fn waiting(mut self, wait: Wait) -> Self {
        self.waits.push(wait);
        self
    }

    pub(super) fn waiting_for(self, code: StepCode, subject: &str) -> Self {
        self.waiting(Wait::Step { code, subject: subject.to_owned() })
    }

    /// Waits for all that is not met.
    pub(super) fn gated(mut self, gates: &[Gate]) -> Self {
        let unmet = gates.iter().filter(|gate| !gate.is_met);
        self.waits.extend(unmet.map(|gate| Wait::Gate { gate: gate.clone() }));
        self
    }

    pub(super) fn is_open(&self) -> bool {
        self.waits.is_empty()
    }
}

/// A TXT record in the place of what is there now.
pub(super) fn text_record(name: String, value: String, replaces: Option<&str>) -> Instruction {
    Instruction::Publish {
        name,
        kind: RecordType::Txt,
        ttl: TTL,
        value,
        replaces: replaces.map(str::to_owned),
    }
}

/// An hour: what is wrong is soon put right.
pub(super) const TTL: u32 = 3_600;
