//! The whole daemon through its front doors: bytes over SMTP in, SQL out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should fail"
)]

#[allow(dead_code, reason = "tests/health needs more of it")]
mod daemon;
mod disk;
mod exit;
mod hostile;
#[path = "../support/hostile.rs"]
mod hostile_dns;
mod kill;
mod log;
mod outage;
mod password;
#[path = "../support/ports.rs"]
mod ports;
mod reload;
mod reports;
mod smtp;
mod systemd;
#[path = "../support/wait.rs"]
mod wait;
mod withdraw;
