//! Which of a name's texts is its record (RFC 7208 section 4.5).

use super::{
    super::{Answer, Text, Trouble},
    record::{Record, is_record},
};

/// What a name publishes.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Its record, or why it has none.
    pub source: Source,
    /// Texts that are no record but look as if they were meant as one.
    pub strays: Vec<Stray>,
}

/// A name's record.
#[derive(Clone, Debug)]
pub enum Source {
    /// It has exactly one.
    Record {
        /// The record.
        record: Record,
        /// Where in it one string of the answer ends and the next one starts.
        seams: Vec<usize>,
    },
    /// It has several, which is as good as none; in alphabetical order, because an answer has none.
    Several(Vec<String>),
    /// It has other texts only.
    None,
    /// It has no texts, or does not exist.
    Void {
        /// Whether it does not exist.
        is_name_missing: bool,
    },
    /// The name cannot be asked for.
    BadName,
    /// Nobody could tell.
    Unknown(Trouble),
}

/// A text that looks like a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stray {
    /// The text.
    pub text: String,
    /// What keeps it from being one.
    pub reason: StrayReason,
}

/// What keeps a text from being a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StrayReason {
    /// Sender ID (RFC 4406), which is historic.
    #[error("it is a record of Sender ID, which nobody evaluates any more")]
    SenderId,
    /// Something stands in front of the version.
    #[error("the record must start with v=spf1, and something else stands in front of it")]
    Before,
    /// Something else than a space follows the version.
    #[error("after v=spf1 there must be a space")]
    After,
    /// The version is misspelt.
    #[error("the record must start with v=spf1, written exactly so")]
    Version,
}

impl Selection {
    /// Takes the record from the answer to a question for TXT.
    pub fn of(answer: &Answer<Text>) -> Self {
        let mut strays = Vec::new();
        let source = match answer {
            Answer::NoData => Source::Void { is_name_missing: false },
            Answer::NoName => Source::Void { is_name_missing: true },
            Answer::Unknown(Trouble::BadName) => Source::BadName,
            Answer::Unknown(trouble) => Source::Unknown(*trouble),
            Answer::Found(found) => {
                let mut records = Vec::new();
                for text in &found.records {
                    let joined = text.joined();
                    if is_record(&joined) {
                        records.push((joined, text));
                    } else if let Some(reason) = StrayReason::of(&joined) {
                        strays.push(Stray { text: joined, reason });
                    }
                }
                match records.as_slice() {
                    [] => Source::None,
                    [(joined, text)] => match Record::parse(joined) {
                        Some(record) => Source::Record { record, seams: seams(text) },
                        None => Source::None,
                    },
                    _ => {
                        let mut texts: Vec<_> = records.into_iter().map(|(joined, _)| joined).collect();
                        texts.sort();
                        Source::Several(texts)
                    }
                }
            }
        };
        strays.sort_by(|a, b| a.text.cmp(&b.text));
        Self { source, strays }
    }
}

impl Source {
    /// Whether asking for it counts as a void lookup (RFC 7208 section 4.6.4).
    pub fn is_void(&self) -> bool {
        matches!(self, Self::Void { .. })
    }
}

impl StrayReason {
    fn of(text: &str) -> Option<Self> {
        let is_junk =
            |c: char| c.is_whitespace() || c.is_control() || "\"'\\“”„‘’\u{feff}\u{fffd}(".contains(c);
        let bare = text.trim_start_matches(is_junk);
        let start: String = bare.chars().take(LONGEST_START).collect::<String>().to_ascii_lowercase();
        if start.starts_with("spf2.0/") || start.starts_with("v=spf2.0/") {
            return Some(Self::SenderId);
        }
        if start.starts_with("v=spf1") {
            return Some(if bare.len() < text.len() { Self::Before } else { Self::After });
        }
        let packed: String = start.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
        let is_meant = ["v=spf", "v:spf1", "v-spf1", "v;spf1", "=spf1", "vspf1", "v=sfp1", "v=psf1", "v=sp1"]
            .iter()
            .any(|version| packed.starts_with(version))
            || ["spf1 ", "spf=1 ", "spf "].iter().any(|version| start.starts_with(version) && says_all(text));
        is_meant.then_some(Self::Version)
    }
}

