//! Columns of a block in ClickHouse's Native format.
//!
//! Rows go to ClickHouse as columns and not as RowBinary because most columns of a report hold one value over and over:
//! a `LowCardinality` column travels as a dictionary and indexes, which the server takes as it is. Measured with the 31
//! columns of `aggregate_records`, reading a block costs the server 0.9 µs a row this way and 4 to 7 µs as RowBinary.

use std::{collections::HashMap, net::IpAddr, ops::Range};

/// A column that can be filled and written.
pub trait Column {
    /// The type as the server spells it.
    fn type_name(&self) -> String;
    /// Values in it.
    fn len(&self) -> usize;
    /// Memory its values take, in bytes, near enough to decide when a block is full.
    fn bytes(&self) -> usize;
    /// Writes what comes before all data of the column, once a block.
    fn write_prefix(&self, _out: &mut Vec<u8>) {}
    /// Writes these rows; `rows` lies inside the column.
    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>);
}

/// A column that takes values of this type.
pub(super) trait Push<V> {
    /// Appends a value.
    fn push(&mut self, value: V);
}

/// A column with a value that stands where there is none.
pub(super) trait PushDefault {
    /// Appends it.
    fn push_default(&mut self);
}

/// A value of fixed width.
pub(super) trait Scalar: Copy + Default {
    /// The type as the server spells it.
    const TYPE: &'static str;
    /// Bytes each value takes.
    const WIDTH: usize;
    /// Appends exactly `WIDTH` bytes.
    fn put(self, out: &mut Vec<u8>);
}

/// Values of fixed width.
#[derive(Clone, Debug)]
pub(super) struct Fixed<T> {
    bytes: Vec<u8>,
    kind: std::marker::PhantomData<T>,
}

/// Strings.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    rows: usize,
}

/// Strings of which there are few different ones. `NULLABLE` tells missing from empty.
#[derive(Clone, Debug)]
pub(super) struct Words<const NULLABLE: bool> {
    /// The different strings in the order of their first appearance. The first is the empty one, which stands for
    /// "missing" when that is possible and is then followed by the true empty one.
    keys: Text,
    known: HashMap<Box<str>, u32>,
    indexes: Vec<u32>,
    /// The string seen last and its index: reports repeat themselves.
    last: (String, u32),
}

/// Values that can be missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Optional<C> {
    missing: Vec<u8>,
    values: C,
}

/// Lists of values.
#[derive(Clone, Debug, Default)]
pub(super) struct List<C> {
    ends: Vec<u64>,
    values: C,
}

/// Days since the epoch.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Day(pub u16);

/// Milliseconds since the epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Millis(pub i64);

/// Seconds since the epoch, of any size a reporter can write.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seconds(pub i64);

/// Seconds since the epoch, of our own clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timestamp(pub u32);

/// A 128-bit identity, written as a UUID: the only 16-byte type that can be put into a query as plain text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity(pub u128);

/// An address; IPv4 is mapped into IPv6.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address(pub IpAddr);

impl<T: Scalar> Column for Fixed<T> {
    fn type_name(&self) -> String {
        T::TYPE.to_owned()
    }

    fn len(&self) -> usize {
        self.bytes.len() / T::WIDTH
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        let bytes = self.bytes.get(rows.start * T::WIDTH..rows.end * T::WIDTH);
        out.extend_from_slice(bytes.unwrap_or_default());
    }
}

impl<T: Scalar> Push<T> for Fixed<T> {
    fn push(&mut self, value: T) {
        value.put(&mut self.bytes);
    }
}

impl<T: Scalar> PushDefault for Fixed<T> {
    fn push_default(&mut self) {
        self.push(T::default());
    }
}

impl<T> Default for Fixed<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), kind: std::marker::PhantomData }
    }
}

