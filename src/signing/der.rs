//! The little of DER (ITU-T X.690) that goes around a key.

use zeroize::Zeroizing;

/// `SubjectPublicKeyInfo` (RFC 5280 section 4.1) around an `RSAPublicKey`.
pub(super) fn rsa_public(key: &[u8]) -> Vec<u8> {
    let algorithm =
        element(SEQUENCE, &[&element(OBJECT_IDENTIFIER, &[&RSA_ENCRYPTION]), &element(NULL, &[])]);
    let bits = element(BIT_STRING, &[&[0], key]);
    element(SEQUENCE, &[&algorithm, &bits]).to_vec()
}

/// `PrivateKeyInfo` (RFC 5208) around an Ed25519 seed, as RFC 8410 section 7 has it: without the public key, because older
/// programs refuse the form that holds it.
pub(super) fn ed25519_private(seed: &[u8]) -> Zeroizing<Vec<u8>> {
    let algorithm = element(SEQUENCE, &[&element(OBJECT_IDENTIFIER, &[&ED25519])]);
    let key = element(OCTET_STRING, &[&element(OCTET_STRING, &[seed])]);
    element(SEQUENCE, &[&element(INTEGER, &[&[0]]), &algorithm, &key])
}

fn element(tag: u8, content: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = content.iter().map(|part| part.len()).sum();
    // Large enough from the start: a buffer that grows leaves copies of itself behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + LONGEST_HEADER));
    bytes.push(tag);
    let octets = length.to_be_bytes();
    let used = octets.iter().skip_while(|octet| **octet == 0);
    if length >= 0x80 {
        // At most eight, for a usize.
        bytes.push(0x80 | u8::try_from(used.clone().count()).unwrap_or_default());
        bytes.extend(used);
    } else {
        bytes.push(u8::try_from(length).unwrap_or_default());
    }
    content.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// 1.2.840.113549.1.1.1.
const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.3.101.112.
const ED25519: [u8; 3] = [0x2b, 0x65, 0x70];
const LONGEST_HEADER: usize = 2 + size_of::<usize>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_as_many_bytes_as_they_need() {
        for (length, header) in [
            (0, &[4, 0][..]),
            (0x7f, &[4, 0x7f]),
            (0x80, &[4, 0x81, 0x80]),
            (0xff, &[4, 0x81, 0xff]),
            (0x100, &[4, 0x82, 1, 0]),
        ] {
            let bytes = element(OCTET_STRING, &[&vec![7; length]]);
            assert_eq!(&bytes[..header.len()], header);
            assert_eq!(bytes.len(), header.len() + length);
        }
    }

    /// RFC 8410 section 10.3, without its line breaks.
    #[test]
    fn an_ed25519_key_is_in_the_form_of_the_rfc() {
        let seed = [
            0xd4, 0xee, 0x72, 0xdb, 0xf9, 0x13, 0x58, 0x4a, 0xd5, 0xb6, 0xd8, 0xf1, 0xf7, 0x69, 0xf8, 0xad,
            0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1, 0xd4, 0xfb, 0xe0, 0x97, 0xa8, 0x8f, 0x44, 0x75, 0x58, 0x42,
        ];
        let text = crate::signing::pem::private(&ed25519_private(&seed));
        let expected = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
        assert_eq!(*text, format!("-----BEGIN PRIVATE KEY-----\n{expected}\n-----END PRIVATE KEY-----\n"));
    }
}
