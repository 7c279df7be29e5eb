use std::ops::Range;

use super::{Column, Push, PushDefault};

/// Values that can be missing.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Optional<C> {
    missing: Vec<u8>,
    values: C,
}

/// Lists of values.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct List<C> {
    ends: Vec<u64>,
    values: C,
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
