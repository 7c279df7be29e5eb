//! The customer: reads the steps, and after some days does exactly what they say.

use std::collections::BTreeMap;

use ruad::advice::{Instruction, Plan, Step, StepCode, Who};

use super::{Entry, Error, Internet, Role, Sender, Web};
use crate::onboarding::sender::key_record;

/// Somebody who does steps.
pub struct Customer {
    habits: Habits,
    /// The day on which each step is to be done.
    planned: BTreeMap<Task, i64>,
    /// What was done about a step the last time.
    done: BTreeMap<Task, Vec<Instruction>>,
    /// Steps that were done wrong once.
    slips: Vec<&'static str>,
}

/// What a customer does in a way of his own.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// Steps that are never done: code and subject; an empty subject stands for all.
    pub ignores: Vec<(&'static str, &'static str)>,
    /// Steps that are done wrong the first time: the code, and what is replaced by what in the value.
    pub slips: Vec<(&'static str, &'static str, &'static str)>,
}

/// What a customer can reach.
pub(super) struct Hands<'a> {
    pub(super) domain: &'static str,
    pub(super) internet: &'a Internet,
    pub(super) web: &'a Web,
    pub(super) senders: &'a mut [Sender],
}

/// A step by code and subject.
type Task = (&'static str, String);

impl Customer {
    /// Somebody with habits.
    pub fn new(habits: Habits) -> Self {
        Self { habits, planned: BTreeMap::new(), done: BTreeMap::new(), slips: Vec::new() }
    }

    /// Takes notice of a plan on `day`.
    pub fn read(&mut self, plan: &Plan, day: i64) {
        let open: Vec<_> = plan.open_steps().filter(|step| !self.ignores(step)).collect();
        self.planned.retain(|task, _| open.iter().any(|step| of(step) == *task));
        for step in open {
            // What was done needs time to be seen.
            if self.done.get(&of(step)) != Some(&step.instructions) {
                self.planned.entry(of(step)).or_insert(day + delay(step.who));
            }
        }
    }

    /// The next day on which there is something to do.
    pub fn next(&self) -> Option<i64> {
        self.planned.values().min().copied()
    }

    /// Does what is due on `day`; gives what was done, in words.
    pub(super) fn act(&mut self, plan: &Plan, day: i64, hands: &mut Hands<'_>) -> Result<Vec<Deed>, Error> {
        let mut deeds = Vec::new();
        for step in plan.open_steps() {
            let task = of(step);
            if self.planned.get(&task).is_none_or(|due| *due > day) {
                continue;
            }
            self.planned.remove(&task);
            let slip = self.habits.slips.iter().find(|(code, ..)| *code == step.code.as_str());
            let slip = slip.filter(|(code, ..)| !self.slips.contains(code)).copied();
            self.slips.extend(slip.map(|(code, ..)| code));
            let agreed: Vec<_> =
                step.instructions.iter().filter(|instruction| hands.agrees(step, instruction)).collect();
            for instruction in agreed {
                deeds.push(hands.follow(step, instruction, slip.map(|(_, from, to)| (from, to)))?);
            }
            if slip.is_none() {
                self.done.insert(task, step.instructions.clone());
            }
        }
        Ok(deeds)
    }

    fn ignores(&self, step: &Step) -> bool {
        let mut ignored = self.habits.ignores.iter();
        ignored.any(|(code, subject)| {
            *code == step.code.as_str() && (subject.is_empty() || step.subject.contains(subject))
        })
    }
}

/// Something that was done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Deed {
    /// In words.
    Told(String),
    /// A command of `ruad` that the simulation has to run: its words.
    Command(Vec<String>),
}

