//! The registry: groups (customers) and their domains. One TOML file, thousands of entries, read again on
//! SIGHUP.
#![forbid(unsafe_code)]

mod error;
mod file;
mod preferences;
mod sender_id;
mod shared;
pub mod telemetry;
mod wishes;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use error::RegistryError;
pub use preferences::{Decision, Goal, Preferences};
pub use sender_id::SenderId;
pub use shared::Shared;

use ruad_common::domain_name::{normalize, parents};

/// The shortest interval between two examinations of a domain that can be configured.
pub const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The group of a domain that no group lists.
pub const UNASSIGNED: &str = "unassigned";

/// Where the registry is.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The registry's file; without one every domain is [`UNASSIGNED`].
    pub file: Option<PathBuf>,
}

/// Which group each domain belongs to.
///
/// A domain that is not listed follows its nearest listed parent. Names are compared in their normalized form
/// (see [`normalize`]), so case, a trailing dot and the spelling of an internationalised name do not matter.
#[derive(Debug, Default)]
pub struct Registry {
    groups: BTreeMap<Arc<str>, Group>,
    domains: HashMap<Box<str>, Domain>,
}

impl Registry {
    /// Reads the registry from a file.
    ///
    /// # Errors
    ///
    /// [`RegistryError`], naming the file, the line and the value.
    pub fn load(path: &Path) -> Result<Self, RegistryError> {
        file::load(path)
    }

    /// Reads the registry from the text of a file; `origin` is what errors call it.
    ///
    /// # Errors
    ///
    /// [`RegistryError`], naming `origin`, the line and the value.
    pub fn parse(text: &str, origin: &str) -> Result<Self, RegistryError> {
        file::parse(text, origin)
    }

    /// The name of the group that `domain` belongs to, or [`UNASSIGNED`].
    pub fn group_of(&self, domain: &str) -> &str {
        self.find(domain).map_or(UNASSIGNED, |(_, found)| &found.group)
    }

    /// Whether `domain`, or the nearest listed parent it follows, is active. A domain that is not listed is
    /// not.
    pub fn is_active(&self, domain: &str) -> bool {
        self.find(domain).is_some_and(|(_, found)| found.active)
    }

    /// The listed domain that `domain` is or is below of, the nearest one.
    pub fn listed(&self, domain: &str) -> Option<&str> {
        self.find(domain).map(|(listed, _)| listed)
    }

    /// Every listed domain with its group and whether it is active, in no particular order.
    pub fn domains(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.domains.iter().map(|(name, domain)| (&**name, &*domain.group, domain.active))
    }

    /// Every group with its title, by name.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &str)> {
        self.groups.iter().map(|(name, group)| (&**name, group.title.as_str()))
    }

    /// How many domains are listed.
    pub fn len(&self) -> usize {
        self.domains.len()
    }

    /// Whether no domain is listed.
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// How this domain is to be watched, when it is listed itself and active.
    pub fn watched(&self, domain: &str) -> Option<Watched<'_>> {
        let found = self.domains.get(domain).filter(|found| found.active)?;
        let group = self.groups.get(&found.group)?;
        Some(Watched {
            group: &found.group,
            selectors: &found.selectors,
            check_every: group.check_every,
            key_age_warning: group.key_age_warning,
            key_age_error: group.key_age_error,
            profile: found.profile.as_deref().or(group.profile.as_deref()),
        })
    }

    /// What the registry says of how far a domain is to go, when it is listed itself.
    pub fn wishes(&self, domain: &str) -> Option<&Listed> {
        self.domains.get(domain).map(|found| &found.wishes)
    }

    fn find(&self, domain: &str) -> Option<(&str, &Domain)> {
        let name = if is_normal(domain) { Cow::Borrowed(domain) } else { Cow::Owned(normalize(domain)?) };
        parents(&name)
            .take(MOST_LABELS)
            .find_map(|name| self.domains.get_key_value(name))
            .map(|(name, domain)| (&**name, domain))
    }
}

/// How a domain is to be watched; what is missing is as the settings say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Watched<'a> {
    /// The group it belongs to.
    pub group: &'a str,
    /// DKIM selectors to ask for, in lower case.
    pub selectors: &'a [String],
    /// How often it is examined.
    pub check_every: Option<Duration>,
    /// Age of a DKIM key that is worth a warning; days.
    pub key_age_warning: Option<u32>,
    /// Age of a DKIM key that is an error; days.
    pub key_age_error: Option<u32>,
    /// What counts how much for its score.
    pub profile: Option<&'a str>,
}

/// What the registry says of how far a domain is to go.
#[derive(Debug, Eq, PartialEq)]
pub struct Listed {
    /// The policy it is to end with.
    pub goal: Goal,
    /// Whether it sends no mail at all; none when nobody said.
    pub parked: Option<bool>,
    /// Whether people write mail from it.
    pub people: bool,
    /// Senders that were approved or rejected.
    pub decisions: BTreeMap<SenderId, Decision>,
}

