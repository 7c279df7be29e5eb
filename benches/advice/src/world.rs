//! Ten thousand domains: what DNS says about each, made by hand.

use std::fmt::Write as _;

use ruad::health::posture::{Entry, Key, Posture};
use ruad_dns::profile::Score;
use ruad_dns::{
    dkim::Kind,
    dmarc::{Policies, Policy, Record},
    spf::{Network, Qualifier},
};

use crate::reports::{NOW, own_address, service_address};

/// A registry with all of them, a hundred to a group.
pub(crate) fn registry(domains: u32) -> String {
    let mut text = String::new();
    for group in 0..domains.div_ceil(100) {
        let names = (group * 100..domains.min(group * 100 + 100)).map(name).collect::<Vec<_>>();
        // Writing to a string does not fail.
        writeln!(text, "[[group]]\nname = \"g{group}\"\ndomains = {names:?}").unwrap_or_default();
    }
    text
}

/// The name of a domain.
pub(crate) fn name(number: u32) -> String {
    format!("d{number}.example")
}

/// A domain with a policy, an SPF record of three terms, two keys and the usual findings.
pub(crate) fn posture(number: u32) -> Posture {
    let domain = name(number);
    let policy = [Policy::None, Policy::None, Policy::Quarantine, Policy::Reject][number as usize % 4];
    let record = format!("v=DMARC1; p={policy}; rua=mailto:rua@reports.example");
    let entry = |term: String, domain: Option<String>, networks: Vec<Network>| Entry {
        term,
        domain,
        networks,
        is_complete: true,
        lookups: 1,
    };
    let service = |index: u32| {
        let included = format!("_spf.service{index}.example");
        let networks = (0..20_u8).map(|third| {
            let [a, b, ..] = service_address(index, 0).octets();
            Network::new([a, b, third, 0].into(), 24)
        });
        entry(format!("include:{included}"), Some(included), networks.collect())
    };
    let own = own_address(number);
    let key = |selector: &str| Key {
        selector: selector.to_owned(),
        fingerprint: Some(format!("{number:032x}")),
        kind: Kind::Rsa,
        bits: 2_048,
        alias: None,
        age_days: Some(100),
        text: format!("v=DKIM1; k=rsa; p={}", "A".repeat(392)),
    };
    Posture {
        score: Some(Score::BEST),
        dmarc: Record::parse(&record).map(|record| (domain.clone(), record)),
        policies: Some(Policies { domain: policy, subdomains: policy, nonexistent: policy }),
        reports_to_us: Some(true),
        spf: Some(format!(
            "v=spf1 ip4:{own} include:_spf.service0.example include:_spf.service1.example ~all"
        )),
        spf_all: Some(Qualifier::SoftFail),
        entries: vec![
            entry(format!("ip4:{own}"), None, vec![Network::new(own.into(), 32)]),
            service(0),
            service(1),
        ],
        keys: vec![key("s1"), key("s2")],
        receives: Some(true),
        mail_hosts: vec![format!("mx1.{domain}"), format!("mx2.{domain}")],
        has_tls_rpt: true,
        ..Posture::empty(&domain, NOW)
    }
}
