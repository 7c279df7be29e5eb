//! The record at a selector (RFC 6376 section 3.6.1).

use std::ops::Range;

use serde::Serialize;

use super::{
    base64::{Base64Error, decode},
    codes::*,
    key::{KeyError, PublicKey},
};
use crate::{
    Code,
    bounds::MOST_OF_A_CODE,
    tags::{Tag, Tags},
};

/// What a key record says, and what is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Record {
    /// The key.
    #[serde(flatten)]
    pub content: Content,
    /// `t=y`: the domain is only trying.
    pub testing: bool,
    /// `t=s`: signatures for subdomains are not allowed.
    pub strict: bool,
    /// Whether `s=` allows the key to be used for mail of any kind.
    pub for_mail: bool,
    /// What is wrong; these become findings.
    #[serde(skip)]
    pub faults: Vec<Fault>,
}

/// What stands in `p=`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Content {
    /// A key that can be read.
    Key(PublicKey),
    /// Nothing: the key was withdrawn.
    Revoked,
    /// Nothing that could be used.
    Broken,
}

/// Something that is wrong with a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What is wrong.
    pub code: Code,
    /// One sentence with the values of this case.
    pub detail: String,
    /// Which bytes of the record are meant.
    pub position: Option<Range<usize>>,
}

impl Record {
    /// Reads a record; what is wrong is said, not refused.
    pub fn parse(text: &str) -> Self {
        let tags = Tags::parse(text);
        let mut record = Self {
            content: Content::Broken,
            testing: false,
            strict: false,
            for_mail: true,
            faults: Vec::new(),
        };
        if !is_key(text) {
            let detail = "The record is not a DKIM key: it has neither v=DKIM1 nor p=.";
            record.fault(NOT_A_KEY, 0..text.len(), detail);
            return record;
        }
        if let Some(at) = stray(text, &tags) {
            let detail = "A quote or a backslash is part of the record; nothing in a key record needs one.";
            record.fault(STRAY_QUOTES, at, detail);
            return record;
        }
        record.syntax(text, &tags);
        record.version(&tags);
        record.public_key(&tags);
        // What a key may be used for is of no matter when there is none any more.
        if record.content != Content::Revoked {
            record.hashes(&tags);
            record.services(&tags);
            record.flags(&tags);
        }
        record
    }

    fn syntax(&mut self, text: &str, tags: &Tags<'_>) {
        for at in &tags.faults {
            let piece = text.get(at.clone()).unwrap_or_default();
            let detail = Tags::emptiness(piece)
                .unwrap_or_else(|| format!("`{}` is not of the form name=value.", shortened(piece.trim())));
            self.fault(SYNTAX, at.clone(), detail);
        }
        for tag in tags.repeated() {
            let detail = format!("The tag {}= occurs more than once.", shortened(tag.name));
            self.fault(REPEATED_TAG, tag.name_at.clone(), detail);
        }
        for tag in &tags.tags {
            if tag.name == "g" {
                if tag.value != "*" {
                    let detail = format!("The tag g={} was removed from DKIM in 2011.", shortened(tag.value));
                    self.fault(LEGACY_TAG, whole(tag), detail);
                }
            } else if !KNOWN_TAGS.contains(&tag.name) {
                self.fault(
                    UNKNOWN_TAG,
                    whole(tag),
                    format!("No receiver knows the tag {}=.", shortened(tag.name)),
                );
            }
        }
    }

    /// "This tag MUST be the first tag in the record"; with another value the record "MUST be discarded".
    fn version(&mut self, tags: &Tags<'_>) {
        let Some(version) = tags.find("v") else { return };
        if version.value != "DKIM1" {
            let detail = format!("The version is `{}`; it must be exactly DKIM1.", shortened(version.value));
            self.fault(WRONG_VERSION, version.value_at.clone(), detail);
        }
        if tags.tags.first().is_some_and(|first| first.name != "v") {
            self.fault(VERSION_NOT_FIRST, whole(version), "The tag v= is not the first one.");
        }
    }

