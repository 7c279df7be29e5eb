//! One term of a record.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use super::{
    macros::{MacroString, Place},
    network::Network,
    problem::{Problem, second_term},
    record::{Meaning, Mechanism, Prefixes, Qualifier, domain},
};

/// Reads a term, which is not empty.
///
/// # Errors
///
/// What is wrong, and which bytes of the term are.
pub(super) fn parse(term: &str) -> Result<Meaning, (Range<usize>, Problem)> {
    characters(term)?;
    let parsed = read(term);
    if let (Err((at, problem)), Some(second)) = (&parsed, second_term(term)) {
        // A macro that is wrong is wrong by itself.
        if !matches!(problem, Problem::Macro { .. }) && at.end > second {
            let text = term.get(second..).unwrap_or_default().to_owned();
            return Err((second..term.len(), Problem::RunTogether { second: text }));
        }
    }
    parsed
}

fn characters(term: &str) -> Result<(), (Range<usize>, Problem)> {
    for (at, character) in term.char_indices() {
        let problem = match character {
            '"' | '\'' | '\\' | '“' | '”' | '‘' | '’' | '„' if !is_in_local_value(term, at) => {
                Problem::Quote { character }
            }
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => {
                Problem::Dash { character }
            }
            '\t' | '\r' | '\n' | '\u{a0}' => Problem::Separator { separator: character },
            _ if !character.is_ascii_graphic() => Problem::Character { character },
            _ => continue,
        };
        return Err((at..at + character.len_utf8(), problem));
    }
    match term.char_indices().next_back() {
        Some((at, separator @ (',' | ';'))) if !term.contains('=') => {
            Err((at..term.len(), Problem::Separator { separator }))
        }
        _ => Ok(()),
    }
}

/// Quotation marks are printable ASCII, so they may stand in the value of a modifier that is ignored.
fn is_in_local_value(term: &str, at: usize) -> bool {
    term.is_ascii() && term.find('=').is_some_and(|equals| equals < at && name_length(term) == equals)
}

fn read(term: &str) -> Result<Meaning, (Range<usize>, Problem)> {
    let qualifier = match term.as_bytes().first() {
        Some(b'+') => Some(Qualifier::Pass),
        Some(b'-') => Some(Qualifier::Fail),
        Some(b'~') => Some(Qualifier::SoftFail),
        Some(b'?') => Some(Qualifier::Neutral),
        _ => None,
    };
    let start = usize::from(qualifier.is_some());
    let body = term.get(start..).unwrap_or_default();
    let (name, rest) = body.split_at(name_length(body));
    let named = start..start + name.len();
    if name.is_empty() {
        // An address without anything in front of it starts with a digit or a colon.
        let problem = match Problem::unknown("", body) {
            problem @ Problem::Unknown { suggestion: Some(_), .. } => problem,
            _ => Problem::NoName,
        };
        return Err((0..term.len(), problem));
    }
    match rest.chars().next() {
        Some('=') if qualifier.is_some() => {
            Err((0..named.end + 1, Problem::Qualified { name: name.to_owned() }))
        }
        Some('=') => modifier(name, rest.get(1..).unwrap_or_default()),
        None | Some(':' | '/') => mechanism(name, rest, named)
            .map(|it| Meaning::Directive(qualifier.unwrap_or(Qualifier::Pass), it)),
        Some(character) => {
            let at = named.end..named.end + character.len_utf8();
            Err((at, Problem::AfterName { name: name.to_owned(), character }))
        }
    }
}

/// How long the name at the start is (RFC 7208 section 12, `name`).
fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return 0;
    }
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte)).count()
}

fn modifier(name: &str, value: &str) -> Result<Meaning, (Range<usize>, Problem)> {
    let at = name.len() + 1;
    match name.to_ascii_lowercase().as_str() {
        "redirect" => Ok(Meaning::Redirect(domain(value, at)?)),
        "exp" => Ok(Meaning::Explanation(domain(value, at)?)),
        _ => {
            let text = MacroString::parse(value, Place::Record).map_err(|fault| {
                (at + fault.at.start..at + fault.at.end, Problem::Macro { problem: fault.problem })
            })?;
            Ok(Meaning::Modifier { name: name.to_owned(), value: text.as_str().to_owned() })
        }
    }
}

