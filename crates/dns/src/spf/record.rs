//! The syntax of a record (RFC 7208 sections 4.6.1 and 12), with the place of everything.

use std::{fmt, ops::Range};

use serde::{Serialize, Serializer};

use super::{
    macros::{MacroString, Place},
    network::Network,
    problem::Problem,
    term,
};

/// A record. Every range is in bytes of its text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The record as it was found.
    pub text: String,
    /// Its terms in their order, with those that cannot be understood.
    pub terms: Vec<Term>,
    /// Why it is worth nothing: one fault is enough (RFC 7208 section 4.6).
    pub faults: Vec<Fault>,
    /// How many bytes at its end were not read, because no record is that long.
    pub left_out: usize,
    /// Which term is the first `all`.
    all: Option<(usize, Qualifier)>,
    has_redirect: bool,
    has_explanation: bool,
}

/// A piece between spaces.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Term {
    /// Where it stands.
    pub at: Range<usize>,
    /// What it says.
    pub meaning: Meaning,
}

/// What a term says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Meaning {
    /// Which senders it means, and what of them.
    Directive(Qualifier, Mechanism),
    /// Another domain's record says the rest.
    Redirect(MacroString),
    /// Where the explanation of a refusal is.
    Explanation(MacroString),
    /// Something that is to be ignored.
    Modifier {
        /// Its name, as written.
        name: String,
        /// Its value.
        value: String,
    },
    /// Nothing that can be understood; the record's faults say why.
    Broken,
}

/// What a match means.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Qualifier {
    /// `+`, or none: may send.
    Pass,
    /// `-`: may not send.
    Fail,
    /// `~`: probably may not send.
    SoftFail,
    /// `?`: nothing is said.
    Neutral,
}

/// Which senders are meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mechanism {
    /// Everyone.
    All,
    /// Those that pass another domain's record.
    Include(MacroString),
    /// The addresses of a name, or of the domain itself.
    A(Option<MacroString>, Prefixes),
    /// The addresses of the hosts that receive the domain's mail.
    Mx(Option<MacroString>, Prefixes),
    /// Those whose own name is in the domain.
    Ptr(Option<MacroString>),
    /// A range of IPv4.
    Ip4(Network),
    /// A range of IPv6.
    Ip6(Network),
    /// Those for whom a name exists.
    Exists(MacroString),
}

/// How many bits of an address `a` and `mx` compare.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Prefixes {
    /// Of IPv4.
    pub ipv4: u8,
    /// Of IPv6.
    pub ipv6: u8,
}

/// A fault of syntax.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The bytes that are wrong, never none.
    pub at: Range<usize>,
    /// The term they are in.
    pub term: Range<usize>,
    /// What is wrong.
    pub problem: Problem,
}

impl Record {
    /// Reads a record; nothing when it does not start with the version (RFC 7208 section 4.5).
    pub fn parse(text: &str) -> Option<Self> {
        if !is_record(text) {
            return None;
        }
        let read = readable(text);
        let mut record = Self {
            text: read.to_owned(),
            terms: Vec::new(),
            faults: Vec::new(),
            left_out: text.len() - read.len(),
            all: None,
            has_redirect: false,
            has_explanation: false,
        };
        let mut start = 0;
        // Terms are separated by spaces, not by other white space.
        for (index, piece) in read.split(' ').enumerate() {
            let at = start..start + piece.len();
            start = at.end + 1;
            if index == 0 || piece.is_empty() {
                continue;
            }
            if record.terms.len() == MOST_TERMS {
                record.left_out += record.text.len() - at.start;
                break;
            }
            match term::parse(piece) {
                Ok(meaning) => record.add(at, meaning),
                Err((within, problem)) => {
                    let wrong = at.start + within.start..at.start + within.end;
                    record.faults.push(Fault { at: wrong, term: at.clone(), problem });
                    record.terms.push(Term { at, meaning: Meaning::Broken });
                }
            }
        }
        Some(record)
    }

    /// A term as it is written.
    pub fn written(&self, at: &Range<usize>) -> &str {
        self.text.get(at.clone()).unwrap_or_default()
    }

    /// The first `all`: what comes after it is never looked at.
    pub fn all(&self) -> Option<(usize, Qualifier)> {
        self.all
    }

    /// Where the rest of the record is, when there is no `all` (RFC 7208 section 6.1).
    pub fn redirect(&self) -> Option<&MacroString> {
        if self.all().is_some() {
            return None;
        }
        self.terms.iter().find_map(|term| match &term.meaning {
            Meaning::Redirect(domain) => Some(domain),
            _ => None,
        })
    }

