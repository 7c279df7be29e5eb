//! The hosts that receive mail.

use ruad_dns::mx;

use crate::{cases, server::Dns};

#[tokio::test]
async fn cases() {
    cases::run("mx", async |resolver, domain| mx::examine(&resolver, domain).await.check).await;
}

#[tokio::test]
async fn the_hosts_come_with_their_addresses_in_the_order_they_are_tried() {
    let dns = Dns::serve(
        "@ IN MX 20 b\n@ IN MX 10 C\n@ IN MX 10 a\n@ IN MX 30 a\na IN A 192.0.2.1\na IN AAAA 2001:db8::1\n\
         b IN CNAME c\nc IN A 192.0.2.3\nc IN A 192.0.2.4\n",
    )
    .await;
    let outcome = mx::examine(&dns.resolver(), "domain.example").await;
    let hosts: Vec<_> = outcome.hosts.iter().map(|host| (host.preference, host.name.as_str())).collect();
    assert_eq!(hosts, [(10, "a.domain.example"), (10, "c.domain.example"), (20, "b.domain.example")]);
    let addresses =
        |index: usize| outcome.hosts[index].addresses().map(|ip| ip.to_string()).collect::<Vec<_>>();
    assert_eq!(addresses(0), ["192.0.2.1", "2001:db8::1"]);
    let mut both = addresses(1);
    both.sort();
    assert_eq!(both, ["192.0.2.3", "192.0.2.4"]);
    assert_eq!(outcome.hosts[2].alias.as_deref(), Some("c.domain.example"));
    assert_eq!((outcome.null, outcome.implicit, outcome.accepts_mail), (false, false, Some(true)));
    let fact = "10 a.domain.example, 10 c.domain.example, 20 b.domain.example, 30 a.domain.example";
    assert_eq!(outcome.check.facts["hosts"].as_deref(), Some(fact));
    let observed: Vec<_> = outcome.check.records.iter().map(|record| record.text.as_str()).collect();
    assert_eq!(observed.join(", "), fact);
}

#[tokio::test]
async fn whether_mail_is_accepted() {
    for (zone, null, implicit, accepts_mail, fact) in [
        ("@ IN MX 0 .\n", true, false, Some(false), Some(Some("null"))),
        ("@ IN MX 0 .\n@ IN MX 5 mx\n", false, false, Some(true), Some(Some("0 ., 5 mx.domain.example"))),
        ("@ IN A 192.0.2.1\n", false, true, Some(true), None),
        ("@ IN TXT a\n", false, false, Some(false), None),
        ("", false, false, Some(false), None),
        ("; servfail: domain.example\n", false, false, None, Some(None)),
    ] {
        let dns = Dns::serve(zone).await;
        let outcome = mx::examine(&dns.resolver(), "domain.example").await;
        assert_eq!(
            (outcome.null, outcome.implicit, outcome.accepts_mail),
            (null, implicit, accepts_mail),
            "{zone}"
        );
        assert_eq!(outcome.check.facts.get("hosts").map(Option::as_deref), fact, "{zone}");
    }
}

#[tokio::test]
async fn a_missing_dot_is_recognised() {
    let dns = Dns::serve("@ IN MX 10 mail.domain.example\n").await;
    let outcome = mx::examine(&dns.resolver(), "domain.example").await;
    let detail = &outcome.check.findings[0].detail;
    assert!(detail.contains("\"mail.domain.example.\" was meant"), "{detail}");
}