impl Text {
    /// Where in the bytes a row begins. Walks: it is asked only for a part of a block, which is rare.
    fn offset(&self, row: usize) -> usize {
        let mut at = 0;
        for _ in 0..row {
            let mut length = 0_usize;
            let mut shift = 0;
            while let Some(&byte) = self.bytes.get(at) {
                at += 1;
                length |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            at += length;
        }
        at
    }
}

impl Column for Text {
    fn type_name(&self) -> String {
        "String".to_owned()
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        let start = self.offset(rows.start);
        let end = if rows.end == self.rows { self.bytes.len() } else { self.offset(rows.end) };
        out.extend_from_slice(self.bytes.get(start..end).unwrap_or_default());
    }
}

impl Push<&str> for Text {
    fn push(&mut self, value: &str) {
        put_length(value.len(), &mut self.bytes);
        self.bytes.extend_from_slice(value.as_bytes());
        self.rows += 1;
    }
}

impl PushDefault for Text {
    fn push_default(&mut self) {
        self.push("");
    }
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
        self.indexes.len() * size_of::<u32>() + self.keys.bytes()
    }

    fn write_prefix(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&DICTIONARY_VERSION.to_le_bytes());
    }

    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        let indexes = self.indexes.get(rows).unwrap_or_default();
        if indexes.is_empty() {
            return;
        }
        // A dictionary may be larger than what the rows use: a part of a block carries the whole block's.
        let (width, size) = match self.keys.rows {
            0..=0x100 => (0_u64, 1),
            0x101..=0x1_0000 => (1, 2),
            _ => (2, 4),
        };
        out.extend_from_slice(&(DICTIONARY_FLAGS | width).to_le_bytes());
        out.extend_from_slice(&(self.keys.rows as u64).to_le_bytes());
        self.keys.write(0..self.keys.rows, out);
        out.extend_from_slice(&(indexes.len() as u64).to_le_bytes());
        out.reserve(indexes.len() * size);
        for index in indexes {
            out.extend_from_slice(index.to_le_bytes().get(..size).unwrap_or_default());
        }
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
        Self { keys, known: HashMap::new(), indexes: Vec::new(), last: (String::new(), Self::EMPTY) }
    }
}

impl<C: Column> Column for Optional<C> {
    fn type_name(&self) -> String {
        format!("Nullable({})", self.values.type_name())
    }

    fn len(&self) -> usize {
        self.missing.len()
    }

    fn bytes(&self) -> usize {
        self.missing.len() + self.values.bytes()
    }

    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        out.extend_from_slice(self.missing.get(rows.clone()).unwrap_or_default());
        self.values.write(rows, out);
    }
}

impl<V, C: Push<V> + PushDefault> Push<Option<V>> for Optional<C> {
    fn push(&mut self, value: Option<V>) {
        self.missing.push(value.is_none().into());
        match value {
            Some(value) => self.values.push(value),
            None => self.values.push_default(),
        }
    }
}

impl<C: Column> Column for List<C> {
    fn type_name(&self) -> String {
        format!("Array({})", self.values.type_name())
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn bytes(&self) -> usize {
        self.ends.len() * size_of::<u64>() + self.values.bytes()
    }

    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.values.write_prefix(out);
    }

    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        let before = |row: usize| row.checked_sub(1).and_then(|row| self.ends.get(row)).copied().unwrap_or(0);
        let start = before(rows.start);
        let end = before(rows.end);
        for last in self.ends.get(rows).unwrap_or_default() {
            out.extend_from_slice(&(last - start).to_le_bytes());
        }
        // Ends count values that are in memory.
        self.values.write(start as usize..end as usize, out);
    }
}

impl<V, I: IntoIterator<Item = V>, C: Column + Push<V>> Push<I> for List<C> {
    fn push(&mut self, values: I) {
        values.into_iter().for_each(|value| self.values.push(value));
        self.ends.push(self.values.len() as u64);
    }
}

impl Default for Address {
    fn default() -> Self {
        Self(IpAddr::from([0_u8; 16]))
    }
}

macro_rules! scalar {
    ($type:ty, $name:literal, $width:literal, |$value:ident| $bytes:expr) => {
        impl Scalar for $type {
            const TYPE: &'static str = $name;
            const WIDTH: usize = $width;

            fn put(self, out: &mut Vec<u8>) {
                let $value = self;
                out.extend_from_slice(&$bytes);
            }
        }
    };
}

