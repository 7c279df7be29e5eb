//! The records of a mail domain: how they are asked for, what they say, and what is wrong with them.
//!
//! One file per mechanism holds the record's syntax as a pure function over text, its evaluation, and an `examine`
//! that asks a [`Resolver`] and gives an outcome with a [`Check`]. Nothing here opens a connection of its own, knows
//! the time or remembers an earlier answer; the program's health module does.
#![forbid(unsafe_code)]

mod address;
pub mod answer;
mod asked;
pub mod bimi;
mod bounds;
pub mod caa;
mod catalogue;
pub mod check;
pub mod dane;
mod delivery;
pub mod dkim;
pub mod dmarc;
pub mod dnsbl;
pub mod dnssec;
mod expiring;
pub mod finding;
pub mod mta_sts;
pub mod mx;
pub mod ns;
mod patience;
pub mod profile;
mod resolver;
pub mod reverse;
pub mod rpki;
mod settings;
mod special_use;
pub mod spf;
pub mod tags;
pub mod tls_rpt;
mod ttls;
mod validator;
mod versioned;

pub use address::{connect, may_connect, special};
pub use answer::{Answer, Found, Trouble};
pub use bounds::SENDER_ANSWERS;
pub use check::{Check, Mechanism, Observed, Status};
pub use expiring::Expiring;
pub use finding::{Code, Evidence, Finding, Severity};
pub use patience::patient;
pub use resolver::{Mx, Resolver, Text};
pub use settings::{ResolverError, Settings};
pub(crate) use special_use::is_special_use;
pub use ttls::Copies;
pub use ttls::Ttls;
pub use validator::{Judged, Proof, Validator};
