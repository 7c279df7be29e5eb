//! The way of a command to ClickHouse.

use anyhow::{Context, bail};
use ruad::{config::Settings, store::Store};
use ruad_engine::{OWNER, Passwords};

/// The store that the daemon of these settings uses: `clickhouse.url`, or the embedded engine that `ruad serve` runs.
///
/// # Errors
///
/// When nothing answers there, or what answers has not the tables of this program; the text says what to do.
pub(super) async fn connect(settings: &Settings) -> anyhow::Result<Store> {
    let mut clickhouse = settings.clickhouse.clone();
    let is_embedded = clickhouse.url.is_none();
    let url = clickhouse.url.take().unwrap_or_else(|| format!("http://{}", settings.engine.listen));
    clickhouse.url = Some(url.clone());
    let missing = || match is_embedded {
        true => format!(
            "no ClickHouse to ask at {url}, where `ruad serve` runs the embedded engine: start it, or name the daemon's \
             configuration with --config"
        ),
        false => format!("no ClickHouse to ask at {url} (clickhouse.url)"),
    };
    if is_embedded {
        let password = Passwords::of(&settings.engine).read(OWNER).with_context(missing)?;
        clickhouse.user = Some(OWNER.to_owned());
        clickhouse.password = Some(password.into());
    }
    let store = Store::connect(&clickhouse)?;
    store.ping().await.with_context(missing)?;
    let version = store.schema_version().await.with_context(|| {
        format!(
            "the ClickHouse at {url} has no tables of ruad in the database {}: `ruad serve` makes them when it starts",
            clickhouse.database
        )
    })?;
    if version == 0 {
        bail!(
            "the tables in the ClickHouse at {url} are not finished: `ruad serve` finishes them when it starts"
        );
    }
    Ok(store)
}
