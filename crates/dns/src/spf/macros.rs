//! Macros (RFC 7208 section 7).

mod expand;

use std::ops::Range;

use expand::Macro;

pub use expand::Values;

/// Text with macros in it, as it is written in a domain or in an explanation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MacroString {
    text: String,
    pieces: Vec<Piece>,
}

/// Where a macro string may stand, which says what may be in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// In a record.
    Record,
    /// In an explanation, where spaces and three more letters are allowed.
    Explanation,
}

/// A macro that is none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MacroFault {
    /// Its place in the text that was parsed.
    pub at: Range<usize>,
    /// What is wrong with it.
    pub problem: MacroProblem,
}

/// What is wrong with a macro.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MacroProblem {
    /// A `%` that starts nothing.
    #[error("a percent sign must be followed by {{, %, _ or -")]
    LonePercent,
    /// No `}`.
    #[error("the macro is not closed by }}")]
    NotClosed,
    /// A letter that stands for nothing.
    #[error("there is no macro %{{{letter}}}")]
    UnknownLetter {
        /// The letter, or nothing.
        letter: String,
    },
    /// `c`, `r` or `t` in a record.
    #[error("the macro %{{{letter}}} may stand in an explanation only")]
    ExplanationOnly {
        /// The letter.
        letter: char,
    },
    /// Something else than digits, `r` and delimiters.
    #[error("`{text}` cannot follow the letter of a macro")]
    Transformer {
        /// What follows.
        text: String,
    },
    /// A character that may not be in it.
    #[error("the character {character:?} is not allowed here")]
    Character {
        /// The character.
        character: char,
    },
}

impl MacroString {
    /// Reads a macro string.
    ///
    /// # Errors
    ///
    /// The first fault, with its place in `text`.
    pub fn parse(text: &str, place: Place) -> Result<Self, MacroFault> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let at = text.len() - rest.len();
            let length = if first == '%' {
                let (piece, length) = Piece::parse(rest, place)
                    .map_err(|(length, problem)| MacroFault { at: at..at + length, problem })?;
                pieces.push(piece);
                length
            } else {
                let length = rest.find('%').unwrap_or(rest.len());
                let literal = rest.get(..length).unwrap_or_default();
                let is_wrong = |c: char| !(c.is_ascii_graphic() || c == ' ' && place == Place::Explanation);
                if let Some((offset, character)) = literal.char_indices().find(|(_, c)| is_wrong(*c)) {
                    let at = at + offset..at + offset + character.len_utf8();
                    return Err(MacroFault { at, problem: MacroProblem::Character { character } });
                }
                pieces.push(Piece::Literal(literal.to_owned()));
                length
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// The text as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, when it is the same for every message.
    pub fn fixed(&self) -> Option<String> {
        let literal = |piece: &Piece| match piece {
            Piece::Literal(text) => Some(text.clone()),
            Piece::Macro(_) => None,
        };
        self.pieces.iter().map(literal).collect()
    }

    /// Whether it asks for the name of the client, which costs lookups.
    pub fn uses_client_name(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Macro(it) if it.is_client_name()))
    }

    /// Whether it can be a domain: its end is a macro, or a top label after a dot (RFC 7208 section 7.1).
    pub fn is_domain(&self) -> bool {
        let ends_in_macro = || matches!(self.pieces.last(), Some(Piece::Macro(_)));
        let ends_in_escape = || ["%%", "%_", "%-"].iter().any(|escape| self.text.ends_with(escape));
        let text = self.text.strip_suffix('.').unwrap_or(&self.text);
        ends_in_macro()
            || ends_in_escape()
            || text.rsplit_once('.').is_some_and(|(_, label)| is_top_label(label))
    }

    /// What it stands for.
    pub fn expand(&self, values: &Values<'_>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Macro(it) => it.expand(values, &mut text),
            }
        }
        text
    }

    /// What it stands for as a name to ask for: not longer than a name can be (RFC 7208 section 7.3).
    pub fn expand_domain(&self, values: &Values<'_>) -> String {
        let expanded = self.expand(values);
        let mut name = expanded.strip_suffix('.').unwrap_or(&expanded);
        while name.len() > LONGEST_NAME {
            let Some((_, rest)) = name.split_once('.') else { break };
            name = rest;
        }
        name.to_owned()
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Literal(String),
    Macro(Macro),
}

