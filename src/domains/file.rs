use std::{
    collections::{HashMap, hash_map::Entry},
    ops::Range,
    path::Path,
    sync::Arc,
};

use serde::Deserialize;
use toml::Spanned;

use super::{Domain, Group, Registry, UNASSIGNED, normalize};

/// Why a registry cannot be used. Every text names the file and, where there is one, the line and the value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The file cannot be read.
    #[error("{file}: cannot read the domain registry: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key that does not belong there, or a value of the wrong kind.
    #[error("{file}: {source}")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser said: line, column, key.
        source: Box<toml::de::Error>,
    },
    /// A group's name has characters that a label or a database user's name should not have.
    #[error(
        "{file}:{line}: group.name {name:?} is not 1 to {LONGEST_GROUP} of a-z, 0-9, \"-\" and \"_\", with a letter first"
    )]
    GroupName {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The name as written.
        name: String,
    },
    /// A group has the name that stands for "no group".
    #[error("{file}:{line}: group.name {name:?} is reserved for domains that no group lists")]
    ReservedGroup {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The name as written.
        name: String,
    },
    /// Two groups have the same name.
    #[error("{file}:{line}: group.name {name:?} is used twice, first in line {first}")]
    DuplicateGroup {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The name.
        name: String,
        /// The line of the group that had it first.
        first: usize,
    },
    /// Something that is not a domain name.
    #[error("{file}:{line}: {key} {name:?} is not a domain name")]
    DomainName {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The key the value belongs to.
        key: &'static str,
        /// The value as written.
        name: String,
    },
    /// A domain is listed twice, in one group or in two.
    #[error(
        "{file}:{line}: group.domains {name:?} of group {group:?} is listed already, in line {first} for group {first_group:?}"
    )]
    DuplicateDomain {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The domain, normalized.
        name: String,
        /// The group that lists it again.
        group: String,
        /// The line where it is listed first.
        first: usize,
        /// The group that lists it first.
        first_group: String,
    },
    /// A `[[domain]]` table tells more about a domain that no group lists.
    #[error("{file}:{line}: domain.name {name:?} is in no group's list of domains")]
    UnlistedDomain {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The domain, normalized.
        name: String,
    },
    /// Two `[[domain]]` tables for one domain.
    #[error("{file}:{line}: domain.name {name:?} has a table already, in line {first}")]
    DuplicateTable {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The domain, normalized.
        name: String,
        /// The line of the first table.
        first: usize,
    },
}

pub(super) fn load(path: &Path) -> Result<Registry, RegistryError> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, &file),
        Err(source) => Err(RegistryError::Io { file, source }),
    }
}

