use super::{Context, MOST_A_RECORD, codes, places, strings};
use crate::store::{
    block::table,
    column::{Day, Fixed, Identity, List, Millis, Optional, Push, Seconds, Text, Words},
};
use ruad_report::tls::{TlsFailure, TlsPolicy, TlsReport};

table! {
    /// Rows of `tls_policies`.
    TlsPolicies in "tls_policies" {
        policy_domain: Words<false>,
        day: Fixed<Day>,
        group_name: Words<false>,
        reporter: Words<false>,
        verdict: Words<false>,
        standing: Words<false>,
        report_key: Fixed<Identity>,
        content_hash: Fixed<Identity>,
        policy: Fixed<u32>,
        conflict: Fixed<bool>,
        date_suspect: Fixed<bool>,
        received_at: Fixed<Millis>,
        segment: Fixed<Identity>,
        number: Fixed<u32>,
        path: List<Text>,
        precedence: Fixed<u64>,
        organization_name: Words<true>,
        contact_info: Words<true>,
        report_id: Optional<Text>,
        begin: Optional<Fixed<Seconds>>,
        end: Optional<Fixed<Seconds>>,
        domain: Optional<Text>,
        policy_type: Words<true>,
        policy_string: List<Text>,
        mx_host: List<Text>,
        successful: Fixed<u64>,
        failed: Fixed<u64>,
        warnings_code as "warnings.code": List<Words<false>>,
        warnings_at as "warnings.at": List<Text>,
    }
}

table! {
    /// Rows of `tls_failures`.
    TlsFailures in "tls_failures" {
        policy_domain: Words<false>,
        day: Fixed<Day>,
        group_name: Words<false>,
        reporter: Words<false>,
        verdict: Words<false>,
        standing: Words<false>,
        report_key: Fixed<Identity>,
        content_hash: Fixed<Identity>,
        policy: Fixed<u32>,
        failure: Fixed<u32>,
        received_at: Fixed<Millis>,
        precedence: Fixed<u64>,
        policy_type: Words<false>,
        result_type: Words<false>,
        sending_mta_ip: Words<false>,
        receiving_mx_hostname: Words<false>,
        receiving_mx_helo: Words<false>,
        receiving_ip: Words<false>,
        failed_sessions: Fixed<u64>,
        additional_information: Text,
        failure_reason_code: Text,
    }
}

impl TlsPolicies {
    /// Adds a policy, the one with this position in its report. Domain and group of `context` are the policy's.
    pub fn add(&mut self, context: &Context<'_>, report: &TlsReport, position: u32, policy: &TlsPolicy) {
        self.policy_domain.push(context.policy_domain);
        self.day.push(context.day);
        self.group_name.push(context.group_name);
        self.reporter.push(context.reporter);
        self.verdict.push(context.verdict);
        self.standing.push(context.standing);
        self.report_key.push(context.report_key());
        self.content_hash.push(context.content_hash());
        self.policy.push(position);
        self.conflict.push(context.conflict);
        self.date_suspect.push(context.date_suspect);
        self.received_at.push(context.received_at());
        self.segment.push(context.segment.into());
        self.number.push(context.number);
        self.path.push(strings(context.path));
        self.precedence.push(context.precedence());
        self.organization_name.push(report.organization_name.as_deref());
        self.contact_info.push(report.contact_info.as_deref());
        self.report_id.push(report.report_id.as_deref());
        self.begin.push(report.begin.and_then(Seconds::representable));
        self.end.push(report.end.and_then(Seconds::representable));
        self.domain.push(policy.policy_domain.as_deref());
        self.policy_type.push(policy.policy_type.as_deref());
        self.policy_string.push(strings(&policy.policy_string));
        self.mx_host.push(strings(&policy.mx_host));
        self.successful.push(policy.successful.unwrap_or_default().min(MOST_A_RECORD));
        self.failed.push(policy.failed.unwrap_or_default().min(MOST_A_RECORD));
        self.warnings_code.push(codes(&report.warnings));
        self.warnings_at.push(places(&report.warnings));
    }
}

impl TlsFailures {
    /// Adds a failure detail, the one with this position in its policy.
    pub fn add(
        &mut self,
        context: &Context<'_>,
        policy_position: u32,
        policy: &TlsPolicy,
        position: u32,
        failure: &TlsFailure,
    ) {
        self.policy_domain.push(context.policy_domain);
        self.day.push(context.day);
        self.group_name.push(context.group_name);
        self.reporter.push(context.reporter);
        self.verdict.push(context.verdict);
        self.standing.push(context.standing);
        self.report_key.push(context.report_key());
        self.content_hash.push(context.content_hash());
        self.policy.push(policy_position);
        self.failure.push(position);
        self.received_at.push(context.received_at());
        self.precedence.push(context.precedence());
        self.policy_type.push(policy.policy_type.as_deref().unwrap_or_default());
        self.result_type.push(failure.result_type.as_deref().unwrap_or_default());
        self.sending_mta_ip.push(failure.sending_mta_ip.as_deref().unwrap_or_default());
        self.receiving_mx_hostname.push(failure.receiving_mx_hostname.as_deref().unwrap_or_default());
        self.receiving_mx_helo.push(failure.receiving_mx_helo.as_deref().unwrap_or_default());
        self.receiving_ip.push(failure.receiving_ip.as_deref().unwrap_or_default());
        self.failed_sessions.push(failure.failed_sessions.unwrap_or_default().min(MOST_A_RECORD));
        self.additional_information.push(failure.additional_information.as_deref().unwrap_or_default());
        self.failure_reason_code.push(failure.failure_reason_code.as_deref().unwrap_or_default());
    }
}
