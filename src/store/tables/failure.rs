use std::net::IpAddr;

use super::{Context, MOST_A_RECORD, codes, places, strings};
use crate::store::{
    block::table,
    column::{Address, Day, Fixed, Identity, List, Millis, Optional, Push, Seconds, Text, Words},
};
use ruad_report::failure::FailureReport;

table! {
    /// Rows of `failure_reports`.
    FailureReports in "failure_reports" {
        policy_domain: Words<false>,
        day: Fixed<Day>,
        group_name: Words<false>,
        reporter: Words<false>,
        verdict: Words<false>,
        standing: Words<false>,
        report_key: Fixed<Identity>,
        content_hash: Fixed<Identity>,
        received_at: Fixed<Millis>,
        segment: Fixed<Identity>,
        number: Fixed<u32>,
        path: List<Text>,
        precedence: Fixed<u64>,
        feedback_type: Words<true>,
        version: Words<true>,
        user_agent: Words<true>,
        auth_failure: List<Words<false>>,
        reported_domain: List<Words<false>>,
        source_ip: Optional<Fixed<Address>>,
        source_ip_text: Optional<Text>,
        arrival_date: Optional<Fixed<Seconds>>,
        incidents: Optional<Fixed<u64>>,
        identity_alignment: List<Words<false>>,
        delivery_result: Words<true>,
        original_mail_from: Optional<Text>,
        original_rcpt_to: List<Text>,
        original_envelope_id: Optional<Text>,
        dkim_domain: Optional<Text>,
        dkim_selector: Optional<Text>,
        dkim_identity: Optional<Text>,
        spf_dns: List<Text>,
        authentication_results: List<Text>,
        reporting_mta: Optional<Text>,
        header_from: Optional<Text>,
        subject: Optional<Text>,
        message_id: Optional<Text>,
        warnings_code as "warnings.code": List<Words<false>>,
        warnings_at as "warnings.at": List<Text>,
    }
}

impl FailureReports {
    /// Adds a report, which has been redacted if it is to be.
    pub fn add(&mut self, context: &Context<'_>, report: &FailureReport) {
        self.policy_domain.push(context.policy_domain);
        self.day.push(context.day);
        self.group_name.push(context.group_name);
        self.reporter.push(context.reporter);
        self.verdict.push(context.verdict);
        self.standing.push(context.standing);
        self.report_key.push(context.report_key());
        self.content_hash.push(context.content_hash());
        self.received_at.push(context.received_at());
        self.segment.push(context.segment.into());
        self.number.push(context.number);
        self.path.push(strings(context.path));
        self.precedence.push(context.precedence());
        self.feedback_type.push(report.feedback_type.as_deref());
        self.version.push(report.version.as_deref());
        self.user_agent.push(report.user_agent.as_deref());
        self.auth_failure.push(strings(&report.auth_failure));
        self.reported_domain.push(strings(&report.reported_domain));
        let source_ip = report.source_ip.as_deref();
        self.source_ip.push(source_ip.and_then(|text| text.parse::<IpAddr>().ok()).map(Address));
        self.source_ip_text.push(source_ip);
        self.arrival_date.push(report.arrival_date.and_then(Seconds::representable));
        self.incidents.push(report.incidents.map(|incidents| incidents.min(MOST_A_RECORD)));
        self.identity_alignment.push(strings(&report.identity_alignment));
        self.delivery_result.push(report.delivery_result.as_deref());
        self.original_mail_from.push(report.original_mail_from.as_deref());
        self.original_rcpt_to.push(strings(&report.original_rcpt_to));
        self.original_envelope_id.push(report.original_envelope_id.as_deref());
        self.dkim_domain.push(report.dkim_domain.as_deref());
        self.dkim_selector.push(report.dkim_selector.as_deref());
        self.dkim_identity.push(report.dkim_identity.as_deref());
        self.spf_dns.push(strings(&report.spf_dns));
        self.authentication_results.push(strings(&report.authentication_results));
        self.reporting_mta.push(report.reporting_mta.as_deref());
        self.header_from.push(report.header_from.as_deref());
        self.subject.push(report.subject.as_deref());
        self.message_id.push(report.message_id.as_deref());
        self.warnings_code.push(codes(&report.warnings));
        self.warnings_at.push(places(&report.warnings));
    }
}
