use std::time::{SystemTime, UNIX_EPOCH};

use ruad::provenance::{Authenticator, Claim, Delivery, Evidence, Kind, Letter, Settings};

use crate::{dns::Server, letters::key_record};

pub(crate) const CLIENT: &str = "192.0.2.10";
pub(crate) const STRANGER: &str = "203.0.113.66";

/// A reporter with SPF, DKIM and DMARC, the domain of an attacker with the same, and an authenticator.
pub(crate) async fn world() -> (Server, Authenticator) {
    let server = Server::start().await;
    for domain in ["reporter.example", "evil.example"] {
        server.txt(&format!("_dmarc.{domain}"), "v=DMARC1; p=reject");
        server.txt(&format!("s1._domainkey.{domain}"), &key_record(""));
    }
    server.txt("reporter.example", &format!("v=spf1 ip4:{CLIENT} -all"));
    server.txt("evil.example", &format!("v=spf1 ip4:{STRANGER} -all"));
    let authenticator = Authenticator::new(&Settings::default(), server.resolver());
    (server, authenticator)
}

pub(crate) fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A delivery by somebody whom no SPF record names.
pub(crate) fn delivery() -> Delivery<'static> {
    Delivery {
        received_at: now(),
        client_ip: STRANGER.parse().unwrap(),
        helo: "mx.forwarder.example",
        mail_from: "someone@forwarder.example",
    }
}

pub(crate) fn by_reporter() -> Delivery<'static> {
    Delivery { client_ip: CLIENT.parse().unwrap(), mail_from: "bounce@reporter.example", ..delivery() }
}

pub(crate) async fn check(
    authenticator: &Authenticator,
    delivery: &Delivery<'_>,
    message: &[u8],
) -> Evidence {
    let letter = Letter::read(message, &Settings::default()).unwrap();
    let evidence = authenticator.check(delivery, &letter).await;
    let json = serde_json::to_string(&evidence).unwrap();
    assert_eq!(serde_json::from_str::<Evidence>(&json).unwrap(), evidence, "{json}");
    evidence
}

pub(crate) fn aggregate<'a>(org_name: &'a str, email: &'a str) -> Claim<'a> {
    Claim { kind: Kind::Aggregate, org_name: Some(org_name), email: Some(email) }
}

pub(crate) fn tls(email: &str) -> Claim<'_> {
    Claim { kind: Kind::Tls, org_name: None, email: Some(email) }
}

pub(crate) fn reporter() -> Claim<'static> {
    aggregate("Reporter Inc.", "dmarc@reporter.example")
}
