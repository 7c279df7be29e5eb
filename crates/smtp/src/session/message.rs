//! DATA and BDAT: the message itself.

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Session, Transaction};
use crate::{
    data::{DataReader, Piece},
    end::End,
    receive::Receiver,
    reply::Reply,
    telemetry,
    telemetry::Limit,
    wire::Wire,
};
use ruad_common::time::unix_millis;
use ruad_spool::Envelope;

impl Session<'_> {
    /// `DATA`: a message up to its final dot.
    pub(super) async fn data<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        wire: &mut Wire<S>,
    ) -> Result<(), End> {
        if self.chunks_begun() {
            return self.refuse(Reply::CHUNKS_BEGUN, wire);
        }
        let transaction = match self.ready() {
            Ok(transaction) => transaction,
            Err(reply) => return self.refuse(reply, wire),
        };
        wire.say(Reply::SEND_DATA);
        let mut receiver = Receiver::new(&self.shared.spool, &self.shared.settings);
        let mut reader = DataReader::default();
        'message: loop {
            let mut input = wire.input();
            while let Some(piece) = reader.next(&mut input) {
                match piece {
                    Piece::Bytes(bytes) => receiver.take(bytes).await,
                    Piece::End => {
                        let left = input.len();
                        wire.consume(wire.input().len() - left);
                        break 'message;
                    }
                }
            }
            wire.consume(wire.input().len());
            if receiver.overruns(0) {
                return self.overrun(&receiver);
            }
            wire.read_message().await?;
        }
        wire.shrink();
        self.finish(transaction, receiver, wire).await
    }

    /// `BDAT` (RFC 3030): so many bytes, taken as they are. They follow whatever is said about them, so they are
    /// always read.
    pub(super) async fn bdat<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        size: u64,
        last: bool,
        wire: &mut Wire<S>,
    ) -> Result<(), End> {
        let mut transaction = match self.ready() {
            Ok(transaction) => transaction,
            Err(reply) => {
                if size > self.shared.settings.discard_bytes {
                    return Err(End::Oversize);
                }
                chunk(size, None, wire).await?;
                return self.refuse(reply, wire);
            }
        };
        let mut receiver = transaction
            .chunks
            .take()
            .unwrap_or_else(|| Receiver::new(&self.shared.spool, &self.shared.settings));
        if receiver.overruns(size) {
            return self.overrun(&receiver);
        }
        if receiver.exceeds(size) {
            receiver.fail(Reply::TOO_BIG);
        }
        chunk(size, Some(&mut receiver), wire).await?;
        if last || receiver.failure().is_some() {
            wire.shrink();
            return self.finish(transaction, receiver, wire).await;
        }
        transaction.chunks = Some(receiver);
        self.transaction = Some(transaction);
        wire.say(Reply::CHUNK_TAKEN);
        Ok(())
    }

    /// The transaction, when a message may follow it. A refused DATA or BDAT leaves it as it is.
    fn ready(&mut self) -> Result<Transaction, Reply> {
        if self.helo.is_none() {
            return Err(Reply::HELLO_FIRST);
        }
        match &self.transaction {
            None => Err(Reply::MAIL_FIRST),
            Some(transaction) if transaction.recipients.is_empty() && transaction.asked > 0 => {
                Err(Reply::NO_RECIPIENTS)
            }
            Some(transaction) if transaction.recipients.is_empty() => Err(Reply::RECIPIENT_FIRST),
            Some(_) => self.transaction.take().ok_or(Reply::MAIL_FIRST),
        }
    }

    /// Stores the message and says so.
    async fn finish<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        transaction: Transaction,
        receiver: Receiver,
        wire: &mut Wire<S>,
    ) -> Result<(), End> {
        let envelope = Envelope {
            received_at: unix_millis(),
            client_ip: self.client,
            helo: self.helo().to_owned(),
            tls: self.tls.clone(),
            mail_from: transaction.from,
            rcpt_to: transaction.recipients,
        };
        let event = telemetry::Message::new(&envelope, receiver.received(), receiver.started());
        let reply = receiver.finish(envelope).await;
        match reply {
            Reply::STORED => {
                self.messages += 1;
                self.commands = 0;
                if let Some(slot) = wire.clock().slot() {
                    slot.entry().delivered();
                }
                event.stored();
            }
            Reply::TOO_BIG => {
                telemetry::limit(Limit::MessageSize);
                event.refused("too_big");
                return self.refuse(reply, wire);
            }
            _ => event.refused("spool"),
        }
        wire.say(reply);
        Ok(())
    }

    fn overrun(&self, receiver: &Receiver) -> Result<(), End> {
        telemetry::message_cut(self.client, receiver.received());
        Err(End::Oversize)
    }
}

/// Reads the bytes of one chunk.
async fn chunk<S: AsyncRead + AsyncWrite + Unpin>(
    size: u64,
    mut receiver: Option<&mut Receiver>,
    wire: &mut Wire<S>,
) -> Result<(), End> {
    let mut left = size;
    loop {
        let input = wire.input();
        let taken = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if let (Some(receiver), Some(bytes)) = (receiver.as_deref_mut(), input.get(..taken)) {
            receiver.take(bytes).await;
        }
        wire.consume(taken);
        left -= taken as u64;
        if left == 0 {
            return Ok(());
        }
        wire.read_message().await?;
    }
}
