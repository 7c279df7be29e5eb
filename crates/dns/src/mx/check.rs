//! What can be wrong with the hosts that receive mail.

use std::collections::BTreeSet;

use super::{HOSTS, Host, host::Kind};
use crate::{Check, Finding, Mx, finding::codes, special};

codes! {
    /// The domain does not exist.
    DOMAIN_MISSING = "mx.domain_missing", Error;
    /// The domain itself is an alias (RFC 1034 section 3.6.2, RFC 1912 section 2.4).
    DOMAIN_ALIAS = "mx.domain_alias", Warning;
    /// Neither an MX nor an address.
    NONE = "mx.none", Info;
    /// No MX, but an address.
    IMPLICIT = "mx.implicit", Info;
    /// A null MX among others (RFC 7505 section 3).
    NULL_WITH_OTHERS = "mx.null_with_others", Error;
    /// A null MX whose preference is not 0 (RFC 7505 section 3).
    NULL_PREFERENCE = "mx.null_preference", Info;
    /// An address in the place of a name.
    ADDRESS = "mx.address", Error;
    /// A host name with characters no host name has.
    BAD_HOST_NAME = "mx.bad_host_name", Warning;
    /// A host that does not exist.
    HOST_MISSING = "mx.host_missing", Error;
    /// A host that exists and has no address.
    HOST_WITHOUT_ADDRESS = "mx.host_without_address", Warning;
    /// No host has an address.
    NO_WORKING_HOST = "mx.no_working_host", Error;
    /// A host whose name is an alias (RFC 2181 section 10.3, RFC 5321 section 5.1).
    ALIAS = "mx.alias", Warning;
    /// An address nobody outside can reach.
    PRIVATE_ADDRESS = "mx.private_address", Error;
    /// No host has an IPv6 address.
    NO_IPV6 = "mx.no_ipv6", Info;
    /// A host with more than one preference.
    REPEATED_HOST = "mx.repeated_host", Info;
    /// More hosts than anybody tries.
    TOO_MANY_HOSTS = "mx.too_many_hosts", Warning;
    /// A host that once proved to Microsoft whose the domain is.
    VERIFICATION = "mx.verification", Info;
}

/// `10 mx.example`; a null MX is `0 .`.
pub(super) fn text(mx: &Mx) -> String {
    let exchange = if mx.exchange.is_empty() { "." } else { &mx.exchange };
    format!("{} {exchange}", mx.preference)
}

pub(super) fn joined(records: &[Mx]) -> String {
    records.iter().map(text).collect::<Vec<_>>().join(", ")
}

pub(super) fn domain_missing(domain: &str) -> Finding {
    DOMAIN_MISSING.at(domain, None, format!("The domain {domain} does not exist in DNS."))
}

pub(super) fn domain_alias(domain: &str, target: &str) -> Finding {
    DOMAIN_ALIAS.at(domain, None, format!("{domain} itself is an alias (CNAME) of {target}."))
}

pub(super) fn none(domain: &str) -> Finding {
    NONE.at(
        domain,
        None,
        format!("{domain} has neither an MX record nor an address, so mail to it is returned."),
    )
}

pub(super) fn implicit(domain: &str, host: &Host) -> Finding {
    let addresses = list(host.addresses().map(|address| address.to_string()));
    let detail =
        format!("{domain} has no MX record, so mail to it is offered to its own address {addresses}.");
    IMPLICIT.at(domain, None, detail)
}

