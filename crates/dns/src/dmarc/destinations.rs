//! Who is to get the reports, and whether they can.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde::Serialize;

use super::{
    authorization::{self, Consent},
    codes,
    record::Record,
    uri::{MAILTO, Uri},
    walk::organization,
};
use crate::{
    Check, Code, Finding, Resolver,
    check::Unanswered,
    delivery::{Delivery, deliveries},
};
use ruad_common::domain_name::is_within;

/// One address, and what is known of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Destination {
    /// What it is to get.
    pub reports: Reports,
    /// The address as the record has it.
    pub uri: Uri,
    /// Whether it belongs to another organisation, which must agree; `None` when that could not be told or does not
    /// matter, as for addresses that are no mail addresses.
    pub external: Option<bool>,
    /// Whether that organisation agreed.
    pub authorized: Option<bool>,
    /// Whether it is one of this installation's own.
    pub ours: bool,
}

/// The kinds of reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reports {
    /// Aggregate reports, `rua`.
    Aggregate,
    /// Failure reports, `ruf`.
    Failure,
}

/// Examines the addresses in `record`, which was found at `domain`, whose organizational domain is `organization`
/// when that could be told.
pub(super) async fn examine(
    resolver: &Resolver,
    check: &mut Check,
    domain: &str,
    record: &Record,
    organization: Option<&str>,
    own: &[String],
) -> Vec<Destination> {
    let name = format!("_dmarc.{domain}");
    let mut checker = Checker { check, domain, name: &name, record };
    checker.syntax(Reports::Aggregate);
    checker.syntax(Reports::Failure);
    let uris: Vec<_> = record.rua.iter().chain(&record.ruf).filter(|uri| uri.scheme == MAILTO).collect();
    if uris.len() > MOST_HOSTS {
        let detail =
            format!("The record names {} addresses for reports; {MOST_HOSTS} are looked at.", uris.len());
        checker.check.cut(&name, detail);
    }
    let hosts: BTreeSet<_> = uris.iter().map(|uri| uri.host.as_str()).take(MOST_HOSTS).collect();
    let (standings, deliveries) = tokio::join!(
        join_all(
            hosts.iter().map(async |host| (*host, standing(resolver, domain, organization, host).await))
        ),
        deliveries(resolver, &hosts),
    );
    let standings: BTreeMap<_, _> = standings.into_iter().collect();
    for host in &hosts {
        let Some(uri) = uris.iter().find(|uri| uri.host == *host) else { continue };
        checker.standing(uri, standings.get(host));
        checker.delivery(uri, deliveries.get(host));
    }
    let mut destinations = Vec::new();
    for (reports, uri) in tagged(record) {
        destinations.push(checker.destination(reports, uri, standings.get(uri.host.as_str()), own));
    }
    if !own.is_empty() {
        let is_ours = |found: &Destination| found.ours && found.reports == Reports::Aggregate;
        checker.ours(destinations.iter().any(is_ours));
    }
    destinations
}

/// How a host stands to the domain whose reports it is to get.
enum Standing {
    SameOrganization,
    Consent(Consent),
    /// It did not agree, but may be of the same organization.
    Unknown(Option<Unanswered>),
}

async fn standing(resolver: &Resolver, domain: &str, own_organization: Option<&str>, host: &str) -> Standing {
    if host == domain {
        return Standing::SameOrganization;
    }
    let theirs = organization(resolver, host).await;
    if theirs.is_ok() && theirs.as_deref().ok() == own_organization {
        return Standing::SameOrganization;
    }
    let consent = authorization::consent(resolver, domain, host).await;
    // An organizational domain is always the name itself or one above it.
    let may_be_same = match (own_organization, &theirs) {
        (Some(_), Ok(_)) => false,
        (Some(own), Err(_)) => is_within(host, own),
        (None, Ok(theirs)) => is_within(domain, theirs),
        (None, Err(_)) => host.rsplit('.').next() == domain.rsplit('.').next(),
    };
    if consent == Consent::Missing && may_be_same {
        return Standing::Unknown(theirs.err());
    }
    Standing::Consent(consent)
}

struct Checker<'a> {
    check: &'a mut Check,
    domain: &'a str,
    name: &'a str,
    record: &'a Record,
}