impl Default for Listed {
    fn default() -> Self {
        Self { goal: Goal::default(), parked: None, people: true, decisions: BTreeMap::new() }
    }
}

#[derive(Debug)]
struct Group {
    title: String,
    check_every: Option<Duration>,
    key_age_warning: Option<u32>,
    key_age_error: Option<u32>,
    profile: Option<String>,
}

#[derive(Debug)]
struct Domain {
    group: Arc<str>,
    active: bool,
    selectors: Vec<String>,
    profile: Option<String>,
    wishes: Listed,
}

/// Whether `domain` may be looked up as it stands; names in rows nearly always can, which saves a copy for
/// each.
fn is_normal(domain: &str) -> bool {
    domain.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte))
        && !domain.ends_with('.')
}

// A name of 253 bytes has at most 127 labels.
const MOST_LABELS: usize = 127;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [[group]]
        name = "acme"
        title = "Acme"
        domains = ["acme.example", "Shop.Acme.Example.", "bücher.example"]

        [[group]]
        name = "globex"
        domains = ["eu.acme.example"]

        [[domain]]
        name = "shop.acme.example"
        active = false
    "#;

    #[test]
    fn the_nearest_parent_decides() {
        let registry = Registry::parse(TEXT, "domains.toml").unwrap();
        for (domain, group) in [
            ("acme.example", "acme"),
            ("ACME.example.", "acme"),
            ("mail.acme.example", "acme"),
            ("a.b.eu.acme.example", "globex"),
            ("xn--bcher-kva.example", "acme"),
            ("BÜCHER.example", "acme"),
            ("notacme.example", UNASSIGNED),
            ("example", UNASSIGNED),
            ("", UNASSIGNED),
            ("no domain at all", UNASSIGNED),
        ] {
            assert_eq!(registry.group_of(domain), group, "{domain}");
        }
    }

    #[test]
    fn subdomains_follow_in_activity_too() {
        let registry = Registry::parse(TEXT, "domains.toml").unwrap();
        assert!(registry.is_active("acme.example"));
        assert!(!registry.is_active("eu.shop.acme.example"));
        assert!(!registry.is_active("else.example"));
        assert_eq!(registry.listed("www.eu.acme.example"), Some("eu.acme.example"));
    }

    #[test]
    fn lists_what_it_holds() {
        let registry = Registry::parse(TEXT, "domains.toml").unwrap();
        let mut domains: Vec<_> = registry.domains().collect();
        domains.sort();
        assert_eq!(
            domains,
            [
                ("acme.example", "acme", true),
                ("eu.acme.example", "globex", true),
                ("shop.acme.example", "acme", false),
                ("xn--bcher-kva.example", "acme", true),
            ]
        );
        assert_eq!(registry.groups().collect::<Vec<_>>(), [("acme", "Acme"), ("globex", "globex")]);
        assert_eq!(registry.len(), 4);
    }

    #[test]
    fn says_how_to_watch_a_domain() {
        let text = r#"
            [[group]]
            name = "acme"
            domains = ["acme.example", "old.example", "other.example"]
            check_every = 900
            key_age_error = 90
            profile = "nl-gov"

            [[domain]]
            name = "acme.example"
            selectors = ["S1", "2026._mail"]
            profile = "default"

            [[domain]]
            name = "old.example"
            active = false
        "#;
        let registry = Registry::parse(text, "domains.toml").unwrap();
        let watched = registry.watched("acme.example").unwrap();
        assert_eq!(watched.selectors, ["s1", "2026._mail"]);
        assert_eq!((watched.group, watched.profile), ("acme", Some("default")));
        assert_eq!(watched.check_every, Some(Duration::from_secs(900)));
        assert_eq!((watched.key_age_warning, watched.key_age_error), (None, Some(90)));
        assert_eq!(registry.watched("other.example").unwrap().profile, Some("nl-gov"));
        assert!(registry.watched("old.example").is_none());
        assert!(registry.watched("mail.acme.example").is_none());
    }

    #[test]
    fn thousands_of_domains() {
        let mut text = String::new();
        for group in 0..200 {
            text += &format!("[[group]]\nname = \"g{group}\"\ndomains = [");
            (0..100).for_each(|domain| text += &format!("\"d{domain}.g{group}.example\","));
            text += "]\n";
        }
        let registry = Registry::parse(&text, "domains.toml").unwrap();
        assert_eq!(registry.len(), 20_000);
        for group in 0..200 {
            for domain in 0..100 {
                let name = format!("very.deep.below.d{domain}.g{group}.example");
                assert_eq!(registry.group_of(&name), format!("g{group}"));
            }
        }
        let endless = "a.".repeat(100_000);
        assert_eq!(registry.group_of(&endless), UNASSIGNED);
    }

    #[test]
    fn the_example_is_valid() {
        let text = include_str!("../../../config/domains.toml");
        let registry = Registry::parse(text, "config/domains.toml").unwrap();
        assert!(!registry.is_empty());
    }
}
