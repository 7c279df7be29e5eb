use super::{Context, MOST_A_RECORD, MOST_A_REPORT, codes, places, strings};
use crate::store::{
    block::table,
    column::{
        Address, Day, Fixed, Identity, List, Millis, Optional, Phrases, Push, Runs, Seconds, Text, Words,
    },
};
use ruad_common::domain_name::{is_within, normalize};
use ruad_report::aggregate::{Aggregate, Record};

table! {
    /// Rows of `aggregate_reports`.
    AggregateReports in "aggregate_reports" {
        policy_domain: Words<false>,
        day: Fixed<Day>,
        group_name: Words<false>,
        reporter: Words<false>,
        verdict: Words<false>,
        standing: Words<false>,
        report_key: Fixed<Identity>,
        content_hash: Fixed<Identity>,
        conflict: Fixed<bool>,
        date_suspect: Fixed<bool>,
        received_at: Fixed<Millis>,
        segment: Fixed<Identity>,
        number: Fixed<u32>,
        path: List<Text>,
        precedence: Fixed<u64>,
        format: Words<false>,
        namespace: Words<true>,
        version: Optional<Text>,
        org_name: Words<true>,
        email: Words<true>,
        extra_contact_info: Words<true>,
        report_id: Optional<Text>,
        begin: Optional<Fixed<Seconds>>,
        end: Optional<Fixed<Seconds>>,
        errors: List<Text>,
        generator: Words<true>,
        domain: Optional<Text>,
        p: Words<true>,
        sp: Words<true>,
        np: Words<true>,
        adkim: Words<true>,
        aspf: Words<true>,
        pct: Optional<Fixed<i64>>,
        fo: Words<true>,
        testing: Words<true>,
        discovery_method: Words<true>,
        extensions: List<Text>,
        records: Fixed<u64>,
        messages: Fixed<u64>,
        warnings_code as "warnings.code": List<Words<false>>,
        warnings_at as "warnings.at": List<Text>,
    }
}

table! {
    /// Rows of `aggregate_records`.
    AggregateRecords in "aggregate_records" {
        policy_domain: Phrases,
        day: Runs<Day>,
        group_name: Words<false>,
        reporter: Words<false>,
        verdict: Words<false>,
        standing: Words<false>,
        report_key: Runs<Identity>,
        content_hash: Runs<Identity>,
        record: Fixed<u32>,
        received_at: Runs<Millis>,
        precedence: Runs<u64>,
        source_ip: Fixed<Address>,
        count: Fixed<u64>,
        disposition: Words<false>,
        dkim: Words<false>,
        spf: Words<false>,
        dkim_aligned: Fixed<bool>,
        spf_aligned: Fixed<bool>,
        dmarc_pass: Fixed<bool>,
        header_from: Phrases,
        subdomain: Fixed<bool>,
        envelope_from: Optional<Phrases>,
        envelope_to: Phrases,
        reasons_type as "reasons.type": List<Phrases>,
        reasons_comment as "reasons.comment": List<Phrases>,
        dkim_results_domain as "dkim_results.domain": List<Phrases>,
        dkim_results_selector as "dkim_results.selector": List<Phrases>,
        dkim_results_result as "dkim_results.result": List<Phrases>,
        dkim_results_human_result as "dkim_results.human_result": List<Phrases>,
        spf_results_domain as "spf_results.domain": List<Phrases>,
        spf_results_scope as "spf_results.scope": List<Phrases>,
        spf_results_result as "spf_results.result": List<Phrases>,
        spf_results_human_result as "spf_results.human_result": List<Phrases>,
    }
}

impl AggregateReports {
    /// Adds a report.
    pub fn add(&mut self, context: &Context<'_>, report: &Aggregate) {
        self.policy_domain.push(context.policy_domain);
        self.day.push(context.day);
        self.group_name.push(context.group_name);
        self.reporter.push(context.reporter);
        self.verdict.push(context.verdict);
        self.standing.push(context.standing);
        self.report_key.push(context.report_key());
        self.content_hash.push(context.content_hash());
        self.conflict.push(context.conflict);
        self.date_suspect.push(context.date_suspect);
        self.received_at.push(context.received_at());
        self.segment.push(context.segment.into());
        self.number.push(context.number);
        self.path.push(strings(context.path));
        self.precedence.push(context.precedence());
        self.format.push(report.format.as_str());
        self.namespace.push(report.namespace.as_deref());
        self.version.push(report.version.as_deref());
        self.org_name.push(report.org_name.as_deref());
        self.email.push(report.email.as_deref());
        self.extra_contact_info.push(report.extra_contact_info.as_deref());
        self.report_id.push(report.report_id.as_deref());
        self.begin.push(report.begin.and_then(Seconds::representable));
        self.end.push(report.end.and_then(Seconds::representable));
        self.errors.push(strings(&report.errors));
        self.generator.push(report.generator.as_deref());
        let policy = &report.policy;
        self.domain.push(policy.domain.as_deref());
        self.p.push(policy.p.as_deref());
        self.sp.push(policy.sp.as_deref());
        self.np.push(policy.np.as_deref());
        self.adkim.push(policy.adkim.as_deref());
        self.aspf.push(policy.aspf.as_deref());
        self.pct.push(policy.pct);
        self.fo.push(policy.fo.as_deref());
        self.testing.push(policy.testing.as_deref());
        self.discovery_method.push(policy.discovery_method.as_deref());
        self.extensions.push(strings(&report.extensions));
        self.records.push(report.records);
        self.messages.push(report.messages.min(MOST_A_REPORT));
        self.warnings_code.push(codes(&report.warnings));
        self.warnings_at.push(places(&report.warnings));
    }
}

