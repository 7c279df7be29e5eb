use super::{Stage, State, StepCode};

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
