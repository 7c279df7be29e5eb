use serde::{Deserialize, Serialize};

/// What SPF (RFC 7208) says of the client.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Spf {
    /// The domain that was asked, normalized; none when there was none to ask.
    pub domain: Option<String>,
    /// Where it was taken from.
    pub scope: SpfScope,
    /// The result.
    pub result: SpfResult,
}

/// Which identity SPF was asked about.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpfScope {
    /// MAIL FROM.
    #[default]
    Mfrom,
    /// HELO, because the reverse-path is null.
    Helo,
}

impl SpfScope {
    /// The word of RFC 9990.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mfrom => "mfrom",
            Self::Helo => "helo",
        }
    }
}

/// Results of SPF, in the words of RFC 8601.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "RFC 7208 section 2.6 explains them")]
pub enum SpfResult {
    #[default]
    None,
    Neutral,
    Pass,
    Fail,
    SoftFail,
    TempError,
    PermError,
}

impl SpfResult {
    /// The word of RFC 8601.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

/// One signature.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Dkim {
    /// `d=`, normalized.
    pub domain: String,
    /// `s=`, normalized.
    pub selector: String,
    /// The result.
    pub result: DkimResult,
    /// Why it is no pass.
    pub reason: Option<DkimReason>,
    /// Whether `domain` is aligned with the From domain; known of a signature that passes or nearly does.
    pub aligned: bool,
}

impl Dkim {
    pub(super) fn summary(&self) -> String {
        let Self { domain, selector, .. } = self;
        match self.reason {
            Some(reason) => format!("{} {domain}/{selector} ({})", self.result.as_str(), reason.as_str()),
            None => format!("{} {domain}/{selector}", self.result.as_str()),
        }
    }
}

/// Results of a signature, in the words of RFC 8601.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DkimResult {
    /// It verifies.
    Pass,
    /// It does not.
    Fail,
    /// It may verify, but proves too little to be a pass: see [`DkimReason`].
    Policy,
    /// It was not verified.
    Neutral,
    /// Its key could not be looked up at the moment.
    TempError,
    /// There is no usable key.
    PermError,
}

impl DkimResult {
    /// The word of RFC 8601.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Policy => "policy",
            Self::Neutral => "neutral",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

/// Why a signature is no pass.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DkimReason {
    /// The body is not the one that was signed.
    BodyHash,
    /// The signature is wrong for these header fields.
    Signature,
    /// It had expired when the message was received.
    Expired,
    /// It does not cover the From field (RFC 6376 section 5.4).
    FromNotSigned,
    /// It covers the beginning of the body only (`l=`), so that anything may have been added.
    Length,
    /// It rests on SHA-1 (RFC 8301).
    Sha1,
    /// It rests on an RSA key of less than 1024 bits (RFC 8301).
    ShortKey,
    /// The key's owner is not the signature's (`i=`).
    Identity,
    /// There is no key of that name.
    NoKey,
    /// The key was revoked.
    Revoked,
    /// The key, or its kind, cannot be used.
    BadKey,
    /// The key could not be looked up.
    Dns,
}

impl DkimReason {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BodyHash => "body_hash",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::FromNotSigned => "from_not_signed",
            Self::Length => "length",
            Self::Sha1 => "sha1",
            Self::ShortKey => "short_key",
            Self::Identity => "identity",
            Self::NoKey => "no_key",
            Self::Revoked => "revoked",
            Self::BadKey => "bad_key",
            Self::Dns => "dns",
        }
    }
}

/// Results of DMARC, in the words of RFC 8601.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcResult {
    /// DMARC does not apply.
    #[default]
    None,
    /// Something aligned passes.
    Pass,
    /// Nothing aligned passes.
    Fail,
    /// It could not be told at the moment.
    TempError,
    /// The record cannot be used.
    PermError,
}

impl DmarcResult {
    /// The word of RFC 8601.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

/// Why nothing can be said of a message's provenance.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Doubt {
    /// The settings turn the examination off.
    Disabled,
    /// It took too long.
    Timeout,
    /// DNS did not answer a question that mattered.
    Dns,
    /// The message has no header, or a larger one than is read.
    Header,
    /// There is no From field with a domain in it.
    NoFrom,
    /// There are several From fields, or From domains: DMARC does not apply (RFC 9989 section 5.3.1).
    SeveralFrom,
    /// Neither the From domain nor one above it has a DMARC record.
    NoRecord,
    /// The DMARC record cannot be used.
    BadRecord,
    /// An aligned signature is there that may be right, but proves too little: `l=`, SHA-1 or a short key.
    WeakSignature,
    /// Nothing aligned passes, but the message is so old that keys and addresses may have changed since.
    Late,
}

impl Doubt {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Header => "header",
            Self::NoFrom => "no_from",
            Self::SeveralFrom => "several_from",
            Self::NoRecord => "no_record",
            Self::BadRecord => "bad_record",
            Self::WeakSignature => "weak_signature",
            Self::Late => "late",
        }
    }
}
