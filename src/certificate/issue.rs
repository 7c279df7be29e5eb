use super::{
    Address, Certificate, Date, DkimKey, KeyError, Mail, PublicKey, Serial, Settings, SigningKey, Statement,
    statement::ED25519_BITS,
};
use crate::{
    advice::{Advised, Plan, Traffic},
    health::posture::Posture,
};
use ruad_dns::profile::Score;
use ruad_dns::{Mechanism, dkim::Kind, dmarc::Policy};

/// Who issues certificates: the key that signs and the address at which everybody can check them.
#[derive(Debug)]
pub struct Issuer {
    address: Address,
    key: SigningKey,
}

/// What is known of a domain when it is asked whether there is to be a certificate.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What is to be done for it.
    pub plan: &'a Plan,
    /// What DNS says.
    pub posture: &'a Posture,
    /// What reports tell.
    pub traffic: &'a Traffic,
    /// Its group.
    pub group: &'a str,
    /// The profile by which its score was counted.
    pub profile: &'a str,
}

impl Issuer {
    /// That of these settings; none when they name no address. The key is made when it is not there.
    ///
    /// # Errors
    ///
    /// [`KeyError`]
    pub fn open(settings: &Settings) -> Result<Option<Self>, KeyError> {
        let Some(address) = &settings.url else { return Ok(None) };
        Ok(Some(Self::new(address.clone(), SigningKey::open(&settings.key)?)))
    }

    /// One with this key.
    pub fn new(address: Address, key: SigningKey) -> Self {
        Self { address, key }
    }

    /// Where certificates can be checked.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What verifies them.
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }
}

impl<'a> Subject<'a> {
    /// What the planner knows of a domain. `profile` is the one that counts for it.
    pub fn of(planned: &'a Advised, profile: &'a str) -> Self {
        let Advised { plan, posture, traffic, group, .. } = planned;
        Self { plan, posture, traffic, group, profile }
    }

    /// Whether score and policy are what a certificate asks for.
    pub(super) fn is_perfect(&self) -> bool {
        let policy = self.posture.policies.map(|policies| policies.domain);
        self.plan.score == Some(Score::BEST) && policy == Some(Policy::Reject)
    }

    /// Whether that can be told at all.
    pub(super) fn is_known(&self) -> bool {
        let is_weaker = self.posture.policies.is_some_and(|policies| policies.domain != Policy::Reject);
        self.plan.score.is_some() || is_weaker
    }
}

/// Whether score and policy have been what a certificate asks for, for so many days; `now` is seconds since 1970.
pub fn is_due(subject: &Subject<'_>, days: u32, now: u64) -> bool {
    let long_ago = now.checked_sub(u64::from(days) * 86_400);
    let has_held = subject.plan.perfect_since.zip(long_ago).is_some_and(|(since, ago)| since <= ago);
    subject.is_perfect() && has_held
}

/// The certificate of a domain that has earned one; nothing for any other.
pub fn issue(
    subject: &Subject<'_>,
    issuer: &Issuer,
    serial: Serial,
    days: u32,
    now: u64,
) -> Option<Certificate> {
    if !is_due(subject, days, now) {
        return None;
    }
    let Subject { plan, posture, traffic, profile, .. } = subject;
    let statement = Statement {
        serial,
        domain: plan.domain.clone(),
        issued: Date::of(now),
        address: issuer.address.clone(),
        profile: (*profile).to_owned(),
        held_since: Date::of(plan.perfect_since?),
        sends_mail: !plan.is_parked,
        mail: mail(traffic),
        dkim: keys(posture),
        spf_lookups: lookups(posture),
    };
    Some(Certificate::sign(statement, &issuer.key))
}

