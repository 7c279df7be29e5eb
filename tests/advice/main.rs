//! Advice against the real engine.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test fails by panicking, and shares its tools with others"
)]

#[path = "../support/engine.rs"]
mod engine;
mod families;
mod gather;
mod reported;
mod senders;
