//! What advice rests on, from real answers; and advice that is followed, looked at again.

use ruad::{
    advice::{Instruction, Memory, Plan, RecordType, Settings, StepCode, Traffic},
    health::{
        Examiner, Subject,
        keys::{self, KeyHistory},
        posture::Posture,
    },
};
use ruad_dns::profile::Profile;
use ruad_dns::{
    Mechanism,
    dkim::{Origin, Selector},
    dmarc::Policy,
    spf::Qualifier,
};
use ruad_registry::Preferences;

use crate::{dkim::KEY, server::Dns};

const NOW: u64 = 20_800 * 86_400;
const OURS: &str = "rua@reports.test";
/// A domain that receives mail, and the host that takes its reports.
const AROUND: &str = "@ IN MX 10 mx\nmx IN A 192.0.2.25\nhost IN A 192.0.2.77\nreports.test. IN MX 10 mx.reports.test.\n\
    mx.reports.test. IN A 192.0.2.26\n*._report._dmarc.reports.test. IN TXT \"v=DMARC1;\"\n\
    _spf.other.test. IN TXT \"v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 -all\"\n";

async fn posture(zone: &str, selectors: &[&str], histories: &[KeyHistory]) -> Posture {
    let dns = Dns::serve(zone).await;
    let own = [OURS.to_owned()];
    let examiner = Examiner::new(dns.resolver(), dns.validator()).expecting_reports_at(&own);
    let selectors = selectors.iter().map(|name| Selector::new(*name, Origin::Registry)).collect();
    let subject = Subject { domain: "domain.example".to_owned(), selectors, ..Subject::default() };
    let snapshot = examiner.examine(&subject, NOW).await;
    Posture::of(&snapshot, histories, None)
}

#[tokio::test]
async fn everything_that_advice_rests_on() {
    let zone = format!(
        "{AROUND}@ IN TXT \"v=spf1 include:_spf.other.test a:host.domain.example ip4:192.0.2.0/28 exists:%{{i}}.x.test ~all\"\n\
         _dmarc IN TXT \"v=DMARC1; p=quarantine; sp=reject; rua=mailto:rua@reports.test\"\n\
         s1._domainkey IN TXT \"{KEY}\"\nold._domainkey IN TXT \"v=DKIM1; p=\"\n\
         _smtp._tls IN TXT \"v=TLSRPTv1; rua=mailto:rua@reports.test\"\ndefault._bimi IN TXT \"v=BIMI1; l=https://x.test/l.svg\"\n\
         _mta-sts IN TXT \"v=STSv1; id=1\"\n"
    );
    let blank = posture(&zone, &["s1", "old"], &[]).await;
    let fingerprint = blank.keys[1].fingerprint.clone().unwrap();
    let history = KeyHistory {
        key: keys::Key {
            domain: "domain.example".to_owned(),
            selector: "s1".to_owned(),
            fingerprint,
            kind: blank.keys[1].kind,
            bits: blank.keys[1].bits,
            alias: None,
        },
        published: true,
        first_seen_dns: NOW - 200 * 86_400,
        last_seen_dns: NOW,
        first_seen_reports: None,
        last_seen_reports: None,
    };
    let posture = posture(&zone, &["s1", "old"], &[history]).await;
    assert_eq!((posture.domain.as_str(), posture.checked_at), ("domain.example", NOW));
    assert_eq!(posture.own_record().unwrap().policy, Some(Policy::Quarantine));
    let policies = posture.policies.unwrap();
    assert_eq!((policies.domain, policies.subdomains), (Policy::Quarantine, Policy::Reject));
    assert_eq!(posture.organization.as_deref(), Some("domain.example"));
    assert_eq!((posture.reports_to_us, posture.unauthorized.len()), (Some(true), 0));
    assert_eq!(posture.spf_all, Some(Qualifier::SoftFail));
    let entries: Vec<_> = posture
        .entries
        .iter()
        .map(|entry| (entry.term.as_str(), entry.networks.len(), entry.is_complete, entry.lookups))
        .collect();
    assert_eq!(
        entries,
        [
            ("include:_spf.other.test", 2, true, 1),
            ("a:host.domain.example", 1, true, 1),
            ("ip4:192.0.2.0/28", 1, true, 0),
            ("exists:%{i}.x.test", 0, false, 1),
        ]
    );
    assert_eq!(posture.entries[0].domain.as_deref(), Some("_spf.other.test"));
    let keys: Vec<_> = posture.keys.iter().map(|key| (key.selector.as_str(), key.age_days)).collect();
    assert_eq!(keys, [("old", None), ("s1", Some(200))]);
    assert!(posture.keys[0].fingerprint.is_none() && posture.keys[1].bits >= 1_024);
    assert_eq!((posture.receives, posture.has_null_mx), (Some(true), false));
    assert_eq!(posture.mail_hosts, ["mx.domain.example"]);
    assert!(posture.has_tls_rpt && posture.has_bimi && !posture.has_revoked_wildcard);
    assert!(
        posture.knows(Mechanism::Dmarc) && posture.knows(Mechanism::Spf) && posture.knows(Mechanism::Dkim)
    );
    assert!(format!("{posture:?}").len() < 12_000, "ten thousand of them are kept in memory");
    assert!(!posture.knows(Mechanism::MtaSts), "nothing was fetched");
    assert_eq!((posture.mta_sts.as_deref(), posture.mta_sts_mode), (Some("v=STSv1; id=1"), None));
}

