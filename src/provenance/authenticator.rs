use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use mail_auth::{
    AuthenticatedMessage, Error, MessageAuthenticator, Parameters, SpfOutput, Txt,
    common::cache::NoCache,
    dkim::Signature,
    dmarc::{Dmarc, Psd},
    spf::verify::SpfParameters,
};
use tokio::{join, time::timeout};

use super::{
    Delivery, DmarcResult, Doubt, Evidence, Letter, Settings, Spf, SpfResult, SpfScope,
    alignment::Alignment,
    judged::{Judged, key_name},
    keys::{Key, Keys},
    letter::{Author, Message},
};
use crate::provenance::telemetry::Checked;
use ruad_common::domain_name::{normalize, parents};
use ruad_dns::Expiring;

/// Examines messages. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

impl Authenticator {
    /// An authenticator that asks `resolver`, whose cache is the only one: answers are as bounded in number
    /// and age as it makes them.
    pub fn new(settings: &Settings, resolver: TokioResolver) -> Self {
        Self(Arc::new(Inner {
            settings: settings.clone(),
            verifier: MessageAuthenticator(resolver),
            unreachable: Expiring::new(UNREACHABLE_ENTRIES),
        }))
    }

    /// Examines one message. Takes as long as DNS does, but no longer than the settings allow; several
    /// messages may be examined at once.
    pub async fn check(&self, delivery: &Delivery<'_>, letter: &Letter) -> Evidence {
        let started = Instant::now();
        let settings = &self.0.settings;
        let evidence = if settings.enabled {
            let examination = timeout(settings.timeout, self.0.examine(delivery, letter));
            examination.await.unwrap_or_else(|_| timed_out(letter))
        } else {
            Evidence::unknown(Doubt::Disabled)
        };
        Checked { evidence: &evidence, took: started.elapsed() }.record();
        evidence
    }

    /// What is said of a message whose sender was not answered about in time.
    pub fn give_up(&self, letter: &Letter) -> Evidence {
        let evidence = timed_out(letter);
        Checked { evidence: &evidence, took: self.0.settings.timeout }.record();
        evidence
    }
}

fn timed_out(letter: &Letter) -> Evidence {
    Evidence { from_domain: letter.author_domain(), ..Evidence::unknown(Doubt::Timeout) }
}

struct Inner {
    settings: Settings,
    verifier: MessageAuthenticator,
    /// Questions that were not answered a moment ago, so that ten thousand messages from a reporter whose DNS
    /// is down do not each wait for it. An answer is the resolver's to remember, a missing one is not.
    unreachable: Expiring<String>,
}

