//! What is asked of other machines than name servers.

pub mod https;
mod roots;

pub use https::Https;
pub use roots::{RootsError, roots};
