//! What happened, day by day, and how it is told.

use std::fmt;
use std::sync::Arc;

use ruad::{
    advice::{Advised, Class, Plan, Rule, Stage, Step, Traffic},
    health::posture::Posture,
};
use ruad_common::texts::Language;
use ruad_dns::dmarc::Policy;

use super::receivers::{Fate, Fates};
use super::sender::Role;
use crate::day::{Day, Moment};

/// All that happened.
#[derive(Default)]
pub struct Story {
    /// Every look at the domain, in order.
    pub chapters: Vec<Chapter>,
    /// Events of the domain: kind and what it is about.
    pub events: Vec<(String, String)>,
}

/// What there is to tell of one look at the domain.
pub struct Chapter {
    /// The day of the story, from 0.
    pub day: i64,
    /// The same in the calendar.
    pub date: Day,
    /// What was done, in words.
    pub deeds: Vec<String>,
    /// What became of the mail since the look before.
    pub fates: Fates,
    /// The plan that was drawn.
    pub plan: Plan,
    /// What reports told.
    pub traffic: Traffic,
    /// What DNS said.
    pub posture: Arc<Posture>,
    /// Steps that are open and were not at the look before: code, subject and title.
    pub opened: Vec<(&'static str, String, String)>,
    /// Steps that are not open any more: code and subject.
    pub closed: Vec<(&'static str, String)>,
    /// Senders that are held for something else than at the look before: their names, what for, and the rule.
    pub judged: Vec<(String, Class, Rule)>,
    /// What has been noticed: kind and what it is about.
    pub events: Vec<(String, String)>,
    /// Whether there is something to tell.
    pub is_news: bool,
}

impl Story {
    /// Adds a chapter, and tells it. `told` events have been told before.
    pub(super) fn add(&mut self, mut chapter: Chapter, told: usize, tell: &mut dyn FnMut(&Chapter)) {
        let tasks = |chapter: &Chapter| -> Vec<_> {
            chapter.plan.open_steps().map(|step| (step.code.as_str(), step.subject.clone())).collect()
        };
        let (now, before) = (tasks(&chapter), self.chapters.last().map(tasks).unwrap_or_default());
        let open = chapter.plan.open_steps();
        let opened = open.filter(|step| !before.contains(&(step.code.as_str(), step.subject.clone())));
        chapter.opened = opened
            .map(|step| (step.code.as_str(), step.subject.clone(), step.text(Language::En).title))
            .collect();
        chapter.closed = before.into_iter().filter(|task| !now.contains(task)).collect();
        chapter.events = self.events.iter().skip(told).cloned().collect();
        let known = self.chapters.last().map_or(&[][..], |before| &before.traffic.senders);
        let senders = chapter.traffic.senders.iter();
        let changed = senders
            .filter(|sender| !known.iter().any(|known| known.id == sender.id && known.class == sender.class));
        chapter.judged = changed
            // Nobody wants to read of each machine that forges.
            .filter(|sender| sender.class != Class::Threat)
            .filter(|sender| sender.class != Class::Undecided || sender.share > WORTH_TELLING)
            .map(|sender| (sender.name.clone(), sender.class, sender.rule))
            .collect();
        let is_same = self.chapters.last().is_some_and(|before| before.plan.stage == chapter.plan.stage);
        chapter.is_news = !is_same
            || !chapter.deeds.is_empty()
            || !chapter.opened.is_empty()
            || !chapter.closed.is_empty()
            || !chapter.judged.is_empty()
            || !chapter.events.is_empty();
        tell(&chapter);
        self.chapters.push(chapter);
    }

    /// Whether nothing more is to come: all is done, and has been for weeks.
    pub(super) fn is_over(&self, day: i64) -> bool {
        let since = self.chapters.iter().rev().take_while(|chapter| {
            chapter.plan.stage == Stage::Maintained && chapter.plan.open_steps().next().is_none()
        });
        since.last().is_some_and(|chapter| day - chapter.day >= 35)
    }

    /// The stages, each once for every time it was reached.
    pub fn stages(&self) -> Vec<Stage> {
        let mut stages: Vec<_> = self.chapters.iter().map(|chapter| chapter.plan.stage).collect();
        stages.dedup();
        stages
    }

    /// What became of the mail of this role in the whole story.
    pub fn fate(&self, role: Role) -> Fate {
        let fates = self.chapters.iter().flat_map(|chapter| &chapter.fates);
        fates.filter(|((whose, _), _)| *whose == role).fold(Fate::default(), |sum, (_, fate)| sum.and(*fate))
    }

    /// What came of it all, in some lines.
    pub fn moral(&self) -> String {
        let Some(end) = self.end() else { return "Nothing happened.".to_owned() };
        let since = end.plan.perfect_since.map_or_else(
            || "no certificate is possible".to_owned(),
            |at| format!("perfect since {}, so that a certificate is possible", Moment(at as i64).day()),
        );
        let roles = [
            (Role::Own, "own"),
            (Role::Forwarded, "forwarded"),
            (Role::List, "through mailing lists"),
            (Role::Forged, "forged"),
        ];
        let mut lines = vec![format!(
            "After {} days: {}, {:.0} % of the way, {since}.",
            end.day,
            end.plan.stage.name(),
            end.plan.progress * 100.0
        )];
        for (role, words) in roles {
            let Fate { messages, quarantined, rejected, .. } = self.fate(role);
            if messages > 0 {
                lines.push(format!(
                    "  {messages} messages {words}: {quarantined} put into quarantine, {rejected} rejected"
                ));
            }
        }
        lines.join("\n")
    }

    /// The last chapter; none before the first.
    pub fn end(&self) -> Option<&Chapter> {
        self.chapters.last()
    }
}

impl Chapter {
    pub(super) fn new(day: i64, date: Day, deeds: Vec<String>, fates: Fates, advised: Advised) -> Self {
        let Advised { plan, traffic, posture, .. } = advised;
        Self {
            day,
            date,
            deeds,
            fates,
            plan,
            traffic,
            posture,
            opened: Vec::new(),
            closed: Vec::new(),
            judged: Vec::new(),
            events: Vec::new(),
            is_news: false,
        }
    }

    /// The policy in force.
    pub fn policy(&self) -> Option<Policy> {
        self.posture.policies.map(|policies| policies.domain)
    }

    /// The step of that code, when it is among those of the plan.
    pub fn step(&self, code: &str) -> Option<&Step> {
        self.plan.steps.iter().find(|step| step.code.as_str() == code)
    }

    /// What became of the mail of this role since the chapter before.
    pub fn fate(&self, role: Role) -> Fate {
        let fates = self.fates.iter().filter(|((whose, _), _)| *whose == role);
        fates.fold(Fate::default(), |sum, (_, fate)| sum.and(*fate))
    }
}

impl fmt::Display for Chapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { day, date, plan, .. } = self;
        let score = plan.score.map_or_else(|| "-".to_owned(), |score| score.to_string());
        let own = self.fate(Role::Own);
        let share = if own.messages == 0 {
            String::new()
        } else {
            format!("{} sent, {:.0} % pass", own.messages, own.passed as f64 / own.messages as f64 * 100.0)
        };
        let progress = plan.progress * 100.0;
        let policy =
            self.policy().map_or_else(|| "no policy".to_owned(), |policy| format!("p={}", policy.name()));
        let stage = plan.stage.name();
        writeln!(
            f,
            "day {day:>3}  {date}  {policy:<12} {stage:<11} {progress:>3.0} %  score {score}  {share}"
        )?;
        for deed in &self.deeds {
            writeln!(f, "         {deed}")?;
        }
        for (name, class, rule) in &self.judged {
            writeln!(f, "       : {name} is held for {} ({})", class.name(), rule.0)?;
        }
        for (code, subject) in &self.closed {
            writeln!(f, "       ✓ {code} {subject}")?;
        }
        for (code, subject, title) in &self.opened {
            writeln!(f, "       → {title}  [{code} {subject}]")?;
        }
        for (kind, about) in self.events.iter().filter(|(kind, _)| !kind.starts_with("step.done")) {
            writeln!(f, "       ! {kind} {about}")?;
        }
        Ok(())
    }
}

/// What part of all mail an undecided sender has to send to be told of.
const WORTH_TELLING: f64 = 0.01;