    /// Where the explanation of a refusal is.
    pub fn explanation(&self) -> Option<&MacroString> {
        self.terms.iter().find_map(|term| match &term.meaning {
            Meaning::Explanation(domain) => Some(domain),
            _ => None,
        })
    }

    /// Whether the term at `index` can have an effect.
    pub fn is_reached(&self, index: usize) -> bool {
        let Some((all, _)) = self.all() else { return true };
        match self.terms.get(index).map(|term| &term.meaning) {
            Some(Meaning::Directive(..) | Meaning::Broken) => index <= all,
            Some(Meaning::Redirect(_)) => false,
            _ => true,
        }
    }

    /// Adds a term; of `redirect` and `exp` there may be one each (RFC 7208 section 6).
    fn add(&mut self, at: Range<usize>, meaning: Meaning) {
        let is_repeated = match meaning {
            Meaning::Redirect(_) => std::mem::replace(&mut self.has_redirect, true),
            Meaning::Explanation(_) => std::mem::replace(&mut self.has_explanation, true),
            Meaning::Directive(qualifier, Mechanism::All) => {
                self.all.get_or_insert((self.terms.len(), qualifier));
                false
            }
            _ => false,
        };
        if is_repeated {
            let fault = Fault { at: at.clone(), term: at.clone(), problem: Problem::Repeated };
            self.faults.push(fault);
        }
        self.terms.push(Term { at, meaning });
    }
}

impl Mechanism {
    /// The domain that is written in it.
    pub fn domain(&self) -> Option<&MacroString> {
        match self {
            Self::Include(domain) | Self::Exists(domain) => Some(domain),
            Self::A(domain, _) | Self::Mx(domain, _) | Self::Ptr(domain) => domain.as_ref(),
            Self::All | Self::Ip4(_) | Self::Ip6(_) => None,
        }
    }
}

impl Qualifier {
    /// The character that stands for it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Pass => "+",
            Self::Fail => "-",
            Self::SoftFail => "~",
            Self::Neutral => "?",
        }
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sign())
    }
}

impl Serialize for Qualifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.sign())
    }
}

/// Whether a text is an SPF record (RFC 7208 section 4.5).
pub fn is_record(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.get(..VERSION.len()).is_some_and(|start| start.eq_ignore_ascii_case(VERSION.as_bytes()))
        && matches!(bytes.get(VERSION.len()), None | Some(b' '))
}

/// A text where a domain must be: a macro string that ends as a domain does.
pub(super) fn domain(text: &str, at: usize) -> Result<MacroString, (Range<usize>, Problem)> {
    let all = at..at + text.len();
    if text.is_empty() {
        return Err((0..at, Problem::NoValue));
    }
    let domain = MacroString::parse(text, Place::Record).map_err(|fault| {
        (at + fault.at.start..at + fault.at.end, Problem::Macro { problem: fault.problem })
    })?;
    if domain.is_domain() { Ok(domain) } else { Err((all, Problem::no_domain(text))) }
}

/// The terms of a record that are short enough to be read together.
fn readable(text: &str) -> &str {
    let read = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or(text);
    if read.len() == text.len() {
        return text;
    }
    read.rfind(' ').and_then(|end| read.get(..end)).unwrap_or(read)
}

