//! What comes of fetching a policy. How it is fetched is not known here.

use std::{fmt, net::IpAddr, time::Duration};

use crate::Trouble;

/// An HTTPS answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PolicyFile {
    /// The status, such as 200.
    pub status: u16,
    /// Where a redirect leads to; it is not followed (RFC 8461 section 3.3).
    pub location: Option<String>,
    /// The media type as sent.
    pub content_type: Option<String>,
    /// The content; empty unless the status is 200.
    pub body: Vec<u8>,
    /// How long the certificate is valid still, and was in all.
    pub certificate_life: Option<(Duration, Duration)>,
}

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The host does not exist, or has no address.
    #[error("the host has no address")]
    NoHost,
    /// The host's addresses could not be told.
    #[error("the host's address could not be told: {trouble}")]
    Resolve {
        /// Why.
        trouble: Trouble,
    },
    /// The host has only addresses that nobody on the internet can reach.
    #[error("the host has the {kind} address {address}")]
    SpecialAddress {
        /// One of them.
        address: IpAddr,
        /// What it is.
        kind: &'static str,
    },
    /// No address takes a connection.
    #[error("no connection: {reason}")]
    Unreachable {
        /// What the last attempt ended with.
        reason: String,
    },
    /// It took too long, be it on our side or theirs.
    #[error("no answer in time")]
    Timeout,
    /// There is no way from here to the host.
    #[error("no way from this machine to the host: {reason}")]
    NoRoute {
        /// What the system said.
        reason: String,
    },
    /// This machine trusts no certificate authority.
    #[error("this machine has no root certificates")]
    NoRoots,
    /// The certificate is not one to trust.
    #[error("{fault}")]
    Certificate {
        /// Why.
        fault: CertificateFault,
    },
    /// TLS failed before there was a certificate, or after.
    #[error("TLS failed: {reason}")]
    Tls {
        /// What was said.
        reason: String,
    },
    /// What answers does not speak HTTP as it should.
    #[error("no valid HTTP answer: {reason}")]
    Http {
        /// What was wrong.
        reason: String,
    },
    /// The content is larger than any policy.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// How much is read; bytes.
        limit: usize,
    },
}

/// Why a certificate is not trusted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It is no longer valid.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for other names.
    WrongName,
    /// No authority known here has issued it.
    UnknownIssuer,
    /// Anything else.
    Other(String),
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("the certificate has expired"),
            Self::NotYetValid => f.write_str("the certificate is not valid yet"),
            Self::WrongName => f.write_str("the certificate is not for this name"),
            Self::UnknownIssuer => f.write_str("the certificate is from an authority that is not trusted"),
            Self::Other(reason) => write!(f, "the certificate cannot be used: {reason}"),
        }
    }
}
