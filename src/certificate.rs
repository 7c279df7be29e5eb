//! Certificates: what a domain that has reached five out of five can show, and how everybody can check it.
//!
//! A [`Statement`] is a text that a machine reads and a person can; signed, it is a [`Certificate`]. Whether one still holds is
//! never written into it: that is the live state of its domain, which the [`Register`] knows.

mod date;
mod document;
mod issue;
mod key;
mod register;
mod run;
mod seal;
mod serial;
mod settings;
mod standing;
mod statement;
pub mod store;
pub mod telemetry;

pub use date::Date;
pub use document::{Notice, Sign, badge, drawing, notice, page, policy};
pub use issue::{Issuer, Subject, is_due, issue};
pub use key::{KeyError, PublicKey, SigningKey};
pub use register::{Entry, Found, Register};
pub use run::{Issuing, certificates};
pub use seal::{Certificate, Forged};
pub use serial::{NoSerial, Serial};
pub use settings::{Address, NoAddress, Settings};
pub use standing::{Latest, Standing};
pub use statement::{DkimKey, Mail, Statement};
