//! ruad receives DMARC aggregate, DMARC failure and SMTP TLS reports over SMTP and stores them exactly once in
//! ClickHouse. The daemon is wired together in `main.rs` and `cli/`; this library holds its rooms, of which
//! [`report`] is useful on its own.
#![forbid(unsafe_code)]

pub mod advice;
pub mod certificate;
pub mod config;
pub mod dns;
pub mod domains;
pub mod engine;
pub mod health;
pub mod http;
pub mod intake;
pub mod label;
mod lock;
pub mod mail;
pub mod provenance;
pub mod recent;
pub mod report;
pub mod review;
pub mod signing;
pub mod smtp;
pub mod sources;
pub mod spool;
pub mod store;
pub mod svg;
pub mod telemetry;
pub mod tenants;
pub mod text;
pub mod texts;
