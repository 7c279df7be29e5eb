//! The record.

use std::ops::Range;

use serde::Serialize;

use super::{
    BAD_CERTIFICATE_URL, BAD_LOGO_URL, BAD_PREFERENCE, CERTIFICATE_NOT_PEM, DECLINED, LOGO_NOT_SVG,
    NO_CERTIFICATE, NO_LOGO, REPEATED_TAG, SYNTAX, UNKNOWN_TAG, VERSION,
};
use crate::{
    Code, Finding,
    dmarc::Uri,
    tags::{Tag, Tags},
    versioned::shorten,
};

/// A BIMI record.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Record {
    /// As it was found.
    pub text: String,
    /// `l`: where the logo is; none when the domain wants none shown.
    pub logo: Option<String>,
    /// `a`: where the certificate of the logo is.
    pub certificate: Option<String>,
    #[serde(skip)]
    faults: Vec<(Code, Range<usize>, String)>,
}

impl Record {
    /// Reads a record; `None` when it does not begin with `v=BIMI1` and so is none.
    pub fn parse(text: &str) -> Option<Self> {
        if !VERSION.begins(text) {
            return None;
        }
        let mut record = Self { text: text.to_owned(), logo: None, certificate: None, faults: Vec::new() };
        let mut tags = Tags::parse(text);
        tags.tags.truncate(MOST_TAGS);
        for at in &tags.faults {
            let piece = text.get(at.clone()).unwrap_or_default().trim();
            let detail =
                Tags::emptiness(piece).unwrap_or_else(|| format!("`{}` is no `tag=value`.", shorten(piece)));
            record.fault(SYNTAX, at.clone(), detail);
        }
        for tag in tags.repeated() {
            record.fault(REPEATED_TAG, tag.name_at.clone(), format!("`{}` is there twice.", tag.name));
        }
        for tag in tags.tags.iter().skip(1).filter(|tag| !TAGS.contains(&tag.name)) {
            let detail = format!("`{}` is no tag of BIMI and is ignored.", shorten(tag.name));
            record.fault(UNKNOWN_TAG, tag.name_at.clone(), detail);
        }
        if let Some(tag) = tags.find("avp").filter(|tag| !["brand", "personal"].contains(&tag.value)) {
            let detail = format!("`avp={}` has to be brand or personal.", shorten(tag.value));
            record.fault(BAD_PREFERENCE, tag.value_at.clone(), detail);
        }
        record.urls(tags.find("l"), tags.find("a"));
        Some(record)
    }

    pub(super) fn faults(&self, name: &str) -> impl Iterator<Item = Finding> {
        self.faults.iter().take(MOST_FAULTS + 1).map(move |(code, at, detail)| {
            code.at(name, Some(&self.text), detail.clone()).with_position(at.clone())
        })
    }

    fn urls(&mut self, logo: Option<&Tag<'_>>, certificate: Option<&Tag<'_>>) {
        let end = self.text.len()..self.text.len();
        let is_empty = |tag: Option<&Tag<'_>>| tag.is_none_or(|tag| tag.value.is_empty());
        match logo {
            None => return self.fault(NO_LOGO, end, "The record has no `l`.".to_owned()),
            Some(tag) if tag.value.is_empty() && is_empty(certificate) => {
                let detail = "The domain says that no logo is to be shown.".to_owned();
                return self.fault(DECLINED, tag.name_at.clone(), detail);
            }
            Some(tag) if tag.value.is_empty() => {
                return self.fault(NO_LOGO, tag.name_at.clone(), "`l` is empty.".to_owned());
            }
            Some(tag) => {
                self.logo = self.url(tag, BAD_LOGO_URL, LOGO_NOT_SVG, &[".svg", ".svgz"]);
            }
        }
        match certificate.filter(|tag| !tag.value.is_empty()) {
            Some(tag) => {
                self.certificate = self.url(tag, BAD_CERTIFICATE_URL, CERTIFICATE_NOT_PEM, &[".pem"]);
            }
            None => {
                let detail = "The record has no `a` with a certificate.".to_owned();
                self.fault(NO_CERTIFICATE, certificate.map_or(end, |tag| tag.name_at.clone()), detail);
            }
        }
    }

