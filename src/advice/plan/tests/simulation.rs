//! A customer who does what the open steps say, day by day, ends in a finished state; and one who does not stays where he is.

use std::collections::BTreeMap;

use super::*;
use crate::advice::{
    Class, PolicyDays, Setup, Stage, Window,
    world::{DOMAIN, TODAY, key, sender},
};
use ruad_common::time::DAY;
use ruad_dns::{
    dkim,
    dmarc::{self, Policy},
    mta_sts, mx, spf, tls_rpt,
};
use ruad_registry::{Decision, Goal, SenderId};

/// Somebody who sends in the domain's name.
#[derive(Clone)]
struct Mailer {
    id: &'static str,
    /// What is to be included in SPF for it.
    include: Option<&'static str>,
    per_day: u64,
    signs: bool,
    /// Whether the mail is the owner's, which only the owner knows.
    is_own: bool,
    /// Whether the program can tell that by itself.
    is_known: bool,
    /// Messages of each day: all, and those that pass.
    days: Vec<(u64, u64)>,
}

/// What the zone holds, and everything else that a customer can change.
struct Customer {
    zone: BTreeMap<(String, RecordType), String>,
    file: Option<String>,
    mailers: Vec<Mailer>,
    decisions: BTreeMap<SenderId, Decision>,
    goal: Goal,
    parked: bool,
    day: u32,
    /// Days on which reports came, and the policy they showed.
    shown: Vec<(u32, Policy)>,
    memory: crate::advice::Memory,
}

impl Customer {
    fn new(mailers: Vec<Mailer>) -> Self {
        Self {
            zone: BTreeMap::new(),
            file: None,
            mailers,
            decisions: BTreeMap::new(),
            goal: Goal::Reject,
            parked: false,
            day: TODAY,
            shown: Vec::new(),
            memory: crate::advice::Memory::default(),
        }
    }

    fn text(&self, name: &str) -> Option<&String> {
        self.zone.get(&(name.to_owned(), RecordType::Txt))
    }

    fn world(&self) -> World {
        let mut world = World::new();
        world.now = u64::from(self.day) * DAY;
        world = match self.text("_dmarc.a.example") {
            Some(text) => world.dmarc(text),
            None => world.found(dmarc::codes::MISSING, "_dmarc.a.example"),
        };
        world = match self.text(DOMAIN) {
            Some(text) => {
                let mut world = world.spf(text);
                for include in text.split(' ').filter_map(|term| term.strip_prefix("include:")) {
                    let is_used = self.mailers.iter().any(|mailer| mailer.include == Some(include));
                    let last = is_used.then(|| self.day - 1);
                    world = world.entry_seen(&format!("include:{include}"), Some(include), last);
                }
                world
            }
            None => world.found(spf::MISSING, DOMAIN),
        };
        if let Some(text) = self.text("_smtp._tls.a.example") {
            world.posture.tls_rpt = Some(text.clone());
            world.posture.has_tls_rpt = true;
        } else if !self.parked {
            world = world.found(tls_rpt::MISSING, DOMAIN);
        }
        match (&self.file, self.text("_mta-sts.a.example")) {
            (Some(file), Some(_)) => {
                let mode = file.lines().find_map(|line| line.strip_prefix("mode: ")).unwrap();
                world.posture.mta_sts_mode = Some(mode.to_owned());
            }
            _ if self.parked => {}
            _ => world = world.found(mta_sts::check::MISSING, DOMAIN),
        }
        if self.parked {
            world.posture.has_null_mx = self.zone.contains_key(&(DOMAIN.to_owned(), RecordType::Mx));
            if !world.posture.has_null_mx {
                world = world.found(mx::check::IMPLICIT, DOMAIN);
            }
        }
        world.posture.has_revoked_wildcard = self.text("*._domainkey.a.example").is_some();
        if self.mailers.iter().any(|mailer| mailer.signs) {
            world.posture.keys.push(key("s1", 2_048, 10));
        } else if !self.parked {
            world = world.found(dkim::ABSENT, "_domainkey.a.example");
        }
        self.traffic(&mut world);
        world.wishes.decisions = self.decisions.clone();
        world.wishes.goal = self.goal;
        world.wishes.people = true;
        world.wishes.parked = self.parked.then_some(true);
        world.memory = self.memory.clone();
        world
    }

