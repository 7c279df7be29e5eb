//! Name servers that answer everything, with as much as an answer can hold.
#![allow(dead_code, reason = "no test binary needs all of it")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::Arc,
    thread,
};

/// How a domain is hostile, by name.
pub(crate) const KINDS: [&str; 14] = [
    "terms",
    "mistakes",
    "endless",
    "nested",
    "strings",
    "texts",
    "hosts",
    "tags",
    "addresses",
    "networks",
    "spaces",
    "macros",
    "random",
    "silent",
];

/// The message that answers a question for a name and a type; nothing when there is no answer at all. The label before
/// `.hostile.example` says how.
pub(crate) fn answer(name: &str, kind: u16) -> Option<Vec<u8>> {
    let labels: Vec<_> = name.trim_end_matches(".hostile.example").split('.').collect();
    let hostile = labels.last().copied().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    let domain = format!("{}.hostile.example", labels.last().copied().unwrap_or_default());
    if hostile == "silent" {
        return None;
    }
    let seed = hash(&format!("{name} {kind}"));
    let data: Vec<Vec<u8>> = match (kind, hostile) {
        (TXT, _) => texts(name, &domain, hostile, seed),
        (A, "hosts" | "networks" | "random") => {
            (0..3_900_u32).map(|n| (0x0b00_0000 + n * 7).to_be_bytes().to_vec()).collect()
        }
        (AAAA, "hosts" | "networks") => {
            (0..2_200_u128).map(|n| ((0x2001_0db9_u128 << 96) + n).to_be_bytes().to_vec()).collect()
        }
        (MX, "hosts" | "networks") => (0..700_u16)
            .map(|n| [&n.to_be_bytes()[..], &wire(&format!("{}.{n}.{domain}", "m".repeat(60)))].concat())
            .collect(),
        (NS | PTR, "hosts") => (0..700).map(|n| wire(&format!("{}.{n}.{domain}", "n".repeat(60)))).collect(),
        (CNAME, "hosts") => vec![wire(&format!("{seed}.{domain}"))],
        (A, _) => vec![vec![11, 0, 0, 1]],
        (MX, _) => vec![[&10_u16.to_be_bytes()[..], &wire(&format!("mx.{domain}"))].concat()],
        (NS, _) => vec![wire(&format!("ns.{domain}"))],
        _ => Vec::new(),
    };
    Some(message(name, kind, &data))
}

fn texts(name: &str, domain: &str, hostile: &str, seed: u64) -> Vec<Vec<u8>> {
    let spf = |terms: String| vec![text(&format!("v=spf1 {terms}"), 255)];
    match hostile {
        "terms" if name == domain => spf((0..20).map(|n| format!("include:q{n}.{domain} ")).collect()),
        "terms" => spf("a ".repeat(30_000)),
        "endless" => {
            spf((0..900).map(|n| format!("include:i{n}-{seed}.{domain} mx:m{n}-{seed}.{domain} ")).collect())
        }
        "nested" => {
            let depth = name
                .split('.')
                .next()
                .and_then(|label| label.strip_prefix('d')?.parse::<u32>().ok())
                .unwrap_or(0);
            spf(format!("include:d{}.{domain} ", depth + 1).repeat(2_000))
        }
        "networks" => spf((0..3_000_u32)
            .map(|n| format!("ip4:11.{}.{}.0/{} ", n / 256, n % 256, 8 + n % 25))
            .chain((0..200).map(|n| format!("a:h{n}.{domain} mx:h{n}.{domain} ")))
            .collect()),
        "spaces" => spf(" ".repeat(60_000)),
        "macros" => spf("exists:%{ir}.%{l1r-}%{d9}.example ".repeat(1_900)),
        "strings" => vec![text(&format!("v=spf1 {}", "mx ".repeat(10_600)), 1)],
        "texts" => (0..4_000).map(|n| text(if n % 2 == 0 { "v=spf1;" } else { "v=DMARC1" }, 255)).collect(),
        "random" => random(seed),
        _ => vec![text(&junk(name, domain, hostile), 255)],
    }
}

/// A record of 64 KB in which every piece is a mistake, of the kind that is looked for at that name.
fn junk(name: &str, domain: &str, hostile: &str) -> String {
    let start = match name {
        name if name.starts_with("_dmarc") => "v=DMARC1; p=none; ",
        name if name.contains("_domainkey") => "v=DKIM1; ",
        name if name.starts_with("_mta-sts") => "v=STSv1; aa",
        name if name.starts_with("_smtp._tls") => "v=TLSRPTv1;",
        name if name.contains("_bimi") => "v=BIMI1; ",
        _ => "v=spf1 ",
    };
    match hostile {
        "tags" => start.to_owned() + &(0..8_000).map(|n| format!("t{n}=1;")).collect::<String>(),
        "addresses" => {
            start.to_owned()
                + "rua="
                + &(0..2_000).map(|n| format!("mailto:a@h{n}.{domain},")).collect::<String>()
        }
        _ => start.to_owned() + &" b;".repeat(21_000),
    }
}

