//! What lets a customer read its own rows and nothing else: views in a database of their own, ClickHouse's users, limits, grants and row
//! policies, a user for each group of the registry, and the data source for its organisation in Grafana. Text only; nothing is sent here.
//!
//! Customers have no right on ruad's tables. Who may `SELECT` a table may read its index with `mergeTreeIndex()`, past every row policy, and no
//! setting of ClickHouse refuses that; a view of its own with a `WHERE` is no help, because conditions of the query are pushed below it
//! (`throwIf`). So the views read as a definer who cannot log in and who has a row policy on each table; the policy compares with
//! `currentUser()`, which is the user who asks.
//!
//! A row belongs to whom its domain belongs to now, not when it was stored: `tenant_domains` says so, and a view that refreshes
//! itself keeps it right, so that a domain that moves takes all its rows along.

mod grafana;
mod tables;

use std::time::Duration;

use thiserror::Error;

use ruad_engine::{self as engine, Bound, Interval, Limits, Policy, Quota, Setting, User};

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
}

impl<'a> Access<'a> {
    /// For tables in `database`, whose rows the user `owner` goes on to see all of. Both are plain names.
    pub fn new(database: &'a str, owner: &'a str) -> Self {
        Self { database, owner }
    }

    /// The table that says whose domains are whose, and the view that fills it; it may be run again at any time.
    pub fn domains_statements(&self) -> Vec<String> {
        let Self { database, owner } = self;
        vec![
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
        ]
    }

    /// The views that customers read; it may be run again at any time.
    pub fn view_statements(&self) -> Vec<String> {
        let views = views(self.database);
        let view = |table: &Table| {
            format!(
                "CREATE OR REPLACE VIEW {views}.{} DEFINER = `{DEFINER}` SQL SECURITY DEFINER AS {}",
                table.name,
                table.select(self.database)
            )
        };
        TABLES.iter().map(view).collect()
    }

    /// What all customers have in common; it may be run again at any time. Rights come last, when every policy is there.
    pub fn shared(&self) -> Vec<String> {
        let Self { database, owner } = self;
        let views = views(self.database);
        let mut statements = self.domains_statements();
        statements.push(format!("CREATE USER IF NOT EXISTS {DEFINER} IDENTIFIED WITH no_password HOST NONE"));
        for table in &TABLES {
            let (name, condition) = (table.name, table.condition(database));
            // With a policy on a table, a server may be set to show nothing of it to users without one.
            statements.push(format!(
                "CREATE ROW POLICY OR REPLACE ruad_owner ON {database}.{name} USING 1 TO `{owner}`"
            ));
            statements.push(format!(
                "CREATE ROW POLICY OR REPLACE {ROLE} ON {database}.{name} USING {condition} TO {DEFINER}"
            ));
        }
        statements.push(format!("REVOKE SELECT ON {database}.* FROM {DEFINER}"));
        statements.extend(self.grants().into_iter().map(|grant| format!("{grant} TO {DEFINER}")));
        statements.push(format!("CREATE DATABASE IF NOT EXISTS {views}"));
        statements.extend(self.view_statements());
        statements.extend([
            format!("CREATE SETTINGS PROFILE IF NOT EXISTS {ROLE}"),
            format!("ALTER SETTINGS PROFILE {ROLE} SETTINGS {}", limits_sql()),
            format!("CREATE ROLE IF NOT EXISTS {ROLE}"),
            format!("CREATE QUOTA OR REPLACE {ROLE} KEYED BY user_name {} TO {ROLE}", quota_sql()),
            // Versions before the views granted the tables themselves.
            format!("REVOKE SELECT ON {database}.* FROM {ROLE}"),
            format!("GRANT SELECT ON {views}.* TO {ROLE}"),
        ]);
        statements
    }