/// What the records show by themselves, sorted as they are.
pub(super) fn records(check: &mut Check, domain: &str, records: &[Mx]) {
    let all = joined(records);
    for mx in records.iter().filter(|mx| mx.exchange.is_empty()) {
        if records.len() > 1 {
            let detail =
                format!("{domain} says that it takes no mail (\".\"), and names {} more.", records.len() - 1);
            check.find(NULL_WITH_OTHERS.at(domain, Some(&all), detail));
            break;
        }
        if mx.preference != 0 {
            let detail =
                format!("The null MX of {domain} has the preference {}, which should be 0.", mx.preference);
            check.find(NULL_PREFERENCE.at(domain, Some(&all), detail));
        }
    }
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for mx in records.iter().filter(|mx| !mx.exchange.is_empty()) {
        if !seen.insert(&mx.exchange) && repeated.insert(&mx.exchange) {
            let detail = format!("{} is named by more than one MX record of {domain}.", mx.exchange);
            check.find(REPEATED_HOST.at(domain, Some(&all), detail));
        }
    }
    if seen.len() > HOSTS {
        let detail = format!("{domain} names {} hosts; only the first {HOSTS} were looked at.", seen.len());
        check.find(TOO_MANY_HOSTS.at(domain, None, detail));
    }
}

/// What the hosts show.
pub(super) fn hosts(check: &mut Check, domain: &str, hosts: &[Host]) {
    for host in hosts {
        if let Some((name, trouble)) = host.unanswered() {
            check.unanswered(name, trouble);
        }
        if let Some(finding) = one(domain, host) {
            check.find(finding);
        }
        if let Some(target) = &host.alias {
            let detail = format!("{} is an alias (CNAME) of {target}.", host.name);
            check.find(ALIAS.at(domain, Some(&record(host)), detail));
        }
    }
    if !hosts.is_empty() && hosts.iter().all(|host| !host.has_address() && host.is_settled()) {
        let names = list(hosts.iter().map(|host| host.name.clone()));
        let detail = format!("None of the hosts of {domain} has an address: {names}.");
        check.find(NO_WORKING_HOST.at(domain, None, detail));
    }
    addresses(check, hosts);
    let is_known = hosts.iter().all(Host::is_settled);
    if is_known && hosts.iter().any(Host::has_address) && hosts.iter().all(|host| host.ipv6.is_empty()) {
        let detail = format!("No host that receives mail for {domain} has an IPv6 address.");
        check.find(NO_IPV6.at(domain, None, detail));
    }
}

/// What the addresses of the hosts show one by one.
pub(super) fn addresses(check: &mut Check, hosts: &[Host]) {
    for host in hosts {
        for (address, kind) in host.addresses().filter_map(|address| Some((address, special(address)?))) {
            let detail =
                format!("{} has the {kind} address {address}, which nobody outside can reach.", host.name);
            check.find(PRIVATE_ADDRESS.at(&host.name, Some(&address.to_string()), detail));
        }
    }
}

fn one(domain: &str, host: &Host) -> Option<Finding> {
    let name = &host.name;
    let (code, detail) = match host.kind {
        Kind::Address => {
            (ADDRESS, format!("The MX record names the address {name} in the place of a host name."))
        }
        Kind::Missing => (HOST_MISSING, format!("{name} does not exist.{}", hint(domain, name))),
        Kind::NoHostName => (
            BAD_HOST_NAME,
            format!(
                "{name} is not the name of a host: it may be made of letters, digits, hyphens and dots only."
            ),
        ),
        Kind::Verification => {
            (VERIFICATION, format!("{name} only proved to Microsoft that {domain} is yours."))
        }
        Kind::Name if !host.has_address() && host.is_settled() => {
            (HOST_WITHOUT_ADDRESS, format!("{name} exists and has neither an IPv4 nor an IPv6 address."))
        }
        Kind::Name => return None,
    };
    Some(code.at(domain, Some(&record(host)), detail))
}

/// The usual slip of zone files: a name without its last dot gets the zone's name behind it.
fn hint(domain: &str, name: &str) -> String {
    match name.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')) {
        Some(meant) if meant.contains('.') => {
            format!(" The last dot seems to be missing in the zone file: \"{meant}.\" was meant.")
        }
        _ => String::new(),
    }
}

fn record(host: &Host) -> String {
    format!("{} {}", host.preference, host.name)
}

/// The first few, separated by commas.
fn list(mut items: impl Iterator<Item = String>) -> String {
    let shown: Vec<_> = items.by_ref().take(SHOWN).collect();
    match items.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

const SHOWN: usize = 8;
