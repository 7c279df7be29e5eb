//! Texts that begin with a version, such as `v=DMARC1`: the records among what a name holds, those that were meant
//! to be one, and the rest.

use std::ops::Range;

use super::{Text, tags::Tags};

/// How a kind of record begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    /// What `v` must say.
    pub(super) value: &'static str,
    /// Whether white space may stand around `=` and before `;`, and `v` may be a capital.
    pub(super) blanks: bool,
}

/// The texts of a name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Texts {
    /// Those that begin with the version, sorted, because servers rotate them.
    pub(super) records: Vec<String>,
    /// Those that do not, but were meant to.
    pub(super) damaged: Vec<Damaged>,
    /// Those that are about something else.
    pub(super) others: Vec<String>,
}

/// A text that was meant to be a record and is ignored, because of how it begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Damaged {
    pub(super) text: String,
    /// What is wrong.
    pub(super) at: Range<usize>,
    /// Whether white space before the version is all that is wrong.
    pub(super) is_only_indented: bool,
}

impl Version {
    pub(super) fn sort(self, texts: &[Text]) -> Texts {
        let mut sorted = Texts::default();
        for text in texts.iter().map(Text::joined) {
            if self.begins(&text) {
                sorted.records.push(text);
            } else if let Some((at, is_only_indented)) = self.damage(&text) {
                sorted.damaged.push(Damaged { text, at, is_only_indented });
            } else {
                sorted.others.push(text);
            }
        }
        sorted.records.sort_unstable();
        sorted.damaged.sort_unstable_by(|a, b| a.text.cmp(&b.text));
        sorted.others.sort_unstable();
        sorted.records.truncate(MOST_TEXTS);
        sorted.damaged.truncate(MOST_TEXTS);
        sorted.others.truncate(MOST_TEXTS);
        sorted
    }

    /// Whether receivers take `text` for a record.
    pub(super) fn begins(self, text: &str) -> bool {
        self.rest(text).is_some()
    }

    /// What is wrong with a text, in words.
    pub(super) fn complaint(self, damaged: &Damaged) -> String {
        let (value, text) = (self.value, &damaged.text);
        let beginning = text.get(damaged.at.clone()).unwrap_or_default().trim();
        if damaged.is_only_indented {
            return format!("White space stands before `v={value}`, and so the record is ignored.");
        }
        let hint = if text.contains("\\;") {
            "; the backslashes before the semicolons do not belong there"
        } else if text.trim_start().starts_with(QUOTES) {
            "; the quotation marks do not belong there"
        } else if Tags::parse(text).tags.iter().skip(1).any(|tag| tag.name.eq_ignore_ascii_case("v")) {
            ": `v` has to be the first tag"
        } else if beginning.strip_prefix("v=").is_some_and(|rest| rest.starts_with(value)) {
            ", followed by a semicolon at once"
        } else {
            ", written exactly so"
        };
        format!(
            "The record begins with `{}` and so is ignored; it has to begin with `v={value}`{hint}.",
            shorten(beginning)
        )
    }

    fn rest(self, text: &str) -> Option<&str> {
        if !self.blanks {
            let rest = text.strip_prefix("v=")?.strip_prefix(self.value)?;
            return rest.strip_prefix(';');
        }
        let rest = text.strip_prefix(['v', 'V'])?.trim_start_matches(BLANKS).strip_prefix('=')?;
        let rest = rest.trim_start_matches(BLANKS).strip_prefix(self.value)?.trim_start_matches(BLANKS);
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix(';') }
    }

    /// Which bytes of a text that was meant to be a record keep it from being one, and whether they are white space alone.
    fn damage(self, text: &str) -> Option<(Range<usize>, bool)> {
        let trimmed = text.trim_start();
        if self.begins(trimmed) {
            return Some((0..text.len() - trimmed.len(), true));
        }
        let end = text.find(';').unwrap_or(text.len());
        let letters: String = text
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(self.value.len() + 1)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        let value = self.value.to_ascii_lowercase();
        let unnumbered = value.trim_end_matches(|end: char| end.is_ascii_digit() || end == 'v');
        let is_meant = letters.starts_with(&value)
            || letters.strip_prefix('v').is_some_and(|rest| rest.starts_with(unnumbered))
            || Tags::parse(text)
                .tags
                .iter()
                .any(|tag| tag.name.eq_ignore_ascii_case("v") && tag.value.eq_ignore_ascii_case(self.value));
        is_meant.then_some((0..end, false))
    }
}

