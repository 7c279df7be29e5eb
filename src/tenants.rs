//! What lets a customer read its own rows and nothing else: ClickHouse's users, limits, grants and row policies, a user for each
//! group of the registry, and the data source for its organisation in Grafana. Text only; nothing is sent here.
//!
//! A row belongs to whom its domain belongs to now, not when it was stored: `tenant_domains` says so, and a view that refreshes
//! itself keeps it right, so that a domain that moves takes all its rows along.

mod grafana;
mod tables;

use std::fmt::Write as _;

use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};
use thiserror::Error;

pub use grafana::Organisation;
pub use tables::{TABLES, Table};

/// The statements for one database.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    database: &'a str,
    owner: &'a str,
}

/// How a customer's user is to prove who it is.
#[derive(Clone, Copy, Debug)]
pub enum Secret<'a> {
    /// It is there, and its password stays as it is.
    Kept,
    /// This is its password if it is not there yet.
    First(&'a str),
    /// This is its password from now on.
    Changed(&'a str),
}

/// Why there is no password.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// It could be guessed.
    #[error("the password of {group} has {length} characters; 16 or more are wanted")]
    Short {
        /// Whose it is.
        group: String,
        /// Its length.
        length: usize,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl<'a> Access<'a> {
    /// For tables in `database`, whose rows the user `owner` goes on to see all of. Both are plain names.
    pub fn new(database: &'a str, owner: &'a str) -> Self {
        Self { database, owner }
    }

    /// What all customers have in common; it may be run again at any time.
    pub fn shared(&self) -> Vec<String> {
        let Self { database, owner } = self;
        let mut statements = vec![
            format!(
                "CREATE TABLE IF NOT EXISTS {database}.tenant_domains\n(\n    \
                 domain String COMMENT 'Domain, or one below it that reports tell of',\n    \
                 group_name LowCardinality(String) COMMENT 'Group (customer) it belongs to now'\n)\n\
                 ENGINE = MergeTree ORDER BY (group_name, domain)\n\
                 COMMENT 'Whose rows are whose; row policies ask it, tenant_domains_feed fills it'"
            ),
            format!("DROP VIEW IF EXISTS {database}.tenant_domains_feed SYNC"),
            format!(
                "CREATE MATERIALIZED VIEW {database}.tenant_domains_feed REFRESH EVERY 5 MINUTE\n\
                 TO {database}.tenant_domains DEFINER = `{owner}` SQL SECURITY DEFINER AS\n{}",
                self.domains()
            ),
            format!("SYSTEM WAIT VIEW {database}.tenant_domains_feed"),
            format!("CREATE SETTINGS PROFILE IF NOT EXISTS {ROLE}"),
            format!("ALTER SETTINGS PROFILE {ROLE} SETTINGS {LIMITS}"),
            format!("CREATE ROLE IF NOT EXISTS {ROLE}"),
            format!("CREATE QUOTA OR REPLACE {ROLE} KEYED BY user_name {QUOTA} TO {ROLE}"),
        ];
        // With a policy on a table, a server may be set to show nothing of it to users without one.
        statements.extend(TABLES.iter().map(|Table { name, .. }| {
            format!("CREATE ROW POLICY OR REPLACE ruad_owner ON {database}.{name} USING 1 TO `{owner}`")
        }));
        statements.push(format!("REVOKE SELECT ON {database}.* FROM {ROLE}"));
        statements.extend(self.grants().into_iter().map(|grant| format!("{grant} TO {ROLE}")));
        statements
    }

    /// What one customer has; it may be run again at any time. Rights come last, when every policy is there.
    pub fn of(&self, group: &str, secret: Secret<'_>) -> Vec<String> {
        let Self { database, .. } = self;
        let user = user(group);
        let settings = format!("DEFAULT DATABASE {database} SETTINGS PROFILE '{ROLE}'");
        let mut statements = Vec::new();
        if let Secret::First(password) | Secret::Changed(password) = secret {
            let hash = hash(password);
            statements.push(format!(
                "CREATE USER IF NOT EXISTS `{user}` IDENTIFIED WITH sha256_hash BY '{hash}' {settings}"
            ));
            if let Secret::Changed(_) = secret {
                statements.push(format!("ALTER USER `{user}` IDENTIFIED WITH sha256_hash BY '{hash}'"));
            }
        }
        statements.push(format!("ALTER USER `{user}` {settings}"));
        statements.extend(TABLES.iter().map(|table| {
            let condition = table.condition(database, group);
            format!(
                "CREATE ROW POLICY OR REPLACE `{user}` ON {database}.{} USING {condition} TO `{user}`",
                table.name
            )
        }));
        statements.push(format!("GRANT {ROLE} TO `{user}`"));
        statements.push(format!("SET DEFAULT ROLE {ROLE} TO `{user}`"));
        statements
    }

    /// What a customer may read, without the words that say who.
    pub fn grants(&self) -> Vec<String> {
        let grant =
            |table: &Table| format!("GRANT SELECT({}) ON {}.{}", table.columns(), self.database, table.name);
        TABLES.iter().map(grant).collect()
    }

    /// To whom every domain belongs: that of its newest plan, and for one that is not listed itself, that of the nearest above it.
    pub fn domains(&self) -> String {
        let Self { database, .. } = self;
        format!(
            "WITH planned AS\n(\n    \
             SELECT toString(domain) AS domain, argMax(toString(group_name), (day, computed_at)) AS customer\n    \
             FROM {database}.domain_stages GROUP BY domain\n)\n\
             SELECT name AS domain, argMax(customer, length(parent)) AS group_name\nFROM\n(\n    \
             SELECT name, arrayJoin(arrayMap(n -> arrayStringConcat(arraySlice(splitByChar('.', name), n), '.'),\n        \
             range(1, length(splitByChar('.', name)) + 1))) AS parent\n    \
             FROM (SELECT DISTINCT policy_domain AS name FROM {database}.daily_domains UNION DISTINCT SELECT domain FROM planned)\n\
             ) AS named INNER JOIN planned ON planned.domain = named.parent\n\
             GROUP BY name"
        )
    }
}

/// The user of a group in ClickHouse.
pub fn user(group: &str) -> String {
    format!("tenant_{group}")
}

/// A password nobody knows yet.
///
/// # Errors
///
/// [`PasswordError::Random`].
pub fn new_password() -> Result<String, PasswordError> {
    let mut bytes = [0; 24];
    SystemRandom::new().fill(&mut bytes).map_err(|_| PasswordError::Random)?;
    Ok(hex(&bytes))
}

/// Says so when a password that somebody chose is too short: its hash has no salt.
///
/// # Errors
///
/// [`PasswordError::Short`].
pub fn check_password(group: &str, password: &str) -> Result<(), PasswordError> {
    match password.chars().count() {
        length if length < SHORTEST_PASSWORD => Err(PasswordError::Short { group: group.to_owned(), length }),
        _ => Ok(()),
    }
}

fn hash(password: &str) -> String {
    hex(digest::digest(&digest::SHA256, password.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

/// Role, settings profile and quota of all customers.
const ROLE: &str = "ruad_tenants";

/// Grafana's data source sets max_execution_time for every query, which `readonly = 1` refuses. What is CONST cannot be set at all,
/// not to 0 either, which is no limit.
pub const LIMITS: &str = "readonly = 2 CONST, allow_ddl = 0 CONST, max_execution_time = 30 MIN 1 MAX 60, \
    max_rows_to_read = 500000000 CONST, max_memory_usage = 4000000000 CONST, max_result_rows = 100000 CONST, \
    max_concurrent_queries_for_user = 20 CONST";

const QUOTA: &str = "FOR INTERVAL 1 minute MAX queries = 600, \
    FOR INTERVAL 1 hour MAX execution_time = 1800, read_rows = 100000000000";

const SHORTEST_PASSWORD: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_come_after_every_policy() {
        let access = Access::new("ruad", "ruad");
        let statements = access.of("acme-1", Secret::First("correct horse battery"));
        let place =
            |start: &str| statements.iter().position(|statement| statement.starts_with(start)).unwrap();
        let last_policy = statements.iter().rposition(|one| one.starts_with("CREATE ROW POLICY")).unwrap();
        assert!(place("CREATE USER IF NOT EXISTS `tenant_acme-1` ") < place("CREATE ROW POLICY"));
        assert!(last_policy < place("GRANT ruad_tenants TO `tenant_acme-1`"));
        for table in &TABLES {
            let policy =
                format!("CREATE ROW POLICY OR REPLACE `tenant_acme-1` ON ruad.{} USING ", table.name);
            assert_eq!(statements.iter().filter(|one| one.starts_with(&policy)).count(), 1, "{policy}");
            assert!(
                access
                    .shared()
                    .iter()
                    .any(|one| one.starts_with("GRANT SELECT(") && one.contains(table.name))
            );
        }
        let all = [access.shared(), statements].concat().join(";\n");
        for table in ["messages", "deliveries", "failure_reports", "aggregate_records", "certificates"] {
            assert!(!all.contains(&format!("ruad.{table}")), "{table}");
        }
    }

    #[test]
    fn passwords_change_only_when_asked() {
        let access = Access::new("ruad", "ruad");
        let all = |secret| access.of("acme", secret).join(";\n");
        // SHA-256 of "abc", FIPS 180-2 appendix B.1.
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(!all(Secret::Kept).contains("IDENTIFIED"));
        let first = all(Secret::First("abc"));
        assert_eq!(first.matches("IDENTIFIED").count(), 1);
        assert!(first.starts_with("CREATE USER IF NOT EXISTS `tenant_acme` IDENTIFIED"), "{first}");
        let changed = all(Secret::Changed("abc"));
        assert!(
            changed.contains(&format!("ALTER USER `tenant_acme` IDENTIFIED WITH sha256_hash BY '{hash}'"))
        );
        assert!(!changed.contains("'abc'"));
        assert!(check_password("acme", "fifteen letters").is_err());
        assert!(check_password("acme", "sixteen letters!").is_ok());
        assert_ne!(new_password().unwrap(), new_password().unwrap());
        assert_eq!(new_password().unwrap().len(), 48);
    }
}
