//! Which reports of a segment are stored: each once, whatever was delivered before, beside or after it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use super::{
    Require,
    decision::{Decision, MessageDecision, Outcome, Reason, ReportDecision},
    examine::{Examined, ExaminedReport},
};
use crate::{
    domains::Registry,
    provenance::{Standing, Verdict},
    spool::SegmentId,
};

/// Reports that are decided but perhaps not in the store's ledger yet: those of the segments under way.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<HashMap<SegmentId, Contents>>);

/// The contents that are stored under a report's key.
pub(super) type Contents = HashMap<Uuid, Vec<Uuid>>;

impl InFlight {
    /// Remembers what a decided segment stores, until [`InFlight::remove`].
    pub(super) fn insert(&self, segment: SegmentId, decisions: &[MessageDecision]) {
        let mut contents = Contents::new();
        for report in decisions.iter().flat_map(MessageDecision::stored) {
            contents.entry(report.identity.key).or_default().push(report.identity.content);
        }
        self.lock().insert(segment, contents);
    }

    /// The segment's reports are in the ledger.
    pub(super) fn remove(&self, segment: SegmentId) {
        self.lock().remove(&segment);
    }

    /// Adds what the other segments under way store to what the ledger says.
    pub(super) fn add_to(&self, known: &mut Contents, segment: SegmentId) {
        for (_, contents) in self.lock().iter().filter(|(other, _)| **other != segment) {
            for (key, stored) in contents {
                known.entry(*key).or_default().extend(stored);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SegmentId, Contents>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decides about every message of a segment, in their order. `known` is what is stored already; what is decided here
/// joins it, so that a report that came twice in one segment is stored once as well. `established` are the organizations with a
/// history of genuine reports.
pub(super) fn decide(
    examined: Vec<Examined>,
    known: &mut Contents,
    registry: &Registry,
    established: &HashSet<String>,
    require: Require,
) -> Vec<MessageDecision> {
    let decide = |message| decide_message(message, known, registry, established, require);
    examined.into_iter().map(decide).collect()
}

fn decide_message(
    examined: Examined,
    known: &mut Contents,
    registry: &Registry,
    established: &HashSet<String>,
    require: Require,
) -> MessageDecision {
    let Examined { number, evidence, reports, refused } = examined;
    let mut decide = |report: ExaminedReport| {
        let ExaminedReport { part, path, identity, org_name, email } = report;
        let claim = identity.kind.claim(org_name.as_deref(), email.as_deref());
        let verdict = evidence.verdict(&claim);
        let standing = match identity.date_suspect {
            true => Standing::Suspect,
            false => evidence.standing(&claim, established),
        };
        let decision = if require.admits(verdict) {
            let stored = known.entry(identity.key).or_default();
            let decision = match stored.as_slice() {
                [] => Decision::Stored,
                stored if stored.contains(&identity.content) => Decision::Duplicate,
                _ => Decision::Conflict,
            };
            if decision.is_stored() {
                stored.push(identity.content);
            }
            decision
        } else {
            Decision::Withheld
        };
        let group = registry.group_of(&identity.policy_domain).to_owned();
        ReportDecision { part, path, identity, group, verdict, standing, decision }
    };
    let reports: Vec<_> = reports.into_iter().map(&mut decide).collect();
    let withheld = reports.iter().find(|report| report.decision == Decision::Withheld).map(|report| Reason {
        code: "not_authenticated".to_owned(),
        text: format!("its sender is {}, and intake.require asks for more", report.verdict.as_str()),
    });
    let unusable = refused.first();
    let unusable = unusable.map(|part| Reason { code: part.code.clone(), text: part.message.clone() });
    let outcome = if reports.iter().any(|report| report.decision.is_stored()) {
        Outcome::Stored
    } else if withheld.is_some() {
        Outcome::Quarantined
    } else if reports.is_empty() {
        Outcome::Rejected
    } else {
        Outcome::Duplicate
    };
    let reason = withheld.or(unusable);
    MessageDecision { number, outcome, reason, evidence, reports, refused }
}

impl Require {
    fn admits(self, verdict: Verdict) -> bool {
        match self {
            Self::Nothing => true,
            Self::Authenticated => matches!(verdict, Verdict::Genuine | Verdict::Authenticated),
            Self::Genuine => verdict == Verdict::Genuine,
        }
    }
}
