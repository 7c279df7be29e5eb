//! Columns of a block in ClickHouse's Native format.
//!
//! Rows go to ClickHouse as columns and not as RowBinary because most columns of a report hold one value over and over:
//! a `LowCardinality` column travels as a dictionary and indexes, which the server takes as it is. Measured with the 31
//! columns of `aggregate_records`, reading a block costs the server 0.9 µs a row this way and 4 to 7 µs as RowBinary.
//!
//! What is large there is small here: a row of `aggregate_records` takes some 60 bytes in memory and 280 when it is written.
//! The larger a block, the less ClickHouse has to merge.

mod compound;
mod indexes;
mod phrases;
mod runs;
mod scalar;
mod words;

use std::ops::Range;

pub use scalar::{Day, Identity};
pub(crate) use {
    compound::{List, Map, Optional},
    phrases::Phrases,
    runs::Runs,
    scalar::{Address, Millis, Seconds, Timestamp},
    words::Words,
};

/// A column that can be filled and written.
pub trait Column {
    /// The type as the server spells it.
    fn type_name(&self) -> String;
    /// Values in it.
    fn len(&self) -> usize;
    /// Memory its values take, in bytes, near enough to decide when a block is full.
    fn bytes(&self) -> usize;
    /// Bytes of its values in the Native format, dictionaries aside.
    fn written(&self) -> usize;
    /// Writes what comes before all data of the column, once a block.
    fn write_prefix(&self, _out: &mut Vec<u8>) {}
    /// Writes these rows; `rows` lies inside the column.
    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>);
}

/// A column that takes values of this type.
pub(crate) trait Push<V> {
    /// Appends a value.
    fn push(&mut self, value: V);
}

/// A column with a value that stands where there is none.
pub(crate) trait PushDefault {
    /// Appends it.
    fn push_default(&mut self);
}

/// A value of fixed width.
pub(crate) trait Scalar: Copy + Default {
    /// The type as the server spells it.
    const TYPE: &'static str;
    /// Bytes each value takes.
    const WIDTH: usize;
    /// Appends exactly `WIDTH` bytes.
    fn put(self, out: &mut Vec<u8>);
}

/// Values of fixed width.
#[derive(Clone, Debug)]
pub(crate) struct Fixed<T> {
    bytes: Vec<u8>,
    kind: std::marker::PhantomData<T>,
}

/// Strings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    bytes: Vec<u8>,
    rows: usize,
}

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

    fn written(&self) -> usize {
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

    fn written(&self) -> usize {
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

/// Writes a length as ClickHouse does: seven bits a byte, the low ones first.
pub(crate) fn put_length(mut length: usize, out: &mut Vec<u8>) {
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

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
    fn a_map_is_a_list_of_keys_beside_one_of_values() {
        let mut maps = Map::<Words<false>, Text>::default();
        maps.push([]);
        maps.push([("a", "1"), ("b", "2")]);
        maps.push([("a", "3")]);
        assert_eq!((maps.type_name().as_str(), maps.len()), ("Map(LowCardinality(String), String)", 3));
        let bytes = written(&maps, 1..3);
        // The dictionary's version, where each row ends, then all keys, then all values.
        assert_eq!(
            &bytes[..24],
            [&[1, 0, 0, 0, 0, 0, 0, 0][..], &2_u64.to_le_bytes(), &3_u64.to_le_bytes()].concat()
        );
        assert!(bytes.ends_with(&[3, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1, 1, b'1', 1, b'2', 1, b'3']), "{bytes:?}");
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
    fn lists_of_one_length_after_another() {
        let mut lists = List::<Fixed<u32>>::default();
        let lengths = [0, 0, 2, 2, 1, 0, 3];
        lengths.iter().for_each(|length| lists.push(0..*length));
        for start in 0..=lengths.len() {
            for end in start..=lengths.len() {
                let rows = lengths.get(start..end).unwrap();
                let ends = rows.iter().scan(0_u64, |end, length| {
                    *end += u64::from(*length);
                    Some(end.to_le_bytes())
                });
                let values = rows.iter().flat_map(|length| (0..*length).map(u32::to_le_bytes));
                let expected: Vec<u8> = ends.flatten().chain(values.flatten()).collect();
                assert_eq!(written(&lists, start..end), expected, "{start}..{end}");
            }
        }
        assert_eq!(lists.written(), written(&lists, 0..lengths.len()).len());
    }

    #[test]
    fn a_run_is_written_row_by_row() {
        let mut runs = Runs::<u32>::default();
        let values = [7, 7, 7, 0, 0, 7];
        values.iter().for_each(|value| runs.push(*value));
        assert!(runs.bytes() < values.len() * 8, "three runs");
        for start in 0..=values.len() {
            for end in start..=values.len() {
                let expected = values.get(start..end).unwrap().iter().flat_map(|value| value.to_le_bytes());
                assert_eq!(written(&runs, start..end), expected.collect::<Vec<_>>(), "{start}..{end}");
            }
        }
        assert_eq!((runs.len(), runs.written()), (6, 24));
    }

    /// More different strings than there are places for, short ones and long ones.
    #[test]
    fn phrases_are_written_in_full() {
        let mut phrases = Phrases::default();
        let mut text = Text::default();
        let long = "x".repeat(300);
        for n in 0..20_000_u32 {
            let often = format!("service{}.example", n % 12);
            let seldom = format!("{}.example", n.wrapping_mul(2_654_435_761) % 9_000);
            for value in [often.as_str(), seldom.as_str(), "", if n % 100 == 0 { &long } else { "s1" }] {
                phrases.push(value);
                text.push(value);
            }
        }
        assert_eq!(phrases.len(), text.len());
        assert_eq!(phrases.written(), text.written());
        assert!(phrases.bytes() < text.bytes());
        for rows in [0..80_000, 0..1, 79_999..80_000, 255..70_000] {
            assert_eq!(written(&phrases, rows.clone()), written(&text, rows));
        }
    }

    #[test]
    fn identities_are_two_halves() {
        let mut out = Vec::new();
        Identity(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10).put(&mut out);
        assert_eq!(out, [8, 7, 6, 5, 4, 3, 2, 1, 16, 15, 14, 13, 12, 11, 10, 9]);
    }
}
