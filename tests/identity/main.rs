//! Who sent a report's message, and who an address is: against a name server of the test's own.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod bounds;
mod dns;
mod letters;
mod provenance;
mod sources;
#[path = "../support/wait.rs"]
mod wait;
mod world;
