//! Block lists (RFC 5782): is one of the domain's addresses, or the domain itself, on one?

mod list;

use std::{collections::BTreeSet, net::IpAddr};

use futures_util::future::join_all;
use serde::Serialize;

use super::{Check, Finding, Mechanism, Resolver, Trouble, finding::codes, mx, special};

use list::{List, Listed};
pub use list::{Lists, Proven};

/// How it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// Which list has what.
    pub listings: Vec<Listing>,
}

/// An entry of a list.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    /// The list's name.
    pub list: String,
    /// The address or domain.
    pub subject: String,
    /// The list's codes: addresses in 127/8 whose meaning the list defines.
    pub codes: String,
    /// Why, as the list says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

codes! {
    /// An address that sends as the domain is listed.
    ADDRESS_LISTED = "dnsbl.address_listed", Error;
    /// The domain is listed.
    DOMAIN_LISTED = "dnsbl.domain_listed", Error;
    /// An address that only receives is listed.
    MX_LISTED = "dnsbl.mx_listed", Warning;
}

/// Looks `domain`, the addresses that send as it and those of its mail servers up in `lists`.
pub async fn examine(
    resolver: &Resolver,
    domain: &str,
    addresses: &[IpAddr],
    mx: &mx::Outcome,
    lists: &Proven,
) -> Outcome {
    let mut outcome = Outcome { check: Check::new(Mechanism::Dnsbl), listings: Vec::new() };
    let subjects = Subject::all(domain, addresses, mx);
    let mut asked = Vec::new();
    for list in lists.iter() {
        asked.push(ask(resolver, list, &subjects));
    }
    for (list, answers) in lists.iter().zip(join_all(asked).await) {
        for (subject, answer) in answers {
            outcome.add(list, subject, answer);
        }
    }
    outcome
}

impl Outcome {
    fn add(&mut self, list: &List, subject: &Subject, answer: Result<Option<Listed>, Trouble>) {
        let fact = format!("listed:{}:{}", list.name, subject.text);
        match answer {
            Ok(None) => {}
            Ok(Some(Listed { codes, reason })) => {
                self.check.fact(fact, &codes);
                self.check.find(subject.finding(&list.name, &codes, reason.as_deref()));
                let (list, subject) = (list.name.clone(), subject.text.clone());
                self.listings.push(Listing { list, subject, codes, reason });
            }
            Err(trouble) => {
                self.check.unknown_fact(fact);
                if self.check.unknown.iter().all(|unknown| unknown.name != list.name) {
                    self.check.unanswered(&list.name, trouble);
                }
            }
        }
    }
}

/// Everything of the list's kind. A list that does not work is not asked.
async fn ask<'a>(
    resolver: &Resolver,
    list: &List,
    subjects: &'a [Subject],
) -> Vec<(&'a Subject, Result<Option<Listed>, Trouble>)> {
    let subjects: Vec<_> =
        subjects.iter().filter(|subject| subject.address.is_some() == list.is_of_addresses).collect();
    if subjects.is_empty() {
        return Vec::new();
    }
    if let Err(trouble) = list.prove(resolver).await {
        return subjects.into_iter().map(|subject| (subject, Err(trouble))).collect();
    }
    let mut asked = Vec::new();
    for subject in &subjects {
        asked.push(list.look_up(resolver, subject.key()));
    }
    let answers = join_all(asked).await;
    subjects.into_iter().zip(answers).collect()
}

/// What is looked up.
struct Subject {
    text: String,
    address: Option<IpAddr>,
    code: super::Code,
    role: &'static str,
}

impl Subject {
    fn all(domain: &str, addresses: &[IpAddr], mx: &mx::Outcome) -> Vec<Self> {
        let mut subjects =
            vec![Self { text: domain.to_owned(), address: None, code: DOMAIN_LISTED, role: "The domain" }];
        let mut seen = BTreeSet::new();
        // What is not of the public internet is on no list, and nobody's business.
        let mut is_new = |address: &IpAddr| special(*address).is_none() && seen.insert(*address);
        let sending = addresses.iter().copied().filter(&mut is_new).take(SENDING).collect::<Vec<_>>();
        let receiving = mx.hosts.iter().flat_map(mx::Host::addresses).filter(&mut is_new).take(RECEIVING);
        for (address, code, role) in
            (sending.into_iter().map(|address| (address, ADDRESS_LISTED, "The sending address")))
                .chain(receiving.map(|address| (address, MX_LISTED, "The address of a mail server")))
        {
            subjects.push(Self { text: address.to_string(), address: Some(address), code, role });
        }
        subjects
    }

    /// What stands in front of the list's name in a question (RFC 5782 sections 2.1 and 2.4).
    fn key(&self) -> String {
        self.address.map_or_else(|| self.text.clone(), list::reversed)
    }

    fn finding(&self, list: &str, codes: &str, reason: Option<&str>) -> Finding {
        let Self { text, code, role, .. } = self;
        let reason = reason.map(|reason| format!(" It says: {reason}")).unwrap_or_default();
        code.at(text, Some(codes), format!("{role} {text} is on the list {list} ({codes}).{reason}"))
    }
}

/// Addresses that are looked up: of senders, and of mail servers.
const SENDING: usize = 32;
const RECEIVING: usize = 16;
