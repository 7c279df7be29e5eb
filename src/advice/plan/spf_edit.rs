//! Changes of an SPF record that leave everything else in it as it is.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

/// The terms of a record in their order, without the version.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Edited {
    /// Each with its place in the text it was read from.
    terms: Vec<(Range<usize>, String)>,
}

impl Edited {
    pub(super) fn of(text: &str) -> Self {
        let mut terms = Vec::new();
        let mut start = 0;
        for (index, piece) in text.split(' ').enumerate() {
            let at = start..start + piece.len();
            start = at.end + 1;
            if index > 0 && !piece.is_empty() {
                terms.push((at, piece.to_owned()));
            }
        }
        Self { terms }
    }

    /// A record of these terms, with `~all` at the end.
    pub(super) fn fresh(terms: impl IntoIterator<Item = String>) -> Self {
        let terms = terms.into_iter().chain(["~all".to_owned()]);
        Self { terms: terms.map(|term| (0..0, term)).collect() }
    }

    /// Adds the terms of another record that are not there yet.
    pub(super) fn merge(&mut self, other: &Self) {
        for (_, term) in &other.terms {
            if !self.has(term) {
                self.terms.push((0..0, term.clone()));
            }
        }
    }

    pub(super) fn has(&self, term: &str) -> bool {
        self.terms.iter().any(|(_, other)| is_same(other, term))
    }

    /// The term in which the byte at `at` of the text stands.
    pub(super) fn at(&mut self, at: usize) -> Option<&mut String> {
        let found =
            self.terms.iter_mut().find(|(place, _)| place.start <= at && at < place.end.max(place.start + 1));
        found.map(|(_, term)| term)
    }

    pub(super) fn remove_at(&mut self, at: usize) {
        self.terms.retain(|(place, _)| !(place.start <= at && at < place.end));
    }

    pub(super) fn remove(&mut self, term: &str) {
        self.terms.retain(|(_, other)| !is_same(other, term));
    }

    pub(super) fn remove_where(&mut self, is_unwanted: impl Fn(&str) -> bool) {
        self.terms.retain(|(_, term)| !is_unwanted(term));
    }

    /// Adds a term where it counts: before `all` and what says where the rest is.
    pub(super) fn add(&mut self, term: String) {
        let is_last = |term: &str| is_all(term) || is_modifier(term);
        let place = self.terms.iter().position(|(_, term)| is_last(term)).unwrap_or(self.terms.len());
        self.terms.insert(place, (0..0, term));
    }

    /// Splits the term that holds byte `at` there; whether it did.
    pub(super) fn split(&mut self, at: usize) {
        let Some(index) = self.terms.iter().position(|(place, _)| place.start < at && at < place.end) else {
            return;
        };
        let Some((place, term)) = self.terms.get(index).cloned() else { return };
        if let Some((first, second)) = term.split_at_checked(at - place.start) {
            let parts = [(place.start..at, first.to_owned()), (at..place.end, second.to_owned())];
            self.terms.splice(index..=index, parts);
        }
    }

    /// One `all`, at the end: the last of the refusing ones that are there, `~all` when there is none or everyone may send.
    /// A record that says elsewhere what the rest is has none.
    pub(super) fn end_well(&mut self) {
        let refusing = self.terms.iter().map(|(_, term)| term.to_ascii_lowercase());
        let last = refusing.rev().find(|term| matches!(term.as_str(), "-all" | "~all"));
        let has_all = self.terms.iter().any(|(_, term)| is_all(term));
        self.terms.retain(|(_, term)| !is_all(term));
        let redirects = self.terms.iter().any(|(_, term)| is_redirect(term));
        if redirects && !has_all {
            return;
        }
        self.terms.retain(|(_, term)| !is_redirect(term));
        self.terms.push((0..0, last.unwrap_or_else(|| "~all".to_owned())));
    }

    pub(super) fn deduplicate(&mut self) {
        let mut seen: Vec<String> = Vec::new();
        self.terms.retain(|(_, term)| {
            let is_new = !seen.iter().any(|other| is_same(other, term));
            seen.push(term.clone());
            is_new
        });
    }

    /// Puts right what is often written wrong.
    pub(super) fn mend(&mut self, at: usize) {
        if let Some(term) = self.at(at) {
            *term = mended(term);
        }
        self.terms.retain(|(_, term)| !term.is_empty());
    }

    pub(super) fn text(&self) -> String {
        let terms = self.terms.iter().map(|(_, term)| term.as_str());
        std::iter::once("v=spf1").chain(terms).collect::<Vec<_>>().join(" ")
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim_start_matches('+').eq_ignore_ascii_case(other.trim_start_matches('+'))
}

pub(super) fn is_all(term: &str) -> bool {
    term.trim_start_matches(['+', '-', '~', '?']).eq_ignore_ascii_case("all")
}

fn is_redirect(term: &str) -> bool {
    term.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("redirect="))
}

