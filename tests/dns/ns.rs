//! Name servers: what their names show, and what they say when each is asked by itself.

use std::{net::SocketAddr, time::Duration};

use hickory_server::proto::{
    op::{Message, OpCode},
    rr::{Name, RData, Record, rdata::NS},
};
use ruad_dns::{
    Resolver,
    ns::{self, Asked, Settings, Told},
};

use tokio::{net::UdpSocket, task::JoinHandle};

use crate::{cases, server::Dns};

#[tokio::test]
async fn cases() {
    let settings = Settings { ask_each: false, ..Settings::default() };
    cases::run("ns", async |resolver, domain| ns::examine(&resolver, domain, &settings).await.check).await;
}

#[tokio::test]
async fn servers_that_agree() {
    let servers = Servers::serve([&zone(7, "ns1 ns2 ns3", "mx"); 3]).await;
    let outcome = servers.examine("domain.example").await;
    assert_eq!(outcome.zone.as_deref(), Some("domain.example"));
    assert_eq!(
        outcome.check.facts["servers"].as_deref(),
        Some("ns1.domain.example, ns2.domain.example, ns3.domain.example")
    );
    assert_eq!(servers.found(&outcome), [""; 0], "{outcome:#?}");
    for server in &outcome.servers {
        let [Asked { told: Told::Zone { serial: 7, servers: Some(names), mx: Some(mx), .. }, .. }] =
            server.told.as_slice()
        else {
            panic!("{server:?}")
        };
        assert_eq!(names, &["ns1.domain.example.", "ns2.domain.example.", "ns3.domain.example."]);
        assert_eq!(mx, &["10 mx.domain.example."]);
    }

    // A subdomain is examined with the zone it is in.
    let outcome = servers.examine("www.domain.example").await;
    assert_eq!(outcome.zone.as_deref(), Some("domain.example"));
    assert_eq!(servers.found(&outcome), [""; 0]);
}

#[tokio::test]
async fn servers_that_disagree() {
    let same = zone(7, "ns1 ns2 ns3", "mx");
    for (other, expected) in [
        (zone(8, "ns1 ns2 ns3", "mx"), vec!["ns.serials_differ"]),
        (zone(7, "ns1 ns2", "mx"), vec!["ns.servers_differ"]),
        (zone(7, "ns1 ns2 ns3", "old"), vec!["ns.mx_differs"]),
        (zone(7, "ns1 ns2 ns3", ""), vec!["ns.mx_differs"]),
        (with(&same, "@ IN TXT \"v=spf1 -all\""), vec!["ns.texts_differ"]),
        (with(&same, "_dmarc IN TXT \"v=DMARC1; p=none\""), vec!["ns.texts_differ"]),
        // What is on its way to the other servers is no fault.
        (with(&zone(8, "ns1 ns2 ns3", "mx"), "@ IN TXT \"v=spf1 -all\""), vec!["ns.serials_differ"]),
        (zone(6, "ns1 ns2 ns4", "old"), vec!["ns.mx_differs", "ns.serials_differ", "ns.servers_differ"]),
    ] {
        let servers = Servers::serve([&same, &same, &other]).await;
        let outcome = servers.examine("domain.example").await;
        assert_eq!(servers.found(&outcome), expected, "{other}");
    }
}

/// An answer that does not fit into a datagram is fetched by TCP.
#[tokio::test]
async fn long_texts_are_compared_too() {
    let long =
        (0..40).map(|number| format!("@ IN TXT \"{number} {}\"\n", "x".repeat(100))).collect::<String>();
    let same = with(&zone(7, "ns1 ns2 ns3", "mx"), &long);
    let servers = Servers::serve([&same, &same, &with(&same, "@ IN TXT \"more\"")]).await;
    let outcome = servers.examine("domain.example").await;
    assert_eq!(servers.found(&outcome), ["ns.texts_differ"], "{:#?}", outcome.check);
    assert!(outcome.check.findings.iter().any(|finding| finding.detail.contains("more")));
}

/// One that does not know EDNS says so, and answers a question without (RFC 6891 section 7).
#[tokio::test]
async fn a_server_without_edns_is_asked_without() {
    let same = zone(7, "ns1 ns2 ns3", "mx");
    for code in ["formerr", "notimp"] {
        let servers = Servers::serve([&same, &same, &with(&same, &format!("; edns: {code}"))]).await;
        let outcome = servers.examine("domain.example").await;
        assert_eq!(servers.found(&outcome), [""; 0], "{:#?}", outcome.check);
        assert!(outcome.servers.iter().all(|server| matches!(server.told[0].told, Told::Zone { .. })));
    }
}

#[tokio::test]
async fn servers_that_do_not_answer_for_the_zone() {
    let good = zone(7, "ns1 ns2 ns3", "mx");
    for (other, expected) in [
        ("; servfail: domain.example\n".to_owned(), "ns.lame"),
        ("other.example. IN TXT \"a\"\n".to_owned(), "ns.lame"),
        ("@ IN TXT \"a name, but no zone\"\n".to_owned(), "ns.lame"),
        ("; silent: domain.example\n".to_owned(), "ns.silent"),
    ] {
        let servers = Servers::serve([&good, &good, &other]).await;
        let outcome = servers.examine("domain.example").await;
        assert_eq!(servers.found(&outcome), [expected], "{other}");
        assert!(outcome.check.unknown.is_empty());
    }
}

