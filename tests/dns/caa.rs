//! Who may issue certificates.

use ruad_dns::{caa, mx};

use crate::{cases, server::Dns};

#[tokio::test]
async fn every_case() {
    cases::run("caa", async |resolver, domain| {
        let mx = mx::examine(&resolver, domain).await;
        caa::examine(&resolver, domain, &mx).await.check
    })
    .await;
}

#[tokio::test]
async fn one_set_counts_for_all_below_it() {
    let zone = "@ IN MX 10 mx\n@ IN MX 20 b.mx\nmx IN A 192.0.2.1\nb.mx IN A 192.0.2.2\nmx IN CAA 0 issue \"mx.ca.example\"\n\
        @ IN CAA 0 issue \"ca.example\"\n@ IN CAA 0 ISSUEMAIL \";\"\n";
    let dns = Dns::serve(zone).await;
    let resolver = dns.resolver();
    let mx = mx::examine(&resolver, "domain.example").await;
    let outcome = caa::examine(&resolver, "domain.example", &mx).await;
    let sets: Vec<_> = outcome.sets.iter().map(|set| (set.name.as_str(), set.names.join(" "))).collect();
    let of_hosts = "mx.domain.example b.mx.domain.example".to_owned();
    assert_eq!(sets, [("domain.example", "domain.example".to_owned()), ("mx.domain.example", of_hosts)]);
    assert_eq!(outcome.check.findings, []);
}

#[tokio::test]
async fn a_domain_that_does_not_exist_needs_none() {
    let dns = Dns::serve("").await;
    let resolver = dns.resolver();
    let mx = mx::examine(&resolver, "none.example").await;
    let outcome = caa::examine(&resolver, "none.example", &mx).await;
    assert_eq!((outcome.check.findings.len(), outcome.check.unknown.len()), (0, 0));
}
