//! Which policies are in force for a domain and for what is below it (RFC 9989 section 4.10.1).

use super::{
    Outcome, codes, finding, internet_nl,
    record::{Policies, Policy, PublicSuffix, Record},
    walk::{MOST_LABELS_ABOVE, Step, Walk, label_count},
};
use crate::{Answer, Check, Code, Finding, Resolver, Text, tags::Tags};

/// The records that govern a domain and the names below it.
#[derive(Debug)]
pub(super) struct Governing {
    /// The one for the domain itself.
    own: Option<Step>,
    /// The one for the names below it.
    below: Option<Step>,
    /// Whether the second could be told.
    is_below_known: bool,
    /// Whether the domain exists, when that was answered.
    exists: Option<bool>,
    organization: Option<String>,
    /// Whether the first could not be told.
    pub(super) is_unknown: bool,
}

impl Governing {
    pub(super) async fn find(resolver: &Resolver, walk: &Walk, apex: &Answer<Text>) -> Self {
        let first = walk.steps.first().filter(|step| step.record.is_some());
        let domain = walk.steps.first().map(|step| step.domain.as_str()).unwrap_or_default();
        let is_complete = walk.unanswered.is_none();
        let own = first.or_else(|| walk.governing().filter(|_| is_complete)).cloned();
        // A record of a name with more labels is never found by a walk from below it.
        let (below, is_below_known) = if label_count(domain) > MOST_LABELS_ABOVE {
            let below = Walk::from_below(resolver, domain).await;
            (below.governing().cloned(), below.unanswered.is_none())
        } else {
            (walk.governing().cloned(), is_complete)
        };
        Self {
            is_unknown: own.is_none() && !is_complete,
            own,
            below: below.filter(|_| is_below_known),
            is_below_known,
            exists: match apex {
                Answer::NoName => Some(false),
                Answer::Unknown(_) => None,
                _ => Some(true),
            },
            organization: is_complete.then(|| walk.organization(domain)),
        }
    }
}

impl Outcome {
    /// Says which policies are in force, and what is wrong with them and the record they are from.
    pub(super) fn judge(&mut self, domain: &str, governing: &Governing, is_explained: bool) {
        self.organization.clone_from(&governing.organization);
        let Some((step, record)) = with_record(governing.own.as_ref()) else {
            if !governing.is_unknown && !is_explained {
                let name = format!("_dmarc.{domain}");
                let detail = format!("Neither {domain} nor a domain above it has a DMARC record.");
                self.check.find(codes::MISSING.at(&name, None, detail));
            }
            return;
        };
        let name = step.name();
        let is_own = step.domain == domain;
        self.policy_domain = Some(step.domain.clone());
        self.record = Some(record.clone());
        self.check.fact("record", step.texts.records.join("\n"));
        self.check.fact("at", name.clone());
        if !is_own {
            self.check.observe(&name, "TXT", record.text.clone());
        }
        for fault in &record.faults {
            self.check.find(finding(fault, &name, record));
        }
        if !internet_nl::accepts(&record.text) {
            let detail = format!("The mail test of Internet.nl cannot read the record at {name}.");
            self.check.find(codes::INTERNET_NL_SYNTAX.at(&name, Some(&record.text), detail));
        }
        if record.is_cut {
            let detail =
                format!("The record at {name} has more tags, addresses or mistakes than are looked at.");
            self.check.cut(&name, detail);
        }
        self.subdomains(governing);
        let part = Part::of(is_own, governing.exists, record);
        self.policy = part.and_then(|part| record.in_force().map(|policies| part.policy(policies)));
        self.facts(record, part.is_some(), governing.is_below_known);
        if is_own {
            self.below(domain, record, governing);
        } else {
            inherited(&mut self.check, domain, step, record);
        }
        if let Some(part) = part {
            weakness(&mut self.check, domain, &name, record, part);
        }
    }

    fn subdomains(&mut self, governing: &Governing) {
        let policies = with_record(governing.below.as_ref()).and_then(|(_, record)| record.in_force());
        self.subdomain_policy = policies.map(|policies| policies.subdomains);
        self.nonexistent_policy = policies.map(|policies| policies.nonexistent);
    }

    fn facts(&mut self, record: &Record, is_known: bool, is_below_known: bool) {
        if record.testing {
            self.check.fact("testing", "y");
        }
        for (fact, policy, is_known) in [
            ("policy", self.policy, is_known),
            ("subdomain_policy", self.subdomain_policy, is_below_known),
            ("nonexistent_policy", self.nonexistent_policy, is_below_known),
        ] {
            match policy {
                Some(policy) => self.check.fact(fact, policy.name()),
                None if !is_known => self.check.unknown_fact(fact),
                None => {}
            }
        }
    }

