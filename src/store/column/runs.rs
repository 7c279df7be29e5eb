use std::{marker::PhantomData, ops::Range};

use super::{Column, Push, Scalar};

/// Values of fixed width that stay the same for many rows, such as what all records of a report have in common.
#[derive(Clone, Debug)]
pub(crate) struct Runs<T> {
    values: Vec<u8>,
    /// The row after the last of each value's.
    ends: Vec<u32>,
    kind: PhantomData<T>,
}

impl<T: Scalar> Column for Runs<T> {
    fn type_name(&self) -> String {
        T::TYPE.to_owned()
    }

    fn len(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    fn bytes(&self) -> usize {
        self.values.len() + size_of_val(self.ends.as_slice())
    }

    fn written(&self) -> usize {
        self.len() * T::WIDTH
    }

    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        let first = self.ends.partition_point(|end| *end as usize <= rows.start);
        let mut row = rows.start;
        for (value, end) in self.values.chunks_exact(T::WIDTH).zip(&self.ends).skip(first) {
            let end = rows.end.min(*end as usize);
            if row >= end {
                return;
            }
            for _ in row..end {
                out.extend_from_slice(value);
            }
            row = end;
        }
    }
}

impl<T: Scalar> Push<T> for Runs<T> {
    fn push(&mut self, value: T) {
        let start = self.values.len();
        value.put(&mut self.values);
        let (before, value) = self.values.split_at(start);
        let is_same = !before.is_empty() && before.ends_with(value);
        match self.ends.last_mut() {
            Some(end) if is_same => {
                self.values.truncate(start);
                *end += 1;
            }
            // A block has far fewer rows than 2^32.
            last => {
                let end = last.map_or(1, |end| *end + 1);
                self.ends.push(end);
            }
        }
    }
}

impl<T> Default for Runs<T> {
    fn default() -> Self {
        Self { values: Vec::new(), ends: Vec::new(), kind: PhantomData }
    }
}
