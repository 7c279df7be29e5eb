//! The public key in `p=`.

use std::fmt;

use ring::digest::{SHA256, digest};
use serde::Serialize;

use super::der::{BIT_STRING, Der, INTEGER, NULL, OBJECT_IDENTIFIER, SEQUENCE};

/// A key that can be used.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PublicKey {
    /// Its type.
    pub kind: Kind,
    /// Its size: of an RSA key that of the modulus, of an Ed25519 key always 256.
    pub bits: u32,
    /// The first half of the SHA-256 of the key itself, in hexadecimal: of an RSA key the `RSAPublicKey` of RFC 8017
    /// (whatever envelope it came in), of an Ed25519 key its 32 bytes.
    pub fingerprint: String,
}

/// The type of a key.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// RSA (RFC 6376).
    Rsa,
    /// Ed25519 (RFC 8463).
    Ed25519,
}

/// Why bytes are no key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum KeyError {
    #[error(
        "it is not the DER form of an RSA public key; it may have been cut off or changed when it was copied"
    )]
    Malformed,
    #[error("bytes follow the key")]
    TrailingBytes,
    #[error("it is a key of another type (object identifier {oid})")]
    OtherType { oid: String },
    #[error("it is an Ed25519 key, but the record does not say k=ed25519")]
    Unannounced,
    #[error("it is an RSA key whose modulus or exponent no RSA key has")]
    Numbers,
    #[error("it is a private key")]
    Private,
    #[error("it is a certificate, not a public key")]
    Certificate,
    #[error("it has {bytes} bytes instead of 32")]
    Length { bytes: usize },
    #[error("it is wrapped in a SubjectPublicKeyInfo; only the last 32 bytes are the key")]
    Wrapped,
}

impl PublicKey {
    /// Reads an RSA key; the flag says whether it came in its envelope, a `SubjectPublicKeyInfo` (RFC 5280), as
    /// nearly all do. RFC 6376 section 3.6.1 only speaks of an `RSAPublicKey`; erratum 3017 settles it.
    pub(super) fn rsa(bytes: &[u8]) -> Result<(Self, bool), KeyError> {
        if bytes.len() == ED25519_LENGTH {
            return Err(KeyError::Unannounced);
        }
        let (content, after) = sequence(bytes)?;
        if !after.is_empty() {
            return Err(KeyError::TrailingBytes);
        }
        if Der::new(content).peek() == Some(INTEGER) {
            return Self::bare(bytes, content).map(|key| (key, false));
        }
        let (algorithm, mut envelope) = {
            let mut envelope = Der::new(content);
            (envelope.take(SEQUENCE).ok_or(KeyError::Malformed)?, envelope)
        };
        let mut algorithm = Der::new(algorithm);
        let Some(oid) = algorithm.take(OBJECT_IDENTIFIER) else {
            // The first thing in a certificate is again a sequence, with a version or a serial number first.
            return Err(if algorithm.peek() == Some(VERSION) {
                KeyError::Certificate
            } else {
                KeyError::Malformed
            });
        };
        if oid == ED25519 {
            return Err(KeyError::Unannounced);
        }
        if oid != RSA_ENCRYPTION {
            return Err(KeyError::OtherType { oid: dotted(oid) });
        }
        if !algorithm.is_empty() && algorithm.take(NULL).is_none() {
            return Err(KeyError::Malformed);
        }
        let bits = envelope.take(BIT_STRING).ok_or(KeyError::Malformed)?;
        let (Some((0, key)), true) = (bits.split_first(), envelope.is_empty()) else {
            return Err(KeyError::Malformed);
        };
        let (content, after) = sequence(key)?;
        if !after.is_empty() {
            return Err(KeyError::TrailingBytes);
        }
        Self::bare(key, content).map(|key| (key, true))
    }

