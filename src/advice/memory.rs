use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use super::{Stage, State, StepCode};
use ruad_common::time::DAY;

/// What earlier runs knew about a domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// How far it was, and since when; seconds since 1970.
    pub stage: Option<(Stage, u64)>,
    /// The score it had, in tenths.
    pub score: Option<u16>,
    /// Since when score and policy have been what a certificate asks for; seconds since 1970.
    pub perfect_since: Option<u64>,
    /// Every step it ever had.
    pub steps: Vec<Remembered>,
}

/// A step as an earlier run left it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remembered {
    /// Which step.
    pub code: StepCode,
    /// What it is about within the domain.
    pub subject: String,
    /// How it stood.
    pub state: State,
    /// When it became a step; seconds since 1970.
    pub opened_at: u64,
    /// When it was done the last time.
    pub done_at: Option<u64>,
}

/// What the tables hold about a domain: what a plan goes by, and what need not be written again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recollection {
    /// What a plan goes by.
    pub memory: Memory,
    /// The newest row of `domain_stages`.
    pub stage: Option<KeptStage>,
    /// Rows of `domain_steps`, by code and subject.
    pub steps: HashMap<(StepCode, String), KeptRow>,
    /// Rows of `domain_senders` with messages, by sender.
    pub senders: BTreeMap<String, KeptSender>,
}

/// A row of `domain_stages`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeptStage {
    /// When it was written, and what it says.
    pub row: KeptRow,
    /// The policy the domain was ready for; empty for none.
    pub ready_for: String,
    /// The day of the first plan; days since 1970. What happened before it is history.
    pub first_day: u32,
}

/// When a row was written, and what it says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KeptRow {
    /// When; seconds since 1970.
    pub computed_at: u64,
    /// Hash of what it says.
    pub digest: u64,
}

/// A row of `domain_senders`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeptSender {
    /// When it was written, and what it says.
    pub row: KeptRow,
    /// What people call the sender.
    pub name: String,
    /// What the service does.
    pub category: String,
    /// What it was held for.
    pub class: String,
    /// What made it so.
    pub rule: String,
    /// The first day it was seen; days since 1970.
    pub first_day: u32,
    /// The last day.
    pub last_day: u32,
}

impl KeptRow {
    /// Whether a row that says this now need not be written: it says the same, and was written today.
    pub fn holds(self, digest: u64, now: u64) -> bool {
        self.digest == digest && self.computed_at / DAY == now / DAY
    }
}

impl StepCode {
    /// The code of that name, as a table has it; `None` for one name too many that this version does not know.
    pub(crate) fn stored(name: &str) -> Option<Self> {
        if let Some(code) = Self::named(name) {
            return Some(code);
        }
        static UNKNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        let mut unknown = UNKNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = unknown.get(name) {
            return Some(Self::Unknown(known));
        }
        if unknown.len() >= MAX_UNKNOWN_CODES {
            return None;
        }
        // Each name once in the life of the process.
        let name: &'static str = Box::leak(name.into());
        unknown.insert(name);
        Some(Self::Unknown(name))
    }
}

/// Far more than all versions of the program have together.
const MAX_UNKNOWN_CODES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_when_it_says_something_else_and_once_a_day() {
        let row = KeptRow { computed_at: 10 * DAY + 5, digest: 7 };
        assert!(row.holds(7, 11 * DAY - 1));
        assert!(!row.holds(7, 11 * DAY) && !row.holds(8, 10 * DAY + 6));
    }

    #[test]
    fn a_stored_code_is_the_code() {
        assert_eq!(StepCode::stored("publish_spf"), Some(StepCode::PublishSpf));
        assert_eq!(StepCode::stored("spf.add"), Some(StepCode::Unknown("spf.add")));
        assert_eq!(StepCode::stored("spf.add"), StepCode::stored("spf.add"));
    }
}
