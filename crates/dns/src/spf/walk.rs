//! Goes through a tree term by term.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{
    super::{Check, Code, Finding, is_special_use},
    check::*,
    gather::Gathered,
    modifier,
    network::Network,
    problem::{Problem, second_term},
    record::{Meaning, Qualifier, Record},
    select::Source,
    tree::{Branch, Kind, Node, TermTrouble},
};
use ruad_common::domain_name::is_within;

/// Looks at every term of a tree.
pub(super) struct Walk<'a> {
    check: &'a mut Check,
    gathered: &'a Gathered,
    domain: &'a str,
    /// Domains whose records were looked at: one that is included twice has its faults once.
    seen: BTreeSet<String>,
    /// How often each domain's record is used.
    uses: BTreeMap<String, usize>,
    /// Domains that one record names twice, which is said of the term.
    repeated: BTreeSet<String>,
    walked: Walked,
    /// Findings of the tree so far.
    found: usize,
}

/// What a tree came to.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// A receiver that evaluates all of it gives up.
    pub(super) is_invalid: bool,
    /// A record was not to be had.
    pub(super) is_record_unknown: bool,
    /// Something was not to be had.
    pub(super) is_unknown: bool,
    /// Not all of it was looked at, because it is too much.
    pub(super) is_cut: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(check: &'a mut Check, gathered: &'a Gathered, domain: &'a str) -> Self {
        let (seen, uses, repeated) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        Self { check, gathered, domain, seen, uses, repeated, walked: Walked::default(), found: 0 }
    }

    /// Looks at a record. `passes` says whether what passes it passes the domain.
    pub(super) fn branch(&mut self, branch: &Branch, passes: bool) {
        let gathered = self.gathered;
        let is_new = self.seen.insert(branch.domain.clone());
        let selection = gathered.selections.get(&branch.domain).map(|selection| &selection.source);
        let Some(Source::Record { record, seams }) = selection else { return };
        let is_own = self.is_own(&branch.domain);
        self.walked.is_invalid |= !record.faults.is_empty();
        if record.left_out > 0 && is_new {
            let (read, domain) = (record.text.len(), &branch.domain);
            let detail = format!(
                "Of the SPF record of {domain} the first {read} bytes were read, and {} were not.",
                record.left_out
            );
            self.check.cut(domain, detail);
            self.walked.is_cut = true;
        }
        if is_new {
            self.faults(&branch.domain, record, seams, is_own);
            self.size(branch);
            if is_own {
                self.order(branch, record);
                self.duplicates(branch, record);
            }
            modifier::report(self.check, branch, record, is_own, branch.domain == self.domain);
        }
        for node in branch.terms.iter().filter(|node| node.is_reached) {
            self.node(branch, node, is_own, is_new, passes);
            let passes = passes && matches!(node.qualifier, Some(Qualifier::Pass) | None);
            if let Some(inner) = &node.branch {
                *self.uses.entry(inner.domain.clone()).or_default() += 1;
                self.branch(inner, passes);
            }
        }
    }

    /// The whole tree was looked at.
    pub(super) fn finish(self) -> Walked {
        let several =
            self.uses.iter().filter(|(domain, uses)| **uses > 1 && !self.repeated.contains(*domain));
        for (domain, uses) in several {
            let detail =
                format!("The record of {domain} is reached {uses} times, and costs its lookups each time.");
            self.check.find(DUPLICATE_INCLUDE.at(self.domain, None, detail));
        }
        self.walked
    }

    fn is_own(&self, name: &str) -> bool {
        is_within(name, self.domain) || (is_within(self.domain, name) && name.contains('.'))
    }

    fn faults(&mut self, domain: &str, record: &Record, seams: &[usize], is_own: bool) {
        for fault in record.faults.iter().take(MAX_FAULTS) {
            let term = record.written(&fault.term);
            let seam = seams.iter().any(|seam| fault.term.start < *seam && *seam < fault.term.end);
            let seam = if seam { "; the record's strings are joined there without a space" } else { "" };
            let detail = format!("`{term}` cannot be understood: {}{seam}.", fault.problem);
            let code = match fault.problem {
                _ if !is_own => INCLUDED_RECORD_BROKEN,
                Problem::RunTogether { .. } => RUN_TOGETHER,
                _ => SYNTAX,
            };
            self.add(code.at(domain, Some(&record.text), detail).with_position(fault.at.clone()));
            if !is_own {
                return;
            }
        }
        for term in record.terms.iter().filter(|_| is_own) {
            if self.is_full() {
                return;
            }
            let written = record.written(&term.at);
            let glued = match &term.meaning {
                Meaning::Directive(..) => second_term(written),
                // A second record behind the first.
                Meaning::Modifier { name, .. } if name.eq_ignore_ascii_case("v") => Some(0),
                _ => None,
            };
            if let Some(second) = glued {
                let detail = if second == 0 {
                    format!("`{written}` is in the middle of the record: two records were put into one.")
                } else {
                    format!(
                        "In `{written}` a space is missing before `{}`.",
                        written.get(second..).unwrap_or_default()
                    )
                };
                let at = term.at.start + second..term.at.end;
                self.add(RUN_TOGETHER.at(domain, Some(&record.text), detail).with_position(at));
            }
        }
    }

    /// RFC 7208 section 3.4. A string of more than 255 bytes cannot be in an answer.
    fn size(&mut self, branch: &Branch) {
        let size = branch.record.len();
        let code = match size {
            0..=450 => return,
            451..=512 => RECORD_LONG,
            _ => RECORD_TOO_LONG,
        };
        let detail = format!("The record of {} has {size} bytes.", branch.domain);
        self.add(code.at(&branch.domain, Some(&branch.record), detail));
    }

    fn order(&mut self, branch: &Branch, record: &Record) {
        let mut unreached =
            branch.terms.iter().filter(|node| !node.is_reached && node.kind != Kind::Redirect);
        if let Some(first) = unreached.next() {
            let last = unreached.next_back().unwrap_or(first);
            let at = first.position.start..last.position.end;
            let detail =
                format!("`{}` stands behind `all`, where nothing is looked at.", record.written(&at));
            self.find_at(TERMS_AFTER_ALL, branch, detail, at);
        }
        for node in branch.terms.iter().filter(|node| node.kind == Kind::Redirect && !node.is_reached) {
            let detail = format!("`{}` has no effect, because the record has an `all`.", node.term);
            self.find(REDIRECT_IGNORED, branch, node, detail);
        }
    }

    fn duplicates(&mut self, branch: &Branch, record: &Record) {
        let mut seen = BTreeSet::new();
        for (node, term) in branch.terms.iter().zip(&record.terms) {
            if !matches!(term.meaning, Meaning::Directive(..)) || !node.is_reached {
                continue;
            }
            let written = node.term.to_ascii_lowercase();
            let bare = written.strip_prefix('+').unwrap_or(&written);
            if !seen.insert(bare.to_owned()) {
                self.repeated.extend(node.domain.clone());
                let detail =
                    format!("`{}` stands in the record more than once.", node.term.to_ascii_lowercase());
                self.find(DUPLICATE_TERM, branch, node, detail);
            }
        }
    }

    fn node(&mut self, branch: &Branch, node: &Node, is_own: bool, is_new: bool, passes: bool) {
        let named = node.domain.as_deref().unwrap_or_default();
        for trouble in &node.trouble {
            let (code, detail) = match trouble {
                TermTrouble::Syntax | TermTrouble::Macro => continue,
                TermTrouble::TooLarge => {
                    self.walked.is_cut = true;
                    let name = self.domain;
                    self.check.cut(
                        name,
                        format!("The SPF records of {name} are too many or too large to follow all of them."),
                    );
                    continue;
                }
                TermTrouble::Unanswered { name, trouble } => {
                    self.walked.is_unknown = true;
                    self.walked.is_record_unknown |= matches!(node.kind, Kind::Include | Kind::Redirect);
                    if is_new && !self.check.unknown.iter().any(|earlier| earlier.name == *name) {
                        self.check.unanswered(name, *trouble);
                    }
                    continue;
                }
                TermTrouble::NoRecord { is_name_missing } => {
                    let code = if node.kind == Kind::Redirect {
                        REDIRECT_WITHOUT_RECORD
                    } else {
                        INCLUDE_WITHOUT_RECORD
                    };
                    let what = if *is_name_missing { "does not exist" } else { "has no SPF record" };
                    (code, format!("`{}`: {named} {what}.", node.term))
                }
                TermTrouble::SeveralRecords => {
                    (INCLUDED_RECORD_BROKEN, format!("`{}`: {named} has several SPF records.", node.term))
                }
                TermTrouble::Loop { path } => {
                    (LOOP, format!("`{}` leads in a circle: {}.", node.term, path.join(" → ")))
                }
                TermTrouble::NoAddress => {
                    (TERM_WITHOUT_ADDRESS, format!("`{}`: there is no address for {named}.", node.term))
                }
                TermTrouble::NoHosts => {
                    (TERM_WITHOUT_ADDRESS, format!("`{}`: {named} has no mail hosts (MX).", node.term))
                }
                TermTrouble::TooManyHosts { count } => (
                    TOO_MANY_MX_HOSTS,
                    format!("`{}`: {named} has {count} mail hosts; 10 are allowed.", node.term),
                ),
                // DNS does not have these names (RFC 6761): Microsoft proves control of a domain with an MX below `invalid`.
                TermTrouble::HostsWithoutAddress { hosts }
                    if hosts.iter().all(|host| is_special_use(host)) =>
                {
                    continue;
                }
                TermTrouble::HostsWithoutAddress { hosts } => (
                    MX_HOST_WITHOUT_ADDRESS,
                    format!("`{}`: no address for {}.", node.term, hosts.join(", ")),
                ),
                TermTrouble::MatchesAll if passes && node.qualifier == Some(Qualifier::Pass) => {
                    (PASS_ALL, format!("`{}` lets everyone pass, because {named} has an address.", node.term))
                }
                TermTrouble::MatchesAll => continue,
            };
            self.walked.is_invalid |= INVALIDATING.contains(&code);
            if is_new {
                self.find(code, branch, node, detail);
            }
        }
        if !is_new {
            return;
        }
        if node.kind == Kind::Ptr || (node.kind != Kind::Exp && uses_client_name(&node.term)) {
            let detail =
                format!("`{}` in the record of {} asks for the sender's name.", node.term, branch.domain);
            self.find(PTR, branch, node, detail);
        }
        if node.qualifier == Some(Qualifier::Pass) && passes {
            self.networks(branch, node, is_own);
        }
        // The `all` of the domain itself, or of where it redirects to, is looked at for itself.
        let is_included = branch.domain != self.domain;
        if node.kind == Kind::All && node.qualifier == Some(Qualifier::Pass) && passes && is_included {
            let detail = format!("`{}` in the record of {} lets everyone pass.", node.term, branch.domain);
            self.find(PASS_ALL, branch, node, detail);
        }
    }

    fn networks(&mut self, branch: &Branch, node: &Node, is_own: bool) {
        if let Some(everything) = node.networks.iter().find(|network| network.prefix() == 0) {
            let detail = format!("`{}` lets everyone pass: {everything} is every address.", node.term);
            return self.find(PASS_ALL, branch, node, detail);
        }
        let is_wide = |network: &&Network| {
            let (ipv4, ipv6) = if is_own { WIDEST } else { WIDEST_FOREIGN };
            network.prefix() < if network.address().is_ipv4() { ipv4 } else { ipv6 }
        };
        if let Some(wide) = node.networks.iter().find(is_wide) {
            let detail = format!("`{}` in the record of {} allows all of {wide}.", node.term, branch.domain);
            self.find(NETWORK_TOO_WIDE, branch, node, detail);
        }
        if let Some(private) = node.networks.iter().find(|network| is_own && network.is_private()) {
            let detail = format!("`{}` allows {private}, which nobody on the Internet has.", node.term);
            self.find(PRIVATE_NETWORK, branch, node, detail);
        }
    }

    fn find(&mut self, code: Code, branch: &Branch, node: &Node, detail: String) {
        self.find_at(code, branch, detail, node.position.clone());
    }

    fn find_at(&mut self, code: Code, branch: &Branch, detail: String, at: Range<usize>) {
        // A finding holds a copy of the record.
        if self.is_full() {
            return;
        }
        self.add(code.at(&branch.domain, Some(&branch.record), detail).with_position(at));
    }

    fn add(&mut self, finding: Finding) {
        self.found += 1;
        self.check.find(finding);
    }

    fn is_full(&self) -> bool {
        self.found >= MAX_FINDINGS
    }
}

/// Whether the macro `p` is in a term.
fn uses_client_name(term: &str) -> bool {
    term.to_ascii_lowercase().contains("%{p")
}

/// A receiver that meets one of these gives up.
const INVALIDATING: [Code; 5] =
    [INCLUDE_WITHOUT_RECORD, REDIRECT_WITHOUT_RECORD, INCLUDED_RECORD_BROKEN, LOOP, TOO_MANY_MX_HOSTS];
/// Faults of one record that are said.
const MAX_FAULTS: usize = 10;
/// Findings of a tree that are looked at: a hostile one has thousands.
const MAX_FINDINGS: usize = 300;
/// The shortest prefixes that are no surprise, of IPv4 and IPv6.
const WIDEST: (u8, u8) = (16, 32);
/// The same in other people's records: large senders have networks of /14, and nobody but them can change that.
const WIDEST_FOREIGN: (u8, u8) = (8, 24);
