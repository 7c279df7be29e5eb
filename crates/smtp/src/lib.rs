//! The SMTP receiver: takes report mail for the configured recipients, and answers `250` when it is in the spool.
//!
//! It never relays, never bounces and never looks into a message. [`Server::bind`] takes the sockets,
//! [`Server::run`] serves them; a connection is `connection`, its conversation `session`, and nothing a client sends
//! makes either grow without bound.
#![forbid(unsafe_code)]

use std::{io, net::SocketAddr, path::PathBuf};

pub use known::KnownNetworks;
pub use known::network as network_of;
pub use listen::{activated_sockets, raise_open_files};
pub use network::{Network, NetworkError};
pub use server::{Handle, Server};
pub use settings::{Settings, TlsSettings};

pub mod certificate;
mod clock;
mod command;
mod connection;
mod data;
mod end;
mod foreign;
mod known;
mod listen;
mod network;
mod path;
mod proxy;
mod receive;
mod recipients;
mod reply;
mod server;
mod session;
mod settings;
mod slots;
pub mod telemetry;
mod tls;
mod wire;

/// Why the receiver cannot be started, or a certificate not be exchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpError {
    /// An address could not be bound.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address as configured.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// A socket handed over by systemd is not a listening TCP socket, or cannot be used.
    #[error("cannot use the socket handed over: {source}")]
    Socket {
        /// The system's error.
        source: io::Error,
    },
    /// The host name cannot be said in a greeting.
    #[error("{name:?} is not a host name")]
    Hostname {
        /// The name as configured, or as the system tells it.
        name: String,
    },
    /// No recipients are configured: every message would be refused.
    #[error("no recipients are configured")]
    NoRecipients,
    /// A recipient is not well-formed.
    #[error("{entry:?} is neither an address (rua@reports.example) nor a domain (@reports.example)")]
    Recipient {
        /// The entry as configured.
        entry: String,
    },
    /// A certificate or key file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<rustls::pki_types::pem::Error>,
    },
    /// A certificate or key file has none in it.
    #[error("{} holds no {what} in PEM format", path.display())]
    EmptyPem {
        /// The file.
        path: PathBuf,
        /// What belongs into it.
        what: &'static str,
    },
    /// Certificate and key cannot be used, for example because they do not belong together.
    #[error("cannot use the certificate in {}: {source}", path.display())]
    Certificate {
        /// The file with the certificate.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
}
