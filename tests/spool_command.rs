//! The tests of `ruad spool`, which live beside it.

#![allow(dead_code, clippy::unwrap_used, reason = "what only the program uses; what a test may do")]

#[path = "../src/cli/spool.rs"]
mod spool;
