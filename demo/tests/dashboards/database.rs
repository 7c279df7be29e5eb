//! The embedded engine, asked as the data source asks: over ClickHouse's HTTP interface of the running daemon.

use std::net::SocketAddr;
use std::time::Duration;

use clickhouse::Client;
use ruad_engine::READER;
use serde_json::Value;
use tokio::time::{Instant, sleep};

pub(crate) struct Database(Client);

/// What a query gave.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Value>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// ClickHouse's type without what does not matter to a panel.
    pub(crate) kind: Kind,
    /// ClickHouse's type.
    pub(crate) r#type: String,
}

/// What a panel makes of a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Number,
    Time,
    Text,
    List,
}

impl Database {
    /// As the user that dashboards have.
    pub(crate) fn at(address: SocketAddr, password: &str) -> Self {
        let client = Client::default().with_url(format!("http://{address}")).with_database("ruad");
        Self(client.with_user(READER).with_password(password))
    }

    /// Waits until it answers: the demo starts its daemon again at its end.
    pub(crate) async fn answering(self) -> Self {
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = self.ask("SELECT 1").await {
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for ClickHouse: {error}");
            sleep(POLL).await;
        }
        self
    }

    pub(crate) async fn ask(&self, sql: &str) -> Result<Table, String> {
        let cursor = self.0.query_raw(sql).fetch_bytes("JSONCompact");
        let mut cursor = cursor.map_err(|error| error.to_string())?;
        let bytes = cursor.collect().await.map_err(|error| error.to_string())?;
        let json: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        let columns = json["meta"].as_array().into_iter().flatten().map(|column| {
            let [name, r#type] =
                ["name", "type"].map(|key| column[key].as_str().unwrap_or_default().to_owned());
            Column { name, kind: Kind::of(&r#type), r#type }
        });
        let rows = json["data"].as_array().into_iter().flatten();
        Ok(Table { columns: columns.collect(), rows: rows.filter_map(Value::as_array).cloned().collect() })
    }
}

impl Table {
    /// The values of a column.
    pub(crate) fn values(&self, name: &str) -> Option<impl Iterator<Item = &Value>> {
        let place = self.columns.iter().position(|column| column.name == name)?;
        Some(self.rows.iter().filter_map(move |row| row.get(place)))
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Kind {
    fn of(r#type: &str) -> Self {
        let mut bare = r#type;
        for wrapper in ["LowCardinality(", "Nullable("] {
            bare = bare.strip_prefix(wrapper).unwrap_or(bare);
        }
        match bare {
            _ if bare.starts_with("Date") => Self::Time,
            _ if ["Int", "UInt", "Float", "Decimal"].iter().any(|start| bare.starts_with(start)) => {
                Self::Number
            }
            _ if bare.starts_with("Array") => Self::List,
            _ => Self::Text,
        }
    }
}

/// Whether there is nothing in a cell.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
