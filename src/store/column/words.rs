use std::{collections::HashMap, ops::Range};

use super::{Column, Push, Text, indexes::Indexes};

/// Strings of which there are few different ones. `NULLABLE` tells missing from empty.
#[derive(Clone, Debug)]
pub(crate) struct Words<const NULLABLE: bool> {
    /// The different strings in the order of their first appearance. The first is the empty one, which stands for
    /// "missing" when that is possible and is then followed by the true empty one.
    keys: Text,
    known: HashMap<Box<str>, u32>,
    indexes: Indexes,
    /// The string seen last and its index: reports repeat themselves.
    last: (String, u32),
}

impl<const NULLABLE: bool> Words<NULLABLE> {
    /// Index of the empty string.
    const EMPTY: u32 = if NULLABLE { 1 } else { 0 };

    fn index(&mut self, value: &str) -> u32 {
        if value.is_empty() {
            return Self::EMPTY;
        }
        if self.last.0 == value {
            return self.last.1;
        }
        let index = match self.known.get(value) {
            Some(index) => *index,
            None => {
                // A block has far fewer rows than 2^32.
                let index = self.keys.rows as u32;
                self.keys.push(value);
                self.known.insert(value.into(), index);
                index
            }
        };
        self.last.0.clear();
        self.last.0.push_str(value);
        self.last.1 = index;
        index
    }
}

impl<const NULLABLE: bool> Column for Words<NULLABLE> {
    fn type_name(&self) -> String {
        if NULLABLE { "LowCardinality(Nullable(String))" } else { "LowCardinality(String)" }.to_owned()
    }

    fn len(&self) -> usize {
        self.indexes.len()
    }

    fn bytes(&self) -> usize {
        self.indexes.len() * self.indexes.width() + self.keys.bytes()
    }

    fn written(&self) -> usize {
        self.indexes.len() * self.indexes.width()
    }

    fn write_prefix(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&DICTIONARY_VERSION.to_le_bytes());
    }

    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        if rows.is_empty() {
            return;
        }
        // The server calls them UInt8, UInt16, UInt32.
        let width: u64 = match self.indexes {
            Indexes::Byte(_) => 0,
            Indexes::Short(_) => 1,
            Indexes::Long(_) => 2,
        };
        // A dictionary may be larger than what the rows use: a part of a block carries the whole block's.
        out.extend_from_slice(&(DICTIONARY_FLAGS | width).to_le_bytes());
        out.extend_from_slice(&(self.keys.rows as u64).to_le_bytes());
        self.keys.write(0..self.keys.rows, out);
        out.extend_from_slice(&(rows.len() as u64).to_le_bytes());
        self.indexes.write(rows, out);
    }
}

impl Push<&str> for Words<false> {
    fn push(&mut self, value: &str) {
        let index = self.index(value);
        self.indexes.push(index);
    }
}

impl Push<Option<&str>> for Words<true> {
    fn push(&mut self, value: Option<&str>) {
        let index = value.map_or(0, |value| self.index(value));
        self.indexes.push(index);
    }
}

impl<const NULLABLE: bool> Default for Words<NULLABLE> {
    fn default() -> Self {
        let mut keys = Text::default();
        (0..=Self::EMPTY).for_each(|_| keys.push(""));
        Self { keys, known: HashMap::new(), indexes: Indexes::default(), last: (String::new(), Self::EMPTY) }
    }
}

/// `SharedDictionariesWithAdditionalKeys`, the only version there is.
const DICTIONARY_VERSION: u64 = 1;
/// The block brings its own keys, and they replace whatever was there.
const DICTIONARY_FLAGS: u64 = 1 << 9 | 1 << 10;
