//! Numbered migrations.
//!
//! Every statement of a migration can be run again, and by two receivers at the same time, without harm (`IF NOT EXISTS`,
//! `IF EXISTS`, `OR REPLACE`): ClickHouse has neither transactions over statements nor locks. A migration counts as
//! applied when its number stands in `schema_migrations`, which is written after its last statement.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    Settings, Store, StoreError,
    template::{Age, Template},
};
use crate::store::telemetry;

/// A migration that was applied just now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Applied {
    /// Its number.
    pub version: u32,
    /// Its name.
    pub name: &'static str,
}

impl Store {
    /// Creates the database, applies the migrations it does not have yet and makes the tables keep data as long as the
    /// settings say. Gives the migrations that were applied.
    ///
    /// # Errors
    ///
    /// [`StoreError::NewerSchema`] when a newer program has been at this database; else what ClickHouse said.
    pub async fn migrate(&self) -> Result<Vec<Applied>, StoreError> {
        let template = Template::new(self.settings());
        if !self.has_database().await? {
            self.apply(&template, DATABASE).await?;
        }
        self.apply(&template, PREPARATION).await?;
        let found = self.schema_version().await?;
        let known = MIGRATIONS.last().map_or(0, |(version, _, _)| *version);
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
        let mut applied = Vec::new();
        for (version, name, text) in MIGRATIONS.iter().filter(|(version, _, _)| *version > found) {
            self.apply(&template, text).await?;
            if *version == known && (1..CORRECTIONS).contains(&found) {
                self.withdraw_implausible().await?;
            }
            self.record(*version, name).await?;
            telemetry::migrated(*version, name);
            applied.push(Applied { version: *version, name });
        }
        self.keep_retention().await?;
        Ok(applied)
    }

    /// The version of the schema in the database, 0 for none.
    ///
    /// # Errors
    ///
    /// What ClickHouse said; that there is no database, among others.
    pub async fn schema_version(&self) -> Result<u32, StoreError> {
        self.timed(self.client().query("SELECT max(version) FROM schema_migrations").fetch_one()).await
    }

    /// Runs a statement that gives nothing back.
    ///
    /// # Errors
    ///
    /// What ClickHouse said.
    pub async fn execute(&self, statement: &str) -> Result<(), StoreError> {
        self.timed(self.client().query_raw(statement).execute()).await
    }

    /// Every statement that a new database gets, for whoever wants to see or run them by hand.
    pub fn schema_statements(&self) -> Vec<String> {
        let template = Template::new(self.settings());
        let texts = MIGRATIONS.iter().map(|(_, _, text)| *text);
        [DATABASE, PREPARATION].into_iter().chain(texts).flat_map(|text| template.statements(text)).collect()
    }

    /// Whether the database is there: a user may be let in there and not be allowed to make it.
    async fn has_database(&self) -> Result<bool, StoreError> {
        if self.settings().cluster.is_some() {
            // It may be there on some servers alone.
            return Ok(false);
        }
        let client = self.client().clone().with_database("default");
        let query = client.query("SELECT count() FROM system.databases WHERE name = ?");
        Ok(self.timed(query.bind(&self.settings().database).fetch_one::<u64>()).await? > 0)
    }

    async fn apply(&self, template: &Template, text: &str) -> Result<(), StoreError> {
        for statement in template.statements(text) {
            // The database a client names must exist, and it may not yet; all statements name theirs.
            let client = self.client().clone().with_database("default");
            self.timed(client.query_raw(&statement).execute()).await?;
        }
        Ok(())
    }

    async fn record(&self, version: u32, name: &str) -> Result<(), StoreError> {
        let query = self
            .client()
            .query("INSERT INTO schema_migrations (version, name, applied_at, program) SELECT ?, ?, now(), ?")
            .bind(version)
            .bind(name)
            .bind(env!("CARGO_PKG_VERSION"));
        self.timed(query.execute()).await
    }

