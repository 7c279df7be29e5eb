//! How a session ends.

use std::{error::Error, io};

use super::{proxy::ProxyError, reply::Reply};
use crate::telemetry::Limit;

/// Why a session does not go on.
#[derive(Debug)]
pub(super) enum End {
    /// Not the end of the connection: TLS comes next.
    StartTls,
    /// The client said QUIT.
    Quit,
    /// The client went away without it.
    Closed,
    /// A command, or the next piece of a message, did not come in time.
    Timeout,
    /// The session as a whole took too long.
    SessionTimeout,
    /// Too many commands were refused.
    Errors,
    /// The client speaks another protocol, HTTP for example.
    Foreign,
    /// The session has sent as many messages as one may.
    Messages,
    /// The session was among the slowest while others waited for its place.
    TooSlow,
    /// There is no place for another session.
    TooMany,
    /// A message is so far beyond the limit that reading to its end is not worth it.
    Oversize,
    /// The length of a chunk could not be read.
    Lost,
    /// The server is shutting down.
    Shutdown,
    /// The TLS handshake failed.
    Handshake(io::Error),
    /// The PROXY protocol header was missing or wrong.
    Proxy(ProxyError),
    /// The client has too many sessions already.
    TooManyFromHere,
    /// The connection broke.
    Io(io::Error),
}

impl End {
    /// The last words to the client, where there is somebody to hear them.
    pub(super) fn farewell(&self) -> Option<Reply> {
        Some(match self {
            Self::Quit => Reply::CLOSING,
            Self::Timeout => Reply::TIMEOUT,
            Self::SessionTimeout => Reply::SESSION_TOO_LONG,
            Self::Errors => Reply::TOO_MANY_ERRORS,
            Self::Foreign => Reply::NOT_SMTP,
            Self::Messages => Reply::TOO_MANY_MESSAGES,
            Self::TooSlow => Reply::TOO_SLOW,
            Self::TooMany => Reply::TOO_MANY_SESSIONS,
            Self::Oversize => Reply::TOO_BIG,
            Self::Lost => Reply::BAD_CHUNK,
            Self::Shutdown => Reply::SHUTTING_DOWN,
            Self::TooManyFromHere => Reply::TOO_MANY_FROM_HERE,
            Self::StartTls | Self::Closed | Self::Handshake(_) | Self::Proxy(_) | Self::Io(_) => return None,
        })
    }

    /// The limit that ended it.
    pub(super) fn limit(&self) -> Option<Limit> {
        Some(match self {
            Self::Timeout => Limit::CommandTimeout,
            Self::SessionTimeout => Limit::SessionTimeout,
            Self::Errors => Limit::Errors,
            Self::Oversize => Limit::Discard,
            Self::Messages => Limit::Messages,
            Self::TooSlow => Limit::Slow,
            Self::TooMany => Limit::Sessions,
            Self::TooManyFromHere => Limit::AddressSessions,
            _ => return None,
        })
    }

    /// What went wrong underneath.
    pub(super) fn error(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Handshake(error) | Self::Io(error) => Some(error),
            Self::Proxy(error) => Some(error),
            _ => None,
        }
    }

    /// The fixed name in metrics and logs.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Quit => "quit",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::SessionTimeout => "session_timeout",
            Self::Errors => "errors",
            Self::Foreign => "not_smtp",
            Self::Messages => "messages",
            Self::TooSlow => "too_slow",
            Self::TooMany => "sessions",
            Self::Oversize => "oversize",
            Self::Lost => "bad_chunk",
            Self::Shutdown => "shutdown",
            Self::Handshake(_) => "tls_handshake",
            Self::Proxy(_) => "proxy_header",
            Self::TooManyFromHere => "address_sessions",
            Self::Io(_) => "io",
        }
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        // What a peer that just leaves looks like, TLS without close_notify included.
        match error.kind() {
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
    }
}
