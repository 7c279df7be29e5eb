//! From an examination to what advice rests on.

use std::collections::BTreeSet;

use super::{Entry, Key, Posture};
use crate::health::{Snapshot, keys::KeyHistory};
use ruad_dns::profile::Score;
use ruad_dns::{
    Check, Code, Finding, Mechanism,
    dkim::{self, Content, Published},
    dmarc::{Policies, Reports, codes},
    spf::{self, Kind, Node, TermTrouble},
};

impl Posture {
    /// What advice rests on. `histories` tell how old keys are; `score` is what the findings leave of five points.
    ///
    /// A mechanism is unknown when what advice needs of it was not answered. A name server that does not answer for the host
    /// of one `a:` term, or for one selector, hides that term or that selector and nothing else: it may stay silent for years.
    pub fn of(snapshot: &Snapshot, histories: &[KeyHistory], score: Option<Score>) -> Self {
        let mut posture = Self::empty(&snapshot.domain, snapshot.checked_at);
        posture.score = score;
        posture.unknown = unknown(snapshot);
        posture.findings = findings(snapshot);
        posture.take_dmarc(snapshot);
        posture.take_spf(snapshot);
        posture.take_keys(snapshot, histories);
        posture.take_receiving(snapshot);
        posture.has_bimi = snapshot.bimi.record.is_some();
        posture
    }

    fn take_dmarc(&mut self, snapshot: &Snapshot) {
        let outcome = &snapshot.dmarc;
        self.dmarc = outcome.policy_domain.clone().zip(outcome.record.clone());
        if self.dmarc.as_ref().is_some_and(|(_, record)| record.text.len() > LONGEST_RECORD) {
            self.dmarc = None;
            self.unknown.insert(Mechanism::Dmarc);
        }
        self.organization.clone_from(&outcome.organization);
        self.policies = outcome.policy.map(|domain| {
            let subdomains = outcome.subdomain_policy.unwrap_or(domain);
            let nonexistent = outcome.nonexistent_policy.unwrap_or(subdomains);
            Policies { domain, subdomains, nonexistent }
        });
        self.reports_to_us = match outcome.check.facts.get("reports_to_us") {
            Some(Some(answer)) => Some(answer == "yes"),
            Some(None) | None => None,
        };
        let ours =
            outcome.destinations.iter().filter(|found| found.ours && found.reports == Reports::Aggregate);
        let unauthorized = ours.filter(|found| found.authorized == Some(false));
        let hosts: BTreeSet<_> = unauthorized.map(|found| found.uri.host.clone()).collect();
        self.unauthorized = hosts.into_iter().take(MOST_HOSTS).collect();
    }

    fn take_spf(&mut self, snapshot: &Snapshot) {
        let Some(tree) = &snapshot.spf.tree else { return };
        if tree.record.len() > LONGEST_RECORD {
            self.unknown.insert(Mechanism::Spf);
            return;
        }
        self.spf = Some(tree.record.clone());
        self.spf_all = tree.all;
        let mut room = MOST_NETWORKS;
        for node in tree.terms.iter().filter(|node| stands_for_addresses(node)).take(MOST_ENTRIES) {
            let mut networks = node.all_networks();
            networks.sort_unstable();
            networks.dedup();
            let is_complete = is_complete(node) && networks.len() <= room;
            networks.truncate(room);
            networks.shrink_to_fit();
            room -= networks.len();
            self.entries.push(Entry {
                term: node.term.clone(),
                domain: node.domain.clone(),
                networks,
                is_complete,
                lookups: node.cost.lookups,
            });
        }
    }

    fn take_keys(&mut self, snapshot: &Snapshot, histories: &[KeyHistory]) {
        let outcome = &snapshot.dkim;
        let is_revoked = |published: &Published| matches!(published.record.content, Content::Revoked);
        self.has_revoked_wildcard = outcome.wildcard.as_ref().is_some_and(is_revoked);
        let wildcard = outcome.wildcard.as_ref().map(|wildcard| (&wildcard.text, &wildcard.alias));
        let own = outcome.keys.iter().filter(|key| wildcard != Some((&key.text, &key.alias)));
        for published in own.take(MOST_KEYS) {
            let key = published.key();
            self.keys.push(Key {
                selector: published.selector.clone(),
                fingerprint: key.map(|key| key.fingerprint.clone()),
                kind: key.map_or(dkim::Kind::Rsa, |key| key.kind),
                bits: key.map_or(0, |key| key.bits),
                alias: published.alias.clone(),
                age_days: key
                    .and_then(|key| age(&key.fingerprint, published, histories, snapshot.checked_at)),
                text: published.text.chars().take(LONGEST_RECORD).collect(),
            });
        }
        let unknown = outcome.check.facts.iter().filter(|(_, value)| value.is_none());
        let selectors = unknown.filter_map(|(name, _)| name.strip_prefix("key:")).filter(|name| *name != "*");
        self.unknown_selectors = selectors.take(MOST_KEYS).map(str::to_owned).collect();
    }

