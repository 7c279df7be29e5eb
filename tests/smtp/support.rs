//! A receiver with a spool of its own on a port of its own, and a client that speaks byte by byte.

use std::{fs, future::Future, io::Read, net::SocketAddr, sync::Arc, time::Duration};

use ruad_smtp::{Handle, Server, Settings, TlsSettings};
use ruad_spool as spool;
use ruad_spool::{Envelope, Spool};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    pub(crate) spool: Spool,
    pub(crate) handle: Handle,
    pub(crate) stop: CancellationToken,
    running: JoinHandle<()>,
    folder: TempDir,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_spool(|_| {}, change)
    }

    pub(crate) fn with_spool(
        change_spool: impl FnOnce(&mut spool::Settings),
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let mut spool = spool::Settings {
            path: folder.path().join("spool"),
            min_free_bytes: 0,
            ..spool::Settings::default()
        };
        change_spool(&mut spool);
        let spool = Spool::open(&spool).unwrap();
        let mut settings = settings();
        change(&mut settings);
        let server = Server::bind(settings, spool.clone(), Vec::new()).unwrap();
        let address = server.local_addrs().unwrap()[0];
        let handle = server.handle();
        let stop = CancellationToken::new();
        let running = tokio::spawn(server.run(stop.clone()));
        Self { address, spool, handle, stop, running, folder }
    }

    pub(crate) fn with_tls(certificate: &Certificate) -> Self {
        Self::with(|settings| settings.tls = Some(certificate.settings()))
    }

    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        let mut client = self.connect_silently().await;
        let greeting = client.reply().await;
        assert!(greeting.starts_with("220 mx.reports.example ESMTP"), "{greeting}");
        client
    }

    /// Without reading the greeting.
    pub(crate) async fn connect_silently(&self) -> Client<TcpStream> {
        Client::new(soon(TcpStream::connect(self.address)).await.unwrap())
    }

    /// From another loopback address, and without reading the greeting.
    pub(crate) async fn connect_from(&self, address: [u8; 4]) -> Client<TcpStream> {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        Client::new(soon(socket.connect(self.address)).await.unwrap())
    }

    /// Stops the receiver; what it has stored, in order.
    pub(crate) async fn stored(self) -> Vec<(Envelope, Vec<u8>)> {
        self.stop.cancel();
        soon(self.running).await.unwrap();
        self.spool.close().await.unwrap();
        let mut stored = Vec::new();
        for _ in 0..self.spool.backlog().segments {
            let id = soon(self.spool.next_closed()).await;
            for message in self.spool.segment(id).unwrap().messages() {
                let message = message.unwrap();
                let mut bytes = Vec::new();
                message.open().unwrap().read_to_end(&mut bytes).unwrap();
                stored.push((message.envelope, bytes));
            }
        }
        drop(self.folder);
        stored
    }

    /// The same, the bytes alone.
    pub(crate) async fn bodies(self) -> Vec<String> {
        let stored = self.stored().await;
        stored.into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        hostname: Some("mx.reports.example".to_owned()),
        recipients: vec!["rua@reports.example".to_owned(), "@whole.example".to_owned()],
        shutdown_timeout: Duration::from_secs(5),
        ..Settings::default()
    }
}

/// One end of a conversation. Every reply is checked for its enhanced status code.
pub(crate) struct Client<S> {
    stream: S,
    read: Vec<u8>,
    greeted: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, read: Vec::new(), greeted: false }
    }

    /// Sends a command line and returns the whole answer without the last line end.
    pub(crate) async fn say(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// The same, when only the code and the enhanced code matter.
    pub(crate) async fn expect(&mut self, command: &str, start: &str) {
        let reply = self.say(command).await;
        assert!(reply.starts_with(start), "{command:?} was answered {reply:?}, not {start:?}");
    }

    /// EHLO, MAIL and RCPT.
    pub(crate) async fn begin(&mut self) {
        self.expect("EHLO client.example", "250-").await;
        self.transaction().await;
    }

    pub(crate) async fn transaction(&mut self) {
        self.expect("MAIL FROM:<noreply@sender.example>", "250 2.1.0").await;
        self.expect("RCPT TO:<rua@reports.example>", "250 2.1.5").await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
    }

    pub(crate) async fn reply(&mut self) -> String {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await.expect("a reply, not the end of the connection");
            let more = line.as_bytes().get(3) == Some(&b'-');
            lines.push(line);
            if !more {
                break;
            }
        }
        let reply = lines.join("\n");
        // RFC 2034: all but the greeting, HELO and EHLO, and the intermediate replies.
        let is_hello = !self.greeted || reply.starts_with("250-mx.") || reply.starts_with("250 mx.");
        self.greeted = true;
        let class = reply.chars().next().unwrap();
        if class != '3' && !(is_hello && class == '2') {
            assert!(
                reply.get(4..).is_some_and(|text| text.starts_with(class)),
                "no enhanced code in {reply:?}"
            );
            assert_eq!(reply.get(4..).unwrap().split(' ').next().unwrap().split('.').count(), 3, "{reply:?}");
        }
        reply
    }

    /// The rest of the conversation, up to the server's close.
    pub(crate) async fn rest(mut self) -> String {
        // A reset after the last reply is as good as a close.
        drop(soon(self.stream.read_to_end(&mut self.read)).await);
        String::from_utf8(self.read).unwrap()
    }

    pub(crate) fn into_stream(self) -> S {
        assert!(self.read.is_empty());
        self.stream
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.read.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.read.drain(..at + 2).collect::<Vec<_>>();
                return Some(String::from_utf8(line[..at].to_vec()).unwrap());
            }
            if soon(self.stream.read_buf(&mut self.read)).await.unwrap() == 0 {
                return None;
            }
        }
    }
}

impl Client<TcpStream> {
    /// STARTTLS, with commands sent behind it before the handshake.
    pub(crate) async fn start_tls(
        mut self,
        certificate: &Certificate,
        injected: &str,
    ) -> Client<TlsStream<TcpStream>> {
        self.send(format!("STARTTLS\r\n{injected}").as_bytes()).await;
        assert!(self.reply().await.starts_with("220 2.0.0"));
        assert!(self.read.is_empty(), "an answer in plain text to {injected:?}");
        let name = ServerName::try_from("mx.reports.example").unwrap();
        let stream = soon(certificate.connector().connect(name, self.stream)).await.unwrap();
        Client { stream, read: Vec::new(), greeted: true }
    }
}

/// A certificate and its key in files.
pub(crate) struct Certificate {
    folder: TempDir,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut certificate = Self { folder, der: CertificateDer::from_slice(&[]) };
        certificate.renew();
        certificate
    }

    /// Replaces both files.
    pub(crate) fn renew(&mut self) {
        let made = rcgen::generate_simple_self_signed(["mx.reports.example".to_owned()]).unwrap();
        let settings = self.settings();
        fs::write(settings.certificate, made.cert.pem()).unwrap();
        fs::write(settings.key, made.signing_key.serialize_pem()).unwrap();
        self.der = made.cert.der().clone();
    }

    pub(crate) fn settings(&self) -> TlsSettings {
        let file = |name| self.folder.path().join(name);
        TlsSettings { certificate: file("cert.pem"), key: file("key.pem") }
    }

    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }
}

impl<S> Client<TlsStream<S>> {
    /// Session tickets received so far.
    pub(crate) fn tickets(&self) -> u32 {
        self.stream.get_ref().1.tls13_tickets_received()
    }

    pub(crate) fn peer_certificate(&self) -> CertificateDer<'static> {
        self.stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }
}

/// Nothing in these tests takes longer than this.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("took too long")
}
