//! What checkdmarc reports about the same zones: `benches/peers/checkdmarc.sh` runs this and prints the table.

use std::{collections::BTreeMap, env, process::Command};

use ruad::health::{Examiner, Subject};
use ruad_dns::Mechanism;
use serde::Deserialize;

use crate::{cases, server::Dns};

/// One line of `benches/peers/complaints.py`.
#[derive(Deserialize)]
struct Complaints {
    port: u16,
    /// By section: `error` or `warning`, and its words.
    sections: BTreeMap<String, Vec<(String, String)>>,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs checkdmarc; see benches/peers/checkdmarc.sh"]
async fn every_fault_that_checkdmarc_reports_is_reported() {
    let python = env::var("CHECKDMARC_PYTHON").unwrap();
    let mut zones = Vec::new();
    for (name, zone) in cases::files() {
        // What never answers is a matter of waiting, not of faults.
        if !zone.contains("; silent:") && !zone.contains("; servfail:") {
            zones.push((name, Dns::serve(&zone).await));
        }
    }
    let ports = zones.iter().map(|(_, dns)| dns.address().port().to_string());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/complaints.py");
    let mut command = Command::new(python);
    command.arg(script).args(ports);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let (mut theirs, mut missed) = (0, Vec::new());
    let mut beyond: BTreeMap<&str, usize> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let said: Complaints = serde_json::from_str(line).unwrap();
        let (name, dns) = zones.iter().find(|(_, dns)| dns.address().port() == said.port).unwrap();
        let subject = Subject { domain: "domain.example".to_owned(), ..Subject::default() };
        let snapshot = Examiner::new(dns.resolver(), dns.validator()).examine(&subject, 1).await;
        let found = |mechanism: &str| {
            let mut checks = snapshot.checks().into_iter();
            checks.any(|check| check.mechanism.name() == mechanism && !check.findings.is_empty())
        };
        for mechanism in Mechanism::ALL.map(Mechanism::name) {
            let complaints = said.sections.get(mechanism).map_or(&[][..], Vec::as_slice);
            theirs += complaints.len();
            // They tell of reverse names, and of a domain that does not exist, elsewhere than we do.
            let is_found =
                found(mechanism) || mechanism == "mx" && found("reverse") || mechanism == "ns" && found("mx");
            if !is_found {
                missed.extend(
                    complaints.iter().map(|(kind, words)| format!("{name}: {mechanism} {kind}: {words}")),
                );
            } else if complaints.is_empty() {
                *beyond.entry(mechanism).or_default() += 1;
            }
        }
    }
    println!("{} zones: {theirs} faults reported by checkdmarc", zones.len());
    println!("zones with findings of ours where it reports nothing: {beyond:?}");
    missed.retain(|complaint| !EXPLAINED.iter().any(|(words, _)| complaint.contains(words)));
    assert!(missed.is_empty(), "checkdmarc reports, ruad does not:\n{}", missed.join("\n"));
}

/// What checkdmarc reports and we do not, and why.
const EXPLAINED: &[(&str, &str)] = &[
    ("bimi error: A BIMI record does not exist", "a logo is a choice"),
    ("bimi error: The domain does not exist", "said once, of the domain"),
    ("bimi error: Failed to download", "nothing is fetched for BIMI"),
    (
        "bimi warning: Most email providers",
        "the record names a certificate; whether it is valid is not looked at",
    ),
    ("tls_rpt error: An SMTP TLS Reporting record does not exist", "these domains receive no mail"),
    ("tls_rpt error: The domain does not exist", "said once, of the domain"),
    ("mta_sts error: An MTA-STS DNS record does not exist", "these domains receive no mail"),
    (
        "mta_sts error: Found an SPF record",
        "these domains receive no mail; a wildcard answers for every name",
    ),
    ("mta_sts error: The domain does not exist", "said once, of the domain"),
    ("mta_sts error: HTTPSConnectionPool", "there is no web server here; tests/dns/https.rs has them"),
    ("mta_sts warning: Unknown MTA-STS tag", "an extension that RFC 8461 section 3.1 allows"),
    ("mx warning: domain.example has a null MX record", "as it is meant"),
    ("spf error: domain.example: Expected version_tag", "`V=SPF1` is the same (RFC 5234 section 2.3)"),
    ("ns error: The domain domain.example does not exist", "said once, of the domain"),
];