impl Inner {
    async fn examine(&self, delivery: &Delivery<'_>, letter: &Letter) -> Evidence {
        let message = match letter.message() {
            Ok(message) => message,
            Err(doubt) => return Evidence::unknown(doubt),
        };
        let Message { mut parsed, author, skipped } = message;
        let received = delivery.received_at / 1_000;
        let expired: Vec<_> =
            parsed.dkim_headers.iter().map(|header| has_expired(&header.header, received)).collect();
        for header in &mut parsed.dkim_headers {
            // Expiry counts from arrival, not from now; reports to signers and third-party signatures cost
            // questions and change nothing.
            header.header.x = 0;
            header.header.r = false;
            header.header.atps = None;
        }
        let mut evidence =
            Evidence { dkim_skipped: u32::try_from(skipped).unwrap_or(u32::MAX), ..Evidence::default() };
        match author {
            Author::One { domain, is_operator } => {
                parsed.from = vec![format!("author@{domain}")];
                evidence.from_domain = Some(domain);
                evidence.from_operator = is_operator;
            }
            Author::None => evidence.doubt = Some(Doubt::NoFrom),
            Author::Several => evidence.doubt = Some(Doubt::SeveralFrom),
        }
        let domain = evidence.from_domain.clone();

        // The questions that do not depend on one another are asked at once.
        let (spf, keys, organization) = join!(self.spf(delivery), self.keys(&parsed), async {
            match &domain {
                Some(domain) => self.organization(domain).await,
                None => Ok(None),
            }
        });
        evidence.spf = spf.summary();
        let outputs = self.verifier.verify_dkim(Parameters::new(&parsed).with_txt_cache(&keys)).await;
        let mut signatures: Vec<_> = outputs
            .iter()
            .zip(expired)
            .filter_map(|(output, expired)| Judged::new(output, expired, &keys))
            .collect();

        if let Some(domain) = domain {
            let dmarc =
                Alignment { verifier: &self.verifier, message: &parsed, spf: &spf.output, author: &domain };
            match organization {
                Ok(Some(organization)) => {
                    evidence.organization = Some(organization);
                    dmarc.judge(&mut signatures, &mut evidence).await;
                }
                Ok(None) => {
                    // Without a record alignment is not defined; a signature of the very domain is aligned
                    // anyway.
                    for judged in &mut signatures {
                        judged.aligned = judged.may_align() && judged.signature.d == domain;
                    }
                    evidence.doubt = Some(Doubt::NoRecord);
                }
                Err(error) if is_temporary(&error) => {
                    (evidence.dmarc, evidence.doubt) = (DmarcResult::TempError, Some(Doubt::Dns));
                }
                Err(_) => (evidence.dmarc, evidence.doubt) = (DmarcResult::PermError, Some(Doubt::BadRecord)),
            }
        }
        if evidence.dmarc == DmarcResult::Fail && evidence.doubt.is_none() && is_late(received) {
            evidence.doubt = Some(Doubt::Late);
        }
        evidence.tls_rpt_signed = signatures.iter().any(Judged::signs_tls_rpt);
        evidence.dkim = signatures.iter().filter_map(Judged::summary).collect();
        evidence
    }

    async fn spf(&self, delivery: &Delivery<'_>) -> SpfAnswer {
        let ip = delivery.client_ip.to_canonical();
        let helo = normalize(delivery.helo).unwrap_or_default();
        let (scope, domain) = match delivery.mail_from.rsplit_once('@') {
            Some((_, domain)) => (SpfScope::Mfrom, normalize(domain)),
            None if delivery.mail_from.is_empty() => (SpfScope::Helo, normalize(delivery.helo)),
            None => (SpfScope::Mfrom, None),
        };
        let Some(domain) = domain else { return SpfAnswer { scope, output: SpfOutput::new(String::new()) } };
        let question = format!("{ip} {domain}");
        if self.unreachable.contains(&question) {
            let output = SpfOutput::new(domain).with_result(mail_auth::SpfResult::TempError);
            return SpfAnswer { scope, output };
        }
        let output = match scope {
            SpfScope::Helo => self.ask_spf(SpfParameters::verify_ehlo(ip, &domain, RECEIVER)).await,
            SpfScope::Mfrom => {
                let local = delivery.mail_from.rsplit_once('@').map_or("", |(local, _)| local);
                let sender = format!("{local}@{domain}");
                self.ask_spf(SpfParameters::verify_mail_from(ip, &helo, RECEIVER, &sender)).await
            }
        };
        if output.result() == mail_auth::SpfResult::TempError {
            self.remember_unreachable(question);
        }
        SpfAnswer { scope, output }
    }

    async fn ask_spf(&self, parameters: SpfParameters<'_>) -> SpfOutput {
        self.verifier.verify_spf(Parameters::new(parameters)).await
    }

    async fn keys(&self, message: &AuthenticatedMessage<'_>) -> Keys {
        let mut names: Vec<_> = message.dkim_headers.iter().map(|header| key_name(&header.header)).collect();
        names.sort();
        names.dedup();
        let found = join_all(names.iter().map(|name| async {
            if self.unreachable.contains(name) {
                return Key::unreachable("no answer a moment ago");
            }
            let key = Key::look_up(&self.verifier.0, name).await;
            if key.is_unreachable() {
                self.remember_unreachable(name.clone());
            }
            key
        }))
        .await;
        let mut keys = Keys::default();
        names.iter().zip(found).for_each(|(name, key)| keys.insert(name, key));
        keys
    }

