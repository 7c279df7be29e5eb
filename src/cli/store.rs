//! The store, for commands that run beside the daemon.

use anyhow::Context;
use ruad::{config::Settings, store::Store};

/// Connects to `clickhouse.url`, or to the embedded engine of a daemon that runs on this machine.
pub(super) async fn connect(settings: &Settings) -> anyhow::Result<Store> {
    let mut clickhouse = settings.clickhouse.clone();
    let is_embedded = clickhouse.url.is_none();
    let url = clickhouse.url.get_or_insert_with(|| format!("http://{}", settings.engine.listen)).clone();
    let store = Store::connect(&clickhouse)?;
    store.ping().await.with_context(|| {
        if is_embedded {
            format!("the embedded ClickHouse does not answer at {url}: does `ruad serve` run?")
        } else {
            format!("cannot reach {url}")
        }
    })?;
    Ok(store)
}
