//! The customer's document, from rows in a real ClickHouse to HTML and PDF.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "a test that cannot go on should fail, and shares its tools with others"
)]

mod command;
#[path = "../support/engine.rs"]
mod engine;
mod numbers;
mod rows;
mod sample;
