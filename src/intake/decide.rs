//! Which reports of a segment are stored: each once, in its best proven copy, whatever was delivered before, beside or after
//! it.
//!
//! A copy that proves more than what is stored is stored too; the store then takes the other out
//! ([`crate::store::Store::settle`]). A copy that proves no more is a duplicate, also of one that was withdrawn. Once a report is
//! there from its reporter itself, nobody else's word about it is stored.
//!
//! Reports whose ids differ in case alone share a key. They are copies of one report where they say the same, and else two
//! reports.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use super::{
    Require,
    decision::{Decision, MessageDecision, NOT_A_REPORT, Outcome, Reason, ReportDecision},
    examine::{Examined, ExaminedReport},
    identity::Identity,
    stranger::StrangerQuota,
};
use crate::{
    provenance::{Claim, Evidence, Standing, Verdict},
    store::Known,
};
use ruad_registry::Registry;
use ruad_spool::{Rank, SegmentId};

/// Reports that are decided but perhaps not in the store's ledger yet: those of the segments under way.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<HashMap<SegmentId, Contents>>);

/// What is stored under a report's key.
#[derive(Debug, Default)]
pub(super) struct Contents(HashMap<Uuid, Vec<Content>>);

/// A copy of a report.
#[derive(Clone, Debug)]
struct Content {
    hash: Uuid,
    /// As written.
    report_id: String,
    verdict: Verdict,
    /// Whether it is in the sums.
    counts: bool,
}

