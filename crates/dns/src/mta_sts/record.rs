//! The record that says that there is a policy, and which (RFC 8461 section 3.1).

use std::{collections::HashSet, ops::Range};

use crate::bounds::MOST_OF_A_CODE;

/// What a record says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Record {
    /// What changes whenever the policy does; `None` when it is missing or not valid.
    pub id: Option<String>,
    /// What is wrong with it, in the order of the text.
    pub faults: Vec<Fault>,
}

/// Something wrong with a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// Which bytes.
    pub at: Range<usize>,
}

/// What can be wrong with a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A piece between semicolons is not `name=value`.
    Syntax,
    /// There is no `id`.
    NoId,
    /// The `id` is not 1 to 32 letters and digits.
    BadId,
    /// A field occurs again; the first one counts.
    Repeated,
}

impl Record {
    /// Reads a text; `None` when it is no record of this kind: others at the same name are passed over.
    pub fn parse(text: &str) -> Option<Self> {
        let fields = text.strip_prefix(VERSION)?;
        let mut record = Self::default();
        let mut names = HashSet::from(["v"]);
        let mut start = VERSION.len();
        for piece in fields.split(';') {
            let left = piece.len() - piece.trim_start_matches(WHITE_SPACE).len();
            let field = piece.trim_matches(WHITE_SPACE);
            let at = start + left..start + left + field.len();
            start += piece.len() + 1;
            if !field.is_empty() {
                record.field(field, at, &mut names);
            } else if text.get(start..).is_some_and(|rest| rest.contains(|c| !BETWEEN.contains(&c))) {
                // Semicolons behind the last field harm nobody, though one would do (RFC 8461 section 3.1).
                record.fault(Kind::Syntax, at.start..start);
            }
        }
        if !names.contains("id") {
            record.fault(Kind::NoId, 0..text.len());
        }
        Some(record)
    }

    /// Whether a text is not a record though it was meant as one: senders compare its first bytes with
    /// `v=STSv1;` exactly.
    pub fn is_meant(text: &str) -> bool {
        let bare: String =
            text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\\' | '“' | '”')).collect();
        let bare = bare.to_ascii_lowercase();
        !text.starts_with(VERSION) && ["v=sts", "v:sts", "stsv1"].iter().any(|start| bare.starts_with(start))
    }

    fn field<'a>(&mut self, field: &'a str, at: Range<usize>, names: &mut HashSet<&'a str>) {
        let Some((name, value)) = field.split_once('=').filter(|(name, _)| is_name(name)) else {
            return self.fault(Kind::Syntax, at);
        };
        if !names.insert(name) {
            return self.fault(Kind::Repeated, at);
        }
        let value_at = at.start + name.len() + 1..at.end;
        if name == "id" {
            let is_id = (1..=32).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric());
            match is_id {
                true => self.id = Some(value.to_owned()),
                false => self.fault(Kind::BadId, value_at),
            }
        } else if value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic() && b != b'=') {
            self.fault(Kind::Syntax, value_at);
        }
    }

    fn fault(&mut self, kind: Kind, at: Range<usize>) {
        // A record can be 64 KiB of mistakes.
        if self.faults.iter().filter(|fault| fault.kind == kind).count() > MOST_OF_A_CODE {
            return;
        }
        self.faults.push(Fault { kind, at });
    }
}

/// `sts-ext-name`, which is also the name of a policy's extension field.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

const VERSION: &str = "v=STSv1;";
const WHITE_SPACE: [char; 2] = [' ', '\t'];
const BETWEEN: [char; 3] = [' ', '\t', ';'];

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(Kind, &str)> {
        let record = Record::parse(text).unwrap();
        record.faults.into_iter().map(|fault| (fault.kind, text.get(fault.at).unwrap())).collect()
    }

    #[test]
    fn what_is_right() {
        for text in [
            "v=STSv1; id=20160831085700Z;",
            "v=STSv1;id=1",
            "v=STSv1; \tid=abcdefghijABCDEFGHIJ012345678901 ;",
            "v=STSv1; x-y.z_1=a+b/c; id=7;",
        ] {
            let record = Record::parse(text).unwrap();
            assert!(record.id.is_some() && record.faults.is_empty(), "{text}: {record:?}");
        }
        assert_eq!(Record::parse("v=STSv1; id=20160831085700Z;").unwrap().id.unwrap(), "20160831085700Z");
    }

    #[test]
    fn what_is_wrong_and_where() {
        assert_eq!(faults("v=STSv1;"), [(Kind::NoId, "v=STSv1;")]);
        assert_eq!(faults("v=STSv1; id=;"), [(Kind::BadId, "")]);
        assert_eq!(faults("v=STSv1; id=2024-01-01;"), [(Kind::BadId, "2024-01-01")]);
        assert_eq!(
            faults("v=STSv1; id=abcdefghijabcdefghijabcdefghij123"),
            [(Kind::BadId, "abcdefghijabcdefghijabcdefghij123")]
        );
        assert_eq!(faults("v=STSv1; id = 1"), [(Kind::Syntax, "id = 1"), (Kind::NoId, "v=STSv1; id = 1")]);
        assert_eq!(faults("v=STSv1; ID=1"), [(Kind::NoId, "v=STSv1; ID=1")]);
        assert_eq!(faults("v=STSv1; id=1; id=2"), [(Kind::Repeated, "id=2")]);
        assert_eq!(faults("v=STSv1; id=1; mode: enforce"), [(Kind::Syntax, "mode: enforce")]);
        assert_eq!(faults("v=STSv1; id=1; ä=1; x="), [(Kind::Syntax, "ä=1"), (Kind::Syntax, "")]);
        assert_eq!(Record::parse("v=STSv1; id=1; id=2").unwrap().id.unwrap(), "1");
    }

    #[test]
    fn other_texts_and_slips() {
        for (text, meant) in [
            ("v=spf1 -all", false),
            ("", false),
            ("v=STSv1", true),
            ("v=STSv1 ; id=1", true),
            (" v=STSv1; id=1", true),
            ("V=STSv1; id=1", true),
            ("v=stsv1; id=1", true),
            ("v = STSv1; id=1", true),
            ("\"v=STSv1; id=1\"", true),
            ("v=STSv2; id=1", true),
        ] {
            assert_eq!(Record::parse(text), None, "{text}");
            assert_eq!(Record::is_meant(text), meant, "{text}");
        }
        assert!(!Record::is_meant("v=STSv1; id=1"));
    }

    #[test]
    fn a_record_of_mistakes_has_few() {
        for piece in [" b;", "a=1;", "id=-;"] {
            let record =
                Record::parse(&format!("v=STSv1; aa{}", piece.repeat(64_000 / piece.len()))).unwrap();
            assert!(record.faults.len() <= 2 * (MOST_OF_A_CODE + 1), "{piece} {}", record.faults.len());
        }
    }

    proptest::proptest! {
        #[test]
        fn positions_are_always_within(rest in "[ -~ä;=\t]{0,80}") {
            let text = format!("v=STSv1;{rest}");
            for fault in Record::parse(&text).unwrap().faults {
                proptest::prop_assert!(text.get(fault.at).is_some());
            }
        }
    }
}
