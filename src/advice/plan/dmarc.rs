//! The DMARC record: publish it, repair it, have the reports sent here.

use std::collections::BTreeSet;

use super::{
    case::{Case, Draft, text_record},
    dmarc_edit::Edited,
};
use crate::advice::{Instruction, RecordType, StepCode};
use ruad_dns::{
    Code, Finding, Mechanism,
    dmarc::{Policy, authorization, codes},
};

/// Steps that leave the policy as it is. Those of the record all ask for the same new value, which does all of it at once.
pub(super) fn drafts(case: &Case<'_>) -> Vec<Draft> {
    if !case.posture.knows(Mechanism::Dmarc) {
        return Vec::new();
    }
    let mut drafts = if case.is_parked() {
        Vec::new()
    } else if case.posture.own_record().is_some() {
        housekeeping(case)
    } else {
        missing(case).into_iter().collect()
    };
    drafts.extend(case.posture.unauthorized.iter().filter_map(|host| authorize(case, host)));
    drafts
}

/// The name of the domain's own record.
pub(super) fn name(case: &Case<'_>) -> String {
    format!("_dmarc.{}", case.posture.domain)
}

/// A record of the domain's own that says what the one above it says, with `policy`.
pub(super) fn own_copy(case: &Case<'_>, policy: Policy) -> Edited {
    let mut edited = match case.record().filter(|record| record.policy.is_some()) {
        Some(above) => Edited::of(&above.text),
        None => Edited::fresh(policy),
    };
    // They are for what is below that domain, or for all of it.
    for tag in ["sp", "np", "psd", "t", "pct"] {
        edited.remove(tag);
    }
    edited.set_policy("p", policy);
    add_ours(case, &mut edited);
    edited
}

pub(super) fn add_ours(case: &Case<'_>, edited: &mut Edited) {
    if case.posture.reports_to_us == Some(true) {
        return;
    }
    if let Some(address) = case.our_address() {
        edited.add_address(&address);
    }
}

/// What stands there and is no record.
pub(super) fn ignored<'a>(case: &Case<'a>) -> Vec<&'a Finding> {
    let name = name(case);
    let is_own = |finding: &&Finding| finding.code == codes::WRONG_NAME || finding.evidence.name == name;
    case.found(&IGNORED).filter(is_own).filter(|finding| finding.evidence.record.is_some()).collect()
}

fn missing(case: &Case<'_>) -> Option<Draft> {
    let ignored = ignored(case);
    if !ignored.is_empty() && case.posture.dmarc.is_none() {
        return Some(from_ignored(case, &ignored));
    }
    let in_force = case.in_force();
    // Following the record above is fine as long as its reports come here and its policy is not a registry's.
    let is_followed = in_force.is_some() && case.found(&[codes::ONLY_SUFFIX]).next().is_none();
    if is_followed && case.posture.reports_to_us != Some(false) {
        return None;
    }
    let policy = in_force.unwrap_or(Policy::None).max(case.reached_policy());
    let edited = own_copy(case, policy);
    let mut draft = Draft::new(StepCode::PublishDmarc, "").with("policy", policy.name());
    for finding in case.found(&[codes::DANGLING_ALIAS]) {
        // A name with an alias can have no other record.
        let name = finding.evidence.name.clone();
        draft = draft.doing(Instruction::Remove { name, kind: RecordType::Cname, value: String::new() });
    }
    Some(draft.doing(text_record(name(case), edited.text(), None)))
}

/// One record out of texts that count as none. Nothing has been in force, so the policy begins where it was reached before;
/// several records that agree say what their owner is used to.
fn from_ignored(case: &Case<'_>, ignored: &[&Finding]) -> Draft {
    let texts: Vec<_> = ignored
        .iter()
        .flat_map(|finding| finding.evidence.record.iter().flat_map(|record| record.split('\n')))
        .collect();
    let mut records: Vec<_> = texts.iter().map(|text| Edited::repaired(text)).collect();
    let policies: Vec<_> = records.iter().filter_map(Edited::policy).collect();
    let is_several = ignored.iter().any(|finding| finding.code == codes::SEVERAL_RECORDS);
    let weakest = policies.iter().min().copied().unwrap_or(Policy::None);
    let agree = policies.iter().all(|policy| *policy == weakest) && policies.len() == records.len();
    let policy = if is_several && agree { weakest } else { weakest.min(case.reached_policy()) };
    let policy = policy.max(case.reached_policy().min(case.goal()));
    let mut edited = if records.is_empty() { Edited::fresh(policy) } else { records.remove(0) };
    for other in &records {
        edited.add_addresses_of(other);
    }
    edited.set_policy("p", policy);
    add_ours(case, &mut edited);
    let mut draft = problems(Draft::new(StepCode::RepairDmarc, ""), ignored);
    let own_name = name(case);
    let mut standing = ignored.iter().flat_map(|finding| {
        let texts = finding.evidence.record.iter().flat_map(|record| record.split('\n'));
        texts.map(|text| (finding.evidence.name.as_str(), text))
    });
    let replaces = standing.clone().find(|(name, _)| *name == own_name).map(|(_, text)| text);
    let mut is_replaced = false;
    for (name, text) in standing.by_ref() {
        if name == own_name && !is_replaced {
            is_replaced = true;
            continue;
        }
        let (name, value) = (name.to_owned(), text.to_owned());
        draft = draft.doing(Instruction::Remove { name, kind: RecordType::Txt, value });
    }
    draft.doing(text_record(own_name, edited.text(), replaces))
}

