//! The customers, their domains, and who sends mail in their name.

mod flow;
mod lumen;
mod meridian;
mod oakfield;
pub mod pools;

pub use flow::Flow;

use crate::mail::Reporter;
use crate::random::Random;
use crate::report::{Policy, Record};

/// Days of mail in the demo.
pub const DAYS: i64 = 30;

/// One domain and what happens to it in the month.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Its name.
    pub name: &'static str,
    /// The customer it belongs to; `None` for one that nobody told the provider about.
    pub group: Option<&'static str>,
    /// What there is to see in its reports.
    pub story: &'static str,
    /// Policies, each with the day of the month (from 0) it was published on; the first on day 0.
    pub policies: Vec<(i64, Policy)>,
    /// Streams of mail that carry its name.
    pub flows: Vec<Flow>,
    /// Sessions with TLS a day that TLS reports tell about; 0 without a TLS-RPT record.
    pub tls_sessions: u32,
}

impl Domain {
    /// All domains, group by group.
    pub fn all() -> Vec<Self> {
        [meridian::domains(), oakfield::domains(), lumen::domains()].into_iter().flatten().collect()
    }

    /// The policy in force on day `index` of the month.
    pub fn policy(&self, index: i64) -> Policy {
        self.policies
            .iter()
            .rev()
            .find(|(from, _)| *from <= index)
            .or(self.policies.first())
            .map_or(Policy::of(crate::report::Disposition::None), |(_, policy)| *policy)
    }

    /// What `reporter` saw on day `index`; `weekend` says which kind of day it is.
    pub fn seen(
        &self,
        reporter: &'static Reporter,
        index: i64,
        weekend: bool,
        random: &mut Random,
    ) -> Vec<Record> {
        let view = View { domain: self.name, policy: self.policy(index), reporter, index, weekend };
        let mut records = Vec::new();
        for flow in &self.flows {
            flow.seen(&view, random, &mut records);
        }
        records
    }

    /// The mailbox in its DMARC record: a plus-tag per customer shows that tags are delivered.
    pub fn recipient(&self) -> String {
        match self.group {
            Some(group) => format!("rua+{group}@reports.example"),
            None => "rua@reports.example".to_owned(),
        }
    }
}

/// One domain on one day, from one reporter's side.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The policy domain.
    pub domain: &'a str,
    /// Its policy of that day.
    pub policy: Policy,
    /// Who looks.
    pub reporter: &'static Reporter,
    /// Day of the month, from 0.
    pub index: i64,
    /// Saturday or Sunday.
    pub weekend: bool,
}

/// The organisational domain: every name in this world is registered directly below a one-label suffix.
pub fn organisation(name: &str) -> &str {
    let mut dots = name.rmatch_indices('.').map(|(at, _)| at);
    dots.nth(1).and_then(|at| name.get(at + 1..)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_domains_in_three_groups_and_a_stray_one() {
        let domains = Domain::all();
        let mut groups: Vec<_> = domains.iter().filter_map(|domain| domain.group).collect();
        assert_eq!(groups.len(), 12);
        groups.dedup();
        assert_eq!(groups.len(), 3);
        assert_eq!(domains.len(), 13);
    }

    #[test]
    fn only_reserved_names() {
        for domain in Domain::all() {
            assert!(domain.name.ends_with(".example") || domain.name.ends_with(".test"), "{}", domain.name);
            assert_eq!(organisation(domain.name), domain.name);
            assert!(domain.policies.first().is_some_and(|(from, _)| *from == 0));
        }
    }

    #[test]
    fn organisations() {
        assert_eq!(organisation("a.b.meridian.example"), "meridian.example");
        assert_eq!(organisation("meridian.example"), "meridian.example");
        assert_eq!(organisation("example"), "example");
    }
}
