//! ruad receives DMARC aggregate, DMARC failure and SMTP TLS reports over SMTP and stores them exactly once in
//! ClickHouse. The daemon is wired together in `main.rs` and `cli/`; this library holds its rooms, of which
//! [`report`] is useful on its own.
#![forbid(unsafe_code)]

pub mod advice;
pub mod certificate;
pub mod config;
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