    /// Reads an Ed25519 key.
    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() == ED25519_LENGTH {
            let bits = 256;
            return Ok(Self { kind: Kind::Ed25519, bits, fingerprint: fingerprint(bytes) });
        }
        let is_wrapped = sequence(bytes).is_ok_and(|(content, _)| {
            let algorithm = Der::new(content).take(SEQUENCE);
            algorithm.and_then(|algorithm| Der::new(algorithm).take(OBJECT_IDENTIFIER)) == Some(&ED25519)
        });
        Err(if is_wrapped { KeyError::Wrapped } else { KeyError::Length { bytes: bytes.len() } })
    }

    /// `RSAPublicKey` (RFC 8017 appendix A.1.1): modulus and exponent.
    fn bare(whole: &[u8], content: &[u8]) -> Result<Self, KeyError> {
        let mut numbers = Der::new(content);
        let modulus = numbers.unsigned().ok_or(KeyError::Malformed)?;
        if modulus.is_empty() && !numbers.is_empty() {
            // Private keys begin with a version, which is 0 (RFC 8017 appendix A.1.2, RFC 5958).
            return Err(KeyError::Private);
        }
        let exponent = numbers.unsigned().ok_or(KeyError::Malformed)?;
        if !numbers.is_empty() {
            return Err(KeyError::Malformed);
        }
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        if !is_odd(modulus) || !is_odd(exponent) || exponent == [1] {
            return Err(KeyError::Numbers);
        }
        let zeros = modulus.first().map_or(0, |first| first.leading_zeros());
        let bits = u32::try_from(modulus.len()).map_or(u32::MAX, |bytes| bytes.saturating_mul(8)) - zeros;
        Ok(Self { kind: Kind::Rsa, bits, fingerprint: fingerprint(whole) })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        })
    }
}

/// The content of the sequence that `bytes` begin with, and what follows it.
fn sequence(bytes: &[u8]) -> Result<(&[u8], Der<'_>), KeyError> {
    let mut der = Der::new(bytes);
    let content = der.take(SEQUENCE).ok_or(KeyError::Malformed)?;
    Ok((content, der))
}

