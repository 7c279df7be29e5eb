//! What is said about the TLS of servers, asked on loopback.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hickory_server::proto::rr::RecordType;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData,
    date_time_ymd,
};
use ruad::health::probe::Smtp;
use ruad_dns::{
    Status, Trouble,
    dane::{self, Session, Target},
};
use rustls::{RootCertStore, ServerConfig, pki_types::PrivateKeyDer, version};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    dane::codes,
    tree::{Tree, Zone},
};

const HOST: &str = "mx.domain.example";

/// How a server behaves.
#[derive(Clone)]
enum Manner {
    Tls(Arc<ServerConfig>),
    /// Sends this in place of a reply to the command, or of a greeting.
    Says(&'static str, &'static [u8]),
    /// Says nothing and closes.
    Closes,
    /// Says nothing at all.
    Waits,
    /// Greets without end.
    Talks,
}

struct Mail {
    port: u16,
    commands: Arc<Mutex<Vec<String>>>,
}

impl Mail {
    /// Serves at 127.0.0.1 and at ::1.
    async fn serve(manner: Manner) -> Self {
        let (v4, v6) = loop {
            let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            if let Ok(v6) = TcpListener::bind((Ipv6Addr::LOCALHOST, v4.local_addr().unwrap().port())).await {
                break (v4, v6);
            }
        };
        let port = v4.local_addr().unwrap().port();
        let commands = Arc::<Mutex<Vec<String>>>::default();
        for listener in [v4, v6] {
            let (manner, commands) = (manner.clone(), commands.clone());
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (manner, commands) = (manner.clone(), commands.clone());
                    tokio::spawn(async move { drop(talk(stream, manner, commands).await) });
                }
            });
        }
        Self { port, commands }
    }

    fn probe(&self, authorities: Option<Arc<RootCertStore>>) -> Smtp {
        let mut smtp = Smtp::new("probe.example".to_owned(), authorities).unwrap();
        smtp.port = self.port;
        smtp.private_addresses = true;
        smtp
    }

    async fn ask(&self) -> Session {
        let target = Target {
            host: HOST.to_owned(),
            server_name: HOST.to_owned(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        self.probe(None).ask(&target).await
    }
}

async fn talk(stream: TcpStream, manner: Manner, commands: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let said = |command: &str| match &manner {
        Manner::Says(when, words) if *when == command => Some(*words),
        _ => None,
    };
    let mut stream = BufReader::new(stream);
    match &manner {
        Manner::Closes => return Ok(()),
        Manner::Waits => std::future::pending().await,
        Manner::Talks => loop {
            stream.write_all(b"220-more\r\n").await?;
        },
        _ => {}
    }
    stream.write_all(said("").unwrap_or(b"220-mx.domain.example\r\n220 ESMTP\r\n")).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim().split(' ').next().unwrap().to_owned();
        commands.lock().unwrap().push(line.trim().to_owned());
        let reply = said(&command).unwrap_or(match command.as_str() {
            "EHLO" => b"250-mx.domain.example\r\n250-SIZE 1000\r\n250-starttls\r\n250 8BITMIME\r\n",
            "STARTTLS" => b"220 go\r\n",
            _ => b"221 bye\r\n",
        });
        stream.write_all(reply).await?;
        match &manner {
            Manner::Tls(config) if command == "STARTTLS" => {
                let mut stream = TlsAcceptor::from(config.clone()).accept(stream.into_inner()).await?;
                let mut rest = [0; 6];
                stream.read_exact(&mut rest).await?;
                commands.lock().unwrap().push(String::from_utf8_lossy(&rest).trim().to_owned());
                return stream.write_all(b"221 bye\r\n").await;
            }
            _ if command == "QUIT" => return Ok(()),
            _ => {}
        }
    }
}

/// An authority, and certificates by it.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn trusted(&self) -> Arc<RootCertStore> {
        let mut store = RootCertStore::empty();
        store.add(self.0.der().clone()).unwrap();
        Arc::new(store)
    }

    /// A certificate for a name with an end (year, month, day), and a server that sends it with the authority's.
    fn issue(&self, name: &str, end: (i32, u8, u8)) -> (Certificate, KeyPair, Arc<ServerConfig>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(end.0, end.1, end.2);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let chain = vec![certificate.der().clone(), self.0.der().clone()];
        let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS12, &version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .unwrap();
        (certificate, key, Arc::new(config))
    }
}