    /// What one customer has; it may be run again at any time.
    pub fn of(&self, group: &str, secret: Secret<'_>) -> Vec<String> {
        let Self { database, .. } = self;
        let user = user(group);
        let settings = format!("DEFAULT DATABASE {} SETTINGS PROFILE '{ROLE}'", views(database));
        let mut statements = Vec::new();
        if let Secret::First(password) | Secret::Changed(password) = secret {
            let hash = engine::password_hash(password);
            statements.push(format!(
                "CREATE USER IF NOT EXISTS `{user}` IDENTIFIED WITH sha256_hash BY '{hash}' {settings}"
            ));
            if let Secret::Changed(_) = secret {
                statements.push(format!("ALTER USER `{user}` IDENTIFIED WITH sha256_hash BY '{hash}'"));
            }
        }
        statements.push(format!("ALTER USER `{user}` {settings}"));
        statements.push(format!("GRANT {ROLE} TO `{user}`"));
        statements.push(format!("SET DEFAULT ROLE {ROLE} TO `{user}`"));
        // Versions before the views had policies of each customer on the tables.
        let tables: Vec<_> = TABLES.iter().map(|table| format!("{database}.{}", table.name)).collect();
        statements.push(format!("DROP ROW POLICY IF EXISTS `{user}` ON {}", tables.join(", ")));
        statements
    }

    /// The same users for the embedded engine, which has them from its start: the definer of the views, and one for each group with the
    /// SHA-256 of its password.
    pub fn engine_users(&self, groups: &[(String, String)]) -> Vec<User> {
        let policy = |table: &Table| Policy {
            database: self.database.to_owned(),
            table: table.name.to_owned(),
            condition: table.condition(self.database),
        };
        let definer = User {
            name: DEFINER.to_owned(),
            password_sha256: None,
            grants: self.grants(),
            policies: TABLES.iter().map(policy).collect(),
            settings: Vec::new(),
            quota: Quota::default(),
        };
        let customer = |(group, hash): &(String, String)| User {
            name: user(group),
            password_sha256: Some(hash.clone()),
            grants: vec![format!("GRANT SELECT ON {}.*", views(self.database))],
            policies: Vec::new(),
            settings: limits(),
            quota: quota(),
        };
        std::iter::once(definer).chain(groups.iter().map(customer)).collect()
    }

