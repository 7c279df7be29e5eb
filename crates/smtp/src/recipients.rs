//! Who receives mail here. Everything else is refused: this is never a relay.

use std::collections::{HashMap, HashSet};

use super::SmtpError;

/// The configured recipients.
#[derive(Debug, Default)]
pub(super) struct Recipients {
    /// By domain, all in lower case.
    domains: HashMap<String, Locals>,
}

/// The local parts of one domain.
#[derive(Debug, Default)]
struct Locals {
    everybody: bool,
    listed: HashSet<String>,
}

/// The address `RCPT TO:<postmaster>`, which needs no domain (RFC 5321 section 4.5.1).
pub(super) const POSTMASTER: &str = "postmaster";

impl Recipients {
    /// Reads entries such as `rua@reports.example` and `@reports.example`.
    ///
    /// # Errors
    ///
    /// When an entry is neither an address nor `@` and a domain, or when there is none at all.
    pub(super) fn new(entries: &[String]) -> Result<Self, SmtpError> {
        let mut recipients = Self::default();
        for entry in entries {
            let bad_entry = || SmtpError::Recipient { entry: entry.clone() };
            let (local, domain) = entry.trim().rsplit_once('@').ok_or_else(bad_entry)?;
            if !is_domain(domain) || !(local.is_empty() || is_local(local)) {
                return Err(bad_entry());
            }
            let locals = recipients.domains.entry(domain.to_lowercase()).or_default();
            if local.is_empty() {
                locals.everybody = true;
            } else {
                locals.listed.insert(local.to_lowercase());
            }
        }
        if recipients.domains.is_empty() {
            return Err(SmtpError::NoRecipients);
        }
        Ok(recipients)
    }

    /// The recipient in the form that tells duplicates (lower case), when mail for it is taken.
    pub(super) fn accept(&self, address: &str) -> Option<String> {
        if address.eq_ignore_ascii_case(POSTMASTER) {
            return Some(POSTMASTER.to_owned());
        }
        let (local, domain) = address.rsplit_once('@')?;
        // A local part with a route in it (`%`, `!`, another `@`) is how relays are abused.
        if !is_local(local) {
            return None;
        }
        let (local, domain) = (local.to_lowercase(), domain.to_lowercase());
        let locals = self.domains.get(&domain)?;
        let base = local.split_once('+').map_or(local.as_str(), |(base, _)| base);
        let known = locals.everybody
            || locals.listed.contains(&local)
            || locals.listed.contains(base)
            || base == POSTMASTER;
        known.then(|| format!("{local}@{domain}"))
    }
}

/// A dot-atom (RFC 5322) without the characters of source routes, or beyond ASCII (RFC 6531).
fn is_local(local: &str) -> bool {
    !local.is_empty()
        && !local.contains(|c: char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '%' | '!' | '@' | '"' | '\\' | ',' | ':' | '<' | '>')
        })
}

/// Labels of letters, digits and hyphens, or beyond ASCII.
fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipients(entries: &[&str]) -> Result<Recipients, SmtpError> {
        Recipients::new(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn accepts_the_listed_and_postmaster_only() {
        let recipients =
            recipients(&["rua@reports.example", "@Whole.example", "a+b@tag.example", "ü@bücher.example"])
                .unwrap();
        for (address, accepted) in [
            ("rua@reports.example", Some("rua@reports.example")),
            ("RUA@Reports.EXAMPLE", Some("rua@reports.example")),
            ("rua+a.b=c@reports.example", Some("rua+a.b=c@reports.example")),
            ("postmaster@reports.example", Some("postmaster@reports.example")),
            ("Postmaster", Some("postmaster")),
            ("x@whole.example", Some("x@whole.example")),
            ("x+y@WHOLE.example", Some("x+y@whole.example")),
            ("postmaster@whole.example", Some("postmaster@whole.example")),
            ("a+b@tag.example", Some("a+b@tag.example")),
            ("a+b+c@tag.example", None),
            ("a@tag.example", None),
            ("Ü@BÜCHER.example", Some("ü@bücher.example")),
            ("ruf@reports.example", None),
            ("rua@sub.reports.example", None),
            ("rua@example", None),
            ("rua@whole.example.", None),
            ("+rua@reports.example", None),
            ("postmaster@elsewhere.example", None),
            ("root", None),
            ("", None),
            ("@whole.example", None),
            ("user%elsewhere.example@whole.example", None),
            ("elsewhere.example!user@whole.example", None),
            ("user@elsewhere.example@whole.example", None),
            ("two words@whole.example", None),
        ] {
            assert_eq!(recipients.accept(address).as_deref(), accepted, "{address:?}");
        }
    }

    #[test]
    fn names_the_bad_entry() {
        for entry in
            ["rua", "", "@", "a b@c.example", "a@b@c.example", "rua@bad domain", "rua@.example", "a@b."]
        {
            match recipients(&["@ok.example", entry]) {
                Err(SmtpError::Recipient { entry: named }) => assert_eq!(named, entry),
                other => panic!("{entry:?}: {other:?}"),
            }
        }
        assert!(matches!(recipients(&[]), Err(SmtpError::NoRecipients)));
    }
}
