use std::collections::BTreeMap;

use super::Month;
use crate::advice::{Instruction, Stage};

/// Everything a document says about a group or a domain in a month.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// Whom it is for: the title of the group, or the domain.
    pub title: String,
    /// The month.
    pub month: Month,
    /// The day it was made; days since 1970.
    pub made_on: u32,
    /// Who made it, when somebody said.
    pub made_by: Option<String>,
    /// Its domains, the one that needs most attention first.
    pub domains: Vec<Domain>,
}

/// A domain in that month. Lists are cut; the numbers beside them say how long they were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Domain {
    /// The domain.
    pub name: String,
    /// Whether it is watched over.
    pub is_active: bool,
    /// Mail in its name by day of the month; reports that are not believed left out.
    pub days: Vec<Mail>,
    /// Mail of the month before.
    pub before: Mail,
    /// Organisations that reported.
    pub reporters: u64,
    /// Days of the month of which there are reports.
    pub reported_days: u64,
    /// Messages in reports that are not believed; they count nowhere.
    pub discredited: u64,
    /// How far it was on each day of the month that is known, in order.
    pub states: Vec<State>,
    /// How far it was when the month began.
    pub began: Option<State>,
    /// Who sent most.
    pub senders: Vec<Sender>,
    /// How many sent.
    pub sender_count: u64,
    /// From where it was forged.
    pub abuse: Abuse,
    /// The authors' domains, when there is more than the domain itself.
    pub authors: Vec<Author>,
    /// What has changed, in order.
    pub events: Vec<Event>,
    /// How many changes there were.
    pub event_count: u64,
    /// What somebody has to do, in the order in which it is best done.
    pub open: Vec<Step>,
    /// What was done in the month.
    pub done: Vec<Step>,
    /// DKIM keys that DNS had in the month.
    pub keys: Vec<Key>,
    /// The certificate that was issued last.
    pub certificate: Option<Certificate>,
}

/// Messages in a domain's name by what is thought of them. Their sum is all of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Mail {
    /// DMARC passed: proven to be the domain's.
    pub passed: u64,
    /// From the domain's own senders, and failed.
    pub failed: u64,
    /// Of these: refused or put into quarantine.
    pub failed_stopped: u64,
    /// Failed because somebody sent it on.
    pub forwarded: u64,
    /// Failed, and from senders that forge the domain.
    pub forged: u64,
    /// Of these: refused.
    pub forged_rejected: u64,
    /// Of these: put into quarantine.
    pub forged_quarantined: u64,
    /// Failed, and nobody can tell yet whose it is.
    pub undecided: u64,
}

/// How far a domain was on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Days since 1970.
    pub day: u32,
    /// Its stage.
    pub stage: Stage,
    /// How much of the way lies behind it, from 0 to 1.
    pub progress: f64,
    /// Its score; none while something was never told.
    pub score: Option<f64>,
    /// The DMARC policy in force; empty without one.
    pub policy: String,
    /// Whether it sends no mail.
    pub is_parked: bool,
    /// Whether score and policy are what a certificate asks for.
    pub is_perfect: bool,
}

/// Who sends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sender {
    /// What people call it.
    pub name: String,
    /// The stable name of its class; empty when nothing was decided.
    pub class: String,
    /// Messages in the month.
    pub messages: u64,
    /// Of these: DMARC passed.
    pub passed: u64,
    /// The first day it was ever seen, when that is known.
    pub first_day: Option<u32>,
}

/// From where a domain was forged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Abuse {
    /// Addresses it came from.
    pub addresses: u64,
    /// Countries by their code, most messages first; an empty code for what is not known.
    pub countries: Vec<(String, u64)>,
    /// Networks by their name, likewise.
    pub networks: Vec<(String, u64)>,
}

/// A domain that stands behind the `@` of the author's address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Author {
    /// The domain, lower case.
    pub name: String,
    /// Messages.
    pub messages: u64,
    /// Of these: DMARC passed.
    pub passed: u64,
}

/// Something that has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// The day; days since 1970.
    pub day: u32,
    /// The stable name of what happened.
    pub kind: String,
    /// `info`, `warning` or `error`.
    pub severity: String,
    /// What it is about within the domain.
    pub subject: String,
    /// What was there before.
    pub old: Option<String>,
    /// What is there now.
    pub new: Option<String>,
    /// One sentence in English.
    pub text: String,
}

