//! What can be wrong with CAA records.

use super::{Property, Record, Set};
use crate::{Check, Code, finding::codes, versioned::shorten};

codes! {
    /// Names without CAA records, at themselves or above.
    MISSING = "caa.missing", Info;
    /// Records, but none that limits who may issue certificates for servers.
    NO_ISSUE = "caa.no_issue", Info;
    /// No record limits who may issue certificates for mail (RFC 9495).
    MAIL_UNRESTRICTED = "caa.mail_unrestricted", Info;
    /// Nobody may issue a certificate for a host that receives mail.
    FORBIDDEN = "caa.forbidden", Info;
    /// A value that cannot be read, which forbids all to issue.
    SYNTAX = "caa.syntax", Warning;
    /// A critical property that is not known: nobody may issue.
    UNKNOWN_CRITICAL = "caa.unknown_critical", Error;
    /// A property that is not known.
    UNKNOWN_TAG = "caa.unknown_tag", Info;
    /// Flags that have no meaning.
    RESERVED_FLAGS = "caa.reserved_flags", Info;
    /// A contact that is none.
    BAD_CONTACT = "caa.bad_contact", Info;
}

/// Says which names have no records.
pub(super) fn missing(check: &mut Check, bare: &[String]) {
    if let Some(name) = bare.first() {
        let detail = format!("No CAA record limits who may issue certificates for {}.", bare.join(", "));
        check.find(MISSING.at(name, None, detail));
    }
}

/// Says what is wrong with a set.
pub(super) fn judge(check: &mut Check, domain: &str, set: &Set) {
    let name = &set.name;
    for record in &set.records {
        if let Some((code, detail)) = fault(name, record) {
            check.find(code.at(name, Some(&record.to_string()), detail));
        }
    }
    let of = |tag: &str| set.records.iter().filter(|record| record.tag == tag).collect::<Vec<_>>();
    let (issue, whom) = (of("issue"), set.names.join(", "));
    if issue.is_empty() {
        let wildcards = match of("issuewild").is_empty() {
            true => "",
            false => " `issuewild` limits certificates for wildcards (`*.`) alone.",
        };
        let detail = format!(
            "The CAA records of {name} have no `issue`, so any authority may issue for {whom}.{wildcards}"
        );
        check.find(NO_ISSUE.at(name, None, detail));
    }
    let hosts: Vec<_> = set.names.iter().filter(|host| *host != domain).map(String::as_str).collect();
    let is_forbidden = |record: &&&Record| record.property() == Property::Issuer(None);
    if !hosts.is_empty() && !issue.is_empty() && issue.iter().filter(is_forbidden).count() == issue.len() {
        let detail =
            format!("`issue` at {name} names no authority, so none may issue for {}.", hosts.join(", "));
        check.find(FORBIDDEN.at(name, None, detail));
    }
    if set.names.iter().any(|name| name == domain) && of("issuemail").is_empty() {
        let detail = format!(
            "The CAA records of {name} have no `issuemail`, so any authority may issue S/MIME certificates for addresses at {domain}."
        );
        check.find(MAIL_UNRESTRICTED.at(name, None, detail));
    }
}

fn fault(name: &str, record: &Record) -> Option<(Code, String)> {
    let Record { tag, value, critical, reserved } = record;
    let (tag, value) = (shorten(tag), shorten(value));
    match record.property() {
        Property::BadIssuer => {
            let detail = format!("`{tag} \"{value}\"` at {name} cannot be read, and so allows no authority.");
            Some((SYNTAX, detail))
        }
        Property::Unknown if *critical => {
            let detail = format!("`{tag}` at {name} is critical and not known, so no authority may issue.");
            Some((UNKNOWN_CRITICAL, detail))
        }
        Property::Unknown => Some((UNKNOWN_TAG, format!("No authority knows `{tag}` at {name}."))),
        Property::BadContact => {
            Some((BAD_CONTACT, format!("`{tag} \"{value}\"` at {name} names nobody who could be told.")))
        }
        Property::Issuer(_) | Property::Contact if *reserved != 0 => {
            let detail =
                format!("`{tag}` at {name} has the flag {reserved}; only 128 (critical) has a meaning.");
            Some((RESERVED_FLAGS, detail))
        }
        Property::Issuer(_) | Property::Contact => None,
    }
}
