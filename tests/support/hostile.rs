//! Name servers that answer everything, with as much as an answer can hold. Addresses are those of documentation, which are
//! never connected to.
#![allow(dead_code, reason = "no test binary needs all of it")]

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::{Arc, Mutex},
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
/// `.hostile.example` says how; a number at its end makes it another domain.
pub(crate) fn answer(name: &str, kind: u16) -> Option<Vec<u8>> {
    let labels: Vec<_> = name.trim_end_matches(".hostile.example").split('.').collect();
    let hostile = labels.last()?.trim_end_matches(|c: char| c.is_ascii_digit());
    if hostile == "silent" {
        return None;
    }
    // Making 64 KB takes as long as examining them, so names of one sort have the same.
    let first = labels[0];
    let depth: u32 = first
        .split('-')
        .next_back()
        .and_then(|label| label.trim_start_matches('d').parse().ok())
        .unwrap_or(0);
    let sort = match first {
        _ if labels.len() == 1 => "domain",
        "_dmarc" | "_mta-sts" | "_smtp" | "default" => first,
        _ if labels.contains(&"_domainkey") => "_domainkey",
        _ => "other",
    };
    let seed = if hostile == "random" { hash(&format!("{name} {kind}")) % 64 } else { 0 };
    let key = (hostile.to_owned(), sort.to_owned(), depth, kind, seed);
    let mut made = MADE.lock().unwrap();
    let records = made.entry(key).or_insert_with(|| records(&data(hostile, sort, depth, kind, seed), kind));
    Some(message(name, kind, records))
}

type Made = Mutex<BTreeMap<(String, String, u32, u16, u64), (u16, Vec<u8>)>>;

static MADE: Made = Mutex::new(BTreeMap::new());

fn data(hostile: &str, sort: &str, depth: u32, kind: u16, seed: u64) -> Vec<Vec<u8>> {
    let domain = format!("{hostile}.hostile.example");
    let hosts = |letter: &str| {
        (0..700).map(|n| wire(&format!("{}.{n}.{domain}", letter.repeat(60)))).collect::<Vec<_>>()
    };
    match (kind, hostile) {
        (TXT, _) => texts(hostile, sort, &domain, depth, seed),
        (A, "hosts" | "networks" | "random") => {
            (0..3_900_u32).map(|n| (0xc000_0200 + n % 256).to_be_bytes().to_vec()).collect()
        }
        (AAAA, "hosts" | "networks") => {
            (0..2_200_u128).map(|n| ((0x2001_0db8_u128 << 96) + n).to_be_bytes().to_vec()).collect()
        }
        (MX, "hosts" | "networks") => hosts("m")
            .into_iter()
            .zip(0_u16..)
            .map(|(host, n)| [&n.to_be_bytes()[..], &host].concat())
            .collect(),
        (NS | PTR, "hosts") => hosts("n"),
        (CNAME, "hosts") => vec![wire(&format!("c.{domain}"))],
        (A, _) => vec![vec![192, 0, 2, 1]],
        (MX, _) => vec![[&10_u16.to_be_bytes()[..], &wire(&format!("mx.{domain}"))].concat()],
        (NS, _) => vec![wire(&format!("ns.{domain}"))],
        _ => Vec::new(),
    }
}

fn texts(hostile: &str, sort: &str, domain: &str, depth: u32, seed: u64) -> Vec<Vec<u8>> {
    let spf = |terms: String| vec![text(&format!("v=spf1 {terms}"), 255)];
    let next = depth + 1;
    match hostile {
        "terms" if sort == "domain" => spf((0..20).map(|n| format!("include:q{n}.{domain} ")).collect()),
        "terms" => spf("a ".repeat(30_000)),
        "endless" => {
            spf((0..900).map(|n| format!("include:i{n}-{next}.{domain} mx:m{n}-{next}.{domain} ")).collect())
        }
        "nested" => spf(format!("include:d{next}.{domain} ").repeat(2_000)),
        "networks" => spf((0..3_000_u32)
            .map(|n| format!("ip4:11.{}.{}.0/{} ", n / 256, n % 256, 8 + n % 25))
            .chain((0..200).map(|n| format!("a:h{n}.{domain} mx:h{n}.{domain} ")))
            .collect()),
        "spaces" => spf(" ".repeat(60_000)),
        "macros" => spf("exists:%{ir}.%{l1r-}%{d9}.example ".repeat(1_900)),
        "strings" => vec![text(&format!("v=spf1 {}", "mx ".repeat(10_600)), 1)],
        "texts" => (0..4_000).map(|n| text(if n % 2 == 0 { "v=spf1;" } else { "v=DMARC1" }, 255)).collect(),
        "random" => random(seed),
        _ => vec![text(&junk(sort, domain, hostile), 255)],
    }
}

/// A record of 64 KB in which every piece is a mistake, of the kind that is looked for at that name.
fn junk(sort: &str, domain: &str, hostile: &str) -> String {
    let start = match sort {
        "_dmarc" => "v=DMARC1; p=none; ",
        "_domainkey" => "v=DKIM1; ",
        "_mta-sts" => "v=STSv1; aa",
        "_smtp" => "v=TLSRPTv1;",
        "default" => "v=BIMI1; ",
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

/// As many of the records as an answer can hold, and how many.
fn records(data: &[Vec<u8>], kind: u16) -> (u16, Vec<u8>) {
    let (mut count, mut records) = (0, Vec::new());
    for data in data {
        if records.len() + data.len() + 12 > 65_000 {
            break;
        }
        records.extend([0xc0, 12]);
        records.extend(kind.to_be_bytes());
        records.extend([0, 1, 0, 0, 0, 60]);
        records.extend((data.len() as u16).to_be_bytes());
        records.extend_from_slice(data);
        count += 1;
    }
    (count, records)
}

fn message(name: &str, kind: u16, (count, records): &(u16, Vec<u8>)) -> Vec<u8> {
    let mut message = vec![0, 0, 0x85, 0x80, 0, 1];
    message.extend(count.to_be_bytes());
    message.extend([0; 4]);
    message.extend(wire(name));
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    message.extend_from_slice(records);
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
    message(name, kind, &records(&data, kind))
}
