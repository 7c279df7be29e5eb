//! Forward-confirmed reverse names.

use ruad_dns::{Resolver, mx, reverse};

use crate::{cases, dnsbl::senders, server::Dns};

#[tokio::test]
async fn cases() {
    cases::run("reverse", async |resolver, domain| examine(&resolver, domain).await.check).await;
}

#[tokio::test]
async fn names_are_facts() {
    let dns = Dns::serve(
        "_senders IN TXT \"192.0.2.1\" \"192.0.2.2\" \"192.0.2.3\" \"198.51.100.1\" \"192.0.2.1\" \"10.0.0.1\"\n\
         1.2.0.192.in-addr.arpa. IN PTR z.domain.example.\n1.2.0.192.in-addr.arpa. IN PTR a.domain.example.\n\
         2.2.0.192.in-addr.arpa. IN PTR B.domain.example.\nz IN A 192.0.2.1\n\
         ; servfail: 100.51.198.in-addr.arpa\n",
    )
    .await;
    let outcome = examine(&dns.resolver(), "domain.example").await;
    let facts: Vec<_> =
        outcome.check.facts.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    assert_eq!(
        facts,
        [
            ("name:192.0.2.1", Some("z.domain.example")),
            ("name:192.0.2.2", Some("b.domain.example")),
            ("name:198.51.100.1", None),
        ]
    );
    assert_eq!(outcome.addresses.len(), 4);
    assert_eq!(outcome.addresses[0].names, ["a.domain.example", "z.domain.example"]);
    assert_eq!(outcome.addresses[0].confirmed.as_deref(), Some("z.domain.example"));
}

async fn examine(resolver: &Resolver, domain: &str) -> reverse::Outcome {
    let senders = senders(resolver, domain).await;
    let mx = mx::examine(resolver, domain).await;
    reverse::examine(resolver, &senders, &mx).await
}
