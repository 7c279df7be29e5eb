use std::io::{self, Read};

use mail_auth::{
    AuthenticatedMessage, Error,
    common::{
        crypto::{HashAlgorithm, HashContext, HashImpl, Sha1, Sha256},
        headers::Header,
    },
    dkim::{Canonicalization, DkimError, Signature, canonicalize::BodyHasher},
};

use super::{Doubt, Settings};
use ruad_common::domain_name::{is_within, normalize};

/// What is needed of a message to examine it: its header, and the hashes of its body that its signatures ask
/// for.
///
/// The body is read once and never held, so that a message of 50 MB takes no more memory than its header.
#[derive(Debug)]
pub struct Letter {
    header: Vec<u8>,
    body_hashes: Vec<BodyHash>,
    signatures: usize,
    too_large: bool,
}

impl Letter {
    /// Reads a message. Does no more than read and hash; call it where blocking is allowed.
    ///
    /// # Errors
    ///
    /// Those of `input`. What is wrong with the message itself comes out as a [`Doubt`] of its evidence.
    pub fn read(mut input: impl Read, settings: &Settings) -> io::Result<Self> {
        let mut start = Vec::new();
        input.by_ref().take(settings.header_bytes).read_to_end(&mut start)?;
        let is_whole = (start.len() as u64) < settings.header_bytes;
        let header_end =
            AuthenticatedMessage::parse(&start).map_or(start.len(), |message| message.body_offset());
        let mut letter = Self {
            header: Vec::new(),
            body_hashes: Vec::new(),
            signatures: settings.signatures,
            too_large: header_end == start.len() && !is_whole,
        };
        if settings.enabled && !letter.too_large {
            let body = start.split_off(header_end);
            letter.header = start;
            letter.body_hashes = letter.hash_body(io::Cursor::new(body).chain(input))?;
        }
        Ok(letter)
    }

    /// The header with the signatures that are to be verified, those that could align with the From domain
    /// first, and the hashes they are compared with.
    pub(super) fn message(&self) -> Result<Message<'_>, Doubt> {
        if self.too_large {
            return Err(Doubt::Header);
        }
        let mut parsed = AuthenticatedMessage::parse(&self.header).ok_or(Doubt::Header)?;
        if parsed.headers.len() > MOST_FIELDS {
            return Err(Doubt::Header);
        }
        let author = Author::of(&parsed);
        // An `l=` signature is an error to the parser. It is verified all the same, and then called what it
        // is.
        for Header { name, value, header } in std::mem::take(&mut parsed.errors) {
            if header == Error::Dkim(DkimError::SignatureLength)
                && let Ok(signature) = Signature::parse(value)
            {
                parsed.dkim_headers.push(Header::new(name, value, signature));
            } else if matches!(header, Error::Dkim(_) | Error::MissingParameters | Error::Base64) {
                parsed.errors.push(Header::new(name, value, header));
            }
        }
        let before = parsed.dkim_headers.len() + parsed.errors.len();
        parsed.errors.clear();
        parsed.dkim_headers.retain(|signature| {
            let Signature { d, s, h, .. } = &signature.header;
            normalize(d).is_some() && normalize(s).is_some() && h.len() <= MOST_SIGNED_FIELDS
        });
        if let Author::One { domain, .. } = &author {
            parsed.dkim_headers.sort_by_key(|signature| {
                !(is_within(&signature.header.d, domain) || is_within(domain, &signature.header.d))
            });
        }
        parsed.dkim_headers.truncate(self.signatures);
        let skipped = before - parsed.dkim_headers.len();
        parsed.body_hashes = self.body_hashes.iter().map(BodyHash::as_parsed).collect();
        Ok(Message { parsed, author, skipped })
    }

    /// The From domain, when there is exactly one.
    pub(crate) fn author_domain(&self) -> Option<String> {
        match self.message().ok()?.author {
            Author::One { domain, .. } => Some(domain),
            _ => None,
        }
    }

    fn hash_body(&self, mut body: impl Read) -> io::Result<Vec<BodyHash>> {
        let Ok(message) = self.message() else { return Ok(Vec::new()) };
        let mut hashes: Vec<BodyHash> = Vec::new();
        let mut hashers = Vec::new();
        for Header { header: Signature { a, cb, l, .. }, .. } in &message.parsed.dkim_headers {
            let hash =
                BodyHash { canonicalization: *cb, algorithm: (*a).into(), length: *l, hash: Vec::new() };
            if !hashes.contains(&hash) {
                let context = match hash.algorithm {
                    HashAlgorithm::Sha1 => Sha1::hasher(),
                    HashAlgorithm::Sha256 => Sha256::hasher(),
                };
                hashers.push(BodyHasher::new(context, hash.canonicalization, hash.length));
                hashes.push(hash);
            }
        }
        if hashers.is_empty() {
            return Ok(hashes);
        }
        let mut buffer = vec![0; 64 * 1_024];
        loop {
            let chunk = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => buffer.get(..read).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hashers.iter_mut().for_each(|hasher| hasher.write(chunk));
        }
        for (hash, hasher) in hashes.iter_mut().zip(hashers) {
            let (context, _) = hasher.finish();
            hash.hash = context.complete().as_ref().to_vec();
        }
        Ok(hashes)
    }
}

