use std::{fmt, str::FromStr};

use ring::rand::{SecureRandom, SystemRandom};

use super::KeyError;

/// The number of a certificate: 80 random bits, which nobody guesses, in 16 characters, which anybody can type.
///
/// The alphabet is Crockford's: digits and capitals without I, L, O and U.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Serial([u8; LENGTH]);

/// A text is no serial.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not the number of a certificate: that is 16 letters and digits, in groups of four or not")]
pub struct NoSerial;

impl Serial {
    /// A new one from the system's source of randomness.
    ///
    /// # Errors
    ///
    /// [`KeyError::Random`] when the system gives none.
    pub fn random() -> Result<Self, KeyError> {
        let mut bytes = [0; 10];
        SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::Random)?;
        Ok(Self::from_bytes(bytes))
    }

    /// The serial of these bits.
    pub fn from_bytes(bytes: [u8; 10]) -> Self {
        let bits = bytes.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let mut at = 80;
        Self([0; LENGTH].map(|_: u8| {
            at -= 5;
            // Five bits are less than 32, the length of the alphabet.
            ALPHABET[(bits >> at) as usize & 31]
        }))
    }

    /// As it stands in addresses and statements.
    pub fn as_str(&self) -> &str {
        // Made of the alphabet alone.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// In groups of four, for people.
    pub fn grouped(&self) -> String {
        let groups: Vec<_> = self.0.chunks(4).map(String::from_utf8_lossy).collect();
        groups.join("-")
    }
}

impl FromStr for Serial {
    type Err = NoSerial;

    /// Reads what somebody may have typed: in small letters, with or without hyphens, with letters for digits that look like
    /// them.
    fn from_str(text: &str) -> Result<Self, NoSerial> {
        let mut serial = [0; LENGTH];
        let mut length = 0;
        if text.len() > LENGTH + 3 {
            return Err(NoSerial);
        }
        for byte in text.bytes().filter(|byte| *byte != b'-') {
            let character = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            if !ALPHABET.contains(&character) {
                return Err(NoSerial);
            }
            *serial.get_mut(length).ok_or(NoSerial)? = character;
            length += 1;
        }
        if length == LENGTH { Ok(Self(serial)) } else { Err(NoSerial) }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

const LENGTH: usize = 16;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn all_bits_are_in_it() {
        assert_eq!(Serial::from_bytes([0; 10]).as_str(), "0000000000000000");
        assert_eq!(Serial::from_bytes([255; 10]).grouped(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        for bit in 0..80 {
            let bytes = (1_u128 << bit).to_be_bytes();
            let serial = Serial::from_bytes(bytes[6..].try_into().unwrap());
            assert_eq!(serial.as_str().bytes().filter(|byte| *byte != b'0').count(), 1, "{bit}");
        }
    }

    #[test]
    fn random_ones_differ() {
        let serials: HashSet<_> = (0..1000).map(|_| Serial::random().unwrap()).collect();
        assert_eq!(serials.len(), 1000);
    }

    #[test]
    fn what_people_type_is_read() {
        let serial = Serial::from_bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(serial.as_str().parse(), Ok(serial));
        assert_eq!(serial.grouped().to_lowercase().parse(), Ok(serial));
        assert_eq!(serial.as_str().replace('0', "o").replace('1', "l").parse(), Ok(serial));
        for text in [
            "",
            "0",
            "000000000000000",
            "00000000000000000",
            "000000000000000U",
            "000000000000000é",
            "00000000000000 0",
            "----------------",
            "0000-0000-0000-0000-",
            "..%2f..%2fetc%2fpa",
        ] {
            assert_eq!(text.parse::<Serial>(), Err(NoSerial), "{text}");
        }
    }
}
