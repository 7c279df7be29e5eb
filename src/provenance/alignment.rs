use mail_auth::{
    AuthenticatedMessage, DkimOutput, DmarcOutput, Error, MessageAuthenticator, Parameters, SpfOutput,
    dkim::Signature, dmarc::verify::DmarcParameters,
};

use super::{DkimResult, DmarcResult, Doubt, Evidence, judged::Judged};

/// What DMARC is asked about.
pub(super) struct Alignment<'a> {
    pub(super) verifier: &'a MessageAuthenticator,
    pub(super) message: &'a AuthenticatedMessage<'a>,
    pub(super) spf: &'a SpfOutput,
    /// The From domain.
    pub(super) author: &'a str,
}

impl Alignment<'_> {
    /// Finds the result of DMARC and of each signature's alignment, and what is in doubt.
    pub(super) async fn judge(&self, signatures: &mut [Judged<'_>], evidence: &mut Evidence) {
        let strong: Vec<_> = signatures
            .iter()
            .filter_map(|judged| match judged.result {
                DkimResult::Pass => Some(DkimOutput::pass().with_signature(judged.signature)),
                DkimResult::TempError => Some(temporary().with_signature(judged.signature)),
                _ => None,
            })
            .collect();
        let output = self.ask(&strong, self.spf).await;
        let mut is_weak = false;
        for judged in signatures {
            if !judged.may_align() {
                continue;
            }
            judged.aligned = judged.signature.d == self.author || self.is_aligned(judged.signature).await;
            is_weak |= judged.aligned && judged.result == DkimResult::Policy;
        }
        (evidence.dmarc, evidence.doubt) = match output.result() {
            mail_auth::DmarcResult::Pass => (DmarcResult::Pass, None),
            mail_auth::DmarcResult::Fail(_) => (DmarcResult::Fail, is_weak.then_some(Doubt::WeakSignature)),
            mail_auth::DmarcResult::TempError(_) => (DmarcResult::TempError, Some(Doubt::Dns)),
            mail_auth::DmarcResult::PermError(_) => (DmarcResult::PermError, Some(Doubt::BadRecord)),
            mail_auth::DmarcResult::None => (DmarcResult::None, Some(Doubt::NoRecord)),
        };
    }

    /// Whether this signature alone would make DMARC pass. The answers it takes are in the resolver's cache.
    async fn is_aligned(&self, signature: &Signature) -> bool {
        let output = [DkimOutput::pass().with_signature(signature)];
        let output = self.ask(&output, &SpfOutput::new(String::new())).await;
        matches!(output.dkim_result(), mail_auth::DmarcResult::Pass)
    }

    async fn ask(&self, dkim: &[DkimOutput<'_>], spf: &SpfOutput) -> DmarcOutput {
        let parameters = DmarcParameters::new(self.message, dkim, spf.domain(), spf);
        self.verifier.verify_dmarc(Parameters::new(parameters)).await
    }
}

fn temporary<'a>() -> DkimOutput<'a> {
    DkimOutput::temp_err(Error::Dns(mail_auth::DnsError::Resolver(String::new())))
}
