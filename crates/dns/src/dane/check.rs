//! What is wrong with a domain's TLSA records, and with what its servers show.

use std::collections::BTreeMap;

use super::{
    CERTIFICATE_EXPIRED, CERTIFICATE_EXPIRES_SOON, CERTIFICATE_NAME, CERTIFICATE_UNTRUSTED, Check,
    DOMAIN_BOGUS, DOMAIN_UNSIGNED, Host, LOOKUP_BOGUS, LOOKUP_FAILS, MISMATCH, MISSING, NO_ROLLOVER,
    NO_USABLE_RECORD, NOT_HASHED, NOT_SIGNED, ONLY_SHA512, Outcome, Proof, RECORD_UNUSABLE, Record,
    SOME_HOSTS, STARTTLS_MISSING, STARTTLS_REQUIRED, Session, TLS_FAILED, TLS_OLD, WHOLE_CERTIFICATE,
};
use crate::{Code, Trouble};

/// Says what is wrong by what DNS says.
pub(super) fn judge(outcome: &mut Outcome) {
    let Outcome { check, mx, hosts, domain } = outcome;
    match mx {
        Proof::Unknown(trouble) => return check.unanswered(domain, *trouble),
        Proof::Bogus => {
            let detail = format!("the list of hosts that receive mail for {domain} does not validate");
            return check.find(DOMAIN_BOGUS.at(domain, None, detail));
        }
        Proof::Secure | Proof::Insecure => {}
    }
    for host in hosts.iter() {
        lookup(check, host);
        if host.is_in_force() {
            records(check, host);
        }
    }
    let protected = |host: &&Host| !host.usable().is_empty();
    // Whether these have usable records is told elsewhere, or could not be told.
    let is_told = |host: &&Host| {
        host.is_in_force()
            || host.proof == Proof::Bogus
            || host.proof.trouble().is_some()
            || host.address_proof == Proof::Bogus
            || host.address_proof.trouble().is_some()
    };
    let bare: Vec<_> = hosts.iter().filter(|host| !is_told(host)).map(|host| host.name.as_str()).collect();
    if hosts.iter().any(|host| protected(&host)) {
        if !bare.is_empty() {
            let detail = format!(
                "{} without signed TLSA records, other hosts of {domain} have some",
                list(&bare, "is", "are")
            );
            check.find(SOME_HOSTS.at(domain, None, detail));
        }
        if *mx == Proof::Insecure {
            let detail =
                format!("the hosts have TLSA records, but {domain}, which names the hosts, is not signed");
            check.find(DOMAIN_UNSIGNED.at(domain, None, detail));
        }
    } else if mx.is_secure()
        && !bare.is_empty()
        && bare.len() == hosts.len()
        && hosts.iter().all(|host| host.address_proof.is_secure() && host.records.is_empty())
    {
        let detail = format!("{} signed and without TLSA records", list(&bare, "is", "are"));
        check.find(MISSING.at(&tlsa(bare.first().copied().unwrap_or(domain)), None, detail));
    }
}

/// Whether it could be told which records a host has.
fn lookup(check: &mut Check, host: &Host) {
    let name = tlsa(&host.base);
    let fact = format!("tlsa:{}", host.name);
    if let Some(trouble) = host.address_proof.trouble() {
        check.unanswered(&host.name, trouble);
        return check.unknown_fact(fact);
    }
    for record in &host.records {
        check.observe(&name, "TLSA", record.to_string());
    }
    match host.proof {
        // Senders do not ask when the addresses are not signed (RFC 7672 section 2.2.2).
        _ if !host.address_proof.is_secure() && host.records.is_empty() => {}
        Proof::Unknown(trouble) => {
            check.unanswered(&name, trouble);
            check.unknown_fact(fact);
            if matches!(trouble, Trouble::ServerFailure | Trouble::Refused) {
                let detail = format!(
                    "{name}: {trouble}, while it answers for the addresses of {}; senders with DANE keep such mail back",
                    host.name
                );
                check.find(LOOKUP_FAILS.at(&name, None, detail));
            }
        }
        Proof::Bogus => {
            check.unknown_fact(fact);
            let detail = match host.records.is_empty() {
                true => format!("that there are no TLSA records at {name} has no valid proof"),
                false => format!("the TLSA records at {name} do not validate"),
            };
            check.find(LOOKUP_BOGUS.at(&name, None, detail));
        }
        Proof::Secure | Proof::Insecure if host.records.is_empty() => {}
        Proof::Secure | Proof::Insecure => {
            let texts: Vec<_> = host.records.iter().map(Record::to_string).collect();
            check.fact(fact, texts.join(", "));
            if !host.is_in_force() {
                let detail =
                    format!("{name} has TLSA records, but the answers for {} are not signed", host.name);
                check.find(NOT_SIGNED.at(&name, texts.first().map(String::as_str), detail));
            }
        }
    }
}

