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
    /// The file lists no domain at all.
    #[error("{file}: it lists no domain; if that is meant so, write domains = [] into it")]
    Empty {
        /// The file.
        file: String,
    },
    /// A domain outside of a group.
    #[error("{file}:{line}: domains {name:?} belongs into a [[group]]")]
    Ungrouped {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The domain as written.
        name: String,
    },
    /// A group's name has characters that a label or a database user's name should not have.
    #[error(
        "{file}:{line}: group.name {name:?} is not 1 to 48 of a-z, 0-9, \"-\" and \"_\", with a letter first"
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
    /// Something that is not a DKIM selector.
    #[error(
        "{file}:{line}: domain.selectors {name:?} is not a DKIM selector: letters, digits, \"-\", \"_\" and dots between them"
    )]
    Selector {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The value as written.
        name: String,
    },
    /// A value that makes no sense.
    #[error("{file}:{line}: {key} is {value}; it has to be {wanted}")]
    OutOfRange {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
}
