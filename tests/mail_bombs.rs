//! Hostile mails cost neither memory nor much time. One test, so that the process's peak memory is its own.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write as _};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use ruad_report::mail::{self, Content, Limits, MailError};

#[test]
fn bombs_are_refused_by_name_in_bounded_memory() {
    let zeros = gzip(io::repeat(0).take(300 << 20));
    let spaces = gzip(Cursor::new(b"<feedback>").chain(io::repeat(b' ').take(300 << 20)));
    let nested = gzip(&gzip(io::repeat(b' ').take(300 << 20))[..]);
    let cases = [
        // Nothing is asked of what does not begin like a report.
        (attached(&zeros), ""),
        (attached(&spaces), "[1] limit_ratio\n"),
        (attached(&nested), ""),
        (attached(&zip(&[("a.xml", 100 << 20)])), "[1 > a.xml] limit_ratio\n"),
        (attached(&many_entries(1_000_000)), "[1] refused: the archive has 1000000 entries, more than 100\n"),
        (attached(&many_entries(101)), "[1] refused: the archive has 101 entries, more than 100\n"),
        (attached(&many_entries(100)), ""),
    ];
    let memory = Memory::now();
    for (message, expected) in cases {
        let found = walked(&message[..], &Limits::default());
        assert_eq!(found, expected);
    }

    // What unpacks in many pieces counts as one.
    let limits = Limits { ratio: 1_000_000, unpacked_bytes: 50 << 20, ..Limits::default() };
    let piece = gzip(Cursor::new(b"<feedback>").chain(io::repeat(b' ').take(20 << 20)));
    let found = walked(&parts(&[&piece, &piece, &piece, &piece])[..], &limits);
    let refused = "refused: more than 52428800 bytes came out of the message's archives";
    assert_eq!(found, format!("[1] whole\n[2] whole\n[3] limit_unpacked_bytes\n[4] {refused}\n"));

    // Messages that do not end.
    for (head, line) in [
        ("Subject: ", "x"),
        ("", "X-Field: x\r\n"),
        ("Subject: x\r\n", " folded\r\n"),
        ("Subject: x\r\n\r\n", "a line\r\n"),
        ("Subject: x\r\n\r\n", "a"),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n"),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "\r\n--b"),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", "X: y\r\n"),
        (
            "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n",
            "Source-IP: 192.0.2.1\r\n",
        ),
        (
            "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n",
            "Received: x\r\n",
        ),
        ("Content-Transfer-Encoding: base64\r\n\r\n", "PGZlZWRiYWNrPg=="),
        ("Content-Transfer-Encoding: quoted-printable\r\n\r\n", "= "),
        ("Content-Type: application/octet-stream\r\n\r\nPK\u{3}\u{4}", "x"),
    ] {
        let endless = Cursor::new(head).chain(Repeat::new(line)).take(12 << 20);
        walked(BufReader::new(endless), &Limits::default());
    }

    // A large report that is none of the above.
    let mut report = Base64Report { left: 12 << 20, line: Vec::new() };
    let head = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    walked(BufReader::new(Cursor::new(head).chain(&mut report)), &Limits::default());

    let grown = memory.grown();
    assert!(grown < 8 << 10, "{grown} KiB were needed");
}

/// What became of each finding; reads all of it and keeps nothing.
fn walked(mut message: impl BufRead, limits: &Limits) -> String {
    let mut outcomes = String::new();
    mail::walk(&mut message, limits, &mut |found| {
        let outcome = match found.content {
            Content::Aggregate(input) | Content::Tls(input) => match io::copy(input, &mut io::sink()) {
                Ok(_) => "whole".to_owned(),
                Err(error) => {
                    MailError::of(&error).map_or_else(|| error.to_string(), |own| own.code().to_owned())
                }
            },
            Content::Failure(_) => "failure".to_owned(),
            Content::Refused(error) => format!("refused: {error}"),
        };
        writeln!(outcomes, "[{}] {outcome}", found.path.join(" > ")).expect("a string takes everything");
    })
    .expect("a readable message");
    outcomes
}

fn gzip(mut content: impl Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    io::copy(&mut content, &mut encoder).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// A zip archive of deflated blanks whose sizes are lies.
fn zip(entries: &[(&str, u64)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, length) in entries {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        io::copy(&mut Cursor::new(b"<feedback>").chain(io::repeat(b' ').take(*length)), &mut encoder)
            .expect("memory");
        let data = encoder.finish().expect("memory takes everything");
        entry(&mut archive, &mut directory, name, &data, *length as u32 + 10);
    }
    end(archive, &directory, entries.len())
}

/// A zip archive of empty entries, with the zip64 records that more than 65,535 need.
fn many_entries(count: usize) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for number in 0..count {
        entry(&mut archive, &mut directory, &format!("{number}.txt"), &[], 0);
    }
    end(archive, &directory, count)
}

