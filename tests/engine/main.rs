//! The embedded engine through its front door: HTTP over TCP, against the real library.
//!
//! These tests need libchdb. `make test` installs it first; without it they fail and say so.
#![expect(clippy::panic, clippy::unwrap_used, reason = "the helpers are tests, too")]

mod client;
mod engine;
mod http;
#[path = "../support/wait.rs"]
mod wait;

mod access;
mod escape;
mod inserts;
mod lifecycle;
mod peers;
mod tables;