/// All that is wrong with a record that counts, but for its policy.
fn housekeeping(case: &Case<'_>) -> Vec<Draft> {
    let Some(record) = case.posture.own_record() else { return Vec::new() };
    let own_name = name(case);
    let damaged = ignored(case);
    let faults: Vec<_> = case.found(&FAULTS).filter(|finding| finding.evidence.name == own_name).collect();
    let in_force = case.in_force().unwrap_or(Policy::None);
    let mut edited =
        if faults.is_empty() { Edited::of(&record.text) } else { Edited::repaired(&record.text) };
    let mut drafts = Vec::new();
    if !faults.is_empty() || !damaged.is_empty() {
        if edited.policy().is_none() {
            edited.set_policy("p", in_force.max(case.reached_policy()));
        }
        let all: Vec<_> = faults.iter().chain(&damaged).copied().collect();
        let mut draft = problems(Draft::new(StepCode::RepairDmarc, ""), &all);
        for finding in damaged {
            let (name, value) = (finding.evidence.name.clone(), finding.evidence.record.clone());
            draft = draft.doing(Instruction::Remove {
                name,
                kind: RecordType::Txt,
                value: value.unwrap_or_default(),
            });
        }
        drafts.push(draft);
    }
    if case.posture.reports_to_us == Some(false)
        && let Some(address) = case.our_address()
    {
        edited.add_address(&address);
        let address = address.trim_start_matches("mailto:");
        drafts.push(Draft::new(StepCode::AddReportAddress, "").with("address", address));
    }
    // As long as nothing is asked of receivers, it does not matter for which part.
    if let Some(share) = percentage(case).filter(|_| in_force == Policy::None) {
        edited.remove("pct");
        drafts.push(Draft::new(StepCode::DropPercentage, "").with("percentage", share.to_string()));
    }
    let value = edited.text();
    if value == Edited::of(&record.text).text() {
        return drafts;
    }
    let publish = text_record(own_name, value, Some(&record.text));
    drafts.into_iter().map(|draft| draft.doing(publish.clone())).collect()
}

/// `pct`, when it is there and leaves something out.
pub(super) fn percentage(case: &Case<'_>) -> Option<u8> {
    case.posture.own_record()?.percentage.filter(|share| *share < 100)
}

fn authorize(case: &Case<'_>, host: &str) -> Option<Draft> {
    let (domain, _) = case.posture.dmarc.as_ref()?;
    let name = authorization::name(domain, host)?;
    // Some validators insist on the final semicolon.
    let record = text_record(name, "v=DMARC1;".to_owned(), None);
    Some(Draft::new(StepCode::AuthorizeReports, host).doing(record))
}

/// What is wrong, in the words of the findings.
pub(super) fn problems(draft: Draft, findings: &[&Finding]) -> Draft {
    let mut details: Vec<&str> = Vec::new();
    for finding in findings {
        if !details.contains(&finding.detail.as_str()) && details.len() < MOST_PROBLEMS {
            details.push(&finding.detail);
        }
    }
    let codes: BTreeSet<_> = findings.iter().map(|finding| finding.code.name).collect();
    let codes: Vec<_> = codes.into_iter().take(MOST_PROBLEMS).collect();
    draft.with("problems", details.join(" ")).with("findings", codes.join(" "))
}

/// Whether a step of the record takes care of a finding.
pub(super) fn is_covered(code: Code) -> bool {
    [&IGNORED[..], &FAULTS, &OTHERS].iter().any(|codes| codes.contains(&code))
}

/// Texts that were meant as the record and count as none.
const IGNORED: [Code; 4] =
    [codes::SEVERAL_RECORDS, codes::WRONG_NAME, codes::LEADING_WHITE_SPACE, codes::BAD_VERSION];
/// Faults of a record that counts, which can be put right from its own text.
const FAULTS: [Code; 9] = [
    codes::SYNTAX,
    codes::REPEATED_TAG,
    codes::UNKNOWN_TAG,
    codes::CAPITAL_TAG,
    codes::NO_POLICY,
    codes::BAD_POLICY,
    codes::BAD_SUBDOMAIN_POLICY,
    codes::BAD_VALUE,
    codes::BAD_ADDRESS,
];
/// What the steps of the record take care of beside these.
const OTHERS: [Code; 11] = [
    codes::MISSING,
    codes::SPF_INSTEAD,
    codes::DANGLING_ALIAS,
    codes::ONLY_SUFFIX,
    codes::PARTIAL_POLICY,
    codes::TEST_MODE,
    codes::POLICY_NONE,
    codes::SUBDOMAIN_POLICY_NONE,
    codes::SUBDOMAIN_POLICY_WEAKER,
    codes::NO_REPORTS,
    codes::NOT_TO_US,
];
const MOST_PROBLEMS: usize = 8;