/// `rest` is empty, or starts with a colon or a slash.
fn mechanism(name: &str, rest: &str, named: Range<usize>) -> Result<Mechanism, (Range<usize>, Problem)> {
    let at = named.end;
    let end = at + rest.len();
    let value = rest.strip_prefix(':');
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "all" if rest.is_empty() => Ok(Mechanism::All),
        "all" => Err((at..end, Problem::Value { name: lower })),
        "include" | "exists" => {
            let Some(value) = value else {
                let problem =
                    if rest.is_empty() { Problem::NoValue } else { Problem::Prefix { name: lower } };
                return Err((named.start..end, problem));
            };
            let domain = only_domain(&lower, value, at + 1)?;
            Ok(if lower == "include" { Mechanism::Include(domain) } else { Mechanism::Exists(domain) })
        }
        "ptr" => match value {
            Some(value) => Ok(Mechanism::Ptr(Some(only_domain(&lower, value, at + 1)?))),
            None if rest.is_empty() => Ok(Mechanism::Ptr(None)),
            None => Err((at..end, Problem::Prefix { name: lower })),
        },
        "a" | "mx" => {
            let (domain, prefixes) = host(rest, at)?;
            Ok(if lower == "a" { Mechanism::A(domain, prefixes) } else { Mechanism::Mx(domain, prefixes) })
        }
        "ip4" | "ip6" => {
            let value = value.filter(|value| !value.is_empty());
            let value = value.ok_or((named.start..end, Problem::NoValue))?;
            if lower == "ip4" { ip4(value, at + 1) } else { ip6(value, at + 1) }
        }
        _ => Err((named.start..end, Problem::unknown(name, rest))),
    }
}

/// A domain that no prefix length may follow.
fn only_domain(name: &str, value: &str, at: usize) -> Result<MacroString, (Range<usize>, Problem)> {
    domain(value, at).map_err(|(place, problem)| match (problem, value.rsplit_once('/')) {
        (Problem::BadDomain { .. }, Some((host, digits)))
            if is_number(digits) && domain(host, at).is_ok() =>
        {
            let start = at + host.len();
            (start..at + value.len(), Problem::Prefix { name: name.to_owned() })
        }
        (problem, _) => (place, problem),
    })
}

/// What follows `a` or `mx`: a domain, prefix lengths, both or nothing. A domain may hold slashes itself.
fn host(rest: &str, at: usize) -> Result<(Option<MacroString>, Prefixes), (Range<usize>, Problem)> {
    let mut prefixes = Prefixes { ipv4: 32, ipv6: 128 };
    let mut head = rest;
    if let Some((before, digits)) = head.rsplit_once("//").filter(|(_, digits)| is_number(digits)) {
        prefixes.ipv6 = prefix(digits, at + before.len() + 2, 128)?;
        head = before;
    }
    if let Some((before, digits)) = head.rsplit_once('/').filter(|(_, digits)| is_number(digits)) {
        prefixes.ipv4 = prefix(digits, at + before.len() + 1, 32)?;
        head = before;
    }
    match head.strip_prefix(':') {
        Some(text) => Ok((Some(domain(text, at + 1)?), prefixes)),
        None if head.is_empty() => Ok((None, prefixes)),
        None => Err((at..at + rest.len(), Problem::BadPrefix { text: rest.to_owned(), longest: 32 })),
    }
}

fn ip4(value: &str, at: usize) -> Result<Mechanism, (Range<usize>, Problem)> {
    let (address, length) = range(value, at, 32)?;
    let parsed: Ipv4Addr = address.parse().map_err(|_| {
        let is_ipv6 = address.parse::<Ipv6Addr>().is_ok();
        let suggestion = is_ipv6.then(|| format!("ip6:{value}"));
        (at..at + address.len(), Problem::BadIpv4 { text: address.to_owned(), suggestion })
    })?;
    Ok(Mechanism::Ip4(Network::new(parsed.into(), length)))
}

fn ip6(value: &str, at: usize) -> Result<Mechanism, (Range<usize>, Problem)> {
    let (address, length) = range(value, at, 128)?;
    let parsed: Ipv6Addr = address.parse().map_err(|_| {
        let is_ipv4 = address.parse::<Ipv4Addr>().is_ok();
        let suggestion = is_ipv4.then(|| format!("ip4:{value}"));
        (at..at + address.len(), Problem::BadIpv6 { text: address.to_owned(), suggestion })
    })?;
    Ok(Mechanism::Ip6(Network::new(parsed.into(), length)))
}

