//! What is asked of a domain's servers other than its name servers.

mod smtp;

pub use smtp::Smtp;
