use mail_auth::{
    DkimOutput, Error,
    common::{crypto::Algorithm, resolver::ToFqdn, verify::VerifySignature},
    dkim::{DkimError, Signature},
};

use super::{
    Dkim, DkimReason, DkimResult,
    keys::{Key, Keys},
};
use ruad_common::domain_name::normalize;

/// A signature, verified, and what is made of it.
pub(super) struct Judged<'a> {
    pub(super) signature: &'a Signature,
    pub(super) result: DkimResult,
    reason: Option<DkimReason>,
    /// Whether `d=` is aligned with the From domain.
    pub(super) aligned: bool,
    /// Whether the key may sign TLS reports.
    tls_rpt: bool,
}

impl<'a> Judged<'a> {
    /// None when `output` is not about a signature.
    pub(super) fn new(output: &'a DkimOutput<'a>, expired: bool, keys: &Keys) -> Option<Self> {
        let signature = output.signature()?;
        let key = keys.find(&key_name(signature));
        let (result, reason) = match classify(output) {
            _ if expired => (DkimResult::Neutral, Some(DkimReason::Expired)),
            (DkimResult::Fail, Some(DkimReason::Signature)) if key.is_some_and(Key::is_short) => {
                (DkimResult::Policy, Some(DkimReason::ShortKey))
            }
            (DkimResult::Pass, _) => match weakness(signature) {
                Some(DkimReason::FromNotSigned) => (DkimResult::PermError, Some(DkimReason::FromNotSigned)),
                Some(reason) => (DkimResult::Policy, Some(reason)),
                None => (DkimResult::Pass, None),
            },
            other => other,
        };
        let tls_rpt = key.is_some_and(Key::allows_tls_rpt);
        Some(Self { signature, result, reason, aligned: false, tls_rpt })
    }

    /// Whether it makes a TLS report trustworthy (RFC 8460 section 3).
    pub(super) fn signs_tls_rpt(&self) -> bool {
        self.result == DkimResult::Pass && self.aligned && self.tls_rpt
    }

    /// Whether it verifies, or might have, so that it matters who signed.
    pub(super) fn may_align(&self) -> bool {
        matches!(self.result, DkimResult::Pass | DkimResult::Policy)
    }

    pub(super) fn summary(&self) -> Option<Dkim> {
        Some(Dkim {
            domain: normalize(&self.signature.d)?,
            selector: normalize(&self.signature.s)?,
            result: self.result,
            reason: self.reason,
            aligned: self.aligned,
        })
    }
}

/// The name of the signature's key record, as the verifier asks for it.
pub(super) fn key_name(signature: &Signature) -> String {
    signature.domain_key().to_fqdn().into_owned()
}

fn classify(output: &DkimOutput<'_>) -> (DkimResult, Option<DkimReason>) {
    use mail_auth::DkimResult as Verified;
    let (result, error) = match output.result() {
        Verified::Pass => return (DkimResult::Pass, None),
        Verified::None => return (DkimResult::Neutral, None),
        Verified::Neutral(error) => (DkimResult::Neutral, error),
        Verified::Fail(error) => (DkimResult::Fail, error),
        Verified::PermError(error) => (DkimResult::PermError, error),
        Verified::TempError(error) => (DkimResult::TempError, error),
    };
    let reason = match error {
        Error::Dkim(DkimError::FailedBodyHashMatch) => return (DkimResult::Fail, Some(DkimReason::BodyHash)),
        Error::Dkim(DkimError::SignatureExpired) => DkimReason::Expired,
        Error::Dkim(DkimError::FailedAuidMatch) => DkimReason::Identity,
        Error::Dkim(DkimError::RevokedPublicKey) => DkimReason::Revoked,
        Error::Dns(mail_auth::DnsError::RecordNotFound(_)) => DkimReason::NoKey,
        Error::Dns(mail_auth::DnsError::Resolver(_)) => DkimReason::Dns,
        Error::Crypto(_) => DkimReason::Signature,
        _ => DkimReason::BadKey,
    };
    (result, Some(reason))
}

/// Why a signature that verifies proves too little.
fn weakness(signature: &Signature) -> Option<DkimReason> {
    if !signature.h.iter().any(|name| name.trim().eq_ignore_ascii_case("from")) {
        return Some(DkimReason::FromNotSigned);
    }
    if signature.l > 0 {
        return Some(DkimReason::Length);
    }
    (signature.a == Algorithm::RsaSha1).then_some(DkimReason::Sha1)
}
