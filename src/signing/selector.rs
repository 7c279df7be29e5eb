use mail_parser::DateTime;

use super::Algorithm;
use ruad_common::domain_name::normalize;
use ruad_dns::{Answer, Resolver, Text, Trouble, check::Unanswered};

/// What is at a selector already.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Occupied {
    /// A record, with this text.
    Record(String),
    /// An alias of this name, which is somebody's who keeps the key there, or once did.
    Alias(String),
}

/// Why a selector cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// It is not of the form that RFC 6376 section 3.1 asks for.
    #[error("{selector:?} is no selector: labels of letters, digits and hyphens, with dots between them")]
    Form {
        /// The selector.
        selector: String,
    },
    /// With the domain it is longer than a name may be.
    #[error("{name} is longer than the 253 bytes that a name may have")]
    TooLong {
        /// The name.
        name: String,
    },
}

/// A name for a key made at `now` (seconds since 1970): the month is what one wants to know of a key later on.
pub fn default_selector(algorithm: Algorithm, now: u64) -> String {
    let date = DateTime::from_timestamp(i64::try_from(now).unwrap_or_default());
    let kind = if algorithm == Algorithm::Ed25519 { "-ed25519" } else { "" };
    format!("ruad-{:04}{:02}{kind}", date.year, date.month)
}

/// Checks the form of a selector for a domain, which is normalized, and gives it in lower case.
///
/// # Errors
///
/// [`SelectorError`].
pub fn is_selector(selector: &str, domain: &str) -> Result<String, SelectorError> {
    let is_label = |label: &str| !label.contains('_') && !label.starts_with('-') && !label.ends_with('-');
    let form = || SelectorError::Form { selector: selector.to_owned() };
    let name = normalize(selector).filter(|name| name.split('.').all(is_label)).ok_or_else(form)?;
    let whole = format!("{name}._domainkey.{domain}");
    if normalize(&whole).is_none() {
        return Err(SelectorError::TooLong { name: whole });
    }
    Ok(name)
}

/// What is at a selector of a domain, if anything. What a wildcard says of every selector is nothing: a record of its own
/// takes its place.
///
/// # Errors
///
/// The question that nobody answered. It says nothing about the selector.
pub async fn is_free(
    resolver: &Resolver,
    domain: &str,
    selector: &str,
) -> Result<Option<Occupied>, Unanswered> {
    let name = format!("{selector}._domainkey.{domain}");
    let usual = format!("{PROBE}._domainkey.{domain}");
    let alias = answered(&name, resolver.cname(&name).await)?;
    if let Some(target) = alias.records().first()
        && !answered(&usual, resolver.cname(&usual).await)?.records().contains(target)
    {
        return Ok(Some(Occupied::Alias(target.clone())));
    }
    let texts = texts(&answered(&name, resolver.txt(&name).await)?);
    if texts.is_empty() || texts == self::texts(&answered(&usual, resolver.txt(&usual).await)?) {
        return Ok(None);
    }
    Ok(texts.into_iter().next().map(Occupied::Record))
}

fn answered<T>(name: &str, answer: Answer<T>) -> Result<Answer<T>, Unanswered> {
    match answer.trouble() {
        // Where no name fits there is nothing, either.
        None | Some(Trouble::BadName) => Ok(answer),
        Some(trouble) => Err(Unanswered { name: name.to_owned(), trouble }),
    }
}

/// In an order of their own: servers give records in any.
fn texts(answer: &Answer<Text>) -> Vec<String> {
    let mut texts: Vec<_> = answer.records().iter().map(Text::joined).collect();
    texts.sort();
    texts
}

/// A selector that nobody uses.
const PROBE: &str = "is-there-a-wildcard-5d21";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_says_when_its_key_was_made() {
        for (now, month) in [(1_793_491_199, "202610"), (1_793_491_200, "202611"), (1_798_761_600, "202701")]
        {
            assert_eq!(default_selector(Algorithm::Rsa2048, now), format!("ruad-{month}"));
            assert_eq!(default_selector(Algorithm::Rsa4096, now), format!("ruad-{month}"));
            assert_eq!(default_selector(Algorithm::Ed25519, now), format!("ruad-{month}-ed25519"));
        }
    }

    #[test]
    fn which_selectors_there_can_be() {
        for (selector, name) in [("S1", "s1"), ("2026.mail", "2026.mail"), ("ruad-202611", "ruad-202611")] {
            assert_eq!(is_selector(selector, "example.com").as_deref(), Ok(name));
        }
        for selector in ["", ".", "a b", "a..b", "_s", "-a", "a-", "a/b", "../a", "a_b", "a@b"] {
            let error = is_selector(selector, "example.com").unwrap_err();
            assert!(matches!(error, SelectorError::Form { .. }), "{selector}");
        }
        let long = format!("{}.example", ["a".repeat(63), "b".repeat(63), "c".repeat(63)].join("."));
        let error = is_selector(&"s".repeat(50), &long).unwrap_err();
        assert!(matches!(error, SelectorError::TooLong { .. }));
    }
}