    fn hashes(&mut self, tags: &Tags<'_>) {
        let Some(hashes) = tags.find("h") else { return };
        if !list(hashes).any(|hash| hash == "sha256") {
            let detail = match list(hashes).any(|hash| hash == "sha1") {
                true => {
                    format!("The key may only be used with {}: sha256 is missing.", shortened(hashes.value))
                }
                false => format!("`h={}` names no hash that receivers accept.", shortened(hashes.value)),
            };
            self.fault(NO_SHA256, whole(hashes), detail);
        }
    }

    fn services(&mut self, tags: &Tags<'_>) {
        let Some(services) = tags.find("s") else { return };
        self.for_mail = list(services).any(|service| matches!(service, "*" | "email"));
        // A key for the mails that carry TLS reports (RFC 8460 section 3) may well be for nothing else.
        if !list(services).any(|service| matches!(service, "*" | "email" | "tlsrpt")) {
            let detail =
                format!("`s={}` does not allow the key to be used for mail.", shortened(services.value));
            self.fault(NOT_FOR_MAIL, whole(services), detail);
        }
    }

    fn flags(&mut self, tags: &Tags<'_>) {
        let Some(flags) = tags.find("t") else { return };
        if flags.value.is_empty() {
            // At least one flag (RFC 6376 section 3.6.1, key-t-tag).
            self.fault(SYNTAX, whole(flags), "`t=` has no flag.");
        }
        self.testing = list(flags).any(|flag| flag == "y");
        self.strict = list(flags).any(|flag| flag == "s");
        if self.testing {
            let detail =
                "The record says t=y: receivers treat mail signed with this key as if it were not signed.";
            self.fault(TESTING, whole(flags), detail);
        }
    }

    fn public_key(&mut self, tags: &Tags<'_>) {
        let Some(key) = tags.find("p") else {
            let detail = "The record has no p=, so there is no key in it.".into();
            self.faults.push(Fault { code: NO_PUBLIC_KEY, detail, position: None });
            return;
        };
        if key.value.is_empty() {
            self.content = Content::Revoked;
            return;
        }
        let decoded = match decode(key.value) {
            Ok(decoded) => decoded,
            Err(error) => return self.bad_base64(key, error),
        };
        if !decoded.is_padded {
            let detail = "The base64 in p= does not end with the = signs that its length asks for.";
            self.fault(PADDING, key.value_at.clone(), detail);
        }
        let read = match tags.find("k").map(|kind| (kind, kind.value)) {
            None | Some((_, "rsa")) => self.rsa(key, &decoded.bytes),
            Some((_, "ed25519")) => PublicKey::ed25519(&decoded.bytes),
            Some((kind, value)) => {
                let detail = format!("The key type is `{}`; it must be rsa or ed25519.", shortened(value));
                return self.fault(UNKNOWN_KEY_TYPE, whole(kind), detail);
            }
        };
        match read {
            Ok(key) => self.content = Content::Key(key),
            Err(error) => self.unreadable(key, &error),
        }
    }

    fn rsa(&mut self, tag: &Tag<'_>, bytes: &[u8]) -> Result<PublicKey, KeyError> {
        let (key, in_envelope) = PublicKey::rsa(bytes)?;
        if !in_envelope {
            let detail =
                "The key is a bare RSAPublicKey (PKCS#1), without the usual SubjectPublicKeyInfo around it.";
            self.fault(BARE_KEY, tag.value_at.clone(), detail);
        }
        // RFC 8301 section 3.2: at least 1024, better 2048; receivers must be able to use up to 4096.
        let code = match key.bits {
            ..1024 => KEY_TOO_SHORT,
            1024..2048 => KEY_SHORT,
            2048..=4096 => return Ok(key),
            _ => KEY_LONG,
        };
        self.fault(code, tag.value_at.clone(), format!("The RSA key has {} bits.", key.bits));
        Ok(key)
    }

