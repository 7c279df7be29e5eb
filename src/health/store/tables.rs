//! Columns of the tables that health writes.

use crate::store::tables::timestamp;
use crate::{
    health::rows::{CheckRow, EventRow, KeyRow, RecordRow},
    store::{
        block::table,
        column::{Fixed, Identity, List, Optional, Push, Text, Timestamp, Words},
    },
};

table! {
    /// Rows of `dns_checks`.
    DnsChecks in "dns_checks" {
        domain: Words<false>,
        check: Words<false>,
        checked_at: Fixed<Timestamp>,
        group_name: Words<false>,
        status: Words<false>,
        findings_code as "findings.code": List<Words<false>>,
        findings_severity as "findings.severity": List<Words<false>>,
        findings_detail as "findings.detail": List<Text>,
        findings_name as "findings.name": List<Text>,
        unknown_name as "unknown.name": List<Text>,
        unknown_trouble as "unknown.trouble": List<Words<false>>,
        settled: Fixed<bool>,
        facts_name as "facts.name": List<Words<false>>,
        facts_value as "facts.value": List<Text>,
        facts_absent as "facts.absent": List<Fixed<bool>>,
        facts_since as "facts.since": List<Fixed<Timestamp>>,
        spf_lookups: Optional<Fixed<u32>>,
        score: Optional<Fixed<f32>>,
    }
}

table! {
    /// Rows of `dns_records`.
    DnsRecords in "dns_records" {
        domain: Words<false>,
        name: Text,
        kind as "type": Words<false>,
        text: Text,
        group_name: Words<false>,
        first_seen: Fixed<Timestamp>,
        last_seen: Fixed<Timestamp>,
    }
}

table! {
    /// Rows of `dkim_sightings`.
    DkimSightings in "dkim_sightings" {
        domain: Words<false>,
        selector: Text,
        fingerprint: Text,
        group_name: Words<false>,
        kind as "type": Words<false>,
        bits: Fixed<u32>,
        first_seen: Fixed<Timestamp>,
        last_seen: Fixed<Timestamp>,
    }
}

table! {
    /// Rows of `domain_events`.
    DomainEvents in "domain_events" {
        domain: Words<false>,
        id: Fixed<Identity>,
        seen_at: Fixed<Timestamp>,
        confirmed_at: Fixed<Timestamp>,
        group_name: Words<false>,
        check: Words<false>,
        kind: Words<false>,
        severity: Words<false>,
        subject: Text,
        old: Optional<Text>,
        new: Optional<Text>,
        text: Text,
    }
}

impl DnsChecks {
    /// Adds what was found about one mechanism.
    pub fn add(&mut self, row: &CheckRow) {
        self.domain.push(&*row.domain);
        self.check.push(row.mechanism.name());
        self.checked_at.push(timestamp(row.checked_at));
        self.group_name.push(&*row.group);
        self.status.push(row.status.name());
        let findings = || row.findings.iter();
        self.findings_code.push(findings().map(|finding| finding.code.name));
        self.findings_severity.push(findings().map(|finding| finding.code.severity.name()));
        self.findings_detail.push(findings().map(|finding| finding.detail.as_str()));
        self.findings_name.push(findings().map(|finding| finding.evidence.name.as_str()));
        self.unknown_name.push(row.unknown.iter().map(|unanswered| unanswered.name.as_str()));
        self.unknown_trouble.push(row.unknown.iter().map(|unanswered| unanswered.trouble.name()));
        self.settled.push(row.settled);
        let facts = || row.facts.iter().map(|(_, fact)| fact);
        self.facts_name.push(row.facts.iter().map(|(name, _)| name.as_str()));
        self.facts_value.push(facts().map(|fact| fact.value.as_deref().unwrap_or_default()));
        self.facts_absent.push(facts().map(|fact| fact.value.is_none()));
        self.facts_since.push(facts().map(|fact| timestamp(fact.since)));
        self.spf_lookups.push(row.spf_lookups);
        self.score.push(row.score);
    }
}

impl DnsRecords {
    /// Adds a record that was seen.
    pub fn add(&mut self, row: &RecordRow) {
        self.domain.push(&*row.domain);
        self.name.push(row.name.as_str());
        self.kind.push(row.kind);
        self.text.push(row.text.as_str());
        self.group_name.push(&*row.group);
        self.first_seen.push(timestamp(row.seen_at));
        self.last_seen.push(timestamp(row.seen_at));
    }
}

impl DkimSightings {
    /// Adds a key that was seen.
    pub fn add(&mut self, row: &KeyRow) {
        self.domain.push(&*row.domain);
        self.selector.push(row.selector.as_str());
        self.fingerprint.push(row.fingerprint.as_str());
        self.group_name.push(&*row.group);
        self.kind.push(row.kind.to_string().as_str());
        self.bits.push(row.bits);
        self.first_seen.push(timestamp(row.first_seen));
        self.last_seen.push(timestamp(row.last_seen));
    }
}

impl DomainEvents {
    /// Adds an event.
    pub fn add(&mut self, row: &EventRow) {
        let EventRow { group, event, confirmed_at } = row;
        self.domain.push(event.domain.as_str());
        self.id.push(Identity(event.id));
        self.seen_at.push(timestamp(event.seen_at));
        self.confirmed_at.push(timestamp(*confirmed_at));
        self.group_name.push(&**group);
        self.check.push(event.check());
        self.kind.push(event.kind);
        self.severity.push(event.severity.name());
        self.subject.push(event.subject.as_str());
        self.old.push(event.old.as_deref());
        self.new.push(event.new.as_deref());
        self.text.push(event.text.as_str());
    }
}