#[tokio::test]
async fn what_is_not_answered_hides_no_more_than_it_must() {
    let zone = format!(
        "{AROUND}@ IN TXT \"v=spf1 a:host.broken.test include:_spf.other.test -all\"\n\
         _dmarc IN TXT \"v=DMARC1; p=none; rua=mailto:rua@reports.test,mailto:x@broken.test\"\n\
         s1._domainkey IN TXT \"{KEY}\"\n; servfail: broken.test\n; servfail: s2._domainkey.domain.example\n"
    );
    let found = posture(&zone, &["s1", "s2"], &[]).await;
    for mechanism in [Mechanism::Dmarc, Mechanism::Spf, Mechanism::Dkim] {
        assert!(found.knows(mechanism), "{}", mechanism.name());
    }
    assert!(!found.entries[0].is_complete && found.entries[1].is_complete);
    assert_eq!(found.unknown_selectors.iter().collect::<Vec<_>>(), ["s2"]);

    let found = posture(&format!("{AROUND}; servfail: _dmarc.domain.example\n"), &[], &[]).await;
    assert!(!found.knows(Mechanism::Dmarc) && found.policies.is_none() && found.reports_to_us.is_none());
    let zone = format!("{AROUND}@ IN TXT \"v=spf1 include:broken.test -all\"\n; servfail: broken.test\n");
    assert!(!posture(&zone, &[], &[]).await.knows(Mechanism::Spf));
    let plan = draw(&found, &Memory::default());
    assert!(!plan.steps.iter().any(|step| step.code == StepCode::PublishDmarc));
}

#[tokio::test]
async fn a_host_that_does_not_agree_is_named() {
    let zone = AROUND.replace("*._report", "x._report")
        + "_dmarc IN TXT \"v=DMARC1; p=none; rua=mailto:rua@reports.test\"\n";
    let found = posture(&zone, &[], &[]).await;
    assert_eq!(found.unauthorized, ["reports.test"]);
    let plan = draw(&found, &Memory::default());
    let step = plan.open_steps().find(|step| step.code == StepCode::AuthorizeReports).unwrap();
    let line = step.instructions[0].zone_line().unwrap();
    assert_eq!(found_after(&zone, &line).await.unauthorized, Vec::<String>::new());
}

async fn found_after(zone: &str, line: &str) -> Posture {
    posture(&format!("{zone}{line}\n"), &[], &[]).await
}

fn draw(posture: &Posture, memory: &Memory) -> Plan {
    let wishes = Preferences { reports_to: vec![OURS.to_owned()], ..Preferences::default() };
    Plan::draw(posture, &Traffic::default(), &wishes, memory, &Settings::default(), NOW)
}

/// Records by hand, so that a step can replace one.
#[derive(Clone, Debug)]
struct Zone(Vec<(String, RecordType, String)>);

impl Zone {
    fn text(&self) -> String {
        let publish = |(name, kind, value): &(String, RecordType, String)| {
            let (name, value) = (name.clone(), value.clone());
            Instruction::Publish { name, kind: *kind, ttl: 60, value, replaces: None }.zone_line()
        };
        let lines: Vec<_> = self.0.iter().filter_map(publish).collect();
        format!("{AROUND}{}\n", lines.join("\n"))
    }

