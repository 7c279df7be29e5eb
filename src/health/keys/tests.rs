use proptest::prelude::*;

use super::*;
use ruad_common::time::DAY;

/// 2028-01-01.
const TODAY: u32 = 21_184;
const NOW: u64 = TODAY as u64 * DAY + 40_000;

fn ago(days: u32) -> u64 {
    NOW - u64::from(days) * DAY
}

/// A published key first seen so many days ago.
fn key(selector: &str, fingerprint: &str, days: u32) -> KeyHistory {
    let key = Key {
        domain: "domain.example".into(),
        selector: selector.into(),
        fingerprint: fingerprint.into(),
        kind: dkim::Kind::Rsa,
        bits: 2048,
        alias: None,
    };
    KeyHistory {
        key,
        published: true,
        first_seen_dns: ago(days),
        last_seen_dns: NOW,
        first_seen_reports: None,
        last_seen_reports: None,
    }
}

impl KeyHistory {
    fn reported(mut self, first_days_ago: u32, last_days_ago: u32) -> Self {
        self.first_seen_reports = Some(TODAY - first_days_ago);
        self.last_seen_reports = Some(TODAY - last_days_ago);
        self
    }

    fn gone(mut self, days_ago: u32) -> Self {
        self.published = false;
        self.last_seen_dns = ago(days_ago);
        self
    }

    fn alias_of(mut self, name: &str) -> Self {
        self.key.alias = Some(name.into());
        self
    }

    fn of(mut self, domain: &str) -> Self {
        self.key.domain = domain.into();
        self
    }
}

fn days(oldest_ago: u32, newest_ago: u32) -> Option<ReportDays> {
    Some(ReportDays { oldest: TODAY - oldest_ago, newest: TODAY - newest_ago })
}

/// Code and selector of each finding.
fn found(keys: &[KeyHistory], reports: Option<ReportDays>) -> Vec<(&'static str, String)> {
    let findings = findings("domain.example", keys, reports, NOW, &Thresholds::default());
    let selector = |name: &str| name.split('.').next().unwrap().to_owned();
    findings.iter().map(|finding| (finding.code.name, selector(&finding.evidence.name))).collect()
}

fn one(code: &'static str, selector: &str) -> Vec<(&'static str, String)> {
    vec![(code, selector.to_owned())]
}

#[test]
fn an_old_key_is_found_by_its_first_day_in_dns() {
    for (days, expected) in [
        (0, vec![]),
        (180, vec![]),
        (181, one("dkim.key_aging", "s")),
        (365, one("dkim.key_aging", "s")),
        (366, one("dkim.key_old", "s")),
    ] {
        assert_eq!(found(&[key("s", "a", days)], None), expected, "{days}");
    }
    let text =
        &findings("domain.example", &[key("s", "a", 400)], None, NOW, &Thresholds::default())[0].detail;
    assert!(text.contains("400 days old (first seen in DNS on 2026-11-27)"), "{text}");
    assert_eq!(found(&[key("s", "a", 400).gone(10)], None), []);
    assert_eq!(found(&[key("s", dkim::REVOKED_KEY, 400)], None), []);
    let strict = Thresholds { warning_days: 30, error_days: 60, ..Thresholds::default() };
    let findings = findings("domain.example", &[key("s", "a", 61)], None, NOW, &strict);
    assert_eq!(findings[0].code, dkim::KEY_OLD);
}

#[test]
fn reports_reach_further_back_than_dns() {
    let used = key("s", "a", 20).reported(400, 1);
    assert_eq!(
        age(&used, std::slice::from_ref(&used), NOW).map(|age| (age.seconds / DAY, age.estimated)),
        Some((400, true))
    );
    assert_eq!(found(&[used], days(400, 1)), one("dkim.key_old", "s"));
    // A selector that was first used after its key was published adds nothing.
    let later = key("s", "a", 20).reported(10, 1);
    assert_eq!(age(&later, &[], NOW).map(|age| (age.seconds / DAY, age.estimated)), Some((20, false)));
}

