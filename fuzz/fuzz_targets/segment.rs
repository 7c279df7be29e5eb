//! Any bytes as the segment that was open when the process died: recovery ends, and what it keeps can be read.
//!
//! The first byte says whether the checksums are set right, without which nearly every mutation ends at the first one.
#![no_main]

use std::{fs, io};

use libfuzzer_sys::fuzz_target;
use ruad_spool::{Settings, Spool};

fuzz_target!(|bytes: &[u8]| {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    let mut bytes = bytes.to_vec();
    if mode % 2 == 1 {
        mend(&mut bytes);
    }
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { path: folder.path().to_owned(), ..Default::default() };
    fs::create_dir(folder.path().join("large")).unwrap();
    fs::write(folder.path().join(format!("large/{NAME}-2.eml")), LARGE).unwrap();
    fs::write(folder.path().join(format!("{NAME}.open")), bytes).unwrap();
    let Ok(spool) = Spool::open(&settings) else { return };
    for id in spool.closed() {
        for message in spool.segment(id).unwrap().messages().flatten() {
            if let Ok(mut body) = message.open() {
                drop(io::copy(&mut body, &mut io::sink()));
            }
        }
    }
});

/// Makes every frame one of this segment, with the checksums that its bytes have.
fn mend(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.windows(4).position(|four| four == b"RUF1")) {
        at += found;
        let Some((header, rest)) = bytes.get_mut(at..).and_then(|frame| frame.split_at_mut_checked(52)) else { return };
        header[4..20].copy_from_slice(&ID.to_be_bytes());
        // A header with a right checksum is one that we wrote, and we do not skip millions of numbers. Each one that is
        // missing is noted by name, so an invented gap would only show that many files take long to write.
        header[21..24].fill(0);
        let number = |at: usize| usize::try_from(u32::from_le_bytes(header[at..at + 4].try_into().unwrap())).unwrap();
        let (envelope, body, in_a_file) = (number(24), number(28), header[44] == 1);
        let checksums = match rest.split_at_checked(envelope) {
            Some((envelope, _)) if in_a_file => Some((crc32fast::hash(envelope), crc32fast::hash(LARGE))),
            Some((envelope, rest)) => rest.get(..body).map(|body| (crc32fast::hash(envelope), crc32fast::hash(body))),
            None => None,
        };
        if let Some((envelope, body)) = checksums {
            header[36..40].copy_from_slice(&envelope.to_le_bytes());
            header[40..44].copy_from_slice(&body.to_le_bytes());
        }
        let checksum = crc32fast::hash(&header[..48]);
        header[48..].copy_from_slice(&checksum.to_le_bytes());
        at += if checksums.is_some() { 52 + envelope + if in_a_file { 0 } else { body } } else { 4 };
    }
}

const NAME: &str = "01930000-0000-7000-8000-000000000001";

const ID: u128 = 0x0193_0000_0000_7000_8000_0000_0000_0001;

const LARGE: &[u8] = b"Subject: large\r\n\r\nbody\r\n";
