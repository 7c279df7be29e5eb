//! What is asked of other machines than name servers.

pub mod https;

pub use https::{Https, HttpsError};
