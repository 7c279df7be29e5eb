//! DKIM signatures (RFC 6376, RFC 8463), relaxed/relaxed, without a time in them: `mail-auth`'s signer writes
//! the present moment into each, and the demo's mails must come out the same every time.

use std::sync::OnceLock;

use data_encoding::BASE64;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};

use super::{Algorithm, Key};

/// The signature field of a message, ended by CRLF. `headers` is the block without the empty line.
pub fn sign(key: &Key, headers: &str, body: &[u8]) -> String {
    let fields = fields(headers);
    let signed: Vec<&(String, String)> =
        SIGNED.iter().filter_map(|wanted| fields.iter().rev().find(|(name, _)| name == wanted)).collect();
    let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
    let algorithm = match key.algorithm {
        Algorithm::Rsa => "rsa-sha256",
        Algorithm::Ed25519 => "ed25519-sha256",
    };
    let unsigned = format!(
        "v=1; a={algorithm}; c=relaxed/relaxed; d={}; s={};\r\n\th={};\r\n\tbh={};\r\n\tb=",
        key.domain,
        key.selector,
        names.join(":"),
        BASE64.encode(digest(&SHA256, &relaxed_body(body)).as_ref()),
    );
    let mut input = String::new();
    for (name, value) in signed {
        input.push_str(&format!("{name}:{value}\r\n"));
    }
    input.push_str(&format!("dkim-signature:{}", relaxed_value(&unsigned)));

    let signature = match key.algorithm {
        Algorithm::Rsa => keys().sign_rsa(input.as_bytes()),
        // RFC 8463 section 3: the algorithm signs the hash.
        Algorithm::Ed25519 => {
            keys().ed25519.sign(digest(&SHA256, input.as_bytes()).as_ref()).as_ref().to_vec()
        }
    };
    let encoded = super::mime::base64(&signature, 72);
    format!("DKIM-Signature: {unsigned}{}\r\n", encoded.trim_end().replace("\r\n", "\r\n\t "))
}

/// The TXT record for keys of `algorithm`.
pub fn record(algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::Rsa => record_of(keys().rsa.public_key().as_ref()),
        Algorithm::Ed25519 => {
            format!("v=DKIM1; k=ed25519; p={}", BASE64.encode(keys().ed25519.public_key().as_ref()))
        }
    }
}

/// The TXT record for an `RSAPublicKey` of 2048 bits (RFC 8017).
pub(crate) fn record_of(pkcs1: &[u8]) -> String {
    format!("v=DKIM1; k=rsa; p={}", BASE64.encode(&subject_public_key_info(pkcs1)))
}

/// Both demo keys.
struct Keys {
    rsa: RsaKeyPair,
    ed25519: Ed25519KeyPair,
}

impl Keys {
    fn sign_rsa(&self, input: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        let signed = self.rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature);
        debug_assert!(signed.is_ok());
        signature
    }
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    #[expect(
        clippy::expect_used,
        reason = "the keys are part of this file's own crate, and a test reads them"
    )]
    KEYS.get_or_init(|| Keys {
        rsa: RsaKeyPair::from_pkcs8(&pem(RSA)).expect("the demo's RSA key is PKCS #8"),
        ed25519: Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pem(ED25519))
            .expect("the demo's Ed25519 key is PKCS #8"),
    })
}

/// The bytes between a PEM file's markers; empty for anything else.
fn pem(text: &str) -> Vec<u8> {
    let encoded: String = text
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN"))
        .skip(1)
        .take_while(|line| !line.starts_with("-----END"))
        .collect();
    BASE64.decode(encoded.as_bytes()).unwrap_or_default()
}

/// Wraps a PKCS #1 public key of 2048 bits in the SubjectPublicKeyInfo that a `p=` holds.
fn subject_public_key_info(pkcs1: &[u8]) -> Vec<u8> {
    let bits = pkcs1.len() as u16 + 1;
    let all = bits + 4 + RSA_ENCRYPTION.len() as u16;
    let mut info = vec![0x30, 0x82];
    info.extend_from_slice(&all.to_be_bytes());
    info.extend_from_slice(RSA_ENCRYPTION);
    info.extend_from_slice(&[0x03, 0x82]);
    info.extend_from_slice(&bits.to_be_bytes());
    info.push(0);
    info.extend_from_slice(pkcs1);
    info
}

/// Fields with lower-case names and relaxed values.
fn fields(headers: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in headers.split("\r\n").filter(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim_end().to_ascii_lowercase(), value.to_owned()));
        }
    }
    for (_, value) in &mut fields {
        *value = relaxed_value(value);
    }
    fields
}

/// RFC 6376 section 3.4.2.
fn relaxed_value(value: &str) -> String {
    value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// RFC 6376 section 3.4.4.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(body.len());
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut pending = false;
        for byte in line {
            if matches!(byte, b' ' | b'\t') {
                pending = true;
                continue;
            }
            if pending {
                canonical.push(b' ');
                pending = false;
            }
            canonical.push(*byte);
        }
        canonical.extend_from_slice(b"\r\n");
    }
    while canonical.ends_with(b"\r\n\r\n") {
        canonical.truncate(canonical.len() - 2);
    }
    if canonical == b"\r\n" {
        canonical.clear();
    }
    canonical
}

const RSA: &str = include_str!("../../keys/demo-only-rsa.pem");
const ED25519: &str = include_str!("../../keys/demo-only-ed25519.pem");
/// SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }
const RSA_ENCRYPTION: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
const SIGNED: &[&str] = &[
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "tls-report-domain",
    "tls-report-submitter",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_readable() {
        assert!(record(Algorithm::Rsa).starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"));
        assert_eq!(record(Algorithm::Ed25519).len(), "v=DKIM1; k=ed25519; p=".len() + 44);
    }

    #[test]
    fn the_examples_of_the_standard() {
        // RFC 6376 section 3.4.5.
        assert_eq!(
            fields("A: X\r\nB : Y\t\r\n\tZ  \r\n"),
            [("a".to_owned(), "X".to_owned()), ("b".to_owned(), "Y Z".to_owned())]
        );
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(relaxed_body(b""), b"");
    }
}
