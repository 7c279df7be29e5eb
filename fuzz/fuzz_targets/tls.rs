//! Any bytes as a TLS report: a value or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ruad_report::{Limits, tls};

fuzz_target!(|bytes: &[u8]| {
    drop(tls::read(bytes, &Limits::default()));
});
