use std::{collections::HashMap, path::Path};

use serde::Deserialize;

use super::{Category, Setup};
use ruad_common::domain_name::{normalize, parents};

/// The known senders of mail.
#[derive(Debug, Default)]
pub struct Catalog {
    services: Vec<Service>,
    by_id: HashMap<String, usize>,
    by_dkim: HashMap<String, usize>,
    by_reverse: HashMap<String, usize>,
    by_asn: HashMap<u32, usize>,
    by_spf: HashMap<String, usize>,
}

impl Catalog {
    /// The catalogue that comes with the program.
    ///
    /// # Errors
    ///
    /// [`CatalogError`]; a test shows that there is none.
    pub fn built_in() -> Result<Self, CatalogError> {
        Self::parse(BUILT_IN, "config/sources.toml")
    }

    /// Reads a catalogue from a file.
    ///
    /// # Errors
    ///
    /// [`CatalogError`], naming the file and the value.
    pub fn load(path: &Path) -> Result<Self, CatalogError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &file),
            Err(source) => Err(CatalogError::Io { file, source }),
        }
    }

    /// Reads a catalogue from the text of a file; `origin` is what errors call it.
    ///
    /// # Errors
    ///
    /// [`CatalogError`], naming `origin` and the value.
    pub fn parse(text: &str, origin: &str) -> Result<Self, CatalogError> {
        let file = || origin.to_owned();
        let entries: File = toml::from_str(text)
            .map_err(|source| CatalogError::Syntax { file: file(), source: Box::new(source) })?;
        let mut catalog = Self::default();
        for (at, service) in entries.service.into_iter().enumerate() {
            let id = &service.id;
            if !is_id(id) {
                return Err(CatalogError::Id { file: file(), id: id.clone() });
            }
            let twice = |value: &str, key| CatalogError::Twice {
                file: file(),
                id: service.id.clone(),
                key,
                value: value.to_owned(),
            };
            if catalog.by_id.insert(id.clone(), at).is_some() {
                return Err(twice(id, "id"));
            }
            for (key, values, index) in [
                ("dkim", &service.dkim, &mut catalog.by_dkim),
                ("reverse", &service.reverse, &mut catalog.by_reverse),
                ("spf", &service.spf, &mut catalog.by_spf),
            ] {
                for value in values {
                    let domain = normalize(value).filter(|domain| domain.contains('.'));
                    let domain = domain.ok_or_else(|| CatalogError::Domain {
                        file: file(),
                        id: id.clone(),
                        key,
                        value: value.clone(),
                    })?;
                    if index.insert(domain, at).is_some() {
                        return Err(twice(value, key));
                    }
                }
            }
            for asn in &service.asn {
                if catalog.by_asn.insert(*asn, at).is_some() {
                    return Err(twice(&asn.to_string(), "asn"));
                }
            }
            catalog.services.push(service);
        }
        Ok(catalog)
    }

    /// The service that the clues point at. The domain of a signature that passes comes before the reverse
    /// name, and that before the network: who signs knows whom it signs for, while a network's customers are
    /// many. Of several domains that fit the longest decides.
    pub fn identify(&self, clues: &Clues<'_>) -> Option<&Service> {
        let dkim = || nearest(&self.by_dkim, clues.dkim_domain?);
        let reverse = || nearest(&self.by_reverse, clues.reverse_name?);
        let asn = || self.by_asn.get(&clues.asn?).copied();
        self.services.get(dkim().or_else(reverse).or_else(asn)?)
    }

    /// The service whose customers include `domain` in their SPF records.
    pub fn included(&self, domain: &str) -> Option<&Service> {
        self.services.get(nearest(&self.by_spf, domain)?)
    }

    /// The service with this id.
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services.get(*self.by_id.get(id)?)
    }

    /// Every service, in the file's order.
    pub fn services(&self) -> &[Service] {
        &self.services
    }
}

/// What is known of an address that may tell whose it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clues<'a> {
    /// `d=` of a signature that passes.
    pub dkim_domain: Option<&'a str>,
    /// The reverse name, if it leads back to the address.
    pub reverse_name: Option<&'a str>,
    /// The autonomous system's number.
    pub asn: Option<u32>,
}

/// A known sender of mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// A short name that does not change: it is stored.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub category: Category,
    /// Ends of the reverse names of its addresses.
    #[serde(default)]
    pub reverse: Vec<String>,
    /// Its autonomous systems.
    #[serde(default)]
    pub asn: Vec<u32>,
    /// Domains it signs with that are its own.
    #[serde(default)]
    pub dkim: Vec<String>,
    /// What its customers include in their SPF records.
    #[serde(default)]
    pub spf: Vec<String>,
    /// How a customer sets it up for a domain of their own, when that is known.
    pub setup: Option<Setup>,
}

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The file cannot be read.
    #[error("{file}: cannot read the catalogue of senders: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key or a value that does not belong there.
    #[error("{file}: {source}")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser said: line, column, key.
        source: Box<toml::de::Error>,
    },
    /// An id has characters that it should not have.
    #[error("{file}: service.id {id:?} is not made of a-z, 0-9 and \"-\"")]
    Id {
        /// The file.
        file: String,
        /// The id as written.
        id: String,
    },
    /// Something that is not a domain name.
    #[error("{file}: service {id:?}: {key} {value:?} is not a domain name")]
    Domain {
        /// The file.
        file: String,
        /// The service.
        id: String,
        /// The key.
        key: &'static str,
        /// The value as written.
        value: String,
    },
    /// Something is claimed twice.
    #[error("{file}: service {id:?}: {key} {value:?} is claimed already")]
    Twice {
        /// The file.
        file: String,
        /// The service that claims it again.
        id: String,
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    service: Vec<Service>,
}