/// A header that was taken apart.
pub(super) struct Message<'a> {
    /// Its signatures are those to be verified, and no others.
    pub(super) parsed: AuthenticatedMessage<'a>,
    pub(super) author: Author,
    /// How many signatures are left out.
    pub(super) skipped: usize,
}

/// Who the From field says wrote the message.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Author {
    One { domain: String, is_operator: bool },
    None,
    Several,
}

impl Author {
    fn of(message: &AuthenticatedMessage<'_>) -> Self {
        let fields =
            message.headers.iter().filter(|(name, _)| name.trim_ascii().eq_ignore_ascii_case(b"from"));
        if fields.count() > 1 {
            return Self::Several;
        }
        let mut author = Self::None;
        for address in &message.from {
            let Some((local, host)) = address.rsplit_once('@') else { continue };
            let Some(host) = normalize(host) else { return Self::None };
            let operates = matches!(local, "postmaster" | "abuse");
            match &mut author {
                Self::None => author = Self::One { domain: host, is_operator: operates },
                Self::One { domain, is_operator } if *domain == host => *is_operator &= operates,
                _ => return Self::Several,
            }
        }
        author
    }
}

#[derive(Debug, Eq, PartialEq)]
struct BodyHash {
    canonicalization: Canonicalization,
    algorithm: HashAlgorithm,
    length: u64,
    hash: Vec<u8>,
}

impl BodyHash {
    fn as_parsed(&self) -> (Canonicalization, HashAlgorithm, u64, Vec<u8>) {
        (self.canonicalization, self.algorithm, self.length, self.hash.clone())
    }
}

