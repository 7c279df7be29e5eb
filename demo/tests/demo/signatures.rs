//! An independent verifier accepts the signatures, asking the demo's own name server.

use std::net::{IpAddr, SocketAddr};

use mail_auth::hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{AuthenticatedMessage, DkimResult, DmarcResult, MessageAuthenticator, SpfResult};
use mail_auth::{dmarc::verify::DmarcParameters, spf::verify::SpfParameters};
use ruad_demo::Mail;
use ruad_demo::dns::NameServer;

use crate::read::{labelled, month};

/// SPF, and whether DMARC passes by DKIM.
async fn judge(authenticator: &MessageAuthenticator, mail: &Mail) -> (SpfResult, bool, DmarcResult) {
    let message = AuthenticatedMessage::parse(&mail.bytes).unwrap();
    let dkim = authenticator.verify_dkim(&message).await;
    for output in &dkim {
        assert_eq!(output.result(), &DkimResult::Pass, "{}", mail.label);
    }
    let domain = mail.mail_from.rsplit_once('@').unwrap().1;
    let client = IpAddr::V4(mail.client);
    let spf = authenticator
        .verify_spf(SpfParameters::verify_mail_from(client, mail.helo, "reports.example", &mail.mail_from))
        .await;
    let dmarc = authenticator.verify_dmarc(DmarcParameters::new(&message, &dkim, domain, &spf)).await;
    (spf.result(), dmarc.dkim_result() == &DmarcResult::Pass, dmarc.spf_result().clone())
}

#[tokio::test]
async fn signatures_and_senders_are_what_they_claim() {
    let names = NameServer::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = names.address().port();
        connection
    });
    let server = NameServerConfig::new(names.address().ip(), true, connections.into());
    let config = ResolverConfig::from_parts(None, vec![], vec![server]);
    let authenticator = MessageAuthenticator::new(config, ResolverOpts::default()).unwrap();
    let month = month();
    for label in [
        "google",
        "outlook",
        "enterprise outlook",
        "yahoo",
        "gmx",
        "web.de",
        "mimecast",
        "amazon ses",
        "mail.ru",
        "seznam",
        "fastmail",
        "rspamd",
        "google tls",
        "microsoft tls",
        "linkedin failure",
        "netease failure",
    ] {
        for mail in labelled(month, label).into_iter().take(3) {
            let (spf, dkim, _) = judge(&authenticator, mail).await;
            assert_eq!((spf, dkim), (SpfResult::Pass, true), "{label}");
        }
    }
    for mail in labelled(month, "forged").into_iter().take(3) {
        let (spf, dkim, aligned) = judge(&authenticator, mail).await;
        assert_eq!((spf, dkim), (SpfResult::Pass, false));
        assert_ne!(aligned, DmarcResult::Pass);
    }
}
