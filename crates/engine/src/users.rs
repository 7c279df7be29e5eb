//! Who may use the engine: ClickHouse's `users.xml`, which it reads when it starts.
//!
//! The list begins in [`own`]; [`super::Access::users`] adds to it.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::configuration::escaped;
use super::{Access, Error, Limits, Settings};

/// The user that makes the tables and writes to them: the daemon's own.
pub const OWNER: &str = "ruad";
/// The user that reads: for dashboards and people.
pub const READER: &str = "reader";
/// The user of the process itself, with a password of its own at each start: it sees and ends statements.
pub(super) const HOST: &str = "ruad_host";

/// A user of the engine.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct User {
    /// Letters, digits, `-` and `_`.
    pub name: String,
    /// The SHA-256 of its password, in hexadecimal digits. Without one nobody can log in as it: a definer of views.
    pub password_sha256: Option<String>,
    /// Statements `GRANT … ON …`, without the words that say to whom.
    pub grants: Vec<String>,
    /// Which rows of which table it sees. A table without a policy shows all of its rows.
    pub policies: Vec<Policy>,
    /// Settings of its statements, beside those that nobody may change.
    pub settings: Vec<Setting>,
    /// How much it may use in a time.
    pub quota: Quota,
}

/// A row policy.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Policy {
    /// The table's database.
    pub database: String,
    /// The table.
    pub table: String,
    /// An expression that is true of the rows that are seen.
    pub condition: String,
}

/// A setting of ClickHouse, and how far the user may change it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What else it may be.
    pub bound: Bound,
}

/// How far a setting may be changed, where `readonly = 1` too.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Bound {
    /// To anything.
    Free,
    /// Not at all.
    Fixed,
    /// To a value between these two.
    Between(String, String),
}

/// Intervals with what may be used in each.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Quota(pub Vec<Interval>);

/// An interval of a quota.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Interval {
    /// Its length in seconds.
    pub seconds: u64,
    /// Names of ClickHouse (`queries`, `read_rows`, `execution_time` …) with the most of each.
    pub most: Vec<(String, u64)>,
}

/// The users that are always there: the daemon's, the readers', and the process's own. The first and the last name a
/// password's hash.
pub(super) fn own(access: &Access, settings: &Settings, hashes: [String; 3]) -> Vec<User> {
    let [owner, reader, host] = hashes.map(Some);
    let on = |privileges: &'static str| {
        access.databases.iter().map(move |database| format!("GRANT {privileges} ON {database}.*"))
    };
    let limits = vec![
        Setting::free("max_execution_time", settings.time_limit.as_secs_f64()),
        Setting::fixed("max_concurrent_queries_for_all_users", settings.statements),
        // A dashboard that is closed need not be answered.
        Setting::free("cancel_http_readonly_queries_on_client_close", 1),
    ];
    let nothing_else = || (Vec::new(), Quota::default());
    let (policies, quota) = nothing_else();
    let writes = on(OWNED).chain(ENGINES.iter().map(|engine| format!("GRANT TABLE ENGINE ON {engine}")));
    // Its views may read as users whom nobody can log in as.
    let definers = access.users.iter().filter(|user| user.password_sha256.is_none());
    let definers = definers.map(|user| format!("GRANT SET DEFINER ON `{}`", user.name));
    let looks = OWNER_LOOKS.iter().map(|table| format!("GRANT SELECT ON system.{table}"));
    let owner = User {
        name: OWNER.to_owned(),
        password_sha256: owner,
        grants: writes.chain(looks).chain(definers).collect(),
        policies,
        settings: limits,
        quota,
    };
    let (policies, quota) = nothing_else();
    let reader = User {
        name: READER.to_owned(),
        password_sha256: reader,
        grants: on("SELECT").collect(),
        policies,
        settings: Limits::reader(settings).settings(),
        quota,
    };
    let (policies, quota) = nothing_else();
    let host = User {
        name: HOST.to_owned(),
        password_sha256: host,
        grants: ["GRANT KILL QUERY ON *.*", "GRANT SELECT ON system.processes"].map(str::to_owned).to_vec(),
        policies,
        settings: Vec::new(),
        quota,
    };
    vec![owner, reader, host]
}

/// Keeps the memory and the statements of users who only read to a part of the engine's, so that what the daemon writes has
/// room whatever they do; `memory` is what the engine has.
pub(super) fn leave_room(users: &mut [User], settings: &Settings, memory: u64) {
    for user in users {
        let is_reader = user.name == READER;
        for setting in &mut user.settings {
            let most = match (setting.name.as_str(), is_reader) {
                ("max_memory_usage" | "max_memory_usage_for_user", true) => memory / 2,
                ("max_memory_usage" | "max_memory_usage_for_user", false) => memory / 4,
                ("max_concurrent_queries_for_all_users", false) if user.name != OWNER => {
                    settings.statements as u64 * 3 / 5
                }
                _ => continue,
            };
            if setting.value.parse::<u64>().is_ok_and(|value| value > most) {
                setting.value = most.max(1).to_string();
            }
        }
    }
}

