//! Any bytes as an aggregate report: a value or an error, and what is counted is what was heard.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ruad_report::{Limits, aggregate};

fuzz_target!(|bytes: &[u8]| {
    let (mut records, mut messages) = (0_u64, 0_u64);
    let read = aggregate::read(bytes, &Limits::default(), |record| {
        records += 1;
        messages = messages.saturating_add(record.count());
    });
    if let Ok(report) = read {
        assert_eq!((report.records, report.messages), (records, messages));
    }
});
