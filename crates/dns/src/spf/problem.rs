//! What can be wrong with a term, in the words of somebody who wants to repair it.

use std::net::IpAddr;

use super::macros::MacroProblem;

/// What is wrong with a term.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A dash of a word processor.
    #[error("{character:?} is a typographic dash, not the hyphen of the keyboard")]
    Dash {
        /// The dash.
        character: char,
    },
    /// A quotation mark or a backslash, which belongs to a zone file and not into the record.
    #[error(
        "{character:?} does not belong into the record; zone files and forms add their own quotation marks"
    )]
    Quote {
        /// The character.
        character: char,
    },
    /// Terms are separated by something else than a space.
    #[error("terms are separated by spaces, not by {separator:?}")]
    Separator {
        /// What stands there.
        separator: char,
    },
    /// A character outside of ASCII, or a control character.
    #[error("the character {character:?} is not allowed in a record")]
    Character {
        /// The character.
        character: char,
    },
    /// Two terms without a space between them.
    #[error("a space is missing before `{second}`")]
    RunTogether {
        /// Where the second one starts.
        second: String,
    },
    /// A space after the colon has cut a term.
    #[error("a term needs a name; is there a space too many before it?")]
    NoName,
    /// A qualifier where none may be.
    #[error("`{name}=` takes no sign in front of it")]
    Qualified {
        /// The modifier.
        name: String,
    },
    /// No such mechanism.
    #[error("there is no mechanism `{name}`{}", meant(.suggestion.as_deref()))]
    Unknown {
        /// The name as it is written.
        name: String,
        /// What it should be.
        suggestion: Option<String>,
    },
    /// A character that can follow no name.
    #[error("`{name}` cannot be followed by {character:?}")]
    AfterName {
        /// The name.
        name: String,
        /// The character.
        character: char,
    },
    /// A mechanism that needs a value has none.
    #[error("the value is missing")]
    NoValue,
    /// A mechanism has a value that takes none.
    #[error("`{name}` takes no value")]
    Value {
        /// The mechanism.
        name: String,
    },
    /// A prefix length for a mechanism that takes none.
    #[error("`{name}` takes no prefix length")]
    Prefix {
        /// The mechanism.
        name: String,
    },
    /// A prefix length that is none.
    #[error("`{text}` is not a prefix length from 0 to {longest}, written without leading zeros")]
    BadPrefix {
        /// As it is written.
        text: String,
        /// The length of an address.
        longest: u8,
    },
    /// Not an IPv4 address.
    #[error("`{text}` is not an IPv4 address{}", meant(.suggestion.as_deref()))]
    BadIpv4 {
        /// As it is written.
        text: String,
        /// What it should be.
        suggestion: Option<String>,
    },
    /// Not an IPv6 address.
    #[error("`{text}` is not an IPv6 address{}", meant(.suggestion.as_deref()))]
    BadIpv6 {
        /// As it is written.
        text: String,
        /// What it should be.
        suggestion: Option<String>,
    },
    /// Not a domain.
    #[error("`{text}` is not a full domain name{}", meant(.suggestion.as_deref()))]
    BadDomain {
        /// As it is written.
        text: String,
        /// What it should be.
        suggestion: Option<String>,
    },
    /// A macro is wrong.
    #[error("{problem}")]
    Macro {
        /// What is wrong with it.
        problem: MacroProblem,
    },
    /// `redirect` or `exp` stands twice.
    #[error("it may stand in a record only once")]
    Repeated,
}

impl Problem {
    /// What is wrong with a text that is no domain.
    pub(super) fn no_domain(text: &str) -> Self {
        let address = text.split('/').next().unwrap_or_default().parse::<IpAddr>();
        let suggestion = address.ok().map(|address| format!("{}{text}", prefix_of(address)));
        Self::BadDomain { text: text.to_owned(), suggestion }
    }

    /// What is wrong with a name that is no mechanism; `rest` is what follows it.
    pub(super) fn unknown(name: &str, rest: &str) -> Self {
        let unknown = |suggestion| Self::Unknown { name: name.to_owned(), suggestion };
        let whole = format!("{name}{rest}");
        if let Ok(address) = whole.split('/').next().unwrap_or_default().parse::<IpAddr>() {
            return unknown(Some(format!("{}{whole}", prefix_of(address))));
        }
        let value = rest.strip_prefix([':', '=']).unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        if ["redirect", "exp"].contains(&lower.as_str()) {
            return unknown(Some(format!("{lower}={value}")));
        }
        if name.contains('.') && rest.is_empty() {
            return unknown(Some(format!("a:{name}` or `include:{name}")));
        }
        let is_ipv6 = value.matches(':').count() > 1;
        let nearest = NAMES
            .iter()
            .filter(|known| !(**known == "ip4" && is_ipv6))
            .map(|known| (distance(&lower, known), known))
            .filter(|(distance, known)| *distance <= known.len() / 3 && *distance < lower.len())
            .min_by_key(|(distance, _)| *distance);
        unknown(nearest.map(|(_, known)| match *known {
            "redirect" | "exp" => format!("{known}={value}"),
            _ => format!("{known}{rest}"),
        }))
    }
}

