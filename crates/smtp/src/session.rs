//! The conversation: which command may follow which, and what is answered.

use std::{mem, net::IpAddr};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    clock::Phase,
    command::{Command, Refusal},
    connection::Shared,
    end::End,
    receive::{Receiver, spool_reply},
    reply::Reply,
    wire::Wire,
};
use crate::{telemetry, telemetry::Limit};

mod message;

/// One client's conversation, in plain text or within TLS.
pub(super) struct Session<'s> {
    shared: &'s Shared,
    client: IpAddr,
    /// Version and cipher suite.
    tls: Option<String>,
    helo: Option<String>,
    transaction: Option<Transaction>,
    errors: u32,
    /// Commands since the last message.
    commands: u32,
    messages: u32,
    line: Vec<u8>,
}

/// What is known of the message that comes next.
#[derive(Default)]
struct Transaction {
    from: String,
    recipients: Vec<String>,
    /// RCPT commands so far, whatever became of them.
    asked: usize,
    /// A message that arrives in chunks.
    chunks: Option<Receiver>,
}

impl<'s> Session<'s> {
    pub(super) fn new(shared: &'s Shared, client: IpAddr) -> Self {
        Self {
            shared,
            client,
            tls: None,
            helo: None,
            transaction: None,
            errors: 0,
            commands: 0,
            messages: 0,
            line: Vec::new(),
        }
    }

    /// Talks until there is a reason to stop.
    pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(&mut self, wire: &mut Wire<S>) -> End {
        loop {
            if let Err(end) = self.step(wire).await {
                return end;
            }
        }
    }

    /// Begins anew within TLS: nothing said before counts (RFC 3207 section 4.2), but for the errors.
    pub(super) fn secure(&mut self, description: String) {
        self.tls = Some(description);
        self.helo = None;
        self.transaction = None;
    }

    pub(super) fn client(&self) -> IpAddr {
        self.client
    }

    pub(super) fn line_bytes(&self) -> usize {
        self.shared.settings.line_bytes
    }

    pub(super) fn helo(&self) -> &str {
        self.helo.as_deref().unwrap_or("")
    }

    pub(super) fn tls(&self) -> Option<&str> {
        self.tls.as_deref()
    }

    pub(super) fn messages(&self) -> u32 {
        self.messages
    }

    pub(super) fn errors(&self) -> u32 {
        self.errors
    }

    /// One command and its answer.
    async fn step<S: AsyncRead + AsyncWrite + Unpin>(&mut self, wire: &mut Wire<S>) -> Result<(), End> {
        let phase = if self.chunks_begun() { Phase::Message } else { Phase::Command };
        let mut line = mem::take(&mut self.line);
        let result = match wire.read_line(&mut line, phase).await? {
            true => match Command::parse(&line) {
                Ok(command) => self.answer(command, wire).await,
                // An unknown command ends a group of pipelined ones (RFC 2920 section 3.2).
                Err(Refusal::Reply(reply)) => match self.refuse(reply, wire) {
                    Ok(()) => wire.deliver_replies(phase).await,
                    Err(end) => Err(end),
                },
                Err(Refusal::Lost) => Err(End::Lost),
                Err(Refusal::Foreign) => Err(End::Foreign),
            },
            false => {
                telemetry::limit(Limit::Line);
                self.refuse(Reply::LINE_TOO_LONG, wire)
            }
        };
        self.line = line;
        result?;
        if wire.has_much_to_say() {
            wire.deliver_replies(phase).await?;
        }
        Ok(())
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        command: Command<'_>,
        wire: &mut Wire<S>,
    ) -> Result<(), End> {
        self.commands += 1;
        if self.commands > COMMANDS_PER_MESSAGE && !command.is_of_message() {
            telemetry::limit(Limit::Commands);
            self.count_error()?;
        }
        // RFC 2920 section 3.2: these end a group of pipelined commands.
        let ends_batch = command.ends_batch();
        match command {
            Command::Helo { name } => {
                self.hello(name);
                wire.say_lines(&self.shared.helo_reply);
            }
            Command::Ehlo { name } => {
                self.hello(name);
                let offer_tls = self.tls.is_none() && self.shared.tls.is_some();
                wire.say_lines(if offer_tls { &self.shared.ehlo_reply_tls } else { &self.shared.ehlo_reply });
            }
            Command::Mail { from, size } => return self.mail(&from, size, wire),
            Command::Rcpt { to } => return self.rcpt(&to, wire),
            Command::Data => return self.data(wire).await,
            Command::Bdat { size, last } => return self.bdat(size, last, wire).await,
            Command::StartTls if self.shared.tls.is_none() => {
                return self.refuse(Reply::NOT_IMPLEMENTED, wire);
            }
            Command::StartTls if self.tls.is_some() => return self.refuse(Reply::ALREADY_TLS, wire),
            Command::StartTls => {
                wire.say(Reply::READY_FOR_TLS);
                return Err(End::StartTls);
            }
            Command::Rset => {
                self.transaction = None;
                wire.say(Reply::RESET);
            }
            Command::Noop => wire.say(Reply::NOTHING_DONE),
            Command::Vrfy => wire.say(Reply::CANNOT_VERIFY),
            Command::Expn => return self.refuse(Reply::NO_LISTS, wire),
            Command::Help => wire.say(Reply::HELP),
            Command::Quit => return Err(End::Quit),
        }
        if ends_batch {
            let phase = if self.chunks_begun() { Phase::Message } else { Phase::Command };
            wire.deliver_replies(phase).await?;
        }
        Ok(())
    }

