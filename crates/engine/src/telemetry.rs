//! Events and metrics of the embedded engine: of its own process (`ruad engine`) and of its supervisor.

use std::net::SocketAddr;
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, gauge};
use tracing::{error, info, warn};

use crate::Error;

/// Registers the help texts.
pub fn describe() {
    describe_gauge!("ruad_engine_up", "1 while the embedded engine is ready, 0 otherwise.");
    describe_counter!(
        "ruad_engine_restarts_total",
        "Restarts of the embedded engine after it exited unexpectedly."
    );
    describe_counter!("ruad_engine_start_failures_total", "Failed attempts to start the embedded engine.");
}

/// The engine's process is ready.
pub(crate) fn ready(address: SocketAddr, process: Option<u32>, took: Duration) {
    gauge!("ruad_engine_up").set(1.0);
    let milliseconds = took.as_secs_f64() * 1e3;
    info!(%address, process, milliseconds, "The embedded engine is ready.");
}

/// The engine's process ended, though nobody asked it to.
pub(crate) fn died(status: &str, again_in: Duration) {
    gauge!("ruad_engine_up").set(0.0);
    counter!("ruad_engine_restarts_total").increment(1);
    let seconds = again_in.as_secs_f64();
    warn!(status, seconds, "The embedded engine exited; restarting.");
}

/// The engine's process does not start again.
pub(crate) fn start_failed(error: &Error, again_in: Duration) {
    counter!("ruad_engine_start_failures_total").increment(1);
    let seconds = again_in.as_secs_f64();
    error!(error = %chain(error), seconds, "The embedded engine failed to start; retrying.");
}

/// The engine's process ended as it was asked to.
pub(crate) fn stopped(status: &str) {
    gauge!("ruad_engine_up").set(0.0);
    info!(status, "The embedded engine stopped.");
}

/// The engine's process did not end in time and was killed.
pub(crate) fn killed() {
    gauge!("ruad_engine_up").set(0.0);
    warn!("The embedded engine did not stop in time and was killed; it recovers at the next start.");
}

/// The kernel does not confine the engine as far as it could.
pub(crate) fn unconfined(lack: &str) {
    warn!(
        lack,
        "The kernel does not support all of the engine's sandbox; only ClickHouse grants protect these."
    );
}

/// An insert was cut short after ClickHouse had noted it down as done.
pub(crate) fn interrupted(part: &str) {
    warn!(part, "Discarded an insert that a crash interrupted; the daemon repeats it.");
}

/// Statements did not end when the engine stopped.
pub(crate) fn unclosed() {
    warn!("Statements ignored KILL QUERY; stopping the engine without them.");
}

/// An error with its sources on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
