mod codes;
mod instruction;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use super::Gate;
pub use codes::StepCode;
pub use instruction::{Instruction, RecordType};

pub(in crate::advice) use text::{format_percent, percent};

/// Something to be done for a domain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What.
    pub code: StepCode,
    /// What it is about within the domain: a sender, a selector, a term of SPF; empty for the domain itself.
    pub subject: String,
    /// Whether it is to be done.
    pub state: State,
    /// When it became a step; seconds since 1970.
    pub opened_at: u64,
    /// When it was found done.
    pub done_at: Option<u64>,
    /// What exactly to do; nothing once it is done.
    pub instructions: Vec<Instruction>,
    /// What it waits for, when it is blocked.
    pub waits: Vec<Wait>,
    /// Who has to do it.
    pub who: Who,
    /// How much work it is.
    pub effort: Effort,
    /// What can go wrong.
    pub risk: Risk,
    /// What the texts' placeholders stand for in this case.
    pub values: BTreeMap<&'static str, String>,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// To be done now.
    Open,
    /// Something else must be done first, or data must be waited for.
    Blocked,
    /// It was done once, and is not any more.
    Regressed,
    /// Verified.
    Done,
    /// It does not matter any more.
    Obsolete,
}

/// What a blocked step waits for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "wait")]
pub enum Wait {
    /// A condition that reports do not show yet.
    Gate {
        /// The condition.
        gate: Gate,
    },
    /// Another step.
    Step {
        /// Which.
        code: StepCode,
        /// What that is about.
        subject: String,
    },
    /// A time.
    Until {
        /// Seconds since 1970.
        at: u64,
    },
    /// Reports that tell who sends.
    Reports,
    /// Nothing: it need not be done at all.
    Choice,
}

/// Who has to do a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// Whoever maintains the domain's DNS.
    Dns,
    /// Whoever administers the service that sends.
    Sender,
    /// Whoever runs this installation.
    Operator,
    /// The owner of the domain, who decides.
    Owner,
}

/// How much work a step is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days, because several people have to do something.
    Days,
}

/// What can go wrong when a step is done as it says.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing.
    None,
    /// Mail can be lost when it is done wrong.
    Low,
    /// Mail that was not thought of can be lost.
    Medium,
}

impl Step {
    /// Whether somebody has to do something now.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::Regressed)
    }
}

impl Who {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Sender => "sender",
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }
}

impl Effort {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }
}

impl Risk {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
        }
    }
}

impl State {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Blocked => "blocked",
            Self::Regressed => "regressed",
            Self::Done => "done",
            Self::Obsolete => "obsolete",
        }
    }
}