impl Texts {
    /// Every text.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let damaged = self.damaged.iter().map(|damaged| &damaged.text);
        self.records.iter().chain(damaged).chain(&self.others).map(String::as_str)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }
}

/// As much of what strangers wrote as fits into a sentence.
pub(super) fn shorten(text: &str) -> String {
    let mut words: String = text.chars().take(LONGEST_QUOTE).collect();
    if words.len() < text.len() {
        words.push('…');
    }
    words
}

const BLANKS: [char; 2] = [' ', '\t'];
const QUOTES: [char; 5] = ['"', '\'', '“', '”', '„'];
/// An answer can hold thousands, each of which would be reported.
const MOST_TEXTS: usize = 20;
const LONGEST_QUOTE: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    const DMARC: Version = Version { value: "DMARC1", blanks: true };
    const TLS_RPT: Version = Version { value: "TLSRPTv1", blanks: false };

    fn sort(version: Version, texts: &[&str]) -> Texts {
        let texts: Vec<_> =
            texts.iter().map(|text| Text { strings: vec![text.as_bytes().to_vec()] }).collect();
        version.sort(&texts)
    }

    #[test]
    fn what_begins_as_it_must() {
        let records =
            ["V = DMARC1", "v=DMARC1", "v=DMARC1 ;", "v=DMARC1; p=none", "v=DMARC1;p=none", "v\t=\tDMARC1;"];
        let mut expected = records.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(sort(DMARC, &records), Texts { records: expected, ..Texts::default() });
        assert_eq!(sort(TLS_RPT, &["v=TLSRPTv1;rua=mailto:a@b.example"]).records.len(), 1);
    }

    #[test]
    fn what_was_meant_to() {
        for (text, at, words) in [
            (" v=DMARC1; p=none", 0..1, "White space"),
            ("\u{a0}v=DMARC1", 0..2, "White space"),
            ("v=dmarc1; p=none", 0..8, "exactly so"),
            ("v=DMARC1\\; p=none\\;", 0..9, "backslashes"),
            ("\"v=DMARC1; p=none\"", 0..9, "quotation marks"),
            ("v=DMARC1 p=none", 0..15, "semicolon at once"),
            ("v=DMARC1, p=none", 0..16, "semicolon at once"),
            ("v=DMARC2; p=none", 0..8, "exactly so"),
            ("v=DMARC; p=none", 0..7, "exactly so"),
            ("v:DMARC1; p=none", 0..8, "exactly so"),
            ("DMARC1; p=none", 0..6, "exactly so"),
            ("p=none; v=DMARC1", 0..6, "first tag"),
        ] {
            let texts = sort(DMARC, &[text]);
            let [damaged] = texts.damaged.as_slice() else { panic!("{text}: {texts:?}") };
            assert_eq!(damaged.at, at, "{text}");
            assert!(DMARC.complaint(damaged).contains(words), "{}", DMARC.complaint(damaged));
        }
        for text in ["v=TLSRPTv1", "v=TLSRPTv1 ;rua=mailto:a@b.example", "v=TLSRPT1;rua=", "v=tlsrptv1;"] {
            assert_eq!(sort(TLS_RPT, &[text]).damaged.len(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_about_something_else() {
        for text in
            ["", "v=spf1 -all", "dmarcian-verification=1", "google-site-verification=v=DMARC1", "v", "=", "ä"]
        {
            assert_eq!(sort(DMARC, &[text]).others.len(), 1, "{text}");
        }
    }
}
