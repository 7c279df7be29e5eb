//! Any bytes, in pieces of any length, on their way to a terminal: nothing is left that it would obey.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use ruad_common::text::{Clean, Escape, Shown, is_invisible};

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let whole = clean(bytes, bytes.len().max(1), Escape::Text);
    assert_eq!(clean(bytes, usize::from(cut).max(1), Escape::Text), whole);
    for c in without_colours(&whole).chars() {
        assert!(!is_invisible(c) || c == '\n' || c == '\t', "{whole:?}");
    }

    let text = String::from_utf8_lossy(bytes);
    assert!(!Shown(&text).to_string().chars().any(is_invisible));

    // As serde does: control characters of C0 are escaped before.
    let json = serde_json::to_vec(&text).expect("text is always JSON");
    let shown = clean(&json, usize::from(cut).max(1), Escape::Json);
    assert!(!shown.chars().any(is_invisible));
    assert_eq!(serde_json::from_str::<String>(&shown).expect("still JSON"), text);
});

fn clean(bytes: &[u8], cut: usize, escape: Escape) -> String {
    let mut out = Vec::new();
    let mut clean = Clean::new(&mut out, escape);
    for piece in bytes.chunks(cut) {
        clean.write_all(piece).expect("memory takes everything");
    }
    drop(clean);
    String::from_utf8(out).expect("what comes out is UTF-8")
}

/// The text without the sequences that set a colour or a weight.
fn without_colours(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        out.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(after.len());
        let (parameters, behind) = after.split_at(end);
        assert!(behind.starts_with('m'), "{text:?}");
        for parameter in parameters.split(';').filter(|parameter| !parameter.is_empty()) {
            let number: u32 = parameter.parse().expect("digits");
            assert!(matches!(number, 0..=3 | 22..=23 | 30..=37 | 39 | 90..=97), "{text:?}");
        }
        rest = behind.split_at(1).1;
    }
    out.push_str(rest);
    out
}
