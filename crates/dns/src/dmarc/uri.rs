//! Where reports go: the URIs of `rua` and `ruf` (RFC 9989 sections 4.6 and 4.8).

use std::ops::Range;

use serde::Serialize;

use crate::versioned::shorten;
use ruad_common::domain_name::normalize;

/// A URI that reports are sent to.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Uri {
    /// As it is written, without an obsolete limit of size.
    pub text: String,
    /// `mailto`, `https`…; in lower case.
    pub scheme: String,
    /// The host that takes the reports, normalized.
    pub host: String,
    /// The mail address, decoded, its domain normalized; of `mailto` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The limit of size of RFC 7489, such as `10m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_limit: Option<String>,
    /// Where it stands in the record.
    #[serde(skip)]
    pub at: Range<usize>,
}

/// A piece of a list that is no URI.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct BadUri {
    pub(crate) at: Range<usize>,
    /// A sentence.
    pub(crate) detail: String,
}

impl Uri {
    /// Reads the URIs of a tag's value, which stands at `start` of the record.
    pub(crate) fn list(value: &str, start: usize) -> Vec<Result<Self, BadUri>> {
        let mut uris = Vec::new();
        let mut next = start;
        for piece in value.split(',') {
            let begin = next + piece.len() - piece.trim_start().len();
            next += piece.len() + 1;
            let text = piece.trim();
            let at = begin..begin + text.len();
            uris.push(Self::parse(text, at.clone()).map_err(|detail| BadUri { at, detail }));
        }
        uris
    }

    /// Whether it is one of `own`: addresses, with any `+tag`, or whole domains as `@domain`.
    pub fn is_in(&self, own: &[String]) -> bool {
        let Some((local, domain)) = self.address.as_deref().and_then(|address| address.rsplit_once('@'))
        else {
            return false;
        };
        let local = local.to_lowercase();
        let base = local.split_once('+').map_or(local.as_str(), |(base, _)| base);
        own.iter().filter_map(|entry| entry.trim().rsplit_once('@')).any(|(own_local, own_domain)| {
            let own_local = own_local.to_lowercase();
            normalize(own_domain).as_deref() == Some(domain)
                && (own_local.is_empty() || own_local == local || own_local == base)
        })
    }

    /// The error is a sentence.
    fn parse(text: &str, at: Range<usize>) -> Result<Self, String> {
        let quoted = shorten(text);
        if text.is_empty() {
            return Err("An address is missing: nothing stands here.".to_owned());
        }
        if let Some(blank) = text.find(char::is_whitespace) {
            let after = text.get(blank..).unwrap_or_default().trim();
            return Err(if after.contains("mailto:") {
                format!("`{quoted}` has white space inside; a comma separates two addresses.")
            } else {
                format!("`{quoted}` has white space inside.")
            });
        }
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
            return Err(if text.contains("mailto:") {
                format!("`{quoted}` does not begin with `mailto:`.")
            } else if text.contains('@') {
                format!("`{quoted}` has no `mailto:` before it.")
            } else {
                format!("`{quoted}` is no address: it has to begin with `mailto:`.")
            });
        };
        let (rest, size_limit) = match rest.rsplit_once('!') {
            Some((rest, size)) if is_size(size) => (rest, Some(size.to_ascii_lowercase())),
            _ => (rest, None),
        };
        if let Some(wrong) = wrong_character(rest) {
            return Err(format!("`{quoted}` has a character that must not stand there as it is: `{wrong}`."));
        }
        let scheme = scheme.to_ascii_lowercase();
        if scheme == MAILTO && rest.starts_with('/') {
            return Err(format!("`{quoted}` has slashes after `mailto:`, which do not belong there."));
        }
        if scheme == MAILTO && rest.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("mailto:")) {
            return Err(format!("`{quoted}` has `mailto:` twice."));
        }
        let (host, address) = if scheme == MAILTO {
            let (host, address) =
                mail_address(rest).ok_or_else(|| format!("`{quoted}` names no valid mail address."))?;
            (host, Some(address))
        } else {
            (authority(rest).ok_or_else(|| format!("`{quoted}` names no host."))?, None)
        };
        let text = match size_limit {
            Some(_) => format!("{scheme}:{rest}"),
            None => text.to_owned(),
        };
        Ok(Self { text, scheme, host, address, size_limit, at })
    }
}

/// The scheme that every reporter must support.
pub(crate) const MAILTO: &str = "mailto";

/// The domain and the whole address, decoded.
fn mail_address(rest: &str) -> Option<(String, String)> {
    let address = decode(rest.split('?').next()?)?;
    let (local, domain) = address.rsplit_once('@')?;
    let domain = normalize(domain).filter(|domain| domain.contains('.'))?;
    // What is not quoted is a dot-atom (RFC 6068 section 2). A comma and a semicolon, which have to be encoded here, are not
    // allowed in one; mail programs take them all the same.
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let is_wrong = |c: char| c.is_control() || !is_quoted && "@:<>()[]\\\" ".contains(c);
    let is_local = !local.is_empty() && !local.contains(is_wrong);
    is_local.then(|| (domain.clone(), format!("{local}@{domain}")))
}

/// The host of `//user@host:port/path`.
fn authority(rest: &str) -> Option<String> {
    let authority = rest.strip_prefix("//")?.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    normalize(host.split(':').next()?)
}