    fn take_receiving(&mut self, snapshot: &Snapshot) {
        self.receives = snapshot.mx.accepts_mail;
        self.has_null_mx = snapshot.mx.null;
        let hosts = snapshot.mx.hosts.iter().take(MOST_HOSTS);
        self.mail_hosts = hosts.map(|host| host.name.clone()).collect();
        let policy = snapshot.mta_sts.policy.as_ref();
        self.mta_sts_mode = policy.map(|policy| policy.mode.to_string());
        let name = format!("_mta-sts.{}", self.domain);
        let mut records = snapshot.mta_sts.check.records.iter();
        let record = records.find(|record| record.name == name && record.kind == "TXT");
        self.mta_sts = record.map(|record| record.text.clone()).filter(|text| text.len() <= LONGEST_RECORD);
        self.mta_sts_max_age = policy.map(|policy| policy.max_age);
        self.tls_rpt = snapshot.tls_rpt.record.as_ref().map(|record| record.text.clone());
        self.has_tls_rpt = self.tls_rpt.is_some();
    }
}

/// Mechanisms of which something was not answered that advice needs.
fn unknown(snapshot: &Snapshot) -> BTreeSet<Mechanism> {
    let lacks =
        |check: &Check, names: &[&str]| names.iter().any(|name| matches!(check.facts.get(*name), Some(None)));
    let is_unknown = |check: &&Check| match check.mechanism {
        Mechanism::Dmarc => lacks(check, &["record", "policy", "at"]),
        Mechanism::Spf => lacks(check, &["record", "all", "lookups"]),
        Mechanism::Dkim => snapshot.dkim.keys.is_empty() && !check.unknown.is_empty(),
        _ => !check.is_told(),
    };
    snapshot.checks().into_iter().filter(is_unknown).map(|check| check.mechanism).collect()
}

/// The worst come first, so that what is cut off is the least.
fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings: Vec<_> = snapshot.checks().iter().flat_map(|check| &check.findings).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.code.severity));
    findings.truncate(MOST_FINDINGS);
    let slim = |finding: &Finding| {
        let mut finding = finding.clone();
        let is_long = finding.evidence.record.as_ref().is_some_and(|record| record.len() > LONGEST_RECORD);
        if is_long || !RECORDS_NEEDED.contains(&finding.code) {
            finding.evidence.record = None;
        }
        if let Some((at, _)) = finding.detail.char_indices().nth(LONGEST_DETAIL) {
            finding.detail.truncate(at);
            finding.detail.push('…');
        }
        finding
    };
    findings.into_iter().map(slim).collect()
}

/// Whether a term says which addresses may send.
fn stands_for_addresses(node: &Node) -> bool {
    let is_meant = !matches!(node.kind, Kind::All | Kind::Exp | Kind::Modifier | Kind::Broken);
    is_meant && node.is_reached
}

/// Whether the networks are all that can match: nothing in it or below it depends on the message or was not answered.
fn is_complete(node: &Node) -> bool {
    let is_judged = |trouble: &TermTrouble| {
        !matches!(
            trouble,
            TermTrouble::Macro
                | TermTrouble::Unanswered { .. }
                | TermTrouble::TooLarge
                | TermTrouble::MatchesAll
                | TermTrouble::Syntax
                | TermTrouble::Loop { .. }
        )
    };
    !matches!(node.kind, Kind::Exists | Kind::Ptr | Kind::Broken)
        && node.trouble.iter().all(is_judged)
        && node.branch.iter().flat_map(|branch| &branch.terms).filter(|node| node.is_reached).all(is_complete)
}

fn age(fingerprint: &str, published: &Published, histories: &[KeyHistory], now: u64) -> Option<u32> {
    let history = histories
        .iter()
        .find(|known| known.key.selector == published.selector && known.key.fingerprint == fingerprint)?;
    let age = crate::health::keys::age(history, histories, now)?;
    u32::try_from(age.seconds / 86_400).ok()
}

/// Findings whose record is not the one that applies, and is needed to repair it.
const RECORDS_NEEDED: [Code; 5] = [
    codes::SEVERAL_RECORDS,
    codes::WRONG_NAME,
    codes::LEADING_WHITE_SPACE,
    codes::BAD_VERSION,
    spf::SEVERAL_RECORDS,
];

// Ten thousand domains are kept in memory; nobody who means well has more than this. What is longer counts as not told.
const MOST_FINDINGS: usize = 40;
const MOST_HOSTS: usize = 10;
const MOST_ENTRIES: usize = 40;
const MOST_NETWORKS: usize = 400;
const MOST_KEYS: usize = 20;
const LONGEST_DETAIL: usize = 300;
const LONGEST_RECORD: usize = 2_000;