    fn traffic(&self, world: &mut World) {
        let (Some((first, _)), Some((last, newest))) = (self.shown.first(), self.shown.last()) else {
            return;
        };
        let since = self.shown.iter().rev().take_while(|(_, policy)| policy == newest).last().unwrap().0;
        world.traffic.reported = Some((*first, *last));
        world.traffic.policies =
            vec![PolicyDays { policy: *newest, days: last - since + 1, first: since, last: *last }];
        let days = self.shown.len().min(30);
        let from = self.shown[self.shown.len() - days].0;
        let days = u32::try_from(days).unwrap();
        world.traffic.window = Window { from, to: *last, days, messages: 0, is_grown: false };
        for mailer in &self.mailers {
            let window = mailer.days.iter().rev().take(days as usize);
            let (messages, passed) =
                window.fold((0, 0), |(all, good), (messages, passed)| (all + messages, good + passed));
            let id = SenderId::parse(mailer.id).unwrap();
            let share = passed as f64 / messages.max(1) as f64;
            let class = match self.decisions.get(&id) {
                Some(Decision::Rejected) => Class::Threat,
                decision if decision.is_some() || mailer.is_known => {
                    if share >= 0.95 {
                        Class::Aligned
                    } else {
                        Class::NeedsWork
                    }
                }
                _ => Class::Undecided,
            };
            let mut seen = sender(mailer.id, class, messages, passed);
            seen.setup =
                Setup { spf: mailer.include.map(str::to_owned).into_iter().collect(), ..Setup::default() };
            *world = world.clone().sender(seen);
        }
    }

    /// Does what a step says, exactly.
    fn follow(&mut self, step: &crate::advice::Step) {
        for instruction in &step.instructions {
            match instruction {
                Instruction::Publish { name, kind, value, .. } => {
                    self.zone.insert((name.clone(), *kind), value.clone());
                }
                Instruction::Remove { name, kind, .. } => {
                    self.zone.remove(&(name.clone(), *kind));
                }
                Instruction::Serve { text, .. } => self.file = Some(text.clone()),
                Instruction::Setting { .. } | Instruction::Run { .. } => {}
            }
        }
        let subject = SenderId::parse(&step.subject);
        let mailer = self.mailers.iter_mut().find(|mailer| mailer.id == step.subject);
        if let (Some(mailer), Some(id)) = (mailer, subject) {
            match step.code {
                StepCode::EnableDkim if mailer.is_own => mailer.signs = true,
                StepCode::EnableDkim => {
                    self.decisions.insert(id, Decision::Rejected);
                }
                StepCode::DecideSource => {
                    let decision = if mailer.is_own { Decision::Approved } else { Decision::Rejected };
                    self.decisions.insert(id, decision);
                }
                _ => {}
            }
        }
    }

    /// A day of mail and of reports about it, when they are asked for.
    fn live(&mut self) {
        let record = self.text("_dmarc.a.example").and_then(|text| dmarc::Record::parse(text));
        if let Some(record) = record.filter(|record| !record.rua.is_empty())
            && self.mailers.iter().any(|mailer| mailer.per_day > 0)
        {
            self.shown.push((self.day, record.policy.unwrap_or(Policy::None)));
            for mailer in &mut self.mailers {
                mailer.days.push((mailer.per_day, if mailer.signs { mailer.per_day } else { 0 }));
            }
        }
        self.day += 1;
    }

