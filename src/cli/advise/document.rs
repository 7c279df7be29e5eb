//! What is printed about a domain, before it has a form: the same for terminals and for tickets.

use mail_parser::DateTime;
use ruad::advice::{Advised, Class, Instruction, Sender, State, Step};
use ruad_common::texts::{Language, fill};
use ruad_common::time::DAY;

/// Parts in their order.
pub(super) type Document = Vec<Part>;

/// A part of what is printed.
pub(super) enum Part {
    /// The domain; its group, its score.
    Title(String, String, String),
    /// How far it is, from 0 to 1, and that in words.
    Progress(f64, String),
    /// The name of what follows.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A line with a mark: done or met, not so, or neither.
    Item(Mark, String),
    /// Columns' names, and rows; the first column is text, and of each row how it is meant.
    Table(Vec<String>, Vec<(Mark, Vec<String>)>),
    /// A step: its number, what to do, and what it takes.
    Step(usize, String, String),
    /// Lines to be copied as they are, and what to do with them.
    Code(String, Vec<String>),
    /// What is less important.
    Note(String),
}

/// How something stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mark {
    Good,
    Bad,
    Neutral,
}

/// What is printed about a domain.
pub(super) fn draw(advised: &Advised, language: Language) -> Document {
    let mut drawing = Drawing { advised, language, parts: Vec::new() };
    drawing.head();
    drawing.readiness();
    drawing.senders();
    drawing.open_steps();
    drawing.other_steps();
    drawing.parts
}

struct Drawing<'a> {
    advised: &'a Advised,
    language: Language,
    parts: Document,
}

