//! The demo's month, judged from outside: by its bytes, by an independent verifier, and by an SMTP server's
//! side.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's way to fail")]

mod delivery;
mod month;
mod read;
mod shapes;
mod signatures;