    fn follow(&mut self, instruction: &Instruction) {
        match instruction {
            Instruction::Publish { name, kind, value, replaces, .. } => {
                self.0.retain(|(at, of, old)| !(at == name && of == kind && Some(old) == replaces.as_ref()));
                if !self.0.contains(&(name.clone(), *kind, value.clone())) {
                    self.0.push((name.clone(), *kind, value.clone()));
                }
            }
            Instruction::Remove { name, kind, value } => {
                let before = self.0.len();
                self.0.retain(|(at, of, old)| {
                    !(at == name && of == kind && (value.is_empty() || old == value))
                });
                assert!(self.0.len() < before, "{name} {kind} {value} is not there: {self:?}");
            }
            _ => {}
        }
    }
}

/// Every faulty record that can be put right from its own text is right after the steps were followed. What a policy asks for,
/// and who sends, takes reports to say.
#[tokio::test]
async fn who_follows_the_steps_has_records_without_faults() {
    let dmarc = |text: &str| ("_dmarc.domain.example".to_owned(), RecordType::Txt, text.to_owned());
    let apex = |text: &str| ("domain.example".to_owned(), RecordType::Txt, text.to_owned());
    let zones = [
        vec![],
        vec![dmarc("v=DMARC1; p=none; rau=mailto:x@reports.test")],
        vec![dmarc("v=DMARC1; p=quarantine; junk; adkim=strict; rua=rua@reports.test")],
        vec![dmarc("v=DMARC1; sp=none; P=reject; rua=mailto:rua@reports.test")],
        vec![dmarc("v=DMARC1; p=deny; rua=mailto:rua@reports.test")],
        vec![dmarc("v=DMARC1; p=reject; sp=no; np=; rua=mailto:rua@reports.test; rua=x")],
        vec![dmarc("v=DMARC1; p=none; pct=10")],
        vec![dmarc("v=DMARC1; p=none"), dmarc("v=DMARC1; p=reject; rua=mailto:rua@reports.test")],
        vec![apex("v=DMARC1; p=none; rua=mailto:rua@reports.test")],
        vec![dmarc(" v=DMARC1; p=none")],
        vec![dmarc("v=dmarc1; p=reject")],
        vec![dmarc("v=spf1 -all")],
        vec![("_dmarc.domain.example".to_owned(), RecordType::Cname, "gone.service.test".to_owned())],
        vec![apex("v=spf1 ipv4:192.0.2.1 +all")],
        vec![apex("v=spf1 ip4:192.0.2.1-all")],
        vec![apex("v=spf1 mx -all"), apex("v=spf1 include:_spf.other.test ~all")],
        vec![apex("v=spf1 include:gone.test ptr ?all")],
        vec![apex("v=spf1 mx -all a:host.domain.example")],
        vec![apex("v=spf1 include=_spf.other.test -all")],
        vec![apex("v=spf1 mx mx redirect=_spf.other.test -all")],
        vec![apex("v=spf1 mx v=spf1 include:_spf.other.test ~all")],
        vec![apex("v=spf1 mx, a:host.domain.example -all;")],
    ];
    for records in zones {
        let mut zone = Zone(records.clone());
        let mut last = Vec::new();
        for _ in 0..4 {
            let plan = draw(&posture(&zone.text(), &[], &[]).await, &Memory::default());
            let due: Vec<_> =
                plan.open_steps().filter(|step| RECORDS.contains(&step.code)).cloned().collect();
            last = due.iter().map(|step| step.code.as_str()).collect();
            // One after the other, as people do it: what a step asks for is what the others ask for too.
            for instruction in due.iter().flat_map(|step| &step.instructions) {
                let is_repeated = instruction.published().is_some_and(|(name, kind, value)| {
                    zone.0.iter().any(|record| record.0 == name && record.1 == kind && record.2 == value)
                });
                if !is_repeated {
                    zone.follow(instruction);
                }
            }
        }
        assert_eq!(last, Vec::<&str>::new(), "{records:?} became {zone:?}");
        let found = posture(&zone.text(), &[], &[]).await;
        let costly: Vec<_> = found
            .findings
            .iter()
            .filter(|finding| <&Profile>::default().points(finding.code) > 0.0)
            .map(|finding| finding.code.name)
            .filter(|code| code.starts_with("dmarc.") || code.starts_with("spf."))
            .filter(|code| {
                !["dmarc.policy_none", "dmarc.subdomain_policy_none", "spf.missing"].contains(code)
            })
            .collect();
        assert_eq!(costly, Vec::<&str>::new(), "{records:?} became {zone:?}");
        assert_eq!(found.reports_to_us, Some(true), "{zone:?}");
    }
}

const RECORDS: [StepCode; 5] = [
    StepCode::PublishDmarc,
    StepCode::RepairDmarc,
    StepCode::AddReportAddress,
    StepCode::DropPercentage,
    StepCode::RepairSpf,
];
