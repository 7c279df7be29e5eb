use serde::Serialize;

use crate::dns::dmarc::Policy;

/// Whether the policy can be raised, and what that rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Readiness {
    /// To which policy.
    pub target: Policy,
    /// Every condition, those that are met too.
    pub gates: Vec<Gate>,
}

/// A condition for raising the policy. `wanted` and `found` are in the unit of the gate: days, messages, or shares from 0 to
/// 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// Its stable name; texts explain it.
    pub name: &'static str,
    /// Whom it is about, when it is not the domain as a whole: a sender's name.
    pub subject: String,
    /// What there must be.
    pub wanted: f64,
    /// What there is.
    pub found: f64,
    /// Whether that is enough.
    pub is_met: bool,
}

impl Readiness {
    /// Whether every condition is met.
    pub fn is_ready(&self) -> bool {
        self.gates.iter().all(|gate| gate.is_met)
    }
}
