use super::{Context, MOST_A_REPORT, strings};
use crate::store::{
    block::table,
    column::{Day, Fixed, Identity, List, Millis, Push, Text, Words},
};

table! {
    /// Rows of `deliveries`, the ledger.
    Deliveries in "deliveries" {
        report_key: Fixed<Identity>,
        content_hash: Fixed<Identity>,
        segment: Fixed<Identity>,
        number: Fixed<u32>,
        part: Fixed<u32>,
        path: List<Text>,
        decision: Words<false>,
        kind: Words<false>,
        received_at: Fixed<Millis>,
        policy_domain: Words<false>,
        day: Fixed<Day>,
        group_name: Words<false>,
        reporter: Words<false>,
        organization: Words<false>,
        verdict: Words<false>,
        standing: Words<false>,
        report_id: Text,
        records: Fixed<u64>,
        messages: Fixed<u64>,
    }
}

/// What the ledger says beyond a report's context.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Position among the reports of its message.
    pub part: u32,
    /// `stored`, `duplicate` or `conflict`.
    pub decision: &'static str,
    /// `aggregate`, `tls` or `failure`.
    pub kind: &'static str,
    /// Organizational domain of the From header of its mail, when DMARC passes; else empty.
    pub organization: &'a str,
    /// Its id as written.
    pub report_id: &'a str,
    /// Records, policies or failure reports in it.
    pub records: u64,
    /// Messages or sessions it counts.
    pub messages: u64,
}

impl Deliveries {
    /// Adds a delivery of a report.
    pub fn add(&mut self, context: &Context<'_>, delivery: &Delivery<'_>) {
        self.report_key.push(context.report_key());
        self.content_hash.push(context.content_hash());
        self.segment.push(context.segment.into());
        self.number.push(context.number);
        self.part.push(delivery.part);
        self.path.push(strings(context.path));
        self.decision.push(delivery.decision);
        self.kind.push(delivery.kind);
        self.received_at.push(context.received_at());
        self.policy_domain.push(context.policy_domain);
        self.day.push(context.day);
        self.group_name.push(context.group_name);
        self.reporter.push(context.reporter);
        self.organization.push(delivery.organization);
        self.verdict.push(context.verdict);
        self.standing.push(context.standing);
        self.report_id.push(delivery.report_id);
        self.records.push(delivery.records);
        self.messages.push(delivery.messages.min(MOST_A_REPORT));
    }
}
