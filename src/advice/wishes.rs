use std::collections::BTreeMap;

use serde::Serialize;

use super::SenderId;
use crate::domains::Registry;

/// What the owner of a domain has decided.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Wishes {
    /// How far the policy is to rise.
    pub goal: Goal,
    /// Whether the domain sends no mail at all; none when nobody said.
    pub parked: Option<bool>,
    /// Whether people write mail from it, so that mailing lists matter.
    pub people: bool,
    /// Senders that were approved or rejected.
    pub decisions: BTreeMap<SenderId, Decision>,
    /// Addresses at which this installation takes reports, for the records that are asked for.
    pub reports_to: Vec<String>,
}

/// The policy an owner wants to end with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Stay at `p=quarantine`: a finished state.
    Quarantine,
    /// Go on to `p=reject`.
    #[default]
    Reject,
}

/// What an owner says of a sender.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It sends for us.
    Approved,
    /// It does not.
    Rejected,
}

impl Wishes {
    /// Throw-away: stands here until the senders' branch brings the real one.
    pub fn of(
        _registry: &Registry,
        decisions: &BTreeMap<SenderId, Decision>,
        _domain: &str,
        reports_to: &[String],
    ) -> Self {
        Self {
            people: true,
            decisions: decisions.clone(),
            reports_to: reports_to.to_vec(),
            ..Self::default()
        }
    }
}
