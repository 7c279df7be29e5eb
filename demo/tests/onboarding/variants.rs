//! The same shop when things go otherwise.

use ruad::advice::Stage;
use ruad_common::texts::Language;
use ruad_demo::onboarding::{Habits, Happening, Role, Scenario, Story};
use ruad_dns::dmarc::Policy;
use ruad_registry::Goal;

use crate::{bicycles, judge, play};

const DOMAIN: &str = "tulip-bikes.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_never_fixed_holds_the_policy() {
    let story = play(Scenario::stubborn()).await;
    assert_eq!(judge::since(&story, Policy::Quarantine), None);
    judge::nothing_lost(&story);
    let end = story.end().unwrap();
    assert_eq!(end.plan.stage, Stage::Aligning);
    assert!(
        end.plan
            .open_steps()
            .any(|step| step.code.as_str() == "enable_dkim" && step.subject.contains("moneybird"))
    );
    let readiness = end.plan.readiness.as_ref().unwrap();
    let unmet: Vec<_> = readiness.gates.iter().filter(|gate| !gate.is_met).collect();
    assert!(unmet.iter().any(|gate| gate.name == "sender" && gate.subject == "Moneybird"), "{unmet:?}");
    let raise = end.step("raise_to_quarantine").unwrap();
    let said = raise.missing(Language::En).join(" ");
    assert!(!raise.is_open() && said.contains("Moneybird"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_given_up_holds_nothing() {
    let story = play(Scenario::settled()).await;
    let quarantine = judge::since(&story, Policy::Quarantine).unwrap();
    assert!(quarantine > 150, "not before the owner has said so: {quarantine}");
    assert_eq!(story.end().unwrap().policy(), Some(Policy::Reject));
    // What it goes on sending is not mail of the owner's any more.
    let lost: Vec<_> = story
        .chapters
        .iter()
        .flat_map(|chapter| &chapter.fates)
        .filter(|((role, name), fate)| *role == Role::Own && *name != "Moneybird" && fate.lost() > 0)
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_of_forgeries_holds_nothing() {
    let calm = bicycles().await;
    let story = play(Scenario::campaign()).await;
    judge::nothing_lost(&story);
    for policy in [Policy::Quarantine, Policy::Reject] {
        let (calm, attacked) = (judge::since(calm, policy).unwrap(), judge::since(&story, policy).unwrap());
        assert!(attacked <= calm + 7, "{policy:?}: {calm} {attacked}");
    }
    assert_eq!(story.end().unwrap().plan.stage, Stage::Maintained);
    // Of an issue of the newsletter that is larger than those before it may be told as well.
    let strange = |story: &Story| {
        let is_told = |(kind, about): &&(String, String)| kind == "sender.spike" && about.starts_with("net:");
        story.events.iter().filter(is_told).count()
    };
    assert!(strange(&story) > 0, "{:?}", story.events);
    assert_eq!(strange(calm), 0, "{:?}", calm.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarded_mail_waits_for_signatures() {
    let story = play(Scenario::forwarded(Goal::Reject)).await;
    judge::nothing_lost(&story);
    let reject = judge::since(&story, Policy::Reject).unwrap();
    let before: Vec<_> = story.chapters.iter().filter(|chapter| chapter.day <= reject).collect();
    // What forwarders send on passes by its signature alone, so it was there first.
    let last = before.last().unwrap().fate(Role::Forwarded);
    assert!(last.messages > 0 && last.passed == last.messages, "{last:?}");
    let raise = before.iter().rev().find_map(|chapter| chapter.step("raise_to_reject"));
    let text = raise.unwrap().text(Language::En);
    assert!(format!("{} {}", text.why, text.how).to_lowercase().contains("mailing list"), "{text:?}");
    assert_eq!(story.fate(Role::Forwarded).rejected, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_content_with_quarantine_is_done_there() {
    let story = play(Scenario::forwarded(Goal::Quarantine)).await;
    judge::nothing_lost(&story);
    let end = story.end().unwrap();
    assert_eq!((end.plan.stage, end.policy()), (Stage::Maintained, Some(Policy::Quarantine)));
    assert_eq!(judge::since(&story, Policy::Reject), None);
    assert!(end.plan.open_steps().next().is_none());
    assert!((end.plan.progress - 1.0).abs() < 1e-9);
    assert_eq!(end.plan.perfect_since, None, "a certificate takes p=reject");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_without_reports_only_costs_time() {
    let scenario = Scenario::silence();
    let silence = scenario.silence.clone();
    let story = play(scenario).await;
    judge::nothing_lost(&story);
    assert_eq!(judge::events(&story, "stage.fell"), 0);
    assert_eq!(judge::events(&story, "dmarc.policy_loosened"), 0);
    let mut policies: Vec<_> = story.chapters.iter().map(|chapter| chapter.policy()).collect();
    policies.dedup();
    assert_eq!(policies, [None, Some(Policy::None), Some(Policy::Quarantine), Some(Policy::Reject)]);
    // Nobody goes on without knowing: nothing is raised until reports are back.
    let raised: Vec<_> =
        [Policy::Quarantine, Policy::Reject].map(|policy| judge::since(&story, policy).unwrap()).into();
    let quiet = silence.start + 10..silence.end;
    assert!(raised.iter().all(|day| !quiet.contains(day)), "{raised:?}");
    let within =
        story.chapters.iter().filter(|chapter| (silence.start + 14..silence.end).contains(&chapter.day));
    let said: Vec<_> = within.filter_map(|chapter| chapter.plan.readiness.as_ref()).collect();
    assert!(!said.is_empty() && said.iter().all(|readiness| !readiness.is_ready()));
    assert_eq!(story.end().unwrap().plan.stage, Stage::Maintained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_domain_refuses_everything_at_once() {
    let story = play(Scenario::parked()).await;
    let end = story.end().unwrap();
    assert!(end.plan.is_parked);
    assert_eq!((end.plan.stage, end.policy()), (Stage::Maintained, Some(Policy::Reject)));
    assert_eq!(end.plan.score.unwrap().to_string(), "5.0");
    assert!(judge::since(&story, Policy::Reject).unwrap() <= 7, "nobody has to wait for reports");
    assert_eq!(judge::since(&story, Policy::Quarantine), None);
    assert_eq!(end.posture.spf.as_deref(), Some("v=spf1 -all"));
    assert!(end.posture.has_null_mx);
    let asked: Vec<_> =
        story.chapters.iter().flat_map(|chapter| &chapter.opened).map(|(code, ..)| *code).collect();
    assert!(!asked.contains(&"enable_dkim") && !asked.contains(&"publish_spf"), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_does_it_wrong_is_told() {
    let slips = vec![
        ("publish_dmarc", "v=DMARC1; p=none; rua", "v=DMARC1; p=none rua"),
        ("publish_spf", "include:", "include="),
    ];
    let habits = Habits { slips, ..Habits::default() };
    let scenario = Scenario { title: "an owner who slips", habits, days: 365, ..Scenario::bicycles() }
        .when(150, Happening::Delete(DOMAIN, "TXT", "v=spf1"));
    let story = play(scenario).await;
    let opened: Vec<_> =
        story.chapters.iter().flat_map(|chapter| &chapter.opened).map(|(code, ..)| *code).collect();
    assert!(opened.contains(&"repair_dmarc"), "{opened:?}");
    assert!(opened.contains(&"repair_spf"), "{opened:?}");
    // The record is gone: the step that was done is to be done again, and somebody is told.
    assert!(judge::events(&story, "step.undone") > 0, "{:?}", story.events);
    let again =
        story.chapters.iter().find(|chapter| chapter.day >= 150 && chapter.posture.spf.is_none()).unwrap();
    assert!(again.plan.open_steps().any(|step| step.code.as_str() == "publish_spf"), "{:?}", again.opened);
    let end = story.end().unwrap();
    assert!(end.posture.spf.is_some());
    assert_eq!((end.plan.stage, end.policy()), (Stage::Maintained, Some(Policy::Reject)));
}
