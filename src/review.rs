//! The customer's document: what became of the mail in the name of a group or a domain in a month, in plain words and
//! pictures, as one HTML file that needs nothing else, or as a PDF.
//!
//! [`Review::gather`] asks the store, [`Review::html`] writes; nothing in between knows a clock or a database.

mod chart;
mod closing;
mod details;
mod gather;
mod history;
mod model;
mod month;
mod overview;
mod page;
pub mod pdf;
mod steps;
pub mod store;
mod summary;
mod traffic;
mod words;

pub use gather::Request;
pub use model::{Abuse, Author, Certificate, Domain, Event, Key, Mail, Review, Sender, State, Step};
pub use month::{Date, Month, NoMonth};

#[cfg(test)]
mod tests;
