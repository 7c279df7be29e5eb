//! TLS-RPT (RFC 8460): who gets reports about TLS on the way to a domain's mail servers.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use tokio::join;

use super::{
    Check, Finding, Mechanism, Mx, Resolver,
    delivery::{Delivery, deliveries},
    dmarc::{MAILTO, Uri},
    finding::codes,
    tags::Tags,
    versioned::{Texts, Version, shorten},
};

/// How it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// The record that applies.
    pub record: Option<Record>,
}

/// A TLS-RPT record.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Record {
    /// As it was found.
    pub text: String,
    /// `rua`: who gets the reports.
    pub rua: Vec<Uri>,
    #[serde(skip)]
    faults: Vec<Finding>,
}

/// Examines `domain`. `own` are the addresses at which this installation takes reports, whole domains as `@domain`;
/// without any it does not matter who gets them.
pub async fn examine(resolver: &Resolver, domain: &str, own: &[String]) -> Outcome {
    let mut check = Check::new(Mechanism::TlsRpt);
    let name = format!("_smtp._tls.{domain}");
    let answer = resolver.txt(&name).await;
    if let Some(trouble) = answer.trouble() {
        check.unanswered(&name, trouble);
        check.unknown_fact("record");
        return Outcome { check, record: None };
    }
    let texts = VERSION.sort(answer.records());
    texts.all().for_each(|text| check.observe(&name, "TXT", text));
    for damaged in &texts.damaged {
        let finding = BAD_VERSION.at(&name, Some(&damaged.text), VERSION.complaint(damaged));
        check.find(finding.with_position(damaged.at.clone()));
    }
    if !texts.records.is_empty() {
        check.fact("record", texts.records.join("\n"));
    }
    let record = match texts.records.as_slice() {
        [text] => Record::parse(text, &name),
        [] => {
            missing(resolver, &mut check, domain, &name, &texts).await;
            None
        }
        several => {
            let detail = format!("{name} has {} TLS-RPT records; all of them are ignored.", several.len());
            check.find(SEVERAL_RECORDS.at(&name, Some(&several.join("\n")), detail));
            None
        }
    };
    if !texts.records.is_empty() {
        unrelated(&mut check, &name, &texts);
    }
    if let Some(record) = &record {
        record.faults.iter().cloned().for_each(|fault| check.find(fault));
        if record.faults.len() == MOST_FAULTS || record.rua.len() == MOST_URIS {
            check.cut(
                &name,
                format!("The record at {name} has more mistakes, or more addresses, than are looked at."),
            );
        }
        reachable(resolver, &mut check, record, &name).await;
        if !own.is_empty() && !record.rua.is_empty() && !record.rua.iter().any(|uri| uri.is_in(own)) {
            let detail = "None of the addresses in `rua` is one of ours.";
            check.find(NOT_TO_US.at(&name, Some(&record.text), detail));
        }
    }
    Outcome { check, record }
}

impl Record {
    /// Reads a record; `None` when it does not begin with `v=TLSRPTv1;` and so is none. `name` is where it stands.
    pub fn parse(text: &str, name: &str) -> Option<Self> {
        if !VERSION.begins(text) {
            return None;
        }
        let mut record = Self { text: text.to_owned(), rua: Vec::new(), faults: Vec::new() };
        let tags = Tags::parse(text);
        let mut find = |code: super::Code, at: &std::ops::Range<usize>, detail: String| {
            if record.faults.len() < MOST_FAULTS {
                record.faults.push(code.at(name, Some(text), detail).with_position(at.clone()));
            }
        };
        for at in &tags.faults {
            let piece = text.get(at.clone()).unwrap_or_default().trim();
            if let Some(detail) = Tags::emptiness(piece) {
                find(SYNTAX, at, detail);
            } else if is_extension(piece) {
                find(UNKNOWN_FIELD, at, format!("`{}` is ignored.", shorten(piece)));
            } else {
                find(SYNTAX, at, format!("`{}` is no `field=value`.", shorten(piece)));
            }
        }
        let mut has_rua = false;
        for tag in tags.tags.iter().skip(1) {
            if tag.name != "rua" {
                find(UNKNOWN_FIELD, &tag.name_at, format!("`{}` is ignored.", shorten(tag.name)));
                continue;
            }
            if std::mem::replace(&mut has_rua, true) {
                find(REPEATED_FIELD, &tag.name_at, "`rua` is there twice.".to_owned());
            }
            for uri in Uri::list(tag.value, tag.value_at.start) {
                match uri {
                    Ok(_) if record.rua.len() == MOST_URIS => {}
                    Ok(uri) if uri.scheme == MAILTO || uri.scheme == "https" => record.rua.push(uri),
                    Ok(uri) => {
                        let detail = format!(
                            "Reports go to `mailto:` and `https:` addresses, not to `{}:`.",
                            uri.scheme
                        );
                        find(BAD_ADDRESS, &uri.at, detail);
                    }
                    Err(bad) => find(BAD_ADDRESS, &bad.at, bad.detail),
                }
            }
        }
        if !has_rua {
            find(NO_ADDRESS, &(text.len()..text.len()), "The record has no `rua`.".to_owned());
        }
        Some(record)
    }
}

