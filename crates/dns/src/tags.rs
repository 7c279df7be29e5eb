//! The `tag=value; tag=value` lists that DMARC, DKIM, TLS-RPT, MTA-STS and BIMI records are (RFC 6376 section 3.2),
//! with the place of everything, so that a fault can be pointed at.

use std::{collections::HashSet, ops::Range};

/// A list of tags. Every range is in bytes of the text it was read from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tags<'a> {
    /// The tags in their order, with those that occur twice.
    pub tags: Vec<Tag<'a>>,
    /// Pieces that are not tags: without `=`, without a valid name, or empty; an empty one includes the semicolon after it.
    /// One semicolon may follow the last tag (RFC 6376 section 3.2, RFC 9989 section 4.8).
    pub faults: Vec<Range<usize>>,
}

/// One `name=value`, white space around both taken off.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tag<'a> {
    /// The name, as written.
    pub name: &'a str,
    /// The value, as written.
    pub value: &'a str,
    /// Where the name stands.
    pub name_at: Range<usize>,
    /// Where the value stands.
    pub value_at: Range<usize>,
}

impl<'a> Tags<'a> {
    /// Reads a record. Nothing is refused: what is no tag is kept as a fault.
    pub fn parse(text: &'a str) -> Self {
        let mut list = Self::default();
        let mut start = 0;
        for piece in text.split(';') {
            let at = start..start + piece.len();
            start = at.end + 1;
            if piece.trim_matches(WHITE_SPACE).is_empty() {
                let is_end = at.end == text.len();
                list.faults.extend((!is_end).then_some(at.start..at.end + 1));
                continue;
            }
            match Tag::parse(piece, at.start) {
                Some(tag) => list.tags.push(tag),
                None => list.faults.push(at),
            }
        }
        list
    }

    /// What is wrong with a fault that is an empty piece: a sentence.
    pub(super) fn emptiness(piece: &str) -> Option<String> {
        let is_empty = piece.trim_matches(WHITE_SPACE) == ";";
        is_empty.then(|| "Nothing stands between two semicolons.".to_owned())
    }

    /// The first tag of that name; names of tags are case-sensitive (RFC 6376 section 3.2).
    pub fn find(&self, name: &str) -> Option<&Tag<'a>> {
        self.tags.iter().find(|tag| tag.name == name)
    }

    /// Tags whose name an earlier tag has already.
    pub fn repeated(&self) -> impl Iterator<Item = &Tag<'a>> {
        let mut seen = HashSet::new();
        self.tags.iter().filter(move |tag| !seen.insert(tag.name))
    }
}

impl<'a> Tag<'a> {
    fn parse(piece: &'a str, start: usize) -> Option<Self> {
        let (name, value) = piece.split_once('=')?;
        let name_at = trimmed_at(name, start);
        let value_at = trimmed_at(value, start + name.len() + 1);
        let (name, value) = (name.trim_matches(WHITE_SPACE), value.trim_matches(WHITE_SPACE));
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then_some(Self { name, value, name_at, value_at })
    }
}

fn trimmed_at(text: &str, start: usize) -> Range<usize> {
    let left = text.len() - text.trim_start_matches(WHITE_SPACE).len();
    let length = text.trim_matches(WHITE_SPACE).len();
    start + left..start + left + length
}

const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_place() {
        let text = "v=DMARC1 ; p = reject;; sp=;junk; p=none;";
        let tags = Tags::parse(text);
        let read: Vec<_> = tags.tags.iter().map(|tag| (tag.name, tag.value)).collect();
        assert_eq!(read, [("v", "DMARC1"), ("p", "reject"), ("sp", ""), ("p", "none")]);
        for tag in &tags.tags {
            assert_eq!(text.get(tag.name_at.clone()), Some(tag.name));
            assert_eq!(text.get(tag.value_at.clone()), Some(tag.value));
        }
        assert_eq!(
            tags.faults.iter().map(|at| text.get(at.clone()).unwrap()).collect::<Vec<_>>(),
            [";", "junk"]
        );
        assert_eq!(tags.repeated().map(|tag| tag.value).collect::<Vec<_>>(), ["none"]);
        assert_eq!(tags.find("sp").unwrap().value, "");
        assert_eq!(tags.find("P"), None);
    }

    #[test]
    fn one_semicolon_may_end_a_list() {
        for (text, faults) in
            [("p=a", 0), ("p=a;", 0), ("p=a; ", 0), ("p=a;;", 1), ("p=a; ;", 1), ("p=a;;;", 2)]
        {
            assert_eq!(Tags::parse(text).faults.len(), faults, "{text}");
        }
    }

    #[test]
    fn a_value_may_hold_an_equals_sign() {
        let tags = Tags::parse("p=MIGf==;n=a=b");
        assert_eq!(tags.find("p").unwrap().value, "MIGf==");
        assert_eq!(tags.find("n").unwrap().value, "a=b");
        assert_eq!(Tags::parse("=x; 1a=y; ä=z").faults.len(), 3);
    }

    proptest::proptest! {
        #[test]
        fn ranges_are_always_within(text in "[ -~ä;=]{0,80}") {
            let tags = Tags::parse(&text);
            for tag in &tags.tags {
                proptest::prop_assert_eq!(text.get(tag.name_at.clone()), Some(tag.name));
                proptest::prop_assert_eq!(text.get(tag.value_at.clone()), Some(tag.value));
            }
            for fault in tags.faults {
                proptest::prop_assert!(text.get(fault).is_some());
            }
        }
    }
}
