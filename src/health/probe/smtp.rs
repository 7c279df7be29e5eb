//! Asks the hosts that receive mail for TLS, as a sender would, and hangs up.

mod memory;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use rustls::{
    AlertDescription, ClientConfig, DigitallySignedStruct, Error as TlsError, PeerIncompatible,
    RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use self::memory::Memory;
use ruad_common::text::is_invisible;
use ruad_dns::{
    Trouble, connect,
    dane::{Session, Target},
    may_connect,
};

/// Asks servers for TLS. Cheap to clone.
#[derive(Clone)]
pub struct Smtp {
    /// The name this machine introduces itself with.
    pub hostname: String,
    /// Where mail is received: 25, but for tests.
    pub port: u16,
    /// How long one conversation may take.
    pub timeout: Duration,
    /// Whether servers with private and loopback addresses are asked. Whoever owns a domain that is examined chooses the
    /// address of its mail host, so that this lets them knock on doors of this network.
    pub private_addresses: bool,
    authorities: Option<Arc<RootCertStore>>,
    connector: TlsConnector,
    memory: Arc<Memory>,
}

impl Smtp {
    /// A probe that introduces itself as `hostname`. `authorities` are those whose certificates count as trusted.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(hostname: String, authorities: Option<Arc<RootCertStore>>) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let anybody = Arc::new(Anybody(provider.clone()));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(anybody)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self {
            hostname,
            port: 25,
            timeout: TIMEOUT,
            private_addresses: false,
            authorities,
            connector,
            memory: Arc::default(),
        })
    }

    /// The authorities whose certificates count as trusted.
    pub fn authorities(&self) -> Option<&Arc<RootCertStore>> {
        self.authorities.as_ref()
    }

    /// Asks all of them, a few at a time, but for those at addresses that nobody on the internet can reach.
    pub async fn try_all(&self, targets: Vec<Target>) -> Vec<(Target, Session)> {
        // Not by a closure in the stream: its future would be tied to every lifetime there is.
        let is_allowed = |target: &Target| may_connect(target.address, self.private_addresses).is_ok();
        let targets = targets.into_iter().filter(is_allowed);
        let asked: Vec<_> = targets.map(|target| self.clone().try_one(target)).collect();
        stream::iter(asked).buffered(AT_ONCE).collect().await
    }

    async fn try_one(self, target: Target) -> (Target, Session) {
        let session = self.ask(&target).await;
        (target, session)
    }

    /// Asks one server for TLS, or remembers what it showed a moment ago: many domains have the same servers, which
    /// would otherwise be asked again and again, and take offence.
    pub async fn ask(&self, target: &Target) -> Session {
        let key = (target.address, target.server_name.clone());
        self.memory.get_or(key, self.ask_now(target)).await
    }

    async fn ask_now(&self, target: &Target) -> Session {
        match timeout(self.timeout, self.converse(target)).await {
            Ok(Ok(session)) => session,
            Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => {
                Session::Unreachable { trouble: Trouble::Timeout }
            }
            Ok(Err(_)) => Session::Unreachable { trouble: Trouble::Network },
            Err(_) => Session::Unreachable { trouble: Trouble::Timeout },
        }
    }

    async fn converse(&self, target: &Target) -> io::Result<Session> {
        let address = SocketAddr::new(target.address, self.port);
        let mut stream = connect(address, self.private_addresses).await?;
        let greeting = Reply::read(&mut stream).await?;
        if greeting.code != 220 {
            return Ok(Session::Refused { reply: greeting.last });
        }
        let hello = Reply::ask(&mut stream, &format!("EHLO {}", self.hostname)).await?;
        if hello.code != 250 {
            Reply::quit(&mut stream).await;
            // A server that only knows HELO has no extensions (RFC 5321 section 4.1.1.1).
            return Ok(match hello.code {
                500..=502 | 504 => Session::NoStarttls,
                _ => Session::Refused { reply: hello.last },
            });
        }
        if !hello.starttls {
            Reply::quit(&mut stream).await;
            return Ok(Session::NoStarttls);
        }
        let ready = Reply::ask(&mut stream, "STARTTLS").await?;
        if ready.code != 220 {
            Reply::quit(&mut stream).await;
            return Ok(Session::StarttlsRefused { reply: ready.last });
        }
        Ok(self.handshake(stream, &target.server_name).await)
    }

    async fn handshake(&self, stream: TcpStream, name: &str) -> Session {
        let failed = |reason: String, old| Session::HandshakeFailed { reason, old };
        let Ok(name) = ServerName::try_from(name.to_owned()) else {
            return failed(format!("{name} is no name for a handshake"), false);
        };
        let mut stream = match self.connector.connect(name, stream).await {
            Ok(stream) => stream,
            Err(error) => {
                let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
                return failed(plain(&error.to_string()), tls.is_some_and(is_too_old));
            }
        };
        let (_, connection) = stream.get_ref();
        let version = connection.protocol_version().and_then(|version| version.as_str());
        let version = version.unwrap_or_default().replace("TLSv1_", "TLSv1.");
        let chain = connection.peer_certificates().unwrap_or_default();
        let chain = chain.iter().take(CERTIFICATES).map(|certificate| certificate.to_vec()).collect();
        Reply::quit(&mut stream).await;
        Session::Tls { version, chain }
    }
}

