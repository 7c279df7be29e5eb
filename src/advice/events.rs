//! What a run finds changed, as events. The same change has the same id however often it is noticed: what it was and since
//! when is part of it, and that stays as it is until the new state is stored.

use super::{
    Advised, Recollection, State, Step,
    unusual::{Kind as UnusualKind, Unusual},
};
use crate::health::events::{
    DOMAIN_READY, Event, SCORE_FELL, SENDER_NEW, SENDER_SPIKE, STAGE_FELL, STAGE_REACHED, STEP_DONE,
    STEP_UNDONE, was_and_is,
};
use ruad_common::time::DAY;

/// What has changed about a domain since `known` was stored. A domain without a stored stage is looked at for the first time:
/// nothing of it is news.
pub fn events(advised: &Advised, known: &Recollection, now: u64) -> Vec<Event> {
    if known.memory.stage.is_none() {
        return Vec::new();
    }
    let told = Told { advised, known, now };
    let mut events: Vec<_> = told.stage().into_iter().chain(told.score()).chain(told.ready()).collect();
    events.extend(advised.plan.steps.iter().filter_map(|step| told.step(step)));
    events.extend(advised.traffic.unusual.iter().filter_map(|unusual| told.unusual(unusual)));
    events
}

struct Told<'a> {
    advised: &'a Advised,
    known: &'a Recollection,
    now: u64,
}

impl Told<'_> {
    fn stage(&self) -> Option<Event> {
        let (old, since) = self.known.memory.stage?;
        let plan = &self.advised.plan;
        let kind = match plan.stage.cmp(&old) {
            std::cmp::Ordering::Equal => return None,
            std::cmp::Ordering::Greater => STAGE_REACHED,
            std::cmp::Ordering::Less => STAGE_FELL,
        };
        let values = [Some(old.name()), Some(plan.stage.name())];
        let identity = [self.domain(), kind.name, old.name(), &since.to_string(), plan.stage.name()];
        Some(kind.tell(self.domain(), "", values, plan.stage_since, &was_and_is(values), &identity))
    }

    fn score(&self) -> Option<Event> {
        let old = self.known.memory.score?;
        let score = self.advised.plan.score?;
        let new = (score.value() * 10.0).round() as u16;
        let is_news = new < old && (old == PERFECT || old - new >= WORTH_TELLING);
        let written = self.known.stage.as_ref().filter(|_| is_news)?.row.computed_at.to_string();
        let [old, new] = [format!("{}.{}", old / 10, old % 10), score.to_string()];
        let values = [Some(old.as_str()), Some(new.as_str())];
        let identity = [self.domain(), SCORE_FELL.name, &old, &new, &written];
        Some(SCORE_FELL.tell(self.domain(), "", values, self.now, &was_and_is(values), &identity))
    }

    fn ready(&self) -> Option<Event> {
        let plan = &self.advised.plan;
        let readiness = plan.readiness.as_ref().filter(|readiness| readiness.is_ready())?;
        let target = readiness.target.name();
        let known = self.known.stage.as_ref()?;
        if known.ready_for == target {
            return None;
        }
        let policy = self.advised.posture.policies.map(|policies| policies.domain.name());
        let identity = [self.domain(), DOMAIN_READY.name, target, &plan.stage_since.to_string()];
        let more = format!("everything that p={target} rests on is there");
        Some(DOMAIN_READY.tell(self.domain(), "", [policy, Some(target)], self.now, &more, &identity))
    }

    fn step(&self, step: &Step) -> Option<Event> {
        let steps = &self.known.memory.steps;
        let known = steps.iter().find(|known| known.code == step.code && known.subject == step.subject)?;
        let (kind, at) = match (known.state, step.state) {
            (State::Open | State::Regressed | State::Blocked, State::Done) => {
                (STEP_DONE, step.done_at.unwrap_or(self.now))
            }
            (State::Done, State::Open | State::Regressed) => (STEP_UNDONE, self.now),
            _ => return None,
        };
        let subject = format!("{} {}", step.code.as_str(), step.subject);
        let [opened, done] =
            [Some(known.opened_at), known.done_at].map(|at| at.unwrap_or_default().to_string());
        let identity = [self.domain(), kind.name, step.code.as_str(), &step.subject, &opened, &done];
        let title = step.text(ruad_common::texts::Language::En).title;
        let values = [Some(known.state.name()), Some(step.state.name())];
        Some(kind.tell(self.domain(), subject.trim_end(), values, at, &title, &identity))
    }

    fn unusual(&self, unusual: &Unusual) -> Option<Event> {
        let Unusual { sender, name, day, messages, usual, .. } = unusual;
        // What happened before the first plan is history, as everything was then.
        if *day < self.known.stage.as_ref()?.first_day {
            return None;
        }
        let at = u64::from(*day) * DAY;
        let new = format!("{messages} messages");
        let event = match unusual.kind {
            UnusualKind::New => {
                let more = format!("{name}, {new} so far");
                let identity = [self.domain(), SENDER_NEW.name, sender.as_str()];
                SENDER_NEW.tell(self.domain(), sender.as_str(), [None, Some(&new)], at, &more, &identity)
            }
            UnusualKind::Spike => {
                let old = format!("{usual:.0} messages a day");
                let more = format!("{name}, {new} in a day where {usual:.0} are usual");
                let identity = [self.domain(), SENDER_SPIKE.name, sender.as_str(), &day.to_string()];
                let values = [Some(old.as_str()), Some(new.as_str())];
                SENDER_SPIKE.tell(self.domain(), sender.as_str(), values, at, &more, &identity)
            }
        };
        Some(event)
    }

    fn domain(&self) -> &str {
        &self.advised.plan.domain
    }
}

/// In tenths: what a fall has to be to be told, so that mail that fails now and then does not make one every day. From the
/// full score every fall is told, because a certificate hangs on it.
const WORTH_TELLING: u16 = 3;
const PERFECT: u16 = 50;
#[cfg(test)]
mod tests;
