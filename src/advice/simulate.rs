//! What would have happened to a domain's mail under another DMARC record, by the reports of the last days.
//!
//! Messages that are alike in everything that decides come added up ([`Portion`]); each is judged by the record that is
//! tried out ([`Scenario`]) and compared with what the receiver did. docs/simulate.md explains the rules.

mod conclusion;
mod outcome;
mod scenario;
mod simulation;

use super::Class;
use crate::{
    advice::store::senders::KnownSender,
    store::{Store, StoreError},
};

pub use conclusion::grouped;
pub use outcome::{Fates, Outcome, SenderOutcome, SubdomainOutcome, Tally, Verdict};
pub use scenario::{Fate, Portion, Scenario};
pub use simulation::Simulation;

/// What reports can tell about the days that are looked at.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Coverage {
    /// The first of the days; days since 1970.
    pub from: u32,
    /// The last one.
    pub to: u32,
    /// Days among them of which there are reports.
    pub days: u64,
    /// Receivers that reported.
    pub reporters: u64,
    /// The newest day of which there are reports at all, when there are any.
    pub newest: Option<u32>,
}

/// What the newest report of these days says is published. Receivers that say nothing of `sp` mean that it is not there;
/// others write the value of `p`.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Published {
    /// `p`.
    pub p: String,
    /// `sp`.
    pub sp: String,
    /// `adkim`.
    pub adkim: String,
    /// `aspf`.
    pub aspf: String,
}

/// A sender as the last plan saw it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Classified {
    /// Who it is, as [`ruad_registry::SenderId`] writes it.
    pub sender: String,
    /// What people call it.
    pub name: String,
    /// What it is held for.
    pub class: Class,
}

/// Which messages are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The domain whose record is tried out, normalized.
    pub domain: &'a str,
    /// Its organizational domain. It only matters when alignment is varied.
    pub organization: &'a str,
    /// The last day; days since 1970.
    pub today: u32,
    /// How many days, `today` included.
    pub days: u32,
}

/// Tries a record out on what is stored.
///
/// # Errors
///
/// What ClickHouse said.
pub async fn simulate(
    store: &Store,
    question: &Question<'_>,
    scenario: &Scenario,
    undecided_share: f64,
) -> Result<Outcome, StoreError> {
    let Question { domain, today, days, .. } = *question;
    let from = today.saturating_add(1).saturating_sub(days.max(1));
    let coverage = store.simulated_days(domain, from, today).await?;
    let classified = store.known_senders(domain).await?.into_iter().map(Classified::from).collect();
    let published = store.published_policy(domain, from, today).await?;
    let mut simulation = Simulation::new(scenario.clone(), classified);
    if coverage.days > 0 {
        let subdomains = store.busiest_subdomains(domain, from, today, MOST_SUBDOMAINS).await?;
        store.portions(question, from, &subdomains, |portion| simulation.add(portion)).await?;
    }
    Ok(simulation.finish(domain, coverage, published, undecided_share))
}

impl From<KnownSender> for Classified {
    fn from(KnownSender { sender, name, class, .. }: KnownSender) -> Self {
        let class = Class::ALL.into_iter().find(|one| one.name() == class).unwrap_or(Class::Undecided);
        Self { sender, name, class }
    }
}

/// Subdomains that are shown by name.
const MOST_SUBDOMAINS: u32 = 20;