    /// What the domain's own record, and the one above it, mean for its subdomains.
    fn below(&mut self, domain: &str, record: &Record, governing: &Governing) {
        let own_name = format!("_dmarc.{domain}");
        if record.psd == PublicSuffix::Yes {
            let detail = format!("{domain} says that it is a public suffix, like a top-level domain.");
            self.check.find(at_tag(codes::PUBLIC_SUFFIX, &own_name, record, "psd", detail));
        }
        let Some((step, below)) = with_record(governing.below.as_ref()) else { return };
        let (Some(own), Some(below_policies)) = (record.in_force(), below.in_force()) else { return };
        let is_said = record.subdomain_policy.is_some() || record.nonexistent_policy.is_some();
        let meant = (own.subdomains, own.nonexistent);
        if step.domain != domain
            && is_said
            && meant != (below_policies.subdomains, below_policies.nonexistent)
        {
            let detail = format!(
                "Subdomains of {domain} follow the record at {}, not this one's `sp` and `np`.",
                step.name()
            );
            let tag = if record.subdomain_policy.is_some() { "sp" } else { "np" };
            self.check.find(at_tag(codes::SUBDOMAIN_POLICY_IGNORED, &own_name, record, tag, detail));
        }
        weaker_below(&mut self.check, domain, own.domain, step, below, below_policies);
    }
}

/// Which of a record's policies is for a domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Domain,
    Subdomains,
    Nonexistent,
}

impl Part {
    /// `None` when it would matter whether the domain exists, and nobody knows.
    fn of(is_own: bool, exists: Option<bool>, record: &Record) -> Option<Self> {
        match exists {
            _ if is_own => Some(Self::Domain),
            Some(true) => Some(Self::Subdomains),
            Some(false) => Some(Self::Nonexistent),
            None => {
                let is_same = |policies: Policies| policies.subdomains == policies.nonexistent;
                record.policies().is_none_or(is_same).then_some(Self::Subdomains)
            }
        }
    }

    fn policy(self, policies: Policies) -> Policy {
        match self {
            Self::Domain => policies.domain,
            Self::Subdomains => policies.subdomains,
            Self::Nonexistent => policies.nonexistent,
        }
    }

    /// The tag that says the policy.
    fn tag(self, record: &Record) -> &'static str {
        match self {
            Self::Nonexistent if record.nonexistent_policy.is_some() => "np",
            Self::Nonexistent | Self::Subdomains if record.subdomain_policy.is_some() => "sp",
            _ => "p",
        }
    }
}

fn inherited(check: &mut Check, domain: &str, step: &Step, record: &Record) {
    let (name, above) = (step.name(), &step.domain);
    let (code, detail) = match record.psd {
        PublicSuffix::Yes => (
            codes::ONLY_SUFFIX,
            format!("{domain} has no record of its own and follows that of the public suffix {above}."),
        ),
        _ => (codes::INHERITED, format!("{domain} has no record of its own and follows that of {above}.")),
    };
    check.find(code.at(&name, Some(&record.text), detail));
}

/// A policy that asks for nothing, or for less than it seems to.
fn weakness(check: &mut Check, domain: &str, name: &str, record: &Record, part: Part) {
    let Some(published) = record.policies() else { return };
    let tag = part.tag(record);
    // A policy that cannot be read is reported already.
    let is_readable = record.policy.is_some() && !record.has_bad_policy;
    if record.testing && is_readable && part.policy(published) == Policy::Quarantine {
        let detail = format!("With `t=y` receivers apply none where the record says `{tag}=quarantine`.");
        check.find(at_tag(codes::POLICY_NONE, name, record, "t", detail));
    }
    if part.policy(published) == Policy::None && is_readable {
        let subdomains = match (part, published.subdomains) {
            (Part::Domain, Policy::None) => " and its subdomains",
            _ => "",
        };
        let detail = format!("`{tag}=none` asks receivers to deliver mail that forges {domain}{subdomains}.");
        check.find(at_tag(codes::POLICY_NONE, name, record, tag, detail));
    }
    let strictest = published.domain.max(published.subdomains).max(published.nonexistent);
    if record.testing && strictest != Policy::None {
        let detail =
            format!("With `t=y` receivers apply {} where the record says {strictest}.", strictest.lowered());
        check.find(at_tag(codes::TEST_MODE, name, record, "t", detail));
    }
}

fn weaker_below(
    check: &mut Check,
    domain: &str,
    policy: Policy,
    step: &Step,
    record: &Record,
    below: Policies,
) {
    let weakest = below.subdomains.min(below.nonexistent);
    if weakest >= policy {
        return;
    }
    let (part, which) = if below.subdomains == weakest {
        (Part::Subdomains, "subdomains")
    } else {
        (Part::Nonexistent, "subdomains that do not exist")
    };
    let tag = part.tag(record);
    let detail = match record.testing {
        true => format!("With `t=y` {policy} is in force for {domain}, and {weakest} for its {which}."),
        false => {
            format!("The policy of {domain} is {policy}, but `{tag}={weakest}` is in force for its {which}.")
        }
    };
    let code = match weakest {
        Policy::None => codes::SUBDOMAIN_POLICY_NONE,
        _ => codes::SUBDOMAIN_POLICY_WEAKER,
    };
    check.find(at_tag(code, &step.name(), record, tag, detail));
}

/// A finding about a tag of the record.
fn at_tag(code: Code, name: &str, record: &Record, tag: &str, detail: String) -> Finding {
    let finding = code.at(name, Some(&record.text), detail);
    let tags = Tags::parse(&record.text);
    match tags.tags.iter().find(|found| found.name.eq_ignore_ascii_case(tag)) {
        Some(tag) => finding.with_position(tag.name_at.start..tag.value_at.end),
        None => finding,
    }
}

fn with_record(step: Option<&Step>) -> Option<(&Step, &Record)> {
    step.and_then(|step| Some((step, step.record.as_ref()?)))
}