    fn hello(&mut self, name: &str) {
        name.clone_into(self.helo.get_or_insert_default());
        self.transaction = None;
    }

    fn mail<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        from: &str,
        size: u64,
        wire: &mut Wire<S>,
    ) -> Result<(), End> {
        if self.helo.is_none() {
            return self.refuse(Reply::HELLO_FIRST, wire);
        }
        if self.transaction.is_some() {
            return self.refuse(Reply::ALREADY_MAIL, wire);
        }
        if self.messages >= MESSAGES_PER_SESSION {
            return Err(End::Messages);
        }
        if size > self.shared.settings.message_bytes {
            telemetry::limit(Limit::MessageSize);
            return self.refuse(Reply::TOO_BIG, wire);
        }
        if let Err(error) = self.shared.spool.has_room() {
            telemetry::spool_full(&error);
            wire.say(spool_reply(&error));
            return Ok(());
        }
        self.transaction = Some(Transaction { from: from.to_owned(), ..Transaction::default() });
        wire.say(Reply::SENDER_TAKEN);
        Ok(())
    }

    fn rcpt<S: AsyncRead + AsyncWrite + Unpin>(&mut self, to: &str, wire: &mut Wire<S>) -> Result<(), End> {
        let limit = self.shared.settings.recipients_per_message;
        let Some(transaction) = &mut self.transaction else {
            return self.refuse(Reply::MAIL_FIRST, wire);
        };
        if transaction.chunks.is_some() {
            return self.refuse(Reply::CHUNKS_BEGUN, wire);
        }
        transaction.asked += 1;
        let Some(recipient) = self.shared.recipients.accept(to) else {
            telemetry::recipient(false);
            return self.refuse(Reply::NOT_FOR_US, wire);
        };
        if !transaction.recipients.contains(&recipient) {
            if transaction.recipients.len() >= limit {
                telemetry::limit(Limit::Recipients);
                // Senders with long lists split them after a 452 (RFC 5321 section 4.5.3.1.10), so a moderate
                // excess is no error; a flood is.
                if transaction.asked > 2 * limit {
                    return self.refuse(Reply::TOO_MANY_RECIPIENTS, wire);
                }
                wire.say(Reply::TOO_MANY_RECIPIENTS);
                return Ok(());
            }
            transaction.recipients.push(recipient);
        }
        telemetry::recipient(true);
        wire.say(Reply::RECIPIENT_TAKEN);
        Ok(())
    }

    /// Answers with an error of the client, of which there may be only so many.
    fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        reply: Reply,
        wire: &mut Wire<S>,
    ) -> Result<(), End> {
        wire.say(reply);
        self.count_error()
    }

    fn count_error(&mut self) -> Result<(), End> {
        self.errors += 1;
        if self.errors >= self.shared.settings.errors_per_session {
            return Err(End::Errors);
        }
        Ok(())
    }

    fn chunks_begun(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| transaction.chunks.is_some())
    }
}

/// So many commands without a message are no error: a client needs five or six for each, and some send NOOP to keep
/// a session.
const COMMANDS_PER_MESSAGE: u32 = 100;

/// Reporters send a handful, and a sender with more connects again after a 421 (RFC 5321 section 3.8).
const MESSAGES_PER_SESSION: u32 = 1000;
