//! What a sender is held for: pure rules over what reports tell.

use super::{Class, Rule};

/// Nobody can tell.
pub const NOTHING_KNOWN: Rule = Rule("nothing_known");

/// The class of a sender, and the rule that gave it.
pub fn classify() -> (Class, Rule) {
    (Class::Undecided, NOTHING_KNOWN)
}