/// Nothing when there were no reports: that is not the same as no mail.
fn mail(traffic: &Traffic) -> Option<Mail> {
    traffic.reported.filter(|_| traffic.window.days > 0)?;
    let own = || traffic.senders.iter().filter(|sender| sender.class.is_legitimate());
    Some(Mail {
        from: Date::from_days(traffic.window.from),
        to: Date::from_days(traffic.window.to),
        messages: traffic.window.messages,
        own: own().map(|sender| sender.counts.messages).fold(0, u64::saturating_add),
        passed: own().map(|sender| sender.counts.passed).fold(0, u64::saturating_add),
    })
}

/// The kinds of keys that are published under known selectors, withdrawn ones left out.
fn keys(posture: &Posture) -> Vec<DkimKey> {
    let published = posture.keys.iter().filter(|key| key.fingerprint.is_some());
    let mut keys: Vec<_> = published
        .map(|key| match key.kind {
            Kind::Rsa => DkimKey { kind: Kind::Rsa, bits: key.bits },
            Kind::Ed25519 => DkimKey { kind: Kind::Ed25519, bits: ED25519_BITS },
        })
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

fn lookups(posture: &Posture) -> Option<u32> {
    let is_known = posture.spf.is_some() && posture.knows(Mechanism::Spf);
    is_known.then(|| posture.entries.iter().map(|entry| entry.lookups).sum())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        advice::{Class, Counts, Memory, Recent, Rule, Sender, Settings, Setup, Window},
        health::posture::{Entry, Key, Posture},
    };
    use ruad_common::time::DAY;
    use ruad_dns::dmarc::Policies;
    use ruad_registry::{Preferences, SenderId};

    pub(in crate::certificate) const NOW: u64 = 1_795_219_200;

    /// A domain that has earned a certificate.
    pub(in crate::certificate) struct Earned {
        pub(in crate::certificate) plan: Plan,
        pub(in crate::certificate) posture: Posture,
        pub(in crate::certificate) traffic: Traffic,
    }

    impl Earned {
        pub(in crate::certificate) fn new(domain: &str) -> Self {
            let posture = posture(domain);
            let traffic = traffic();
            let nothing = (Preferences::default(), Memory::default(), Settings::default());
            let mut plan = Plan::draw(&posture, &traffic, &nothing.0, &nothing.1, &nothing.2, NOW);
            plan.score = Some(Score::BEST);
            plan.is_parked = false;
            plan.perfect_since = Some(NOW - 30 * DAY);
            Self { plan, posture, traffic }
        }

        pub(in crate::certificate) fn subject(&self) -> Subject<'_> {
            let Self { plan, posture, traffic } = self;
            Subject { plan, posture, traffic, group: "acme", profile: "default" }
        }
    }

    fn posture(domain: &str) -> Posture {
        let reject = Policy::Reject;
        let entry = |term: &str, lookups| Entry {
            term: term.to_owned(),
            domain: None,
            networks: Vec::new(),
            is_complete: true,
            lookups,
        };
        let key = |selector: &str, fingerprint: Option<&str>, kind, bits| Key {
            selector: selector.to_owned(),
            fingerprint: fingerprint.map(str::to_owned),
            kind,
            bits,
            alias: None,
            age_days: None,
            text: String::new(),
        };
        Posture {
            unknown: [Mechanism::Dnsbl].into(),
            score: Some(Score::BEST),
            policies: Some(Policies { domain: reject, subdomains: reject, nonexistent: reject }),
            reports_to_us: Some(true),
            spf: Some("v=spf1 include:a.example mx -all".to_owned()),
            entries: vec![entry("include:a.example", 3), entry("mx", 1)],
            keys: vec![
                key("s1", Some("f1"), Kind::Ed25519, 0),
                key("s2", Some("f2"), Kind::Rsa, 2048),
                key("s3", Some("f3"), Kind::Rsa, 2048),
                key("old", None, Kind::Rsa, 1024),
            ],
            receives: Some(true),
            has_tls_rpt: true,
            ..Posture::empty(domain, NOW - 600)
        }
    }

    fn traffic() -> Traffic {
        let sender = |name: &str, class, messages, passed| Sender {
            id: SenderId::service(name),
            name: name.to_owned(),
            category: None,
            counts: Counts { messages, passed, ..Counts::default() },
            recent: Recent::default(),
            share: 0.0,
            addresses: 1,
            active_days: 30,
            first_day: 20_000,
            last_day: 20_777,
            class,
            rule: Rule("test"),
            setup: Setup::default(),
        };
        Traffic {
            reported: Some((20_000, 20_777)),
            window: Window { from: 20_748, to: 20_777, days: 30, messages: 1_250, is_grown: false },
            senders: vec![
                sender("one", Class::Aligned, 900, 900),
                sender("two", Class::NeedsWork, 100, 93),
                sender("list", Class::Forwarder, 50, 20),
                sender("forger", Class::Threat, 200, 0),
            ],
            ..Traffic::default()
        }
    }

    fn issuer() -> Issuer {
        Issuer::new("https://dmarc.msp.example".parse().unwrap(), SigningKey::random().unwrap())
    }

    #[test]
    fn it_says_what_was_known() {
        let (earned, issuer) = (Earned::new("a.example"), issuer());
        let serial = Serial::random().unwrap();
        let certificate = issue(&earned.subject(), &issuer, serial, 30, NOW).unwrap();
        assert_eq!(certificate.key(), issuer.public_key());
        let text = certificate.statement().to_string();
        let expected = format!(
            "ruad-certificate: 1\nserial: {serial}\ndomain: a.example\nissued: 2026-11-21\nissuer: dmarc.msp.example\n\
             verify: https://dmarc.msp.example/c/{serial}\npolicy: reject\nscore: 5.0 of 5\nprofile: default\n\
             held-since: 2026-10-22\nsends-mail: yes\nreports: 2026-10-22 to 2026-11-20\nmessages: 1250\n\
             own-messages: 1000\nown-messages-passed: 993\ndkim-keys: rsa-2048 ed25519\nspf-lookups: 4\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn what_was_not_known_is_left_out() {
        let mut earned = Earned::new("a.example");
        earned.plan.is_parked = true;
        earned.posture.unknown = [Mechanism::Spf].into();
        earned.posture.keys.clear();
        earned.traffic = Traffic::default();
        let certificate = issue(&earned.subject(), &issuer(), Serial::random().unwrap(), 30, NOW).unwrap();
        let Statement { sends_mail, mail, dkim, spf_lookups, .. } = certificate.statement();
        assert_eq!((sends_mail, mail, dkim.is_empty(), spf_lookups), (&false, &None, true, &None));
    }

    #[test]
    fn it_has_to_be_earned() {
        let profile = ruad_dns::profile::Profile::named("default").unwrap();
        let error = ruad_dns::Code::all().find(|code| profile.points(*code) > 0.0).unwrap();
        let refused = |what: &str, change: &dyn Fn(&mut Earned)| {
            let mut earned = Earned::new("a.example");
            assert!(is_due(&earned.subject(), 30, NOW));
            change(&mut earned);
            let serial = Serial::random().unwrap();
            assert_eq!(issue(&earned.subject(), &issuer(), serial, 30, NOW), None, "{what}");
        };
        refused("no score", &|earned| earned.plan.score = None);
        refused("another policy", &|earned| {
            earned.posture.policies =
                Some(Policies { domain: Policy::Quarantine, ..earned.posture.policies.unwrap() });
        });
        refused("no policy", &|earned| earned.posture.policies = None);
        refused("not perfect", &|earned| earned.plan.perfect_since = None);
        refused("a second too short", &|earned| earned.plan.perfect_since = Some(NOW - 30 * DAY + 1));
        refused("since tomorrow", &|earned| earned.plan.perfect_since = Some(NOW + DAY));
        refused("since the end of time", &|earned| earned.plan.perfect_since = Some(u64::MAX));
        let mut earned = Earned::new("a.example");
        earned.plan.score = Some(profile.score([error]));
        assert!(!is_due(&earned.subject(), 0, NOW), "a score below the best");
    }
}