#[test]
fn a_rotation_starts_again_at_nothing() {
    let old = key("s", "a", 500).reported(400, 1).gone(20);
    let new = key("s", "b", 20).reported(400, 1);
    let keys = [old, new];
    assert_eq!(age(&keys[1], &keys, NOW).map(|age| (age.seconds / DAY, age.estimated)), Some((20, false)));
    assert_eq!(found(&keys, days(400, 1)), []);
    // Neither does another selector's key, or another domain's, say anything about this one.
    let others = [
        key("t", "b", 500).gone(300),
        key("s", "b", 500).of("other.example"),
        key("s", "a", 20).reported(200, 1),
    ];
    assert_eq!(age(&others[2], &others, NOW).map(|age| age.estimated), Some(true));
}

#[test]
fn reports_count_when_every_other_key_was_gone_by_then() {
    // The selector was free for a while; what reports show after that is the new key.
    let (old, new) = (key("s", "a", 600).reported(90, 1).gone(200), key("s", "b", 20).reported(90, 1));
    let keys = [old, new];
    assert_eq!(age(&keys[1], &keys, NOW).map(|age| (age.seconds / DAY, age.estimated)), Some((90, true)));
}

#[test]
fn services_replace_keys_behind_an_alias() {
    let used = key("selector1", "a", 20).reported(800, 1).alias_of("selector1-x._domainkey.tenant.test");
    assert_eq!(age(&used, &[], NOW).map(|age| (age.seconds / DAY, age.estimated)), Some((20, false)));
    assert_eq!(found(&[used], days(800, 1)), []);
}

#[test]
fn a_key_that_comes_back_is_as_old_as_it_was() {
    let keys = [key("s", "a", 400), key("s", "b", 10).gone(9)];
    assert_eq!(found(&keys, None), one("dkim.key_old", "s"));
}

#[test]
fn a_clock_that_was_wrong_makes_no_old_key() {
    for time in [0, 1, 1_000_000_000, 15_339 * DAY, NOW + 30 * DAY, u64::MAX] {
        let mut wrong = key("s", "a", 0);
        wrong.first_seen_dns = time;
        assert_eq!(age(&wrong, &[], NOW), None, "{time}");
        assert_eq!(found(&[wrong.clone()], days(100, 0)), [], "{time}");
        // Reports still tell.
        let reported = wrong.reported(200, 0);
        assert_eq!(age(&reported, &[], NOW).map(|age| age.estimated), Some(true), "{time}");
    }
    // A watch may be older than this program: its records were brought along.
    let mut brought = key("s", "a", 0);
    brought.first_seen_dns = 15_340 * DAY;
    assert_eq!(age(&brought, &[], NOW).map(|age| age.seconds / DAY), Some(u64::from(TODAY) - 15_340));
    // Some hours ahead are no fault, and no age below nothing.
    let mut ahead = key("s", "a", 0);
    ahead.first_seen_dns = NOW + 3_600;
    assert_eq!(age(&ahead, &[], NOW), Some(Age { seconds: 0, estimated: false }));
    // Reports of the future or from before DMARC are none, and neither is a newest day that has not come.
    for day in [0, 10_000, TODAY + 1, u32::MAX] {
        let mut wrong = key("s", "a", 3);
        wrong.first_seen_reports = Some(day);
        assert_eq!(age(&wrong, &[], NOW).map(|age| age.seconds / DAY), Some(3), "{day}");
    }
    let future = Some(ReportDays { oldest: TODAY - 100, newest: TODAY + 400 });
    assert_eq!(found(&[key("s", "a", 90).reported(90, 1)], future), []);
    // A clock that stands at 1970 knows no ages.
    assert_eq!(findings("domain.example", &[key("s", "a", 400)], None, 5, &Thresholds::default()), []);
}

