use proptest::prelude::*;

use super::*;
use ruad_dns::Trouble;

fn check(mechanism: Mechanism, facts: &[(&str, Option<&str>)]) -> Check {
    let mut check = Check::new(mechanism);
    for (name, value) in facts {
        check.facts.insert((*name).to_owned(), value.map(str::to_owned));
    }
    check
}

fn policy(value: Option<&str>) -> Check {
    let facts = value.map(|value| ("policy", Some(value)));
    check(Mechanism::Dmarc, facts.as_slice())
}

fn unanswered(name: &str, mut check: Check) -> Check {
    check.unanswered(name, Trouble::Timeout);
    check
}

/// What changed, as `name old new since`.
fn run(state: &mut State, checks: &[Check], asked: &[&str]) -> Vec<String> {
    let asked = asked.iter().map(|name| (*name).to_owned()).collect();
    let mut said = Vec::new();
    for (at, check) in (1..).zip(checks) {
        for change in state.observe([check], &asked, at) {
            let value = |fact: &Fact| fact.value.clone().unwrap_or("-".to_owned());
            said.push(format!(
                "{} {} {} {}",
                change.name,
                value(&change.old),
                value(&change.new),
                change.new.since
            ));
        }
    }
    said
}

#[test]
fn two_answers_in_a_row_make_a_change() {
    let [none, reject, gone] = [policy(Some("none")), policy(Some("reject")), policy(None)];
    let mut state = State::default();
    let checks = [&none, &none, &reject, &reject, &reject, &gone, &gone, &gone].map(Clone::clone);
    assert_eq!(run(&mut state, &checks, &[]), ["policy none reject 3", "policy reject - 6"]);
    assert!(!state.is_pending());
    assert_eq!(state.value(Mechanism::Dmarc, "policy"), None);
}

/// What was found, and that there is nothing, may be given again for so many seconds.
fn kept(mut check: Check, present: u64, absent: u64) -> Check {
    check.copies = Copies { present: Duration::from_secs(present), absent: Duration::from_secs(absent) };
    check
}

#[test]
fn copies_of_one_answer_are_one_witness() {
    let none = BTreeSet::new();
    let mut state = State::default();
    for (at, seen, changed, at_next) in [
        // The first state is believed after an hour at most.
        (1_000, Some("reject"), 0, Some(4_600)),
        (4_599, Some("reject"), 0, Some(4_600)),
        (4_600, Some("reject"), 0, None),
        // A change waits until no resolver can give what it was found by, or not found by, again.
        (5_000, None, 0, Some(12_200)),
        (8_600, None, 0, Some(12_200)),
        (12_199, None, 0, Some(12_200)),
        (12_200, None, 1, None),
        // Another value begins anew, and what was known puts an end to it.
        (13_000, Some("none"), 0, Some(20_200)),
        (20_300, Some("reject"), 0, Some(27_500)),
        (20_400, None, 0, None),
    ] {
        let check = kept(policy(seen), 7_200, 600);
        assert_eq!(state.observe([&check], &none, at).len(), changed, "{at}");
        assert_eq!(state.confirmable_at(), at_next, "{at}");
    }
}

#[test]
fn that_there_is_nothing_is_settled_by_two_answers() {
    let none = BTreeSet::new();
    let mut state = State::default();
    for (at, is_settled) in [(1, false), (300, false), (600, false), (601, true)] {
        state.observe([&kept(policy(None), 0, 600)], &none, at);
        assert_eq!(state.is_settled(Mechanism::Dmarc), is_settled, "{at}");
    }
}

#[test]
fn a_lie_or_a_flip_is_none() {
    let [a, b, c] = ["none", "reject", "quarantine"].map(|value| policy(Some(value)));
    let mut state = State::default();
    let checks = [&a, &a, &b, &a, &b, &c, &b, &c, &a, &b, &a].map(Clone::clone);
    assert!(run(&mut state, &checks, &[]).is_empty());
    assert_eq!(state.value(Mechanism::Dmarc, "policy"), Some("none"));
}

#[test]
fn a_lie_at_first_is_no_state() {
    let [lie, truth] = [policy(None), policy(Some("none"))];
    for checks in [[&lie, &truth, &truth, &truth], [&truth, &lie, &truth, &truth]] {
        let checks = checks.map(Clone::clone);
        assert!(run(&mut State::default(), &checks, &[]).is_empty());
    }
    let published = [&lie, &lie, &truth, &truth].map(Clone::clone);
    assert_eq!(run(&mut State::default(), &published, &[]), ["policy - none 3"]);
}

#[test]
fn what_is_not_known_changes_nothing() {
    let told = policy(Some("none"));
    let untold = unanswered("_dmarc.a.example", policy(None));
    let explicit = check(Mechanism::Dmarc, &[("policy", None)]);
    let other = policy(Some("reject"));
    let mut state = State::default();
    let checks = [&told, &told, &untold, &untold, &explicit, &explicit, &other, &untold, &other];
    assert_eq!(run(&mut state, &checks.map(Clone::clone), &[]), ["policy none reject 7"]);
}

