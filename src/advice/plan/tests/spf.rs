use super::*;
use crate::advice::{
    Class, Setup,
    world::{DOMAIN, TODAY, sender},
};
use ruad_dns::{Mechanism, spf};

#[test]
fn spf_names_those_who_send() {
    let with_spf = |id: &str, names: &[&str]| {
        let mut sender = sender(id, Class::NeedsWork, 100, 100);
        sender.setup =
            Setup { spf: names.iter().map(|name| (*name).to_owned()).collect(), ..Setup::default() };
        sender
    };
    let empty = World::new().found(spf::MISSING, DOMAIN);
    assert!(later(&empty).contains(&"publish_spf".to_owned()), "nobody knows who sends");
    let world = empty
        .clone()
        .reported(10, "none")
        .sender(with_spf("service:google", &["_spf.google.example"]))
        .sender(with_spf("service:mail", &["spf.mail.example", "spf2.mail.example"]))
        .sender(sender("net:AS64500", Class::Threat, 9_000, 0));
    assert_eq!(
        value(&world, StepCode::PublishSpf),
        "v=spf1 include:_spf.google.example include:spf.mail.example ~all"
    );
    let own = world.clone().sender(with_spf("net:AS64501", &[]));
    let plan = own.plan();
    let step = plan.steps.iter().find(|step| step.code == StepCode::PublishSpf).unwrap();
    assert_eq!(step.values["unknown"], "AS64501");
    let only_unknown = empty.clone().reported(10, "none").sender(with_spf("net:AS64501", &[]));
    assert_eq!(records(&only_unknown, StepCode::PublishSpf), []);
    let silent = world.unknown(Mechanism::Spf);
    assert!(!open(&silent).iter().any(|step| step.contains("spf")));
}

#[test]
fn spf_faults_are_put_right() {
    let fix = |text: &str, faults: &[(ruad_dns::Code, &str)]| {
        let world = faults.iter().fold(World::new().spf(text), |world, (code, part)| {
            let finding = code.at(DOMAIN, Some(text), "Something is wrong.");
            let at = text.find(part).filter(|_| !part.is_empty());
            world.finding(match at {
                Some(at) => finding.with_position(at..at + part.len()),
                None => finding,
            })
        });
        value(&world, StepCode::RepairSpf)
    };
    for (text, faults, right) in [
        ("v=spf1 mx +all", vec![(spf::PASS_ALL, "+all")], "v=spf1 mx ~all"),
        ("v=spf1 mx all", vec![(spf::BARE_ALL, "all")], "v=spf1 mx ~all"),
        ("v=spf1 ip4:0.0.0.0/0 mx -all", vec![(spf::PASS_ALL, "ip4:0.0.0.0/0")], "v=spf1 mx -all"),
        ("v=spf1 mx ?all", vec![(spf::NEUTRAL_ALL, "?all")], "v=spf1 mx ~all"),
        ("v=spf1 mx", vec![(spf::NO_ALL, "")], "v=spf1 mx ~all"),
        ("v=spf1 mx ptr -all", vec![(spf::PTR, "ptr")], "v=spf1 mx -all"),
        ("v=spf1 ipv4:192.0.2.1 -all", vec![(spf::SYNTAX, "ipv4")], "v=spf1 ip4:192.0.2.1 -all"),
        ("v=spf1 ip4:192.0.2.1-all", vec![(spf::RUN_TOGETHER, "-all")], "v=spf1 ip4:192.0.2.1 -all"),
        (
            "v=spf1 include=a.example -all",
            vec![(spf::MECHANISM_AS_MODIFIER, "include=a.example")],
            "v=spf1 include:a.example -all",
        ),
        (
            "v=spf1 include:gone.example mx -all",
            vec![(spf::INCLUDE_WITHOUT_RECORD, "include:gone.example")],
            "v=spf1 mx -all",
        ),
        ("v=spf1 mx -all a", vec![(spf::TERMS_AFTER_ALL, "a")], "v=spf1 mx a -all"),
        ("v=spf1 mx a mx -all", vec![(spf::DUPLICATE_TERM, "mx -")], "v=spf1 mx a -all"),
        (
            "v=spf1 mx redirect=x.example -all",
            vec![(spf::REDIRECT_IGNORED, "redirect=x.example")],
            "v=spf1 mx -all",
        ),
        (
            "v=spf1 ptr ip4:192.0.2.1-all",
            vec![(spf::PTR, "ptr"), (spf::RUN_TOGETHER, "-all")],
            "v=spf1 ip4:192.0.2.1 -all",
        ),
    ] {
        assert_eq!(fix(text, &faults), right, "{text}");
    }
    let hopeless = World::new()
        .spf("v=spf1 nonsense:x -all")
        .finding(spf::SYNTAX.at(DOMAIN, None, "`nonsense:x` is no mechanism.").with_position(7..17));
    assert_eq!(records(&hopeless, StepCode::RepairSpf), [], "what cannot be guessed is not guessed");
    let foreign = World::new().spf("v=spf1 include:x.example -all").found(spf::PASS_ALL, "x.example");
    assert!(open(&foreign).contains(&"repair spf.pass_all".to_owned()), "{:?}", open(&foreign));
}