#[test]
fn a_key_in_several_places_is_one_finding() {
    let keys = [key("b", "x", 1), key("a", "x", 1), key("a", "x", 1).of("other.example"), key("c", "y", 1)];
    assert_eq!(found(&keys, None), one("dkim.key_shared", "a"));
    let text = &findings("domain.example", &keys, None, NOW, &Thresholds::default())[0].detail;
    assert!(text.contains("b._domainkey.domain.example, a._domainkey.other.example."), "{text}");
    // One that is gone or revoked is not there.
    assert_eq!(found(&[key("a", "x", 1), key("b", "x", 1).gone(1)], None), []);
    assert_eq!(found(&[key("a", dkim::REVOKED_KEY, 1), key("b", dkim::REVOKED_KEY, 1)], None), []);
    // Keys of other domains alone are not this domain's matter.
    assert_eq!(found(&[key("a", "x", 1).of("b.example"), key("a", "x", 1).of("c.example")], None), []);
    let many: Vec<_> = (0..20).map(|number| key(&format!("s{number:02}"), "x", 1)).collect();
    let text = &findings("domain.example", &many, None, NOW, &Thresholds::default())[0].detail;
    assert!(text.contains("s05._domainkey.domain.example and 14 more."), "{text}");
}

#[test]
fn a_key_behind_one_name_is_the_services_choice() {
    let alias = "dkim2.service.test";
    let keys = [key("k2", "x", 1).alias_of(alias), key("k2", "x", 1).alias_of(alias).of("other.example")];
    assert_eq!(found(&keys, None), one("dkim.key_shared_by_alias", "k2"));
    let copied = [keys[0].clone(), key("k2", "x", 1).of("other.example")];
    assert_eq!(found(&copied, None), one("dkim.key_shared", "k2"));
}

#[test]
fn a_key_that_no_report_shows_is_superfluous() {
    let unused = one("dkim.key_unused", "s");
    assert_eq!(found(&[key("s", "a", 90)], days(90, 0)), unused);
    assert_eq!(found(&[key("s", "a", 90).reported(90, 60)], days(90, 0)), unused);
    assert_eq!(found(&[key("s", "a", 90).reported(90, 59)], days(90, 0)), []);
    // No reports, not enough of them, or a key that is new: nobody can tell.
    assert_eq!(found(&[key("s", "a", 90)], None), []);
    assert_eq!(found(&[key("s", "a", 90)], days(59, 0)), []);
    assert_eq!(found(&[key("s", "a", 59)], days(90, 0)), []);
    // What counts is the newest report, not today.
    assert_eq!(found(&[key("s", "a", 170).reported(160, 120)], days(160, 100)), []);
    assert_eq!(found(&[key("s", "a", 90).gone(1)], days(90, 0)), []);
}

#[test]
fn a_spare_key_of_a_service_in_use_is_not_superfluous() {
    let spare = key("selector2", "b", 170).alias_of("selector2-x._domainkey.tenant.n-v2.dkim.service.test");
    let used = key("selector1", "a", 170)
        .alias_of("selector1-x._domainkey.tenant.n-v1.dkim.service.test")
        .reported(170, 1);
    assert_eq!(found(&[spare.clone(), used.clone()], days(170, 0)), []);
    let idle = KeyHistory { last_seen_reports: Some(TODAY - 100), ..used };
    assert_eq!(found(&[spare.clone(), idle], days(170, 0)).len(), 2);
    let elsewhere = key("fm1", "a", 170).alias_of("fm1.x.dkim.another.test").reported(170, 1);
    assert_eq!(found(&[spare, elsewhere], days(170, 0)), one("dkim.key_unused", "selector2"));
}

