//! ruad receives DMARC aggregate, DMARC failure and SMTP TLS reports over SMTP and stores them exactly once in ClickHouse.
//!
//! This library holds the modules that need several of the workspace's crates; `main.rs` and `cli/` wire the daemon together.
//! `ARCHITECTURE.md` shows them in their order.
#![forbid(unsafe_code)]

pub mod advice;
pub mod certificate;
pub mod config;
mod exposition;
pub mod health;
pub mod http;
pub mod intake;
pub mod provenance;
pub mod recent;
pub mod review;
pub mod signing;
pub mod sources;
pub mod store;
pub mod svg;
pub mod telemetry;
pub mod tenants;
