//! What can be wrong with MTA-STS.

use std::time::Duration;

use super::{
    CertificateFault, FetchError, Mode, Outcome, Policy, PolicyFile,
    policy::{self, Reading, matches},
    record::{self, Record},
};
use crate::{Code, Text, Trouble, finding::codes, mx, versioned::shorten};
use ruad_common::time::DAY;

codes! {
    /// Neither record nor policy.
    MISSING = "mta_sts.missing", Info;
    /// A policy that nobody looks for.
    POLICY_WITHOUT_RECORD = "mta_sts.policy_without_record", Warning;
    /// The record stands at the domain itself.
    WRONG_PLACE = "mta_sts.wrong_place", Error;
    /// A text that was meant as a record and is none.
    NOT_A_RECORD = "mta_sts.not_a_record", Error;
    /// More than one record, which counts as none (RFC 8461 section 3.1).
    SEVERAL_RECORDS = "mta_sts.several_records", Error;
    /// Other texts next to the record.
    UNRELATED_TEXT = "mta_sts.unrelated_text", Info;
    /// A piece of the record is not `name=value`.
    SYNTAX = "mta_sts.syntax", Error;
    /// No `id`.
    NO_ID = "mta_sts.no_id", Error;
    /// An `id` with other than 1 to 32 letters and digits.
    BAD_ID = "mta_sts.bad_id", Error;
    /// A field of the record twice.
    REPEATED_FIELD = "mta_sts.repeated_field", Warning;
    /// The policy's host has no address.
    POLICY_HOST_MISSING = "mta_sts.policy_host_missing", Error;
    /// The policy's host has an address nobody outside can reach.
    POLICY_HOST_PRIVATE = "mta_sts.policy_host_private", Error;
    /// Nobody answers at the policy's host, or not HTTP.
    POLICY_UNREACHABLE = "mta_sts.policy_unreachable", Error;
    /// TLS fails.
    TLS_FAILED = "mta_sts.tls_failed", Error;
    /// The certificate has expired, or is not valid yet.
    CERTIFICATE_EXPIRED = "mta_sts.certificate_expired", Error;
    /// The certificate is for other names.
    CERTIFICATE_NAME = "mta_sts.certificate_name", Error;
    /// The certificate is from an unknown authority, or otherwise not to be trusted.
    CERTIFICATE_UNTRUSTED = "mta_sts.certificate_untrusted", Error;
    /// The certificate ends soon.
    CERTIFICATE_ENDS_SOON = "mta_sts.certificate_ends_soon", Warning;
    /// A redirect, which senders must not follow (RFC 8461 section 3.3).
    POLICY_REDIRECTED = "mta_sts.policy_redirected", Error;
    /// Any other status than 200.
    POLICY_STATUS = "mta_sts.policy_status", Error;
    /// More than 64 KiB.
    POLICY_TOO_LARGE = "mta_sts.policy_too_large", Error;
    /// Not `text/plain`.
    CONTENT_TYPE = "mta_sts.content_type", Warning;
    /// A line of the policy is not `name: value`.
    POLICY_SYNTAX = "mta_sts.policy_syntax", Error;
    /// A field every policy has is not there.
    POLICY_FIELD_MISSING = "mta_sts.policy_field_missing", Error;
    /// A field has a value it cannot have.
    POLICY_VALUE = "mta_sts.policy_value", Error;
    /// A field of the policy twice.
    POLICY_REPEATED_FIELD = "mta_sts.policy_repeated_field", Warning;
    /// A field nobody knows.
    POLICY_UNKNOWN_FIELD = "mta_sts.policy_unknown_field", Info;
    /// Senders deliver in any case.
    MODE_TESTING = "mta_sts.mode_testing", Info;
    /// The policy is given up.
    MODE_NONE = "mta_sts.mode_none", Info;
    /// Remembered for less than a day.
    MAX_AGE_VERY_SHORT = "mta_sts.max_age_very_short", Warning;
    /// Remembered for less than a week.
    MAX_AGE_SHORT = "mta_sts.max_age_short", Info;
    /// A host of the domain that enforcing senders must not deliver to.
    MX_NOT_COVERED = "mta_sts.mx_not_covered", Error;
    /// The same in testing.
    MX_NOT_COVERED_TESTING = "mta_sts.mx_not_covered_testing", Warning;
    /// A pattern that no host of the domain matches.
    MX_UNUSED = "mta_sts.mx_unused", Info;
    /// A policy for a domain that takes no mail.
    POINTLESS = "mta_sts.pointless", Info;
}

