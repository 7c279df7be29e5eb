//! How mail comes in, and the logo: what makes the score full once nobody can forge the domain any more.

use super::{
    case::{Case, Draft, TTL, text_record},
    dmarc_edit::Edited,
};
use crate::{
    advice::{Instruction, RecordType, StepCode, Wait},
    health::keys::date,
};
use ruad_common::time::DAY;
use ruad_dns::{
    Mechanism,
    dmarc::Policy,
    mta_sts::{self, check},
    tls_rpt,
};

pub(super) fn drafts(case: &Case<'_>) -> Vec<Draft> {
    if case.is_parked() {
        return Vec::new();
    }
    [tls_rpt(case), publish(case), enforce(case), logo(case)].into_iter().flatten().collect()
}

/// Whether mail is received at hosts that are known.
fn receives(case: &Case<'_>) -> bool {
    let posture = case.posture;
    posture.knows(Mechanism::Mx) && posture.receives == Some(true) && !posture.mail_hosts.is_empty()
}

fn tls_rpt(case: &Case<'_>) -> Option<Draft> {
    let posture = case.posture;
    if !posture.knows(Mechanism::TlsRpt) || !receives(case) {
        return None;
    }
    let address = case.our_tls_address()?;
    let name = format!("_smtp._tls.{}", posture.domain);
    let draft =
        Draft::new(StepCode::PublishTlsRpt, "").with("address", address.trim_start_matches("mailto:"));
    match &posture.tls_rpt {
        None if case.found(&[tls_rpt::MISSING]).next().is_some() => {
            let value = format!("v=TLSRPTv1; rua={address}");
            Some(draft.doing(text_record(name, value, None)))
        }
        Some(text) if case.found(&[tls_rpt::NOT_TO_US]).next().is_some() => {
            let mut edited = Edited::of(text);
            edited.add_address(&address);
            Some(draft.doing(text_record(name, edited.text(), Some(text))))
        }
        _ => None,
    }
}

/// Without its record nobody looks for the policy, even when the file is still served.
fn is_unannounced(case: &Case<'_>) -> bool {
    case.found(&[check::MISSING]).next().is_some()
}

fn publish(case: &Case<'_>) -> Option<Draft> {
    if !case.posture.knows(Mechanism::MtaSts) || !receives(case) || !is_unannounced(case) {
        return None;
    }
    let at = case.opened_at(StepCode::PublishMtaSts, "");
    Some(policy(case, Draft::new(StepCode::PublishMtaSts, ""), "testing", at))
}

fn enforce(case: &Case<'_>) -> Option<Draft> {
    let posture = case.posture;
    let is_testing = posture.mta_sts_mode.as_deref() == Some("testing") && !is_unannounced(case);
    if !posture.knows(Mechanism::MtaSts) || !receives(case) || !is_testing {
        return None;
    }
    let since = case.opened_at(StepCode::EnforceMtaSts, "");
    let draft = policy(case, Draft::new(StepCode::EnforceMtaSts, ""), "enforce", since + 1);
    let uncovered = case.found(&[check::MX_NOT_COVERED_TESTING]).next();
    let draft = match uncovered {
        Some(finding) => draft.waiting_for(StepCode::Repair, finding.code.name),
        None => draft,
    };
    let at = since + TESTING;
    Some(if case.now < at { draft.waiting(Wait::Until { at }) } else { draft })
}

/// The file with the policy, and the record that says that it is another one.
fn policy(case: &Case<'_>, draft: Draft, mode: &str, at: u64) -> Draft {
    let posture = case.posture;
    let host = mta_sts::host(&posture.domain);
    let max_age = posture.mta_sts_max_age.unwrap_or_default().max(MAX_AGE);
    let mut text = format!("version: STSv1\nmode: {mode}\n");
    for host in &posture.mail_hosts {
        text.push_str(&format!("mx: {host}\n"));
    }
    text.push_str(&format!("max_age: {max_age}\n"));
    let day: String = date(at).chars().filter(char::is_ascii_digit).collect();
    let id = format!("{day}{:05}", at % DAY);
    let name = format!("_mta-sts.{}", posture.domain);
    let record = Instruction::Publish {
        name,
        kind: RecordType::Txt,
        ttl: TTL,
        value: format!("v=STSv1; id={id};"),
        replaces: posture.mta_sts.clone(),
    };
    let url = format!("https://{host}{}", mta_sts::PATH);
    draft.with("host", host).doing(Instruction::Serve { url, text }).doing(record)
}

/// Nobody has to; and nobody shows it before forged mail is kept away.
fn logo(case: &Case<'_>) -> Option<Draft> {
    let posture = case.posture;
    let policies = posture.policies.filter(|_| posture.knows(Mechanism::Dmarc))?;
    let is_enforced = policies.domain >= Policy::Quarantine && policies.subdomains >= Policy::Quarantine;
    if !posture.knows(Mechanism::Bimi) || posture.has_bimi || !is_enforced {
        return None;
    }
    let value = format!("v=BIMI1; l=https://{0}/logo.svg; a=https://{0}/logo.pem", posture.domain);
    let record = text_record(format!("default._bimi.{}", posture.domain), value, None);
    Some(Draft::new(StepCode::AddLogo, "").doing(record).waiting(Wait::Choice))
}

/// Two weeks.
const TESTING: u64 = 14 * DAY;
/// A week; senders remember a policy for so long.
const MAX_AGE: u64 = 604_800;