/// Takes off the percent-encoding (RFC 3986 section 2.1), which [`wrong_character`] has found well-formed.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let value = digit(rest.next())? * 16 + digit(rest.next())?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// The first character that a URI cannot have (RFC 3986 section 2), or that has to be encoded in a DMARC record.
fn wrong_character(text: &str) -> Option<char> {
    let is_hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    text.char_indices()
        .find(|(at, character)| match character {
            '%' => !(is_hex(at + 1) && is_hex(at + 2)),
            _ => !(character.is_ascii_alphanumeric() || "-._~:/?#[]@$&'()*+;=".contains(*character)),
        })
        .map(|(_, character)| character)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// `1*DIGIT [ "k" / "m" / "g" / "t" ]`
fn is_size(text: &str) -> bool {
    let digits = text.strip_suffix(['k', 'm', 'g', 't', 'K', 'M', 'G', 'T']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Vec<Result<Uri, BadUri>> {
        Uri::list(value, 10)
    }

    #[test]
    fn everything_a_uri_says() {
        let uris = read("mailto:a@B.Example , MAILTO:r%2Bx@c.example!10M,https://u@d.example:8443/x?y");
        let uris: Vec<_> = uris.into_iter().map(Result::unwrap).collect();
        let hosts: Vec<_> = uris.iter().map(|uri| uri.host.as_str()).collect();
        assert_eq!(hosts, ["b.example", "c.example", "d.example"]);
        let addresses: Vec<_> = uris.iter().map(|uri| uri.address.as_deref()).collect();
        assert_eq!(addresses, [Some("a@b.example"), Some("r+x@c.example"), None]);
        assert_eq!(uris[1].size_limit.as_deref(), Some("10m"));
        assert_eq!(uris[1].text, "mailto:r%2Bx@c.example");
        assert_eq!(uris[2].scheme, "https");
        assert_eq!((uris[0].at.clone(), uris[1].at.clone()), (10..28, 31..57));
        assert_eq!(read("mailto:a@b.example?subject=x")[0].as_ref().unwrap().host, "b.example");
        for (uri, address) in [
            ("mailto:a%2Cb@c.example", "a,b@c.example"),
            ("mailto:a%3Bb@c.example", "a;b@c.example"),
            ("mailto:a%21b@c.example", "a!b@c.example"),
            ("mailto:%22a%40b%22@c.example", "\"a@b\"@c.example"),
        ] {
            assert_eq!(read(uri)[0].as_ref().unwrap().address.as_deref(), Some(address));
        }
    }

    #[test]
    fn what_is_no_uri() {
        for (text, words) in [
            ("", "missing"),
            ("a@b.example", "no `mailto:`"),
            ("b.example", "has to begin"),
            ("\"mailto:a@b.example\"", "does not begin"),
            ("mailto://a@b.example", "slashes"),
            ("mailto:", "no valid mail address"),
            ("mailto:b.example", "no valid mail address"),
            ("mailto:@b.example", "no valid mail address"),
            ("mailto:a@localhost", "no valid mail address"),
            ("mailto:a@@b.example", "no valid mail address"),
            ("mailto:a@b..example", "no valid mail address"),
            ("mailto:mailto:a@b.example", "twice"),
            ("mailto:MAILTO:a@b.example", "twice"),
            ("mailto:x:a@b.example", "no valid mail address"),
            ("mailto:a%20b@c.example", "no valid mail address"),
            ("mailto:a!b@c.example", "`!`"),
            ("mailto:a%2@c.example", "`%`"),
            ("mailto:a@bücher.example", "`ü`"),
            ("mailto:<a@b.example>", "`<`"),
            ("mailto: a@b.example", "white space"),
            ("mailto:a@b.example mailto:c@d.example", "comma"),
            ("https:d.example", "no host"),
        ] {
            let detail = read(text).remove(0).unwrap_err().detail;
            assert!(detail.contains(words), "{text}: {detail}");
        }
        let uris = read("mailto:a@b.example,,c@d.example,");
        assert_eq!(uris.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, false]);
        assert_eq!(uris[2].as_ref().unwrap_err().at, 30..41);
    }

    #[test]
    fn whose_an_address_is() {
        let own =
            ["RUA@reports.example", "@Whole.example", "x@bücher.example", "nonsense"].map(str::to_owned);
        for (uri, is_own) in [
            ("mailto:rua@Reports.example", true),
            ("mailto:Rua+acme@reports.example", true),
            ("mailto:rua%2Bacme@reports.example!10m", true),
            ("mailto:anything@whole.example", true),
            ("mailto:x@xn--bcher-kva.example", true),
            ("mailto:ruf@reports.example", false),
            ("mailto:a@sub.whole.example", false),
            ("https://whole.example/", false),
        ] {
            assert_eq!(read(uri)[0].as_ref().unwrap().is_in(&own), is_own, "{uri}");
        }
    }

    proptest::proptest! {
        #[test]
        fn ranges_are_always_within(value in "[a-zA-Z@:.,!%2 ä;/?]{0,60}") {
            for uri in Uri::list(&value, 0) {
                let at = match uri { Ok(uri) => uri.at, Err(bad) => bad.at };
                proptest::prop_assert!(value.get(at).is_some());
            }
        }
    }
}
