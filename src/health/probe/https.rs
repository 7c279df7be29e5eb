//! Fetches one small file over HTTPS, as senders do with a policy of MTA-STS: nothing is followed, nothing is trusted
//! that they would not trust.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, LOCATION, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use rustls::{
    CertificateError, ClientConfig, RootCertStore, client::Resumption, crypto::ring, pki_types::ServerName,
};
use tokio::{join, net::TcpStream, select, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

use ruad_dns::{
    Resolver, Trouble, connect, may_connect,
    mta_sts::{CertificateFault, FetchError, PolicyFile},
    special,
};
use ruad_smtp::certificate::validity;

/// How files are fetched.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long a fetch may take from the first question to the last byte; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub timeout: Duration,
    /// The port that is connected to.
    pub port: u16,
    /// Whether hosts with private and loopback addresses are connected to. Whoever owns a domain that is examined
    /// chooses the address, so that this lets them knock on doors of this network.
    pub private_addresses: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(15), port: 443, private_addresses: false }
    }
}

/// Fetches files. Cheap to clone.
#[derive(Clone)]
pub struct Https {
    resolver: Resolver,
    settings: Arc<Settings>,
    /// `None` when this machine has no root certificates.
    tls: Option<Arc<ClientConfig>>,
}

impl Https {
    /// Trusts nobody but `roots`. Without any, everything that is fetched ends in [`FetchError::NoRoots`].
    ///
    /// # Errors
    ///
    /// When the cipher suites do not go together.
    pub fn new(
        roots: impl Into<Arc<RootCertStore>>,
        resolver: Resolver,
        settings: Settings,
    ) -> Result<Self, rustls::Error> {
        let roots = roots.into();
        let settings = Arc::new(settings);
        if roots.is_empty() {
            return Ok(Self { resolver, settings, tls: None });
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // A resumed session shows the certificate of its first one, which may have expired since.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { resolver, settings, tls: Some(Arc::new(config)) })
    }

    /// Whether certificates can be checked at all.
    pub fn has_roots(&self) -> bool {
        self.tls.is_some()
    }

    /// Gets `path` from `host`.
    ///
    /// # Errors
    ///
    /// [`FetchError`] when there is no HTTP answer from a server with a certificate for that name, or one that is too
    /// long. A redirect or another status is an answer.
    pub async fn get(&self, host: &str, path: &str) -> Result<PolicyFile, FetchError> {
        timeout(self.settings.timeout, self.exchange(host, path)).await.unwrap_or(Err(FetchError::Timeout))
    }

    async fn exchange(&self, host: &str, path: &str) -> Result<PolicyFile, FetchError> {
        let addresses = self.addresses(host).await?;
        let tls = self.tls.clone().ok_or(FetchError::NoRoots)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| FetchError::NoHost)?;
        let stream = self.connect(&addresses).await?;
        let stream =
            TlsConnector::from(tls).connect(name, stream).await.map_err(|error| tls_error(&error))?;
        let certificate_life = life(&stream);
        let mut file = ask(stream, host, path).await?;
        file.certificate_life = certificate_life;
        Ok(file)
    }