    /// The HTTPS URL of a tag.
    fn url(&mut self, tag: &Tag<'_>, bad: Code, other: Code, endings: &[&str]) -> Option<String> {
        let at = tag.value_at.clone();
        let uris = Uri::list(tag.value, at.start);
        let url = match uris.as_slice() {
            [Ok(uri)] if uri.scheme == "https" && uri.host.contains('.') => uri.text.clone(),
            _ => {
                let detail =
                    format!("`{}={}` is no URL that begins with `https://`.", tag.name, shorten(tag.value));
                self.fault(bad, at, detail);
                return None;
            }
        };
        let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        if !endings.iter().any(|ending| path.ends_with(ending)) {
            let ending = endings.first().copied().unwrap_or_default();
            let detail = format!("`{}={}` does not end with `{ending}`.", tag.name, shorten(&url));
            self.fault(other, at, detail);
        }
        Some(url)
    }

    fn fault(&mut self, code: Code, at: Range<usize>, detail: String) {
        self.faults.push((code, at, detail));
    }
}

// A record can be 64 KiB of mistakes, each of which would be reported with all of it.
const MOST_FAULTS: usize = 20;
const MOST_TAGS: usize = 100;
const TAGS: [&str; 5] = ["v", "l", "a", "avp", "lps"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_says_and_what_is_wrong_with_it() {
        for (text, logo, certificate, faults) in [
            ("v=BIMI1; l=https://a.example/l.svg; a=https://a.example/c.pem;", true, true, vec![]),
            (
                "v=BIMI1;l=https://a.example/l.SVG?v=2;a=https://a.example/c.pem; avp=brand; lps=x,y",
                true,
                true,
                vec![],
            ),
            ("v=BIMI1; l=https://a.example/l.svg", true, false, vec![("bimi.no_certificate", "")]),
            ("v=BIMI1; l=https://a.example/l.svg; a=", true, false, vec![("bimi.no_certificate", "a")]),
            ("v=BIMI1; l=; a=;", false, false, vec![("bimi.declined", "l")]),
            ("v=BIMI1; l=", false, false, vec![("bimi.declined", "l")]),
            ("v=BIMI1; l=; a=https://a.example/c.pem", false, false, vec![("bimi.no_logo", "l")]),
            ("v=BIMI1; a=https://a.example/c.pem", false, false, vec![("bimi.no_logo", "")]),
            (
                "v=BIMI1; l=http://a.example/l.svg; a=a.example/c.pem",
                false,
                false,
                vec![
                    ("bimi.bad_logo_url", "http://a.example/l.svg"),
                    ("bimi.bad_certificate_url", "a.example/c.pem"),
                ],
            ),
            (
                "v=BIMI1; l=https://a.example/l.png; a=https://a.example/c",
                true,
                true,
                vec![
                    ("bimi.logo_not_svg", "https://a.example/l.png"),
                    ("bimi.certificate_not_pem", "https://a.example/c"),
                ],
            ),
            (
                "v=BIMI1; l=https://a.example/l.svg; l=x; a=https://a.example/c.pem; z=1; junk; avp=x",
                true,
                true,
                vec![
                    ("bimi.syntax", " junk"),
                    ("bimi.repeated_tag", "l"),
                    ("bimi.unknown_tag", "z"),
                    ("bimi.bad_preference", "x"),
                ],
            ),
        ] {
            let record = Record::parse(text).unwrap();
            assert_eq!((record.logo.is_some(), record.certificate.is_some()), (logo, certificate), "{text}");
            let found: Vec<_> = record
                .faults
                .iter()
                .map(|(code, at, _)| (code.name, text.get(at.clone()).unwrap()))
                .collect();
            assert_eq!(found, faults, "{text}");
        }
        assert_eq!(Record::parse("v=BIMI2; l="), None);
    }
}