#[tokio::test]
async fn without_a_way_to_the_servers_nothing_is_said_about_them() {
    let good = zone(7, "ns1 ns2 ns3", "mx");
    let servers = Servers::serve([&good; 3]).await;
    let port = servers.port + 1;
    let outcome =
        ns::examine(&servers.resolver(), "domain.example", &Settings { port, ..servers.settings() }).await;
    assert_eq!(servers.found(&outcome), [""; 0]);
    assert_eq!(outcome.check.unknown.len(), 1);
    assert!(outcome.check.facts["servers"].is_some());

    // Addresses of the inside are asked only where that is wanted.
    let settings = Settings { private_addresses: false, ..servers.settings() };
    let outcome = ns::examine(&servers.resolver(), "domain.example", &settings).await;
    assert!(outcome.servers.iter().all(|server| server.told.is_empty()));
    assert!(outcome.check.unknown.is_empty());
}

#[tokio::test]
async fn a_delegation_that_differs() {
    let above = "example. IN SOA ns. root. 1 60 60 60 60\nexample. IN NS registry.example.\nregistry.example. IN A 127.0.0.4\n";
    let zone = format!("{above}{}", zone(7, "ns1 ns2", "mx"));
    let servers = Servers::serve([&zone; 3]).await;
    for (names, expected) in [
        ("NS2 ns1", None),
        ("ns1 ns2 old", Some("old.domain.example only at the registry.")),
        ("ns1", Some("ns2.domain.example only in the zone.")),
        (
            "ns1 old",
            Some("old.domain.example only at the registry, and ns2.domain.example only in the zone."),
        ),
        ("", None),
    ] {
        let registry = Registry::serve(servers.port, names).await;
        let outcome = servers.examine("www.domain.example").await;
        let details: Vec<_> = outcome
            .check
            .findings
            .iter()
            .filter(|finding| finding.code == ns::check::DELEGATION_DIFFERS)
            .map(|finding| finding.detail.as_str())
            .collect();
        assert_eq!(details.len(), usize::from(expected.is_some()), "{names}: {details:?}");
        assert!(details.iter().all(|detail| detail.ends_with(expected.unwrap())), "{details:?}");
        assert!(outcome.check.unknown.is_empty());
        registry.0.abort();
        assert!(registry.0.await.unwrap_err().is_cancelled());
    }
}

/// A server that knows who knows, as those of top-level domains are.
struct Registry(JoinHandle<()>);

impl Registry {
    async fn serve(port: u16, names: &str) -> Self {
        let socket = UdpSocket::bind(("127.0.0.4", port)).await.unwrap();
        let names: Vec<_> = names.split_whitespace().map(|name| format!("{name}.domain.example.")).collect();
        Self(tokio::spawn(async move {
            let mut bytes = [0; 1_500];
            loop {
                let (length, client) = socket.recv_from(&mut bytes).await.unwrap();
                let question = Message::from_vec(&bytes[..length]).unwrap();
                assert!(!question.metadata.recursion_desired);
                let mut answer = Message::response(question.metadata.id, OpCode::Query);
                answer.add_query(question.queries[0].clone());
                for name in &names {
                    let data = RData::NS(NS(Name::from_ascii(name).unwrap()));
                    answer.add_authority(Record::from_rdata(question.queries[0].name().clone(), 60, data));
                }
                socket.send_to(&answer.to_vec().unwrap(), client).await.unwrap();
            }
        }))
    }
}

/// Three servers at different addresses of loopback and one port, the first of which also resolves.
struct Servers {
    servers: Vec<Dns>,
    port: u16,
}

impl Servers {
    async fn serve(zones: [&String; 3]) -> Self {
        loop {
            let first = Dns::serve(zones[0]).await;
            let port = first.address().port();
            let at = |last: u8| SocketAddr::from(([127, 0, 0, last], port));
            let Some(second) = Dns::serve_at(at(2), zones[1]).await else { continue };
            let Some(third) = Dns::serve_at(at(3), zones[2]).await else { continue };
            return Self { servers: vec![first, second, third], port };
        }
    }

    fn resolver(&self) -> Resolver {
        self.servers[0].resolver()
    }

    fn settings(&self) -> Settings {
        Settings { ask_each: true, timeout: Duration::from_secs(2), port: self.port, private_addresses: true }
    }

    async fn examine(&self, domain: &str) -> ns::Outcome {
        ns::examine(&self.resolver(), domain, &self.settings()).await
    }

    /// What was found, but for what every test on loopback shows.
    fn found(&self, outcome: &ns::Outcome) -> Vec<&'static str> {
        let common = ["ns.private_address", "ns.one_network", "ns.no_ipv6"];
        let mut codes: Vec<_> = outcome.check.findings.iter().map(|finding| finding.code.name).collect();
        codes.retain(|code| !common.contains(code));
        codes.sort_unstable();
        codes
    }
}

fn zone(serial: u32, servers: &str, mx: &str) -> String {
    let servers: String = servers.split(' ').map(|name| format!("@ IN NS {name}\n")).collect();
    let mx = if mx.is_empty() { String::new() } else { format!("@ IN MX 10 {mx}\n") };
    format!(
        "@ IN SOA ns1 hostmaster {serial} 60 60 60 60\n{servers}{mx}www IN A 192.0.2.80\n\
         ns1 IN A 127.0.0.1\nns2 IN A 127.0.0.2\nns3 IN A 127.0.0.3\n"
    )
}

fn with(zone: &str, lines: &str) -> String {
    format!("{zone}{lines}\n")
}
