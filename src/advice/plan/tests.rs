//! One small world for each rule.

mod catalogue;
mod keys;
mod memory;
mod policy;
mod properties;
mod records;
mod simulation;
mod spf;

use crate::advice::{Instruction, Plan, RecordType, State, StepCode, world::World};

/// The codes of the open steps, with what they are about.
fn open(world: &World) -> Vec<String> {
    named(&world.plan(), |step| step.is_open())
}

fn later(world: &World) -> Vec<String> {
    named(&world.plan(), |step| step.state == State::Blocked)
}

fn named(plan: &Plan, is_wanted: impl Fn(&crate::advice::Step) -> bool) -> Vec<String> {
    let steps = plan.steps.iter().filter(|step| is_wanted(step));
    steps.map(|step| format!("{} {}", step.code.as_str(), step.subject).trim().to_owned()).collect()
}

/// The records that a step publishes, whatever its state.
fn records(world: &World, code: StepCode) -> Vec<(String, String)> {
    let plan = world.plan();
    let step = plan.steps.iter().find(|step| step.code == code);
    let step = step.unwrap_or_else(|| panic!("no {} among {:?}", code.as_str(), named(&plan, |_| true)));
    let published = step.instructions.iter().filter_map(Instruction::published);
    published.map(|(name, _, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The value of the only record that a step publishes.
fn value(world: &World, code: StepCode) -> String {
    let mut records = records(world, code);
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0).1
}

/// The lines with which a step deletes records.
fn removed(world: &World, code: StepCode) -> Vec<String> {
    let plan = world.plan();
    let step = plan.steps.iter().find(|step| step.code == code).unwrap();
    let removals = step.instructions.iter().filter(|it| matches!(it, Instruction::Remove { .. }));
    removals.filter_map(Instruction::zone_line).collect()
}

fn unmet(world: &World) -> Vec<String> {
    let readiness = world.plan().readiness.expect("a policy to be raised");
    let unmet = readiness.gates.iter().filter(|gate| !gate.is_met);
    unmet.map(|gate| format!("{} {}", gate.name, gate.subject).trim().to_owned()).collect()
}
