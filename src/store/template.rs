//! Fills in a migration's placeholders: one schema for a single server and for a cluster.

use super::Settings;

/// The values of the placeholders.
pub(super) struct Template {
    values: Vec<(&'static str, String)>,
    cluster: bool,
}

impl Template {
    pub(super) fn new(settings: &Settings) -> Self {
        let cluster = settings.cluster.as_deref();
        let only = |text: &str| if cluster.is_some() { text.to_owned() } else { String::new() };
        let values = vec![
            ("{database}", settings.database.clone()),
            ("{cluster}", cluster.unwrap_or_default().to_owned()),
            ("{on_cluster}", cluster.map(|name| format!(" ON CLUSTER {name}")).unwrap_or_default()),
            ("{local}", only("_local")),
            ("{replicated}", only("Replicated")),
            ("{ttl}", clause(Age::Arrival.expression(settings.retention_months))),
            ("{rollup_ttl}", clause(Age::Month.expression(settings.retention_months))),
            ("{check_ttl}", clause(Age::Check.expression(settings.retention_months))),
            ("{event_ttl}", clause(Age::Event.expression(settings.retention_months))),
            ("{seen_ttl}", clause(Age::Seen.expression(settings.retention_months))),
            ("{day_ttl}", clause(Age::Day.expression(settings.retention_months))),
            ("{computed_ttl}", clause(Age::Computed.expression(settings.retention_months))),
            ("{settings}", format!("ttl_only_drop_parts = 1, {DURABLE}")),
            ("{settings_without_ttl}", DURABLE.to_owned()),
        ];
        Self { values, cluster: cluster.is_some() }
    }

    /// The statements of a migration, ready to be sent.
    pub(super) fn statements(&self, text: &str) -> Vec<String> {
        text.split(";\n")
            .map(str::trim)
            .filter(|statement| !statement.is_empty())
            .filter(|statement| self.cluster || !statement.starts_with(CLUSTER_ONLY))
            .map(|statement| {
                let filled = |text: String, (name, value): &(&str, String)| text.replace(name, value);
                self.values.iter().fold(statement.to_owned(), filled)
            })
            .collect()
    }
}

/// By which column a table forgets.
#[derive(Clone, Copy)]
pub(super) enum Age {
    /// `received_at`.
    Arrival,
    /// `received_month`, the month that `received_at` lies in.
    Month,
    /// `checked_at`.
    Check,
    /// `seen_at`.
    Event,
    /// `last_seen`.
    Seen,
    /// `day`.
    Day,
    /// `computed_at`.
    Computed,
}

impl Age {
    /// That of a table.
    pub(super) fn of(table: &str) -> Self {
        match table.strip_suffix("_local").unwrap_or(table) {
            "dns_checks" => Self::Check,
            "domain_events" => Self::Event,
            "dns_records" | "dkim_sightings" => Self::Seen,
            "domain_stages" => Self::Day,
            "domain_steps" | "domain_senders" => Self::Computed,
            table if table.starts_with("daily_") => Self::Month,
            _ => Self::Arrival,
        }
    }

    /// When rows are due to go, unless they stay for ever. A month's sums go with the last of its records.
    pub(super) fn expression(self, months: u32) -> Option<String> {
        let (day, months) = match self {
            _ if months == 0 => return None,
            Self::Arrival => ("toDate(received_at)", u64::from(months)),
            Self::Month => ("received_month", u64::from(months) + 1),
            Self::Check => ("toDate(checked_at)", u64::from(months)),
            Self::Event => ("toDate(seen_at)", u64::from(months)),
            Self::Seen => ("toDate(last_seen)", u64::from(months)),
            Self::Day => ("day", u64::from(months)),
            Self::Computed => ("toDate(computed_at)", u64::from(months)),
        };
        Some(format!("{day} + toIntervalMonth({months})"))
    }
}

fn clause(expression: Option<String>) -> String {
    expression.map(|expression| format!("TTL {expression}")).unwrap_or_default()
}

/// A statement that begins so makes sense in a cluster only.
const CLUSTER_ONLY: &str = "-- cluster\n";

/// What makes an acknowledged insert as durable as the spool's segment that is deleted for it (ClickHouse answers from the
/// page cache unless told otherwise, and drops the parts it merged from), and how many blocks are recognised when they
/// come again. A segment is done again at once or after a restart, while at most a few segments' blocks come between.
const DURABLE: &str = "fsync_after_insert = 1, fsync_part_directory = 1, min_compressed_bytes_to_fsync_after_merge = 1, \
     non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, \
     replicated_deduplication_window_seconds = 2592000";

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "CREATE TABLE {database}.t{local}{on_cluster} ENGINE = {replicated}MergeTree {ttl};\n\n-- cluster\nCREATE TABLE {database}.t{on_cluster} ENGINE = Distributed('{cluster}');\n";

    #[test]
    fn one_server_has_plain_tables() {
        let settings = Settings { database: "d".to_owned(), ..Settings::default() };
        let expected = "CREATE TABLE d.t ENGINE = MergeTree TTL toDate(received_at) + toIntervalMonth(25)";
        assert_eq!(Template::new(&settings).statements(SQL), [expected]);
    }

    #[test]
    fn a_cluster_has_replicated_and_distributed_tables() {
        let settings = Settings { cluster: Some("c".to_owned()), retention_months: 0, ..Settings::default() };
        let statements = Template::new(&settings).statements(SQL);
        assert_eq!(statements.len(), 2);
        assert_eq!(statements[0], "CREATE TABLE ruad.t_local ON CLUSTER c ENGINE = ReplicatedMergeTree ");
        assert!(statements[1].ends_with("ENGINE = Distributed('c')"));
    }
}
