//! What came of a question.

use std::{fmt, time::Duration};

/// The answer to one question. "There is none" and "could not tell" are never the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer<T> {
    /// At least one record.
    Found(Found<T>),
    /// The name exists, without records of this type.
    NoData,
    /// The name does not exist (NXDOMAIN), and so nothing below it does (RFC 8020).
    NoName,
    /// Nobody could tell.
    Unknown(Trouble),
}

/// The records of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found<T> {
    /// The records, never none, in the order of the answer.
    pub records: Vec<T>,
    /// How long they may be remembered.
    pub ttl: Duration,
    /// The name that holds the records, when the one asked for is an alias (CNAME) of it.
    pub alias: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trouble {
    /// No server answered in time.
    Timeout,
    /// A server answered that it failed (SERVFAIL): often a broken delegation or a bad signature.
    ServerFailure,
    /// A server refuses to answer.
    Refused,
    /// The question cannot be asked: the name is none, or too long.
    BadName,
    /// The server passes on no signatures that lead to a trust anchor, so that nothing can be validated through it.
    Unvalidated,
    /// Anything else: no connection, an answer that cannot be read.
    Network,
    /// This machine has no root certificates, so that no certificate can be checked.
    NoRoots,
    /// What answers is not what it should be: a block list that lists nothing, or everything.
    Untrusted,
    /// What the domain publishes is more than one examination takes in.
    TooMuch,
    /// Nothing is configured that could tell.
    NotConfigured,
    /// What is configured has not been renewed for too long.
    OutOfDate,
}

impl<T> Answer<T> {
    /// The records; none when there are none or nobody could tell.
    pub fn records(&self) -> &[T] {
        match self {
            Self::Found(found) => &found.records,
            _ => &[],
        }
    }

    /// Why nobody could tell.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Unknown(trouble) => Some(*trouble),
            _ => None,
        }
    }

    /// Whether it is certain that there are no such records.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::NoData | Self::NoName)
    }
}

impl Trouble {
    /// Whether it may be over the next time. What lasts is no reason to ask again sooner: a server that knows nothing of
    /// DNSSEC, or a machine without root certificates.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Timeout | Self::ServerFailure | Self::Refused | Self::Network)
    }

    /// Whether it is about this installation's own data, and not about a domain: that costs no domain its score.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::NotConfigured | Self::OutOfDate)
    }

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::ServerFailure => "server_failure",
            Self::Refused => "refused",
            Self::BadName => "bad_name",
            Self::Unvalidated => "unvalidated",
            Self::Network => "network",
            Self::NoRoots => "no_roots",
            Self::Untrusted => "untrusted",
            Self::TooMuch => "too_much",
            Self::NotConfigured => "not_configured",
            Self::OutOfDate => "out_of_date",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no server answered in time",
            Self::ServerFailure => "the server answered that it failed",
            Self::Refused => "the server refused to answer",
            Self::BadName => "the name cannot be asked for",
            Self::Unvalidated => "the server passes on no signatures that lead to a trust anchor",
            Self::Network => "the server could not be reached or its answer not be read",
            Self::NoRoots => "this machine has no root certificates to check others with",
            Self::Untrusted => "what answers does not work as it should",
            Self::TooMuch => "the domain's answers are more than one examination takes in",
            Self::NotConfigured => "nothing is configured that could tell",
            Self::OutOfDate => "the data that it needs is missing or too old",
        })
    }
}