fn range(value: &str, at: usize, longest: u8) -> Result<(&str, u8), (Range<usize>, Problem)> {
    match value.split_once('/') {
        None => Ok((value, longest)),
        Some((address, digits)) => Ok((address, prefix(digits, at + address.len() + 1, longest)?)),
    }
}

fn prefix(digits: &str, at: usize, longest: u8) -> Result<u8, (Range<usize>, Problem)> {
    let length = digits.parse().ok().filter(|length| *length <= longest && is_number(digits));
    let has_zeros = digits.len() > 1 && digits.starts_with('0');
    length.filter(|_| !has_zeros).ok_or_else(|| {
        // An empty one is pointed at by its slash.
        let place = if digits.is_empty() { at - 1..at } else { at..at + digits.len() };
        (place, Problem::BadPrefix { text: digits.to_owned(), longest })
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_pointed_at() {
        for (term, wrong, words) in [
            ("ipv4:192.0.2.1", "ipv4:192.0.2.1", "is `ip4:192.0.2.1` meant"),
            ("192.0.2.1", "192.0.2.1", "is `ip4:192.0.2.1` meant"),
            ("2001:db8::1", "2001:db8::1", "is `ip6:2001:db8::1` meant"),
            ("+2001:db8::1", "+2001:db8::1", "is `ip6:2001:db8::1` meant"),
            ("ip4:192.0.2.256", "192.0.2.256", "not an IPv4"),
            ("ip4:192.0.2", "192.0.2", "not an IPv4"),
            ("ip4:192.0.2.1/33", "33", "0 to 32"),
            ("ip4:192.0.2.1/", "/", "0 to 32"),
            ("ip4:192.0.2.0/024", "024", "leading zeros"),
            ("ip4:192.0.2.1/+4", "+4", "0 to 32"),
            ("ip4:192.0.2.1//32", "/32", "0 to 32"),
            ("ip4:2001:db8::1", "2001:db8::1", "`ip6:2001:db8::1`"),
            ("ip4", "ip4", "missing"),
            ("ip6:192.0.2.1", "192.0.2.1", "`ip4:192.0.2.1`"),
            ("ip6::CAFE::BABE", ":CAFE::BABE", "not an IPv6"),
            ("a:192.0.2.1", "192.0.2.1", "`ip4:192.0.2.1`"),
            ("a:museum", "museum", "full domain"),
            ("a:", "a:", "missing"),
            ("a/33", "33", "0 to 32"),
            ("a//129", "129", "0 to 128"),
            ("a/24/64", "64", "0 to 32"),
            ("a/x", "/x", "prefix length"),
            ("a:%{x}.example", "%{x}", "no macro"),
            ("include", "include", "missing"),
            ("include:a.example/24", "/24", "takes no prefix"),
            ("exists/24", "exists/24", "takes no prefix"),
            ("ptr/0", "/0", "takes no prefix"),
            ("-all.", "all.", "no mechanism"),
            ("all:x", ":x", "takes no value"),
            ("-redirect=a.example", "-redirect=", "no sign"),
            ("redirect:a.example", "redirect:a.example", "`redirect=a.example`"),
            ("exp=", "exp=", "missing"),
            ("=all", "=all", "needs a name"),
            ("1up=x", "1up=x", "needs a name"),
            ("–all", "–", "typographic dash"),
            ("\"v=spf1", "\"", "quotation marks"),
            ("-all\"", "\"", "quotation marks"),
            ("include:a.example,", ",", "separated by spaces"),
            ("-all;", ";", "separated by spaces"),
            ("a\tmx", "\t", "separated by spaces"),
            ("a:ä.example", "ä", "not allowed"),
            ("a:\u{0}.example", "\u{0}", "not allowed"),
            ("ip4:192.0.2.1-all", "-all", "space is missing before `-all`"),
            ("mx~all", "~all", "space is missing before `~all`"),
            ("ip4:192.0.2.1include:a.example", "include:a.example", "space is missing"),
        ] {
            let (at, problem) = parse(term).unwrap_err();
            assert_eq!(term.get(at), Some(wrong), "{term}: {problem}");
            assert!(problem.to_string().contains(words), "{term}: {problem}");
        }
    }

    #[test]
    fn what_looks_odd_and_is_right() {
        for term in [
            "a:foo:bar/baz.example",
            "A",
            "mx//0",
            "a/0//0",
            "x='1'",
            "x=1;",
            "ip6:::1.1.1.1/0",
            "exists:%{i}",
        ] {
            parse(term).unwrap_or_else(|error| panic!("{term}: {error:?}"));
        }
    }
}
