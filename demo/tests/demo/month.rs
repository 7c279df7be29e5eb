//! The month as a whole: the same every time, believable in size, and as the truth says.

use std::collections::{BTreeMap, HashSet};

use ruad_demo::Month;
use ruad_demo::report::Disposition;
use ruad_demo::truth::Counts;
use ruad_demo::world::Domain;

use crate::read::{document, month, texts, today};

const AGGREGATE: &[&str] = &[
    "google",
    "enterprise outlook",
    "outlook",
    "yahoo",
    "gmx",
    "web.de",
    "mimecast",
    "amazon ses",
    "mail.ru",
    "seznam",
    "fastmail",
    "rspamd",
    "opendmarc",
];

#[test]
fn the_same_arguments_give_the_same_bytes() {
    let other = Month::make(1, today());
    assert!(month().mails == other.mails, "mails differ");
    assert_eq!(month().truth, other.truth);
}

#[test]
fn another_seed_and_another_day_give_another_month() {
    let domains: Vec<_> = Domain::all().into_iter().take(1).collect();
    let usual = Month::make_for(1, today(), &domains);
    assert!(Month::make_for(2, today(), &domains).mails != usual.mails);
    assert!(Month::make_for(1, today().plus(1), &domains).mails != usual.mails);
}

#[test]
fn a_domain_alone_has_the_mails_it_has_in_the_whole() {
    let whole = month();
    let mut domains = Domain::all();
    domains.retain(|domain| domain.name == "oakfield.example");
    let part = Month::make_for(1, today(), &domains);
    let known: HashSet<&[u8]> = whole.mails.iter().map(|mail| mail.bytes.as_slice()).collect();
    let reports = part.mails.iter().filter(|mail| AGGREGATE.contains(&mail.label));
    assert!(reports.clone().count() > 30);
    assert!(reports.clone().all(|mail| known.contains(mail.bytes.as_slice())));
    assert_eq!(part.truth.domains["oakfield.example"], whole.truth.domains["oakfield.example"]);
}

#[test]
fn the_size_is_believable() {
    let month = month();
    assert!((1_000..2_500).contains(&month.mails.len()), "{}", month.mails.len());
    assert!((500_000..5_000_000).contains(&month.truth.messages()), "{}", month.truth.messages());
    assert_eq!(month.truth.domains.len(), 13);
    for (name, domain) in &month.truth.domains {
        assert!(domain.counts.messages > 500, "{name}: {}", domain.counts.messages);
    }
    let mails = month.truth.mails;
    assert_eq!(mails.sent, month.mails.len() as u64);
    assert_eq!(mails.sent, mails.stored + mails.duplicates + mails.unusable);
    assert!(mails.duplicates >= 5 && mails.conflicts >= 1 && mails.unusable >= 20, "{mails:?}");
}

/// Every number of the truth, counted once more from the bytes of the mails.
#[test]
fn the_truth_is_what_the_mails_say() {
    let month = month();
    let mut seen = HashSet::new();
    let mut counted: BTreeMap<String, Counts> = BTreeMap::new();
    let mut duplicates = 0;
    for mail in month.mails.iter().filter(|mail| AGGREGATE.contains(&mail.label) || mail.label == "forged") {
        let document = document(mail);
        if !seen.insert(document.clone()) {
            duplicates += 1;
            continue;
        }
        let name = if mail.label == "forged" { "forged" } else { texts(&document, "domain")[0] };
        let counts = counted.entry(name.to_owned()).or_default();
        counts.reports += 1;
        for row in texts(&document, "row") {
            let count: u64 = texts(row, "count")[0].parse().unwrap();
            let passed = texts(row, "dkim")[0] == "pass" || texts(row, "spf")[0] == "pass";
            counts.records += 1;
            counts.messages += count;
            counts.aligned += if passed { count } else { 0 };
            *counts.dispositions.entry(disposition(texts(row, "disposition")[0])).or_default() += count;
        }
    }
    assert_eq!(duplicates, month.truth.mails.duplicates);
    assert_eq!(counted.remove("forged").unwrap(), month.truth.forged);
    let told: BTreeMap<String, Counts> = month
        .truth
        .domains
        .iter()
        .map(|(name, domain)| ((*name).to_owned(), domain.counts.clone()))
        .collect();
    assert_eq!(counted, told);
    assert!(told.values().all(|counts| counts.dispositions.values().sum::<u64>() == counts.messages));
}

fn disposition(word: &str) -> Disposition {
    match word {
        "none" => Disposition::None,
        "pass" => Disposition::Pass,
        "quarantine" => Disposition::Quarantine,
        "reject" => Disposition::Reject,
        other => panic!("{other}"),
    }
}

#[test]
fn an_identifier_with_other_content_is_counted_as_a_conflict() {
    let month = month();
    let mut contents: BTreeMap<(String, String, String), HashSet<String>> = BTreeMap::new();
    for mail in month.mails.iter().filter(|mail| AGGREGATE.contains(&mail.label)) {
        let document = document(mail);
        let first = |name| texts(&document, name)[0].to_owned();
        let key = (first("org_name").to_lowercase(), first("domain"), first("report_id"));
        contents.entry(key).or_default().insert(document);
    }
    let conflicts = contents.values().filter(|documents| documents.len() > 1).count();
    assert_eq!(conflicts as u64, month.truth.mails.conflicts);
}

#[test]
fn the_stories_are_told() {
    let truth = &month().truth;
    let share = |name: &str| {
        let counts = &truth.domains[name].counts;
        counts.aligned as f64 / counts.messages as f64
    };
    let done = |name: &str, word| truth.domains[name].counts.dispositions.get(&word).copied().unwrap_or(0);
    assert!(share("meridian.example") > 0.999);
    assert_eq!(share("oldmeridian.example"), 0.0);
    assert_eq!(done("oldmeridian.example", Disposition::None), 0);
    assert!(share("oakfield-alumni.example") < 0.3);
    assert_eq!(done("oakfield-alumni.example", Disposition::Reject), 0);
    assert!(done("meridian-freight.test", Disposition::Quarantine) > 100);
    assert!(done("meridian-freight.test", Disposition::Reject) > 50);
    assert!(done("lumen-shop.example", Disposition::Reject) > 5_000);
    assert!(done("oakfield-exams.test", Disposition::Quarantine) > 0, "t=y");
    assert_eq!(truth.domains["lumen-summersale.example"].group, None);
    assert!(truth.tls.failed > 500, "{:?}", truth.tls);
    assert!((20..80).contains(&truth.failures), "{}", truth.failures);
}
