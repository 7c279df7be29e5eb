use std::ops::Range;

use super::{Column, Push, PushDefault};

/// Values that can be missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Optional<C> {
    missing: Vec<u8>,
    values: C,
}

/// Lists of values.
#[derive(Clone, Debug, Default)]
pub(crate) struct List<C> {
    /// Neighbours of one length: nearly every record has one signature and one SPF check.
    runs: Vec<Run>,
    rows: usize,
    values: C,
}

/// Values by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map<K, V> {
    keys: List<K>,
    values: V,
}

/// Lists of the same length that follow one another.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    /// The first list's row.
    row: u32,
    /// The first list's first value.
    value: u32,
    length: u32,
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

    fn written(&self) -> usize {
        self.missing.len() + self.values.written()
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

impl<C> List<C> {
    /// The runs from the one that this row is in.
    fn runs_from(&self, row: usize) -> &[Run] {
        let next = self.runs.partition_point(|run| run.row as usize <= row);
        self.runs.get(next.saturating_sub(1)..).unwrap_or_default()
    }

    /// The first value of this row's list.
    fn first_value(&self, row: usize) -> usize {
        let run = self.runs_from(row).first().copied().unwrap_or_default();
        run.value as usize + (row - run.row as usize) * run.length as usize
    }
}

impl<C: Column> Column for List<C> {
    fn type_name(&self) -> String {
        format!("Array({})", self.values.type_name())
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        size_of_val(self.runs.as_slice()) + self.values.bytes()
    }

    fn written(&self) -> usize {
        self.rows * size_of::<u64>() + self.values.written()
    }

    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.values.write_prefix(out);
    }

    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        let start = self.first_value(rows.start);
        let runs = self.runs_from(rows.start);
        let ends = runs.iter().skip(1).map(|run| run.row as usize).chain([self.rows]);
        let mut row = rows.start;
        let mut last = 0_u64;
        for (run, end) in runs.iter().zip(ends) {
            while row < end.min(rows.end) {
                last += u64::from(run.length);
                out.extend_from_slice(&last.to_le_bytes());
                row += 1;
            }
        }
        // It counts values that are in memory.
        self.values.write(start..start + last as usize, out);
    }
}

impl<V, I: IntoIterator<Item = V>, C: Column + Push<V>> Push<I> for List<C> {
    fn push(&mut self, values: I) {
        // A block has far fewer rows and values than 2^32.
        let (row, value) = (self.rows as u32, self.values.len() as u32);
        values.into_iter().for_each(|value| self.values.push(value));
        let length = self.values.len() as u32 - value;
        if self.runs.last().is_none_or(|run| run.length != length) {
            self.runs.push(Run { row, value, length });
        }
        self.rows += 1;
    }
}

impl<K: Column, V: Column> Column for Map<K, V> {
    fn type_name(&self) -> String {
        format!("Map({}, {})", self.keys.values.type_name(), self.values.type_name())
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn bytes(&self) -> usize {
        self.keys.bytes() + self.values.bytes()
    }

    fn written(&self) -> usize {
        self.keys.written() + self.values.written()
    }

    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.keys.write_prefix(out);
        self.values.write_prefix(out);
    }

    fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        self.keys.write(rows.clone(), out);
        let end = if rows.end < self.len() { self.keys.first_value(rows.end) } else { self.values.len() };
        self.values.write(self.keys.first_value(rows.start)..end, out);
    }
}

impl<A, B, I, K, V> Push<I> for Map<K, V>
where
    I: IntoIterator<Item = (A, B)>,
    K: Column + Push<A>,
    V: Column + Push<B>,
{
    fn push(&mut self, values: I) {
        let Self { keys, values: column } = self;
        keys.push(values.into_iter().map(|(key, value)| {
            column.push(value);
            key
        }));
    }
}
