//! Domains with every fault there is, on a real name server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

mod bimi;
mod caa;
mod cases;
mod dane;
mod dkim;
mod dmarc;
mod dnsbl;
mod dnssec;
mod https;
mod mta_sts;
mod mx;
mod ns;
mod peers;
#[path = "../support/ports.rs"]
mod ports;
mod posture;
mod reverse;
mod rpki;
#[allow(dead_code, reason = "shared by several tests, each of which needs a part of it")]
#[path = "../support/dns.rs"]
mod server;
mod signed;
mod spf;
mod spf_oracle;
mod spf_suite;
mod starttls;
mod tls_rpt;
#[path = "../support/tree.rs"]
mod tree;
mod validator;

use ruad_dns::Trouble;
use server::Dns;

#[tokio::test]
async fn the_server_answers_as_its_zone_says() {
    let zone = "@ IN TXT \"a\" \"b\"\nlong IN TXT \"%\"\nalias IN CNAME domain.example.\na.b IN A 192.0.2.1\n*.wild IN TXT \"w\"\n\
        ; servfail: broken.domain.example\n; silent: mute.domain.example\n";
    let long = "x".repeat(250) + "\" \"" + &"y".repeat(250) + "\" \"" + &"z".repeat(250);
    let dns = Dns::serve(&zone.replace('%', &long)).await;
    let resolver = dns.resolver();
    let text = resolver.txt("domain.example").await;
    assert_eq!(text.records().iter().map(|text| text.joined()).collect::<Vec<_>>(), ["ab"]);
    assert_eq!(resolver.txt("long.domain.example").await.records()[0].joined().len(), 750);
    let alias = resolver.txt("alias.domain.example").await;
    let ruad_dns::Answer::Found(alias) = alias else { panic!("{alias:?}") };
    assert_eq!(alias.alias.as_deref(), Some("domain.example"));
    assert_eq!(resolver.txt("x.wild.domain.example").await.records().len(), 1);
    assert_eq!(resolver.mx("domain.example").await, ruad_dns::Answer::NoData);
    assert_eq!(resolver.txt("b.domain.example").await, ruad_dns::Answer::NoData);
    assert_eq!(resolver.txt("none.domain.example").await, ruad_dns::Answer::NoName);
    assert_eq!(resolver.txt("x.broken.domain.example").await.trouble(), Some(Trouble::ServerFailure));
    assert_eq!(resolver.txt("mute.domain.example").await.trouble(), Some(Trouble::Timeout));
}

/// RFC 6891 section 7: one that does not know EDNS is asked again without, and signs nothing then.
#[tokio::test]
async fn a_resolver_without_edns_is_asked_without() {
    for code in ["formerr", "notimp"] {
        let dns = Dns::serve(&format!("@ IN TXT \"a\"\n; edns: {code}\n")).await;
        assert_eq!(dns.resolver().txt("domain.example").await.records().len(), 1, "{code}");
        let none = dns.resolver().txt("none.domain.example").await;
        assert_eq!(none, ruad_dns::Answer::NoName);
        let (_, proof) = dns.validator().mx("domain.example").await;
        assert_eq!(proof.trouble(), Some(Trouble::Unvalidated), "{code}");
    }
}
