//! Block lists. `_senders` in a zone holds the addresses that send as the domain.

use std::net::IpAddr;

use ruad_dns::{
    Resolver, Trouble,
    dnsbl::{self, Lists, Proven},
    mx,
};

use crate::{cases, server::Dns};

#[tokio::test]
async fn cases() {
    cases::run("dnsbl", async |resolver, domain| examine(&resolver, domain, &proven()).await.check).await;
}

#[tokio::test]
async fn nothing_is_asked_without_a_list() {
    let dns = Dns::serve("_senders IN TXT \"192.0.2.25\"\n").await;
    let lists = Proven::new(&Lists::default());
    let outcome = examine(&dns.resolver(), "domain.example", &lists).await;
    assert!(outcome.check.findings.is_empty() && outcome.check.unknown.is_empty());
    assert!(!dns.questions().iter().any(|question| question.contains("192")), "{:?}", dns.questions());
}

#[tokio::test]
async fn test_points_are_asked_once_and_first() {
    let dns = Dns::serve(
        "_senders IN TXT \"192.0.2.25\"\n2.0.0.127.bl.example. IN A 127.0.0.2\ntest.dbl.example. IN A 127.0.1.2\n\
         *.other.example. IN MX 0 .\n",
    )
    .await;
    let (resolver, lists) = (dns.resolver(), proven());
    for domain in ["domain.example", "a.other.example", "b.other.example"] {
        let senders = ["192.0.2.25".parse().unwrap()];
        let mx = mx::examine(&resolver, domain).await;
        dnsbl::examine(&resolver, domain, &senders, &mx, &lists).await;
    }
    let questions: Vec<_> =
        dns.questions().into_iter().filter(|question| question.contains(".bl.example")).collect();
    assert_eq!(questions[..2], ["1.0.0.127.bl.example A", "2.0.0.127.bl.example A"]);
    assert_eq!(questions[2..], ["25.2.0.192.bl.example A"; 3]);
}

#[tokio::test]
async fn a_listing_says_what_the_list_says() {
    let dns = Dns::serve(
        "_senders IN TXT \"192.0.2.25\" \"10.0.0.1\" \"127.0.0.1\"\n2.0.0.127.bl.example. IN A 127.0.0.2\ntest.dbl.example. IN A 127.0.1.2\n\
         25.2.0.192.bl.example. IN A 127.0.0.11\n25.2.0.192.bl.example. IN A 127.0.0.4\n\
         25.2.0.192.bl.example. IN TXT \"seen by \" \"a trap\"\n",
    )
    .await;
    let outcome = examine(&dns.resolver(), "domain.example", &proven()).await;
    let [listing] = outcome.listings.as_slice() else { panic!("{outcome:?}") };
    assert_eq!((listing.list.as_str(), listing.subject.as_str()), ("bl", "192.0.2.25"));
    assert_eq!(listing.codes, "127.0.0.4, 127.0.0.11");
    assert_eq!(listing.reason.as_deref(), Some("seen by a trap"));
    assert_eq!(outcome.check.facts["listed:bl:192.0.2.25"].as_deref(), Some("127.0.0.4, 127.0.0.11"));
    // Addresses of the inside are not told to strangers.
    assert!(!dns.questions().iter().any(|question| question.starts_with("1.0.0.10.")));
}

#[tokio::test]
async fn a_list_that_cannot_be_believed_keeps_what_was_known() {
    let dns = Dns::serve("_senders IN TXT \"192.0.2.25\"\n*.bl.example. IN A 127.255.255.254\n").await;
    let check = examine(&dns.resolver(), "domain.example", &proven()).await.check;
    let unknown: Vec<_> =
        check.unknown.iter().map(|unknown| (unknown.name.as_str(), unknown.trouble)).collect();
    assert_eq!(unknown, [("bl", Trouble::Refused), ("dbl.example", Trouble::Untrusted)]);
    let facts: Vec<_> = check.facts.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    assert_eq!(facts, [("listed:bl:192.0.2.25", None), ("listed:dbl.example:domain.example", None)]);
    assert!(!dns.questions().iter().any(|question| question.starts_with("25.2.0.192.bl")));
}

fn proven() -> Proven {
    Proven::new(&Lists {
        addresses: vec!["bl=bl.example".to_owned()],
        domains: vec!["dbl.example".to_owned()],
    })
}

async fn examine(resolver: &Resolver, domain: &str, lists: &Proven) -> dnsbl::Outcome {
    let senders = senders(resolver, domain).await;
    let mx = mx::examine(resolver, domain).await;
    dnsbl::examine(resolver, domain, &senders, &mx, lists).await
}

pub(crate) async fn senders(resolver: &Resolver, domain: &str) -> Vec<IpAddr> {
    let answer = resolver.txt(&format!("_senders.{domain}")).await;
    let strings = answer.records().iter().flat_map(|text| &text.strings);
    strings.map(|string| std::str::from_utf8(string).unwrap().parse().unwrap()).collect()
}
