//! Records made by hand.

use ruad::store::Store;

use crate::DOMAIN;

/// A record as a report has it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) policy_domain: String,
    pub(crate) days_ago: u32,
    pub(crate) reporter: String,
    pub(crate) verdict: String,
    pub(crate) source: String,
    pub(crate) count: u64,
    pub(crate) disposition: String,
    pub(crate) dkim: bool,
    pub(crate) spf: bool,
    pub(crate) from: String,
    pub(crate) reasons: Vec<String>,
    pub(crate) signatures: Vec<(String, String)>,
    pub(crate) paths: Vec<(String, String, String)>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            policy_domain: DOMAIN.into(),
            days_ago: 1,
            reporter: "google.com".into(),
            verdict: "genuine".into(),
            source: "192.0.2.1".into(),
            count: 1,
            disposition: "none".into(),
            dkim: false,
            spf: false,
            from: DOMAIN.into(),
            reasons: vec![],
            signatures: vec![],
            paths: vec![],
        }
    }
}

pub(crate) async fn insert(store: &Store, records: &[Record]) {
    let quote = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let array = |texts: Vec<&str>| {
        let quoted: Vec<_> = texts.iter().map(|text| quote(text)).collect();
        format!("CAST([{}] AS Array(String))", quoted.join(", "))
    };
    let blank = |length: usize| array(vec![""; length]);
    let report = uuid::Uuid::now_v7();
    let rows: Vec<_> = records
        .iter()
        .enumerate()
        .map(|(at, record)| {
            let reasons: Vec<_> = record.reasons.iter().map(String::as_str).collect();
            let signatures = &record.signatures;
            let paths = &record.paths;
            [
                quote(&record.policy_domain),
                format!("today() - {}", record.days_ago),
                quote(&record.reporter),
                quote(&record.verdict),
                quote(&report.to_string()),
                at.to_string(),
                "now64(3)".to_owned(),
                quote(&record.source),
                record.count.to_string(),
                quote(&record.disposition),
                record.dkim.to_string(),
                record.spf.to_string(),
                (record.dkim || record.spf).to_string(),
                quote(&record.from),
                array(reasons.clone()),
                blank(reasons.len()),
                array(signatures.iter().map(|(name, _)| name.as_str()).collect()),
                blank(signatures.len()),
                array(signatures.iter().map(|(_, result)| result.as_str()).collect()),
                blank(signatures.len()),
                array(paths.iter().map(|(name, _, _)| name.as_str()).collect()),
                array(paths.iter().map(|(_, scope, _)| scope.as_str()).collect()),
                array(paths.iter().map(|(_, _, result)| result.as_str()).collect()),
                blank(paths.len()),
            ]
            .join(", ")
        })
        .collect();
    for rows in rows.chunks(100) {
        let statement = format!(
            "INSERT INTO aggregate_records (policy_domain, day, reporter, verdict, report_key, record, received_at, source_ip, \
             count, disposition, dkim_aligned, spf_aligned, dmarc_pass, header_from, reasons.type, reasons.comment, \
             dkim_results.domain, dkim_results.selector, dkim_results.result, dkim_results.human_result, \
             spf_results.domain, spf_results.scope, spf_results.result, spf_results.human_result) VALUES ({})",
            rows.join("), (")
        );
        store.client().query_raw(&statement).execute().await.unwrap();
    }
}

/// Says what senders are, as the adviser does.
pub(crate) async fn sort(store: &Store, senders: &[(&str, &str, &str)]) {
    for (sender, name, class) in senders {
        let insert = format!(
            "INSERT INTO domain_senders (domain, sender, computed_at, name, class) VALUES \
             ('{DOMAIN}', '{sender}', now(), '{name}', '{class}')"
        );
        store.client().query_raw(&insert).execute().await.unwrap();
    }
}
