//! MTA-STS: a domain says by HTTPS that mail to it has to come over TLS, and to which hosts (RFC 8461).

pub mod check;
pub mod fetch;
pub mod policy;
pub mod record;

use super::{Answer, Check, Mechanism, Resolver, mx};

pub use check::CODES;
pub use fetch::{CertificateFault, FetchError, PolicyFile};
pub use policy::{Mode, Policy};

/// How it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// The `id` of the record, which senders compare to see whether the policy has changed.
    pub id: Option<String>,
    /// Where the policy is looked for.
    pub url: String,
    /// The policy, when there is one senders can use.
    pub policy: Option<Policy>,
}

/// Examines `domain`, whose mail goes to the hosts of `mx`. `fetch` gets [`PATH`] over HTTPS from its [`host`], once it is
/// awaited.
pub async fn examine(
    resolver: &Resolver,
    domain: &str,
    mx: &mx::Outcome,
    fetch: impl Future<Output = Result<PolicyFile, FetchError>>,
) -> Outcome {
    let mut outcome = Outcome {
        check: Check::new(Mechanism::MtaSts),
        id: None,
        url: format!("https://{}{PATH}", host(domain)),
        policy: None,
    };
    let name = format!("_mta-sts.{domain}");
    match resolver.txt(&name).await {
        Answer::Unknown(trouble) => {
            outcome.check.unanswered(&name, trouble);
            for fact in FACTS {
                outcome.check.unknown_fact(fact);
            }
        }
        answer => {
            let mut texts: Vec<_> = answer.records().iter().map(|text| text.joined()).collect();
            // Servers rotate them.
            texts.sort();
            if check::record(&mut outcome, &name, &texts) {
                check::fetched(&mut outcome, fetch.await);
                check::against_mx(&mut outcome, domain, mx);
            } else if outcome.check.findings.is_empty() {
                let elsewhere = resolver.txt(domain).await;
                let file = fetch.await.ok();
                check::without_record(&mut outcome, domain, elsewhere.records(), file, mx);
            }
        }
    }
    outcome
}

/// The host that has the policy of a domain.
pub fn host(domain: &str) -> String {
    format!("mta-sts.{domain}")
}

/// Where a host keeps the policy.
pub const PATH: &str = "/.well-known/mta-sts.txt";

/// What a change is seen by. The policy's text changing while `id` stays is one that senders do not notice.
const FACTS: [&str; 3] = ["id", "mode", "policy"];