#[test]
fn several_spf_records_become_one() {
    let all = "v=spf1 mx -all\nv=spf1 include:a.example ~all";
    let world = World::new().finding(spf::SEVERAL_RECORDS.at(DOMAIN, Some(all), "Two."));
    assert_eq!(value(&world, StepCode::RepairSpf), "v=spf1 mx include:a.example ~all");
    assert_eq!(
        removed(&world, StepCode::RepairSpf),
        ["; delete: a.example. IN TXT \"v=spf1 include:a.example ~all\""]
    );
    assert!(!open(&world).contains(&"publish_spf".to_owned()));
}

fn with_entries(last: Option<u32>) -> World {
    World::at("none")
        .reported(100, "none")
        .spf("v=spf1 include:_spf.google.example include:old.example ip4:192.0.2.9 ~all")
        .entry_seen("include:old.example", Some("old.example"), last)
        .entry("ip4:192.0.2.9", None)
}

#[test]
fn what_nobody_sends_from_goes_out_of_spf() {
    let world = with_entries(None);
    assert_eq!(
        value(&world, StepCode::RemoveSpfEntry),
        "v=spf1 include:_spf.google.example ip4:192.0.2.9 ~all"
    );
    let plan = world.plan();
    let step = plan.open_steps().find(|step| step.code == StepCode::RemoveSpfEntry).unwrap();
    assert_eq!((step.subject.as_str(), step.values["days"].as_str()), ("include:old.example", "99"));
    let is_kept = |world: &World| !open(world).iter().any(|step| step.starts_with("remove_spf_entry"));
    assert!(!is_kept(&with_entries(Some(TODAY - 92))));
    assert!(is_kept(&with_entries(Some(TODAY - 80))), "it was used");
    let short = with_entries(None).with(|world| world.traffic.reported = Some((TODAY - 80, TODAY - 1)));
    assert!(is_kept(&short), "reports do not reach back that far");
    let stale = with_entries(None).with(|world| world.traffic.reported = Some((TODAY - 150, TODAY - 40)));
    assert!(is_kept(&stale), "nobody reports any more");
    let unclear = with_entries(None).with(|world| world.posture.entries[1].is_complete = false);
    assert!(is_kept(&unclear), "what it allows is not known");
    let silent = with_entries(None).with(|world| world.traffic.senders.clear());
    assert!(is_kept(&silent), "no mail of one's own was seen at all");
    let approved = with_entries(None).with(|world| {
        world.traffic.senders[0].setup.spf = vec!["old.example".to_owned()];
    });
    assert!(is_kept(&approved), "the sender is one of the owner's");
    let unasked = with_entries(None)
        .with(|world| world.traffic.entries.retain(|(term, _)| term != "include:old.example"));
    assert!(is_kept(&unasked), "nobody looked");
}

#[test]
fn changes_of_spf_are_one_record() {
    let world = with_entries(None).with(|world| {
        world.traffic.senders[0].counts.spf_aligned = 10;
        world.traffic.senders[0].setup.spf = vec!["spf.new.example".to_owned()];
    });
    let expected = "v=spf1 include:_spf.google.example ip4:192.0.2.9 include:spf.new.example ~all";
    assert_eq!(value(&world, StepCode::AddSpfSender), expected);
    assert_eq!(value(&world, StepCode::RemoveSpfEntry), expected);
    let broken = world.finding(spf::NO_ALL.at(DOMAIN, None, "x"));
    assert!(open(&broken).contains(&"repair_spf".to_owned()));
    assert!(!open(&broken).contains(&"add_spf_sender service:google".to_owned()), "first things first");
}

#[test]
fn too_many_lookups_are_shed_where_nobody_sends() {
    let text = "v=spf1 include:_spf.google.example include:old.example ip4:192.0.2.9 ~all";
    let world = with_entries(None).spf(text).with(|world| {
        world.posture.entries[0].lookups = 8;
        world.posture.entries[1].lookups = 5;
    });
    let world = world.finding(spf::TOO_MANY_LOOKUPS.at(DOMAIN, Some(text), "13 lookups."));
    assert_eq!(value(&world, StepCode::RepairSpf), "v=spf1 include:_spf.google.example ip4:192.0.2.9 ~all");
    let plan = world.plan();
    let step = plan.open_steps().find(|step| step.code == StepCode::RepairSpf).unwrap();
    assert_eq!(step.values["costs"], "include:_spf.google.example (8), include:old.example (5)");
}
