//! The SMTP receiver through its front door: bytes over TCP in, messages in the spool out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod chunks;
mod commands;
mod data;
mod limits;
mod pressure;
mod properties;
mod proxy;
mod shutdown;
mod sockets;
mod support;
mod telemetry;
mod tls;
