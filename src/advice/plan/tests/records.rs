use super::*;
use crate::advice::{
    Class, Stage, Wait,
    world::{DOMAIN, OURS, sender},
};
use ruad_common::time::DAY;
use ruad_dns::{Mechanism, dmarc::codes, mta_sts, mx, spf, tls_rpt};

fn faulty(text: &str, code: ruad_dns::Code) -> World {
    World::new().dmarc(text).finding(code.at("_dmarc.a.example", None, "Something is wrong."))
}

#[test]
fn a_domain_without_a_record_gets_one_that_only_asks() {
    let world = World::new().found(codes::MISSING, "_dmarc.a.example");
    assert_eq!(open(&world)[0], "publish_dmarc");
    assert_eq!(
        records(&world, StepCode::PublishDmarc),
        [("_dmarc.a.example".to_owned(), format!("v=DMARC1; p=none; rua=mailto:{OURS}"))]
    );
    let whole = World::new().with(|world| world.wishes.reports_to = vec!["@reports.example".to_owned()]);
    assert_eq!(value(&whole, StepCode::PublishDmarc), "v=DMARC1; p=none; rua=mailto:dmarc@reports.example");
    let unknown = World::new().unknown(Mechanism::Dmarc);
    assert!(!open(&unknown).iter().any(|step| step.contains("dmarc")));
    let dangling = World::new().found(codes::DANGLING_ALIAS, "_dmarc.a.example");
    assert_eq!(removed(&dangling, StepCode::PublishDmarc), ["; delete: _dmarc.a.example. IN CNAME"]);
}

#[test]
fn our_address_is_added_to_those_that_are_there() {
    let world = World::new().dmarc("v=DMARC1; p=quarantine; sp=none; rua=mailto:x@other.example; fo=1");
    assert_eq!(
        value(&world, StepCode::AddReportAddress),
        format!("v=DMARC1; p=quarantine; sp=none; rua=mailto:x@other.example,mailto:{OURS}; fo=1")
    );
    assert!(open(&world).contains(&"add_report_address".to_owned()));
    let nobody_knows = world.with(|world| world.posture.reports_to_us = None);
    assert!(!open(&nobody_knows).contains(&"add_report_address".to_owned()));
}

#[test]
fn the_host_of_our_address_has_to_agree() {
    let world =
        World::at("none").with(|world| world.posture.unauthorized = vec!["reports.example".to_owned()]);
    assert_eq!(
        records(&world, StepCode::AuthorizeReports),
        [("a.example._report._dmarc.reports.example".to_owned(), "v=DMARC1;".to_owned())]
    );
    assert_eq!(open(&world)[0], "authorize_reports reports.example");
}

#[test]
fn a_record_is_repaired_and_completed_at_once() {
    let world = faulty("v=DMARC1; p=none; rau=x; pct=50", codes::UNKNOWN_TAG);
    let expected = format!("v=DMARC1; p=none; rua=mailto:{OURS}");
    for code in [StepCode::RepairDmarc, StepCode::AddReportAddress, StepCode::DropPercentage] {
        assert_eq!(value(&world, code), expected, "{}", code.as_str());
    }
    let strict = faulty(&format!("v=DMARC1; p=reject; x=y; rua=mailto:{OURS}"), codes::UNKNOWN_TAG);
    assert_eq!(
        value(&strict, StepCode::RepairDmarc),
        format!("v=DMARC1; p=reject; rua=mailto:{OURS}"),
        "the policy stays"
    );
    let nonsense = faulty(&format!("v=DMARC1; p=deny; rua=mailto:{OURS}"), codes::BAD_POLICY);
    assert_eq!(value(&nonsense, StepCode::RepairDmarc), format!("v=DMARC1; p=none; rua=mailto:{OURS}"));
    assert!(!open(&nonsense).contains(&"raise_to_quarantine".to_owned()));
}

#[test]
fn raising_waits_until_the_record_is_right() {
    let world = World::at("none")
        .finding(codes::UNKNOWN_TAG.at("_dmarc.a.example", None, "Something is wrong."))
        .with(|world| {
            let text = format!("v=DMARC1; p=none; x=y; rua=mailto:{OURS}");
            world.posture.dmarc = ruad_dns::dmarc::Record::parse(&text).map(|record| (DOMAIN.into(), record));
        });
    assert_eq!(open(&world), ["repair_dmarc"]);
    let plan = world.plan();
    let raise = plan.steps.iter().find(|step| step.code == StepCode::RaiseToQuarantine).unwrap();
    assert!(matches!(raise.waits.as_slice(), [Wait::Step { code: StepCode::RepairDmarc, .. }]));
}

