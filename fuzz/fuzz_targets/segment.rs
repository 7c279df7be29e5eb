//! Any bytes as the segment that was open when the process died: recovery ends, and what it keeps can be read.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use ruad::spool::{Settings, Spool};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { path: folder.path().to_owned(), ..Default::default() };
    fs::write(folder.path().join("01930000-0000-7000-8000-000000000001.open"), bytes).unwrap();
    let Ok(spool) = Spool::open(&settings) else { return };
    for id in spool.closed() {
        for message in spool.segment(id).unwrap().messages().flatten() {
            drop(message.open());
        }
    }
});
