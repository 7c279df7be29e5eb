//! Mails made of random nestings of everything that is understood: each report put in comes out, in order.

use std::io::{BufReader, Cursor, Write as _};

use proptest::collection::vec;
use proptest::prelude::*;
use ruad_report::mail::{self, Content, Limits};
use zip::write::SimpleFileOptions;

/// A MIME entity.
#[derive(Clone, Debug)]
enum Entity {
    Message(Box<Self>),
    Multipart {
        boundary: String,
        closed: bool,
        parts: Vec<Self>,
    },
    /// Something that is no report.
    Noise(&'static str),
    Report {
        encoding: Encoding,
        packing: Packing,
        tls: bool,
    },
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Base64 { declared: bool, width: usize },
    Binary,
    QuotedPrintable,
}

#[derive(Clone, Copy, Debug)]
enum Packing {
    Gzip,
    GzipTwice,
    Plain,
    Zip,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_report_comes_out(entity in entity(), line_feeds in any::<bool>(), piece in 1..200_usize) {
        let mut ids = Vec::new();
        let mut message = b"Subject: reports\r\n".to_vec();
        entity.write(&mut message, &mut ids, "");
        if line_feeds && !entity.is_binary() {
            message.retain(|byte| *byte != b'\r');
        }
        let mut found = Vec::new();
        mail::walk(&mut BufReader::with_capacity(piece, Cursor::new(&message)), &Limits::default(), &mut |candidate| {
            found.push(match candidate.content {
                Content::Aggregate(input) | Content::Tls(input) => {
                    let mut text = String::new();
                    input.read_to_string(&mut text).expect("a whole report");
                    text.split('!').nth(1).expect("an id").to_owned()
                }
                other => format!("{other:?}"),
            });
        })
        .expect("a readable message");
        prop_assert_eq!(found, ids, "{}", String::from_utf8_lossy(&message));
    }
}

fn entity() -> impl Strategy<Value = Entity> {
    let encoding = prop_oneof![
        (any::<bool>(), 20..200_usize).prop_map(|(declared, width)| Encoding::Base64 { declared, width }),
        Just(Encoding::Binary),
        Just(Encoding::QuotedPrintable),
    ];
    let packing = prop::sample::select(vec![Packing::Gzip, Packing::GzipTwice, Packing::Plain, Packing::Zip]);
    let leaf = prop_oneof![
        3 => (encoding, packing, any::<bool>()).prop_map(|(encoding, packing, tls)| Entity::Report { encoding, packing, tls }),
        1 => prop::sample::select(vec!["", "hello", "--", "--b", "-- \r\nfooter\r\n", "<p>", "{{x}}", "a\r\n\r\n\r\n", "=\r\n=", "<html><body>{}</body></html>"])
            .prop_map(Entity::Noise),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            3 => ("[b=_]{1,4}", any::<bool>(), vec(inner.clone(), 0..4))
                .prop_map(|(boundary, closed, parts)| Entity::Multipart { boundary, closed, parts }),
            1 => inner.prop_map(|entity| Entity::Message(Box::new(entity))),
        ]
    })
}

impl Entity {
    /// Appends the rest of a header block, and the body. Boundaries grow inwards: each has its parent's as a prefix.
    fn write(&self, out: &mut Vec<u8>, ids: &mut Vec<String>, outer: &str) {
        match self {
            Self::Message(inner) => {
                out.extend(b"Content-Type: message/rfc822\r\n\r\nReceived: by x\r\nSubject: inner\r\n");
                inner.write(out, ids, outer);
            }
            Self::Multipart { boundary, closed, parts } => {
                let boundary = format!("{outer}{boundary}x");
                out.extend(
                    format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\npreamble\r\n")
                        .bytes(),
                );
                for part in parts {
                    out.extend(format!("--{boundary}\r\n").bytes());
                    part.write(out, ids, &boundary);
                    out.extend(b"\r\n");
                }
                // Without parts, a delimiter that is not there would be guessed from what follows.
                if *closed || parts.is_empty() {
                    out.extend(format!("--{boundary}--\r\nepilogue\r\n").bytes());
                }
            }
            Self::Noise(text) => out.extend(format!("Content-Type: text/plain\r\n\r\n{text}").bytes()),
            Self::Report { encoding, packing, tls } => {
                let id = ids.len().to_string();
                let report = match tls {
                    true => format!("{{\"report-id\":\"!{id}!\",\"=20\":\"ü\"}}"),
                    false => format!("<?xml version=\"1.0\"?>\n<feedback>!{id}!=3D \n</feedback>"),
                };
                ids.push(id);
                encoding.write(out, &packing.pack(report.as_bytes()));
            }
        }
    }

    fn is_binary(&self) -> bool {
        match self {
            Self::Message(inner) => inner.is_binary(),
            Self::Multipart { parts, .. } => parts.iter().any(Self::is_binary),
            Self::Noise(_) => false,
            Self::Report { encoding, packing, .. } => {
                matches!(encoding, Encoding::Binary) && !matches!(packing, Packing::Plain)
            }
        }
    }
}

impl Encoding {
    fn write(self, out: &mut Vec<u8>, content: &[u8]) {
        match self {
            Self::Base64 { declared, width } => {
                let field: &[u8] = if declared { b"Content-Transfer-Encoding: base64\r\n" } else { b"" };
                out.extend([b"Content-Type: application/octet-stream\r\n", field, b"\r\n"].concat());
                for line in base64(content).chunks(width) {
                    out.extend(line);
                    out.extend(b"\r\n");
                }
            }
            Self::Binary => {
                out.extend(
                    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n",
                );
                out.extend(content);
            }
            Self::QuotedPrintable => {
                out.extend(
                    b"Content-Transfer-Encoding: quoted-printable\r\nContent-Type: application/x\r\n\r\n",
                );
                for (at, byte) in content.iter().enumerate() {
                    if at % 20 == 19 {
                        out.extend(b"=\r\n");
                    }
                    out.extend(format!("={byte:02X}").bytes());
                }
            }
        }
    }
}

impl Packing {
    fn pack(self, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Gzip => gzip(content),
            Self::GzipTwice => gzip(&gzip(content)),
            Self::Plain => content.to_vec(),
            Self::Zip => {
                let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
                archive.start_file("a.xml", SimpleFileOptions::default()).expect("memory takes everything");
                archive.write_all(content).expect("memory takes everything");
                archive.finish().expect("memory takes everything").into_inner()
            }
        }
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

fn base64(content: &[u8]) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = Vec::new();
    for group in content.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let sextet = (bits >> (18 - 6 * at)) as usize & 63;
            encoded.push(if at <= group.len() { alphabet[sextet] } else { b'=' });
        }
    }
    encoded
}