impl Hands<'_> {
    /// Whether the owner would say so: where a step offers to approve a sender and to reject it, one of the two is true.
    fn agrees(&self, step: &Step, instruction: &Instruction) -> bool {
        let Instruction::Run { command } = instruction else { return true };
        let is_own =
            self.senders.iter().any(|sender| sender.role == Role::Own && sender.is_called(&step.subject));
        match command.split_whitespace().nth(2) {
            Some("approve") => is_own,
            Some("reject") => !is_own,
            _ => true,
        }
    }

    fn follow(
        &mut self,
        step: &Step,
        instruction: &Instruction,
        slip: Option<(&str, &str)>,
    ) -> Result<Deed, Error> {
        let told = |words: String| Ok(Deed::Told(words));
        match instruction {
            Instruction::Publish { name, kind, value, replaces, .. } => {
                let entry = Entry::new(name, kind.name(), slipped(value, slip));
                if self.internet.values(name, kind.name()).contains(&entry.value) {
                    return told(format!("had published {name} {kind} already"));
                }
                if let Some(old) = replaces.as_ref().filter(|old| **old != entry.value) {
                    let old = Entry::new(name, kind.name(), old);
                    if !self.internet.remove(&old)? {
                        let Entry { name, kind, value } = old;
                        return Err(Error::scenario(format!(
                            "{name} has no {kind} record {value:?} to replace"
                        )));
                    }
                }
                self.internet.publish([entry.clone()])?;
                told(format!("published {name} {kind} {:?}", shortened(&entry.value)))
            }
            Instruction::Remove { name, kind, value } => {
                if !self.internet.remove(&Entry::new(name, kind.name(), value))? {
                    return Err(Error::scenario(format!("{name} has no {kind} record {value:?} to remove")));
                }
                told(format!("removed {name} {kind} {:?}", shortened(value)))
            }
            Instruction::Serve { url, text } => {
                let host = url.split('/').nth(2).unwrap_or_default();
                if self.internet.values(host, "A").is_empty() {
                    self.internet.publish([Entry::new(host, "A", "127.0.0.1")])?;
                }
                self.web.put(self.domain, text);
                told(format!("put the file at {url}"))
            }
            Instruction::Setting { .. } if step.code == StepCode::RotateKey => {
                self.have_replaced(&step.subject)
            }
            Instruction::Setting { service, .. } => {
                let called = if service.is_empty() { &step.subject } else { service };
                self.switch_on(called)
            }
            Instruction::Run { command } => self.run(step, command),
        }
    }

    /// What its control panel says, and the switch behind it.
    fn switch_on(&mut self, called: &str) -> Result<Deed, Error> {
        let sender = self.senders.iter_mut().find(|sender| sender.is_called(called));
        let Some(sender) = sender else { return Err(Error::scenario(format!("nobody is called {called}"))) };
        self.internet.publish(sender.key_entries(self.domain))?;
        sender.is_signing = true;
        Ok(Deed::Told(format!("switched DKIM on at {}", sender.name)))
    }

    /// A service replaces the key behind the owner's alias when it is told to; the alias stays.
    fn have_replaced(&self, selector: &str) -> Result<Deed, Error> {
        let alias = format!("{selector}._domainkey.{}", self.domain);
        let Some(place) = self.internet.values(&alias, "CNAME").pop() else {
            return Err(Error::scenario(format!("{alias} is no alias of a service's key")));
        };
        let old = self.internet.values(&place, "TXT");
        let new = Entry::text(&place, key_record(&old.concat()));
        let old = old.into_iter().map(|value| Entry::text(&place, value)).collect();
        self.internet.replace(&old, [new].into())?;
        Ok(Deed::Told(format!("had the key at {place} replaced")))
    }

    fn run(&mut self, step: &Step, command: &str) -> Result<Deed, Error> {
        let words: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
        let word = |index: usize| words.get(index).map(String::as_str).unwrap_or_default();
        if (word(0), word(1), word(2)) != ("ruad", "dkim", "new") {
            return Ok(Deed::Command(words));
        }
        // The command prints the record, and a key that the server signs with from now on.
        let named = words.iter().skip_while(|word| *word != "--selector").nth(1);
        let selector = named.map_or_else(|| "ruad1".to_owned(), Clone::clone);
        let record = key_record(&format!("{}/{selector}", self.domain));
        self.internet.publish([Entry::text(format!("{selector}._domainkey.{}", self.domain), record)])?;
        if let Some(sender) = self.senders.iter_mut().find(|sender| sender.is_called(&step.subject)) {
            sender.selector = Some(selector.leak());
            sender.is_signing = true;
        }
        Ok(Deed::Told(format!("ran {command} and published its record")))
    }
}

/// How long it takes until somebody gets to it; days.
fn delay(who: Who) -> i64 {
    match who {
        Who::Owner | Who::Operator => 1,
        Who::Dns => 2,
        Who::Sender => 4,
    }
}

fn of(step: &Step) -> Task {
    (step.code.as_str(), step.subject.clone())
}

fn slipped(value: &str, slip: Option<(&str, &str)>) -> String {
    slip.map_or_else(|| value.to_owned(), |(from, to)| value.replace(from, to))
}

fn shortened(value: &str) -> String {
    if value.chars().count() <= LONGEST {
        return value.to_owned();
    }
    value.chars().take(LONGEST).chain(['…']).collect()
}

const LONGEST: usize = 90;