/// Names of fields may hold dots and hyphens here (RFC 8460 section 3), unlike those of tags.
fn is_extension(piece: &str) -> bool {
    piece.split_once('=').is_some_and(|(name, value)| {
        (1..=32).contains(&name.len())
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
            && !value.is_empty()
            && value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=')
    })
}

/// There is no record: perhaps it stands elsewhere; and a domain without mail needs none.
async fn missing(resolver: &Resolver, check: &mut Check, domain: &str, name: &str, texts: &Texts) {
    if !texts.damaged.is_empty() {
        return;
    }
    let below = PLACES.map(|place| format!("{place}.{domain}"));
    let places: Vec<_> = [domain.to_owned(), format!("{name}.{domain}")].into_iter().chain(below).collect();
    let (answers, mx) = join!(join_all(places.iter().map(|place| resolver.txt(place))), resolver.mx(domain));
    let mut is_elsewhere = false;
    for (place, answer) in places.iter().zip(answers) {
        for text in VERSION.sort(answer.records()).records {
            is_elsewhere = true;
            let detail = format!("The record stands at {place}; senders look for it at {name}.");
            check.find(WRONG_NAME.at(place, Some(&text), detail));
        }
    }
    let takes_mail = |mx: &Mx| !mx.exchange.is_empty();
    if let Some(trouble) = mx.trouble() {
        check.unanswered(domain, trouble);
    } else if !is_elsewhere && mx.records().iter().any(takes_mail) {
        check.find(MISSING.at(name, None, format!("{domain} takes mail and has no TLS-RPT record.")));
        unrelated(check, name, texts);
    }
}

fn unrelated(check: &mut Check, name: &str, texts: &Texts) {
    check.find_texts(UNRELATED_TEXT, name, texts.others.iter().map(String::as_str), |text| {
        format!("`{}` at {name} is no TLS-RPT record.", shorten(text))
    });
}

async fn reachable(resolver: &Resolver, check: &mut Check, record: &Record, name: &str) {
    let uris = || record.rua.iter().filter(|uri| uri.scheme == MAILTO).take(MOST_ADDRESSES);
    let hosts: BTreeSet<_> = uris().map(|uri| uri.host.as_str()).collect();
    for (host, delivery) in deliveries(resolver, &hosts).await {
        let Some(uri) = uris().find(|uri| uri.host == host) else { continue };
        let (code, detail) = match delivery {
            Delivery::Nowhere => (
                REPORTS_UNDELIVERABLE,
                format!("{host} takes no mail, so reports cannot be delivered there."),
            ),
            Delivery::Address => (
                REPORTS_WITHOUT_MX,
                format!("{host} has no MX record; not every reporter falls back to its address."),
            ),
            Delivery::Unknown(trouble) => {
                check.unanswered(host, trouble);
                continue;
            }
            Delivery::Mx => continue,
        };
        check.find(code.at(name, Some(&record.text), detail).with_position(uri.at.clone()));
    }
}

/// Names below the domain at which the record stands by mistake.
const PLACES: [&str; 4] = ["_tls", "_smtp-tls", "_tlsrpt", "smtp._tls"];
/// The text has to begin with exactly this (RFC 8460 section 3).
const VERSION: Version = Version { value: "TLSRPTv1", blanks: false };
/// A record can be 64 KiB of mistakes, each of which would be reported with all of it.
const MOST_FAULTS: usize = 20;
/// Addresses of a record that are looked at.
const MOST_URIS: usize = 100;
/// A record can name thousands; nobody who means well does.
const MOST_ADDRESSES: usize = 20;

codes! {
    /// A domain that takes mail has no record.
    MISSING = "tls_rpt.missing", Info;
    /// Several records: all of them are ignored.
    SEVERAL_RECORDS = "tls_rpt.several_records", Error;
    /// The record stands at another name than `_smtp._tls`.
    WRONG_NAME = "tls_rpt.wrong_name", Error;
    /// A record that does not begin with `v=TLSRPTv1;`.
    BAD_VERSION = "tls_rpt.bad_version", Error;
    /// Texts about something else stand beside the record, or in its place.
    UNRELATED_TEXT = "tls_rpt.unrelated_text", Info;
    /// A piece of the record that cannot be read.
    SYNTAX = "tls_rpt.syntax", Error;
    /// A second `rua`.
    REPEATED_FIELD = "tls_rpt.repeated_field", Info;
    /// A field that TLS-RPT does not have.
    UNKNOWN_FIELD = "tls_rpt.unknown_field", Info;
    /// No `rua`.
    NO_ADDRESS = "tls_rpt.no_address", Error;
    /// An address that cannot be read, or that nobody sends to.
    BAD_ADDRESS = "tls_rpt.bad_address", Error;
    /// The domain of an address takes no mail.
    REPORTS_UNDELIVERABLE = "tls_rpt.reports_undeliverable", Error;
    /// The domain of an address takes mail without an MX record.
    REPORTS_WITHOUT_MX = "tls_rpt.reports_without_mx", Warning;
    /// None of the addresses is ours.
    NOT_TO_US = "tls_rpt.not_to_us", Info;
}
