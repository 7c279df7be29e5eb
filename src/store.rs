//! What is kept in ClickHouse: the schema and its migrations, blocks of rows and how they are inserted exactly once, and
//! the questions the other rooms ask.
//!
//! An embedded engine, a server and a cluster differ by the URL and by `cluster` alone.

pub(crate) mod block;
pub(crate) mod column;
mod copies;
mod correction;
mod error;
mod insert;
mod migration;
pub(crate) mod query;
mod retry;
mod settings;
mod standing;
pub mod tables;
pub mod telemetry;
mod template;

use std::sync::Arc;

use clickhouse::Client;

pub use block::{Batch, Block, Filling};
pub use column::{Day, Identity};
pub use copies::{CopyChange, CopyFilter, CopySums, Place, StoredCopy};
pub use correction::{Action, Change};
pub use error::{Kind, StoreError};
pub use insert::{Inserted, LAYOUT};
pub use migration::Applied;
pub use query::{DomainSummary, Known, ReportingClient, SourceCount};
pub use retry::Backoff;
pub use settings::Settings;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    client: Client,
    settings: Arc<Settings>,
}

impl Store {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::Setting`] when a name is not one that can stand in a statement.
    pub fn connect(settings: &Settings) -> Result<Self, StoreError> {
        settings.validate()?;
        let mut client = Client::default()
            .with_url(settings.url())
            .with_database(&settings.database)
            .with_product_info("ruad", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &settings.user {
            client = client.with_user(user);
        }
        if let Some(password) = &settings.password {
            client = client.with_password(password.reveal());
        }
        Ok(Self { client, settings: Arc::new(settings.clone()) })
    }

    /// The client, with address, credentials and database set.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Asks whether the database answers, within the settings' time for a query.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from answering.
    pub async fn ping(&self) -> Result<(), StoreError> {
        // Whether our own database exists is another question.
        self.timed(self.client.clone().with_database("default").query("SELECT 1").execute()).await
    }

    /// Runs a request within the time a query may take.
    pub async fn timed<T>(
        &self,
        request: impl Future<Output = Result<T, clickhouse::error::Error>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.settings.query_timeout, request).await {
            Ok(answer) => answer.map_err(StoreError::from),
            Err(_) => Err(StoreError::Timeout { seconds: self.settings.query_timeout.as_secs() }),
        }
    }
}
