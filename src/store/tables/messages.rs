use std::net::IpAddr;

use uuid::Uuid;

use super::{millis, strings};
use crate::store::{
    block::table,
    column::{Address, Day, Fixed, Identity, List, Millis, Push, Text, Words},
};

table! {
    /// Rows of `messages`.
    Messages in "messages" {
        day: Fixed<Day>,
        received_at: Fixed<Millis>,
        segment: Fixed<Identity>,
        number: Fixed<u32>,
        group_name: Words<false>,
        outcome: Words<false>,
        code: Words<false>,
        reason: Text,
        verdict: Words<false>,
        from_domain: Words<false>,
        spf: Text,
        dkim: Text,
        dmarc: Words<false>,
        client_ip: Fixed<Address>,
        helo: Text,
        tls: Words<false>,
        mail_from_domain: Words<false>,
        rcpt_to: List<Words<false>>,
        size: Fixed<u64>,
        reports: Fixed<u32>,
        duplicates: Fixed<u32>,
        conflicts: Fixed<u32>,
        records: Fixed<u64>,
        refused_path as "refused.path": List<Text>,
        refused_code as "refused.code": List<Words<false>>,
        refused_message as "refused.message": List<Text>,
    }
}

/// A message and what became of it.
#[derive(Clone, Debug)]
pub struct MessageRow<'a> {
    /// Spool segment.
    pub segment: Uuid,
    /// Number in the segment.
    pub number: u32,
    /// When it arrived; milliseconds since the epoch.
    pub received_at: u64,
    /// Customer of its first report.
    pub group_name: &'a str,
    /// `stored`, `duplicate`, `rejected` or `quarantined`.
    pub outcome: &'a str,
    /// Why it was rejected or quarantined, as a code.
    pub code: &'a str,
    /// The same as a sentence.
    pub reason: &'a str,
    /// Verdict of its first report, else of itself.
    pub verdict: &'a str,
    /// Domain of its From header.
    pub from_domain: &'a str,
    /// What SPF gave.
    pub spf: &'a str,
    /// What its signatures gave.
    pub dkim: &'a str,
    /// What DMARC gave.
    pub dmarc: &'a str,
    /// The SMTP client.
    pub client_ip: IpAddr,
    /// What it called itself.
    pub helo: &'a str,
    /// TLS version and cipher suite; empty without.
    pub tls: &'a str,
    /// Domain of the reverse-path.
    pub mail_from_domain: &'a str,
    /// Recipients.
    pub rcpt_to: &'a [String],
    /// Bytes.
    pub size: u64,
    /// Reports stored, conflicting ones included.
    pub reports: u32,
    /// Reports that were there already.
    pub duplicates: u32,
    /// Reports whose identity was there with other content.
    pub conflicts: u32,
    /// Records, policies and failure reports stored.
    pub records: u64,
    /// Parts that gave nothing.
    pub refused: &'a [RefusedPart],
}

/// A part of a message that gave nothing.
#[derive(Clone, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct RefusedPart {
    /// Where in the message.
    pub path: Vec<String>,
    /// Why, as a code.
    pub code: String,
    /// The same as a sentence.
    pub message: String,
}

impl Messages {
    /// Adds a message.
    pub fn add(&mut self, row: &MessageRow<'_>) {
        let days = row.received_at / MILLISECONDS_A_DAY;
        self.day.push(Day(u16::try_from(days).unwrap_or(u16::MAX)));
        self.received_at.push(millis(row.received_at));
        self.segment.push(row.segment.into());
        self.number.push(row.number);
        self.group_name.push(row.group_name);
        self.outcome.push(row.outcome);
        self.code.push(row.code);
        self.reason.push(row.reason);
        self.verdict.push(row.verdict);
        self.from_domain.push(row.from_domain);
        self.spf.push(row.spf);
        self.dkim.push(row.dkim);
        self.dmarc.push(row.dmarc);
        self.client_ip.push(Address(row.client_ip));
        self.helo.push(row.helo);
        self.tls.push(row.tls);
        self.mail_from_domain.push(row.mail_from_domain);
        self.rcpt_to.push(strings(row.rcpt_to));
        self.size.push(row.size);
        self.reports.push(row.reports);
        self.duplicates.push(row.duplicates);
        self.conflicts.push(row.conflicts);
        self.records.push(row.records);
        let paths: Vec<_> = row.refused.iter().map(|part| part.path.join("/")).collect();
        self.refused_path.push(strings(&paths));
        self.refused_code.push(row.refused.iter().map(|part| part.code.as_str()));
        self.refused_message.push(row.refused.iter().map(|part| part.message.as_str()));
    }
}

const MILLISECONDS_A_DAY: u64 = 86_400_000;
