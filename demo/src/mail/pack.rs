//! The archives that reports come in.

use std::io::{Cursor, Write};

use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A gzip file. Its header holds neither a time nor, unless `name` is given, a name.
pub(super) fn gzip(bytes: &[u8], name: Option<&str>) -> Vec<u8> {
    let builder = match name {
        Some(name) => GzBuilder::new().filename(name),
        None => GzBuilder::new(),
    };
    let mut encoder = builder.write(Vec::new(), Compression::default());
    // Writing to memory does not fail; should it ever, the tests miss the report.
    let written = encoder.write_all(bytes);
    debug_assert!(written.is_ok());
    encoder.finish().unwrap_or_default()
}

/// A zip file with these entries, deflated.
pub(super) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let written = writer.start_file(*name, options).is_ok() && writer.write_all(bytes).is_ok();
        debug_assert!(written);
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}