#[test]
fn several_records_become_one() {
    let several = |texts: &str| {
        World::new().finding(codes::SEVERAL_RECORDS.at("_dmarc.a.example", Some(texts), "Two."))
    };
    let world =
        several("v=DMARC1; p=none; rua=mailto:a@x.example\nv=DMARC1; p=reject; rua=mailto:b@x.example");
    assert_eq!(
        value(&world, StepCode::RepairDmarc),
        format!("v=DMARC1; p=none; rua=mailto:a@x.example,mailto:b@x.example,mailto:{OURS}"),
        "nothing is in force"
    );
    assert_eq!(
        removed(&world, StepCode::RepairDmarc),
        ["; delete: _dmarc.a.example. IN TXT \"v=DMARC1; p=reject; rua=mailto:b@x.example\""]
    );
    let agreed = several("v=DMARC1; p=reject\nv=DMARC1; p=reject; adkim=s");
    assert_eq!(value(&agreed, StepCode::RepairDmarc), format!("v=DMARC1; p=reject; rua=mailto:{OURS}"));
    assert!(!open(&agreed).contains(&"publish_dmarc".to_owned()));
}

#[test]
fn a_record_at_the_wrong_name_moves() {
    let text = "v=DMARC1; p=reject; rua=mailto:x@other.example";
    let world = World::new().finding(codes::WRONG_NAME.at(DOMAIN, Some(text), "It stands elsewhere."));
    assert_eq!(
        records(&world, StepCode::RepairDmarc),
        [(
            "_dmarc.a.example".to_owned(),
            format!("v=DMARC1; p=none; rua=mailto:x@other.example,mailto:{OURS}")
        )],
        "it was never in force, so nobody has seen what it would do"
    );
    assert_eq!(removed(&world, StepCode::RepairDmarc), [format!("; delete: a.example. IN TXT \"{text}\"")]);
}

#[test]
fn mta_sts_is_tried_for_two_weeks() {
    let world = World::at("none").with(|world| {
        world.posture.mta_sts_mode = None;
    });
    let world = world.found(mta_sts::check::MISSING, "_mta-sts.a.example");
    let plan = world.plan();
    let step = plan.open_steps().find(|step| step.code == StepCode::PublishMtaSts).unwrap();
    assert!(matches!(
        &step.instructions[0],
        Instruction::Serve { url, text } if url == "https://mta-sts.a.example/.well-known/mta-sts.txt"
            && text == "version: STSv1\nmode: testing\nmx: mx.a.example\nmax_age: 604800\n"
    ));
    let id = records(&world, StepCode::PublishMtaSts)[0].1.clone();
    assert!(id.starts_with("v=STSv1; id=20261213"), "{id}");
    let later_today = world.clone().remembering(&plan).with(|world| world.now += 60);
    assert_eq!(records(&later_today, StepCode::PublishMtaSts)[0].1, id, "it stays while it is asked for");

    let testing = World::at("none").with(|world| {
        world.posture.mta_sts_mode = Some("testing".to_owned());
        world.posture.mta_sts = Some(id.clone());
    });
    let first = testing.plan();
    assert!(named(&first, |step| step.state == State::Blocked).contains(&"enforce_mta_sts".to_owned()));
    let testing = testing.remembering(&first);
    let early = testing.clone().later(13);
    assert!(!open(&early).contains(&"enforce_mta_sts".to_owned()));
    let due = testing.later(14);
    assert!(open(&due).contains(&"enforce_mta_sts".to_owned()));
    assert_ne!(records(&due, StepCode::EnforceMtaSts)[0].1, id);
    let plan = due.plan();
    let step = plan.open_steps().find(|step| step.code == StepCode::EnforceMtaSts).unwrap();
    let is_replacing =
        |it: &Instruction| matches!(it, Instruction::Publish { replaces: Some(old), .. } if *old == id);
    assert!(step.instructions.iter().any(is_replacing), "two records would count as none");
    let uncovered = due.clone().found(mta_sts::check::MX_NOT_COVERED_TESTING, "x");
    assert!(!open(&uncovered).contains(&"enforce_mta_sts".to_owned()), "mail would be lost");
    let unknown = due.clone().unknown(Mechanism::MtaSts);
    assert!(!open(&unknown).contains(&"enforce_mta_sts".to_owned()));
    let gone = due.found(mta_sts::check::MISSING, "_mta-sts.a.example");
    assert!(!open(&gone).contains(&"enforce_mta_sts".to_owned()), "it is announced again first");
}

