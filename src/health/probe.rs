//! What is asked of a domain's servers other than its name servers.

pub mod https;
mod roots;
mod smtp;

pub use https::Https;
pub use roots::{RootsError, roots};
pub use smtp::Smtp;