/// Whether a text that starts almost like a record also ends like one, so that it is no note to somebody.
fn says_all(text: &str) -> bool {
    let text = text.trim_end().to_ascii_lowercase();
    ["-all", "~all", "?all", "+all"].iter().any(|all| text.ends_with(all))
}

/// Where strings were joined, in bytes of the joined text.
fn seams(text: &Text) -> Vec<usize> {
    let (bytes, mut seams) = (text.strings.concat(), Vec::new());
    let ends = text.strings.iter().scan(0, |end, string| {
        *end += string.len();
        Some(*end)
    });
    let mut ends = ends.take(text.strings.len().saturating_sub(1)).peekable();
    // A byte that is no UTF-8 was replaced by a character of three.
    let (mut raw, mut joined) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        let (valid, invalid) = (chunk.valid().len(), chunk.invalid().len());
        while let Some(end) = ends.next_if(|end| *end <= raw + valid) {
            seams.push(joined + (end - raw));
        }
        raw += valid + invalid;
        joined += valid + if invalid > 0 { char::REPLACEMENT_CHARACTER.len_utf8() } else { 0 };
        while ends.next_if(|end| *end <= raw).is_some() {
            seams.push(joined);
        }
    }
    seams
}

const LONGEST_START: usize = 24;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Found;

    fn select(texts: &[&[&str]]) -> Selection {
        let records = texts
            .iter()
            .map(|strings| Text { strings: strings.iter().map(|text| text.as_bytes().to_vec()).collect() })
            .collect();
        Selection::of(&Answer::Found(Found { records, ttl: Duration::from_secs(60), alias: None }))
    }

    #[test]
    fn one_record_among_others() {
        let selection = select(&[&["verification=1"], &["v=spf1 a", " -all"], &["spf2.0/pra -all"]]);
        let Source::Record { record, seams } = selection.source else { panic!("{selection:?}") };
        assert_eq!((record.text.as_str(), seams), ("v=spf1 a -all", vec![8]));
        assert_eq!(selection.strays[0].reason, StrayReason::SenderId);
    }

    #[test]
    fn seams_are_places_of_the_joined_text() {
        let text = |strings: &[&[u8]]| Text { strings: strings.iter().map(|it| it.to_vec()).collect() };
        assert_eq!(seams(&text(&[b"v=spf1 ", b"a ", b"", b"-all"])), [7, 9, 9]);
        assert_eq!(seams(&text(&[b"v=spf1 \xff", b"a", b"mx"])), [10, 11]);
        assert_eq!(seams(&text(&["v=spf1 ä".as_bytes(), b"a"])), [9]);
        assert!(seams(&text(&[b"v=spf1"])).is_empty());
        assert!(seams(&text(&[])).is_empty());
        let many: Vec<_> = std::iter::repeat_n(b"a".to_vec(), 60_000).collect();
        assert_eq!(seams(&Text { strings: many }).len(), 59_999);
    }

    #[test]
    fn several_are_in_one_order() {
        let selection = select(&[&["v=spf1 b"], &["V=SPF1 a"]]);
        assert!(matches!(&selection.source, Source::Several(texts) if *texts == ["V=SPF1 a", "v=spf1 b"]));
    }

    #[test]
    fn what_was_meant_as_a_record() {
        for (text, reason) in [
            ("v=spf10 -all", StrayReason::After),
            ("v=spf1;-all", StrayReason::After),
            ("v=spf1\ta -all", StrayReason::After),
            (" v=spf1 -all", StrayReason::Before),
            ("\"v=spf1 -all\"", StrayReason::Before),
            ("\u{feff}v=spf1 -all", StrayReason::Before),
            ("v = spf1 -all", StrayReason::Version),
            ("v=spf 1 a -all", StrayReason::Version),
            ("v=spf a -all", StrayReason::Version),
            ("spf1 include:a.example ~all", StrayReason::Version),
            ("SPF2.0/mfrom,pra -all", StrayReason::SenderId),
        ] {
            let selection = select(&[&[text]]);
            assert!(matches!(selection.source, Source::None), "{text}");
            assert_eq!(selection.strays, [Stray { text: text.to_owned(), reason }], "{text}");
        }
        for text in
            ["", "google-site-verification=spf1", "spf-note: ask Joe", "spf records are by Joe", "v=DMARC1"]
        {
            assert_eq!(select(&[&[text]]).strays, [], "{text}");
        }
    }
}
