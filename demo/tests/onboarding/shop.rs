//! The story of five senders, as `make demo-onboarding` tells it.

use ruad::advice::Stage;
use ruad_demo::onboarding::Role;
use ruad_dns::dmarc::Policy;

use crate::{bicycles, judge};

#[tokio::test(flavor = "multi_thread")]
async fn five_senders_go_from_nothing_to_reject() {
    let story = bicycles().await;
    let stages = judge::stages(story);
    let names: Vec<_> = stages.iter().map(|(stage, _)| *stage).collect();
    assert_eq!(names, Stage::ALL, "each stage once, in their order");
    judge::nothing_lost(story);

    // RFC 9989 section 7: a month of reports at none, and as long at quarantine.
    let day = |policy| judge::since(story, policy).unwrap();
    let (none, quarantine, reject) = (day(Policy::None), day(Policy::Quarantine), day(Policy::Reject));
    assert!(quarantine - none >= 30 && reject - quarantine >= 30, "{none} {quarantine} {reject}");

    let end = story.end().unwrap();
    assert_eq!(end.policy(), Some(Policy::Reject));
    assert_eq!(end.plan.score.unwrap().to_string(), "5.0");
    assert!((end.plan.progress - 1.0).abs() < 1e-9, "{}", end.plan.progress);
    let open: Vec<_> = end.plan.open_steps().map(|step| step.code.as_str()).collect();
    assert!(open.is_empty(), "{open:?}");
    // A month of perfection, which is what a certificate takes.
    let since = end.plan.perfect_since.unwrap();
    assert!(end.plan.at - since >= 30 * 86_400, "{since}");
    let progress: Vec<_> = story.chapters.iter().map(|chapter| chapter.plan.progress).collect();
    assert!(progress.is_sorted_by(|a, b| *a <= *b + 0.1), "it goes on, give or take: {progress:?}");

    // What came through forwarders got there, and what was forged did not.
    assert_eq!(story.fate(Role::Forwarded).rejected, 0);
    let forged: Vec<_> = story.chapters.iter().filter(|chapter| chapter.day > reject).collect();
    assert!(forged.iter().all(|chapter| {
        let fate = chapter.fate(Role::Forged);
        fate.rejected == fate.messages
    }));
    assert_eq!(judge::events(story, "step.undone"), 0);
    assert_eq!(judge::events(story, "stage.fell"), 0);
}