impl InFlight {
    /// Remembers what a decided segment stores, until [`InFlight::remove`].
    pub(super) fn insert(&self, segment: SegmentId, decisions: &[MessageDecision]) {
        let mut contents = Contents::default();
        for report in decisions.iter().flat_map(MessageDecision::stored) {
            let content = Content::of(&report.identity, report.verdict);
            contents.0.entry(report.identity.key).or_default().push(content);
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
            for (key, stored) in &contents.0 {
                known.0.entry(*key).or_default().extend(stored.iter().cloned());
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SegmentId, Contents>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// Gives a report that an earlier version stored the identity it has there.
    fn recognize(&self, mut examined: Vec<Examined>) -> Vec<Examined> {
        for ExaminedReport { identity, earlier, .. } in
            examined.iter_mut().flat_map(|message| &mut message.reports)
        {
            let has = |key: &Uuid, content: Uuid| self.of(key).iter().any(|one| one.hash == content);
            if has(&identity.key, identity.content) {
                continue;
            }
            if !self.of(&earlier.key).is_empty() {
                identity.key = earlier.key;
            }
            let stored = earlier.contents.into_iter().find(|content| has(&identity.key, *content));
            if let Some(content) = stored.filter(|_| !has(&identity.key, identity.content)) {
                identity.content = content;
            }
        }
        examined
    }

    /// What becomes of this copy of the report with this key; it is among the contents afterwards if it is stored. `admits` is
    /// asked whether its sender may store it, and counts it then.
    fn decide(&mut self, key: Uuid, copy: Content, admits: impl FnOnce() -> bool) -> Decision {
        let stored = self.0.entry(key).or_default();
        if stored.iter().any(|one| one.hash == copy.hash && one.verdict.proof() >= copy.verdict.proof()) {
            return Decision::Duplicate;
        }
        let others = || stored.iter().filter(|one| one.counts && one.hash != copy.hash);
        let is_genuine = copy.verdict == Verdict::Genuine;
        let says_otherwise = |one: &Content| one.report_id == copy.report_id;
        if !is_genuine && others().any(|one| one.verdict == Verdict::Genuine && says_otherwise(one)) {
            return Decision::Outranked;
        }
        let stay = || others().filter(|one| !is_genuine || one.verdict == Verdict::Genuine);
        let most = if is_genuine { MOST_GENUINE } else { MOST_CONTENTS };
        if stay().map(|one| one.hash).collect::<BTreeSet<_>>().len() >= most {
            return Decision::Outranked;
        }
        if !admits() {
            return Decision::OverQuota;
        }
        let decision = if stay().any(says_otherwise) { Decision::Conflict } else { Decision::Stored };
        stored.push(copy);
        decision
    }

    fn of(&self, key: &Uuid) -> &[Content] {
        self.0.get(key).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Content {
    /// A copy that is stored and counts.
    fn of(identity: &Identity, verdict: Verdict) -> Self {
        Self { hash: identity.content, report_id: identity.report_id.clone(), verdict, counts: true }
    }
}

impl FromIterator<Known> for Contents {
    fn from_iter<T: IntoIterator<Item = Known>>(known: T) -> Self {
        let mut contents = Self::default();
        for Known { report_key, content_hash, report_id, verdict, counts } in known {
            let content = Content { hash: Uuid::from_u128(content_hash), report_id, verdict, counts };
            contents.0.entry(Uuid::from_u128(report_key)).or_default().push(content);
        }
        contents
    }
}

/// Decides about every message of a segment. `known` is what is stored already; what is decided here joins it, so that a
/// report that came twice in one segment is stored once as well: its best proven copy, of equals the first. `established` are
/// the organizations with a history of genuine reports.
pub(super) fn decide(
    examined: Vec<Examined>,
    known: &mut Contents,
    registry: &Registry,
    established: &HashSet<String>,
    require: Require,
    quota: &mut StrangerQuota,
) -> Vec<MessageDecision> {
    let examined = known.recognize(examined);
    let verdicts: Vec<Vec<Verdict>> = examined.iter().map(Examined::verdicts).collect();
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (message, verdicts) in verdicts.iter().enumerate() {
        order.extend((0..verdicts.len()).map(|report| (message, report)));
    }
    let verdict_of = |message: usize, report: usize| {
        verdicts.get(message).and_then(|verdicts| verdicts.get(report)).copied().unwrap_or(Verdict::Unknown)
    };
    order.sort_by_key(|(message, report)| Reverse(verdict_of(*message, *report).proof()));
    let mut decisions: HashMap<(usize, usize), Decision> = HashMap::with_capacity(order.len());
    for (place, report) in order {
        let verdict = verdict_of(place, report);
        let Some(message) = examined.get(place) else { continue };
        let Some(one) = message.reports.get(report) else { continue };
        let is_bound =
            verdict != Verdict::Genuine && !one.standing(&message.evidence, established).is_believed();
        let decision = match require.admits(verdict) {
            true => known.decide(one.identity.key, Content::of(&one.identity, verdict), || {
                !is_bound || quota.admits(message.origin, one.rows)
            }),
            false => Decision::Withheld,
        };
        decisions.insert((place, report), decision);
    }
    let decided = examined.into_iter().enumerate().map(|(place, message)| {
        let decision_of = |report: usize| {
            let decision = decisions.get(&(place, report)).copied().unwrap_or(Decision::Withheld);
            (verdict_of(place, report), decision)
        };
        message_decision(message, registry, established, decision_of)
    });
    decided.collect()
}

fn message_decision(
    examined: Examined,
    registry: &Registry,
    established: &HashSet<String>,
    decision_of: impl Fn(usize) -> (Verdict, Decision),
) -> MessageDecision {
    let Examined { number, origin, evidence, reports, refused, .. } = examined;
    let reports = reports.into_iter().enumerate().map(|(place, report)| {
        let standing = report.standing(&evidence, established);
        let ExaminedReport { part, path, identity, .. } = report;
        let (verdict, decision) = decision_of(place);
        let group = registry.group_of(&identity.policy_domain).to_owned();
        ReportDecision { part, path, identity, group, verdict, standing, decision }
    });
    let reports: Vec<_> = reports.collect();
    let kept_back = reports.iter().find_map(Reason::kept_back);
    let unusable = refused.first();
    let unusable = unusable.map(|part| Reason { code: part.code.clone(), text: part.message.clone() });
    let outcome = if reports.iter().any(|report| report.decision.is_stored()) {
        Outcome::Stored
    } else if kept_back.is_some() {
        Outcome::Quarantined
    } else if reports.is_empty() {
        Outcome::Rejected
    } else {
        Outcome::Duplicate
    };
    let unverified = || super::again::reason(&evidence).filter(|_| !reports.is_empty());
    let reason = kept_back.or(unusable).or_else(unverified);
    let is_junk = outcome == Outcome::Rejected && refused.iter().all(|part| part.code == NOT_A_REPORT);
    let rank = Some(if is_junk { Rank::Junk } else { rank(&evidence, established) });
    let client = Some(origin.client_ip);
    MessageDecision { number, client, outcome, reason, evidence, reports, refused, rank }
}

/// What a message has proven that a report in it need not be readable for.
fn rank(evidence: &Evidence, established: &HashSet<String>) -> Rank {
    match evidence.proven_organization() {
        Some(organization) if evidence.names_known_organization() || established.contains(organization) => {
            Rank::Believed
        }
        Some(_) => Rank::Authenticated,
        // Where nothing is verified everyone is believed, and nothing tells a reporter from a stranger.
        None => Rank::Unproven,
    }
}

impl Examined {
    /// The verdict on each of its reports.
    fn verdicts(&self) -> Vec<Verdict> {
        self.reports.iter().map(|report| report.verdict(&self.evidence)).collect()
    }
}

impl ExaminedReport {
    fn verdict(&self, evidence: &Evidence) -> Verdict {
        evidence.verdict(&self.claim())
    }

    fn standing(&self, evidence: &Evidence, established: &HashSet<String>) -> Standing {
        match self.identity.date_suspect {
            true => Standing::Suspect,
            false => evidence.standing(&self.claim(), established),
        }
    }

    fn claim(&self) -> Claim<'_> {
        self.identity.kind.claim(self.org_name.as_deref(), self.email.as_deref())
    }
}

impl Reason {
    /// Why a report is kept in quarantine.
    fn kept_back(report: &ReportDecision) -> Option<Self> {
        let verdict = report.verdict.as_str();
        let (code, text) = match report.decision {
            Decision::Withheld => {
                ("not_authenticated", format!("its sender is {verdict}, and intake.require asks for more"))
            }
            Decision::OverQuota => (
                STRANGER_QUOTA,
                format!(
                    "its sender is {verdict}, and with it such senders would store more rows in a day than \
                     intake.stranger_rows allows"
                ),
            ),
            Decision::Outranked => (
                "outranked",
                format!(
                    "its sender is {verdict}, and a genuine report with its identity says something else, or too \
                     many reports do"
                ),
            ),
            Decision::Stored | Decision::Duplicate | Decision::Conflict => return None,
        };
        Some(Self { code: code.to_owned(), text })
    }
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

/// The code of what waits in quarantine because its sender, who proved too little, stored enough that day.
pub(super) const STRANGER_QUOTA: &str = "stranger_quota";

/// Contents that are stored under one identity. Reporters correct a report now and then; each content counts, so a
/// stranger must not have as many as it likes.
const MOST_CONTENTS: usize = 10;

/// The same of genuine reports, whose reporters may have split them.
const MOST_GENUINE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Uuid = Uuid::from_u128(7);

    fn copy(report_id: &str, content: u128, verdict: Verdict) -> Content {
        Content { hash: Uuid::from_u128(content), report_id: report_id.to_owned(), verdict, counts: true }
    }

    /// What becomes of these copies in turn: a content and a verdict each.
    fn decisions(copies: &[(u128, Verdict)]) -> Vec<Decision> {
        let mut known = Contents::default();
        let decide =
            |(content, verdict): &(u128, Verdict)| known.decide(KEY, copy("r1", *content, *verdict), || true);
        copies.iter().map(decide).collect()
    }

    #[test]
    fn ids_that_differ_in_case_are_of_one_report_where_it_says_the_same() {
        use Decision::{Conflict, Duplicate, Outranked, Stored};
        use Verdict::{Genuine, Unknown};
        let decisions = |copies: &[(&str, u128, Verdict)]| {
            let mut known = Contents::default();
            let decide = |(id, content, verdict): &(&str, u128, Verdict)| {
                known.decide(KEY, copy(id, *content, *verdict), || true)
            };
            copies.iter().map(decide).collect::<Vec<_>>()
        };
        assert_eq!(decisions(&[("r1", 1, Unknown), ("R1", 1, Unknown)]), [Stored, Duplicate]);
        assert_eq!(decisions(&[("r1", 1, Genuine), ("R1", 1, Unknown)]), [Stored, Duplicate]);
        assert_eq!(decisions(&[("r1", 1, Unknown), ("R1", 1, Genuine)]), [Stored, Stored]);
        for verdict in [Genuine, Unknown] {
            assert_eq!(decisions(&[("r1", 1, Genuine), ("R1", 2, verdict)]), [Stored, Stored]);
            assert_eq!(decisions(&[("r1", 1, verdict), ("R1", 2, Genuine)]), [Stored, Stored]);
        }
        let three = [("r1", 1, Genuine), ("R1", 2, Unknown), ("R1", 3, Unknown), ("r1", 4, Unknown)];
        assert_eq!(decisions(&three), [Stored, Stored, Conflict, Outranked]);
        let ids: Vec<_> = (0..30_u128).map(|bits| format!("{:x}{:X}", bits + 0xaaaa, bits)).collect();
        let many: Vec<_> = ids.iter().zip(0..).map(|(id, content)| (id.as_str(), content, Unknown)).collect();
        assert_eq!(decisions(&many).iter().filter(|one| one.is_stored()).count(), MOST_CONTENTS);
    }

    #[test]
    fn a_better_copy_is_stored_and_a_worse_one_is_a_duplicate() {
        use Decision::{Duplicate, Stored};
        use Verdict::{Authenticated, Forged, Genuine, Unknown};
        let all = [Forged, Unknown, Authenticated, Genuine];
        for (place, worse) in all.iter().enumerate() {
            for (other, better) in all.iter().enumerate() {
                let expected = if other > place { Stored } else { Duplicate };
                assert_eq!(
                    decisions(&[(1, *worse), (1, *better)]),
                    [Stored, expected],
                    "{worse:?} {better:?}"
                );
            }
        }
    }

    #[test]
    fn other_content_never_stands_beside_a_genuine_report() {
        use Decision::{Conflict, Duplicate, Outranked, Stored};
        use Verdict::{Authenticated, Forged, Genuine, Unknown};
        for verdict in [Forged, Unknown, Authenticated] {
            assert_eq!(decisions(&[(1, Genuine), (2, verdict)]), [Stored, Outranked], "{verdict:?}");
            assert_eq!(decisions(&[(2, verdict), (1, Genuine), (2, verdict)]), [Stored, Stored, Duplicate]);
        }
        assert_eq!(decisions(&[(1, Genuine), (2, Genuine)]), [Stored, Conflict]);
        assert_eq!(decisions(&[(1, Unknown), (2, Forged)]), [Stored, Conflict]);
    }

    #[test]
    fn what_was_withdrawn_comes_back_only_with_better_proof() {
        for (verdict, expected) in
            [(Verdict::Unknown, Decision::Duplicate), (Verdict::Genuine, Decision::Stored)]
        {
            let withdrawn = Known {
                report_key: 7,
                content_hash: 1,
                report_id: "r1".to_owned(),
                verdict: Verdict::Unknown,
                counts: false,
            };
            let mut known: Contents = [withdrawn].into_iter().collect();
            assert_eq!(known.decide(KEY, copy("r1", 1, verdict), || true), expected);
        }
    }

    #[test]
    fn contents_of_one_identity_are_bounded() {
        for (verdict, most) in [(Verdict::Unknown, MOST_CONTENTS), (Verdict::Genuine, MOST_GENUINE)] {
            let copies: Vec<_> = (0..200).map(|content| (content, verdict)).collect();
            let decisions = decisions(&copies);
            assert!(decisions[..most].iter().all(|decision| decision.is_stored()));
            assert!(decisions[most..].iter().all(|decision| *decision == Decision::Outranked));
        }
        let mut crowded: Vec<_> = (0..30).map(|content| (content, Verdict::Unknown)).collect();
        crowded.push((99, Verdict::Genuine));
        assert_eq!(decisions(&crowded).last(), Some(&Decision::Stored), "strangers crowd nobody out");
    }
}