    /// The organizational domain of `domain` (RFC 9989 section 4.10.2); none when no DMARC record is found.
    async fn organization(&self, domain: &str) -> Result<Option<String>, Error> {
        if self.unreachable.contains(domain) {
            return Err(Error::Dns(mail_auth::DnsError::Resolver(String::new())));
        }
        let walk = self.walk(domain).await;
        if walk.as_ref().is_err_and(is_temporary) {
            self.remember_unreachable(domain.to_owned());
        }
        walk
    }

    async fn walk(&self, domain: &str) -> Result<Option<String>, Error> {
        let names: Vec<_> = parents(domain).collect();
        // More than eight questions are not asked: those between the whole name and its last seven labels are
        // not.
        let between = 1..names.len().saturating_sub(WALK_LABELS).max(1);
        let mut found = None;
        for (at, name) in names.iter().enumerate().filter(|(at, _)| !between.contains(at)) {
            let question = format!("_dmarc.{name}.");
            let below = at.checked_sub(1).and_then(|at| names.get(at)).copied();
            match self.verifier.txt_lookup::<Dmarc>(question, None::<&NoCache<Box<str>, Txt>>).await {
                Ok(record) if record.psd == Psd::Yes && below.is_some() => {
                    return Ok(below.map(str::to_owned));
                }
                Ok(record) if record.psd != Psd::Default => return Ok(Some((*name).to_owned())),
                Ok(_) if name.contains('.') => found = Some(*name),
                // A record at the top that does not say it is a public suffix's does not make a top-level
                // domain one organisation.
                Ok(_) => found = found.or(below),
                Err(Error::Dns(
                    mail_auth::DnsError::RecordNotFound(_) | mail_auth::DnsError::InvalidRecordType,
                )) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found.map(str::to_owned))
    }

    fn remember_unreachable(&self, question: String) {
        self.unreachable.insert(question, Instant::now() + UNREACHABLE_FOR);
    }
}

struct SpfAnswer {
    scope: SpfScope,
    output: SpfOutput,
}

impl SpfAnswer {
    fn summary(&self) -> Spf {
        let domain = self.output.domain();
        Spf {
            domain: (!domain.is_empty()).then(|| domain.to_owned()),
            scope: self.scope,
            result: match self.output.result() {
                mail_auth::SpfResult::Pass => SpfResult::Pass,
                mail_auth::SpfResult::Fail => SpfResult::Fail,
                mail_auth::SpfResult::SoftFail => SpfResult::SoftFail,
                mail_auth::SpfResult::Neutral => SpfResult::Neutral,
                mail_auth::SpfResult::TempError => SpfResult::TempError,
                mail_auth::SpfResult::PermError => SpfResult::PermError,
                mail_auth::SpfResult::None => SpfResult::None,
            },
        }
    }
}

fn has_expired(signature: &Signature, received: u64) -> bool {
    signature.x != 0 && (signature.x <= signature.t || signature.x <= received)
}

fn is_temporary(error: &Error) -> bool {
    matches!(error, Error::Dns(mail_auth::DnsError::Resolver(_)))
}

/// Whether a message received at `received`, seconds since the epoch, is examined so late that a failure may
/// be the delay's: keys are rotated, addresses move.
fn is_late(received: u64) -> bool {
    let received = UNIX_EPOCH + Duration::from_secs(received);
    SystemTime::now().duration_since(received).is_ok_and(|age| age > LATE)
}

const LATE: Duration = Duration::from_secs(3 * 24 * 3_600);
const UNREACHABLE_FOR: Duration = Duration::from_secs(60);
const UNREACHABLE_ENTRIES: usize = 4_096;
// RFC 9989 section 4.10: the name itself, then at most its last seven labels.
const WALK_LABELS: usize = 7;
// The name of the receiver is only part of explanations (RFC 7208 section 7.2), which are not used.
const RECEIVER: &str = "unknown";