    /// The first few addresses of `host`, IPv6 and IPv4 in turns.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, FetchError> {
        let (ipv6, ipv4) = join!(self.resolver.aaaa(host), self.resolver.a(host));
        // A name that cannot be asked for has no address for certain.
        let trouble = ipv4.trouble().or(ipv6.trouble()).filter(|trouble| *trouble != Trouble::BadName);
        let mut addresses = Vec::new();
        for index in 0..ATTEMPTS {
            addresses.extend(ipv6.records().get(index).map(|ip| IpAddr::V6(*ip)));
            addresses.extend(ipv4.records().get(index).map(|ip| IpAddr::V4(*ip)));
        }
        if addresses.is_empty() {
            return Err(trouble.map_or(FetchError::NoHost, |trouble| FetchError::Resolve { trouble }));
        }
        let is_allowed = |ip: &IpAddr| may_connect(*ip, self.settings.private_addresses).is_ok();
        let inside = addresses.iter().find(|ip| !is_allowed(ip)).copied();
        addresses.retain(is_allowed);
        addresses.truncate(ATTEMPTS);
        match (addresses.is_empty(), inside) {
            (true, Some(address)) => {
                let kind = special(address).unwrap_or("documentation");
                Err(FetchError::SpecialAddress { address, kind })
            }
            _ => Ok(addresses),
        }
    }

    /// Connects to the first address that answers. Each gets its share of the time, so that one that is silent leaves
    /// some for the next.
    async fn connect(&self, addresses: &[IpAddr]) -> Result<TcpStream, FetchError> {
        let share =
            self.settings.timeout / (u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_add(1));
        let (mut silent, mut refused, mut local) = (false, None, None);
        for address in addresses {
            let address = SocketAddr::new(*address, self.settings.port);
            match timeout(share, connect(address, self.settings.private_addresses)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => silent = true,
                Ok(Err(error)) if is_theirs(&error) => refused = Some(format!("{}: {error}", address.ip())),
                Ok(Err(error)) => local = Some(format!("{}: {error}", address.ip())),
                Err(_) => silent = true,
            }
        }
        Err(match (silent, refused, local) {
            (true, ..) => FetchError::Timeout,
            (false, Some(reason), _) => FetchError::Unreachable { reason },
            (false, None, reason) => FetchError::NoRoute { reason: reason.unwrap_or_default() },
        })
    }
}

/// Whether the other end said no; anything else may be this machine's network.
fn is_theirs(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | ConnectionAborted)
}

async fn ask(stream: TlsStream<TcpStream>, host: &str, path: &str) -> Result<PolicyFile, FetchError> {
    let request = Request::get(path)
        .header(HOST, host)
        .header(ACCEPT, "text/plain")
        .header(USER_AGENT, concat!("ruad/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| FetchError::Http { reason: error.to_string() })?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEADER_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| http_error(&error))?;
    let exchange = async move {
        let response = sender.send_request(request).await.map_err(|error| http_error(&error))?;
        read(response).await
    };
    let mut exchange = std::pin::pin!(exchange);
    select! {
        biased;
        result = &mut exchange => result,
        // The connection has ended; what came over it is still to be read.
        _ = connection => exchange.await,
    }
}

async fn read(response: Response<Incoming>) -> Result<PolicyFile, FetchError> {
    let text = |name: HeaderName| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let mut file = PolicyFile {
        status: response.status().as_u16(),
        location: text(LOCATION),
        content_type: text(CONTENT_TYPE),
        ..PolicyFile::default()
    };
    if response.status() != StatusCode::OK {
        return Ok(file);
    }
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| http_error(&error))?.into_data() else { continue };
        if file.body.len() + data.len() > BODY_BYTES {
            return Err(FetchError::TooLarge { limit: BODY_BYTES });
        }
        file.body.extend_from_slice(&data);
    }
    Ok(file)
}

fn http_error(error: &hyper::Error) -> FetchError {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    FetchError::Http { reason: format!("{error}{source}") }
}

fn tls_error(error: &io::Error) -> FetchError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(certificate)) = inner else {
        return FetchError::Tls { reason: error.to_string() };
    };
    let fault = match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::WrongName
        }
        CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
        other => CertificateFault::Other(other.to_string()),
    };
    FetchError::Certificate { fault }
}

/// How long the certificate is valid still, and in all.
fn life(stream: &TlsStream<TcpStream>) -> Option<(Duration, Duration)> {
    let validity = validity(stream.get_ref().1.peer_certificates()?.first()?)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let left = u64::try_from(validity.end).ok()?.saturating_sub(now);
    let whole = u64::try_from(validity.end.checked_sub(validity.start)?).ok()?;
    Some((Duration::from_secs(left), Duration::from_secs(whole)))
}

/// RFC 8461 section 3.3 suggests that senders read no more.
const BODY_BYTES: usize = 64 * 1024;
const HEADER_BYTES: usize = 16 * 1024;
/// Addresses that are tried.
const ATTEMPTS: usize = 4;