fn entry(archive: &mut Vec<u8>, directory: &mut Vec<u8>, name: &str, data: &[u8], size: u32) {
    let offset = archive.len() as u32;
    let method = if data.is_empty() { 0_u16 } else { 8 };
    let mut common = vec![20, 0, 0, 0];
    common.extend(method.to_le_bytes());
    common.extend([0; 8]);
    common.extend((data.len() as u32).to_le_bytes());
    common.extend(size.to_le_bytes());
    common.extend((name.len() as u16).to_le_bytes());
    common.extend([0; 2]);
    archive.extend(b"PK\x03\x04");
    archive.extend(&common);
    archive.extend(name.as_bytes());
    archive.extend(data);
    directory.extend(b"PK\x01\x02\x14\x00");
    directory.extend(&common);
    directory.extend([0; 10]);
    directory.extend(offset.to_le_bytes());
    directory.extend(name.as_bytes());
}

fn end(mut archive: Vec<u8>, directory: &[u8], count: usize) -> Vec<u8> {
    let (start, length, count) = (archive.len() as u64, directory.len() as u64, count as u64);
    archive.extend(directory);
    let large = count > 0xFFFF;
    if large {
        let record = archive.len() as u64;
        archive.extend(b"PK\x06\x06");
        archive.extend(44_u64.to_le_bytes());
        archive.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for value in [count, count, length, start] {
            archive.extend(value.to_le_bytes());
        }
        archive.extend(b"PK\x06\x07\0\0\0\0");
        archive.extend(record.to_le_bytes());
        archive.extend(1_u32.to_le_bytes());
    }
    archive.extend(b"PK\x05\x06\0\0\0\0");
    let short = if large { 0xFFFF } else { count as u16 };
    archive.extend(short.to_le_bytes());
    archive.extend(short.to_le_bytes());
    archive.extend((length as u32).to_le_bytes());
    archive.extend((start as u32).to_le_bytes());
    archive.extend([0; 2]);
    archive
}

/// A message that is nothing but this content, in binary.
fn attached(content: &[u8]) -> Vec<u8> {
    [b"Content-Type: application/octet-stream\r\n\r\n", content].concat()
}

fn parts(contents: &[&[u8]]) -> Vec<u8> {
    let mut message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for content in contents {
        message.extend(b"--b\r\nContent-Type: application/octet-stream\r\n\r\n");
        message.extend(*content);
        message.extend(b"\r\n");
    }
    message.extend(b"--b--\r\n");
    message
}

/// The same bytes again and again.
struct Repeat {
    bytes: Vec<u8>,
    position: usize,
}

impl Repeat {
    fn new(text: &str) -> Self {
        Self { bytes: text.repeat(4_096 / text.len() + 1).into_bytes(), position: 0 }
    }
}

impl Read for Repeat {
    fn read(&mut self, mut out: &mut [u8]) -> io::Result<usize> {
        let taken = out.write(&self.bytes[self.position..])?;
        self.position = (self.position + taken) % self.bytes.len();
        Ok(taken)
    }
}

/// A report of random numbers, which gzip cannot pack: stored blocks in base64.
struct Base64Report {
    left: u64,
    line: Vec<u8>,
}

impl Read for Base64Report {
    fn read(&mut self, mut out: &mut [u8]) -> io::Result<usize> {
        if self.line.is_empty() && self.left > 0 {
            self.left = self.left.saturating_sub(78);
            let mut line = String::new();
            if self.left.is_multiple_of(2) {
                line.push_str("PGZlZWRiYWNrPjxyZWNvcmQ+")
            } else {
                line.push_str("PC9yZWNvcmQ+")
            }
            write!(line, "\r\n").expect("a string takes everything");
            self.line = line.into_bytes();
        }
        let taken = out.write(&self.line)?;
        self.line.drain(..taken);
        Ok(taken)
    }
}

/// How much memory the process had at some time, in KiB. Elsewhere than on Linux it is not known and taken for none.
struct Memory(u64);

impl Memory {
    /// Forgets the peak so far, which making the bombs has driven up.
    fn now() -> Self {
        std::fs::write("/proc/self/clear_refs", "5").ok();
        Self(Self::read("VmRSS:"))
    }

    /// By how much the peak since is higher.
    fn grown(&self) -> u64 {
        Self::read("VmHWM:").saturating_sub(self.0)
    }

    fn read(name: &str) -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
    }
}
