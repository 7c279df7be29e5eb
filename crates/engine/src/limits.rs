//! What users who only read may use. None of them may take so much that inserts or other users have to wait.

use std::time::Duration;

use super::{Bound, Setting, Settings};

/// What the statements of a user may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a statement runs, unless it asks for another time.
    pub time: Duration,
    /// The longest time that it may ask for.
    pub longest: Duration,
    /// Bytes of memory of a statement.
    pub memory: u64,
    /// Bytes of memory of all statements of the user together.
    pub memory_of_user: u64,
    /// Statements of the user at once.
    pub statements: usize,
    /// Statements of all users at once from which on those of this user are refused.
    pub statements_of_all: usize,
    /// Threads of a statement.
    pub threads: u64,
    /// Rows that a statement reads.
    pub rows: u64,
    /// Rows of a result.
    pub result_rows: u64,
    /// Bytes of a result, as ClickHouse counts them in memory.
    pub result_bytes: u64,
    /// Bytes of the disk that sorting and grouping may take, for all statements of the user together.
    pub disk: u64,
}

impl Limits {
    /// Those of [`READER`](super::READER): dashboards of everything, and people.
    pub(super) fn reader(settings: &Settings) -> Self {
        Self {
            time: settings.time_limit,
            longest: settings.time_limit,
            memory: 4_000_000_000,
            memory_of_user: 8_000_000_000,
            statements: (settings.statements * 3 / 5).max(1),
            statements_of_all: (settings.statements * 4 / 5).max(1),
            threads: 8,
            rows: 20_000_000_000,
            result_rows: 10_000_000,
            result_bytes: 2_000_000_000,
            disk: 4_000_000_000,
        }
    }

    /// The settings. They end with `readonly = 1`: what is not in the list stays as it is, such as
    /// `max_untracked_memory`, with which a statement could take memory that is not counted.
    pub fn settings(&self) -> Vec<Setting> {
        let between = |name: &str, value: u64, least: u64| Setting {
            name: name.to_owned(),
            value: value.to_string(),
            bound: Bound::Between(least.to_string(), value.to_string()),
        };
        let seconds = |time: Duration| time.as_secs_f64().to_string();
        let longest = self.longest.max(self.time);
        let time = Setting {
            name: "max_execution_time".to_owned(),
            value: seconds(self.time),
            bound: Bound::Between(seconds(longest.min(Duration::from_secs(1))), seconds(longest)),
        };
        let fixed = [
            ("max_memory_usage", self.memory),
            ("max_memory_usage_for_user", self.memory_of_user),
            ("max_concurrent_queries_for_user", self.statements as u64),
            ("max_concurrent_queries_for_all_users", self.statements_of_all as u64),
            ("max_result_bytes", self.result_bytes),
            ("max_temporary_data_on_disk_size_for_query", self.disk),
            ("max_temporary_data_on_disk_size_for_user", self.disk),
            // A block of rows is worked through without a look at the clock.
            ("function_range_max_elements_in_block", 10_000_000),
            ("max_sessions_for_user", SESSIONS),
            ("allow_ddl", 0),
            ("readonly", 1),
        ];
        let bounded = [
            between("max_rows_to_read", self.rows, 1),
            between("max_result_rows", self.result_rows, 1),
            between("max_threads", self.threads, 1),
        ];
        let free = FREE.iter().map(|(name, value)| Setting::free(name, value));
        std::iter::once(time)
            .chain(bounded)
            .chain(free)
            .chain(fixed.map(|(name, value)| Setting::fixed(name, value)))
            .collect()
    }
}

/// What Grafana's data source and other clients set, with ClickHouse's own values, and what changes no more than how a
/// result looks.
const FREE: [(&str, &str); 12] = [
    ("cancel_http_readonly_queries_on_client_close", "1"),
    ("date_time_output_format", "simple"),
    ("enable_http_compression", "0"),
    ("extremes", "0"),
    ("http_headers_progress_interval_ms", "100"),
    ("http_zlib_compression_level", "3"),
    ("join_use_nulls", "0"),
    ("log_comment", ""),
    ("output_format_json_quote_64bit_integers", "0"),
    ("result_overflow_mode", "throw"),
    ("send_progress_in_http_headers", "0"),
    ("session_timezone", ""),
];

/// Requests and named sessions of a user at once.
const SESSIONS: u64 = 200;