impl Piece {
    /// Reads what starts with a percent sign. An error comes with the length of what is wrong.
    fn parse(text: &str, place: Place) -> Result<(Self, usize), (usize, MacroProblem)> {
        let literal = |text: &str| Ok((Self::Literal(text.to_owned()), 2));
        match text.as_bytes().get(1) {
            Some(b'%') => literal("%"),
            Some(b'_') => literal(" "),
            Some(b'-') => literal("%20"),
            Some(b'{') => {
                let end = text.find('}').ok_or((text.len(), MacroProblem::NotClosed))?;
                let inner = text.get(2..end).unwrap_or_default();
                let parsed = Macro::parse(inner, place).map_err(|problem| (end + 1, problem))?;
                Ok((Self::Macro(parsed), end + 1))
            }
            _ => Err((1, MacroProblem::LonePercent)),
        }
    }
}

/// RFC 7208 section 7.1: letters and digits, not only digits, and hyphens inside.
fn is_top_label(label: &str) -> bool {
    !label.is_empty()
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.bytes().all(|byte| byte.is_ascii_digit())
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// RFC 7208 section 7.3.
const LONGEST_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn expand(text: &str, address: &str) -> String {
        let values = Values {
            address: address.parse().unwrap(),
            local_part: "strong-bad",
            sender_domain: "email.example.com",
            domain: "email.example.com",
            helo: "mail.example",
            client_name: "mx.example.org",
            receiver: "receiver.example",
            time: 1_700_000_000,
        };
        MacroString::parse(text, Place::Explanation).unwrap().expand(&values)
    }

    #[test]
    fn the_examples_of_the_rfc() {
        // RFC 7208 section 7.4.
        for (text, expanded) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d3}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
            ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
            (
                "%{S} %{p} %{h} %{r} %{t} %{c}%%%_%-",
                "strong-bad%40email.example.com mx.example.org mail.example receiver.example 1700000000 192.0.2.3% %20",
            ),
        ] {
            assert_eq!(expand(text, "192.0.2.3"), expanded, "{text}");
        }
        let reversed = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com";
        let expanded = expand("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01");
        assert_eq!(expanded.to_ascii_lowercase(), reversed);
        assert_eq!(expand("%{c}", "2001:DB8::cb01"), "2001:db8::cb01");
    }

    #[test]
    fn what_is_no_macro_is_pointed_at() {
        for (text, wrong) in [
            ("a%", "%"),
            ("a%x.b", "%"),
            ("a.%{d", "%{d"),
            ("a.%{}.b", "%{}"),
            ("%{x}", "%{x}"),
            ("%{d0}", "%{d0}"),
            ("%{d2x}.b", "%{d2x}"),
            ("%{t}", "%{t}"),
            ("%{ä}", "%{ä}"),
            ("a b", " "),
            ("aäb", "ä"),
        ] {
            let fault = MacroString::parse(text, Place::Record).unwrap_err();
            assert_eq!(text.get(fault.at), Some(wrong), "{text}");
        }
        MacroString::parse("%{t} %{C} %{R}", Place::Explanation).unwrap();
    }

    #[test]
    fn domains_end_in_a_label_or_a_macro() {
        let is_domain = |text| MacroString::parse(text, Place::Record).unwrap().is_domain();
        for text in
            ["a.example", "a.example.", "%{d}", "a.%{d2}", "x.xn--zckzah", "foo:bar/baz.example", "a.b%%"]
        {
            assert!(is_domain(text), "{text}");
        }
        for text in
            ["", ".", "example", "example.", "192.0.2.1", "a.-com", "a.com-", "a.example:80", "a..", "%{d}x"]
        {
            assert!(!is_domain(text), "{text}");
        }
    }

    #[test]
    fn long_names_lose_labels_on_the_left() {
        let text = format!("{}.%{{d}}", vec!["x".repeat(62); 4].join("."));
        let domain = MacroString::parse(&text, Place::Record).unwrap();
        let values = Values {
            address: "192.0.2.1".parse().unwrap(),
            local_part: "",
            sender_domain: "",
            domain: "example.com.",
            helo: "",
            client_name: "",
            receiver: "",
            time: 0,
        };
        let expected = format!("{}.example.com", vec!["x".repeat(62); 3].join("."));
        assert_eq!(domain.expand_domain(&values), expected);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[%{}a-z0-9.+=/ ä-]{0,40}", address: [u8; 16]) {
            match MacroString::parse(&text, Place::Explanation) {
                Err(fault) => proptest::prop_assert!(text.get(fault.at).is_some_and(|it| !it.is_empty())),
                Ok(parsed) => {
                    let values = Values {
                        address: IpAddr::from(address),
                        local_part: &text,
                        sender_domain: "a.example",
                        domain: "",
                        helo: "ä",
                        client_name: ".",
                        receiver: "",
                        time: 0,
                    };
                    parsed.expand_domain(&values);
                    proptest::prop_assert_eq!(parsed.as_str(), text);
                }
            }
        }
    }
}
