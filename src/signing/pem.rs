//! Text around bytes: base64 (RFC 4648) and PEM (RFC 7468).

use zeroize::Zeroizing;

/// A private key in PKCS#8 as a file has it.
pub(super) fn private(pkcs8: &[u8]) -> Zeroizing<String> {
    let lines = pkcs8.len().div_ceil(LINE_BYTES);
    let capacity = BEGIN.len() + lines * (LINE_BYTES / 3 * 4 + 1) + END.len();
    // Large enough from the start: a buffer that grows leaves copies of itself behind.
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    text.push_str(BEGIN);
    for line in pkcs8.chunks(LINE_BYTES) {
        encode(line, &mut text);
        text.push('\n');
    }
    text.push_str(END);
    text
}

/// Bytes as base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    encode(bytes, &mut text);
    text
}

fn encode(bytes: &[u8], text: &mut String) {
    for group in bytes.chunks(3) {
        let octet = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let value = octet(0) << 16 | octet(1) << 8 | octet(2);
        for at in 0..4_usize {
            match at <= group.len() {
                true => text.push(digit(value >> (18 - 6 * at))),
                false => text.push('='),
            }
        }
    }
}

/// The digit for the last six bits. It is computed, not looked up: which line of a table is read depends on the key.
fn digit(value: u32) -> char {
    let value = value & 63;
    let above = |limit: u32| u32::from(value >= limit);
    // A to Z, a to z, 0 to 9, plus, slash: each range begins so much after where the one before would have gone on.
    let code = u32::from(b'A') + value + 6 * above(26);
    let code = code.wrapping_sub(75 * above(52)).wrapping_sub(15 * above(62)).wrapping_add(3 * above(63));
    char::from(u8::try_from(code).unwrap_or_default())
}

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----\n";
const END: &str = "-----END PRIVATE KEY-----\n";
/// 64 characters.
const LINE_BYTES: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit() {
        let digits: String = (0..64).map(digit).collect();
        assert_eq!(digits, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    }

    #[test]
    fn padding_as_in_the_rfc() {
        // RFC 4648 section 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn lines_have_64_characters_and_nothing_is_copied() {
        for length in [1, 47, 48, 49, 96, 1000] {
            let bytes = vec![0xa5; length];
            let text = private(&bytes);
            let lines: Vec<_> = text.lines().collect();
            let inner = &lines[1..lines.len() - 1];
            assert!(inner[..inner.len() - 1].iter().all(|line| line.len() == 64), "{length}");
            assert_eq!(inner.concat(), base64(&bytes));
            assert!(text.ends_with("-----END PRIVATE KEY-----\n"));
            let lines = length.div_ceil(LINE_BYTES);
            assert!(text.capacity() <= BEGIN.len() + lines * 65 + END.len(), "it grew");
        }
    }
}
