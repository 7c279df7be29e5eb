//! Makes a report of JSON, one member after another, without building a tree of it first.

use encoding_rs::Encoding;
use serde::de::DeserializeSeed;

use super::{context::Context, model::TlsReport, seed::Item};
use crate::{Limits, ReportError, warning::Warnings};

/// Reads a report that lies in memory.
pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<TlsReport, ReportError> {
    let mut context = Context::new(limits);
    let encoding = Encoding::for_bom(bytes).map_or(encoding_rs::UTF_8, |(encoding, _)| encoding);
    let (text, replaced) = encoding.decode_with_bom_removal(bytes);
    if replaced {
        context.warnings.add_once("invalid_bytes_replaced");
    }
    let text =
        text.trim_start_matches(|character: char| character.is_whitespace() || character == '\u{feff}');
    if !text.starts_with('{') {
        return Err(ReportError::not_a_report(if text.is_empty() {
            "it is empty"
        } else {
            "no JSON object"
        }));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let mut report = TlsReport::default();
    let read = Item { context: &mut context, into: &mut report }.deserialize(&mut json);
    if let Some(refused) = context.refused {
        return Err(refused);
    }
    read.map_err(|error| ReportError::MalformedJson { reason: error.to_string() })?;
    if context.known < 2 {
        return Err(ReportError::not_a_report("a JSON object without the members of a TLS report"));
    }
    if json.end().is_err() {
        context.warnings.add_once("trailing_junk");
    }
    report.warnings = missing(&report, context.warnings).into_list();
    Ok(report)
}

/// Notes what a report should have and has not.
fn missing(report: &TlsReport, mut warnings: Warnings) -> Warnings {
    for (code, at, missing) in [
        ("organization_name_missing", "organization-name", report.organization_name.is_none()),
        ("report_id_missing", "report-id", report.report_id.is_none()),
        ("begin_missing", "date-range/start-datetime", report.begin.is_none()),
        ("end_missing", "date-range/end-datetime", report.end.is_none()),
        ("no_policies", "policies", report.policies.is_empty()),
    ] {
        if missing {
            warnings.add_missing(code, at);
        }
    }
    for (index, policy) in report.policies.iter().enumerate() {
        for (code, at, missing) in [
            ("policy_domain_missing", "policy/policy-domain", policy.policy_domain.is_none()),
            ("count_missing", "summary/total-successful-session-count", policy.successful.is_none()),
            ("count_missing", "summary/total-failure-session-count", policy.failed.is_none()),
        ] {
            if missing {
                warnings.add_missing(code, &format!("policies[{}]/{at}", index + 1));
            }
        }
    }
    warnings
}
