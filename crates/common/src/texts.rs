//! What people read, in their language. The files in `texts/` hold it; a translator needs nothing else.

use std::{collections::HashMap, fmt, str::FromStr, sync::LazyLock};

use serde::{Deserialize, Serialize};

/// A language there are texts in.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Dutch.
    Nl,
}

/// What people read about a step. `{…}` stands for a value of the case at hand.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct StepText {
    /// What is to be done: a few words without a full stop.
    pub title: String,
    /// Why: a sentence or two for people who are no mail experts.
    pub why: String,
    /// How: what the exact records or settings do not say by themselves.
    pub how: String,
    /// How it is found out that it was done.
    pub verified: String,
}

impl Language {
    /// All of them; the first one is that of the others' origin.
    pub const ALL: [Self; 2] = [Self::En, Self::Nl];

    /// Its code (ISO 639-1).
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nl => "nl",
        }
    }

    /// What people read about a step.
    pub fn step(self, code: &str) -> Option<&'static StepText> {
        STEPS.get(&self)?.get(code)
    }

    /// A text by its key, such as `review.title`; the key itself when there is none, which a test rules out.
    pub fn text(self, key: &'static str) -> &'static str {
        WORDS.get(&self).and_then(|words| words.get(key)).map_or(key, String::as_str)
    }

    /// Like [`Language::text`] for keys that are put together, such as `stage.reject`.
    pub fn find(self, key: &str) -> Option<&'static str> {
        WORDS.get(&self)?.get(key).map(String::as_str)
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(code: &str) -> Result<Self, UnknownLanguage> {
        let found = Self::ALL.into_iter().find(|language| language.code() == code);
        found.ok_or_else(|| UnknownLanguage { code: code.to_owned() })
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// There are no texts in it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no texts in the language {code:?}; there are en and nl")]
pub struct UnknownLanguage {
    /// What was asked for.
    pub code: String,
}

/// Puts values in the place of `{name}`. A name without a value stays as it is, so that it is seen.
pub fn fill<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        match value(name) {
            Some(value) => out.push_str(value),
            None => out.extend(["{", name, "}"]),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

macro_rules! files {
    ($language:literal, $($name:literal),*) => {
        &[$(WordFile {
            path: concat!("texts/", $language, "/", $name, ".toml"),
            room: $name,
            text: include_str!(concat!("../../../texts/", $language, "/", $name, ".toml")),
        }),*]
    };
}

/// A table of words: the keys of `review.toml` are `review.…`.
struct WordFile {
    #[cfg_attr(not(test), expect(dead_code, reason = "tests name it"))]
    path: &'static str,
    room: &'static str,
    text: &'static str,
}

const WORD_FILES: [(Language, &[WordFile]); 2] = [
    (Language::En, files!("en", "advise", "certificate", "country", "review", "sender", "stage")),
    (Language::Nl, files!("nl", "advise", "certificate", "country", "review", "sender", "stage")),
];

const STEP_FILES: [(Language, &str); 2] = [
    (Language::En, include_str!("../../../texts/en/steps.toml")),
    (Language::Nl, include_str!("../../../texts/nl/steps.toml")),
];

// The files are part of the program and the tests below read them all; a text that cannot be read is a missing one.
static WORDS: LazyLock<HashMap<Language, HashMap<String, String>>> = LazyLock::new(|| {
    let mut all: HashMap<_, HashMap<_, _>> = HashMap::new();
    for (language, files) in WORD_FILES {
        for WordFile { room, text, .. } in files {
            let words = toml::from_str::<HashMap<String, String>>(text).unwrap_or_default();
            let named = words.into_iter().map(|(key, text)| (format!("{room}.{key}"), text));
            all.entry(language).or_default().extend(named);
        }
    }
    all
});

static STEPS: LazyLock<HashMap<Language, HashMap<String, StepText>>> = LazyLock::new(|| {
    STEP_FILES
        .into_iter()
        .map(|(language, text)| (language, toml::from_str(text).unwrap_or_default()))
        .collect()
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_can_be_read() {
        for (_, files) in WORD_FILES {
            for WordFile { path, text, .. } in files {
                toml::from_str::<HashMap<String, String>>(text)
                    .unwrap_or_else(|error| panic!("{path}: {error}"));
            }
        }
        for (language, text) in STEP_FILES {
            toml::from_str::<HashMap<String, StepText>>(text)
                .unwrap_or_else(|error| panic!("{language}: {error}"));
        }
    }

    #[test]
    fn every_text_is_in_every_language_with_the_same_values() {
        // The details of findings are English: other languages say first in their own words what was found.
        let names = |text: &str| -> BTreeSet<String> {
            names(text).into_iter().filter(|name| name != "findings").collect()
        };
        let words = |language| -> BTreeSet<(String, BTreeSet<String>)> {
            WORDS[&language].iter().map(|(key, text)| (key.clone(), names(text))).collect()
        };
        let steps = |language| -> BTreeSet<(String, BTreeSet<String>)> {
            STEPS[&language]
                .iter()
                .map(|(code, text)| {
                    (code.clone(), names(&[&*text.title, &text.why, &text.how, &text.verified].join(" ")))
                })
                .collect()
        };
        for language in Language::ALL {
            assert_eq!(words(language), words(Language::En), "{language}");
            assert_eq!(steps(language), steps(Language::En), "{language}");
            for (key, text) in &WORDS[&language] {
                assert!(!text.trim().is_empty(), "{language} {key} is empty");
            }
        }
    }

    #[test]
    fn values_take_the_place_of_names() {
        let value = |name: &str| (name == "selector").then_some("s1");
        assert_eq!(fill("Delete {selector}, {other} {", value), "Delete s1, {other} {");
        assert_eq!(fill("", value), "");
    }

    #[test]
    fn languages_have_codes() {
        assert_eq!("nl".parse(), Ok(Language::Nl));
        assert!("de".parse::<Language>().unwrap_err().to_string().contains("\"de\""));
    }

    fn names(text: &str) -> BTreeSet<String> {
        let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
        names.map(|(name, _)| name.to_owned()).collect()
    }
}