/// The file.
///
/// # Errors
///
/// [`Error::Name`] when a name is not one that an element of XML can have, or is that of two users.
pub(super) fn xml(databases: &[String], users: &[User]) -> Result<String, Error> {
    let (mut profiles, mut quotas, mut elements) = (String::new(), String::new(), String::new());
    let mut names = vec!["default", COMMAND_LINE];
    for (number, user) in users.iter().enumerate() {
        user.check()?;
        if names.contains(&user.name.as_str()) {
            return Err(Error::Name {
                what: "the name of two of the engine's users",
                value: user.name.clone(),
            });
        }
        names.push(&user.name);
        // Anybody may ask for a profile by its name: it must not be that of a customer.
        let own = format!("own_{number}");
        profiles += &user.profile(&own);
        quotas += &user.quota(&own);
        elements += &user.element(&own);
    }
    let creates: String =
        databases.iter().map(|database| grant(&format!("GRANT CREATE DATABASE ON {database}.*"))).collect();
    let local = ["SYSTEM LISTEN ON *.*", "READ ON FILE", "CREATE TEMPORARY TABLE ON *.*"]
        .map(|privilege| grant(&format!("GRANT {privilege}")))
        .concat();
    // ClickHouse's command line, which starts the server and waits for the end of standard input, is always the user
    // `default` without a password, from 127.0.0.1. Its session lasts as long as the server, and there is one at most.
    Ok(format!(
        "<clickhouse>\n<profiles>\n<default/>\n<{COMMAND_LINE}><max_sessions_for_user>1</max_sessions_for_user></{COMMAND_LINE}>\n\
         {profiles}</profiles>\n<quotas>\n<default/>\n{quotas}</quotas>\n<users>\n\
         <default><password/><networks><ip>127.0.0.1</ip></networks><profile>{COMMAND_LINE}</profile>\
         <quota>default</quota><grants>{creates}{local}</grants></default>\n{elements}</users>\n</clickhouse>\n"
    ))
}

impl Setting {
    /// One that the user may change.
    pub fn free(name: &str, value: impl ToString) -> Self {
        Self { name: name.to_owned(), value: value.to_string(), bound: Bound::Free }
    }

    /// One that stays as it is.
    pub fn fixed(name: &str, value: impl ToString) -> Self {
        Self { bound: Bound::Fixed, ..Self::free(name, value) }
    }
}

impl User {
    fn check(&self) -> Result<(), Error> {
        let policies = self.policies.iter().flat_map(|policy| [&policy.database, &policy.table]);
        let settings = self.settings.iter().map(|setting| &setting.name);
        let used = self.quota.0.iter().flat_map(|interval| interval.most.iter().map(|(name, _)| name));
        for name in std::iter::once(&self.name).chain(policies).chain(settings).chain(used) {
            plain("a name in the engine's users", name)?;
        }
        Ok(())
    }

    fn profile(&self, own: &str) -> String {
        let (mut values, mut constraints) = (String::new(), String::new());
        for Setting { name, value, bound } in &self.settings {
            values += &format!("<{name}>{}</{name}>", escaped(value));
            constraints += &match bound {
                Bound::Free => format!("<{name}><changeable_in_readonly/></{name}>"),
                Bound::Fixed => format!("<{name}><const/></{name}>"),
                Bound::Between(least, most) => format!(
                    "<{name}><min>{}</min><max>{}</max><changeable_in_readonly/></{name}>",
                    escaped(least),
                    escaped(most)
                ),
            };
        }
        let off: String = OFF.iter().map(|name| format!("<{name}>0</{name}>")).collect();
        let fixed: String =
            FIXED.iter().chain(OFF).map(|name| format!("<{name}><const/></{name}>")).collect();
        format!(
            "<{own}>{off}<implicit_select>0</implicit_select>{values}<constraints>{fixed}{constraints}</constraints></{own}>\n"
        )
    }

    fn quota(&self, own: &str) -> String {
        let mut intervals = String::new();
        for Interval { seconds, most } in &self.quota.0 {
            let most: String = most.iter().map(|(name, most)| format!("<{name}>{most}</{name}>")).collect();
            intervals += &format!("<interval><duration>{seconds}</duration>{most}</interval>");
        }
        format!("<{own}>{intervals}</{own}>\n")
    }

