//! What people read about a step.

use std::{borrow::Cow, collections::BTreeMap};

use super::{State, Step, StepCode, Wait};
use crate::health::keys::date;
use ruad_common::texts::{Language, StepText, fill};
use ruad_dns::Code;

impl Step {
    /// What people read about it, with the values of this case. What a step waits for stands at the end of `how`. A step that
    /// needs nothing any more has no `how`.
    pub fn text(&self, language: Language) -> StepText {
        let Some(text) = language.step(self.code.as_str()) else {
            // A code of another version of this program; a test shows that every own code has a text.
            let title = self.code.as_str().to_owned();
            return StepText { title, why: String::new(), how: String::new(), verified: String::new() };
        };
        let values = self.values.iter().map(|(name, value)| (*name, value.as_str()));
        let said = said(values, &self.subject, language);
        let fill = |text: &str| in_language(&fill(text, |name| said.get(name).map(AsRef::as_ref)), language);
        let mut how = match self.state {
            State::Done | State::Obsolete => String::new(),
            State::Open | State::Regressed | State::Blocked => fill(&text.how),
        };
        if self.state == State::Blocked {
            for missing in self.missing(language) {
                how.extend([" ", &missing]);
            }
        }
        StepText { title: fill(&text.title), why: fill(&text.why), how, verified: fill(&text.verified) }
    }

    /// What it still waits for: a sentence each.
    pub fn missing(&self, language: Language) -> Vec<String> {
        self.waits.iter().map(|wait| wait.text(language)).collect()
    }
}

impl Wait {
    /// One sentence.
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::Gate { gate } => gate.text(language),
            Self::Step { code, subject } => {
                let title = StepCode::title(*code, subject, language);
                fill(language.text("stage.wait.step"), |name| (name == "step").then_some(title.as_str()))
            }
            Self::Until { at } => {
                let day = date(*at);
                fill(language.text("stage.wait.until"), |name| (name == "day").then_some(day.as_str()))
            }
            Self::Reports => language.text("stage.wait.reports").to_owned(),
            Self::Choice => language.text("stage.wait.choice").to_owned(),
        }
    }
}

impl StepCode {
    /// Title and reason of a step by its stored name and values; nothing when this program has no such step.
    pub fn stored_text(
        code: &str,
        values: &BTreeMap<String, String>,
        language: Language,
    ) -> Option<[String; 2]> {
        let text = language.step(code)?;
        let subject = values.get("subject").map_or("", String::as_str);
        let said =
            said(values.iter().map(|(name, value)| (name.as_str(), value.as_str())), subject, language);
        let fill = |text: &str| in_language(&fill(text, |name| said.get(name).map(AsRef::as_ref)), language);
        Some([&text.title, &text.why].map(|text| fill(text)))
    }

    /// Its title with what is known of another step: what that is about.
    fn title(self, subject: &str, language: Language) -> String {
        let title = language.step(self.as_str()).map_or(self.as_str(), |text| text.title.as_str());
        let problem = Code::named(subject).and_then(|code| code.text_in(language));
        let problem = problem.map_or(subject, |text| text.title.trim());
        fill(title, |name| match name {
            "subject" | "sender" => Some(subject),
            "problem" => Some(problem),
            _ => None,
        })
    }
}

/// The values of a step, with what they say of findings in the language: `problem` and `change` are of the finding that a step
/// is about, and `findings` are codes.
fn said<'a>(
    values: impl Iterator<Item = (&'a str, &'a str)>,
    subject: &str,
    language: Language,
) -> BTreeMap<&'a str, Cow<'a, str>> {
    let mut said: BTreeMap<_, _> = values.map(|(name, value)| (name, Cow::Borrowed(value))).collect();
    if let Some(text) = Code::named(subject).and_then(|code| code.text_in(language)) {
        let domain = said.get("domain").map_or("<domain>", |domain| domain).to_owned();
        for (name, words) in [("problem", &text.title), ("change", &text.change)] {
            let words = words.trim().replace("<domain>", &domain);
            said.entry(name).and_modify(|value| *value = Cow::Owned(words));
        }
    }
    said.entry("findings").and_modify(|codes| {
        let texts = codes.split(' ').filter_map(|name| Code::named(name)?.text_in(language));
        let titles: Vec<_> = texts.map(|text| format!("{}.", text.title.trim())).collect();
        *codes = Cow::Owned(titles.join(" "));
    });
    said
}

