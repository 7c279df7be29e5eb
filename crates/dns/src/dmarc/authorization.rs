//! Whether another domain agreed to get a domain's reports (RFC 9990 section 4).

use std::collections::BTreeSet;

use super::record::{Record, VERSION};
use crate::{Resolver, Trouble};
use ruad_common::domain_name::is_within;

/// What a host said about the reports of a domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Consent {
    /// It takes them, at other addresses of its own when it names some.
    Given(Vec<Record>),
    /// It did not say that it takes them.
    Missing,
    /// Nobody could tell.
    Unknown(Trouble),
}

/// The records that a host publishes for a domain.
pub(super) async fn consent(resolver: &Resolver, domain: &str, host: &str) -> Consent {
    let Some(name) = name(domain, host) else { return Consent::Missing };
    let answer = resolver.txt(&name).await;
    if let Some(trouble) = answer.trouble() {
        return Consent::Unknown(trouble);
    }
    let texts = VERSION.sort(answer.records());
    let records: Vec<_> = texts.records.iter().filter_map(|text| Record::parse(text)).collect();
    if records.is_empty() { Consent::Missing } else { Consent::Given(records) }
}

/// The name at which `host` says that it takes the reports of `domain`; `None` when it would be too long, and so
/// cannot be.
pub fn name(domain: &str, host: &str) -> Option<String> {
    let name = format!("{domain}._report._dmarc.{host}");
    (name.len() <= LONGEST_NAME).then_some(name)
}

/// The lines of a zone file with which `hosts`, which take mail here, say that they take the reports of `domains`;
/// all of them normalized. Whose organization a domain belongs to is not asked but guessed from the names: a host needs
/// no record for a domain that it is part of, or that is part of it.
pub fn zone_lines(domains: &BTreeSet<String>, hosts: &BTreeSet<String>, wildcard: bool) -> Vec<String> {
    if wildcard {
        return hosts.iter().map(|host| line(&format!("*._report._dmarc.{host}"))).collect();
    }
    let is_external = |domain: &str, host: &str| !is_within(domain, host) && !is_within(host, domain);
    let mut lines = Vec::new();
    for host in hosts {
        for domain in domains.iter().filter(|domain| is_external(domain, host)) {
            lines.push(match name(domain, host) {
                Some(name) => line(&name),
                None => format!("; {domain} cannot send its reports to {host}: the name would be too long"),
            });
        }
    }
    lines
}

/// Some validators insist on the final semicolon.
fn line(name: &str) -> String {
    format!("{name}. IN TXT \"v=DMARC1;\"")
}

// RFC 1035 section 2.3.4, without the root's dot.
const LONGEST_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_line_for_every_domain_of_somebody_else() {
        let domains = set(&["acme.example", "reports.example", "eu.reports.example", "b.example"]);
        let hosts = set(&["reports.example", "rua.b.example"]);
        assert_eq!(
            zone_lines(&domains, &hosts, false),
            [
                "acme.example._report._dmarc.reports.example. IN TXT \"v=DMARC1;\"",
                "b.example._report._dmarc.reports.example. IN TXT \"v=DMARC1;\"",
                "acme.example._report._dmarc.rua.b.example. IN TXT \"v=DMARC1;\"",
                "eu.reports.example._report._dmarc.rua.b.example. IN TXT \"v=DMARC1;\"",
                "reports.example._report._dmarc.rua.b.example. IN TXT \"v=DMARC1;\"",
            ]
        );
        assert_eq!(
            zone_lines(&domains, &hosts, true),
            [
                "*._report._dmarc.reports.example. IN TXT \"v=DMARC1;\"",
                "*._report._dmarc.rua.b.example. IN TXT \"v=DMARC1;\"",
            ]
        );
        let long = format!("{}example", "a".repeat(50) + "." + &"b.".repeat(90));
        let lines = zone_lines(&set(&[&long]), &set(&["reports.example"]), false);
        assert!(matches!(lines.as_slice(), [line] if line.starts_with("; ")), "{lines:?}");
    }
}
