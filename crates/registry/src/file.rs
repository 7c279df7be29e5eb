use std::{
    collections::{HashMap, hash_map::Entry},
    ops::Range,
    path::Path,
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;
use toml::Spanned;

use super::{
    Domain, Group, Listed, Registry, RegistryError, UNASSIGNED,
    wishes::{SourceTable, Written},
};
use ruad_common::domain_name::{domain, normalize};

use ruad_dns::profile::Profile;

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
    // A file that was cut off or overwritten by mistake names no list at all.
    let lists = file.group.iter().map(|group| group.domains.as_ref()).chain([file.domains.as_ref()]);
    let on_purpose = lists.flatten().any(Vec::is_empty);
    if let Some(written) = file.domains.iter().flatten().next() {
        let (file, line) = (origin.to_owned(), Lines::new(text).of(written.span()));
        return Err(RegistryError::Ungrouped { file, line, name: written.get_ref().clone() });
    }
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
    if builder.registry.is_empty() && !on_purpose {
        return Err(RegistryError::Empty { file: builder.file });
    }
    Ok(builder.registry)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Only ever empty: that there are no domains is meant so.
    domains: Option<Vec<Spanned<String>>>,
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
    domains: Option<Vec<Spanned<String>>>,
    check_every: Option<Spanned<f64>>,
    key_age_warning: Option<Spanned<u32>>,
    key_age_error: Option<Spanned<u32>>,
    profile: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainTable {
    name: Spanned<String>,
    #[serde(default = "active")]
    active: bool,
    #[serde(default)]
    selectors: Vec<Spanned<String>>,
    profile: Option<Spanned<String>>,
    goal: Option<Spanned<String>>,
    parked: Option<bool>,
    people: Option<bool>,
    #[serde(default)]
    source: Vec<SourceTable>,
}

fn active() -> bool {
    true
}

pub(super) struct Builder {
    pub(super) lines: Lines,
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
        let group_table = Group {
            title,
            check_every: table.check_every.map(|every| self.check_every(every)).transpose()?,
            profile: self.profile("group.profile", table.profile)?,
            key_age_warning: self.warning_before(table.key_age_warning, table.key_age_error.as_ref())?,
            key_age_error: table.key_age_error.map(Spanned::into_inner),
        };
        self.registry.groups.insert(group.clone(), group_table);
        for domain in table.domains.unwrap_or_default() {
            self.domain(&group, domain)?;
        }
        Ok(())
    }

    fn domain(&mut self, group: &Arc<str>, written: Spanned<String>) -> Result<(), RegistryError> {
        let (line, name) = self.name("group.domains", written)?;
        match self.registry.domains.entry(name.as_str().into()) {
            Entry::Vacant(entry) => {
                entry.insert(Domain {
                    group: group.clone(),
                    active: true,
                    selectors: Vec::new(),
                    profile: None,
                    wishes: Listed::default(),
                });
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
            let profile = self.profile("domain.profile", table.profile)?;
            let selectors = table.selectors.into_iter().map(|written| self.selector(written));
            let selectors = selectors.collect::<Result<_, _>>()?;
            let DomainTable { active, goal, parked, people, source, .. } = table;
            let wishes = self.wishes(Written { goal, parked, people, source })?;
            let Some(domain) = self.registry.domains.get_mut(name.as_str()) else {
                return Err(RegistryError::UnlistedDomain { file, line, name });
            };
            domain.active = active;
            (domain.selectors, domain.profile, domain.wishes) = (selectors, profile, wishes);
        }
        Ok(())
    }

    fn check_every(&self, written: Spanned<f64>) -> Result<Duration, RegistryError> {
        let line = self.lines.of(written.span());
        let every = Duration::try_from_secs_f64(*written.get_ref()).unwrap_or_default();
        if every < super::MIN_INTERVAL {
            let value = written.get_ref().to_string();
            return Err(self.out_of_range(line, "group.check_every", value, "1 second or more"));
        }
        Ok(every)
    }

    fn warning_before(
        &self,
        warning: Option<Spanned<u32>>,
        error: Option<&Spanned<u32>>,
    ) -> Result<Option<u32>, RegistryError> {
        match (warning, error) {
            (Some(warning), Some(error)) if warning.get_ref() > error.get_ref() => {
                let (line, value) = (self.lines.of(warning.span()), format!("{} days", warning.get_ref()));
                Err(self.out_of_range(line, "group.key_age_warning", value, "no more than key_age_error"))
            }
            (warning, _) => Ok(warning.map(Spanned::into_inner)),
        }
    }

    fn profile(
        &self,
        key: &'static str,
        written: Option<Spanned<String>>,
    ) -> Result<Option<String>, RegistryError> {
        match written {
            Some(written) if Profile::named(written.get_ref()).is_none() => {
                let (line, value) = (self.lines.of(written.span()), format!("{:?}", written.get_ref()));
                Err(self.out_of_range(line, key, value, "default or nl-gov"))
            }
            written => Ok(written.map(Spanned::into_inner)),
        }
    }

    fn selector(&self, written: Spanned<String>) -> Result<String, RegistryError> {
        let line = self.lines.of(written.span());
        let name = written.into_inner();
        // A selector is one or several labels (RFC 6376 section 3.1), for which the rules of names hold.
        normalize(&name)
            .filter(|normal| name.is_ascii() && !name.ends_with('.') && normal.len() <= LONGEST_SELECTOR)
            .ok_or_else(|| RegistryError::Selector { file: self.file.clone(), line, name })
    }

    pub(super) fn out_of_range(
        &self,
        line: usize,
        key: &'static str,
        value: String,
        wanted: &'static str,
    ) -> RegistryError {
        RegistryError::OutOfRange { file: self.file.clone(), line, key, value, wanted }
    }

    fn name(&self, key: &'static str, written: Spanned<String>) -> Result<(usize, String), RegistryError> {
        let line = self.lines.of(written.span());
        let written = written.into_inner();
        match domain(&written) {
            // A top-level domain belongs to no customer, and listing one would swallow all the others.
            Some(name) if name.contains('.') => Ok((line, name)),
            _ => Err(RegistryError::DomainName { file: self.file.clone(), line, key, name: written }),
        }
    }
}

/// Where each line of a text begins.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line, from 1, in which a span begins.
    pub(super) fn of(&self, span: Range<usize>) -> usize {
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
const LONGEST_SELECTOR: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decision, SenderId};

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
            (
                format!("{group}]\ncheck_every = 0\n"),
                "f.toml:6: group.check_every is 0; it has to be 1 second or more",
            ),
            (
                format!("{group}]\nprofile = \"strict\"\n"),
                "f.toml:6: group.profile is \"strict\"; it has to be default or nl-gov",
            ),
            (
                format!("{group}]\nkey_age_error = 30\nkey_age_warning = 31\n"),
                "f.toml:7: group.key_age_warning is 31 days; it has to be no more than key_age_error",
            ),
            (
                format!("{group}]\n[[domain]]\nname = \"acme.example\"\nselectors = [\"s1\",\n\"s 2\"]\n"),
                "f.toml:9: domain.selectors \"s 2\" is not a DKIM selector",
            ),
            (
                format!("{group}]\n[[domain]]\nname = \"acme.example\"\ngoal = \"none\"\n"),
                "f.toml:8: domain.goal is \"none\"; it has to be quarantine or reject",
            ),
            (
                source(group, "sender = \"a b\"\ndecision = \"approved\"\n"),
                "f.toml:9: domain.source.sender is \"a b\"; it has to be service:<id>",
            ),
            (
                source(group, "sender = \"net:AS1\"\ndecision = \"ok\"\n"),
                "f.toml:10: domain.source.decision is \"ok\"; it has to be approved or rejected",
            ),
            (
                source(group, "sender = \"google\"\ndecision = \"approved\"\n")
                    + "[[domain.source]]\nsender = \"service:google\"\ndecision = \"rejected\"\n",
                "f.toml:12: domain.source.sender is \"service:google\"; it has to be decided about once",
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

    fn source(group: &str, fields: &str) -> String {
        format!("{group}]\n[[domain]]\nname = \"acme.example\"\n[[domain.source]]\n{fields}")
    }

    #[test]
    fn a_service_may_be_named_by_its_id_alone() {
        let group = "[[group]]\nname = \"acme\"\ndomains = [\n  \"acme.example\",\n";
        let text = source(group, "sender = \"google\"\ndecision = \"approved\"\nnote = \"our mailboxes\"\n");
        let registry = parse(&text, "f.toml").unwrap();
        let decisions = &registry.wishes("acme.example").unwrap().decisions;
        assert_eq!(decisions.get(&SenderId::service("google")), Some(&Decision::Approved));
    }

    #[test]
    fn unknown_keys_and_wrong_kinds_are_named() {
        for (text, parts) in [
            ("[[group]]\nname = \"acme\"\ndomain = [\"a.example\"]\n", ["f.toml: ", "line 3", "domain"]),
            ("[[group]]\nname = \"acme\"\ndomains = \"a.example\"\n", ["f.toml: ", "line 3", "domains"]),
            ("[[groups]]\nname = \"acme\"\n", ["f.toml: ", "line 1", "groups"]),
            ("[[group]]\ntitle = \"acme\"\n", ["f.toml: ", "line 1", "name"]),
            ("[[domain]]\nname = \"a.example\"\nactive = 1\n", ["f.toml: ", "line 3", "active"]),
            ("[[domain]]\nname = \"a.example\"\nparked = \"no\"\n", ["f.toml: ", "line 3", "parked"]),
            ("[[group]\n", ["f.toml: ", "line 1", "[[group]"]),
        ] {
            let error = parse(text, "f.toml").unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn a_registry_is_empty_on_purpose_only() {
        assert!(parse("domains = []", "f.toml").unwrap().is_empty());
        assert!(matches!(parse("", "f.toml"), Err(RegistryError::Empty { .. })));
        let ungrouped = parse("domains = [\n\"a.example\"]", "f.toml").unwrap_err().to_string();
        assert_eq!(ungrouped, "f.toml:2: domains \"a.example\" belongs into a [[group]]");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load(Path::new("/nowhere/domains.toml")).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/domains.toml: cannot read"), "{error}");
    }
}