// Verifying a signature takes time that grows with the product of the two.
const MOST_FIELDS: usize = 2_000;
const MOST_SIGNED_FIELDS: usize = 200;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signed(canonicalization: &str, algorithm: &str, length: &str, body: &[u8]) -> Vec<u8> {
        let mut message = format!(
            "DKIM-Signature: v=1; a={algorithm}; c={canonicalization}; d=example.com; s=s;{length}\r\n \
             h=from:to; bh=AAAA; b=AAAA\r\nFrom: a@example.com\r\nTo: b@example.org\r\n\r\n"
        )
        .into_bytes();
        message.extend_from_slice(body);
        message
    }

    /// A reader that gives a few bytes at a time.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let some = self.1.min(buffer.len());
            self.0.read(&mut buffer[..some])
        }
    }

    fn body() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\r\n".to_vec()),
            Just(b"\n".to_vec()),
            Just(b" ".to_vec()),
            Just(b"\t".to_vec()),
            Just(b"\r\n\r\n".to_vec()),
            prop::collection::vec(any::<u8>(), 1..20),
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_streamed_hash_is_the_hash(
            body in body(),
            canonicalization in prop_oneof![Just("simple/simple"), Just("relaxed/relaxed")],
            algorithm in prop_oneof![Just("rsa-sha256"), Just("rsa-sha1"), Just("ed25519-sha256")],
            header_bytes in 300_u64..400,
            step in 1_usize..50,
        ) {
            let message = signed(canonicalization, algorithm, "", &body);
            let whole = AuthenticatedMessage::parse(&message).unwrap();
            let settings = Settings { header_bytes, ..Settings::default() };
            let letter = Letter::read(Dribble(&message, step), &settings).unwrap();
            prop_assert_eq!(&letter.message().unwrap().parsed.body_hashes, &whole.body_hashes);
        }

        #[test]
        fn no_message_makes_it_panic(message in prop::collection::vec(any::<u8>(), 0..2_000), header_bytes in 0_u64..3_000) {
            let settings = Settings { header_bytes, ..Settings::default() };
            let letter = Letter::read(&message[..], &settings).unwrap();
            let _message = letter.message();
        }
    }

    #[test]
    fn a_length_does_not_hide_a_signature() {
        let message = signed("simple/simple", "rsa-sha256", " l=3;", b"abcdef\r\n");
        let letter = Letter::read(&message[..], &Settings::default()).unwrap();
        let short = signed("simple/simple", "rsa-sha256", "", b"abc\r\n");
        let expected = AuthenticatedMessage::parse(&short).unwrap();
        let parsed = letter.message().unwrap().parsed;
        assert_eq!(parsed.dkim_headers[0].header.l, 3);
        assert_eq!(parsed.body_hashes[0].3, expected.body_hashes[0].3);
    }

    #[test]
    fn a_header_without_end_is_not_read() {
        let settings = Settings { header_bytes: 1_000, ..Settings::default() };
        let letter = Letter::read(io::repeat(b'a').take(10_000_000), &settings).unwrap();
        assert_eq!(letter.message().err(), Some(Doubt::Header));
        let letter = Letter::read(&b""[..], &settings).unwrap();
        assert_eq!(letter.message().err(), Some(Doubt::Header));
    }

    #[test]
    fn neither_many_fields_nor_many_names_cost_time() {
        let many = "X: y\r\n".repeat(MOST_FIELDS + 1) + "\r\n";
        let letter = Letter::read(many.as_bytes(), &Settings::default()).unwrap();
        assert_eq!(letter.message().err(), Some(Doubt::Header));
        let names = "from:".repeat(MOST_SIGNED_FIELDS) + "to";
        let message =
            format!("DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; h={names}; bh=AA; b=AA\r\n\r\n");
        let letter = Letter::read(message.as_bytes(), &Settings::default()).unwrap();
        let message = letter.message().unwrap();
        assert_eq!((message.parsed.dkim_headers.len(), message.skipped), (0, 1));
    }

    #[test]
    fn related_signatures_first_and_no_more_than_allowed() {
        let mut message = Vec::new();
        for domain in ["a.example", "b.example", "mail.example.com", "c.example", "example.com"] {
            let line =
                format!("DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s=s; h=from; bh=AAAA; b=AAAA\r\n");
            message.extend_from_slice(line.as_bytes());
        }
        message.extend_from_slice(b"DKIM-Signature: nonsense\r\nFrom: a@Example.COM\r\n\r\nbody\r\n");
        let settings = Settings { signatures: 3, ..Settings::default() };
        let letter = Letter::read(&message[..], &settings).unwrap();
        let message = letter.message().unwrap();
        let domains: Vec<_> = message.parsed.dkim_headers.iter().map(|header| &*header.header.d).collect();
        assert_eq!(domains, ["mail.example.com", "example.com", "a.example"]);
        assert_eq!(message.skipped, 3);
    }

    #[test]
    fn authors() {
        let one = |domain: &str, is_operator| Author::One { domain: domain.to_owned(), is_operator };
        for (header, author) in [
            ("From: <A@Example.com>", one("example.com", false)),
            ("From: \"b@other.example\" <postmaster@example.com>", one("example.com", true)),
            ("From: a@example.com, abuse@EXAMPLE.com", one("example.com", false)),
            ("From: a@example.com, b@example.org", Author::Several),
            ("From: a@example.com\r\nFROM: a@example.com", Author::Several),
            ("From: undisclosed", Author::None),
            ("From: a@not_a..domain", Author::None),
            ("To: a@example.com", Author::None),
        ] {
            let text = format!("{header}\r\n\r\n");
            let letter = Letter::read(text.as_bytes(), &Settings::default()).unwrap();
            assert_eq!(letter.message().unwrap().author, author, "{header}");
        }
    }
}
