//! A small, believable world that sends DMARC and TLS reports for a month, for `ruad`'s demo and its tests.
//!
//! [`Month::make`] builds every mail and, beside them, the [`Truth`]: what a receiver that loses nothing must
//! end up with. Both depend on nothing but a seed and the day that counts as today, so the same arguments
//! give the same bytes. [`smtp`] delivers the mails, [`dns`] answers for the reporters' domains, so that
//! their signatures can be checked without leaving the machine.
#![forbid(unsafe_code)]

pub mod day;
pub mod dns;
pub mod engine;
pub mod grafana;
pub mod mail;
pub mod month;
pub mod onboarding;
pub mod past;
pub mod random;
pub mod report;
pub mod smtp;
pub mod truth;
pub mod world;
pub mod zone;

pub use day::Day;
pub use mail::Mail;
pub use month::Month;
pub use truth::Truth;