/// Texts of pieces that records are made of, in any order.
fn random(mut seed: u64) -> Vec<Vec<u8>> {
    let mut next = move |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    const PIECES: [&str; 24] = [
        "v=spf1",
        "v=DMARC1",
        "v=DKIM1",
        "v=STSv1;",
        " ",
        ";",
        "; ",
        "=",
        ":",
        "include:",
        "a",
        "mx",
        "ip4:11.0.0.0/8",
        "-all",
        "p=",
        "reject",
        "rua=mailto:a@b.example",
        ",",
        "\u{1b}[31m",
        "ä",
        "%{d}",
        "redirect=",
        ".hostile.example",
        "\0",
    ];
    (0..=next(3))
        .map(|_| {
            let most = [10, 300, 9_000][usize::try_from(next(3)).unwrap()];
            let words: String = (0..next(most)).map(|_| PIECES[usize::try_from(next(24)).unwrap()]).collect();
            text(&words, 255)
        })
        .collect()
}

fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn text(text: &str, string: usize) -> Vec<u8> {
    let strings = text.as_bytes().chunks(string).take(if string == 1 { 32_000 } else { 256 });
    strings.flat_map(|string| [&[string.len() as u8][..], string].concat()).collect()
}

fn wire(name: &str) -> Vec<u8> {
    let mut wire: Vec<u8> = name
        .split('.')
        .flat_map(|label| {
            [&[label.len().min(63) as u8][..], &label.as_bytes()[..label.len().min(63)]].concat()
        })
        .collect();
    wire.push(0);
    wire
}

/// As many of the records as an answer can hold.
fn message(name: &str, kind: u16, data: &[Vec<u8>]) -> Vec<u8> {
    let mut answers = Vec::new();
    let mut count = 0_u16;
    for data in data {
        if answers.len() + data.len() + 12 > 65_000 {
            break;
        }
        answers.extend([0xc0, 12]);
        answers.extend(kind.to_be_bytes());
        answers.extend([0, 1, 0, 0, 0, 60]);
        answers.extend((data.len() as u16).to_be_bytes());
        answers.extend(data);
        count += 1;
    }
    let mut message = vec![0, 0, 0x85, 0x80, 0, 1];
    message.extend(count.to_be_bytes());
    message.extend([0; 4]);
    message.extend(wire(name));
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    message.extend(answers);
    message
}

/// What answers questions for names and types.
type Answers = Arc<dyn Fn(&str, u16) -> Option<Vec<u8>> + Send + Sync>;

/// Serves on loopback until the process ends, over UDP and TCP.
pub(crate) fn serve(answers: impl Fn(&str, u16) -> Option<Vec<u8>> + Send + Sync + 'static) -> SocketAddr {
    let answers: Answers = Arc::new(answers);
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    let datagrams = answers.clone();
    thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok((length, client)) = udp.recv_from(&mut buffer) {
            let Some(mut reply) = reply(&buffer[..length], &datagrams) else { continue };
            if reply.len() > 1_200 {
                // Truncated: ask over TCP.
                reply.truncate(question_end(&reply));
                reply[2] |= 2;
                reply[6..12].fill(0);
            }
            drop(udp.send_to(&reply, client));
        }
    });
    thread::spawn(move || {
        for stream in tcp.incoming() {
            let (Ok(mut stream), answers) = (stream, answers.clone()) else { continue };
            thread::spawn(move || {
                let mut length = [0; 2];
                while stream.read_exact(&mut length).is_ok() {
                    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                    if stream.read_exact(&mut query).is_err() {
                        return;
                    }
                    let Some(reply) = reply(&query, &answers) else { continue };
                    let framed = [&(reply.len() as u16).to_be_bytes()[..], &reply].concat();
                    if stream.write_all(&framed).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn reply(query: &[u8], answers: &Answers) -> Option<Vec<u8>> {
    let (mut labels, mut at) = (Vec::new(), 12);
    loop {
        let length = usize::from(*query.get(at)?);
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at + 1..=at + length)?).to_lowercase());
        at += length + 1;
    }
    let kind = u16::from_be_bytes([*query.get(at + 1)?, *query.get(at + 2)?]);
    let mut reply = answers(&labels.join("."), kind)?;
    reply[..2].copy_from_slice(query.get(..2)?);
    // The name as it was written: its letters may be mixed on purpose.
    if question_end(&reply) == at + 5 {
        reply[12..at + 5].copy_from_slice(query.get(12..at + 5)?);
    }
    Some(reply)
}

fn question_end(message: &[u8]) -> usize {
    let mut at = 12;
    while message.get(at).is_some_and(|length| *length > 0) {
        at += usize::from(message[at]) + 1;
    }
    at + 5
}

pub(crate) const A: u16 = 1;
pub(crate) const NS: u16 = 2;
pub(crate) const CNAME: u16 = 5;
pub(crate) const PTR: u16 = 12;
pub(crate) const MX: u16 = 15;
pub(crate) const TXT: u16 = 16;
pub(crate) const AAAA: u16 = 28;

/// An answer of one text, or that there is none.
pub(crate) fn one_text(name: &str, kind: u16, words: Option<&str>) -> Vec<u8> {
    let data: Vec<_> = words.filter(|_| kind == TXT).map(|words| text(words, 255)).into_iter().collect();
    message(name, kind, &data)
}