#[test]
fn tls_reports_come_here_too() {
    let world = World::at("none").with(|world| {
        world.posture.tls_rpt = None;
        world.posture.has_tls_rpt = false;
    });
    let missing = world.clone().found(tls_rpt::MISSING, "x");
    assert_eq!(
        records(&missing, StepCode::PublishTlsRpt),
        [("_smtp._tls.a.example".to_owned(), format!("v=TLSRPTv1; rua=mailto:{OURS}"))]
    );
    assert!(!open(&world).contains(&"publish_tls_rpt".to_owned()), "nobody said that it is missing");
    let elsewhere = world
        .with(|world| world.posture.tls_rpt = Some("v=TLSRPTv1;rua=mailto:x@other.example".to_owned()))
        .found(tls_rpt::NOT_TO_US, "x");
    assert_eq!(
        value(&elsewhere, StepCode::PublishTlsRpt),
        format!("v=TLSRPTv1; rua=mailto:x@other.example,mailto:{OURS}")
    );
}

#[test]
fn what_else_costs_points_is_said_in_its_own_words() {
    let world = World::at("none").found(mx::check::ADDRESS, DOMAIN).found(mx::check::VERIFICATION, DOMAIN);
    assert_eq!(open(&world), ["raise_to_quarantine", "repair mx.address"], "what costs nothing is no step");
    let plan = world.plan();
    let step = plan.open_steps().find(|step| step.code == StepCode::Repair).unwrap();
    assert_eq!(step.values["problem"], mx::check::ADDRESS.text().unwrap().title);
    let unknown = world.unknown(Mechanism::Mx);
    assert_eq!(open(&unknown), ["raise_to_quarantine"]);
}

#[test]
fn a_parked_domain_says_so() {
    let world = World::new().parked().with(|world| world.posture.mail_hosts = vec![DOMAIN.to_owned()]);
    let world = world.found(mx::check::IMPLICIT, DOMAIN).found(spf::MISSING, DOMAIN);
    assert_eq!(open(&world), ["park_dmarc", "park_spf", "park_mx", "park_dkim"]);
    for (code, name, expected) in [
        (StepCode::ParkDmarc, "_dmarc.a.example", format!("v=DMARC1; p=reject; rua=mailto:{OURS}")),
        (StepCode::ParkSpf, "a.example", "v=spf1 -all".to_owned()),
        (StepCode::ParkMx, "a.example", "0 .".to_owned()),
        (StepCode::ParkDkim, "*._domainkey.a.example", "v=DKIM1; p=".to_owned()),
    ] {
        assert_eq!(records(&world, code), [(name.to_owned(), expected)]);
    }
    let receiving = World::new().parked();
    assert!(!open(&receiving).contains(&"park_mx".to_owned()), "it may receive and not send");
    let existing = World::new().parked().dmarc("v=DMARC1; p=none; sp=none; t=y; pct=10; adkim=s");
    assert_eq!(
        value(&existing, StepCode::ParkDmarc),
        format!("v=DMARC1; p=reject; sp=reject; adkim=s; rua=mailto:{OURS}")
    );
    let done =
        World::new().parked().spf("v=spf1 -all").dmarc(&format!("v=DMARC1; p=reject; rua=mailto:{OURS}"));
    let done = done.with(|world| {
        world.posture.has_revoked_wildcard = true;
        world.memory.stage = Some((Stage::Reject, world.now - 40 * DAY));
    });
    let plan = done.plan();
    assert_eq!(named(&plan, |step| step.is_open()), Vec::<String>::new());
    assert_eq!((plan.stage, plan.is_parked), (Stage::Maintained, true), "without a single report");
}

#[test]
fn a_parked_domain_whose_mail_passes_is_asked_about_first() {
    let world = World::at("none").parked();
    assert_eq!(open(&world), ["decide_source service:google", "park_dkim"]);
    assert!(later(&world).contains(&"park_dmarc".to_owned()));
    let forged = World::new().parked().sender(sender("net:AS64500", Class::Undecided, 100, 0));
    assert!(open(&forged).contains(&"park_dmarc".to_owned()));
}

#[test]
fn a_domain_that_says_that_it_is_parked_is_taken_at_its_word() {
    let closed = World::new().spf("v=spf1 -all").with(|world| world.posture.receives = Some(false));
    assert!(closed.plan().is_parked);
    assert!(!closed.clone().unknown(Mechanism::Mx).plan().is_parked);
    assert!(!closed.clone().with(|world| world.wishes.parked = Some(false)).plan().is_parked);
    let sending = closed.reported(5, "none").sender(sender("service:google", Class::Aligned, 5, 5));
    assert!(!sending.plan().is_parked);
}