/// Judges the texts at `name`. Whether there is exactly one record, so that senders look for a policy.
pub(super) fn record(outcome: &mut Outcome, name: &str, texts: &[String]) -> bool {
    let check = &mut outcome.check;
    let records: Vec<_> = texts.iter().filter_map(|text| Some((text, Record::parse(text)?))).collect();
    let meant = || texts.iter().filter(|text| Record::is_meant(text)).map(String::as_str);
    check.find_texts(NOT_A_RECORD, name, meant(), |_| {
        format!("The text at {name} does not begin with \"v=STSv1;\", so senders pass over it.")
    });
    meant().for_each(|text| check.observe(name, "TXT", text));
    for (text, _) in &records {
        check.observe(name, "TXT", *text);
    }
    let (text, record) = match records.as_slice() {
        [] => return false,
        [(text, record)] => (*text, record),
        several => {
            let detail =
                format!("There are {} records at {name}, so senders use none of them.", several.len());
            let all: Vec<_> = several.iter().map(|(text, _)| text.as_str()).collect();
            check.find(SEVERAL_RECORDS.at(name, Some(&all.join("\n")), detail));
            return false;
        }
    };
    let others = texts.iter().filter(|text| Record::parse(text).is_none() && !Record::is_meant(text)).count();
    if others > 0 {
        let detail = format!("Next to the record at {name} stand {others} texts that do not belong there.");
        check.find(UNRELATED_TEXT.at(name, Some(text), detail));
    }
    for fault in &record.faults {
        let piece = shorten(text.get(fault.at.clone()).unwrap_or_default());
        let (code, detail) = match fault.kind {
            record::Kind::Syntax => (SYNTAX, format!("\"{piece}\" is not a field of the form name=value.")),
            record::Kind::NoId => (NO_ID, "The record has no id.".to_owned()),
            record::Kind::BadId => (BAD_ID, format!("The id \"{piece}\" is not 1 to 32 letters and digits.")),
            record::Kind::Repeated => {
                (REPEATED_FIELD, format!("\"{piece}\" repeats a field; the first counts."))
            }
        };
        check.find(code.at(name, Some(text), detail).with_position(fault.at.clone()));
    }
    if let Some(id) = &record.id {
        check.fact("id", id);
    }
    outcome.id.clone_from(&record.id);
    true
}

