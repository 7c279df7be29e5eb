//! What the daemon tells about itself: one file per room holds that room's events (each logs and counts in one
//! place) and the help texts of its metrics; this file starts the log and the metrics registry.

use std::fmt::Write as _;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, field::MakeExt, fmt::format};

use ruad_common::log;
use ruad_common::text::{self, OneLine};

/// Starts logging to standard error. A second call changes nothing.
///
/// # Errors
///
/// When `settings.level` is not a filter; the text names the faulty directive.
pub fn start_log(settings: &log::Settings) -> Result<(), tracing_subscriber::filter::ParseError> {
    let mut filter = EnvFilter::builder().parse(&settings.level)?;
    // What strangers' name servers answer is told by our own events; the library writes whole messages at WARN.
    if !settings.level.contains("hickory") {
        filter = filter.add_directive("hickory_net=off".parse()?);
    }
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(text::stderr_is_terminal());
    // Only fails when a subscriber is there already, which tests that share a process rely on.
    drop(match settings.format {
        log::Format::Json => lines.json().flatten_event(true).with_writer(text::json_stderr).try_init(),
        log::Format::Text => lines.fmt_fields(one_line_fields()).with_writer(text::stderr).try_init(),
    });
    Ok(())
}

/// Fields as the library writes them, but each on one line: a value with a line break in it cannot look like an event of its own.
fn one_line_fields() -> impl for<'w> format::FormatFields<'w> + Send + Sync + 'static {
    format::debug_fn(|writer, field, value| {
        if field.name() != "message" {
            write!(writer, "{}=", field.name())?;
        }
        write!(OneLine(writer), "{value:?}")
    })
    .delimited(" ")
}

/// Installs the metrics registry of this process and describes every metric.
///
/// # Errors
///
/// When a registry is installed already.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), &BYTES)?
        .install_recorder()?;
    Ok(handle)
}

/// Registers the help text of every metric.
pub fn describe() {
    crate::advice::telemetry::describe();
    crate::certificate::telemetry::describe();
    ruad_registry::telemetry::describe();
    ruad_engine::telemetry::describe();
    crate::health::telemetry::describe();
    crate::intake::telemetry::describe();
    crate::provenance::telemetry::describe();
    crate::recent::telemetry::describe();
    ruad_smtp::telemetry::describe();
    crate::sources::telemetry::describe();
    ruad_spool::telemetry::describe();
    crate::store::telemetry::describe();
}

/// From a group commit (a fraction of a millisecond) to a session's longest life.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0];

/// From a refused greeting to the largest message.
const BYTES: [f64; 9] =
    [512.0, 2048.0, 8192.0, 32768.0, 131_072.0, 524_288.0, 2_097_152.0, 8_388_608.0, 52_428_800.0];