/// How somebody who wrote two terms as one would have to separate them: where the second starts, in a term that may
/// even be well-formed.
pub(super) fn second_term(term: &str) -> Option<usize> {
    let lower = term.to_ascii_lowercase();
    let body = lower.strip_prefix(SIGNS).unwrap_or(&lower);
    let started = STARTS.iter().filter_map(|start| body.get(1..)?.rfind(start).map(|at| at + 1));
    let ended = SIGNS.iter().filter_map(|sign| {
        let head = body.strip_suffix("all")?.strip_suffix(*sign)?;
        (!head.is_empty()).then_some(head.len())
    });
    let at = started.chain(ended).min()?;
    // The sign in front of the second term is its own.
    let is_signed = body.get(..at).is_some_and(|head| head.len() > 1 && head.ends_with(SIGNS));
    Some(lower.len() - body.len() + at - usize::from(is_signed))
}

fn meant(suggestion: Option<&str>) -> String {
    suggestion.map(|suggestion| format!("; is `{suggestion}` meant?")).unwrap_or_default()
}

fn prefix_of(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip4:" } else { "ip6:" }
}

/// How many letters have to be added, removed or replaced.
fn distance(a: &str, b: &str) -> usize {
    // Nothing that long is a misspelt mechanism, and the work grows with the product.
    if a.len() > 2 * LONGEST_MECHANISM {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut last = i + 1;
        let mut next = vec![last];
        for (y, pair) in b.bytes().zip(row.windows(2)) {
            let [diagonal, above] = pair else { break };
            last = (diagonal + usize::from(x != y)).min(above + 1).min(last + 1);
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

const SIGNS: [char; 4] = ['+', '-', '~', '?'];
const STARTS: [&str; 6] = ["include:", "ip4:", "ip6:", "exists:", "redirect=", "v=spf1"];
const LONGEST_MECHANISM: usize = 8;
const NAMES: [&str; 9] = ["include", "redirect", "exists", "ip4", "ip6", "all", "mx", "ptr", "exp"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_are_recognized() {
        for (name, rest, suggestion) in [
            ("ipv4", ":192.0.2.1", Some("ip4:192.0.2.1")),
            ("ip", ":192.0.2.1", Some("ip4:192.0.2.1")),
            ("ip", ":2001:db8::1", Some("ip6:2001:db8::1")),
            ("IPv6", ":2001:db8::1", Some("ip6:2001:db8::1")),
            ("inlcude", ":a.example", Some("include:a.example")),
            ("includes", ":a.example", Some("include:a.example")),
            ("redirect", ":a.example", Some("redirect=a.example")),
            ("192.0.2.1", "/24", Some("ip4:192.0.2.1/24")),
            ("mail.a.example", "", Some("a:mail.a.example` or `include:mail.a.example")),
            ("al", "", Some("all")),
            ("something", "", None),
            ("spf", ":a.example", None),
        ] {
            let Problem::Unknown { suggestion: found, .. } = Problem::unknown(name, rest) else { panic!() };
            assert_eq!(found.as_deref(), suggestion, "{name}{rest}");
        }
    }

    #[test]
    fn two_terms_in_one() {
        for (term, at) in [
            ("ip4:192.0.2.1ip4:192.0.2.2", Some(13)),
            ("include:a.example-all", Some(17)),
            ("include:a.example~all", Some(17)),
            ("ip4:192.0.2.1+include:b.example", Some(13)),
            ("mx-all", Some(2)),
            ("a?all", Some(1)),
            ("-allv=spf1", Some(4)),
            ("include:a.exampleinclude:b.example", Some(17)),
            ("include:a.example", None),
            ("-include:a.example", None),
            ("a:all-all.example", None),
            ("~all", None),
            ("--all", None),
            ("", None),
        ] {
            assert_eq!(second_term(term), at, "{term}");
        }
    }
}