/// Judges what came from the policy's host.
pub(super) fn fetched(outcome: &mut Outcome, result: Result<PolicyFile, FetchError>) {
    let url = outcome.url.clone();
    let file = match result {
        Ok(file) => file,
        Err(error) => return failed(outcome, &url, &error),
    };
    let check = &mut outcome.check;
    if let Some((left, whole)) = file.certificate_life
        && left < SOON.min(whole / 6)
    {
        let hours = left.as_secs() / 3_600;
        let detail =
            format!("The certificate of {url} ends in {} days and {} hours.", hours / 24, hours % 24);
        check.find(CERTIFICATE_ENDS_SOON.at(&url, None, detail));
    }
    match file.status {
        200 => {}
        300..400 => {
            let target = file.location.as_deref().unwrap_or("elsewhere");
            let detail = format!("{url} redirects to {target} (status {}).", file.status);
            return check.find(POLICY_REDIRECTED.at(&url, None, detail));
        }
        status => {
            let detail = format!("{url} answers with the status {status} and not with 200.");
            return check.find(POLICY_STATUS.at(&url, None, detail));
        }
    }
    let content_type = file.content_type.as_deref().unwrap_or_default();
    if !is_plain_text(content_type) {
        let sent = if content_type.is_empty() { "without a type" } else { content_type };
        check.find(CONTENT_TYPE.at(
            &url,
            None,
            format!("The policy is sent as {sent} and not as text/plain."),
        ));
    }
    let text = String::from_utf8_lossy(&file.body);
    let reading = Reading::parse(&text);
    for fault in &reading.faults {
        let (code, detail) = fault_detail(fault);
        let line = Some(fault.text.as_str()).filter(|_| fault.line > 0);
        let mut finding = code.at(&url, line, detail);
        if line.is_some() {
            finding = finding.with_position(fault.at.clone());
        }
        check.find(finding);
    }
    if let Some(policy) = &reading.policy {
        check.fact("mode", policy.mode.to_string());
        check.fact("policy", format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&file.body)));
        if text.len() <= OBSERVED {
            check.observe(&url, "HTTPS", text);
        }
        strength(outcome, &url, policy);
    }
    outcome.policy = reading.policy;
}

/// Judges a policy against the hosts that receive the domain's mail.
pub(super) fn against_mx(outcome: &mut Outcome, domain: &str, mx: &mx::Outcome) {
    let Some(policy) = outcome.policy.as_ref().filter(|policy| policy.mode != Mode::None) else { return };
    let (check, url) = (&mut outcome.check, &outcome.url);
    if mx.accepts_mail == Some(false) {
        let detail = format!("{domain} has a policy and takes no mail.");
        return check.find(POINTLESS.at(url, None, detail));
    }
    let hosts: Vec<_> = mx.hosts.iter().map(|host| host.name.as_str()).collect();
    if hosts.is_empty() {
        return;
    }
    for host in hosts.iter().filter(|host| !policy.covers(host)) {
        let (code, effect) = match policy.mode {
            Mode::Enforce => (MX_NOT_COVERED, "so senders must not deliver to it"),
            _ => (MX_NOT_COVERED_TESTING, "so senders will not deliver to it once the mode is enforce"),
        };
        check.find(code.at(url, None, format!("No mx line of the policy covers {host}, {effect}.")));
    }
    let is_unused = |pattern: &&String| !hosts.iter().any(|host| matches(pattern, host));
    let unused: Vec<_> = policy.mx.iter().filter(is_unused).take(SHOWN).map(String::as_str).collect();
    if !unused.is_empty() {
        let detail = format!("No host of {domain} matches the mx lines {}.", unused.join(", "));
        check.find(MX_UNUSED.at(url, None, detail));
    }
}

/// Judges a domain without a record that counts: is something of it there?
pub(super) fn without_record(
    outcome: &mut Outcome,
    domain: &str,
    elsewhere: &[Text],
    file: Option<PolicyFile>,
    mx: &mx::Outcome,
) {
    let name = format!("_mta-sts.{domain}");
    if let Some(text) = elsewhere.iter().map(Text::joined).find(|text| Record::parse(text).is_some()) {
        let detail = format!("The record stands at {domain}, where nobody looks for it, and not at {name}.");
        return outcome.check.find(WRONG_PLACE.at(domain, Some(&text), detail));
    }
    let is_policy = |file: &PolicyFile| {
        file.status == 200 && Reading::parse(&String::from_utf8_lossy(&file.body)).policy.is_some()
    };
    if file.as_ref().is_some_and(is_policy) {
        let detail =
            format!("There is a policy at {}, and no record at {name} that tells senders so.", outcome.url);
        outcome.check.find(POLICY_WITHOUT_RECORD.at(&name, None, detail));
    } else if mx.accepts_mail != Some(false) {
        outcome.check.find(MISSING.at(&name, None, format!("There is no MTA-STS record at {name}.")));
    }
}

