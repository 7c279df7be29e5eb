use std::collections::BTreeMap;

use serde::Serialize;

use super::{Coverage, Fate, Published, Scenario};
use crate::advice::Class;

/// What would have happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The domain.
    pub domain: String,
    /// The record that was tried out.
    pub scenario: Scenario,
    /// What the newest report says is published, when there is one.
    pub published: Option<Published>,
    /// The days that were looked at.
    pub coverage: Coverage,
    /// All messages.
    pub all: Tally,
    /// Those from senders that are the owner's own.
    pub legitimate: Tally,
    /// Those whose author is at the domain itself.
    pub domain_itself: Tally,
    /// Those whose author is at a subdomain.
    pub subdomains: Tally,
    /// Those of each class of senders.
    pub classes: BTreeMap<Class, Tally>,
    /// Senders, those that would lose most legitimate mail first, then by messages; the last one may be `net:others`.
    pub senders: Vec<SenderOutcome>,
    /// Subdomains by name, those with most messages first; the last one may be `*`, all others together.
    pub by_subdomain: Vec<SubdomainOutcome>,
    /// Messages whose verdict had to be believed, because the report does not say what it rests on.
    pub taken_on_trust: u64,
    /// What that means.
    pub verdict: Verdict,
}

/// Messages by what became of them, and what would have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// All of them.
    pub messages: u64,
    /// What receivers did.
    pub was: Fates,
    /// What they would have done.
    pub would: Fates,
    /// Messages that would have fared worse than they did.
    pub worse: u64,
}

/// Messages by what becomes of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Fates {
    /// Delivered, as far as DMARC goes.
    pub delivered: u64,
    /// They fail, but receivers would probably deliver them all the same.
    pub spared: u64,
    /// Put into quarantine.
    pub quarantined: u64,
    /// Refused.
    pub rejected: u64,
}

/// A sender's messages.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SenderOutcome {
    /// Who it is, as [`ruad_registry::SenderId`] writes it.
    pub sender: String,
    /// What people call it.
    pub name: String,
    /// What it is held for.
    pub class: Class,
    /// Its messages.
    #[serde(flatten)]
    pub tally: Tally,
}

/// A subdomain's messages.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SubdomainOutcome {
    /// Its name.
    pub subdomain: String,
    /// Its messages.
    #[serde(flatten)]
    pub tally: Tally,
    /// Of its legitimate messages: those that would have been lost.
    pub legitimate_lost: u64,
}

/// What the figures mean.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Verdict {
    /// No legitimate message of those that were reported.
    NothingLost,
    /// Legitimate messages.
    WouldLose,
    /// There are no reports of these days.
    NoReports,
    /// Nobody has said, and no plan was drawn yet that says, which senders are the owner's.
    NobodyClassified,
    /// A sender about whom nothing is decided sends so much that it matters, and would lose mail.
    Undecided {
        /// Who it is.
        sender: String,
        /// Its messages that would be lost.
        lost: u64,
    },
}

impl Tally {
    pub(super) fn of(messages: u64, was: Fate, would: Fate) -> Self {
        let worse = if would > Fate::Spared && would > was { messages } else { 0 };
        Self { messages, was: Fates::of(messages, was), would: Fates::of(messages, would), worse }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.messages = self.messages.saturating_add(other.messages);
        self.was.add(&other.was);
        self.would.add(&other.would);
        self.worse = self.worse.saturating_add(other.worse);
    }
}

impl Fates {
    fn of(messages: u64, fate: Fate) -> Self {
        let mut fates = Self::default();
        *match fate {
            Fate::Delivered => &mut fates.delivered,
            Fate::Spared => &mut fates.spared,
            Fate::Quarantined => &mut fates.quarantined,
            Fate::Rejected => &mut fates.rejected,
        } = messages;
        fates
    }

    /// Messages that do not reach an inbox.
    pub fn lost(&self) -> u64 {
        self.quarantined.saturating_add(self.rejected)
    }

    fn add(&mut self, other: &Self) {
        self.delivered = self.delivered.saturating_add(other.delivered);
        self.spared = self.spared.saturating_add(other.spared);
        self.quarantined = self.quarantined.saturating_add(other.quarantined);
        self.rejected = self.rejected.saturating_add(other.rejected);
    }
}
