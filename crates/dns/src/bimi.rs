//! BIMI (draft-brand-indicators-for-message-identification): the logo. What the URLs lead to is not fetched.

mod record;

use super::{
    Answer, Check, Mechanism, Resolver, Text,
    dmarc::{self, Policy},
    finding::codes,
    versioned::{Version, shorten},
};

pub use record::Record;

/// How it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// The record that applies; of the organizational domain when the domain has none.
    pub record: Option<Record>,
}

/// Examines `domain`, whose DMARC stands as `dmarc` says: without an enforced policy no logo is shown.
pub async fn examine(resolver: &Resolver, domain: &str, dmarc: &dmarc::Outcome) -> Outcome {
    let mut check = Check::new(Mechanism::Bimi);
    let record = match find(resolver, &mut check, domain, dmarc).await {
        Ok(record) => record,
        Err(Unknown) => {
            check.unknown_fact("record");
            None
        }
    };
    if let Some((name, record)) = &record {
        check.fact("record", record.text.clone());
        record.faults(name).for_each(|fault| check.find(fault));
        if record.logo.is_some() {
            enforced(&mut check, name, record, dmarc);
        }
    }
    Outcome { check, record: record.map(|(_, record)| record) }
}

/// The question was not answered, which the check says.
struct Unknown;

/// The record and its name: the domain's own, or else that of its organization.
async fn find(
    resolver: &Resolver,
    check: &mut Check,
    domain: &str,
    dmarc: &dmarc::Outcome,
) -> Result<Option<(String, Record)>, Unknown> {
    let organization = dmarc.organization.as_deref().filter(|name| *name != domain);
    for place in [Some(domain), organization].into_iter().flatten() {
        let is_own = place == domain;
        let name = format!("default._bimi.{place}");
        let answer = resolver.txt(&name).await;
        if let Some(trouble) = answer.trouble() {
            check.unanswered(&name, trouble);
            return Err(Unknown);
        }
        let texts = VERSION.sort(answer.records());
        texts.all().for_each(|text| check.observe(&name, "TXT", text));
        match texts.records.as_slice() {
            [] if !is_own => {}
            [] => {
                for damaged in &texts.damaged {
                    let finding = BAD_VERSION.at(&name, Some(&damaged.text), VERSION.complaint(damaged));
                    check.find(finding.with_position(damaged.at.clone()));
                }
                misplaced(check, domain, &name, &resolver.txt(domain).await);
                if dmarc.organization.is_none() && !dmarc.check.unknown.is_empty() {
                    // Which domain has the record in place of this one cannot be told.
                    check.unknown.extend(dmarc.check.unknown.iter().cloned());
                    return Err(Unknown);
                }
            }
            [text] => {
                if is_own {
                    stray(check, domain, &name, &resolver.txt(domain).await);
                }
                check.find_texts(UNRELATED_TEXT, &name, texts.others.iter().map(String::as_str), |other| {
                    format!("`{}` at {name} is no BIMI record.", shorten(other))
                });
                return Ok(Record::parse(text).map(|record| (name, record)));
            }
            several => {
                check.fact("record", several.join("\n"));
                let detail = format!("{name} has {} BIMI records; all of them are ignored.", several.len());
                check.find(SEVERAL_RECORDS.at(&name, Some(&several.join("\n")), detail));
                return Ok(None);
            }
        }
    }
    Ok(None)
}

fn misplaced(check: &mut Check, domain: &str, name: &str, apex: &Answer<Text>) {
    for text in VERSION.sort(apex.records()).records {
        let detail = format!("The record stands at {domain}; receivers look for it at {name}.");
        check.find(WRONG_NAME.at(domain, Some(&text), detail));
    }
}

fn stray(check: &mut Check, domain: &str, name: &str, apex: &Answer<Text>) {
    for text in VERSION.sort(apex.records()).records {
        let detail = format!("A BIMI record at {domain} has no effect; the one at {name} counts.");
        check.find(STRAY_RECORD.at(domain, Some(&text), detail));
    }
}

/// A logo is shown only when forged mail is not delivered: neither for the domain nor for its subdomains, and for all of
/// it.
fn enforced(check: &mut Check, name: &str, record: &Record, dmarc: &dmarc::Outcome) {
    let reason = match (dmarc.policy, dmarc.subdomain_policy) {
        (None, _) | (_, None) if !dmarc.check.unknown.is_empty() => {
            // What DMARC could not tell cannot be told here.
            check.unknown.extend(dmarc.check.unknown.iter().cloned());
            return;
        }
        (None, _) => "there is no DMARC policy",
        (Some(Policy::None), _) => "the DMARC policy in force is none",
        (_, Some(Policy::None)) => "the DMARC policy in force for subdomains is none",
        _ if dmarc.record.as_ref().and_then(|dmarc| dmarc.percentage).is_some_and(|share| share < 100) => {
            "the DMARC record has `pct` below 100"
        }
        _ => return,
    };
    check.find(NOT_ENFORCED.at(name, Some(&record.text), format!("No logo is shown, because {reason}.")));
}

const VERSION: Version = Version { value: "BIMI1", blanks: true };

codes! {
    /// Several records: all of them are ignored.
    SEVERAL_RECORDS = "bimi.several_records", Error;
    /// The record stands at the domain itself.
    WRONG_NAME = "bimi.wrong_name", Error;
    /// A second record, at the domain itself, does nothing.
    STRAY_RECORD = "bimi.stray_record", Info;
    /// A record that does not begin with `v=BIMI1`.
    BAD_VERSION = "bimi.bad_version", Error;
    /// Texts about something else stand beside the record.
    UNRELATED_TEXT = "bimi.unrelated_text", Info;
    /// A piece of the record that cannot be read.
    SYNTAX = "bimi.syntax", Error;
    /// A tag that is there twice.
    REPEATED_TAG = "bimi.repeated_tag", Error;
    /// A tag that BIMI does not have.
    UNKNOWN_TAG = "bimi.unknown_tag", Warning;
    /// No `l`.
    NO_LOGO = "bimi.no_logo", Error;
    /// Empty `l` and `a`: the domain wants no logo.
    DECLINED = "bimi.declined", Info;
    /// `l` is no HTTPS URL.
    BAD_LOGO_URL = "bimi.bad_logo_url", Error;
    /// `l` does not lead to an `.svg` file.
    LOGO_NOT_SVG = "bimi.logo_not_svg", Info;
    /// `a` is no HTTPS URL.
    BAD_CERTIFICATE_URL = "bimi.bad_certificate_url", Error;
    /// `a` does not lead to a `.pem` file.
    CERTIFICATE_NOT_PEM = "bimi.certificate_not_pem", Info;
    /// No certificate, which most receivers want to see.
    NO_CERTIFICATE = "bimi.no_certificate", Info;
    /// `avp` is neither `brand` nor `personal`.
    BAD_PREFERENCE = "bimi.bad_preference", Warning;
    /// DMARC is not enforced.
    NOT_ENFORCED = "bimi.not_enforced", Error;
}