impl AggregateRecords {
    /// Adds a record, the one with this position in its report.
    pub fn add(&mut self, context: &Context<'_>, position: u32, record: &Record) {
        let dkim = record.dkim().unwrap_or_default();
        let spf = record.spf().unwrap_or_default();
        let dkim_aligned = is_pass(dkim);
        let spf_aligned = is_pass(spf);
        self.policy_domain.push(context.policy_domain);
        self.day.push(context.day);
        self.group_name.push(context.group_name);
        self.reporter.push(context.reporter);
        self.verdict.push(context.verdict);
        self.standing.push(context.standing);
        self.report_key.push(context.report_key());
        self.content_hash.push(context.content_hash());
        self.record.push(position);
        self.received_at.push(context.received_at());
        self.precedence.push(context.precedence());
        self.source_ip.push(Address(record.source_ip()));
        self.count.push(record.count().min(MOST_A_RECORD));
        self.disposition.push(record.disposition().unwrap_or_default());
        self.dkim.push(dkim);
        self.spf.push(spf);
        self.dkim_aligned.push(dkim_aligned);
        self.spf_aligned.push(spf_aligned);
        self.dmarc_pass.push(dkim_aligned || spf_aligned);
        let header_from = record.header_from().unwrap_or_default();
        self.header_from.push(header_from);
        self.subdomain.push(is_below(header_from, context.policy_domain));
        self.envelope_from.push(record.envelope_from());
        self.envelope_to.push(record.envelope_to().unwrap_or_default());
        self.reasons_type.push(record.reasons().map(|reason| reason.kind.unwrap_or_default()));
        self.reasons_comment.push(record.reasons().map(|reason| reason.comment.unwrap_or_default()));
        self.dkim_results_domain.push(record.dkim_results().map(|result| result.domain.unwrap_or_default()));
        self.dkim_results_selector
            .push(record.dkim_results().map(|result| result.selector.unwrap_or_default()));
        self.dkim_results_result.push(record.dkim_results().map(|result| result.result.unwrap_or_default()));
        self.dkim_results_human_result
            .push(record.dkim_results().map(|result| result.human_result.unwrap_or_default()));
        self.spf_results_domain.push(record.spf_results().map(|result| result.domain.unwrap_or_default()));
        self.spf_results_scope.push(record.spf_results().map(|result| result.scope.unwrap_or_default()));
        self.spf_results_result.push(record.spf_results().map(|result| result.result.unwrap_or_default()));
        self.spf_results_human_result
            .push(record.spf_results().map(|result| result.human_result.unwrap_or_default()));
    }
}

/// Some reporters write it with capitals. Whatever is not clearly a pass is none: a verdict is never made up.
fn is_pass(verdict: &str) -> bool {
    verdict.eq_ignore_ascii_case("pass")
}

/// Whether a name as a reporter wrote it is that of a subdomain of `domain`, which is normalized. It may be in capitals,
/// end in a dot or have U-labels.
fn is_below(name: &str, domain: &str) -> bool {
    if !name.is_ascii() {
        return normalize(name).is_some_and(|name| name != domain && is_within(&name, domain));
    }
    let name = name.trim_ascii();
    let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
    let Some((above, end)) = name.len().checked_sub(domain.len()).map(|at| name.split_at(at)) else {
        return false;
    };
    !domain.is_empty() && end.eq_ignore_ascii_case(domain.as_bytes()) && matches!(above, [.., _, b'.'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_subdomain_however_it_is_written() {
        for (name, domain, expected) in [
            ("mail.example.com", "example.com", true),
            ("MAIL.Example.com", "example.com", true),
            ("mail.example.com.", "example.com", true),
            ("mail.xn--bcher-kva.example", "xn--bcher-kva.example", true),
            ("mail.bücher.example", "xn--bcher-kva.example", true),
            ("mail.BÜCHER.example.", "xn--bcher-kva.example", true),
            ("bücher.example", "xn--bcher-kva.example", false),
            ("example.com.", "example.com", false),
            ("example.com", "example.com", false),
            (".example.com", "example.com", false),
            ("notexample.com", "example.com", false),
            ("com", "example.com", false),
            ("", "example.com", false),
            ("example.com", "", false),
        ] {
            assert_eq!(is_below(name, domain), expected, "{name} {domain}");
        }
    }

    proptest! {
        #[test]
        fn domains_are_compared_as_names(
            name in "([A-Za-z]{1,2}\\.){0,3}[A-Za-z]{1,2}\\.?", domain in "([a-z]{1,2}\\.){0,2}[a-z]{1,2}",
        ) {
            for name in [name.clone(), format!("{name}.{domain}"), format!("{name}{domain}")] {
                let normal = normalize(&name);
                let expected = normal.is_some_and(|name| name != domain && is_within(&name, &domain));
                prop_assert!(is_below(&name, &domain) == expected || name.contains(".."), "{name} {domain}");
            }
        }
    }
}
