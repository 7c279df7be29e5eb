//! The watch over domains: a real name server, a real ClickHouse, and the daemon with both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "a test that cannot go on should fail, and shares its tools with others"
)]

#[path = "../daemon/daemon.rs"]
mod daemon;
#[path = "../support/dns.rs"]
mod dns;
#[path = "../support/engine.rs"]
mod engine;
mod mail;
mod outage;
#[path = "../support/ports.rs"]
mod ports;
mod reports;
mod served;
mod state;
#[path = "../support/wait.rs"]
mod wait;
mod watch;
mod world;
