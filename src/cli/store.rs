//! The way of a command to ClickHouse.

use anyhow::Context;
use ruad::{config::Settings, store::Store};

/// The store that the daemon of these settings uses: `clickhouse.url`, or the embedded engine that `ruad serve` runs.
///
/// # Errors
///
/// When nothing answers there.
pub(crate) async fn connect(settings: &Settings) -> anyhow::Result<Store> {
    let mut clickhouse = settings.clickhouse.clone();
    let url = clickhouse.url.take().unwrap_or_else(|| format!("http://{}", settings.engine.listen));
    clickhouse.url = Some(url.clone());
    let store = Store::connect(&clickhouse)?;
    store.ping().await.with_context(|| format!("no ClickHouse to ask at {url}; is `ruad serve` running?"))?;
    Ok(store)
}