#[test]
fn a_key_that_is_gone_while_mail_is_signed_with_it() {
    let gone = one("dkim.key_gone", "s");
    assert_eq!(found(&[key("s", "a", 90).reported(90, 1).gone(5)], days(90, 0)), gone);
    // Mail on its way when the key was taken away.
    assert_eq!(found(&[key("s", "a", 90).reported(90, 4).gone(5)], days(90, 0)), []);
    // Long given up.
    assert_eq!(found(&[key("s", "a", 90).reported(90, 30).gone(50)], days(90, 0)), []);
    // Replaced, or revoked, which is another finding.
    let replaced = [key("s", "a", 90).reported(90, 1).gone(5), key("s", "b", 4).reported(90, 1)];
    assert_eq!(found(&replaced, days(90, 0)), []);
    let revoked = [key("s", "a", 90).reported(90, 1).gone(5), key("s", dkim::REVOKED_KEY, 4).reported(90, 1)];
    assert_eq!(found(&revoked, days(90, 0)), []);
    assert_eq!(found(&[key("s", "a", 90).reported(90, 1).gone(5)], None), []);
}

prop_compose! {
    fn history()(
        domain in "[ab]\\.example",
        selector in "[st]",
        fingerprint in prop_oneof!["[xyz]", Just(dkim::REVOKED_KEY.to_owned())],
        alias in proptest::option::of("[ab]\\.[cd]\\.test"),
        published: bool,
        first_seen_dns in prop_oneof![any::<u64>(), 0..NOW + 3 * DAY],
        last_seen_dns in prop_oneof![any::<u64>(), 0..NOW + 3 * DAY],
        first_seen_reports in proptest::option::of(prop_oneof![any::<u32>(), TODAY - 700..TODAY + 3]),
        last_seen_reports in proptest::option::of(prop_oneof![any::<u32>(), TODAY - 700..TODAY + 3]),
    ) -> KeyHistory {
        let key = Key { domain, selector, fingerprint, kind: dkim::Kind::Rsa, bits: 2048, alias };
        KeyHistory { key, published, first_seen_dns, last_seen_dns, first_seen_reports, last_seen_reports }
    }
}

proptest! {
    #[test]
    fn no_history_makes_it_panic_and_all_findings_are_about_the_domain(
        keys in proptest::collection::vec(history(), 0..12),
        reports in proptest::option::of((any::<u32>(), any::<u32>())),
        recent in proptest::option::of((TODAY - 700..TODAY, TODAY - 90..TODAY + 3)),
        now in prop_oneof![any::<u64>(), Just(NOW)],
    ) {
        let days = recent.or(reports).map(|(oldest, newest)| ReportDays { oldest, newest });
        for finding in findings("a.example", &keys, days, now, &Thresholds::default()) {
            prop_assert!(finding.evidence.name.ends_with("._domainkey.a.example"));
        }
    }

    #[test]
    fn an_age_is_never_more_than_the_evidence(keys in proptest::collection::vec(history(), 1..8)) {
        for key in &keys {
            let Some(age) = age(key, &keys, NOW) else { continue };
            let since = NOW - age.seconds;
            let dns = key.first_seen_dns.min(NOW) == since;
            let report = key.first_seen_reports.is_some_and(|day| u64::from(day) * DAY == since);
            prop_assert!(if age.estimated { report } else { dns }, "{:?} {:?}", age, key);
        }
    }

    #[test]
    fn a_key_only_grows_older(history in history(), later in 0..400 * DAY) {
        let keys = [history];
        if let (Some(before), Some(after)) = (age(&keys[0], &keys, NOW), age(&keys[0], &keys, NOW + later)) {
            prop_assert!(before.seconds <= after.seconds);
        }
    }

    #[test]
    fn the_order_of_the_keys_does_not_matter(mut keys in proptest::collection::vec(history(), 0..8)) {
        let days = days(300, 0);
        let sorted = |keys: &[KeyHistory]| {
            let mut found = findings("a.example", keys, days, NOW, &Thresholds::default());
            found.sort_by(|a, b| (a.code, &a.evidence.name).cmp(&(b.code, &b.evidence.name)));
            found.into_iter().map(|finding| (finding.code, finding.evidence.name)).collect::<Vec<_>>()
        };
        let forwards = sorted(&keys);
        keys.reverse();
        prop_assert_eq!(forwards, sorted(&keys));
    }
}
