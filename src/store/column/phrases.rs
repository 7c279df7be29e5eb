use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::{Column, Push, PushDefault, indexes::Indexes, put_length};

/// Strings that come back every few rows, such as the domain of a signature. They are held once and written out in
/// full, as the plain strings that their columns are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phrases {
    /// The strings, each behind its length.
    texts: Vec<u8>,
    /// Where each of them begins.
    starts: Vec<u32>,
    /// Where a string that hashes to this place was put last, plus one. A string that is crowded out is held twice.
    places: Vec<u32>,
    indexes: Indexes,
    written: usize,
}

impl Phrases {
    fn index(&mut self, value: &str) -> u32 {
        if value.len() > LONGEST {
            return self.append(value);
        }
        let place = xxh3_64(value.as_bytes()) as usize % PLACES;
        let known = self.places.get(place).and_then(|known| known.checked_sub(1));
        // A short string's length takes one byte.
        if let Some(index) = known
            && self.text(index as usize).get(1..) == Some(value.as_bytes())
        {
            return index;
        }
        let index = self.append(value);
        if self.places.is_empty() {
            self.places.resize(PLACES, 0);
        }
        if let Some(known) = self.places.get_mut(place) {
            *known = index + 1;
        }
        index
    }

    fn append(&mut self, value: &str) -> u32 {
        // A block has far fewer rows, and far fewer bytes, than 2^32.
        let index = self.starts.len() as u32;
        self.starts.push(self.texts.len() as u32);
        put_length(value.len(), &mut self.texts);
        self.texts.extend_from_slice(value.as_bytes());
        index
    }

    /// A string behind its length.
    fn text(&self, index: usize) -> &[u8] {
        let start = self.starts.get(index).map_or(0, |start| *start as usize);
        let end = self.starts.get(index + 1).map_or(self.texts.len(), |end| *end as usize);
        self.texts.get(start..end).unwrap_or_default()
    }
}

impl Column for Phrases {
    fn type_name(&self) -> String {
        "String".to_owned()
    }

    fn len(&self) -> usize {
        self.indexes.len()
    }

    fn bytes(&self) -> usize {
        self.texts.len() + size_of_val(self.starts.as_slice()) + self.indexes.len() * self.indexes.width()
    }

    fn written(&self) -> usize {
        self.written
    }

    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        self.indexes.for_each(rows, |index| out.extend_from_slice(self.text(index)));
    }
}

impl Push<&str> for Phrases {
    fn push(&mut self, value: &str) {
        let index = self.index(value);
        self.written += self.text(index as usize).len();
        self.indexes.push(index);
    }
}

impl PushDefault for Phrases {
    fn push_default(&mut self) {
        self.push("");
    }
}

/// Longer strings are held each time they come. Must be less than 128, see [`Phrases::index`].
const LONGEST: usize = 100;
const PLACES: usize = 4096;
