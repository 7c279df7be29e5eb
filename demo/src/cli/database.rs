//! ClickHouse, read back.

use std::time::Duration;

use anyhow::{Context, ensure};
use clickhouse::{Client, RowOwned, RowRead};
use ruad_engine::READER;
use tokio::time::{Instant, sleep};

use super::meter::Meter;
use super::number::thousands;
use super::place::Place;
use super::sql;

pub(super) struct Database(Client, Place);

impl Database {
    /// That of the demo; its password is there once the engine has started.
    pub(super) fn at(place: &Place) -> Self {
        Self(
            Client::default().with_url(format!("http://{}", place.clickhouse)).with_database("ruad"),
            place.clone(),
        )
    }

    /// Waits until so many messages have arrived at their end. The engine and its tables may not be there
    /// yet: mail is taken before they are.
    pub(super) async fn wait(&self, messages: u64) -> anyhow::Result<()> {
        let mut meter = Meter::new("queryable", messages);
        let deadline = Instant::now() + PATIENCE;
        let mut known = 0;
        loop {
            match self.one::<u64>(sql::MESSAGES).await {
                Ok(count) => known = count,
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => {}
            }
            meter.set(known.min(messages));
            if known >= messages {
                meter.finish();
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "only {} of {} messages are queryable after {PATIENCE:?}",
                thousands(known),
                thousands(messages)
            );
            sleep(POLL).await;
        }
    }

    fn client(&self) -> anyhow::Result<Client> {
        let password = self.1.password(READER)?;
        Ok(self.0.clone().with_user(READER).with_password(password))
    }

    pub(super) async fn query<T: RowOwned + RowRead>(&self, sql: &str) -> anyhow::Result<Vec<T>> {
        self.client()?.query(sql).fetch_all().await.with_context(|| format!("query failed: {sql}"))
    }

    pub(super) async fn one<T: RowOwned + RowRead>(&self, sql: &str) -> anyhow::Result<T> {
        self.client()?.query(sql).fetch_one().await.with_context(|| format!("query failed: {sql}"))
    }
}

const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(150);
