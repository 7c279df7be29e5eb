//! The replies of a session. Each has an enhanced status code (RFC 3463), but for the greeting, the answers to HELO
//! and EHLO and the intermediate `354`, which RFC 2034 section 4 leaves without.

use bytes::BufMut;

/// One reply line without its line end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Reply(&'static str);

impl Reply {
    pub(super) const READY_FOR_TLS: Self = Self("220 2.0.0 ready to start TLS");
    pub(super) const CLOSING: Self = Self("221 2.0.0 goodbye");
    pub(super) const HELP: Self = Self("214 2.0.0 this machine receives DMARC and TLS reports, see RFC 5321");
    pub(super) const RESET: Self = Self("250 2.0.0 forgotten");
    pub(super) const NOTHING_DONE: Self = Self("250 2.0.0 ok");
    pub(super) const STORED: Self = Self("250 2.6.0 message stored");
    pub(super) const CHUNK_TAKEN: Self = Self("250 2.0.0 chunk received");
    pub(super) const SENDER_TAKEN: Self = Self("250 2.1.0 sender ok");
    pub(super) const RECIPIENT_TAKEN: Self = Self("250 2.1.5 recipient ok");
    pub(super) const CANNOT_VERIFY: Self = Self("252 2.7.0 addresses are not verified; send the message");
    pub(super) const SEND_DATA: Self = Self("354 end data with <CR><LF>.<CR><LF>");

    pub(super) const SHUTTING_DOWN: Self = Self("421 4.3.2 shutting down, try again later");
    pub(super) const TIMEOUT: Self = Self("421 4.4.2 timeout, closing");
    pub(super) const SESSION_TOO_LONG: Self = Self("421 4.4.2 session took too long, closing");
    pub(super) const TOO_MANY_ERRORS: Self = Self("421 4.7.0 too many errors, closing");
    pub(super) const TOO_MANY_SESSIONS: Self = Self("421 4.7.0 too many sessions, try again later");
    pub(super) const TOO_MANY_FROM_HERE: Self =
        Self("421 4.7.0 too many sessions from your address, try again later");
    pub(super) const TOO_MANY_MESSAGES: Self =
        Self("421 4.7.0 too many messages in one session, connect again for the rest");
    pub(super) const TOO_SLOW: Self = Self("421 4.4.2 too slow while others wait, closing");
    pub(super) const SPOOL_FAILED: Self = Self("451 4.3.0 the message could not be stored, try again later");
    pub(super) const SPOOL_FULL: Self = Self("452 4.3.1 no room for messages, try again later");
    pub(super) const TOO_MANY_RECIPIENTS: Self = Self("452 4.5.3 too many recipients for one message");

    pub(super) const UNKNOWN_COMMAND: Self = Self("500 5.5.1 command not recognized");
    pub(super) const LINE_TOO_LONG: Self = Self("500 5.5.2 line too long");
    pub(super) const BAD_LINE: Self =
        Self("500 5.5.2 command lines end with CR LF and hold no control characters");
    pub(super) const BAD_SYNTAX: Self = Self("501 5.5.4 syntax error in parameters");
    pub(super) const BAD_SENDER: Self = Self("501 5.1.7 bad sender address syntax");
    pub(super) const BAD_RECIPIENT: Self = Self("501 5.1.3 bad recipient address syntax");
    pub(super) const BAD_CHUNK: Self = Self("501 5.5.4 bad chunk size, closing");
    pub(super) const NOT_IMPLEMENTED: Self = Self("502 5.5.1 command not implemented");
    pub(super) const NO_LISTS: Self = Self("502 5.7.0 lists are not expanded");
    pub(super) const HELLO_FIRST: Self = Self("503 5.5.1 say EHLO first");
    pub(super) const MAIL_FIRST: Self = Self("503 5.5.1 say MAIL first");
    pub(super) const RECIPIENT_FIRST: Self = Self("503 5.5.1 say RCPT first");
    pub(super) const ALREADY_MAIL: Self = Self("503 5.5.1 a sender was already given");
    pub(super) const CHUNKS_BEGUN: Self = Self("503 5.5.1 a message in chunks ends with BDAT LAST");
    pub(super) const ALREADY_TLS: Self = Self("503 5.5.1 TLS is already in use");
    pub(super) const TOO_BIG: Self = Self("552 5.3.4 message too big");
    pub(super) const NOT_ASCII: Self = Self("553 5.6.7 addresses beyond ASCII need SMTPUTF8");
    pub(super) const NO_RECIPIENTS: Self = Self("554 5.5.1 no valid recipients");
    pub(super) const NOT_SMTP: Self = Self("554 5.5.1 this is not SMTP, closing");
    pub(super) const BAD_PARAMETER: Self = Self("555 5.5.4 parameter not supported");
    pub(super) const NOT_FOR_US: Self = Self("550 5.7.1 no such recipient here, and no relaying");

    /// Adds the reply with its line end to what goes to the client.
    pub(super) fn write(self, out: &mut impl BufMut) {
        out.put_slice(self.0.as_bytes());
        out.put_slice(b"\r\n");
    }

    /// The reply as bytes with its line end.
    pub(super) fn line(self) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.0.len() + 2);
        self.write(&mut line);
        line
    }
}
