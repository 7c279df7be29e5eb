//! Reads the mails back without any of the code that wrote them.

use std::io::Write;
use std::sync::OnceLock;

use flate2::write::GzDecoder;
use mail_parser::{Message, MessageParser, MimeHeaders};
use ruad_demo::{Day, Mail, Month};

/// The month that all tests look at.
pub(crate) fn month() -> &'static Month {
    static MONTH: OnceLock<Month> = OnceLock::new();
    MONTH.get_or_init(|| Month::make(1, today()))
}

pub(crate) fn today() -> Day {
    "2026-11-21".parse().unwrap()
}

/// Mails with this label; at least one.
pub(crate) fn labelled<'a>(month: &'a Month, label: &str) -> Vec<&'a Mail> {
    let mails: Vec<_> = month.mails.iter().filter(|mail| mail.label == label).collect();
    assert!(!mails.is_empty(), "no {label}");
    mails
}

pub(crate) fn parsed(mail: &Mail) -> Message<'_> {
    MessageParser::default().parse(&mail.bytes).unwrap()
}

/// The packed attachment with its name, as it stands in the mail.
pub(crate) fn archive(mail: &Mail) -> (String, Vec<u8>) {
    let message = parsed(mail);
    let part = message
        .parts
        .iter()
        .find(|part| part.contents().starts_with(&GZIP) || part.contents().starts_with(ZIP))
        .unwrap_or_else(|| panic!("{} has no archive", mail.label));
    (part.attachment_name().unwrap().to_owned(), part.contents().to_vec())
}

/// The document in the mail.
pub(crate) fn document(mail: &Mail) -> String {
    let (_, archive) = archive(mail);
    let bytes = if archive.starts_with(ZIP) {
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
        let mut bytes = Vec::new();
        std::io::copy(&mut zip.by_index(0).unwrap(), &mut bytes).unwrap();
        bytes
    } else {
        gunzip(&archive).0
    };
    String::from_utf8(bytes).unwrap()
}

/// The content of the first gzip member and how many bytes follow it.
pub(crate) fn gunzip(archive: &[u8]) -> (Vec<u8>, usize) {
    let mut decoder = GzDecoder::new(Vec::new());
    let mut taken = 0;
    while let Some(rest) = archive.get(taken..).filter(|rest| !rest.is_empty()) {
        match decoder.write(rest).unwrap() {
            0 => break,
            more => taken += more,
        }
    }
    (decoder.finish().unwrap(), archive.len() - taken)
}

/// The text of each `<name>` element.
pub(crate) fn texts<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    document.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap()).collect()
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZIP: &[u8] = b"PK";
