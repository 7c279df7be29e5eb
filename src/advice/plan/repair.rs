//! Whatever else costs points: the words of the finding itself.

use super::{
    case::{Case, Draft},
    dmarc, spf,
};
use crate::advice::StepCode;
use ruad_dns::profile::Profile;
use ruad_dns::{
    Code, Finding, Mechanism, dkim, dmarc::codes as dmarc_codes, mta_sts, spf as spf_codes, tls_rpt,
};

/// `others` are the steps that were drafted already: what they take care of is not said twice.
pub(super) fn drafts(case: &Case<'_>, others: &[Draft]) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for finding in &case.posture.findings {
        let is_said = drafts.iter().any(|draft| draft.subject == finding.code.name);
        if is_said || !costs(finding.code) || is_covered(case, finding, others) {
            continue;
        }
        let is_known = mechanism(finding.code).is_some_and(|mechanism| case.posture.knows(mechanism));
        if !is_known {
            continue;
        }
        let text = finding.code.text();
        let all: Vec<_> = case.found(&[finding.code]).collect();
        let draft = dmarc::problems(Draft::new(StepCode::Repair, finding.code.name), &all);
        drafts.push(draft.with("change", text.map_or("–", |text| text.change.trim())));
    }
    drafts
}

/// Whether a finding costs anything in the profile that holds when none is named.
fn costs(code: Code) -> bool {
    <&Profile>::default().points(code) > 0.0
}

pub(super) fn mechanism(code: Code) -> Option<Mechanism> {
    let name = code.name.split('.').next()?;
    Mechanism::ALL.into_iter().find(|mechanism| mechanism.name() == name)
}

fn is_covered(case: &Case<'_>, finding: &Finding, others: &[Draft]) -> bool {
    let code = finding.code;
    let has = |step: StepCode| others.iter().any(|draft| draft.code == step);
    let parks = case.is_parked();
    let own = &case.posture.domain;
    match mechanism(code) {
        // A record above the domain is another domain's to repair.
        Some(Mechanism::Dmarc) => {
            let is_own = finding.evidence.name.strip_prefix("_dmarc.") == Some(own.as_str());
            parks
                || (code == dmarc_codes::NOT_AUTHORIZED && has(StepCode::AuthorizeReports))
                || (dmarc::is_covered(code) && (is_own || !SYNTAX.contains(&code.name)))
        }
        Some(Mechanism::Spf) => {
            let is_own = finding.evidence.name == *own;
            let is_repaired = spf::REPAIRED.contains(&code) || code == spf_codes::SEVERAL_RECORDS;
            parks || code == spf_codes::MISSING || (is_repaired && is_own)
        }
        Some(Mechanism::Dkim) => {
            parks
                || KEYS.contains(&code)
                || ([dkim::ABSENT, dkim::NO_KEY_FOUND].contains(&code) && has(StepCode::EnableDkim))
        }
        Some(Mechanism::MtaSts) => code == mta_sts::check::MISSING,
        Some(Mechanism::TlsRpt) => code == tls_rpt::MISSING || code == tls_rpt::NOT_TO_US,
        _ => false,
    }
}

/// What the steps about keys take care of.
const KEYS: [Code; 6] =
    [dkim::KEY_SHORT, dkim::KEY_TOO_SHORT, dkim::KEY_OLD, dkim::KEY_AGING, dkim::KEY_UNUSED, dkim::REVOKED];
/// Faults in the text of a record, which is only rewritten where it is the domain's own.
const SYNTAX: [&str; 9] = [
    "dmarc.syntax",
    "dmarc.repeated_tag",
    "dmarc.unknown_tag",
    "dmarc.capital_tag",
    "dmarc.no_policy",
    "dmarc.bad_policy",
    "dmarc.bad_subdomain_policy",
    "dmarc.bad_value",
    "dmarc.bad_address",
];
