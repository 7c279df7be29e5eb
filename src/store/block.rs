//! Blocks: the rows of one table that go to ClickHouse together.

use std::ops::Range;

use super::column::{Column, put_length};

/// Rows of one table, column by column.
pub trait Block: Send + Sync {
    /// The table.
    fn table(&self) -> &'static str;
    /// The columns with their names, in the order they are sent.
    fn columns(&self) -> Vec<(&'static str, &dyn Column)>;

    /// Rows in it.
    fn rows(&self) -> usize {
        self.columns().first().map_or(0, |(_, column)| column.len())
    }

    /// Memory its values take, in bytes.
    fn bytes(&self) -> usize {
        self.columns().iter().map(|(_, column)| column.bytes()).sum()
    }

    /// Bytes of its values in the Native format, dictionaries aside.
    fn written(&self) -> usize {
        self.columns().iter().map(|(_, column)| column.written()).sum()
    }

    /// The statement that takes it.
    fn statement(&self) -> String {
        let names: Vec<_> = self.columns().iter().map(|(name, _)| format!("`{name}`")).collect();
        format!("INSERT INTO {} ({}) FORMAT Native", self.table(), names.join(", "))
    }

    /// Writes these rows in the Native format.
    fn encode(&self, rows: Range<usize>) -> Vec<u8> {
        let columns = self.columns();
        let share = self.written() / self.rows().max(1) * rows.len();
        let mut out = Vec::with_capacity(share + share / 8 + 64 * columns.len());
        put_length(columns.len(), &mut out);
        put_length(rows.len(), &mut out);
        for (name, column) in columns {
            debug_assert_eq!(column.len(), self.rows(), "column {name} of {} misses a row", self.table());
            put_text(name, &mut out);
            put_text(&column.type_name(), &mut out);
            column.write_prefix(&mut out);
            column.write(rows.clone(), &mut out);
        }
        out
    }
}

/// A block on its way: which one it is, and whose rows are in it.
pub struct Batch {
    /// The rows.
    pub block: Box<dyn Block>,
    /// Which block of its table in its segment it is, counted from 0.
    pub index: u32,
    /// The messages with rows in it: their number, and the row after their last.
    pub messages: Vec<(u32, usize)>,
    /// Rows with which a new piece begins when it is written, so that no piece takes much memory. ClickHouse puts the pieces
    /// of one insert together again.
    pub pieces: Vec<usize>,
}

/// Collects rows of one table and cuts them into blocks.
///
/// Where a block ends depends on the rows alone, so that doing a segment again gives the same blocks with the same
/// names: that is what lets ClickHouse recognise a block it has. For the same reason whatever changes where blocks are cut
/// or what is in them has to change [`super::insert::LAYOUT`].
#[derive(Default)]
pub struct Filling<B> {
    block: B,
    index: u32,
    messages: Vec<(u32, usize)>,
    pieces: Vec<usize>,
    /// Bytes written up to the last piece.
    written: usize,
}

impl<B: Block + Default + 'static> Filling<B> {
    /// Adds a row of this message; gives the block back when it is full.
    pub fn add(&mut self, message: u32, fill: impl FnOnce(&mut B)) -> Option<Batch> {
        fill(&mut self.block);
        let rows = self.messages.last().map_or(0, |(_, end)| *end) + 1;
        match self.messages.last_mut() {
            Some((number, end)) if *number == message => *end = rows,
            _ => self.messages.push((message, rows)),
        }
        if rows >= MAX_ROWS || self.is_large(rows) { self.cut() } else { None }
    }

    /// Gives back what has been collected, if anything.
    pub fn cut(&mut self) -> Option<Batch> {
        if self.messages.is_empty() {
            return None;
        }
        let index = self.index;
        self.index += 1;
        self.written = 0;
        let block = Box::new(std::mem::take(&mut self.block));
        let messages = std::mem::take(&mut self.messages);
        Some(Batch { block, index, messages, pieces: std::mem::take(&mut self.pieces) })
    }

    /// Whether the block has grown large, in memory or on its way; begins a new piece when the last one has.
    fn is_large(&mut self, rows: usize) -> bool {
        // Adding up the bytes of every column after every row would cost more than the row.
        if !rows.is_multiple_of(ROWS_BETWEEN_LOOKS) {
            return false;
        }
        let written = self.block.written();
        if written - self.written >= PIECE_BYTES {
            self.written = written;
            self.pieces.push(rows);
        }
        written >= MAX_WRITTEN || self.block.bytes() >= MAX_BYTES
    }
}

/// Lists the columns of a table once: makes the struct that holds them and its [`Block`].
macro_rules! table {
    ($(#[$doc:meta])* $block:ident in $table:literal { $($field:ident $(as $name:literal)?: $column:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $block {
            $(pub(crate) $field: $column,)*
        }

        impl $crate::store::block::Block for $block {
            fn table(&self) -> &'static str {
                $table
            }

            fn columns(&self) -> Vec<(&'static str, &dyn $crate::store::column::Column)> {
                vec![$(($crate::store::block::column_name!($field $($name)?), &self.$field),)*]
            }
        }
    };
}
macro_rules! column_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}
pub(crate) use {column_name, table};

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// A block is one part in ClickHouse, one insert with its flushes, and one more part to merge: merging the parts of 13,000
/// rows took three times the processor time of inserting them. So it is as large as the daemon's memory allows, and ClickHouse's:
/// it holds the whole block, and two at a time.
const MAX_ROWS: usize = 128 * 1024;
const MAX_BYTES: usize = 8 * 1024 * 1024;
const MAX_WRITTEN: usize = 64 * 1024 * 1024;
const PIECE_BYTES: usize = 1024 * 1024;
const ROWS_BETWEEN_LOOKS: usize = 16;