#[test]
fn one_silent_selector_does_not_hide_the_others() {
    let both = check(Mechanism::Dkim, &[("key:s1", Some("aa")), ("key:s2", Some("bb"))]);
    let one = check(Mechanism::Dkim, &[("key:s1", Some("aa"))]);
    let silent = unanswered("s2._domainkey.a.example", one.clone());
    let other = unanswered("s3._domainkey.a.example", one.clone());
    let alias = unanswered("keys.host.example", one);
    let mut state = State::default();
    let checks = [&both, &both, &silent, &silent, &alias, &alias].map(Clone::clone);
    assert!(run(&mut state, &checks, &[]).is_empty());
    assert_eq!(run(&mut state, &[other.clone(), other], &[]), ["key:s2 bb - 1"]);
}

#[test]
fn one_silent_list_does_not_hide_the_others() {
    let fact = "listed:bl.example:192.0.2.1";
    let listed = check(Mechanism::Dnsbl, &[(fact, Some("127.0.0.2"))]);
    let clean = check(Mechanism::Dnsbl, &[]);
    let silent = unanswered("1.2.0.192.bl.example", clean.clone());
    let other = unanswered("1.2.0.192.other.example", clean);
    let mut state = State::default();
    assert!(run(&mut state, &[listed.clone(), listed, silent.clone(), silent], &[]).is_empty());
    assert_eq!(run(&mut state, &[other.clone(), other], &[]).len(), 1);
}

#[test]
fn a_selector_that_is_only_learned_of_was_not_published_now() {
    let none = check(Mechanism::Dkim, &[]);
    let key = check(Mechanism::Dkim, &[("key:s1", Some("aa"))]);
    let mut state = State::default();
    assert!(run(&mut state, &[none.clone(), none.clone()], &[]).is_empty());
    assert!(run(&mut state, &[key.clone(), key.clone()], &["key:s1"]).is_empty());
    // One that was asked for in vain before was.
    let mut state = State::default();
    let checks = [&none, &none, &key, &key].map(Clone::clone);
    assert_eq!(run(&mut state, &checks, &["key:s1"]), ["key:s1 - aa 3"]);
    // So was one of those that are always asked for.
    assert_eq!(run(&mut State::default(), &checks, &[]), ["key:s1 - aa 3"]);
}

#[test]
fn numbers_that_move_need_no_second_look() {
    let lookups = |count| check(Mechanism::Spf, &[("record", Some("v=spf1 -all")), ("lookups", Some(count))]);
    let mut state = State::default();
    assert!(run(&mut state, &[lookups("1"), lookups("1"), lookups("2")], &[]).is_empty());
    assert!(!state.is_pending());
    assert_eq!(state.value(Mechanism::Spf, "lookups"), Some("2"));
}

#[test]
fn a_restart_goes_on_where_the_last_run_ended() {
    let [none, reject] = [policy(Some("none")), policy(Some("reject"))];
    let mut before = State::default();
    run(&mut before, &[none.clone(), none], &[]);
    let stored: BTreeMap<_, _> =
        before.certain(Mechanism::Dmarc).map(|(name, fact)| (name.to_owned(), fact.clone())).collect();
    let mut after = State::default();
    // The store is read only after a first look.
    assert!(run(&mut after, std::slice::from_ref(&reject), &[]).is_empty());
    after.restore(Mechanism::Dmarc, before.is_settled(Mechanism::Dmarc), stored);
    assert!(after.is_pending());
    assert_eq!(run(&mut after, &[reject], &[]), ["policy none reject 1"]);
}

proptest! {
    /// Whatever is seen: a change needs two equal answers in a row with nothing known between, and says what was there.
    #[test]
    fn every_change_has_two_witnesses(seen in proptest::collection::vec(0_u8..5, 0..60)) {
        let mut state = State::default();
        let mut last = Vec::new();
        let mut current: Option<Option<String>> = None;
        for (at, seen) in (1..).zip(seen) {
            let value = ["none", "quarantine", "reject"].get(usize::from(seen)).map(|value| (*value).to_owned());
            let look = match seen {
                4 => unanswered("_dmarc.a.example", policy(None)),
                _ => policy(value.as_deref()),
            };
            if seen != 4 {
                last.push(value);
            }
            for change in state.observe([&look], &BTreeSet::new(), at) {
                prop_assert_ne!(&change.old.value, &change.new.value);
                prop_assert!(last.len() >= 4, "the first state and the change have two witnesses each");
                prop_assert!(last.ends_with(&[change.new.value.clone(), change.new.value.clone()]));
                if let Some(current) = &current {
                    prop_assert_eq!(current, &change.old.value);
                }
                current = Some(change.new.value);
            }
        }
    }
}
