//! Certificates through the front doors: rows and the registry in, pages and the command line out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should fail"
)]

#[path = "../support/engine.rs"]
#[allow(dead_code, reason = "shared by several tests, each of which needs a part of it")]
mod engine;

mod command;
mod pages;
mod samples;
mod served;
mod world;