fn fingerprint(key: &[u8]) -> String {
    let hash = digest(&SHA256, key);
    hash.as_ref().iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// An object identifier as people write it (X.690 section 8.19).
fn dotted(oid: &[u8]) -> String {
    let mut arcs = Vec::new();
    let mut value = 0_u64;
    for byte in oid.iter().take(LONGEST_OID) {
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if arcs.is_empty() {
            let first = (value / 40).min(2);
            arcs.extend([first, value - first * 40]);
        } else {
            arcs.push(value);
        }
        value = 0;
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// 1.2.840.113549.1.1.1.
const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.3.101.112.
const ED25519: [u8; 3] = [0x2b, 0x65, 0x70];
const ED25519_LENGTH: usize = 32;
/// The tag of a certificate's version.
const VERSION: u8 = 0xa0;
const FINGERPRINT_BYTES: usize = 16;
const LONGEST_OID: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// An element of DER.
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let mut bytes = match u8::try_from(length) {
            Ok(length) if length < 0x80 => vec![tag, length],
            Ok(length) => vec![tag, 0x81, length],
            Err(_) => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        };
        bytes.extend(content);
        bytes
    }

    fn number(bytes: &[u8]) -> Vec<u8> {
        let sign = bytes.first().filter(|first| **first & 0x80 != 0).map(|_| 0_u8);
        element(INTEGER, &sign.into_iter().chain(bytes.iter().copied()).collect::<Vec<_>>())
    }

    fn bare(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        element(SEQUENCE, &[number(modulus), number(exponent)].concat())
    }

    fn wrapped(oid: &[u8], parameters: &[u8], key: &[u8]) -> Vec<u8> {
        let algorithm = element(SEQUENCE, &[&element(OBJECT_IDENTIFIER, oid), parameters].concat());
        let bits = element(BIT_STRING, &[&[0], key].concat());
        element(SEQUENCE, &[algorithm, bits].concat())
    }

    fn modulus(first: u8, bytes: usize) -> Vec<u8> {
        let mut modulus = vec![0xa5; bytes];
        modulus[0] = first;
        modulus
    }

    #[test]
    fn the_size_is_that_of_the_modulus() {
        for (first, bytes, bits) in
            [(0x80, 64, 512), (0x80, 128, 1024), (0x7f, 128, 1023), (0xff, 256, 2048), (1, 257, 2049)]
        {
            let key = bare(&modulus(first, bytes), &[1, 0, 1]);
            for (der, in_envelope) in [
                (wrapped(&RSA_ENCRYPTION, &[5, 0], &key), true),
                (wrapped(&RSA_ENCRYPTION, &[], &key), true),
                (key.clone(), false),
            ] {
                let (read, envelope) = PublicKey::rsa(&der).unwrap();
                assert_eq!((read.kind, read.bits, envelope), (Kind::Rsa, bits, in_envelope));
                assert_eq!(read.fingerprint, fingerprint(&key));
                assert_eq!(read.fingerprint.len(), 32);
            }
        }
    }

    #[test]
    fn what_is_no_rsa_key() {
        let key = bare(&modulus(0xa5, 128), &[1, 0, 1]);
        let p256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        let private = element(SEQUENCE, &[number(&[0]), number(&modulus(0xa5, 128)), number(&[3])].concat());
        let pkcs8 = element(
            SEQUENCE,
            &[
                number(&[0]),
                element(SEQUENCE, &element(OBJECT_IDENTIFIER, &RSA_ENCRYPTION)),
                element(4, &private),
            ]
            .concat(),
        );
        let certificate =
            element(SEQUENCE, &element(SEQUENCE, &[element(VERSION, &number(&[2])), number(&[9])].concat()));
        for (der, error) in [
            (vec![], KeyError::Malformed),
            (vec![0xa5; 32], KeyError::Unannounced),
            (key[..key.len() - 1].to_vec(), KeyError::Malformed),
            ([&key[..], &[0]].concat(), KeyError::TrailingBytes),
            (wrapped(&p256, &[], &[4; 65]), KeyError::OtherType { oid: "1.2.840.10045.2.1".into() }),
            (wrapped(&ED25519, &[], &[4; 32]), KeyError::Unannounced),
            (wrapped(&RSA_ENCRYPTION, &[5, 0], &key[..50]), KeyError::Malformed),
            (bare(&modulus(0xa5, 128), &[1, 0, 0]), KeyError::Numbers),
            (bare(&modulus(0xa5, 128), &[1]), KeyError::Numbers),
            (bare(&[0xa4; 128], &[1, 0, 1]), KeyError::Numbers),
            (private, KeyError::Private),
            (pkcs8, KeyError::Private),
            (certificate, KeyError::Certificate),
        ] {
            assert_eq!(PublicKey::rsa(&der), Err(error), "{der:02x?}");
        }
    }

    #[test]
    fn an_ed25519_key_is_32_bytes() {
        // RFC 8463 appendix A.2.
        let key = [
            0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
            0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
        ];
        let read = PublicKey::ed25519(&key).unwrap();
        assert_eq!(
            (read.kind, read.bits, read.fingerprint),
            (Kind::Ed25519, 256, "21fe31dfa154a261626bf854046fd227".to_owned())
        );
        assert_eq!(PublicKey::ed25519(&key[..31]), Err(KeyError::Length { bytes: 31 }));
        assert_eq!(PublicKey::ed25519(&wrapped(&ED25519, &[], &key)), Err(KeyError::Wrapped));
        assert_eq!(PublicKey::ed25519(&[]), Err(KeyError::Length { bytes: 0 }));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            proptest::prop_assert!(PublicKey::rsa(&bytes).is_err() || bytes.len() >= 8);
            proptest::prop_assert_eq!(PublicKey::ed25519(&bytes).is_ok(), bytes.len() == 32);
        }
    }

    /// Every byte of a key replaced by every other: nothing panics, and what is still a key has a size it can have.
    #[test]
    fn a_damaged_key_never_panics() {
        let whole = wrapped(&RSA_ENCRYPTION, &[5, 0], &bare(&modulus(0xa5, 64), &[1, 0, 1]));
        // The zero before the modulus, there to keep it positive, can become bits of the modulus.
        let sign = 24;
        assert_eq!(whole[sign - 2..=sign + 1], [INTEGER, 65, 0, 0xa5]);
        for at in 0..whole.len() {
            assert!(PublicKey::rsa(&whole[..at]).is_err());
            for byte in 0..=u8::MAX {
                let mut der = whole.clone();
                der[at] = byte;
                let bits = PublicKey::rsa(&der).map(|(key, _)| key.bits);
                match byte {
                    0x01..=0x7f if at == sign => assert_eq!(bits, Ok(520 - byte.leading_zeros())),
                    _ => assert!(bits.as_ref().map_or(true, |bits| *bits <= 512), "{at} {byte}: {bits:?}"),
                }
            }
        }
    }
}
