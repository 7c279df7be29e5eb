//! The web server of the customers: one file of each over HTTPS, which is the policy of MTA-STS.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use ruad::health::probe::Https;
use ruad::health::probe::https::Settings;
use ruad_dns::Resolver;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::Error;

/// A running web server with a certificate for `mta-sts.<domain>` of each domain.
pub struct Web {
    port: u16,
    roots: Arc<RootCertStore>,
    files: Files,
}

/// The files by the host they are asked of.
type Files = Arc<Mutex<BTreeMap<String, String>>>;

impl Web {
    /// Serves nothing yet.
    ///
    /// # Errors
    ///
    /// When there is no port or no certificate.
    pub async fn start(domains: &[&str]) -> Result<Self, Error> {
        let mut params = CertificateParams::new(Vec::new()).map_err(Error::tls)?;
        params.distinguished_name.push(DnType::CommonName, "The authority of a simulated internet");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(Error::tls)?)
            .map_err(Error::tls)?;
        let key = KeyPair::generate().map_err(Error::tls)?;
        let params =
            CertificateParams::new(domains.iter().map(host).collect::<Vec<_>>()).map_err(Error::tls)?;
        let certificate = params.signed_by(&key, &issuer).map_err(Error::tls)?;
        let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Error::tls)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)
            .map_err(Error::tls)?;
        let mut roots = RootCertStore::empty();
        roots.add(issuer.der().clone()).map_err(Error::tls)?;
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let web = Self { port: listener.local_addr()?.port(), roots: Arc::new(roots), files: Arc::default() };
        let (acceptor, files) = (TlsAcceptor::from(Arc::new(config)), web.files.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(acceptor.clone(), stream, files.clone()));
            }
        });
        Ok(web)
    }

    /// Serves this text for a domain from now on.
    pub fn put(&self, domain: &str, text: &str) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(host(&domain), text.to_owned());
    }

    /// What fetches from it.
    ///
    /// # Errors
    ///
    /// When the cipher suites do not go together.
    pub fn client(&self, resolver: Resolver) -> Result<Https, Error> {
        let settings =
            Settings { timeout: Duration::from_secs(10), port: self.port, private_addresses: true };
        Https::new(self.roots.clone(), resolver, settings).map_err(Error::tls)
    }
}

async fn answer(acceptor: TlsAcceptor, stream: TcpStream, files: Files) -> Option<()> {
    let mut stream = acceptor.accept(stream).await.ok()?;
    let mut request = [0; 4_096];
    let length = stream.read(&mut request).await.ok().filter(|length| *length > 0)?;
    let request = String::from_utf8_lossy(request.get(..length)?).to_ascii_lowercase();
    let asked = request.lines().find_map(|line| line.strip_prefix("host:"))?;
    let asked = asked.trim().split(':').next()?;
    let text = files.lock().unwrap_or_else(PoisonError::into_inner).get(asked).cloned();
    let (status, body) = match text {
        Some(text) => ("200 OK", text),
        None => ("404 Not Found", String::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

/// Where the policy of a domain is asked for.
fn host(domain: &&str) -> String {
    format!("mta-sts.{domain}")
}