/// A step, as it was stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// Which.
    pub code: String,
    /// What it is about within the domain.
    pub subject: String,
    /// Whether it was done once and came undone.
    pub is_undone: bool,
    /// When it was found done; days since 1970.
    pub done_on: Option<u32>,
    /// `dns`, `sender`, `operator` or `owner`.
    pub who: String,
    /// `minutes`, `hours` or `days`.
    pub effort: String,
    /// What is to be done, in English.
    pub title: String,
    /// Why, in English.
    pub why: String,
    /// What exactly to do.
    pub instructions: Vec<Instruction>,
    /// What the placeholders of the texts stand for.
    pub values: BTreeMap<String, String>,
}

/// A DKIM key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Key {
    /// Its selector.
    pub selector: String,
    /// Its type and size: `rsa`, 2048.
    pub kind: String,
    /// Its size; 0 when not known.
    pub bits: u32,
    /// The first day DNS had it; days since 1970.
    pub first_day: u32,
    /// The last day on which mail was signed with the selector, when reports tell.
    pub used_on: Option<u32>,
}

/// A certificate that was issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// Its number.
    pub serial: String,
    /// When it was issued; days since 1970.
    pub issued_on: u32,
}

impl Domain {
    /// All mail of the month.
    pub fn mail(&self) -> Mail {
        self.days.iter().fold(Mail::default(), |sum, day| sum.plus(day))
    }

    /// How far it is when the month ends, or today when it has not ended.
    pub fn state(&self) -> Option<&State> {
        self.states.last()
    }

    /// Whether nothing at all is known about the month.
    pub fn is_blank(&self) -> bool {
        self.mail().messages() == 0 && self.states.is_empty() && self.events.is_empty()
    }

    /// Whether a reader has to be told more than the line in the table.
    pub fn is_worth_telling(&self) -> bool {
        let mail = self.mail();
        let has_moved = match (&self.began, self.state()) {
            (Some(began), Some(state)) => began.stage != state.stage,
            _ => false,
        };
        has_moved
            || (mail.failed, mail.forged, mail.undecided) != (0, 0, 0)
            || !(self.open.is_empty() && self.done.is_empty() && self.events.is_empty())
    }
}

impl Mail {
    /// All of them.
    pub fn messages(&self) -> u64 {
        [self.failed, self.forwarded, self.forged, self.undecided]
            .into_iter()
            .fold(self.passed, u64::saturating_add)
    }

    /// From the domain's own senders, passed or not.
    pub fn own(&self) -> u64 {
        self.passed.saturating_add(self.failed)
    }

    /// Forged, and neither refused nor put into quarantine.
    pub fn forged_delivered(&self) -> u64 {
        self.forged.saturating_sub(self.forged_rejected).saturating_sub(self.forged_quarantined)
    }

    /// Adds messages of one class to it.
    pub fn add(&mut self, class: &str, messages: u64, passed: u64, quarantined: u64, rejected: u64) {
        let passed = passed.min(messages);
        let rest = messages - passed;
        // What passed may have been refused for another reason.
        let rejected = rejected.min(rest);
        let quarantined = quarantined.min(rest - rejected);
        let mut added = Self { passed, ..Self::default() };
        match class {
            "aligned" | "needs_work" => {
                added.failed = rest;
                added.failed_stopped = rejected + quarantined;
            }
            "forwarder" => added.forwarded = rest,
            "threat" => {
                added.forged = rest;
                added.forged_rejected = rejected;
                added.forged_quarantined = quarantined;
            }
            _ => added.undecided = rest,
        }
        *self = self.plus(&added);
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: &Self) -> Self {
        Self {
            passed: self.passed.saturating_add(other.passed),
            failed: self.failed.saturating_add(other.failed),
            failed_stopped: self.failed_stopped.saturating_add(other.failed_stopped),
            forwarded: self.forwarded.saturating_add(other.forwarded),
            forged: self.forged.saturating_add(other.forged),
            forged_rejected: self.forged_rejected.saturating_add(other.forged_rejected),
            forged_quarantined: self.forged_quarantined.saturating_add(other.forged_quarantined),
            undecided: self.undecided.saturating_add(other.undecided),
        }
    }
}