/// Shares are written with a point everywhere in this program; people who read Dutch expect a comma.
fn in_language(text: &str, language: Language) -> String {
    if language == Language::En || !text.contains('%') {
        return text.to_owned();
    }
    let mut out: Vec<char> = text.chars().collect();
    // `%{i}` is a macro of SPF.
    let is_percent = |at: &usize| out.get(*at) == Some(&'%') && out.get(at + 1) != Some(&'{');
    let percents: Vec<_> = (0..out.len()).filter(is_percent).collect();
    for percent in percents {
        let mut at = percent;
        while at > 0 && matches!(out.get(at - 1), Some(' ' | '\u{a0}' | '0'..='9' | '.')) {
            at -= 1;
            if out.get(at) == Some(&'.') {
                if let Some(point) = out.get_mut(at) {
                    *point = ',';
                }
                break;
            }
        }
    }
    out.into_iter().collect()
}

pub(in crate::advice) fn percent(share: f64, language: Language) -> String {
    in_language(&format_percent(share), language)
}

/// `97.5 %`, rounded down so that nothing looks better than it is.
pub(in crate::advice) fn format_percent(share: f64) -> String {
    let tenths = (share * 1_000.0 + 1e-9).floor() / 10.0;
    if tenths.fract() == 0.0 { format!("{tenths:.0} %") } else { format!("{tenths:.1} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_reads_as_what_was_drawn() {
        let values = BTreeMap::from([("sender".to_owned(), "Acme Mail".to_owned())]);
        let [title, why] = StepCode::stored_text("enable_dkim", &values, Language::Nl).unwrap();
        assert!(title.contains("Acme Mail") && !title.contains('{'), "{title}");
        assert!(!why.is_empty());
        assert_eq!(StepCode::stored_text("of_another_version", &values, Language::En), None);
    }

    #[test]
    fn findings_are_told_in_the_language() {
        let values = [("problem", "stored"), ("change", "stored"), ("findings", "mx.address spf.loop")];
        let [en, nl] = Language::ALL.map(|language| said(values.into_iter(), "mx.address", language));
        let dutch = Code::named("mx.address").unwrap().text_in(Language::Nl).unwrap();
        assert_eq!((&*nl["problem"], &*nl["change"]), (dutch.title.as_str(), dutch.change.as_str()));
        assert!(nl["findings"].starts_with(&format!("{}. ", dutch.title)), "{}", nl["findings"]);
        assert!(en.iter().all(|(name, words)| !words.is_empty() && nl[name] != *words), "{en:?}");
        // A code that nobody knows any more, and a step that is about none.
        let old = said(values.into_iter(), "of.another_version", Language::Nl);
        assert_eq!(old["problem"], "stored");
        assert!(said([("domain", "a.example")].into_iter(), "", Language::Nl).len() == 1);
    }

    #[test]
    fn shares_are_written_as_people_expect() {
        assert_eq!(format_percent(0.9799), "97.9 %");
        assert_eq!(format_percent(1.0), "100 %");
        assert_eq!(format_percent(0.95), "95 %");
        assert_eq!(in_language("97.9 % of a.b, v1.2", Language::Nl), "97,9 % of a.b, v1.2");
        assert_eq!(in_language("97.9 %", Language::En), "97.9 %");
        assert_eq!(in_language("10 % to 20.5 %", Language::Nl), "10 % to 20,5 %");
    }
}