fn is_modifier(term: &str) -> bool {
    let name = term.split(['=', ':', '/']).next().unwrap_or_default();
    term.get(name.len()..).is_some_and(|rest| rest.starts_with('='))
}

fn mended(term: &str) -> String {
    let is_quote = |c: char| matches!(c, '"' | '\'' | '\\' | '“' | '”' | '‘' | '’' | '„' | ',' | ';');
    let dash = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
        other => other,
    };
    let term: String = term.trim_matches(is_quote).chars().map(dash).filter(|c| !c.is_whitespace()).collect();
    let (sign, body) = match term.chars().next() {
        Some(sign @ ('+' | '-' | '~' | '?')) => {
            (&term.get(..sign.len_utf8()).unwrap_or_default().to_owned(), term.get(1..))
        }
        _ => (&String::new(), Some(term.as_str())),
    };
    let body = body.unwrap_or_default();
    let (name, value) = match body.find([':', '=']) {
        Some(at) => (body.get(..at).unwrap_or_default(), body.get(at + 1..).unwrap_or_default()),
        None => (body, ""),
    };
    let value = value.trim_start_matches([':', '=']);
    let address = |text: &str| text.split('/').next().unwrap_or_default().to_owned();
    let is_v4 = |text: &str| address(text).parse::<Ipv4Addr>().is_ok();
    let is_v6 = |text: &str| address(text).parse::<Ipv6Addr>().is_ok();
    match name.to_ascii_lowercase().as_str() {
        _ if is_v4(body) => format!("{sign}ip4:{body}"),
        _ if is_v6(body) => format!("{sign}ip6:{body}"),
        "ip" | "ipv4" | "ip4" | "ipv6" | "ip6" | "a" | "mx" if is_v4(value) => format!("{sign}ip4:{value}"),
        "ip" | "ipv4" | "ip4" | "ipv6" | "ip6" | "a" | "mx" if is_v6(value) => format!("{sign}ip6:{value}"),
        name @ ("include" | "a" | "mx" | "exists") if !value.is_empty() => format!("{sign}{name}:{value}"),
        name @ ("redirect" | "exp") if !value.is_empty() => format!("{name}={value}"),
        _ => term.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_else_stays_where_it_is() {
        let mut edited = Edited::of("v=spf1 MX  include:a.example ip4:192.0.2.1 exp=x.example -all");
        edited.add("include:b.example".into());
        edited.remove("+IP4:192.0.2.1");
        assert_eq!(edited.text(), "v=spf1 MX include:a.example include:b.example exp=x.example -all");
        edited.remove("include:none.example");
        assert!(edited.has("+mx") && !edited.has("a"));
        let mut edited = Edited::of("v=spf1 redirect=a.example");
        edited.add("mx".into());
        assert_eq!(edited.text(), "v=spf1 mx redirect=a.example");
    }

    #[test]
    fn it_ends_with_what_refuses() {
        for (text, ended) in [
            ("v=spf1 +all", "v=spf1 ~all"),
            ("v=spf1 mx", "v=spf1 mx ~all"),
            ("v=spf1 -all a ?all", "v=spf1 a -all"),
            ("v=spf1 all", "v=spf1 ~all"),
            ("v=spf1 redirect=a.example", "v=spf1 redirect=a.example"),
            ("v=spf1 redirect=a.example ~all", "v=spf1 ~all"),
        ] {
            let mut edited = Edited::of(text);
            edited.end_well();
            assert_eq!(edited.text(), ended, "{text}");
        }
    }

    #[test]
    fn what_is_often_written_wrong() {
        for (wrong, right) in [
            ("ipv4:192.0.2.1", "ip4:192.0.2.1"),
            ("192.0.2.0/24", "ip4:192.0.2.0/24"),
            ("2001:db8::1", "ip6:2001:db8::1"),
            ("ip4:2001:db8::/32", "ip6:2001:db8::/32"),
            ("include=a.example,", "include:a.example"),
            ("-include:a.example", "-include:a.example"),
            ("redirect:a.example", "redirect=a.example"),
            ("–all", "-all"),
            ("\"a", "a"),
            ("mx", "mx"),
            ("a:192.0.2.1", "ip4:192.0.2.1"),
        ] {
            assert_eq!(mended(wrong), right, "{wrong}");
        }
        let mut edited = Edited::of("v=spf1 ip4:192.0.2.1-all");
        edited.split(20);
        assert_eq!(edited.text(), "v=spf1 ip4:192.0.2.1 -all");
    }
}