const LATE: (i32, u8, u8) = (2099, 1, 1);

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn sha256(bytes: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is found about a domain whose mail server is on loopback.
async fn examine(
    mail: &Mail,
    records: &[String],
    authorities: Option<Arc<RootCertStore>>,
    now: u64,
) -> dane::Outcome {
    let records: String = records.iter().map(|record| format!("_25._tcp.mx IN TLSA {record}\n")).collect();
    let text = format!("@ IN MX 10 mx\nmx IN A 127.0.0.1\nmx IN AAAA ::1\n{records}");
    let tree = Tree::serve(&[Zone::signed("domain.example.", &text)]).await;
    let mut outcome = dane::examine(&tree.validator(), "domain.example").await;
    let smtp = mail.probe(authorities);
    let sessions = smtp.try_all(outcome.targets()).await;
    assert_eq!(sessions.len(), 2);
    outcome.serve(sessions, smtp.authorities(), now);
    outcome
}

#[tokio::test]
async fn a_server_with_its_records_is_fine() {
    let authority = Authority::new();
    let (certificate, key, config) = authority.issue(HOST, LATE);
    let mail = Mail::serve(Manner::Tls(config)).await;
    let key = sha256(&key.subject_public_key_info());
    let next = sha256(b"next");
    let issuer_key = sha256(&authority.0.key().subject_public_key_info());
    let whole: String = authority.0.der().iter().map(|byte| format!("{byte:02x}")).collect();
    for records in [
        vec![format!("3 1 1 {key}"), format!("3 1 1 {next}")],
        vec![format!("3 1 1 {next}"), format!("2 1 1 {issuer_key}")],
        vec![format!("2 0 1 {}", sha256(authority.0.der()))],
    ] {
        let outcome = examine(&mail, &records, Some(authority.trusted()), now()).await;
        assert_eq!(codes(&outcome.check), [""; 0], "{outcome:#?}");
        assert_eq!(outcome.check.status(), Status::Ok);
        for served in &outcome.hosts[0].served {
            let Session::Tls { version, chain } = &served.session else { panic!("{served:#?}") };
            assert_eq!((version.as_str(), chain.len()), ("TLSv1.3", 2));
            let validity = served.certificate.as_ref().unwrap();
            assert!(validity.in_time && validity.has_name);
            assert_eq!((validity.trusted, validity.matches), (Some(true), Some(true)));
        }
    }
    for records in [vec![format!("3 0 1 {}", sha256(certificate.der()))], vec![format!("2 0 0 {whole}")]] {
        let outcome = examine(&mail, &records, None, now()).await;
        assert_eq!(outcome.check.status(), Status::Info, "{outcome:#?}");
    }
    let commands = mail.commands.lock().unwrap();
    for expected in ["EHLO probe.example", "STARTTLS", "QUIT"] {
        assert_eq!(commands.iter().filter(|command| *command == expected).count(), 10, "{commands:?}");
    }
}

#[tokio::test]
async fn mismatch() {
    let authority = Authority::new();
    let (_, key, config) = authority.issue(HOST, LATE);
    let mail = Mail::serve(Manner::Tls(config)).await;
    let (key, next) = (sha256(&key.subject_public_key_info()), sha256(b"next"));
    // Another key; the server's own key where an authority is meant.
    for records in [vec![format!("3 1 1 {next}"), format!("2 1 1 {key}")], vec![format!("2 1 1 {key}")]] {
        let outcome = examine(&mail, &records, None, now()).await;
        assert_eq!(codes(&outcome.check), ["dane.mismatch"], "{outcome:#?}");
        let detail = &outcome.check.findings[0].detail;
        assert!(detail.contains("127.0.0.1") && detail.contains("::1"), "{detail}");
    }
    // An authority's record wants the name and the time right as well.
    let issuer = sha256(&authority.0.key().subject_public_key_info());
    let (_, _, other) = authority.issue("other.example", LATE);
    let mail = Mail::serve(Manner::Tls(other)).await;
    let outcome = examine(&mail, &[format!("2 1 1 {issuer}")], None, now()).await;
    assert_eq!(codes(&outcome.check), ["dane.certificate_name", "dane.mismatch"]);
    let (_, _, own) = authority.issue("domain.example", LATE);
    let mail = Mail::serve(Manner::Tls(own)).await;
    let outcome = examine(&mail, &[format!("2 1 1 {issuer}")], None, now()).await;
    assert_eq!(codes(&outcome.check), ["dane.certificate_name"], "the domain's own name will do for DANE");
}

#[tokio::test]
async fn certificate_expired() {
    let authority = Authority::new();
    let (_, key, config) = authority.issue(HOST, (2021, 1, 1));
    let mail = Mail::serve(Manner::Tls(config)).await;
    let key = sha256(&key.subject_public_key_info());
    // With the key itself named, the time does not matter to DANE.
    let outcome = examine(&mail, &[format!("3 1 1 {key}")], Some(authority.trusted()), now()).await;
    assert_eq!(codes(&outcome.check), ["dane.certificate_expired", "dane.no_rollover"], "{outcome:#?}");
    let issuer = sha256(&authority.0.key().subject_public_key_info());
    let outcome = examine(&mail, &[format!("2 1 1 {issuer}")], None, now()).await;
    assert_eq!(codes(&outcome.check), ["dane.certificate_expired", "dane.mismatch"], "{outcome:#?}");
}

#[tokio::test]
async fn certificate_expires_soon() {
    let authority = Authority::new();
    let (_, _, config) = authority.issue(HOST, LATE);
    let mail = Mail::serve(Manner::Tls(config)).await;
    let end = 4_070_908_800;
    let expected =
        [(8 * 86_400, vec!["dane.missing"]), (86_400, vec!["dane.certificate_expires_soon", "dane.missing"])];
    for (left, expected) in expected {
        let outcome = examine(&mail, &[], Some(authority.trusted()), end - left).await;
        assert_eq!(codes(&outcome.check), expected, "{outcome:#?}");
    }
}

#[tokio::test]
async fn certificate_name() {
    let authority = Authority::new();
    let (_, _, config) = authority.issue("mail.other.example", LATE);
    let mail = Mail::serve(Manner::Tls(config)).await;
    let outcome = examine(&mail, &[], Some(authority.trusted()), now()).await;
    assert_eq!(codes(&outcome.check), ["dane.certificate_name", "dane.missing"], "{outcome:#?}");
}

#[tokio::test]
async fn certificate_untrusted() {
    let (_, _, config) = Authority::new().issue(HOST, LATE);
    let mail = Mail::serve(Manner::Tls(config)).await;
    let outcome = examine(&mail, &[], Some(Authority::new().trusted()), now()).await;
    assert_eq!(codes(&outcome.check), ["dane.certificate_untrusted", "dane.missing"], "{outcome:#?}");
    // Without a list of authorities nothing is said about trust.
    let outcome = examine(&mail, &[], None, now()).await;
    assert_eq!(codes(&outcome.check), ["dane.missing"]);
}

#[tokio::test]
async fn starttls_missing() {
    for (when, words) in [
        ("EHLO", &b"250-mx\r\n250 SIZE 1\r\n"[..]),
        ("EHLO", b"502 no such command\r\n"),
        ("STARTTLS", b"454 not now\r\n"),
    ] {
        let mail = Mail::serve(Manner::Says(when, words)).await;
        let outcome = examine(&mail, &[], None, now()).await;
        assert_eq!(codes(&outcome.check), ["dane.missing", "dane.starttls_missing"], "{outcome:#?}");
        assert_eq!(mail.commands.lock().unwrap().last().unwrap(), "QUIT");
    }
}

#[tokio::test]
async fn starttls_required() {
    let mail = Mail::serve(Manner::Says("EHLO", b"250 mx\r\n")).await;
    let records = ["3 1 1 ".to_owned() + &sha256(b"1"), "3 1 1 ".to_owned() + &sha256(b"2")];
    let outcome = examine(&mail, &records, None, now()).await;
    assert_eq!(codes(&outcome.check), ["dane.starttls_required"], "{outcome:#?}");
}

#[tokio::test]
async fn tls_old() {
    // The alert protocol_version in a record of TLS 1.0.
    let mail = Mail::serve(Manner::Says("STARTTLS", b"220 go\r\n\x15\x03\x01\x00\x02\x02\x46")).await;
    let outcome = examine(&mail, &[], None, now()).await;
    assert_eq!(codes(&outcome.check), ["dane.missing", "dane.tls_old"], "{outcome:#?}");
}

#[tokio::test]
async fn tls_failed() {
    // The alert handshake_failure; and no TLS at all.
    for words in [&b"220 go\r\n\x15\x03\x03\x00\x02\x02\x28"[..], b"220 go\r\n250 what?\r\n"] {
        let mail = Mail::serve(Manner::Says("STARTTLS", words)).await;
        let outcome = examine(&mail, &[], None, now()).await;
        assert_eq!(codes(&outcome.check), ["dane.missing", "dane.tls_failed"], "{outcome:#?}");
    }
}

#[tokio::test]
async fn who_does_not_talk_is_unknown() {
    let records = ["2 1 1 ".to_owned() + &sha256(b"1")];
    let busy = Mail::serve(Manner::Says("", b"421 too busy\r\n")).await;
    let outcome = examine(&busy, &records, None, now()).await;
    assert_eq!((outcome.check.status(), outcome.check.findings.len()), (Status::Unknown, 0), "{outcome:#?}");
    let listed = Mail::serve(Manner::Says("EHLO", b"554 go away\r\n")).await;
    assert_eq!(listed.ask().await, Session::Refused { reply: "554 go away".to_owned() });
    let network = Session::Unreachable { trouble: Trouble::Network };
    assert_eq!(Mail::serve(Manner::Closes).await.ask().await, network);
    assert_eq!(Mail::serve(Manner::Talks).await.ask().await, network);
    assert_eq!(Mail::serve(Manner::Says("", b"\xff\xfe\r\n")).await.ask().await, network);
    let waits = Mail::serve(Manner::Waits).await;
    let mut smtp = waits.probe(None);
    smtp.timeout = Duration::from_millis(50);
    let target =
        Target { host: HOST.to_owned(), server_name: HOST.to_owned(), address: Ipv4Addr::LOCALHOST.into() };
    assert_eq!(smtp.ask(&target).await, Session::Unreachable { trouble: Trouble::Timeout });
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
    let mut smtp = Smtp::new("probe.example".to_owned(), None).unwrap();
    smtp.port = nobody;
    smtp.private_addresses = true;
    assert_eq!(smtp.ask(&target).await, network);
}

#[tokio::test]
async fn a_mail_host_at_an_inner_address_is_not_connected_to() {
    let mail = Mail::serve(Manner::Says("EHLO", b"250 mx\r\n")).await;
    let mut smtp = mail.probe(None);
    smtp.private_addresses = false;
    for address in
        ["127.0.0.1", "127.0.0.99", "::ffff:127.0.0.1", "::127.0.0.1", "2002:7f00:1::1", "64:ff9b::7f00:1"]
    {
        let target =
            Target { host: HOST.to_owned(), server_name: HOST.to_owned(), address: address.parse().unwrap() };
        assert_eq!(smtp.try_all(vec![target.clone()]).await, [], "{address}");
        assert_eq!(smtp.ask(&target).await, Session::Unreachable { trouble: Trouble::Network }, "{address}");
    }
    assert!(mail.commands.lock().unwrap().is_empty(), "somebody was there");
}

#[tokio::test]
async fn a_server_of_many_domains_is_asked_once() {
    let mail = Mail::serve(Manner::Says("EHLO", b"250 mx\r\n")).await;
    let target =
        Target { host: HOST.to_owned(), server_name: HOST.to_owned(), address: Ipv4Addr::LOCALHOST.into() };
    let smtp = mail.probe(None);
    let sessions = smtp.try_all(vec![target.clone(), target.clone(), target.clone()]).await;
    assert!(sessions.iter().all(|(_, session)| *session == Session::NoStarttls), "{sessions:?}");
    assert_eq!(smtp.clone().ask(&target).await, Session::NoStarttls);
    assert_eq!(*mail.commands.lock().unwrap(), ["EHLO probe.example", "QUIT"]);
}

#[tokio::test]
async fn the_records_of_a_broken_zone_are_not_compared() {
    let (_, _, config) = Authority::new().issue(HOST, LATE);
    let mail = Mail::serve(Manner::Tls(config)).await;
    let text = format!("@ IN MX 10 mx\nmx IN A 127.0.0.1\n_25._tcp.mx IN TLSA 3 1 1 {}\n", sha256(b"other"));
    let zone = Zone::signed("domain.example.", &text).with(|zone| zone.damaged = vec![RecordType::TLSA]);
    let tree = Tree::serve(&[zone]).await;
    let mut outcome = dane::examine(&tree.validator(), "domain.example").await;
    let sessions = mail.probe(None).try_all(outcome.targets()).await;
    outcome.serve(sessions, None, now());
    assert_eq!(codes(&outcome.check), ["dane.lookup_bogus"], "{outcome:#?}");
    assert_eq!(outcome.hosts[0].served[0].certificate.as_ref().unwrap().matches, None);
}
