//! Policies of MTA-STS over HTTPS, from web servers on loopback whose certificates are issued by an authority of these
//! tests.

use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use ruad::health::{
    Examiner, Subject,
    probe::{Https, RootsError, https::Settings, roots},
};
use ruad_dns::{
    Status, Trouble,
    mta_sts::{CertificateFault, FetchError, PATH, PolicyFile},
};
use rustls::{
    HandshakeKind, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::server::Dns;

#[tokio::test]
async fn fetches_a_policy() {
    let body = "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n";
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let world = World::new(&answer).await;
    let file = world.get().await.unwrap();
    assert_eq!((file.status, file.content_type.as_deref()), (200, Some("text/plain")));
    assert_eq!(String::from_utf8(file.body).unwrap(), body);
    let (left, whole) = file.certificate_life.unwrap();
    assert!(left > Duration::from_secs(365 * 86_400) && left < whole, "{left:?} {whole:?}");
    let request = world.requests().concat();
    assert!(request.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"), "{request}");
    assert!(request.to_lowercase().contains("\r\nhost: mta-sts.domain.example\r\n"), "{request}");
}

#[tokio::test]
async fn reads_a_body_in_chunks() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let file = World::new(answer).await.get().await.unwrap();
    assert_eq!((file.body.as_slice(), file.content_type), (b"abcde".as_slice(), None));
}

#[tokio::test]
async fn follows_no_redirect() {
    let answer =
        "HTTP/1.1 302 Found\r\nLocation: https://mta-sts.domain.example/other\r\nContent-Length: 0\r\n\r\n";
    let world = World::new(answer).await;
    let file = world.get().await.unwrap();
    assert_eq!((file.status, file.location.as_deref()), (302, Some("https://mta-sts.domain.example/other")));
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn another_status_is_an_answer() {
    let page = "x".repeat(100_000);
    let answer = format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{page}", page.len());
    let file = World::new(&answer).await.get().await.unwrap();
    assert_eq!((file.status, file.body.len()), (404, 0));
}

#[tokio::test]
async fn reads_no_more_than_64_kib() {
    let fits = "x".repeat(64 * 1024);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{fits}", fits.len());
    assert_eq!(World::new(&answer).await.get().await.unwrap().body.len(), 64 * 1024);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{fits}y", fits.len() + 1);
    assert_eq!(World::new(&answer).await.get().await, Err(FetchError::TooLarge { limit: 65_536 }));
    // Chunks without an end: the rest never comes, and is not waited for.
    let chunk = format!("10001\r\n{fits}y\r\n");
    let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    assert_eq!(World::new(&answer).await.get().await, Err(FetchError::TooLarge { limit: 65_536 }));
}

#[tokio::test]
async fn a_slow_server_is_given_up() {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"] {
        let mut world = World::new(answer).await;
        world.settings.timeout = Duration::from_millis(400);
        assert_eq!(world.get().await, Err(FetchError::Timeout), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_no_answer() {
    for answer in ["220 mail.example ESMTP\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"] {
        let result = World::new(answer).await.get().await;
        assert!(matches!(result, Err(FetchError::Http { .. })), "{result:?}");
    }
    let header = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    let result = World::new(&header).await.get().await;
    assert!(matches!(result, Err(FetchError::Http { .. })), "{result:?}");
}

#[tokio::test]
async fn certificates_are_checked() {
    let authority = Authority::new();
    let expired = authority.issue("mta-sts.domain.example", 2020, 2021);
    let future = authority.issue("mta-sts.domain.example", 2400, 2500);
    let other = authority.issue("www.domain.example", 2020, 2500);
    let parent = authority.issue("domain.example", 2020, 2500);
    let stranger = Authority::named("A stranger").issue("mta-sts.domain.example", 2020, 2500);
    let wildcard = authority.issue("*.domain.example", 2020, 2500);
    for (certificate, expected) in [
        (expired, Some(CertificateFault::Expired)),
        (future, Some(CertificateFault::NotYetValid)),
        (other, Some(CertificateFault::WrongName)),
        (parent, Some(CertificateFault::WrongName)),
        (stranger, Some(CertificateFault::UnknownIssuer)),
        (wildcard, None),
    ] {
        let world = World::with(&authority, certificate, EMPTY).await;
        let expected = expected.map(|fault| FetchError::Certificate { fault });
        assert_eq!(world.get().await.err(), expected);
        // Nothing is said to somebody who is not trusted.
        assert_eq!(world.requests().is_empty(), expected.is_some());
    }
}

#[tokio::test]
async fn every_fetch_sees_the_certificate_anew() {
    let world = World::new(EMPTY).await;
    let https = world.https(world.settings.clone());
    for _ in 0..3 {
        https.get("mta-sts.domain.example", PATH).await.unwrap();
    }
    let requests = world.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.starts_with("GET ")), "{requests:?}");
}

#[tokio::test]
async fn a_port_without_tls_or_without_anybody() {
    let world = World::new(EMPTY).await;
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    let serve = async {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let settings = Settings { port, ..world.settings.clone() };
    let (result, _stream) = tokio::join!(world.get_with(settings.clone()), serve);
    assert!(matches!(result, Err(FetchError::Tls { .. })), "{result:?}");
    drop(plain);
    let result = world.get_with(settings).await;
    assert!(matches!(result, Err(FetchError::Unreachable { .. })), "{result:?}");
}

#[tokio::test]
async fn every_address_is_tried() {
    let world = World::new(EMPTY).await;
    for addresses in ["AAAA ::1", "A 127.0.0.2"] {
        world.dns.replace(&format!("mta-sts IN {addresses}\nmta-sts IN A 127.0.0.1\n"));
        assert_eq!(world.get().await.unwrap().status, 200, "{addresses}");
    }
}

#[tokio::test]
async fn hosts_without_a_usable_address() {
    let world = World::new(EMPTY).await;
    for (zone, expected) in [
        ("", FetchError::NoHost),
        ("mta-sts IN TXT \"a\"\n", FetchError::NoHost),
        ("mta-sts IN CNAME gone\n", FetchError::NoHost),
        ("; servfail: mta-sts.domain.example\n", FetchError::Resolve { trouble: Trouble::ServerFailure }),
    ] {
        world.dns.replace(zone);
        assert_eq!(world.get().await, Err(expected), "{zone}");
    }
    world.dns.replace(ZONE);
    let settings = Settings { private_addresses: false, ..world.settings.clone() };
    let refused = FetchError::SpecialAddress { address: "127.0.0.1".parse().unwrap(), kind: "loopback" };
    assert_eq!(world.get_with(settings).await, Err(refused));
}

#[tokio::test]
async fn trust_comes_from_files() {
    let world = World::new(EMPTY).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.pem");
    assert!(matches!(roots(Some(&path)), Err(RootsError::Unreadable { .. })));
    fs::write(&path, "nothing of that kind\n").unwrap();
    assert!(matches!(roots(Some(&path)), Err(RootsError::Empty { .. })));
    fs::write(&path, world.authority.certificate.pem()).unwrap();
    let https = |roots| Https::new(roots, world.dns.resolver(), world.settings.clone()).unwrap();
    let trusting = https(roots(Some(&path)).unwrap());
    assert_eq!(trusting.get("mta-sts.domain.example", PATH).await.unwrap().status, 200);

    let nobody = https(RootCertStore::empty());
    assert!(!nobody.has_roots());
    assert_eq!(nobody.get("mta-sts.domain.example", PATH).await, Err(FetchError::NoRoots));
}

#[tokio::test]
async fn the_whole_way_from_record_to_policy() {
    let body = "version: STSv1\nmode: enforce\nmx: mx.domain.example\nmax_age: 604800\n";
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let world = World::new(&answer).await;
    world
        .dns
        .replace(&format!("{ZONE}@ IN MX 10 mx\nmx IN A 192.0.2.1\n_mta-sts IN TXT \"v=STSv1; id=1;\"\n"));
    let subject = Subject { domain: "domain.example".to_owned(), ..Subject::default() };
    let examiner = Examiner::new(world.dns.resolver(), world.dns.validator())
        .with_https(world.https(world.settings.clone()));
    // Runs on any thread, as the daemon's tasks do.
    let examined = tokio::spawn({
        let subject = subject.clone();
        async move { examiner.examine(&subject, 1).await }
    });
    let outcome = examined.await.unwrap().mta_sts;
    assert_eq!(outcome.check.status(), Status::Ok, "{:#?}", outcome.check);
    assert_eq!(outcome.check.facts["mode"].as_deref(), Some("enforce"));
    let outcome =
        Examiner::new(world.dns.resolver(), world.dns.validator()).examine(&subject, 1).await.mta_sts;
    assert_eq!(outcome.check.status(), Status::Unknown);
}

const ZONE: &str = "mta-sts IN A 127.0.0.1\n";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A name server, and a web server that answers every request with the same bytes and then keeps the connection open.
struct World {
    dns: Dns,
    authority: Arc<Authority>,
    settings: Settings,
    requests: Arc<Mutex<Vec<String>>>,
}

impl World {
    async fn new(answer: &str) -> Self {
        let authority = Authority::new();
        let certificate = authority.issue("mta-sts.domain.example", 2020, 2500);
        Self::with(&authority, certificate, answer).await
    }

    async fn with(authority: &Arc<Authority>, certificate: Issued, answer: &str) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.0], certificate.1)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (answer.to_owned(), requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer, seen) = (acceptor.clone(), answer.clone(), seen.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    if stream.get_ref().1.handshake_kind() != Some(HandshakeKind::Full) {
                        seen.lock().unwrap().push("resumed".to_owned());
                    }
                    let mut request = [0; 4096];
                    // The client may hang up at any time.
                    while let Ok(length @ 1..) = stream.read(&mut request).await {
                        seen.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
                        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err()
                        {
                            break;
                        }
                    }
                });
            }
        });
        let settings = Settings { timeout: Duration::from_secs(10), port, private_addresses: true };
        Self { dns: Dns::serve(ZONE).await, authority: authority.clone(), settings, requests }
    }

    async fn get(&self) -> Result<PolicyFile, FetchError> {
        self.get_with(self.settings.clone()).await
    }

    async fn get_with(&self, settings: Settings) -> Result<PolicyFile, FetchError> {
        self.https(settings).get("mta-sts.domain.example", PATH).await
    }

    fn https(&self, settings: Settings) -> Https {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.certificate.der().clone()).unwrap();
        Https::new(roots, self.dns.resolver(), settings).unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

struct Authority {
    certificate: CertifiedIssuer<'static, KeyPair>,
}

struct Issued(CertificateDer<'static>, PrivateKeyDer<'static>);

impl Authority {
    fn new() -> Arc<Self> {
        Self::named("The authority of these tests")
    }

    fn named(name: &str) -> Arc<Self> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Arc::new(Self { certificate })
    }

    /// A certificate for `name`, from the first day of one year to that of another.
    fn issue(&self, name: &str, from: i32, until: i32) -> Issued {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.certificate).unwrap();
        Issued(certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }
}
