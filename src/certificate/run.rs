use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::sync::mpsc;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::{Certificate, Issuer, KeyError, Serial, Subject, issue};
use crate::{
    advice::Advised,
    certificate::{
        store::{CertificateRow, IssuedCertificate},
        telemetry::{Changed, failed},
    },
    health::{
        events::{CERTIFICATE_ISSUED, CERTIFICATE_RESTORED, CERTIFICATE_VOID, Event, Kind},
        rows::EventRow,
    },
    store::{Store, StoreError},
};

/// Issues certificates from the plans that the planner has stored.
#[derive(Debug)]
pub struct Issuing {
    issuer: Issuer,
    plans: mpsc::Receiver<Vec<Advised>>,
    days: u32,
    profile: String,
}

impl Issuing {
    /// Certificates of `issuer` for domains in `plans` that have been perfect for `days`. `profile` is the score profile of a
    /// domain for which the registry names none.
    pub fn new(issuer: Issuer, plans: mpsc::Receiver<Vec<Advised>>, days: u32, profile: &str) -> Self {
        Self { issuer, plans, days, profile: profile.to_owned() }
    }

    /// Runs until the planner ends. A batch that fails comes again with the next plans of its domains.
    pub async fn run(mut self, store: Store, registry: ruad_registry::Shared) {
        while let Some(planned) = self.plans.recv().await {
            let registry = registry.current();
            let profile = |domain: &str| registry.watched(domain).and_then(|watched| watched.profile);
            let subject = |one| Subject::of(one, profile(&one.plan.domain).unwrap_or(&self.profile));
            let subjects: Vec<_> = planned.iter().map(subject).collect();
            // As old as the plans: what is issued says what they say.
            let Some(now) = planned.iter().map(|one| one.plan.at).max() else { continue };
            if let Err(error) = certificates(&store, &subjects, &self.issuer, self.days, now).await {
                failed(&error);
            }
        }
    }
}

