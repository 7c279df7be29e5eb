//! Routes to mail servers and name servers.

use std::{fs, time::SystemTime};

use ruad::health::{Examiner, Routing, RoutingSettings, Subject};
use ruad_dns::{Status, Trouble, ns, rpki};

use crate::server::Dns;

const ZONE: &str = "@ IN SOA ns.dns.example. root 1 60 60 60 60\n@ IN NS ns.dns.example.\n@ IN MX 10 mx\nmx IN A 192.0.2.1\nmx IN AAAA 2001:db8::1\n\
    dns.example. IN SOA ns.dns.example. root 1 60 60 60 60\ndns.example. IN NS ns.dns.example.\nns.dns.example. IN A 198.51.100.1\n";

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

async fn examine(roas: Option<&str>, routes: Option<&str>) -> rpki::Outcome {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let settings = RoutingSettings {
        payloads: roas.map(|roas| file("json", &format!("{{\"roas\": [{roas}]}}"))),
        routes: routes.map(|routes| file("dump", routes)).into_iter().collect(),
    };
    let routing = Routing::new(&settings);
    routing.renew().unwrap();
    let dns = Dns::serve(ZONE).await;
    let settings = ns::Settings { ask_each: false, ..ns::Settings::default() };
    let examiner =
        Examiner::new(dns.resolver(), dns.validator()).with_name_servers(settings).with_routing(routing);
    let subject = Subject { domain: "domain.example".to_owned(), ..Subject::default() };
    examiner.examine(&subject, now()).await.rpki
}

fn roa(asn: u32, prefix: &str, max_length: u8) -> String {
    format!("{{\"asn\": {asn}, \"prefix\": \"{prefix}\", \"maxLength\": {max_length}}}")
}

fn codes(outcome: &rpki::Outcome) -> Vec<&'static str> {
    outcome.check.findings.iter().map(|finding| finding.code.name).collect()
}

#[tokio::test]
async fn without_payloads_it_is_unknown_and_no_fault() {
    let outcome = examine(None, None).await;
    assert_eq!(outcome.check.status(), Status::Unknown);
    assert_eq!(outcome.check.unknown[0].trouble, Trouble::NotConfigured);
    assert!(outcome.check.is_told() && outcome.check.findings.is_empty());
}

#[tokio::test]
async fn roas_and_routes() {
    let all = [
        roa(64_496, "192.0.2.0/24", 24),
        roa(64_496, "2001:db8::/32", 48),
        roa(64_500, "198.51.100.0/22", 24),
    ]
    .join(",");
    let routes = "64496 192.0.2.0/24 300\n64496 2001:db8::/32 300\n64500 198.51.100.0/24 300\n";
    let outcome = examine(Some(&all), Some(routes)).await;
    assert_eq!((codes(&outcome), outcome.check.status()), (vec![], Status::Ok), "{outcome:#?}");
    assert_eq!(outcome.addresses.len(), 3);

    // Somebody else announces a part of the mail server's network, and the name server's.
    let hijacked = format!("{routes}64666 192.0.2.0/25 300\n64666 198.51.100.0/25 300\n");
    let outcome = examine(Some(&all), Some(&hijacked)).await;
    assert_eq!(codes(&outcome), ["rpki.mx_invalid", "rpki.ns_invalid"], "{outcome:#?}");
    assert!(outcome.check.findings[0].detail.contains("192.0.2.0/25 of AS64666"), "{outcome:#?}");
    // Too few see it.
    let leaked = format!("{routes}64666 192.0.2.0/25 2\n");
    assert_eq!(codes(&examine(Some(&all), Some(&leaked)).await), [""; 0]);

    let some = roa(64_496, "192.0.2.0/24", 24);
    let outcome = examine(Some(&some), Some(routes)).await;
    assert_eq!(codes(&outcome), ["rpki.mx_missing", "rpki.ns_missing"], "{outcome:#?}");
    // Without routes it can still be told that nothing covers an address, and not that a route is wrong.
    let outcome = examine(Some(&roa(64_999, "192.0.2.0/24", 24)), None).await;
    assert_eq!(codes(&outcome), ["rpki.mx_missing", "rpki.ns_missing"], "{outcome:#?}");
    assert!(!outcome.check.findings[0].detail.contains("192.0.2.1"));
}