fn failed(outcome: &mut Outcome, url: &str, error: &FetchError) {
    let trouble = match error {
        FetchError::Resolve { trouble } => Some(*trouble),
        FetchError::Timeout => Some(Trouble::Timeout),
        FetchError::NoRoute { .. } => Some(Trouble::Network),
        FetchError::NoRoots => Some(Trouble::NoRoots),
        _ => None,
    };
    if let Some(trouble) = trouble {
        outcome.check.unanswered(url, trouble);
        outcome.check.unknown_fact("mode");
        return outcome.check.unknown_fact("policy");
    }
    let code = match error {
        FetchError::NoHost => POLICY_HOST_MISSING,
        FetchError::SpecialAddress { .. } => POLICY_HOST_PRIVATE,
        FetchError::Certificate { fault } => match fault {
            CertificateFault::Expired | CertificateFault::NotYetValid => CERTIFICATE_EXPIRED,
            CertificateFault::WrongName => CERTIFICATE_NAME,
            CertificateFault::UnknownIssuer | CertificateFault::Other(_) => CERTIFICATE_UNTRUSTED,
        },
        FetchError::Tls { .. } => TLS_FAILED,
        FetchError::TooLarge { .. } => POLICY_TOO_LARGE,
        _ => POLICY_UNREACHABLE,
    };
    outcome.check.find(code.at(url, None, format!("The policy cannot be fetched from {url}: {error}.")));
}

fn fault_detail(fault: &policy::Fault) -> (Code, String) {
    let (line, text) = (fault.line, fault.text.as_str());
    match fault.kind {
        policy::Kind::Syntax if text.trim_start().starts_with('<') => {
            (POLICY_SYNTAX, format!("Line {line} is not \"name: value\" but looks like a web page."))
        }
        policy::Kind::Syntax if text.starts_with('\u{feff}') => {
            (POLICY_SYNTAX, format!("Line {line} begins with an invisible byte order mark."))
        }
        policy::Kind::Syntax => (POLICY_SYNTAX, format!("Line {line} is not of the form \"name: value\".")),
        policy::Kind::Missing(field) => {
            (POLICY_FIELD_MISSING, format!("The policy has no line \"{field}:\"."))
        }
        policy::Kind::Value(field) => {
            let value = text.get(fault.at.clone()).unwrap_or_default();
            (POLICY_VALUE, format!("Line {line}: {field} cannot be \"{value}\"."))
        }
        policy::Kind::Repeated => {
            (POLICY_REPEATED_FIELD, format!("Line {line} repeats a field; the first counts."))
        }
        policy::Kind::Unknown => (POLICY_UNKNOWN_FIELD, format!("Line {line}: nobody knows this field.")),
    }
}

fn strength(outcome: &mut Outcome, url: &str, policy: &Policy) {
    let max_age = policy.max_age;
    let mut find = |code: Code, detail: String| outcome.check.find(code.at(url, None, detail));
    match policy.mode {
        Mode::None => find(MODE_NONE, "The mode is none: senders are told to forget the policy.".to_owned()),
        Mode::Testing => {
            find(MODE_TESTING, "The mode is testing: senders only report what fails.".to_owned())
        }
        Mode::Enforce if max_age < DAY => {
            find(MAX_AGE_VERY_SHORT, format!("Senders may remember the policy for {max_age} seconds only."));
        }
        Mode::Enforce if max_age < 7 * DAY => {
            find(MAX_AGE_SHORT, format!("Senders may remember the policy for {max_age} seconds."));
        }
        Mode::Enforce => {}
    }
}

fn is_plain_text(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/plain"))
}

/// Certificates are renewed well before this, or when two thirds of a short life are over.
const SOON: Duration = Duration::from_secs(7 * DAY);
const SHOWN: usize = 8;
/// A longer policy is not kept in full.
const OBSERVED: usize = 4 * 1024;
