//! What is wrong with a domain's record, and with those it includes.

use std::collections::BTreeMap;

use super::{
    super::{Check, finding::codes},
    gather::Gathered,
    limits, overlap,
    select::{Selection, Source, Stray, StrayReason},
    tree::Branch,
    walk::Walk,
};

codes! {
    /// No record.
    MISSING = "spf.missing", Error;
    /// A text that was meant as the record is none.
    UNRECOGNIZED_RECORD = "spf.unrecognized_record", Error;
    /// A text next to the record that was meant as one.
    STRAY_RECORD = "spf.stray_record", Warning;
    /// A record of Sender ID.
    SENDER_ID = "spf.sender_id", Info;
    /// A record of the type that was given up.
    TYPE_99 = "spf.type_99", Info;
    /// Several records.
    SEVERAL_RECORDS = "spf.several_records", Error;
    /// A term that cannot be understood.
    SYNTAX = "spf.syntax", Error;
    /// Two terms without a space between them.
    RUN_TOGETHER = "spf.run_together", Error;
    /// `include=` and the like.
    MECHANISM_AS_MODIFIER = "spf.mechanism_as_modifier", Error;
    /// A modifier nobody knows.
    UNKNOWN_MODIFIER = "spf.unknown_modifier", Info;
    /// `ra`, `rp` or `rr` (RFC 6652) that has no effect.
    REPORTING_MODIFIER = "spf.reporting_modifier", Info;
    /// More than ten lookups.
    TOO_MANY_LOOKUPS = "spf.too_many_lookups", Error;
    /// Nine or ten lookups.
    NEAR_LOOKUP_LIMIT = "spf.near_lookup_limit", Info;
    /// More than two void lookups.
    TOO_MANY_VOID_LOOKUPS = "spf.too_many_void_lookups", Error;
    /// More than two void lookups for IPv6 senders only.
    TOO_MANY_VOID_LOOKUPS_IPV6 = "spf.too_many_void_lookups_ipv6", Warning;
    /// `mx` of a domain with more than ten hosts.
    TOO_MANY_MX_HOSTS = "spf.too_many_mx_hosts", Error;
    /// A record that includes itself.
    LOOP = "spf.loop", Error;
    /// `include` of a domain without a record.
    INCLUDE_WITHOUT_RECORD = "spf.include_without_record", Error;
    /// `redirect` to a domain without a record.
    REDIRECT_WITHOUT_RECORD = "spf.redirect_without_record", Error;
    /// An included record is worth nothing.
    INCLUDED_RECORD_BROKEN = "spf.included_record_broken", Error;
    /// Everyone passes.
    PASS_ALL = "spf.pass_all", Error;
    /// `all` without a sign: everyone passes.
    BARE_ALL = "spf.bare_all", Error;
    /// `?all`.
    NEUTRAL_ALL = "spf.neutral_all", Warning;
    /// Neither `all` nor `redirect`.
    NO_ALL = "spf.no_all", Warning;
    /// `redirect` together with `all`.
    REDIRECT_IGNORED = "spf.redirect_ignored", Warning;
    /// Terms behind `all`.
    TERMS_AFTER_ALL = "spf.terms_after_all", Warning;
    /// `ptr`, or the macro `p`.
    PTR = "spf.ptr", Warning;
    /// A term that asks for addresses which are not there.
    TERM_WITHOUT_ADDRESS = "spf.term_without_address", Warning;
    /// A mail host without an address.
    MX_HOST_WITHOUT_ADDRESS = "spf.mx_host_without_address", Warning;
    /// A network wider than anyone needs.
    NETWORK_TOO_WIDE = "spf.network_too_wide", Warning;
    /// A network that is not on the Internet.
    PRIVATE_NETWORK = "spf.private_network", Info;
    /// The same term twice.
    DUPLICATE_TERM = "spf.duplicate_term", Warning;
    /// The same record included by several ways.
    DUPLICATE_INCLUDE = "spf.duplicate_include", Info;
    /// A term all of whose addresses another one has.
    OVERLAPPING_NETWORKS = "spf.overlapping_networks", Info;
    /// More than 512 bytes.
    RECORD_TOO_LONG = "spf.record_too_long", Warning;
    /// More than 450 bytes.
    RECORD_LONG = "spf.record_long", Info;
    /// An explanation that is not there.
    EXPLANATION_UNUSABLE = "spf.explanation_unusable", Warning;
}

/// Writes down what is wrong with `domain`, whose tree is `tree` if it has one record.
pub(super) fn report(check: &mut Check, gathered: &Gathered, domain: &str, tree: Option<&Branch>) {
    let Some(selection) = gathered.selections.get(domain) else { return };
    strays(check, domain, selection);
    match &selection.source {
        Source::Unknown(trouble) => {
            check.unanswered(domain, *trouble);
            for fact in ["record", "all", "lookups", "valid"] {
                check.unknown_fact(fact);
            }
        }
        Source::BadName => missing(check, domain, selection, "The name cannot be asked for."),
        Source::None => missing(check, domain, selection, &format!("No text of {domain} is an SPF record.")),
        Source::Void { is_name_missing: true } => {
            missing(check, domain, selection, &format!("The name {domain} does not exist."));
        }
        Source::Void { is_name_missing: false } => {
            missing(check, domain, selection, &format!("{domain} has no TXT records."));
        }
        Source::Several(records) => {
            for record in records {
                check.observe(domain, "TXT", record);
            }
            let all = records.join("\n");
            let detail = format!("{domain} has {} SPF records, so none of them counts.", records.len());
            check.find(SEVERAL_RECORDS.at(domain, Some(&all), detail));
            check.fact("record", all);
            check.fact("valid", "no");
        }
        Source::Record { record, .. } => {
            check.observe(domain, "TXT", &record.text);
            check.fact("record", &record.text);
            let Some(tree) = tree else { return };
            let mut walk = Walk::new(check, gathered, domain);
            walk.branch(tree, true);
            let walked = walk.finish();
            limits::all(check, tree, &walked);
            limits::addresses(check, tree);
            limits::lookups(check, tree);
            limits::explanation(check, gathered, tree);
            overlap::report(check, domain, tree);
            limits::facts(check, tree, &walked);
        }
    }
}

fn strays(check: &mut Check, domain: &str, selection: &Selection) {
    let has_record = matches!(selection.source, Source::Record { .. } | Source::Several(_));
    let mut kinds: BTreeMap<_, Vec<&Stray>> = BTreeMap::new();
    for stray in &selection.strays {
        check.observe(domain, "TXT", &stray.text);
        let code = match stray.reason {
            StrayReason::SenderId => SENDER_ID,
            _ if has_record => STRAY_RECORD,
            _ => UNRECOGNIZED_RECORD,
        };
        kinds.entry(code).or_default().push(stray);
    }
    for (code, strays) in kinds {
        let Some(first) = strays.first() else { continue };
        let one = |_: &str| format!("A text of {domain} is no SPF record: {}.", first.reason);
        check.find_texts(code, domain, strays.iter().map(|stray| stray.text.as_str()), one);
    }
}

/// No record, unless there is one that only needs to be repaired.
fn missing(check: &mut Check, domain: &str, selection: &Selection, detail: &str) {
    if selection.strays.iter().all(|stray| stray.reason == StrayReason::SenderId) {
        check.find(MISSING.at(domain, None, detail));
    }
}