/// The answer to a command.
struct Reply {
    code: u16,
    /// The text of its last line, made fit to print.
    last: String,
    /// Whether one of its lines is STARTTLS.
    starttls: bool,
}

impl Reply {
    async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, command: &str) -> io::Result<Self> {
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        Self::read(stream).await
    }

    /// Nothing depends on whether the server heard it.
    async fn quit<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
        let goodbye = async {
            stream.write_all(b"QUIT\r\n").await?;
            stream.flush().await?;
            Self::read(stream).await
        };
        drop(timeout(GOODBYE, goodbye).await);
    }

    /// Reads byte by byte up to the end of the reply: what follows 220 after STARTTLS belongs to TLS.
    async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Self> {
        let mut starttls = false;
        let mut left = REPLY_BYTES;
        loop {
            let mut line = Vec::new();
            while line.last() != Some(&b'\n') {
                left = left.checked_sub(1).ok_or(io::ErrorKind::InvalidData)?;
                line.push(stream.read_u8().await?);
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            let (code, rest) = text.split_at_checked(3).ok_or(io::ErrorKind::InvalidData)?;
            let code = code.parse().map_err(|_| io::ErrorKind::InvalidData)?;
            let words = rest.get(1..).unwrap_or_default().trim();
            starttls |= words.eq_ignore_ascii_case("STARTTLS");
            if !rest.starts_with('-') {
                return Ok(Self { code, last: plain(text), starttls });
            }
        }
    }
}

/// Anybody will do: what the certificate is worth is said later. Only that the server has its key is checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        // Senders without DANE take certificates of any age and make, such as those of version 1.
        if ParsedCertificate::try_from(certificate).is_err() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        if ParsedCertificate::try_from(certificate).is_err() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn is_too_old(error: &TlsError) -> bool {
    matches!(
        error,
        TlsError::AlertReceived(AlertDescription::ProtocolVersion)
            | TlsError::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13)
            | TlsError::PeerIncompatible(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig)
    )
}

/// A text from somebody else, short and without control characters.
fn plain(text: &str) -> String {
    text.chars().map(|one| if is_invisible(one) { ' ' } else { one }).take(LINE).collect()
}

/// A server that greets slowly on purpose, to see who has no patience, takes half a minute.
const TIMEOUT: Duration = Duration::from_secs(60);
const GOODBYE: Duration = Duration::from_secs(2);
const REPLY_BYTES: usize = 16 * 1024;
const LINE: usize = 200;
const CERTIFICATES: usize = 10;
const AT_ONCE: usize = 4;
