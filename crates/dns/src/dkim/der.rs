//! The little of DER (ITU-T X.690) that a public key needs.

/// What is left to read.
pub(super) struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The content of the next element when it is a `tag`; nothing is taken otherwise.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        if found != tag {
            return None;
        }
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    /// The next element's tag.
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Whether everything was read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of the next INTEGER without leading zeros, when it is not negative.
    pub(super) fn unsigned(&mut self) -> Option<&'a [u8]> {
        let bytes = self.take(INTEGER)?;
        if bytes.first().is_none_or(|first| first & 0x80 != 0) {
            return None;
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..)
    }
}

/// A definite length, and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=LONGEST_LENGTH).contains(&count) {
        return None;
    }
    let (length, rest) = rest.split_at_checked(count)?;
    Some((length.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)), rest))
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// Bytes a length may have; no TXT record holds more than 64 KiB.
const LONGEST_LENGTH: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_taken_one_by_one() {
        let mut der = Der::new(&[0x30, 0x03, 0x02, 0x01, 0x05, 0x05, 0x00]);
        assert_eq!(der.take(INTEGER), None);
        let mut inner = Der::new(der.take(SEQUENCE).unwrap());
        assert_eq!(inner.unsigned(), Some(&[5_u8][..]));
        assert!(inner.is_empty());
        assert_eq!(der.peek(), Some(NULL));
        assert_eq!(der.take(NULL), Some(&[][..]));
        assert!(der.is_empty());
    }

    #[test]
    fn what_is_cut_or_negative_is_nothing() {
        let long = [&[0x04, 0x81, 0x80][..], &[7; 128]].concat();
        assert_eq!(Der::new(&long).take(0x04).map(<[u8]>::len), Some(128));
        for bytes in [
            &[0x02][..],
            &[0x02, 0x01],
            &[0x02, 0x80, 0x00, 0x00],
            &[0x02, 0x84, 0, 0, 0, 1, 1],
            &long[..100],
        ] {
            let tag = bytes[0];
            assert_eq!(Der::new(bytes).take(tag), None, "{bytes:?}");
        }
        assert_eq!(Der::new(&[0x02, 0x01, 0x81]).unsigned(), None);
        assert_eq!(Der::new(&[0x02, 0x00]).unsigned(), None);
        assert_eq!(Der::new(&[0x02, 0x01, 0x00]).unsigned(), Some(&[][..]));
    }
}
