//! The base64 of `p=` (RFC 6376 section 3.6.1), in which white space may stand anywhere.

/// What the text held.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    /// Whether the signs at the end are as many as they should be (RFC 4648 section 3.2). Some receivers insist.
    pub(super) is_padded: bool,
}

/// Why a text is no base64.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Base64Error {
    /// A character that is not in the alphabet; where it begins.
    Character(usize),
    /// One character is left over: something was lost.
    Length,
}

pub(super) fn decode(text: &str) -> Result<Decoded, Base64Error> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut digits, mut padding) = (0_u32, 0_usize, 0_usize);
    for (at, character) in text.char_indices() {
        let value = match character {
            ' ' | '\t' | '\r' | '\n' => continue,
            '=' => {
                padding += 1;
                continue;
            }
            _ if padding > 0 => return Err(Base64Error::Character(at)),
            'A'..='Z' => u32::from(character) - u32::from('A'),
            'a'..='z' => u32::from(character) - u32::from('a') + 26,
            '0'..='9' => u32::from(character) - u32::from('0') + 52,
            '+' => 62,
            '/' => 63,
            _ => return Err(Base64Error::Character(at)),
        };
        bits = (bits << 6) | value;
        digits += 1;
        if digits.is_multiple_of(4) {
            bytes.extend(bits.to_be_bytes().into_iter().skip(1));
            bits = 0;
        }
    }
    let left = match digits % 4 {
        0 => 0,
        1 => return Err(Base64Error::Length),
        left => left,
    };
    bits <<= 6 * (4 - left);
    bytes.extend(bits.to_be_bytes().into_iter().skip(1).take(left.saturating_sub(1)));
    Ok(Decoded { bytes, is_padded: padding == (4 - left) % 4 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_nothing_and_padding_is_counted() {
        // RFC 4648 section 10.
        for (text, bytes, is_padded) in [
            ("", "", true),
            ("Zg==", "f", true),
            ("Zg = =", "f", true),
            ("Zm8=", "fo", true),
            ("Zm9v", "foo", true),
            ("Zm9 v\tYg\r\n ==", "foob", true),
            ("Zm9vYmE", "fooba", false),
            ("Zm9vYmE==", "fooba", false),
            ("Zm9vYmFy", "foobar", true),
            ("Zm9vYmFy=", "foobar", false),
        ] {
            assert_eq!(decode(text), Ok(Decoded { bytes: bytes.into(), is_padded }), "{text}");
        }
    }

    #[test]
    fn what_is_no_base64() {
        for (text, error) in [
            ("Zm9v_", Base64Error::Character(4)),
            ("Zm=9v", Base64Error::Character(3)),
            ("Zm9vä", Base64Error::Character(4)),
            ("Zm9vY", Base64Error::Length),
            ("Z", Base64Error::Length),
        ] {
            assert_eq!(decode(text), Err(error), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_encoded_comes_back(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let mut text = String::new();
            for group in bytes.chunks(3) {
                let value = group.iter().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
                for digit in 0..=group.len() {
                    text.push(DIGITS[(value >> (18 - 6 * digit)) as usize & 63].into());
                }
                text.push_str(&"=".repeat(3 - group.len()));
            }
            proptest::prop_assert_eq!(decode(&text), Ok(Decoded { bytes, is_padded: true }));
        }
    }
}
