use std::collections::BTreeMap;

use serde::Serialize;

use super::SenderId;
use crate::Registry;

/// What the owner of a domain has decided.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Preferences {
    /// How far the policy is to rise.
    pub goal: Goal,
    /// Whether the domain sends no mail at all; none when nobody said.
    pub parked: Option<bool>,
    /// Whether people write mail from it, so that mailing lists matter.
    pub people: bool,
    /// Senders that were approved or rejected.
    pub decisions: BTreeMap<SenderId, Decision>,
    /// Addresses at which this installation takes reports, for the records that are asked for.
    pub reports_to: Vec<String>,
}

/// The policy an owner wants to end with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Stay at `p=quarantine`: a finished state.
    Quarantine,
    /// Go on to `p=reject`.
    #[default]
    Reject,
}

/// What an owner says of a sender.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It sends for us.
    Approved,
    /// It does not.
    Rejected,
}

impl Preferences {
    /// What the registry says of a domain, and what was said of its senders elsewhere; of one sender the registry is believed. A
    /// domain that is not listed itself has nobody's wishes.
    pub fn of(
        registry: &Registry,
        decisions: &BTreeMap<SenderId, Decision>,
        domain: &str,
        reports_to: &[String],
    ) -> Self {
        let mut wishes = Self {
            people: true,
            decisions: decisions.clone(),
            reports_to: reports_to.to_vec(),
            ..Self::default()
        };
        if let Some(listed) = registry.wishes(domain) {
            wishes.goal = listed.goal;
            wishes.parked = listed.parked;
            wishes.people = listed.people;
            wishes
                .decisions
                .extend(listed.decisions.iter().map(|(sender, decision)| (sender.clone(), *decision)));
        }
        wishes
    }
}

impl Goal {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }

    /// The goal of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Quarantine, Self::Reject].into_iter().find(|goal| goal.name() == name)
    }
}

impl Decision {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    /// The decision of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Approved, Self::Rejected].into_iter().find(|decision| decision.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [[group]]
        name = "acme"
        domains = ["acme.example", "other.example"]

        [[domain]]
        name = "acme.example"
        goal = "quarantine"
        parked = false
        people = false

        [[domain.source]]
        sender = "service:sendgrid"
        decision = "rejected"
        note = "left in 2025"
    "#;

    #[test]
    fn the_registry_comes_first() {
        let registry = Registry::parse(TEXT, "domains.toml").unwrap();
        let [sendgrid, google] =
            ["service:sendgrid", "service:google"].map(|id| SenderId::parse(id).unwrap());
        let said = [(sendgrid.clone(), Decision::Approved), (google.clone(), Decision::Approved)].into();
        let wishes = Preferences::of(&registry, &said, "acme.example", &["rua@reports.example".to_owned()]);
        assert_eq!((wishes.goal, wishes.parked, wishes.people), (Goal::Quarantine, Some(false), false));
        assert_eq!(wishes.decisions[&sendgrid], Decision::Rejected);
        assert_eq!(wishes.decisions[&google], Decision::Approved);
        assert_eq!(wishes.reports_to, ["rua@reports.example"]);
    }

    #[test]
    fn without_words_people_write_and_reject_is_wanted() {
        let registry = Registry::parse(TEXT, "domains.toml").unwrap();
        for domain in ["other.example", "mail.acme.example", "unknown.example"] {
            let wishes = Preferences::of(&registry, &BTreeMap::new(), domain, &[]);
            assert_eq!((wishes.goal, wishes.parked, wishes.people), (Goal::Reject, None, true), "{domain}");
            assert!(wishes.decisions.is_empty(), "{domain}");
        }
    }
}
