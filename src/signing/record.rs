use super::{KeyPair, pem};

/// The record that publishes a key.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct KeyRecord {
    /// Its name, without a final dot.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// How long it may be remembered; seconds.
    pub ttl: u32,
    /// Its value, in one piece.
    pub value: String,
}

impl KeyRecord {
    /// The record of `pair` for a selector of a domain.
    pub fn new(domain: &str, selector: &str, pair: &KeyPair) -> Self {
        Self {
            name: format!("{selector}._domainkey.{domain}"),
            kind: "TXT",
            ttl: TTL,
            value: format!("v=DKIM1; k={}; p={}", pair.algorithm().kind(), pem::base64(pair.public())),
        }
    }

    /// The line of a zone file. A string there holds 255 bytes (RFC 1035 section 3.3.14); receivers put the strings together
    /// without anything between them (RFC 6376 section 3.6.2.2).
    pub fn zone_line(&self) -> String {
        let strings: Vec<_> = self.strings().map(|string| format!("\"{string}\"")).collect();
        let Self { name, ttl, kind, .. } = self;
        format!("{name}. {ttl} IN {kind} {}", strings.join(" "))
    }

    /// The value in pieces that a string of a record holds. It is ASCII: tags and base64.
    pub fn strings(&self) -> impl Iterator<Item = &str> {
        self.value.as_bytes().chunks(LONGEST_STRING).map(|bytes| str::from_utf8(bytes).unwrap_or_default())
    }
}

/// An hour: keys stand for months, but one that is wrong should not.
const TTL: u32 = 3_600;
const LONGEST_STRING: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::Algorithm;
    use ruad_dns::dkim::{Content, Kind, Record};

    #[test]
    fn our_own_reader_finds_nothing_wrong_with_it() {
        for (algorithm, kind, bits, pieces) in [
            (Algorithm::Rsa2048, Kind::Rsa, 2048, 2),
            (Algorithm::Rsa4096, Kind::Rsa, 4096, 3),
            (Algorithm::Ed25519, Kind::Ed25519, 256, 1),
        ] {
            let pair = KeyPair::generate(algorithm).unwrap();
            let record = KeyRecord::new("example.com", "ruad-202611", &pair);
            let read = Record::parse(&record.value);
            assert_eq!(read.faults, [], "{}", record.value);
            let Content::Key(key) = read.content else { panic!("{read:?}") };
            assert_eq!((key.kind, key.bits), (kind, bits));
            assert_eq!(record.strings().count(), pieces);
            assert_eq!(record.strings().collect::<String>(), record.value);
            let line = record.zone_line();
            assert!(line.starts_with("ruad-202611._domainkey.example.com. 3600 IN TXT "), "{line}");
            let quoted: Vec<_> = line.split('"').skip(1).step_by(2).collect();
            assert!(quoted.iter().all(|string| string.len() <= 255));
            assert_eq!(quoted.concat(), record.value);
        }
    }
}