fn nearest(index: &HashMap<String, usize>, name: &str) -> Option<usize> {
    let name = normalize(name)?;
    parents(&name).find_map(|name| index.get(name)).copied()
}

fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

const BUILT_IN: &str = include_str!("../../config/sources.toml");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_built_in_catalogue_is_valid() {
        let catalog = Catalog::built_in().unwrap();
        assert!(catalog.services().len() > 250);
        let mut names = BTreeSet::new();
        for service in catalog.services() {
            let Service { id, name, reverse, asn, dkim, spf, category, setup: _ } = service;
            assert!(names.insert(name), "{name} twice");
            assert!(!name.is_empty() && name.trim() == name, "{id}");
            assert!(
                !(reverse.is_empty() && asn.is_empty() && dkim.is_empty() && spf.is_empty()),
                "{id} has no clue"
            );
            for domain in reverse.iter().chain(dkim).chain(spf) {
                assert_eq!(normalize(domain).as_ref(), Some(domain), "{id}");
            }
            let json = serde_json::to_string(category).unwrap();
            assert_eq!(json.trim_matches('"'), category.as_str());
            assert_eq!(Category::named(category.as_str()), Some(*category));
        }
    }

    #[test]
    fn real_names_are_known() {
        let catalog = Catalog::built_in().unwrap();
        for (reverse, id) in [
            ("mail-ed1-f41.google.com", "google"),
            ("mail-am6eur05on2101.outbound.protection.outlook.com", "microsoft-365"),
            ("a8-23.smtp-out.amazonses.com", "amazon-ses"),
            ("ec2-192-0-2-1.eu-west-1.compute.amazonaws.com", "aws"),
            ("mout.kundenserver.de", "ionos"),
            ("mo4-p00-ob.smtp.rzone.de", "strato"),
            ("eu-smtp-delivery-151.mimecast.com", "mimecast"),
            ("out1-smtp.messagingengine.com", "fastmail"),
            ("1.2.0.192.bc.googleusercontent.com", "google-cloud"),
        ] {
            let clues = Clues { reverse_name: Some(reverse), ..Clues::default() };
            assert_eq!(catalog.identify(&clues).map(|service| &*service.id), Some(id), "{reverse}");
        }
        let included = |domain| catalog.included(domain).map(|service| &*service.id);
        assert_eq!(included("_spf.google.com"), Some("google"));
        assert_eq!(included("eu._netblocks.mimecast.com"), Some("mimecast"));
        assert_eq!(included("_spf.example.com"), None);
    }

    #[test]
    fn dkim_before_reverse_before_network() {
        let catalog = Catalog::parse(
            r#"
            service = [
                { id = "a", name = "A", category = "mailbox", dkim = ["a.example"], reverse = ["out.example"] },
                { id = "b", name = "B", category = "hosting", reverse = ["b.example", "b.out.example"], asn = [64496] },
                { id = "c", name = "C", category = "isp", asn = [64497] },
            ]"#,
            "f.toml",
        )
        .unwrap();
        let id = |dkim_domain, reverse_name, asn| {
            catalog.identify(&Clues { dkim_domain, reverse_name, asn }).map(|service| &*service.id)
        };
        assert_eq!(id(Some("mail.a.example"), Some("x.b.example"), Some(64_497)), Some("a"));
        assert_eq!(id(Some("customer.example"), Some("X.B.example."), Some(64_497)), Some("b"));
        assert_eq!(id(Some("customer.example"), Some("mx.customer.example"), Some(64_497)), Some("c"));
        assert_eq!(id(None, None, Some(64_496)), Some("b"));
        assert_eq!(id(None, Some("x.b.out.example"), None), Some("b"));
        assert_eq!(id(None, Some("x.out.example"), None), Some("a"));
        assert_eq!(id(None, Some("notout.example"), Some(64_498)), None);
        assert_eq!(id(None, None, None), None);
    }

    #[test]
    fn errors_name_the_value() {
        let service = |fields: &str| format!("[[service]]\nname = \"A\"\ncategory = \"isp\"\n{fields}\n");
        for (text, said) in [
            (service("id = \"A b\""), "f.toml: service.id \"A b\" is not made of"),
            (
                service("id = \"a\"\nreverse = [\"com\"]"),
                "f.toml: service \"a\": reverse \"com\" is not a domain name",
            ),
            (service("id = \"a\"\nasn = [1, 1]"), "f.toml: service \"a\": asn \"1\" is claimed already"),
            (
                service("id = \"a\"\ndkim = [\"a.example\"]")
                    + &service("id = \"b\"\ndkim = [\"A.example\"]"),
                "f.toml: service \"b\": dkim \"A.example\" is claimed already",
            ),
            (
                service("id = \"a\"") + &service("id = \"a\""),
                "f.toml: service \"a\": id \"a\" is claimed already",
            ),
            (service("id = \"a\"\nptr = []"), "f.toml: TOML parse error at line 5"),
            (
                service("id = \"a\"\nsetup = { aligns = \"spf\", dkim = \"\" }"),
                "f.toml: TOML parse error at line 5",
            ),
        ] {
            let error = Catalog::parse(&text, "f.toml").unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