/// Issues the certificates that have been earned and tells of those that do not hold any more, or do again. A domain has one
/// as long as its last one was signed with this key for this address. `days` is how long a domain has to have been
/// perfect; `now` is seconds since 1970.
///
/// The same run may be done again after an error: what it has issued is there then.
///
/// # Errors
///
/// What ClickHouse said.
pub async fn certificates(
    store: &Store,
    subjects: &[Subject<'_>],
    issuer: &Issuer,
    days: u32,
    now: u64,
) -> Result<Vec<Certificate>, StoreError> {
    let known =
        store.issued_certificates(&issuer.public_key().to_string(), issuer.address().as_str()).await?;
    let told: HashMap<String, String> = store.certificate_events().await?.into_iter().collect();
    let issued = match new(subjects, &known, issuer, days, now) {
        Ok(issued) => issued,
        // Nobody can do anything about it here, and the next run tries again.
        Err(error) => {
            failed(&error);
            Vec::new()
        }
    };
    let rows: Vec<_> = issued.iter().map(|(group, certificate)| row(group, certificate, now)).collect();
    if !rows.is_empty() {
        store.keep_certificates(&rows, Uuid::now_v7()).await?;
    }
    let mut events = changes(subjects, &known, &told, now);
    for (group, certificate) in &issued {
        let statement = certificate.statement();
        let serial = statement.serial.as_str();
        events.push(event(CERTIFICATE_ISSUED, &statement.domain, serial, group, now));
    }
    if !events.is_empty() {
        store.keep_events(&events, Uuid::now_v7()).await?;
    }
    events.iter().for_each(|row| Changed { event: &row.event, group: &row.group }.record());
    Ok(issued.into_iter().map(|(_, certificate)| certificate).collect())
}

/// The certificates that have been earned and are not there yet, with the groups of their domains.
fn new<'a>(
    subjects: &[Subject<'a>],
    known: &[IssuedCertificate],
    issuer: &Issuer,
    days: u32,
    now: u64,
) -> Result<Vec<(&'a str, Certificate)>, KeyError> {
    let have: HashSet<_> = known.iter().filter(|one| one.is_ours).map(|one| one.domain.as_str()).collect();
    let mut issued = Vec::new();
    for subject in subjects.iter().filter(|subject| !have.contains(subject.plan.domain.as_str())) {
        if super::is_due(subject, days, now) {
            let certificate = issue(subject, issuer, Serial::random()?, days, now);
            issued.extend(certificate.map(|certificate| (subject.group, certificate)));
        }
    }
    Ok(issued)
}

/// What has changed for those that are there. `told` has the last event of each serial.
fn changes(
    subjects: &[Subject<'_>],
    known: &[IssuedCertificate],
    told: &HashMap<String, String>,
    now: u64,
) -> Vec<EventRow> {
    let subjects: HashMap<_, _> =
        subjects.iter().map(|subject| (subject.plan.domain.as_str(), subject)).collect();
    let mut events = Vec::new();
    for certificate in known.iter().filter(|certificate| certificate.is_ours) {
        let Some(subject) = subjects.get(certificate.domain.as_str()) else { continue };
        let told = told.get(&certificate.serial).map(String::as_str);
        let was_void = told == Some(CERTIFICATE_VOID.name);
        let kind = match (subject.is_perfect(), subject.is_known()) {
            (true, _) if was_void => CERTIFICATE_RESTORED,
            (false, true) if !was_void => CERTIFICATE_VOID,
            // The last run ended before it was told.
            _ if told.is_none() && now.saturating_sub(u64::from(certificate.issued_at)) < RECENT => {
                let at = u64::from(certificate.issued_at);
                events.push(event(
                    CERTIFICATE_ISSUED,
                    &certificate.domain,
                    &certificate.serial,
                    subject.group,
                    at,
                ));
                continue;
            }
            _ => continue,
        };
        events.push(event(kind, &certificate.domain, &certificate.serial, subject.group, now));
    }
    events
}

fn event(kind: Kind, domain: &str, serial: &str, group: &str, at: u64) -> EventRow {
    let identity = [domain, "certificate", serial, kind.name, &at.to_string()].join("\0");
    let event = Event {
        domain: domain.to_owned(),
        kind: kind.name,
        severity: kind.severity,
        subject: serial.to_owned(),
        old: None,
        new: None,
        seen_at: at,
        text: format!("{domain} ({serial}): {}.", kind.said),
        id: xxh3_128(identity.as_bytes()),
    };
    EventRow { group: Arc::from(group), event, confirmed_at: at }
}

fn row(group: &str, certificate: &Certificate, now: u64) -> CertificateRow {
    let statement = certificate.statement();
    CertificateRow {
        serial: statement.serial.to_string(),
        domain: statement.domain.clone(),
        group: group.to_owned(),
        issued_at: now,
        statement: statement.to_string(),
        signature: certificate.signature(),
        public_key: certificate.key().to_string(),
    }
}

/// Events are forgotten some day; that a certificate was issued is told again for so long only; seconds.
const RECENT: u64 = 7 * 86_400;

#[cfg(test)]
mod tests {
    use super::{
        super::{
            SigningKey,
            issue::tests::{Earned, NOW},
        },
        *,
    };

    const SERIAL: &str = "0000000000000000";

    fn known(domain: &str, is_ours: bool, issued_at: u64) -> IssuedCertificate {
        let issued_at = u32::try_from(issued_at).unwrap();
        IssuedCertificate { serial: SERIAL.to_owned(), domain: domain.to_owned(), issued_at, is_ours }
    }

    fn kinds(earned: &Earned, known: &IssuedCertificate, told: Option<Kind>) -> Vec<&'static str> {
        let told = told.map(|kind| (SERIAL.to_owned(), kind.name.to_owned())).into_iter().collect();
        let events = changes(&[earned.subject()], std::slice::from_ref(known), &told, NOW);
        events.into_iter().map(|row| row.event.kind).collect()
    }

    #[test]
    fn a_domain_gets_one() {
        let issuer = Issuer::new("https://dmarc.msp.example".parse().unwrap(), SigningKey::random().unwrap());
        let (one, other, mut poor) =
            (Earned::new("a.example"), Earned::new("b.example"), Earned::new("c.example"));
        poor.plan.score = None;
        let subjects = [one.subject(), other.subject(), poor.subject()];
        let domains = |known: &[IssuedCertificate]| -> Vec<String> {
            let issued = new(&subjects, known, &issuer, 30, NOW).unwrap();
            issued.into_iter().map(|(_, certificate)| certificate.statement().domain.clone()).collect()
        };
        assert_eq!(domains(&[]), ["a.example", "b.example"]);
        assert_eq!(domains(&[known("a.example", true, NOW)]), ["b.example"]);
        // Signed with a key that is lost, or for an address that was given up.
        assert_eq!(domains(&[known("a.example", false, NOW)]), ["a.example", "b.example"]);
    }

    #[test]
    fn each_change_is_told_once() {
        let good = Earned::new("a.example");
        let mut bad = Earned::new("a.example");
        bad.plan.score =
            ruad_dns::profile::Profile::named("default").map(|profile| profile.score(ruad_dns::Code::all()));
        let mut unknown = Earned::new("a.example");
        unknown.plan.score = None;
        let old = known("a.example", true, NOW - 2 * RECENT);
        for (domain, told, kind) in [
            (&good, None, None),
            (&good, Some(CERTIFICATE_ISSUED), None),
            (&good, Some(CERTIFICATE_RESTORED), None),
            (&good, Some(CERTIFICATE_VOID), Some(CERTIFICATE_RESTORED)),
            (&bad, None, Some(CERTIFICATE_VOID)),
            (&bad, Some(CERTIFICATE_ISSUED), Some(CERTIFICATE_VOID)),
            (&bad, Some(CERTIFICATE_RESTORED), Some(CERTIFICATE_VOID)),
            (&bad, Some(CERTIFICATE_VOID), None),
            (&unknown, Some(CERTIFICATE_ISSUED), None),
            (&unknown, Some(CERTIFICATE_VOID), None),
        ] {
            let kind: Vec<_> = kind.into_iter().map(|kind: Kind| kind.name).collect();
            assert_eq!(kinds(domain, &old, told), kind, "{told:?}");
        }
        assert_eq!(kinds(&bad, &known("a.example", false, NOW), None), [""; 0], "of another key");
        assert_eq!(kinds(&good, &known("b.example", true, NOW), None), [""; 0], "no plan");
    }

    #[test]
    fn what_a_run_did_not_get_to_tell_is_told_by_the_next() {
        let good = Earned::new("a.example");
        let recent = known("a.example", true, NOW - 60);
        assert_eq!(kinds(&good, &recent, None), [CERTIFICATE_ISSUED.name]);
        assert_eq!(kinds(&good, &recent, Some(CERTIFICATE_ISSUED)), [""; 0]);
        let told = HashMap::new();
        let ids = |now| changes(&[good.subject()], std::slice::from_ref(&recent), &told, now)[0].event.id;
        assert_eq!(ids(NOW), ids(NOW + 3_600), "it is the same event");
    }
}
