//! What can be set about the receiver, and the limits of every session.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::network::Network;

/// Settings of the SMTP receiver.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Addresses to listen on. An IPv6 address means IPv6 alone: list `0.0.0.0:25` and `[::]:25` for both.
    /// Not used when systemd hands over the sockets.
    pub listen: Vec<SocketAddr>,
    /// The name in the greeting; the machine's host name when absent.
    pub hostname: Option<String>,
    /// Who receives mail here: `rua@reports.example` (and `rua+tag@…`), or `@reports.example` for everybody there.
    /// `postmaster` of each of those domains is always accepted, everything else is refused.
    pub recipients: Vec<String>,
    /// Certificate and key for STARTTLS, which is offered only with them.
    pub tls: Option<TlsSettings>,
    /// Addresses and networks of proxies that begin every connection with a PROXY protocol header (v1 or v2).
    pub proxy_from: Vec<Network>,
    /// Largest message in bytes, announced as `SIZE`.
    pub message_bytes: u64,
    /// Bytes of one too large message that are read (and thrown away) in order to answer `552` at its end; a
    /// client that sends more is disconnected.
    pub discard_bytes: u64,
    /// Longest command line in bytes, with its parameters and line end.
    pub line_bytes: usize,
    /// Recipients of one message.
    pub recipients_per_message: usize,
    /// Sessions at the same time. When more than half of them are taken, slow sessions end as others come; the last
    /// eighth is for networks that delivered genuine reports lately.
    pub sessions: usize,
    /// Sessions at the same time from one IPv4 address or one IPv6 /64.
    pub sessions_per_address: usize,
    /// Refused or malformed commands after which a session is ended.
    pub errors_per_session: u32,
    /// How long one command, the next piece of a message, a TLS handshake or a PROXY header may take to arrive,
    /// in seconds (RFC 5321 section 4.5.3.2.7 asks for five minutes), as long as there is room for others.
    #[serde(with = "ruad_common::seconds")]
    pub command_timeout: Duration,
    /// How long a whole session may take, in seconds.
    #[serde(with = "ruad_common::seconds")]
    pub session_timeout: Duration,
    /// How long messages under way may take to end after a shutdown was asked for, in seconds.
    #[serde(with = "ruad_common::seconds")]
    pub shutdown_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 2525))],
            hostname: None,
            recipients: Vec::new(),
            tls: None,
            proxy_from: Vec::new(),
            message_bytes: 50 * 1024 * 1024,
            discard_bytes: 4 * 50 * 1024 * 1024,
            line_bytes: 2048,
            recipients_per_message: 100,
            sessions: 4000,
            sessions_per_address: 20,
            errors_per_session: 20,
            command_timeout: Duration::from_secs(300),
            session_timeout: Duration::from_secs(3600),
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// The files STARTTLS needs.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// PEM file with the certificate, followed by the intermediate ones.
    pub certificate: PathBuf,
    /// PEM file with the private key (PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
}
