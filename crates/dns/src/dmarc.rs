//! DMARC (RFC 9989): the record, the tree walk, the policy in force, who gets the reports.

pub mod authorization;
pub mod codes;
mod destinations;
mod internet_nl;
mod location;
mod policy;
mod reader;
mod record;
mod uri;
mod walk;

use tokio::join;

use super::{Check, Mechanism, Resolver, finding::Finding};
use policy::Governing;
use walk::Walk;

pub use codes::CODES;
pub use destinations::{Destination, Reports};
pub use record::{Alignment, Policies, Policy, PublicSuffix, Record};
pub(super) use uri::MAILTO;
pub use uri::Uri;
pub use walk::organization;

/// How it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// The domain whose record applies: the domain itself, or one above it.
    pub policy_domain: Option<String>,
    /// The record that applies.
    pub record: Option<Record>,
    /// The organizational domain.
    pub organization: Option<String>,
    /// The policy in force for the domain itself; none when there is none, or when it could not be told.
    pub policy: Option<Policy>,
    /// The policy in force for its subdomains that exist.
    pub subdomain_policy: Option<Policy>,
    /// The policy in force for its subdomains that do not exist.
    pub nonexistent_policy: Option<Policy>,
    /// Who is to get the reports, and whether they do.
    pub destinations: Vec<Destination>,
}

/// Examines `domain`. `own` are the addresses at which this installation takes reports, whole domains as `@domain`;
/// without any it does not matter who gets them.
pub async fn examine(resolver: &Resolver, domain: &str, own: &[String]) -> Outcome {
    let name = format!("_dmarc.{domain}");
    let (walk, apex, alias) =
        join!(Walk::from(resolver, domain), resolver.txt(domain), resolver.cname(&name));
    let mut outcome = Outcome::new();
    if let Some(unanswered) = &walk.unanswered {
        outcome.check.unknown.push(unanswered.clone());
    }
    let Some(first) = walk.steps.first() else {
        return outcome.unknown(!own.is_empty());
    };
    for text in first.texts.all() {
        outcome.check.observe(&name, "TXT", text);
    }
    if !first.texts.records.is_empty() {
        outcome.check.fact("record", first.texts.records.join("\n"));
    }
    let is_explained = location::examine(resolver, &mut outcome.check, &walk, &apex, &alias).await;
    let governing = Governing::find(resolver, &walk, &apex).await;
    outcome.judge(domain, &governing, is_explained);
    let (Some(policy_domain), Some(record)) = (outcome.policy_domain.clone(), outcome.record.clone()) else {
        if governing.is_unknown {
            return outcome.unknown(!own.is_empty());
        }
        if !own.is_empty() {
            outcome.check.fact("reports_to_us", "no");
        }
        return outcome;
    };
    let organization = walk.unanswered.is_none().then(|| walk.organization(&policy_domain));
    let destinations = destinations::examine(
        resolver,
        &mut outcome.check,
        &policy_domain,
        &record,
        organization.as_deref(),
        own,
    );
    outcome.destinations = destinations.await;
    // A name above both the domain and the host of an address was asked for twice.
    let mut seen = Vec::new();
    outcome.check.unknown.retain(|unanswered| {
        let is_new = !seen.contains(unanswered);
        seen.push(unanswered.clone());
        is_new
    });
    outcome
}

impl Outcome {
    fn new() -> Self {
        Self {
            check: Check::new(Mechanism::Dmarc),
            policy_domain: None,
            record: None,
            organization: None,
            policy: None,
            subdomain_policy: None,
            nonexistent_policy: None,
            destinations: Vec::new(),
        }
    }

    /// Nothing could be told.
    fn unknown(mut self, asks_for_us: bool) -> Self {
        for fact in FACTS {
            self.check.unknown_fact(fact);
        }
        if asks_for_us {
            self.check.unknown_fact("reports_to_us");
        }
        self
    }
}

/// A finding about a record, as a fault of the record says it.
fn finding(fault: &record::Fault, name: &str, record: &Record) -> Finding {
    fault.code.at(name, Some(&record.text), fault.detail.clone()).with_position(fault.at.clone())
}

const FACTS: [&str; 6] = ["record", "policy", "subdomain_policy", "nonexistent_policy", "testing", "at"];