    /// What the definer of the views may read, without the words that say who.
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

/// The database with the views that customers read, beside ruad's own.
pub fn views(database: &str) -> String {
    format!("{database}_tenants")
}

/// The user of a group in ClickHouse.
pub fn user(group: &str) -> String {
    format!("tenant_{group}")
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

/// The user as whom the views read; it cannot log in.
pub const DEFINER: &str = "ruad_tenants_definer";

/// Role, settings profile and quota of all customers, and the policy of the definer.
const ROLE: &str = "ruad_tenants";

/// Settings of every customer's statements. The page "Customer" asks some twenty queries at once; over a year of 2,000
/// domains each of the dashboards' queries takes less than half a gigabyte.
fn limits() -> Vec<Setting> {
    let limits = Limits {
        time: Duration::from_secs(30),
        longest: Duration::from_secs(60),
        memory: 1_000_000_000,
        memory_of_user: 2_000_000_000,
        statements: 20,
        statements_of_all: 60,
        threads: 2,
        rows: 500_000_000,
        result_rows: 100_000,
        result_bytes: 200_000_000,
        disk: 1_000_000_000,
    };
    limits.settings()
}

/// Time is no part of it: ClickHouse charges only that in which rows arrive, so that it stops no statement that merely
/// computes. How long a user can keep the server busy is a matter of its statements at once and of their time.
fn quota() -> Quota {
    let most =
        |limits: &[(&str, u64)]| limits.iter().map(|(name, most)| ((*name).to_owned(), *most)).collect();
    Quota(vec![
        Interval { seconds: 60, most: most(&[("queries", 600)]) },
        Interval { seconds: 3_600, most: most(&[("read_rows", 100_000_000_000)]) },
    ])
}

/// The limits as a settings profile has them.
fn limits_sql() -> String {
    let literal = |value: &str| match value.parse::<f64>() {
        Ok(_) => value.to_owned(),
        Err(_) => format!("'{value}'"),
    };
    let limit = |Setting { name, value, bound }: &Setting| {
        let value = literal(value);
        match bound {
            Bound::Free => format!("{name} = {value} CHANGEABLE_IN_READONLY"),
            Bound::Fixed => format!("{name} = {value} CONST"),
            Bound::Between(least, most) => {
                format!("{name} = {value} MIN {least} MAX {most} CHANGEABLE_IN_READONLY")
            }
        }
    };
    limits().iter().map(limit).collect::<Vec<_>>().join(", ")
}

/// The intervals as a quota has them.
fn quota_sql() -> String {
    let interval = |Interval { seconds, most }: &Interval| {
        let most: Vec<_> = most.iter().map(|(name, most)| format!("{name} = {most}")).collect();
        format!("FOR INTERVAL {seconds} second MAX {}", most.join(", "))
    };
    quota().0.iter().map(interval).collect::<Vec<_>>().join(", ")
}

const SHORTEST_PASSWORD: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_come_after_every_policy() {
        let statements = Access::new("ruad", "ruad").shared();
        let place = |start: &str| {
            let found = statements.iter().position(|statement| statement.starts_with(start));
            found.unwrap_or_else(|| unreachable!("{start}"))
        };
        let last_policy = statements.iter().rposition(|one| one.starts_with("CREATE ROW POLICY")).unwrap();
        let first_grant = place("GRANT SELECT(");
        assert!(last_policy < first_grant && first_grant < place("CREATE OR REPLACE VIEW"));
        assert!(
            place("CREATE OR REPLACE VIEW ruad_tenants.sources") < place("GRANT SELECT ON ruad_tenants.*")
        );
        for table in &TABLES {
            let policy = format!("CREATE ROW POLICY OR REPLACE ruad_tenants ON ruad.{} USING ", table.name);
            let own: Vec<_> = statements.iter().filter(|one| one.starts_with(&policy)).collect();
            assert!(own.len() == 1 && own.iter().all(|one| one.contains("currentUser()")), "{policy}");
        }
    }

    #[test]
    fn customers_have_no_right_on_tables() {
        let access = Access::new("ruad", "ruad");
        let statements =
            [access.shared(), access.of("acme-1", Secret::First("correct horse battery"))].concat();
        let granted: Vec<_> = statements.iter().filter(|one| one.starts_with("GRANT ")).collect();
        for grant in &granted {
            let to_tables = grant.contains(" ON ruad.");
            assert_eq!(to_tables, grant.ends_with(&format!(" TO {DEFINER}")), "{grant}");
        }
        assert!(granted.iter().any(|one| **one == "GRANT ruad_tenants TO `tenant_acme-1`"));
        let all = statements.join(";\n");
        for table in ["messages", "deliveries", "failure_reports", "aggregate_records", "certificates"] {
            assert!(!all.contains(&format!("ruad.{table}")), "{table}");
        }
    }

    #[test]
    fn a_server_and_the_embedded_engine_have_the_same_limits() {
        let access = Access::new("ruad", "ruad");
        let groups = [("acme".to_owned(), String::new())];
        let users = access.engine_users(&groups);
        let customer = users.iter().find(|user| user.name == "tenant_acme").unwrap();
        let statements = access.shared();
        let profile = statements.iter().find(|one| one.starts_with("ALTER SETTINGS PROFILE")).unwrap();
        for name in [
            "max_memory_usage_for_user",
            "max_concurrent_queries_for_all_users",
            "max_concurrent_queries_for_user",
            "max_execution_time",
            "max_threads",
            "max_result_bytes",
            "max_temporary_data_on_disk_size_for_user",
        ] {
            assert!(customer.settings.iter().any(|setting| setting.name == name), "{name}");
        }
        for Setting { name, value, bound } in &customer.settings {
            let value = if value.parse::<f64>().is_ok() { value.clone() } else { format!("'{value}'") };
            let end = match bound {
                Bound::Free => "CHANGEABLE_IN_READONLY".to_owned(),
                Bound::Fixed => "CONST".to_owned(),
                Bound::Between(least, most) => format!("MIN {least} MAX {most} CHANGEABLE_IN_READONLY"),
            };
            assert!(profile.contains(&format!("{name} = {value} {end}")), "{name}: {profile}");
        }
        assert!(profile.ends_with("readonly = 1 CONST"), "{profile}");
        let quota = statements.iter().find(|one| one.starts_with("CREATE QUOTA")).unwrap();
        for Interval { most, .. } in &customer.quota.0 {
            for (name, most) in most {
                assert!(quota.contains(&format!("{name} = {most}")), "{quota}");
            }
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
    }
}