    fn bad_base64(&mut self, key: &Tag<'_>, error: Base64Error) {
        let (at, detail) = match error {
            Base64Error::Character(at) => {
                let rest = key.value.get(at..).unwrap_or_default();
                let character = rest.chars().next().unwrap_or_default();
                let start = key.value_at.start + at;
                let detail = match key.value.contains("-----") {
                    true => "The lines around a PEM file (`-----BEGIN PUBLIC KEY-----`) are part of p=."
                        .to_owned(),
                    false => format!("{character:?} is no character of base64 or stands behind its end."),
                };
                (start..start + character.len_utf8(), detail)
            }
            Base64Error::Length => {
                (key.value_at.clone(), "At least one character of the base64 in p= is missing.".into())
            }
        };
        self.fault(BAD_BASE64, at, detail);
    }

    fn unreadable(&mut self, key: &Tag<'_>, error: &KeyError) {
        let code = match error {
            KeyError::Private => PRIVATE_KEY,
            KeyError::Length { .. } | KeyError::Wrapped => ED25519_LENGTH,
            _ => UNREADABLE_KEY,
        };
        self.fault(code, key.value_at.clone(), format!("What stands in p= cannot be used: {error}."));
    }

    fn fault(&mut self, code: Code, position: Range<usize>, detail: impl Into<String>) {
        // A record can be 64 KiB of mistakes.
        if self.faults.iter().filter(|fault| fault.code == code).count() > MOST_OF_A_CODE {
            return;
        }
        self.faults.push(Fault { code, detail: detail.into(), position: Some(position) });
    }
}

/// Whether a text is meant to be a key: many a name answers with something else, such as an SPF record that a
/// wildcard gives to all names.
pub(super) fn is_key(text: &str) -> bool {
    let has_version = || {
        let start: String = text.chars().filter(|c| !c.is_whitespace() && *c != '"').take(6).collect();
        start.eq_ignore_ascii_case("v=DKIM")
    };
    has_version() || Tags::parse(text).find("p").is_some_and(|_| !is_other(text))
}

/// Whether it is the record of another mechanism that has a `p=` too.
fn is_other(text: &str) -> bool {
    let version = text.trim_start().get(..OTHER_LENGTH).unwrap_or_default().to_ascii_lowercase();
    OTHERS.contains(&version.as_str())
}

/// Whether it is a policy of DomainKeys (RFC 4870 section 3.6).
pub(super) fn is_domainkeys_policy(text: &str) -> bool {
    Tags::parse(text).find("o").is_some_and(|policy| matches!(policy.value, "-" | "~"))
}

/// Where the key stands in a record.
pub(super) fn place_of_key(text: &str) -> Option<Range<usize>> {
    Tags::parse(text).find("p").map(whole)
}

/// The first quote or backslash outside the notes, in which anything may stand.
fn stray(text: &str, tags: &Tags<'_>) -> Option<Range<usize>> {
    let notes: Vec<_> =
        tags.tags.iter().filter(|tag| tag.name == "n").map(|tag| tag.value_at.clone()).collect();
    let mut strays = text.match_indices(['"', '\\']).map(|(at, _)| at);
    let at = strays.find(|at| !notes.iter().any(|note| note.contains(at)))?;
    Some(at..at + 1)
}

/// The members of a list, which colons separate.
fn list<'a>(tag: &Tag<'a>) -> impl Iterator<Item = &'a str> {
    tag.value.split(':').map(str::trim)
}

fn whole(tag: &Tag<'_>) -> Range<usize> {
    tag.name_at.start..tag.value_at.end
}

/// Text of a stranger, not longer than a sentence bears.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// IANA's registry of key record tags, without `g`.
const KNOWN_TAGS: [&str; 7] = ["v", "h", "k", "n", "p", "s", "t"];
/// How the records of DMARC and ADSP's neighbours begin.
const OTHERS: [&str; 2] = ["v=dmarc", "v=bimi1"];
const OTHER_LENGTH: usize = 7;
const LONGEST_QUOTE: usize = 40;

#[cfg(test)]
mod tests;
