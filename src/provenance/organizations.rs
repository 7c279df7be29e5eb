use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use super::disguise::{is_odd, looks, looks_as_written};
use ruad_common::domain_name::{is_within, normalize, parents};

/// What is known of reporters beyond what DNS says: who has several domains, and where anybody has an
/// address.
#[derive(Debug, Default)]
pub(super) struct Organizations {
    by_domain: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
    shared: HashSet<String>,
    below: HashSet<String>,
    /// What its names and domains look like.
    looks: HashSet<String>,
    /// What those names look like that are one word.
    words: HashSet<String>,
}

impl Organizations {
    /// The table that comes with the program. A test shows that it is valid; were it not, it would be empty
    /// and fewer reports would be genuine.
    pub(super) fn known() -> &'static Self {
        static KNOWN: LazyLock<Organizations> =
            LazyLock::new(|| Organizations::parse(TABLE).unwrap_or_default());
        &KNOWN
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(text)?;
        let mut known = Self {
            shared: file.shared.into_iter().collect(),
            below: file.below.into_iter().collect(),
            ..Self::default()
        };
        for (id, table) in file.organization.into_iter().enumerate() {
            let names = table.names.iter();
            known.words.extend(names.clone().filter(|name| is_word(name)).map(|name| looks(name)));
            known.looks.extend(names.chain(&table.domains).map(|name| looks(name)));
            known.by_domain.extend(table.domains.into_iter().map(|domain| (domain, id)));
            known.by_name.extend(table.names.into_iter().map(|name| (name, id)));
            known.shared.extend(table.shared);
        }
        Ok(known)
    }

    /// Whether a customer of its operator can have an address at `domain`, one like `postmaster` if `as_operator`.
    pub(super) fn is_shared(&self, domain: &str, as_operator: bool) -> bool {
        let is_below = || parents(domain).skip(1).any(|parent| self.below.contains(parent));
        (self.shared.contains(domain) && !as_operator) || is_below()
    }

    /// What a report's `org_name` or `organization-name` says about who it is from.
    pub(super) fn of_name(&self, name: &str) -> Option<Named> {
        let lower = name.trim().to_lowercase();
        match self.by_name.get(&lower) {
            Some(id) => Some(Named::Known(*id)),
            None => normalize(&lower).filter(|domain| domain.contains('.')).map(Named::Domain),
        }
    }

    /// Whether `author`, whose organizational domain is `organization`, belongs to the organisation named.
    pub(super) fn belongs(&self, author: &str, organization: &str, named: &Named) -> bool {
        match named {
            Named::Known(id) => self.of_domain(author) == Some(*id),
            Named::Domain(domain) => {
                is_within(domain, organization)
                    || self.of_domain(author).is_some_and(|id| self.of_domain(domain) == Some(id))
            }
        }
    }

    /// Whether `domain` belongs to an organisation of the table, or is the one domain of an operator in it.
    pub(super) fn is_known(&self, domain: &str) -> bool {
        self.of_domain(domain).is_some() || self.shared.contains(domain)
    }

    /// Whether `name`, the name or domain of an organisation that is not in the table, may be taken for one that is: it
    /// looks the same, has a word that does, or is not written as honest names are.
    pub(super) fn is_imitated_by(&self, name: &str) -> bool {
        is_odd(name)
            || [looks(name), looks_as_written(name)].iter().any(|looks| self.looks.contains(looks))
            || name
                .split(|letter: char| !letter.is_alphanumeric())
                .any(|word| self.words.contains(&looks(word)) || self.words.contains(&looks_as_written(word)))
    }

    fn of_domain(&self, domain: &str) -> Option<usize> {
        parents(domain).find_map(|domain| self.by_domain.get(domain)).copied()
    }
}

fn is_word(name: &str) -> bool {
    name.chars().all(char::is_alphanumeric)
}

/// Who a report says it is from.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Named {
    /// An organisation of the table.
    Known(usize),
    /// A domain, normalized.
    Domain(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    shared: Vec<String>,
    below: Vec<String>,
    organization: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    domains: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    shared: Vec<String>,
}

const TABLE: &str = include_str!("organizations.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_valid() {
        let file: File = toml::from_str(TABLE).unwrap();
        let mut domains = HashSet::new();
        let mut names = HashSet::new();
        for table in &file.organization {
            for domain in &table.domains {
                assert_eq!(normalize(domain).as_ref(), Some(domain));
                assert!(domains.insert(domain), "{domain} twice");
            }
            for name in &table.names {
                assert_eq!(&name.trim().to_lowercase(), name);
                assert!(names.insert(name), "{name} twice");
            }
            for domain in &table.shared {
                assert!(table.domains.contains(domain), "{domain} is shared but not listed");
                assert!(!file.shared.contains(domain), "{domain} is shared twice");
            }
        }
        assert!(file.shared.iter().all(|domain| normalize(domain).as_ref() == Some(domain)));
        assert!(file.below.iter().all(|domain| normalize(domain).as_ref() == Some(domain)));
        // No domain of one organisation lies below one of another.
        let known = Organizations::known();
        for (domain, id) in &known.by_domain {
            assert_eq!(known.of_domain(domain), Some(*id));
        }
        assert!(file.organization.len() >= 90 && known.by_domain.len() > 200);
    }

    #[test]
    fn customers_have_addresses_beside_and_below() {
        let known = Organizations::known();
        assert!(known.is_shared("gmail.com", false) && !known.is_shared("gmail.com", true));
        assert!(known.is_shared("user.fastmail.com", true) && known.is_shared("a.user.xs4all.nl", true));
        assert!(!known.is_shared("google.com", false) && !known.is_shared("corp.mail.ru", false));
    }

    #[test]
    fn organisations_with_several_domains() {
        let known = Organizations::known();
        let named = |name| known.of_name(name).unwrap();
        assert!(known.belongs("dmarc.yahoo.com", "yahoo.com", &named("yahooinc.com")));
        assert!(known.belongs("dmarc.yahoo.com", "yahoo.com", &named("Yahoo! Inc.")));
        assert!(known.belongs("microsoft.com", "microsoft.com", &named("Enterprise Outlook")));
        assert!(known.belongs("microsoft.com", "microsoft.com", &named("Outlook.com")));
        assert!(known.belongs("corp.mail.ru", "mail.ru", &named("Mail.Ru")));
        assert!(!known.belongs("yahoo.co.jp", "yahoo.co.jp", &named("yahoo.com")));
        assert!(!known.belongs("evil.example", "evil.example", &named("Google Inc.")));
        assert!(!known.belongs("evilgoogle.com", "evilgoogle.com", &named("google.com")));
        assert_eq!(known.of_name("Some Company B.V."), None);
        assert_eq!(known.of_name("acme"), None);
    }
}