    fn element(&self, own: &str) -> String {
        let Self { name, .. } = self;
        let (hash, networks) = match &self.password_sha256 {
            Some(hash) => (escaped(hash), "<ip>::/0</ip>"),
            None => ("0".repeat(64), ""),
        };
        let grants: String = self.grants.iter().map(|one| grant(one)).collect();
        let mut databases: Vec<_> = self.policies.iter().map(|policy| policy.database.as_str()).collect();
        databases.sort_unstable();
        databases.dedup();
        let mut filters = String::new();
        for database in databases {
            write!(filters, "<{database}>").unwrap_or_default();
            for Policy { table, condition, .. } in self.policies.iter().filter(|one| one.database == database)
            {
                filters += &format!("<{table}><filter>{}</filter></{table}>", escaped(condition));
            }
            write!(filters, "</{database}>").unwrap_or_default();
        }
        format!(
            "<{name}><password_sha256_hex>{hash}</password_sha256_hex><networks>{networks}</networks>\
             <profile>{own}</profile><quota>{own}</quota><databases>{filters}</databases>\
             <grants>{grants}</grants></{name}>\n"
        )
    }
}

fn grant(statement: &str) -> String {
    format!("<query>{}</query>", escaped(statement))
}

/// Names become elements of XML and parts of statements.
pub(super) fn plain(what: &'static str, value: &str) -> Result<(), Error> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let first = value.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if first && value.bytes().all(is_plain) {
        return Ok(());
    }
    Err(Error::Name { what, value: value.to_owned() })
}

/// The settings profile of ClickHouse's command line.
const COMMAND_LINE: &str = "command_line";

/// What the owner may do in its databases: what migrations and inserts need.
const OWNED: &str = "SELECT, INSERT, ALTER TABLE, ALTER VIEW, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE, \
     SHOW TABLES, SHOW COLUMNS, SYSTEM VIEWS, SYSTEM MERGES";

/// The engines of its tables. All others may read files or open connections, or are not needed.
const ENGINES: [&str; 5] =
    ["AggregatingMergeTree", "Memory", "MergeTree", "ReplacingMergeTree", "SummingMergeTree"];

/// What it reads of the system besides what everybody may (tables, columns, databases … of what is granted).
const OWNER_LOOKS: [&str; 6] =
    ["detached_parts", "merges", "mutations", "parts", "processes", "view_refreshes"];

/// Settings that name a file, a server or a disk. They are empty, and nobody may change them.
const FIXED: &[&str] = &[
    "ai_function_embedding_default_credentials",
    "ai_function_text_default_credentials",
    "cluster_for_parallel_replicas",
    "filesystem_cache_name",
    "format_avro_schema_registry_url",
    "format_schema",
    "format_schema_source",
    "format_template_resultset",
    "format_template_row",
    "implicit_table_at_top_level",
    "input_format_record_errors_file_path",
    "merge_tree_disk",
    "merge_tree_storage_policy",
    "metrics_perf_events_list",
    "output_format_schema",
    "promql_database",
    "promql_table",
    "rename_files_after_processing",
    "url_base",
];

/// Settings that are 0, and stay so: ClickHouse's command line has them on, or they reach beyond the tables.
const OFF: &[&str] = &["allow_introspection_functions", "enable_parallel_replicas"];

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> User {
        User {
            name: name.to_owned(),
            password_sha256: None,
            grants: vec!["GRANT SELECT ON ruad.t".to_owned()],
            policies: vec![Policy {
                database: "ruad".to_owned(),
                table: "t".to_owned(),
                condition: "a < 2 AND b > '&'".to_owned(),
            }],
            settings: vec![Setting::fixed("readonly", 2)],
            quota: Quota(vec![Interval { seconds: 60, most: vec![("queries".to_owned(), 600)] }]),
        }
    }

    #[test]
    fn values_cannot_end_their_element() {
        let xml = xml(&["ruad".to_owned()], &[user("tenant_acme-1")]).unwrap();
        assert!(xml.contains("<filter>a &lt; 2 AND b &gt; '&amp;'</filter>"), "{xml}");
        assert!(xml.contains("<networks></networks>"), "nobody can log in as it: {xml}");
        assert!(xml.contains("<interval><duration>60</duration><queries>600</queries></interval>"));
        for name in FIXED.iter().chain(OFF) {
            assert!(xml.contains(&format!("<{name}><const/></{name}>")), "{name}");
        }
    }

    #[test]
    fn names_are_plain_and_not_taken() {
        for name in ["", "a b", "a/><b", "a.b", "1a", "default", "command_line"] {
            assert!(xml(&[], &[user(name)]).is_err(), "{name}");
        }
        assert!(xml(&[], &[user("a"), user("a")]).is_err());
        assert!(xml(&[], &[user("a"), user("b")]).is_ok());
        let policy =
            Policy { database: "ruad".to_owned(), table: "t><x".to_owned(), condition: "1".to_owned() };
        assert!(xml(&[], &[User { policies: vec![policy], ..user("a") }]).is_err());
    }
}
