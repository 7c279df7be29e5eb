//! ruad.
fn main() {}