scalar!(bool, "Bool", 1, |value| [u8::from(value)]);
scalar!(u32, "UInt32", 4, |value| value.to_le_bytes());
scalar!(u64, "UInt64", 8, |value| value.to_le_bytes());
scalar!(i64, "Int64", 8, |value| value.to_le_bytes());
scalar!(Day, "Date", 2, |value| value.0.to_le_bytes());
scalar!(Millis, "DateTime64(3, 'UTC')", 8, |value| value.0.to_le_bytes());
scalar!(Seconds, "DateTime64(0, 'UTC')", 8, |value| value.0.to_le_bytes());
scalar!(Timestamp, "DateTime('UTC')", 4, |value| value.0.to_le_bytes());

impl Scalar for Identity {
    const TYPE: &'static str = "UUID";
    const WIDTH: usize = 16;

    /// The high half first, each little-endian.
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&((self.0 >> 64) as u64).to_le_bytes());
        out.extend_from_slice(&(self.0 as u64).to_le_bytes());
    }
}

impl Scalar for Address {
    const TYPE: &'static str = "IPv6";
    const WIDTH: usize = 16;

    fn put(self, out: &mut Vec<u8>) {
        let address = match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        out.extend_from_slice(&address.octets());
    }
}

/// Writes a length as ClickHouse does: seven bits a byte, the low ones first.
pub(super) fn put_length(mut length: usize, out: &mut Vec<u8>) {
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// `SharedDictionariesWithAdditionalKeys`, the only version there is.
const DICTIONARY_VERSION: u64 = 1;
/// The block brings its own keys, and they replace whatever was there.
const DICTIONARY_FLAGS: u64 = 1 << 9 | 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(column: &impl Column, rows: Range<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        column.write_prefix(&mut out);
        column.write(rows, &mut out);
        out
    }

    /// The bytes are what the server itself writes for `['a', NULL, 'b', '', 'a']`.
    #[test]
    fn words_travel_as_a_dictionary() {
        let mut words = Words::<true>::default();
        [Some("a"), None, Some("b"), Some(""), Some("a")].into_iter().for_each(|word| words.push(word));
        let mut expected = vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
        expected.extend([0, 0, 1, b'a', 1, b'b', 5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 1, 2]);
        assert_eq!(written(&words, 0..5), expected);
        assert!(written(&words, 2..3).ends_with(&[1, 0, 0, 0, 0, 0, 0, 0, 3]));
    }

    #[test]
    fn indexes_widen_with_the_dictionary() {
        let mut words = Words::<false>::default();
        (0..300).for_each(|n| words.push(format!("w{n}").as_str()));
        let bytes = written(&words, 0..300);
        assert_eq!(bytes.get(8..10), Some(&[1, 6][..]));
        assert!(bytes.ends_with(&[0x2b, 1, 0x2c, 1]));
    }

    #[test]
    fn a_part_of_lists_is_cut_out() {
        let mut lists = List::<Text>::default();
        lists.push(["a", "b"]);
        lists.push([]);
        lists.push(["c"]);
        lists.push(["x".repeat(200).as_str()]);
        assert_eq!(written(&lists, 1..3), [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, b'c']);
        assert_eq!(written(&lists, 3..4).len(), 8 + 2 + 200);
        assert!(written(&lists, 4..4).is_empty());
    }

    #[test]
    fn values_that_are_missing_leave_a_place() {
        let mut numbers = Optional::<Fixed<i64>>::default();
        numbers.push(None);
        numbers.push(Some(-1));
        let expected = [&[1, 0][..], &[0; 8], &[255; 8]].concat();
        assert_eq!(written(&numbers, 0..2), expected);
    }

    #[test]
    fn identities_are_two_halves() {
        let mut out = Vec::new();
        Identity(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10).put(&mut out);
        assert_eq!(out, [8, 7, 6, 5, 4, 3, 2, 1, 16, 15, 14, 13, 12, 11, 10, 9]);
    }
}