const VERSION: &str = "v=spf1";
/// Bytes of a record that are read: 32 times what is recommended (RFC 7208 section 3.4).
const LONGEST: usize = 16 * 1_024;
/// Terms of a record that are read. Ten of them may ask; the others are addresses.
const MOST_TERMS: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        Record::parse(text).unwrap()
    }

    #[test]
    fn the_version_is_exact() {
        for text in ["v=spf1", "V=SPF1", "v=spf1 ", "v=spf1 -all", "v=spf1  a"] {
            assert!(is_record(text), "{text:?}");
        }
        for text in [
            "",
            "v=spf",
            "v=spf10",
            "v=spf1\t-all",
            " v=spf1",
            "v=spf1;",
            "v=spf1-all",
            "\u{feff}v=spf1",
            "ä",
        ] {
            assert!(!is_record(text), "{text:?}");
        }
    }

    #[test]
    fn terms_have_their_places() {
        let record = record(
            "v=spf1  a mx:m.example/24//64 ip4:192.0.2.7/25 ip6:2001:DB8::1/32  redirect=r.example x=y ",
        );
        let written: Vec<_> = record.terms.iter().map(|term| record.written(&term.at)).collect();
        assert_eq!(
            written,
            [
                "a",
                "mx:m.example/24//64",
                "ip4:192.0.2.7/25",
                "ip6:2001:DB8::1/32",
                "redirect=r.example",
                "x=y"
            ]
        );
        assert!(record.faults.is_empty());
        let Meaning::Directive(Qualifier::Pass, Mechanism::Mx(Some(domain), prefixes)) =
            &record.terms[1].meaning
        else {
            panic!("{record:?}")
        };
        assert_eq!((domain.as_str(), *prefixes), ("m.example", Prefixes { ipv4: 24, ipv6: 64 }));
        assert_eq!(record.redirect().unwrap().as_str(), "r.example");
    }

    #[test]
    fn all_ends_the_record() {
        let record = record("v=spf1 a ~ALL mx -all redirect=r.example exp=e.example");
        assert_eq!(record.all(), Some((1, Qualifier::SoftFail)));
        assert_eq!(record.redirect(), None);
        assert_eq!(record.explanation().unwrap().as_str(), "e.example");
        let reached: Vec<_> = (0..record.terms.len()).map(|index| record.is_reached(index)).collect();
        assert_eq!(reached, [true, true, false, false, false, true]);
    }

    #[test]
    fn no_more_is_read_than_a_record_can_be() {
        let long = record(&format!("v=spf1 {}-all", "include:a.example ".repeat(5_000)));
        assert_eq!((long.text.len() + long.left_out, long.all()), (7 + 18 * 5_000 + 4, None));
        assert!(long.faults.is_empty() && long.terms.len() == (LONGEST - 7) / 18);
        let many = record(&format!("v=spf1 {}", "a ".repeat(30_000)));
        assert_eq!((many.terms.len(), many.left_out > 50_000), (MOST_TERMS, true));
        let one = record(&format!("v=spf1 a:{}", "ä".repeat(30_000)));
        assert_eq!((one.terms.len(), one.text.as_str()), (0, "v=spf1"));
    }

    #[test]
    fn a_modifier_that_may_stand_once() {
        let faults = record("v=spf1 exp=a.example x=1 x=1 exp=b.example redirect=a.example").faults;
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].problem, Problem::Repeated);
        assert_eq!(faults[0].at, 29..42);
    }

    proptest::proptest! {
        #[test]
        fn places_are_always_within(terms in "[ a-z0-9:=/.~?+%{}\"ä–\t-]{0,80}|([a-z0-9]{1,8}[:=/]?[a-z0-9:./%{}-]{0,12} ){0,6}") {
            let text = format!("v=spf1 {terms}");
            let record = record(&text);
            for term in &record.terms {
                proptest::prop_assert!(record.text.get(term.at.clone()).is_some_and(|it| !it.is_empty()));
            }
            for fault in &record.faults {
                proptest::prop_assert!(record.text.get(fault.at.clone()).is_some_and(|it| !it.is_empty()));
                proptest::prop_assert!(record.text.get(fault.term.clone()).is_some());
                proptest::prop_assert!(!fault.problem.to_string().is_empty());
            }
        }

        #[test]
        fn what_is_well_formed_has_no_fault(
            terms in proptest::collection::vec(
                proptest::prop_oneof![
                    "[+?~-]?(a|mx)(:[a-z]{1,9}\\.example)?(/(0|[1-9]|[12][0-9]|3[0-2]))?(//(0|[1-9]|[1-9][0-9]|1[01][0-9]))?",
                    "[+?~-]?ip4:[1-9]\\.[0-9]\\.[0-9]\\.[0-9](/(0|[1-9]|[12][0-9]|3[0-2]))?",
                    "[+?~-]?ip6:[1-9a-f]{1,4}::[0-9a-f]{1,4}(/(0|[1-9]|[1-9][0-9]|1[01][0-9]))?",
                    "[+?~-]?(include|exists):(%\\{[slodiphvSLODIPHV][1-9]?r?[./+_-]{0,2}\\}|[a-z]{1,5})\\.example\\.?",
                    "[+?~-]?(all|ALL|ptr|ptr:a\\.example)",
                    "[a-z][a-z0-9._-]{6}=[a-z/:=]{0,6}",
                ],
                0..12,
            ),
        ) {
            let record = record(&format!("v=spf1 {}", terms.join(" ")));
            proptest::prop_assert_eq!(&record.faults, &[], "{}", record.text);
            proptest::prop_assert_eq!(record.terms.len(), terms.len());
        }
    }
}