    /// So many days, on each of which every open step is done that `does` says; the days on which each was first done.
    fn run(&mut self, days: u32, does: impl Fn(&crate::advice::Step) -> bool) -> Vec<(u32, &'static str)> {
        let mut story: Vec<(u32, &'static str)> = Vec::new();
        let mut before = (0.0_f64, Stage::Unprotected);
        for day in 0..days {
            let world = self.world();
            let plan = world.plan();
            assert!(
                plan.stage >= before.1,
                "day {day}: the stage fell from {:?} to {:?}",
                before.1,
                plan.stage
            );
            before = (plan.progress, plan.stage);
            self.memory = crate::advice::world::remember(&self.memory, &plan);
            for step in plan.open_steps().filter(|step| does(step)) {
                self.follow(step);
                if !story.iter().any(|(_, code)| *code == step.code.as_str()) {
                    story.push((day, step.code.as_str()));
                }
            }
            self.live();
        }
        story
    }
}

fn mailer(id: &'static str, include: Option<&'static str>, per_day: u64, signs: bool) -> Mailer {
    let is_known = id.starts_with("service:");
    Mailer { id, include, per_day, signs, is_own: true, is_known, days: Vec::new() }
}

fn five() -> Vec<Mailer> {
    vec![
        mailer("service:google", Some("_spf.google.example"), 100, true),
        mailer("service:news", Some("spf.news.example"), 40, false),
        mailer("service:shop", None, 20, false),
        mailer("net:AS64500/own.example", None, 10, false),
        Mailer { is_own: false, ..mailer("net:AS64501", None, 15, false) },
    ]
}

fn days(story: &[(u32, &str)], code: StepCode) -> u32 {
    let day = story.iter().find(|(_, step)| *step == code.as_str());
    day.unwrap_or_else(|| panic!("{} never came: {story:?}", code.as_str())).0
}

#[test]
fn who_does_every_step_ends_protected() {
    let mut customer = Customer::new(five());
    let story = customer.run(150, |_| true);
    let plan = customer.world().plan();
    assert_eq!(plan.stage, Stage::Maintained, "{story:?}");
    assert_eq!((plan.progress, named(&plan, |step| step.is_open())), (1.0, Vec::<String>::new()));
    assert_eq!(plan.score.map(|score| score.to_string()).as_deref(), Some("5.0"));
    assert!(plan.perfect_since.is_some());
    let raised = days(&story, StepCode::RaiseToQuarantine);
    assert!((30..60).contains(&raised), "{story:?}");
    assert!((30..60).contains(&(days(&story, StepCode::RaiseToReject) - raised)), "{story:?}");
    assert!(days(&story, StepCode::EnforceMtaSts) >= 14 + days(&story, StepCode::PublishMtaSts));
    assert!(customer.text(DOMAIN).unwrap().contains("include:spf.news.example"));
}

#[test]
fn progress_never_goes_back_for_who_does_every_step() {
    let mut customer = Customer::new(five());
    let mut before = 0.0;
    for day in 0..150 {
        customer.run(1, |_| true);
        let plan = customer.world().plan();
        assert!(plan.progress >= before - 0.05, "day {day}: {} after {before}", plan.progress);
        before = plan.progress;
    }
    assert_eq!(before, 1.0);
}

#[test]
fn one_step_a_day_leads_there_as_well() {
    let mut customer = Customer::new(five());
    for _ in 0..200 {
        let first = customer.world().plan().open_steps().next().map(|step| (step.code, step.subject.clone()));
        customer.run(1, |step| {
            first.as_ref().is_some_and(|(code, subject)| *code == step.code && *subject == step.subject)
        });
    }
    assert_eq!(customer.world().plan().stage, Stage::Maintained);
}

#[test]
fn who_stays_at_quarantine_is_finished_there() {
    let mut customer = Customer::new(five());
    customer.goal = Goal::Quarantine;
    customer.run(150, |_| true);
    let plan = customer.world().plan();
    assert_eq!((plan.stage, plan.progress), (Stage::Maintained, 1.0));
    assert!(customer.text("_dmarc.a.example").unwrap().contains("p=quarantine"));
}

#[test]
fn a_sender_that_is_never_set_up_holds_the_policy() {
    let mut customer = Customer::new(five());
    let story = customer.run(200, |step| step.subject != "service:news");
    let plan = customer.world().plan();
    assert_eq!(plan.stage, Stage::Aligning, "{story:?}");
    assert!(named(&plan, |step| step.is_open()).contains(&"enable_dkim service:news".to_owned()));
    assert!(customer.text("_dmarc.a.example").unwrap().contains("p=none"));
}

#[test]
fn who_decides_nothing_is_not_raised() {
    let mut customer = Customer::new(five());
    customer.run(200, |step| step.code != StepCode::DecideSource);
    assert_eq!(customer.world().plan().stage, Stage::Aligning);
}

#[test]
fn a_parked_domain_is_finished_without_mail() {
    let mut customer = Customer::new(Vec::new());
    customer.parked = true;
    let story = customer.run(40, |_| true);
    let plan = customer.world().plan();
    assert_eq!((plan.stage, plan.progress), (Stage::Maintained, 1.0), "{story:?}");
    assert_eq!(customer.text(DOMAIN).map(String::as_str), Some("v=spf1 -all"));
    assert_eq!(story.iter().map(|(day, _)| *day).max(), Some(0), "all at once");
}

#[test]
fn a_month_without_reports_changes_nothing() {
    let mut customer = Customer::new(five());
    customer.run(50, |_| true);
    let stage = customer.world().plan().stage;
    assert_eq!(stage, Stage::Quarantine);
    let record = customer.text("_dmarc.a.example").cloned();
    for _ in 0..40 {
        let plan = customer.world().plan();
        assert_eq!(plan.stage, stage);
        let names = named(&plan, |step| step.is_open());
        assert!(
            !names.iter().any(|name| name.starts_with("raise") || name.starts_with("remove_spf")),
            "{names:?}"
        );
        customer.memory = crate::advice::world::remember(&customer.memory, &plan);
        for step in plan.open_steps() {
            customer.follow(step);
        }
        customer.day += 1;
    }
    assert_eq!(customer.text("_dmarc.a.example"), record.as_ref());
}