impl Checker<'_> {
    /// What can be said without asking anybody.
    fn syntax(&mut self, reports: Reports) {
        let record = self.record;
        let (tag, uris) = (reports.tag(), reports.uris(record));
        for uri in uris.iter().take(MOST_HOSTS) {
            if uri.scheme != MAILTO {
                let detail = format!(
                    "`{tag}` names an address of the kind `{}`, which hardly anybody sends to.",
                    uri.scheme
                );
                self.find(codes::UNSUPPORTED_SCHEME, uri, detail);
            }
            if let Some(limit) = &uri.size_limit {
                let detail = format!(
                    "`!{limit}` after an address in `{tag}` is ignored, or large reports are held back."
                );
                self.find(codes::SIZE_LIMIT, uri, detail);
            }
        }
        if let Some(third) = uris.get(2) {
            let detail = format!("`{tag}` names {} addresses; some reporters send to two only.", uris.len());
            self.find(codes::MANY_ADDRESSES, third, detail);
        }
        let has_bad = record.faults.iter().any(|fault| fault.code == codes::BAD_ADDRESS);
        if reports == Reports::Aggregate && uris.is_empty() && !has_bad {
            let detail = "The record has no `rua`, so nobody sends reports about this domain.";
            self.check.find(codes::NO_REPORTS.at(self.name, Some(&record.text), detail));
        }
    }

    fn standing(&mut self, uri: &Uri, standing: Option<&Standing>) {
        let (domain, host) = (self.domain, &uri.host);
        match standing {
            Some(Standing::Consent(Consent::Missing)) => {
                let wanted = authorization::name(domain, host);
                let detail = match wanted {
                    Some(name) => format!(
                        "{host} does not say that it takes reports about {domain}: {name} has no record `v=DMARC1;`."
                    ),
                    None => format!(
                        "{host} cannot say that it takes reports about {domain}: the name is too long."
                    ),
                };
                self.find(codes::NOT_AUTHORIZED, uri, detail);
            }
            Some(Standing::Consent(Consent::Unknown(trouble))) => {
                let name = authorization::name(domain, host).unwrap_or_else(|| host.clone());
                self.check.unanswered(&name, *trouble);
            }
            Some(Standing::Consent(Consent::Given(records))) => {
                let others = records.iter().flat_map(|record| record.rua.iter().chain(&record.ruf));
                if let Some(other) = others.into_iter().find(|other| other.host != *host) {
                    let detail = format!(
                        "{host} sends the reports on to {}; reporters then send them to neither.",
                        other.host
                    );
                    self.find(codes::REDIRECTED_ELSEWHERE, uri, detail);
                }
            }
            Some(Standing::Unknown(unanswered)) => self.check.unknown.extend(unanswered.clone()),
            Some(Standing::SameOrganization) | None => {}
        }
    }

    fn delivery(&mut self, uri: &Uri, delivery: Option<&Delivery>) {
        let host = &uri.host;
        match delivery {
            Some(Delivery::Nowhere) => {
                let detail = format!("{host} takes no mail, so reports cannot be delivered there.");
                self.find(codes::REPORTS_UNDELIVERABLE, uri, detail);
            }
            Some(Delivery::Address) => {
                let detail =
                    format!("{host} has no MX record; not every reporter falls back to its address.");
                self.find(codes::REPORTS_WITHOUT_MX, uri, detail);
            }
            Some(Delivery::Unknown(trouble)) => self.check.unanswered(host, *trouble),
            Some(Delivery::Mx) | None => {}
        }
    }

    fn destination(
        &self,
        reports: Reports,
        uri: &Uri,
        standing: Option<&Standing>,
        own: &[String],
    ) -> Destination {
        let (external, authorized) = match standing {
            Some(Standing::SameOrganization) => (Some(false), None),
            Some(Standing::Consent(Consent::Given(_))) => (Some(true), Some(true)),
            Some(Standing::Consent(Consent::Missing)) => (Some(true), Some(false)),
            Some(Standing::Consent(Consent::Unknown(_))) => (Some(true), None),
            Some(Standing::Unknown(_)) | None => (None, None),
        };
        // The host may name other addresses of its own in place of this one.
        let replaced: Vec<_> = match standing {
            Some(Standing::Consent(Consent::Given(records))) => {
                records.iter().flat_map(|record| reports.uris(record)).collect()
            }
            _ => Vec::new(),
        };
        let ours = if replaced.is_empty() {
            uri.is_in(own)
        } else {
            replaced.iter().any(|other| other.host == uri.host && other.is_in(own))
        };
        Destination { reports, uri: uri.clone(), external, authorized, ours }
    }

    fn ours(&mut self, is_ours: bool) {
        self.check.fact("reports_to_us", if is_ours { "yes" } else { "no" });
        if !is_ours && !self.record.rua.is_empty() {
            let detail = "None of the addresses in `rua` is one of ours.";
            self.check.find(codes::NOT_TO_US.at(self.name, Some(&self.record.text), detail));
        }
    }

    fn find(&mut self, code: Code, uri: &Uri, detail: String) {
        let finding: Finding = code.at(self.name, Some(&self.record.text), detail);
        self.check.find(finding.with_position(uri.at.clone()));
    }
}

impl Reports {
    fn tag(self) -> &'static str {
        match self {
            Self::Aggregate => "rua",
            Self::Failure => "ruf",
        }
    }

    fn uris(self, record: &Record) -> &[Uri] {
        match self {
            Self::Aggregate => &record.rua,
            Self::Failure => &record.ruf,
        }
    }
}

fn tagged(record: &Record) -> impl Iterator<Item = (Reports, &Uri)> {
    [Reports::Aggregate, Reports::Failure]
        .into_iter()
        .flat_map(move |reports| reports.uris(record).iter().map(move |uri| (reports, uri)))
}

/// A record can name thousands; nobody who means well does.
const MOST_HOSTS: usize = 20;
