//! Values as bytes, the same whatever the layout they came in: what content hashes are taken of.
//!
//! Hashes are stored, so this never changes. All integers are little-endian.
//!
//! - *text*: 0 as u32 for a missing value; else its length in bytes plus 1 as u32, then its bytes in UTF-8;
//! - *number*: a byte 0 for a missing value; else a byte 1, then an i64 or u64;
//! - *list*: the number of items as u32, then the items.

use std::borrow::Cow;

use ruad_common::domain_name::normalize;

/// A buffer of encoded values.
#[derive(Debug, Default)]
pub(crate) struct Canonical(Vec<u8>);

impl Canonical {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    #[inline]
    pub(crate) fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => {
                self.length(text.len() + 1);
                self.bytes(text.as_bytes());
            }
            None => self.length(0),
        }
    }

    pub(crate) fn texts(&mut self, texts: &[String]) {
        self.length(texts.len());
        for text in texts {
            self.text(Some(text));
        }
    }

    /// Lengths stay far below 2^32: texts and lists are bounded by the limits.
    pub(crate) fn length(&mut self, length: usize) {
        self.bytes(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }

    pub(crate) fn signed(&mut self, number: Option<i64>) {
        self.number(number.map(i64::to_le_bytes));
    }

    pub(crate) fn unsigned(&mut self, number: Option<u64>) {
        self.number(number.map(u64::to_le_bytes));
    }

    /// XXH3-128 with seed 0 of everything so far.
    pub(crate) fn hash(&self) -> u128 {
        xxhash_rust::xxh3::xxh3_128(&self.0)
    }

    fn number(&mut self, bytes: Option<[u8; 8]>) {
        self.bytes(&[u8::from(bytes.is_some())]);
        if let Some(bytes) = bytes {
            self.bytes(&bytes);
        }
    }
}

/// The one spelling of a domain that a folded hash covers; in lower case what is no domain.
pub(crate) fn folded_domain(name: &str) -> Cow<'_, str> {
    Cow::Owned(normalize(name).unwrap_or_else(|| name.to_lowercase()))
}

/// The one spelling of other names that it covers.
pub(crate) fn lower_case(text: &str) -> Cow<'_, str> {
    Cow::Owned(text.to_lowercase())
}
