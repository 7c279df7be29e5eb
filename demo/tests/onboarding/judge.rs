//! What must be true of every story.

use ruad::advice::{Instruction, RecordType, Stage, Step};
use ruad_demo::onboarding::{Chapter, Role, Story};
use ruad_dns::dmarc::{Policy, Record};

/// No step ever asks for a weaker policy than the one that is in force, or for an SPF record without a term that mail came
/// from, or for the key of a sender that signs to go.
pub(crate) fn never_weaker(story: &Story) {
    for chapter in &story.chapters {
        for step in chapter.plan.open_steps() {
            for instruction in &step.instructions {
                judge(chapter, step, instruction);
            }
        }
    }
}

fn judge(chapter: &Chapter, step: &Step, instruction: &Instruction) {
    let Chapter { day, posture, .. } = chapter;
    let about = format!("day {day}: {} asks for {instruction:?}", step.code.as_str());
    let (name, value) = match instruction {
        Instruction::Publish { name, kind: RecordType::Txt, value, .. } => (name, Some(value)),
        Instruction::Remove { name, kind: RecordType::Txt, .. } => (name, None),
        _ => return,
    };
    let own = format!("_dmarc.{}", posture.domain);
    match value {
        Some(value) if *name == own => {
            let record = Record::parse(value).unwrap_or_else(|| panic!("{about}"));
            let wanted = record.policies().unwrap_or_else(|| panic!("{about}"));
            if let Some(present) = posture.policies {
                assert!(wanted.domain >= present.domain, "{about}");
                assert!(wanted.subdomains >= present.subdomains, "{about}");
                assert!(wanted.nonexistent >= present.nonexistent, "{about}");
            }
            assert!(!record.testing && record.percentage.is_none_or(|share| share == 100), "{about}");
        }
        Some(value) if *name == posture.domain && value.starts_with("v=spf1") && !chapter.plan.is_parked => {
            let newest = chapter.traffic.reported.map_or(0, |(_, newest)| newest);
            for (term, last) in &chapter.traffic.entries {
                let is_used = last.is_some_and(|last| newest.saturating_sub(last) < 90);
                assert!(!is_used || value.contains(term.as_str()), "{about}: {term} is used");
            }
        }
        None if name.ends_with(&format!("._domainkey.{}", posture.domain)) => {
            let selector = name.split('.').next().unwrap_or_default();
            let newest = chapter.traffic.reported.map_or(0, |(_, newest)| newest);
            let used = chapter.traffic.selectors.iter().find(|(known, _)| known == selector);
            assert!(used.is_none_or(|(_, last)| newest.saturating_sub(*last) > 7), "{about}");
        }
        _ => {}
    }
}

/// Not one message of the owner's own senders was put into quarantine or rejected.
pub(crate) fn nothing_lost(story: &Story) {
    for chapter in &story.chapters {
        let own = chapter.fate(Role::Own);
        assert_eq!(own.lost(), 0, "until day {}: {:?}", chapter.day, chapter.fates);
    }
    assert!(story.fate(Role::Own).messages > 0);
}

/// The first day of each stage, in the order of the story.
pub(crate) fn stages(story: &Story) -> Vec<(Stage, i64)> {
    let mut stages: Vec<(Stage, i64)> = Vec::new();
    for chapter in &story.chapters {
        if stages.last().is_none_or(|(stage, _)| *stage != chapter.plan.stage) {
            stages.push((chapter.plan.stage, chapter.day));
        }
    }
    stages
}

/// The first day on which this policy was in force.
pub(crate) fn since(story: &Story, policy: Policy) -> Option<i64> {
    story.chapters.iter().find(|chapter| chapter.policy() == Some(policy)).map(|chapter| chapter.day)
}

/// Whether there was an event of this kind, and how often.
pub(crate) fn events(story: &Story, kind: &str) -> usize {
    story.events.iter().filter(|(known, _)| known == kind).count()
}
