//! What the crates of ruad share: domain names, the clock, durations in settings, texts in every language, and the one writer that
//! strangers' text passes before a person sees it.
#![forbid(unsafe_code)]

pub mod domain_name;
pub mod label;
pub mod lock;
pub mod log;
pub mod password;
pub mod seconds;
pub mod text;
pub mod texts;
pub mod time;