    /// Alters the tables whose time to live is not what the settings say.
    async fn keep_retention(&self) -> Result<(), StoreError> {
        let query = self.client().query(
            "SELECT name, engine_full FROM system.tables \
             WHERE database = ? AND engine LIKE '%MergeTree' \
             AND (partition_key != '' OR engine LIKE '%AggregatingMergeTree' OR engine_full LIKE '% TTL %' \
                OR name IN ('domain_steps', 'domain_steps_local', 'domain_senders', 'domain_senders_local')) \
             ORDER BY name",
        );
        let tables: Vec<Table> = self.timed(query.bind(&self.settings().database).fetch_all()).await?;
        for table in tables {
            let wanted = Age::of(&table.name).expression(self.settings().retention_months);
            let there = table.engine_full.split_once(" TTL ").map(|(_, rest)| rest);
            let change = match (&wanted, there) {
                (Some(wanted), Some(there)) if there.starts_with(&format!("{wanted} ")) => continue,
                (None, None) => continue,
                (Some(wanted), _) => format!("MODIFY TTL {wanted}"),
                (None, Some(_)) => "REMOVE TTL".to_owned(),
            };
            let Settings { database, cluster, .. } = self.settings();
            let on_cluster = cluster.as_deref().map(|name| format!(" ON CLUSTER {name}")).unwrap_or_default();
            let statement = format!("ALTER TABLE {database}.{}{on_cluster} {change}", table.name);
            self.timed(self.client().query_raw(&statement).execute()).await?;
            telemetry::retention_changed(&table.name, self.settings().retention_months);
        }
        Ok(())
    }
}

#[derive(Deserialize, Row)]
struct Table {
    name: String,
    engine_full: String,
}

/// What has to be there before anything else.
const DATABASE: &str = include_str!("migrations/0000_database.sql");

/// What has to be there before versions can be told.
const PREPARATION: &str = include_str!("migrations/0000_preparation.sql");

/// All migrations, in order. What has been released is never changed: a change is a new migration.
const MIGRATIONS: &[(u32, &str, &str)] = &[
    (1, "messages", include_str!("migrations/0001_messages.sql")),
    (2, "aggregate", include_str!("migrations/0002_aggregate.sql")),
    (3, "tls", include_str!("migrations/0003_tls.sql")),
    (4, "failure", include_str!("migrations/0004_failure.sql")),
    (5, "deliveries", include_str!("migrations/0005_deliveries.sql")),
    (6, "sources", include_str!("migrations/0006_sources.sql")),
    (7, "rollups", include_str!("migrations/0007_rollups.sql")),
    (8, "health", include_str!("migrations/0008_health.sql")),
    (9, "advice", include_str!("migrations/0009_advice.sql")),
    (10, "corrections", include_str!("migrations/0010_corrections.sql")),
    (11, "standing", include_str!("migrations/0011_standing.sql")),
    (12, "reports", include_str!("migrations/0012_reports.sql")),
    (13, "words", include_str!("migrations/0013_words.sql")),
];

/// The migration with which what was stored can be changed.
const CORRECTIONS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_in_order() {
        assert!((1..).zip(MIGRATIONS).all(|(number, (version, _, _))| number == *version));
        for (_, name, text) in MIGRATIONS {
            assert!(text.ends_with(";\n"), "{name} ends without a statement's end");
        }
    }

    #[test]
    fn no_placeholder_is_left() {
        for cluster in [None, Some("c".to_owned())] {
            let template = Template::new(&Settings { cluster, ..Settings::default() });
            for (_, name, text) in MIGRATIONS {
                for statement in template.statements(text) {
                    assert!(!statement.contains('{'), "{name}: {statement}");
                    let may_run_twice =
                        ["IF NOT EXISTS", "MODIFY QUERY", "COMMENT COLUMN IF EXISTS", " UPDATE "];
                    let may_run_twice = may_run_twice.iter().any(|words| statement.contains(words));
                    assert!(may_run_twice, "{name} cannot be run twice: {statement}");
                }
            }
        }
    }
}