/// Whether senders can use a host's records, and how well they are made.
fn records(check: &mut Check, host: &Host) {
    let name = tlsa(&host.base);
    let usable = host.usable();
    for record in &host.records {
        if let Some(fault) = record.fault() {
            check.find(RECORD_UNUSABLE.at(&name, Some(&record.to_string()), format!("{name}: {fault}")));
        }
    }
    if usable.is_empty() {
        let detail = format!(
            "none of the {} TLSA records of {} can be used: senders insist on TLS, but cannot tell with whom",
            host.records.len(),
            host.name
        );
        return check.find(NO_USABLE_RECORD.at(&name, None, detail));
    }
    let mut advise = |code: Code, record: Option<&Record>, detail: String| {
        check.find(code.at(&name, record.map(Record::to_string).as_deref(), detail));
    };
    if let Some(record) = usable.iter().find(|record| record.usage == 3 && record.selector == 0) {
        let detail = format!("{name} names the whole certificate, which changes with every renewal");
        advise(WHOLE_CERTIFICATE, Some(record), detail);
    }
    if let Some(record) = usable.iter().find(|record| record.matching == 0) {
        let detail = format!("{name} holds {} bytes in place of a hash", record.data.len());
        advise(NOT_HASHED, Some(record), detail);
    }
    if usable.iter().all(|record| record.matching == 2) {
        advise(ONLY_SHA512, usable.first().copied(), format!("{name} has SHA-512 alone"));
    }
    if let [record] = usable.as_slice()
        && record.usage == 3
    {
        advise(NO_ROLLOVER, Some(record), format!("{name} has one record only"));
    }
}

/// Says what is wrong with what a host's servers showed.
pub(super) fn judge_served(check: &mut Check, host: &Host, now: u64) {
    // The same at several addresses is said once.
    let mut said: BTreeMap<(&str, String), (Code, Vec<String>)> = BTreeMap::new();
    let mut say = |code: Code, address: String, detail: String| {
        said.entry((code.name, detail)).or_insert((code, Vec::new())).1.push(address);
    };
    let required = host.is_in_force();
    for served in &host.served {
        let address = served.address.to_string();
        let no_tls = if required { STARTTLS_REQUIRED } else { STARTTLS_MISSING };
        match &served.session {
            Session::Unreachable { trouble } => {
                check.unanswered(&format!("{} [{address}]", host.name), *trouble);
            }
            Session::Refused { .. } => {
                check.unanswered(&format!("{} [{address}]", host.name), Trouble::Refused);
            }
            Session::NoStarttls => say(no_tls, address, "does not offer STARTTLS".to_owned()),
            Session::StarttlsRefused { reply } => {
                say(no_tls, address, format!("offers STARTTLS and then answers \"{reply}\""));
            }
            Session::HandshakeFailed { reason, old: true } => {
                say(TLS_OLD, address, format!("has neither TLS 1.2 nor 1.3: {reason}"));
            }
            Session::HandshakeFailed { reason, old: false } => {
                say(TLS_FAILED, address, format!("does not get to TLS: {reason}"));
            }
            Session::Tls { .. } => {}
        }
        let Some(certificate) = &served.certificate else { continue };
        let address = || served.address.to_string();
        if certificate.matches == Some(false) {
            say(MISMATCH, address(), "has a certificate that none of the TLSA records allows".to_owned());
        }
        let left = certificate.expires.unwrap_or_default().checked_sub(now);
        match (certificate.in_time, left) {
            (false, None) => say(CERTIFICATE_EXPIRED, address(), "has a certificate that is over".to_owned()),
            (false, Some(_)) => {
                say(CERTIFICATE_EXPIRED, address(), "has a certificate that is not valid yet".to_owned());
            }
            // Certificates of a few days are renewed by a machine, later than others.
            (true, Some(left)) if left < SOON.min(certificate.lifetime / 5) => {
                let detail = format!("has a certificate that is over in {} hours", left / 3_600);
                say(CERTIFICATE_EXPIRES_SOON, address(), detail);
            }
            _ => {}
        }
        if !certificate.has_name {
            let detail = format!("has a certificate that is not for {}", host.name);
            say(CERTIFICATE_NAME, address(), detail);
        }
        // With a wrong name or time it is not trusted either, which is said already.
        if certificate.trusted == Some(false) && certificate.in_time && certificate.has_name {
            let detail = "has a certificate that no public authority vouches for".to_owned();
            say(CERTIFICATE_UNTRUSTED, address(), detail);
        }
    }
    for ((_, detail), (code, addresses)) in said {
        let detail = format!("{} ({}) {detail}", host.name, addresses.join(", "));
        check.find(code.at(&host.name, None, detail));
    }
}

fn tlsa(base: &str) -> String {
    format!("_25._tcp.{base}")
}

fn list(names: &[&str], one: &str, many: &str) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { one } else { many })
}

const SOON: u64 = 7 * 86_400;
