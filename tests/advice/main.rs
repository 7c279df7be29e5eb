//! Advice with a real ClickHouse, a real name server and the daemon.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "a test that cannot go on should fail, and shares its tools with others"
)]

mod adviser;
#[path = "../daemon/daemon.rs"]
mod daemon;
#[path = "../support/dns.rs"]
mod dns;
#[path = "../support/engine.rs"]
mod engine;
mod families;
mod gather;
#[path = "../support/ports.rs"]
mod ports;
mod reported;
mod senders;
mod served;
mod source;
#[path = "../support/wait.rs"]
mod wait;
mod world;
