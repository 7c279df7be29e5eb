use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use super::*;
use ruad_dns::Check;

const DOCUMENTED: &str = include_str!("../../../docs/events.md");

/// The kinds and subjects of the events when a domain goes from these facts to those.
fn between(mechanism: Mechanism, old: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<String> {
    let mut state = State::default();
    happen(&mut state, &[(mechanism, old)]);
    happen(&mut state, &[(mechanism, new)])
}

fn happen(state: &mut State, facts: &[(Mechanism, &[(&str, &str)])]) -> Vec<String> {
    let mut checks = Vec::new();
    for (mechanism, facts) in facts {
        let mut check = Check::new(*mechanism);
        facts.iter().for_each(|(name, value)| check.fact(*name, *value));
        checks.push(check);
    }
    static NOW: AtomicU64 = AtomicU64::new(1);
    let mut look = || state.observe(&checks, &BTreeSet::new(), NOW.fetch_add(1, Ordering::Relaxed));
    let changes = [look(), look()].concat();
    let events = events("a.example", &changes, state);
    events.iter().map(|event| format!("{} {}", event.kind, event.subject).trim().to_owned()).collect()
}

#[test]
fn every_kind_is_documented_and_nothing_else() {
    let rows = DOCUMENTED.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let documented: Vec<_> =
        rows.map(|(kind, rest)| (kind, rest.split(' ').next().unwrap_or_default())).collect();
    let kinds: Vec<_> = Kind::ALL.iter().map(|kind| (kind.name, kind.severity.name())).collect();
    assert_eq!(documented, kinds);
    for kind in Kind::ALL {
        let mechanism = kind.name.split('.').next().unwrap();
        let is_known = Mechanism::ALL.iter().any(|known| known.name() == mechanism);
        assert!(
            is_known || ["stage", "step", "sender", "score", "domain", "certificate"].contains(&mechanism),
            "{mechanism}"
        );
    }
}

#[test]
fn dmarc() {
    let changed = |old: &[_], new: &[_]| between(Mechanism::Dmarc, old, new);
    let none = [("record", "p=none"), ("policy", "none"), ("subdomain_policy", "none")];
    let reject = [("record", "p=reject"), ("policy", "reject"), ("subdomain_policy", "reject")];
    assert_eq!(changed(&none, &reject), ["dmarc.policy_tightened"]);
    assert_eq!(changed(&reject, &none), ["dmarc.policy_loosened"]);
    assert_eq!(changed(&reject, &[]), ["dmarc.record_gone"]);
    assert_eq!(changed(&[], &reject), ["dmarc.record_published"]);
    assert_eq!(changed(&none, &[("record", "p=none; fo=1"), none[1], none[2]]), ["dmarc.record_changed"]);
    assert_eq!(changed(&reject, &[("record", "p=rejekt")]), ["dmarc.policy_loosened"], "it is broken");
    let subdomains = [("record", "p=reject; sp=none"), reject[1], ("subdomain_policy", "none")];
    assert_eq!(changed(&reject, &subdomains), ["dmarc.policy_loosened subdomain"]);
    let ours = [("record", "rua=us"), ("reports_to_us", "yes")];
    let theirs = [("record", "rua=them"), ("reports_to_us", "no")];
    assert_eq!(changed(&ours, &theirs), ["dmarc.reports_no_longer_to_us"]);
    assert_eq!(changed(&theirs, &ours), ["dmarc.reports_to_us"]);
    assert_eq!(changed(&ours, &[]), ["dmarc.reports_no_longer_to_us", "dmarc.record_gone"]);
    let testing = [none[0], none[1], none[2], ("testing", "y")];
    assert_eq!(changed(&none, &testing), ["dmarc.testing_started"]);
    assert_eq!(changed(&testing, &none), ["dmarc.testing_ended"]);
}

#[test]
fn one_record_each() {
    for mechanism in [Mechanism::Spf, Mechanism::TlsRpt, Mechanism::Bimi] {
        let name = mechanism.name();
        let [a, b] = [[("record", "a")], [("record", "b")]];
        assert_eq!(between(mechanism, &[], &a), [format!("{name}.record_published")]);
        assert_eq!(between(mechanism, &a, &b), [format!("{name}.record_changed")]);
        assert_eq!(between(mechanism, &b, &[]), [format!("{name}.record_gone")]);
    }
    let [fine, broken] = ["yes", "no"].map(|valid| [("record", "a"), ("valid", valid)]);
    assert_eq!(between(Mechanism::Spf, &fine, &broken), ["spf.broken"]);
    assert_eq!(between(Mechanism::Spf, &broken, &fine), ["spf.repaired"]);
}

#[test]
fn dkim() {
    let changed = |old: Option<&str>, new: Option<&str>| {
        let [old, new] = [old, new].map(|key| key.map(|key| ("key:s1", key)));
        between(Mechanism::Dkim, old.as_slice(), new.as_slice())
    };
    let (a, b, revoked) = (Some("aa rsa 2048"), Some("bb rsa 2048"), Some("revoked"));
    assert_eq!(changed(None, a), ["dkim.key_published s1"]);
    assert_eq!(changed(a, b), ["dkim.key_rotated s1"]);
    assert_eq!(changed(a, Some("aa")), [""; 0], "the same key, told in another way");
    assert_eq!(changed(a, None), ["dkim.key_gone s1"]);
    assert_eq!(changed(a, revoked), ["dkim.key_revoked s1"]);
    assert_eq!(changed(revoked, b), ["dkim.key_published s1"]);
    assert_eq!(changed(revoked, None), [""; 0]);
}

#[test]
fn mail_hosts_and_their_records() {
    let one: &[_] = &[("hosts", "10 a.example")];
    let two: &[_] = &[("hosts", "10 a.example, 20 b.example")];
    let [tlsa, other]: [&[_]; 2] = [&[("tlsa:a.example", "3 1 1 aa")], &[("tlsa:a.example", "3 1 1 bb")]];
    let (mx, dane) = (Mechanism::Mx, Mechanism::Dane);
    let mut state = State::default();
    assert!(happen(&mut state, &[(mx, one), (dane, &[])]).is_empty());
    assert_eq!(happen(&mut state, &[(mx, one), (dane, tlsa)]), ["dane.published a.example"]);
    assert_eq!(happen(&mut state, &[(mx, one), (dane, other)]), ["dane.changed a.example"]);
    let all: &[_] = &[other[0], ("tlsa:b.example", "3 1 1 cc")];
    assert_eq!(happen(&mut state, &[(mx, two), (dane, all)]), ["mx.changed"]);
    assert_eq!(happen(&mut state, &[(mx, one), (dane, other)]), ["mx.changed"]);
    assert_eq!(happen(&mut state, &[(mx, one), (dane, &[])]), ["dane.gone a.example"]);
}

#[test]
fn mta_sts() {
    let changed = |old: &[_], new: &[_]| between(Mechanism::MtaSts, old, new);
    let policy = |id, mode, policy| [("id", id), ("mode", mode), ("policy", policy)];
    let old = policy("1", "testing", "aa");
    assert_eq!(changed(&[], &old), ["mta_sts.published"]);
    assert_eq!(changed(&old, &[]), ["mta_sts.gone"]);
    assert_eq!(changed(&old, &policy("2", "testing", "bb")), ["mta_sts.policy_changed"]);
    assert_eq!(changed(&old, &policy("2", "enforce", "bb")), ["mta_sts.mode_changed"]);
    assert_eq!(changed(&old, &policy("1", "testing", "bb")), ["mta_sts.policy_changed_without_id"]);
    assert_eq!(changed(&old, &policy("2", "testing", "aa")), [""; 0]);
    // The id changed while the policy could not be fetched.
    let mut state = State::default();
    let mut check = Check::new(Mechanism::MtaSts);
    old.iter().for_each(|(name, value)| check.fact(*name, *value));
    let mut look = |check: &Check, at| {
        let changes = state.observe([check], &BTreeSet::new(), at);
        events("a.example", &changes, &state).iter().map(|event| event.kind).collect::<Vec<_>>()
    };
    assert!(look(&check, 1).is_empty() && look(&check, 2).is_empty());
    check.fact("id", "2");
    check.unknown_fact("mode");
    check.unknown_fact("policy");
    assert!(look(&check, 3).is_empty() && look(&check, 4).is_empty());
    policy("2", "testing", "bb").iter().for_each(|(name, value)| check.fact(*name, *value));
    assert!(look(&check, 5).is_empty());
    assert_eq!(look(&check, 6), ["mta_sts.policy_changed"]);
}

#[test]
fn the_rest() {
    let secure = |old, new| between(Mechanism::Dnssec, &[("secure", old)], &[("secure", new)]);
    assert_eq!(secure("no", "yes"), ["dnssec.signed"]);
    assert_eq!(secure("yes", "no"), ["dnssec.unsigned"]);
    assert_eq!(secure("yes", "bogus"), ["dnssec.bogus"]);
    let listed = [("listed:bl.example:192.0.2.1", "127.0.0.2")];
    assert_eq!(between(Mechanism::Dnsbl, &[], &listed), ["dnsbl.listed bl.example:192.0.2.1"]);
    assert_eq!(between(Mechanism::Dnsbl, &listed, &[]), ["dnsbl.delisted bl.example:192.0.2.1"]);
    assert_eq!(between(Mechanism::Ns, &[("servers", "a")], &[("servers", "b")]), ["ns.changed"]);
    assert!(between(Mechanism::Reverse, &[], &[("name:192.0.2.1", "a.example")]).is_empty());
}

#[test]
fn the_same_change_is_the_same_event() {
    let change = |since: u64, new: &str| Change {
        mechanism: Mechanism::Mx,
        name: "hosts".to_owned(),
        old: super::super::state::Fact { value: Some("10 a.example".to_owned()), since: 1 },
        new: super::super::state::Fact { value: Some(new.to_owned()), since },
    };
    let event = |since, new: &str| events("a.example", &[change(since, new)], &State::default()).remove(0);
    let first = event(5, "10 b.example");
    assert_eq!(first.id, event(9, "10 b.example").id, "noticed again after a restart");
    assert_ne!(first.id, event(5, "10 c.example").id);
    assert_eq!(
        first.text,
        "a.example: mail is received by other hosts; it was \"10 a.example\", now it is \"10 b.example\"."
    );
    assert!(event(5, &"ö".repeat(500)).text.len() < 600);
}