pub(super) fn parse(text: &str, origin: &str) -> Result<Registry, RegistryError> {
    let file: File = toml::from_str(text)
        .map_err(|source| RegistryError::Syntax { file: origin.to_owned(), source: Box::new(source) })?;
    let mut builder = Builder {
        lines: Lines::new(text),
        file: origin.to_owned(),
        registry: Registry::default(),
        group_lines: HashMap::new(),
        domain_lines: HashMap::new(),
    };
    for group in file.group {
        builder.group(group)?;
    }
    builder.tables(file.domain)?;
    Ok(builder.registry)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    group: Vec<GroupTable>,
    #[serde(default)]
    domain: Vec<DomainTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupTable {
    name: Spanned<String>,
    title: Option<String>,
    #[serde(default)]
    domains: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainTable {
    name: Spanned<String>,
    #[serde(default = "active")]
    active: bool,
}

fn active() -> bool {
    true
}

struct Builder {
    lines: Lines,
    file: String,
    registry: Registry,
    group_lines: HashMap<Arc<str>, usize>,
    domain_lines: HashMap<String, usize>,
}

impl Builder {
    fn group(&mut self, table: GroupTable) -> Result<(), RegistryError> {
        let (file, line) = (self.file.clone(), self.lines.of(table.name.span()));
        let name = table.name.into_inner();
        if !is_group_name(&name) {
            return Err(RegistryError::GroupName { file, line, name });
        }
        if name == UNASSIGNED {
            return Err(RegistryError::ReservedGroup { file, line, name });
        }
        if let Some(&first) = self.group_lines.get(name.as_str()) {
            return Err(RegistryError::DuplicateGroup { file, line, name, first });
        }
        let group: Arc<str> = name.into();
        self.group_lines.insert(group.clone(), line);
        let title = table.title.unwrap_or_else(|| group.to_string());
        self.registry.groups.insert(group.clone(), Group { title });
        for domain in table.domains {
            self.domain(&group, domain)?;
        }
        Ok(())
    }

    fn domain(&mut self, group: &Arc<str>, written: Spanned<String>) -> Result<(), RegistryError> {
        let (line, name) = self.name("group.domains", written)?;
        match self.registry.domains.entry(name.as_str().into()) {
            Entry::Vacant(entry) => {
                entry.insert(Domain { group: group.clone(), active: true });
                self.domain_lines.insert(name, line);
                Ok(())
            }
            Entry::Occupied(entry) => Err(RegistryError::DuplicateDomain {
                file: self.file.clone(),
                line,
                first: self.domain_lines.get(&name).copied().unwrap_or_default(),
                name,
                group: group.to_string(),
                first_group: entry.get().group.to_string(),
            }),
        }
    }

    fn tables(&mut self, tables: Vec<DomainTable>) -> Result<(), RegistryError> {
        let mut lines = HashMap::new();
        for table in tables {
            let (line, name) = self.name("domain.name", table.name)?;
            let file = self.file.clone();
            if let Some(first) = lines.insert(name.clone(), line) {
                return Err(RegistryError::DuplicateTable { file, line, name, first });
            }
            match self.registry.domains.get_mut(name.as_str()) {
                Some(domain) => domain.active = table.active,
                None => return Err(RegistryError::UnlistedDomain { file, line, name }),
            }
        }
        Ok(())
    }

    fn name(&self, key: &'static str, written: Spanned<String>) -> Result<(usize, String), RegistryError> {
        let line = self.lines.of(written.span());
        let written = written.into_inner();
        match normalize(&written) {
            // A top-level domain belongs to no customer, and listing one would swallow all the others.
            Some(name) if name.contains('.') => Ok((line, name)),
            _ => Err(RegistryError::DomainName { file: self.file.clone(), line, key, name: written }),
        }
    }
}

/// Where each line of a text begins.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line, from 1, in which a span begins.
    fn of(&self, span: Range<usize>) -> usize {
        1 + self.0.partition_point(|&end| end < span.start)
    }
}

fn is_group_name(name: &str) -> bool {
    name.len() <= LONGEST_GROUP
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
}

const LONGEST_GROUP: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_file_line_and_value() {
        let group = "[[group]]\nname = \"acme\"\ndomains = [\n  \"acme.example\",\n";
        for (text, said) in [
            (
                format!("{group}  \"not a domain\",\n]\n"),
                "f.toml:5: group.domains \"not a domain\" is not a domain",
            ),
            (format!("{group}  \"com\",\n]\n"), "f.toml:5: group.domains \"com\" is not a domain"),
            (format!("{group}  \"\",\n]\n"), "f.toml:5: group.domains \"\" is not a domain"),
            (
                format!("{group}]\n[[group]]\nname = \"other\"\ndomains = [\"ACME.example\"]\n"),
                "f.toml:8: group.domains \"acme.example\" of group \"other\" is listed already, in line 4 for group \"acme\"",
            ),
            (
                format!("{group}]\n[[group]]\nname = \"acme\"\n"),
                "f.toml:7: group.name \"acme\" is used twice, first in line 2",
            ),
            (
                format!("{group}]\n[[domain]]\nname = \"x.example\"\n"),
                "f.toml:7: domain.name \"x.example\" is in no group",
            ),
            (
                format!(
                    "{group}]\n[[domain]]\nname = \"acme.example\"\n[[domain]]\nname = \"acme.example\"\n"
                ),
                "f.toml:9: domain.name \"acme.example\" has a table already, in line 7",
            ),
            ("[[group]]\nname = \"A b\"\n".to_owned(), "f.toml:2: group.name \"A b\" is not 1 to 48 of"),
            ("[[group]]\nname = \"\"\n".to_owned(), "f.toml:2: group.name \"\" is not"),
            ("[[group]]\nname = \"1a\"\n".to_owned(), "f.toml:2: group.name \"1a\" is not"),
            (
                "[[group]]\nname = \"unassigned\"\n".to_owned(),
                "f.toml:2: group.name \"unassigned\" is reserved",
            ),
        ] {
            let error = parse(&text, "f.toml").unwrap_err().to_string();
            assert!(error.starts_with(said), "{error:?} is not {said:?}");
        }
    }

    #[test]
    fn unknown_keys_and_wrong_kinds_are_named() {
        for (text, parts) in [
            ("[[group]]\nname = \"acme\"\ndomain = [\"a.example\"]\n", ["f.toml: ", "line 3", "domain"]),
            ("[[group]]\nname = \"acme\"\ndomains = \"a.example\"\n", ["f.toml: ", "line 3", "domains"]),
            ("[[groups]]\nname = \"acme\"\n", ["f.toml: ", "line 1", "groups"]),
            ("[[group]]\ntitle = \"acme\"\n", ["f.toml: ", "line 1", "name"]),
            ("[[domain]]\nname = \"a.example\"\nactive = 1\n", ["f.toml: ", "line 3", "active"]),
            ("[[group]\n", ["f.toml: ", "line 1", "[[group]"]),
        ] {
            let error = parse(text, "f.toml").unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn an_empty_file_is_an_empty_registry() {
        assert!(parse("", "f.toml").unwrap().is_empty());
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load(Path::new("/nowhere/domains.toml")).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/domains.toml: cannot read"), "{error}");
    }
}
