//! What is to be done, with the exact records, and what was done.

use maud::{Markup, html};

use super::{Step, details::Details};
use crate::advice::{Instruction, StepCode};

impl Details<'_> {
    pub(super) fn open_steps(self) -> Markup {
        let words = self.words();
        let made_on = words.date(self.page.review.made_on);
        html! {
            @if !self.domain.open.is_empty() {
                h3 { (words.say("open_title", &[("date", &made_on)])) }
                ol.steps {
                    @for step in &self.domain.open { (self.step(step)) }
                }
            } @else if self.domain.state().is_some() {
                h3 { (words.say("open_title", &[("date", &made_on)])) }
                p.nothing { (words.text("open_none")) }
            }
        }
    }

    fn step(self, step: &Step) -> Markup {
        let words = self.words();
        let [title, why] = self.texts(step);
        html! {
            li {
                h4 { (title) @if step.is_undone { " " span.undone { (words.text("step_undone")) } } }
                p { (why) }
                @for instruction in &step.instructions { (self.instruction(instruction)) }
                @if step.who == "owner" { p { (words.text("step_tell")) } }
                p.who {
                    @if let Some(who) = words.find(&format!("who_{}", step.who)) { (who) }
                    @if let Some(effort) = words.find(&format!("effort_{}", step.effort)) { " · " (effort) }
                }
            }
        }
    }

    /// Title and reason: in the language of the document when its texts know the step, else as they were stored.
    fn texts(self, step: &Step) -> [String; 2] {
        StepCode::stored_text(&step.code, &step.values, self.words().language)
            .unwrap_or_else(|| [step.title.clone(), step.why.clone()])
    }

    fn instruction(self, instruction: &Instruction) -> Markup {
        let words = self.words();
        match instruction {
            Instruction::Publish { name, kind, ttl, value, replaces } => {
                let key = if replaces.is_some() { "record_replace" } else { "record_publish" };
                let seconds = words.count("seconds", u64::from(*ttl));
                let mut rows = vec![
                    ("record_name", name.as_str()),
                    ("record_type", kind.name()),
                    ("record_value", value),
                ];
                rows.push(("record_ttl", &seconds));
                rows.extend(replaces.as_deref().map(|old| ("record_old", old)));
                self.record(key, &rows)
            }
            Instruction::Remove { name, kind, value } => {
                let rows =
                    [("record_name", name.as_str()), ("record_type", kind.name()), ("record_value", value)];
                self.record("record_remove", &rows)
            }
            Instruction::Serve { url, text } => {
                self.record("record_serve", &[("record_url", url.as_str()), ("record_text", text)])
            }
            Instruction::Setting { hint, link, .. } => {
                let rows: Vec<_> = [("setting_hint", hint), ("setting_link", link)]
                    .into_iter()
                    .filter_map(|(key, value)| Some((key, value.as_deref()?)))
                    .collect();
                if rows.is_empty() {
                    html! {}
                } else {
                    self.record("setting_change", &rows)
                }
            }
            // A command of whoever runs ruad means nothing to a customer.
            Instruction::Run { .. } => html! {},
        }
    }

    fn record(self, title: &str, rows: &[(&str, &str)]) -> Markup {
        let words = self.words();
        html! {
            div.record {
                p { (words.text(title)) }
                dl {
                    @for (name, value) in rows {
                        dt { (words.text(name)) }
                        dd { code { (unbroken(value)) } }
                    }
                }
            }
        }
    }

    pub(super) fn done_steps(self) -> Markup {
        let words = self.words();
        if self.domain.done.is_empty() {
            return html! {};
        }
        html! {
            h3 { (words.text("done_title")) }
            ul.done {
                @for step in &self.domain.done {
                    @let [title, _] = self.texts(step);
                    li {
                        (title)
                        @if let Some(day) = step.done_on { " " span.quiet { (words.short_date(day)) } }
                    }
                }
            }
        }
    }
}

/// A value whose words do not break at their hyphens: `-all` is one of them.
fn unbroken(value: &str) -> Markup {
    html! {
        @for (place, word) in value.split(' ').enumerate() {
            @if place > 0 { " " }
            @if word.contains('-') && word.len() <= LONGEST_WORD { span.word { (word) } } @else { (word) }
        }
    }
}

const LONGEST_WORD: usize = 50;