impl Drawing<'_> {
    fn head(&mut self) {
        let Advised { plan, posture, group, .. } = self.advised;
        let score = match plan.score {
            Some(score) => self.say("advise.score", &[("score", &score.to_string())]),
            None => self.say("advise.no_score", &[]),
        };
        self.parts.push(Part::Title(plan.domain.clone(), group.clone(), score));
        let stage = self.found(&format!("stage.{}", plan.stage.name()), plan.stage.name());
        let since = self.say("advise.since", &[("date", &date(plan.stage_since))]);
        let percent = format!("{:.0}", plan.progress.clamp(0.0, 1.0) * 100.0);
        let progress = self.say("advise.progress", &[("percent", &percent)]);
        self.parts.push(Part::Progress(plan.progress, format!("{progress}: {stage}, {since}")));
        if plan.is_parked {
            self.parts.push(Part::Text(self.say("advise.parked", &[])));
        }
        let unknown: Vec<_> = posture.unknown.iter().map(|mechanism| mechanism.title()).collect();
        if !unknown.is_empty() {
            let words = self.say("advise.unknown", &[("mechanisms", &unknown.join(", "))]);
            self.parts.push(Part::Item(Mark::Neutral, words));
        }
    }

    fn readiness(&mut self) {
        let Some(readiness) = &self.advised.plan.readiness else { return };
        let key = if readiness.is_ready() { "advise.ready" } else { "advise.not_ready" };
        self.parts.push(Part::Heading(self.say(key, &[("policy", readiness.target.name())])));
        for gate in &readiness.gates {
            let mark = if gate.is_met { Mark::Good } else { Mark::Bad };
            self.parts.push(Part::Item(mark, gate.text(self.language)));
        }
    }

    fn senders(&mut self) {
        let traffic = &self.advised.traffic;
        self.parts.push(Part::Heading(self.say("advise.senders", &[])));
        let window = traffic.window;
        if window.days == 0 {
            self.parts.push(Part::Text(self.say("advise.no_reports", &[])));
            return;
        }
        let key = if window.is_grown { "advise.window_grown" } else { "advise.window" };
        let words = self.say(
            key,
            &[
                ("from", &date(u64::from(window.from) * DAY)),
                ("to", &date(u64::from(window.to) * DAY)),
                ("days", &window.days.to_string()),
                ("messages", &thousands(window.messages)),
            ],
        );
        self.parts.push(Part::Note(words));
        let names = ["sender", "class", "messages", "share", "passed", "spf", "dkim"];
        let names = names.map(|name| self.found(&format!("advise.{name}"), name)).to_vec();
        let (shown, rest) = traffic.senders.split_at(traffic.senders.len().min(MOST_SENDERS));
        let rows = shown.iter().map(|sender| self.sender(sender)).collect();
        self.parts.push(Part::Table(names, rows));
        if !rest.is_empty() {
            let messages = rest.iter().map(|sender| sender.counts.messages).fold(0, u64::saturating_add);
            let values = [("count", &*rest.len().to_string()), ("messages", &thousands(messages))];
            self.parts.push(Part::Note(self.say("advise.more_senders", &values)));
        }
    }

    fn sender(&self, sender: &Sender) -> (Mark, Vec<String>) {
        let counts = sender.counts;
        let of = |part: u64| percent(part as f64 / counts.messages.max(1) as f64);
        let mark = match sender.class {
            Class::Aligned => Mark::Good,
            Class::NeedsWork | Class::Threat => Mark::Bad,
            Class::Forwarder | Class::Undecided => Mark::Neutral,
        };
        let class = self.found(&format!("sender.class_{}", sender.class.name()), sender.class.name());
        let row = vec![
            sender.name.clone(),
            class,
            thousands(counts.messages),
            percent(sender.share),
            of(counts.passed),
            of(counts.spf_aligned),
            of(counts.dkim_aligned),
        ];
        (mark, row)
    }

    fn open_steps(&mut self) {
        let open: Vec<_> = self.advised.plan.open_steps().collect();
        if open.is_empty() {
            self.parts.push(Part::Heading(self.say("advise.nothing_open", &[])));
            return;
        }
        self.parts.push(Part::Heading(self.say("advise.open", &[])));
        for (number, step) in (1..).zip(open) {
            self.step(number, step);
        }
    }

    fn step(&mut self, number: usize, step: &Step) {
        let text = step.text(self.language);
        let named = |kind: &str, name: &str| self.found(&format!("stage.{kind}.{name}"), name);
        let (effort, risk) = (named("effort", step.effort.name()), named("risk", step.risk.name()));
        let mut facts = vec![
            named("who", step.who.name()),
            self.say("advise.effort", &[("effort", &effort)]),
            self.say("advise.risk", &[("risk", &risk)]),
            self.say("advise.open_since", &[("date", &date(step.opened_at))]),
        ];
        if step.state == State::Regressed {
            facts.push(self.say("advise.undone", &[]));
        }
        self.parts.push(Part::Step(number, text.title, facts.join("; ")));
        self.parts.push(Part::Text(text.why));
        for instruction in &step.instructions {
            self.instruction(instruction);
        }
        if !text.how.trim().is_empty() {
            self.parts.push(Part::Text(text.how));
        }
        if !text.verified.trim().is_empty() {
            let verified = self.say("advise.verified", &[("how", &text.verified)]);
            self.parts.push(Part::Note(verified));
        }
    }

    fn instruction(&mut self, instruction: &Instruction) {
        let mut code = |key: &'static str, lines: Vec<String>| {
            self.parts.push(Part::Code(self.language.text(key).to_owned(), lines));
        };
        match instruction {
            Instruction::Publish { replaces, .. } => {
                code("advise.publish", instruction.zone_line().into_iter().collect());
                if let Some(replaces) = replaces {
                    code("advise.replaces", vec![replaces.clone()]);
                }
            }
            Instruction::Remove { .. } => {
                // The line is a comment in a zone file; here what to do with it stands above.
                let line = instruction.zone_line();
                let line = line.map(|line| line.trim_start_matches("; delete: ").to_owned());
                code("advise.remove", line.into_iter().collect());
            }
            Instruction::Serve { url, text } => {
                let lines = std::iter::once(url.clone()).chain(text.lines().map(str::to_owned));
                code("advise.serve", lines.collect());
            }
            Instruction::Setting { service, hint, link } => {
                let lines: Vec<_> = hint.iter().chain(link).cloned().collect();
                let lines = if lines.is_empty() { vec![service.clone()] } else { lines };
                code("advise.setting", lines);
            }
            Instruction::Run { command } => code("advise.run", vec![command.clone()]),
        }
    }

    fn other_steps(&mut self) {
        let steps = |state| self.advised.plan.steps.iter().filter(move |step| step.state == state);
        let later: Vec<_> = steps(State::Blocked)
            .map(|step| {
                let waits = step.missing(self.language).join(" ");
                let title = step.text(self.language).title;
                Part::Item(Mark::Neutral, if waits.is_empty() { title } else { format!("{title}. {waits}") })
            })
            .collect();
        let done: Vec<_> = steps(State::Done)
            .map(|step| {
                let at = step.done_at.map(|at| format!(", {}", date(at))).unwrap_or_default();
                Part::Item(Mark::Good, format!("{}{at}", step.text(self.language).title))
            })
            .collect();
        for (key, items) in [("advise.later", later), ("advise.done", done)] {
            if !items.is_empty() {
                self.parts.push(Part::Heading(self.language.text(key).to_owned()));
                self.parts.extend(items);
            }
        }
    }

    fn say(&self, key: &'static str, values: &[(&str, &str)]) -> String {
        filled(self.language.text(key), values)
    }

    /// A text by a key that is put together.
    fn found(&self, key: &str, otherwise: &str) -> String {
        self.language.find(key).unwrap_or(otherwise).to_owned()
    }
}

fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let filled = fill(text, |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value));
    filled.replace(" :", ":")
}

fn percent(share: f64) -> String {
    // 99.97 % must not read as all.
    let tenths = (share * 1_000.0).floor() / 10.0;
    if tenths == tenths.trunc() { format!("{tenths:.0} %") } else { format!("{tenths:.1} %") }
}

/// With a space between thousands, which no language takes for a decimal sign.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

fn date(seconds: u64) -> String {
    let text = DateTime::from_timestamp(i64::try_from(seconds.min(LAST)).unwrap_or(0)).to_rfc3339();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// 9999-12-31.
const LAST: u64 = 253_402_300_799;
/// Those with the most mail; the others are counted together.
const MOST_SENDERS: usize = 15;

#[cfg(test)]
mod tests;
