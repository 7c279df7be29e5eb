//! What reports tell about domains that DNS does not: selectors that sign, addresses that send.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use crate::{
    health::{
        keys::ReportDays,
        store::{ReportedDays, SelectorUse},
    },
    store::{Store, StoreError},
};

/// What is known from reports, by domain.
#[derive(Debug, Default)]
pub(super) struct Learned(HashMap<String, Known>);

/// What is known from reports about one domain.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// When each selector was used.
    pub(super) selectors: BTreeMap<String, SelectorUse>,
    /// Addresses that send as the domain and pass SPF, those that send most first.
    pub(super) senders: Vec<IpAddr>,
    /// The days for which there are reports.
    pub(super) days: Option<ReportedDays>,
}

impl Learned {
    /// Looks through what has arrived since the last time, then asks what is known about these domains.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub(super) async fn learn(store: &Store, domains: &[&str]) -> Result<Self, StoreError> {
        for day in store.days_to_add_up().await? {
            store.add_up_selectors(day).await?;
        }
        let mut learned: HashMap<String, Known> =
            domains.iter().map(|domain| ((*domain).to_owned(), Known::default())).collect();
        for used in store.selector_uses(MOST_SELECTORS).await? {
            if let Some(known) = learned.get_mut(&used.domain) {
                known.selectors.insert(used.selector.clone(), used);
            }
        }
        for sender in store.senders(domains, MOST_SENDERS).await? {
            if let (Some(known), Ok(address)) = (learned.get_mut(&sender.domain), sender.address.parse()) {
                known.senders.push(address);
            }
        }
        for days in store.reported_days(domains).await? {
            if let Some(known) = learned.get_mut(&days.domain) {
                known.days = Some(days);
            }
        }
        Ok(Self(learned))
    }

    pub(super) fn about(&self, domain: &str) -> Option<&Known> {
        self.0.get(domain)
    }
}

impl Known {
    /// The days for which there are reports.
    pub(super) fn days(&self) -> Option<ReportDays> {
        let ReportedDays { first, last, .. } = self.days.as_ref()?;
        Some(ReportDays { oldest: (*first).into(), newest: (*last).into() })
    }
}

/// For each domain. A stranger can make selectors up, but not make us ask for ever more of them, nor push out those that
/// believed reporters name or DNS has.
const MOST_SELECTORS: u32 = 50;
const MOST_SENDERS: u32 = 20;
