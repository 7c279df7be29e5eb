//! What the daemon tells about itself: one file per room holds that room's events (each logs and counts in one
//! place) and the help texts of its metrics.

pub mod domains;
pub mod provenance;
pub mod sources;
