//! What reports told, put into the tables as it is kept there.

use std::net::IpAddr;

use ruad::{
    health::posture::{Entry, Posture},
    store::Store,
};
use ruad_dns::spf::Network;

/// Mail of one address on one day.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mail {
    pub(crate) messages: u64,
    pub(crate) spf: u64,
    pub(crate) dkim: u64,
    pub(crate) passed: u64,
    pub(crate) forwarded: u64,
    pub(crate) foreign_spf: u64,
}

/// Who an address is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Who {
    pub(crate) reverse: String,
    pub(crate) asn: u32,
    pub(crate) service: &'static str,
    pub(crate) category: &'static str,
}

/// Rows that wait to be stored.
#[derive(Default)]
pub(crate) struct Rows {
    mail: Vec<String>,
    sources: Vec<String>,
    reports: Vec<String>,
}

impl Rows {
    pub(crate) fn mail(&mut self, domain: &str, day: u32, ip: &str, mail: Mail, verdict: &str) {
        let Mail { messages, spf, dkim, passed, forwarded, foreign_spf } = mail;
        self.mail.push(format!(
            "('{domain}',toDate({day}),'acme',toIPv6('{ip}'),'{verdict}',toStartOfMonth(toDate({day})),\
             {messages},{passed},{dkim},{spf},0,0,{forwarded},{foreign_spf},0,0,1)"
        ));
    }

    pub(crate) fn source(&mut self, ip: &str, who: &Who) {
        let Who { reverse, asn, service, category } = who;
        let confirmed = !reverse.is_empty();
        self.sources.push(format!(
            "(toIPv6('{ip}'),'{reverse}',{confirmed},{asn},'Network {asn}','NL','{service}','{category}',\
             toDateTime(1),toDateTime(2))"
        ));
    }

    pub(crate) fn report(&mut self, domain: &str, day: u32, policy: &str, messages: u64, verdict: &str) {
        self.reports.push(format!(
            "('{domain}',toDate({day}),'acme','reporter','{verdict}',generateUUIDv4(),generateUUIDv4(),\
             toDateTime64(toDate({day}),3,'UTC'),generateUUIDv4(),1,'{policy}',{messages})"
        ));
    }

    pub(crate) async fn store(self, store: &Store) {
        for (into, rows) in [
            (
                "daily_sources (policy_domain, day, group_name, source_ip, verdict, received_month, messages, \
                 passed, dkim_aligned, spf_aligned, quarantined, rejected, forwarded, foreign_spf, subdomain, \
                 subdomain_passed, records)",
                self.mail,
            ),
            (
                "sources (source_ip, reverse_name, reverse_confirmed, asn, as_name, country, service, category, \
                 checked_at, recheck_at)",
                self.sources,
            ),
            (
                "aggregate_reports (policy_domain, day, group_name, reporter, verdict, report_key, content_hash, \
                 received_at, segment, precedence, p, messages)",
                self.reports,
            ),
        ] {
            for rows in rows.chunks(5_000) {
                let statement = format!("INSERT INTO {into} VALUES {}", rows.join(","));
                let query = store.client().query_raw(&statement).with_setting("max_query_size", "16777216");
                query.with_setting("insert_deduplicate", "0").execute().await.unwrap();
            }
        }
    }
}

/// What DNS says of a domain with this SPF record.
pub(crate) fn posture(domain: &str, entries: Vec<Entry>) -> Posture {
    Posture { entries, ..Posture::empty(domain, 0) }
}

/// A term of SPF with these networks.
pub(crate) fn entry(term: &str, networks: &[(&str, u8)]) -> Entry {
    let network = |(address, prefix): &(&str, u8)| {
        let address: IpAddr = address.parse().unwrap();
        Network::new(address, *prefix)
    };
    Entry {
        term: term.to_owned(),
        domain: term.strip_prefix("include:").map(str::to_owned),
        networks: networks.iter().map(network).collect(),
        is_complete: true,
        lookups: 1,
    }
}
