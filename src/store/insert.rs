//! Inserts: each block once, however often it is sent.

use std::{ops::Range, time::Instant};

use bytes::Bytes;

use super::{Block, Store, StoreError};
use crate::store::telemetry;

/// Version of what the blocks look like and of where they are cut; part of every token. A program that cuts differently
/// must not be told "I have that block" about other rows.
pub const LAYOUT: u32 = 3;

/// What was sent.
#[derive(Clone, Copy, Debug)]
pub struct Inserted {
    /// Rows.
    pub rows: u64,
    /// Bytes of the block as it was sent.
    pub bytes: u64,
}

impl Store {
    /// Inserts these rows of a block as one part, in pieces that begin at these rows. When a block with the same token went
    /// in before, the rows are taken for done, in the table and in each of its rollups by itself: so the answer of a lost
    /// insert is had by repeating it, also when the server stopped between table and rollup.
    ///
    /// # Errors
    ///
    /// See [`StoreError::kind`] for what to do about it.
    pub async fn insert(
        &self,
        block: &dyn Block,
        rows: Range<usize>,
        pieces: &[usize],
        token: &str,
    ) -> Result<Inserted, StoreError> {
        let began = Instant::now();
        let count = rows.len() as u64;
        let timeout = self.settings().insert_timeout;
        let mut insert = self
            .client()
            .insert_formatted_with(block.statement())
            .with_timeouts(Some(timeout), Some(timeout))
            .with_setting("insert_deduplication_token", token)
            .with_setting("insert_deduplicate", "1")
            .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
            .with_setting("async_insert", "0")
            .with_setting("insert_distributed_sync", "1")
            // Collapsing rows of one block is the merges' work; here it only costs.
            .with_setting("optimize_on_insert", "0")
            // The pieces become one block whatever the user's profile says: the token stands for all of them.
            .with_setting("min_insert_block_size_rows", "1048576")
            .with_setting("min_insert_block_size_bytes", "1073741824");
        let mut bytes = 0;
        let mut start = rows.start;
        let inner = pieces.iter().copied().filter(|piece| rows.start < *piece && *piece < rows.end);
        for end in inner.chain([rows.end]) {
            let piece = Bytes::from(block.encode(start..end));
            bytes += piece.len() as u64;
            insert.send(piece).await?;
            start = end;
        }
        insert.end().await?;
        let inserted = Inserted { rows: count, bytes };
        telemetry::inserted(block.table(), &inserted, began.elapsed());
        Ok(inserted)
    }
}
