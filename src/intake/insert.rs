//! Batches go to the store, however long that takes; a message whose rows it will never take is found.

use std::{collections::BTreeMap, ops::Range};

use tokio_util::sync::CancellationToken;

use super::decision::Reason;
use crate::{
    intake::telemetry,
    store::{Backoff, Batch, Inserted, Kind, LAYOUT, Store, StoreError},
};
use ruad_spool::SegmentId;

/// Messages that cannot be stored though they hold reports, and why: above all those whose rows ClickHouse refused for good.
pub(super) type Hopeless = BTreeMap<u32, Reason>;

/// Sends batches of one segment.
pub(super) struct Inserter<'a> {
    pub(super) store: &'a Store,
    pub(super) segment: SegmentId,
    pub(super) stop: &'a CancellationToken,
}

/// The daemon ends; the segment is done again by the next one.
#[derive(Debug)]
pub(super) struct Stopped;

impl Inserter<'_> {
    /// Sends a batch. When ClickHouse refuses its data it is halved, by message, until the messages that are to blame
    /// stand alone. The pieces' tokens follow from the batch's, so a retry finds the same pieces stored. When it is the
    /// table that is not as it should be, no message of the batch has a chance and none is tried.
    pub(super) async fn insert(&self, batch: &Batch, hopeless: &mut Hopeless) -> Result<(), Stopped> {
        let table = batch.block.table();
        let token = self.token(batch);
        let mut pieces = vec![(0..batch.messages.len(), token.clone())];
        while let Some((piece, piece_token)) = pieces.pop() {
            let rows = rows_of(batch, &piece);
            let outcome = self.retried(table, || {
                self.store.insert(&*batch.block, rows.clone(), &batch.pieces, &piece_token)
            });
            let Err(error) = outcome.await? else { continue };
            let blamed = batch.messages.get(piece.clone()).unwrap_or_default();
            if blamed.len() > 1 && error.kind() == Kind::Data {
                let middle = piece.start.midpoint(piece.end);
                for half in [middle..piece.end, piece.start..middle] {
                    let half_token = format!("{token}/{}-{}", half.start, half.end);
                    pieces.push((half, half_token));
                }
                continue;
            }
            for (number, _) in blamed {
                telemetry::hopeless(self.segment, *number, table, &error);
                hopeless.insert(*number, Reason::refused_by_store(&error));
            }
        }
        Ok(())
    }

    /// Sends a batch of our own words. There is no message to blame if it is refused, and the segment cannot
    /// go before it is in: that is for the operator to see and to mend.
    pub(super) async fn insert_surely(&self, batch: &Batch) -> Result<(), Stopped> {
        let (block, token) = (&*batch.block, self.token(batch));
        self.until_done(block.table(), async || {
            self.store.insert(block, 0..block.rows(), &batch.pieces, &token).await
        })
        .await?;
        Ok(())
    }

    fn token(&self, batch: &Batch) -> String {
        format!("{}/{LAYOUT}/{}/{}", self.segment, batch.block.table(), batch.index)
    }

    /// Repeats what ClickHouse may yet do. An error that comes back is final.
    async fn retried<F>(
        &self,
        table: &'static str,
        request: impl Fn() -> F,
    ) -> Result<Result<Inserted, StoreError>, Stopped>
    where
        F: Future<Output = Result<Inserted, StoreError>>,
    {
        self.until_done(table, async || match request().await {
            Err(error) if error.kind() != Kind::Transient => Ok(Err(error)),
            outcome => outcome.map(Ok),
        })
        .await
    }

    /// Repeats a request for as long as it fails and the daemon runs.
    pub(super) async fn until_done<T>(
        &self,
        what: &'static str,
        request: impl AsyncFn() -> Result<T, StoreError>,
    ) -> Result<T, Stopped> {
        let mut backoff = Backoff::new();
        loop {
            let outcome = tokio::select! {
                outcome = request() => outcome,
                () = self.stop.cancelled() => return Err(Stopped),
            };
            let error = match outcome {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let pause = backoff.next_pause();
            telemetry::store_refuses(what, &error, pause);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return Err(Stopped),
            }
        }
    }
}

/// The rows of a piece of a batch.
fn rows_of(batch: &Batch, piece: &Range<usize>) -> Range<usize> {
    let end_of = |message: usize| batch.messages.get(message).map_or(0, |(_, end)| *end);
    let start = piece.start.checked_sub(1).map_or(0, end_of);
    let end = piece.end.checked_sub(1).map_or(0, end_of);
    start..end
}
