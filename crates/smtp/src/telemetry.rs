//! Events and metrics of the SMTP receiver.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use tracing::{debug, error, info, warn};

use crate::SmtpError;
use ruad_spool::{Envelope, SpoolError};

/// Registers the help texts.
pub fn describe() {
    describe_counter!("ruad_smtp_sessions_total", "SMTP sessions, by how they ended.");
    describe_gauge!("ruad_smtp_sessions_open", "Open SMTP sessions.");
    describe_histogram!("ruad_smtp_session_seconds", Unit::Seconds, "Duration of SMTP sessions.");
    describe_counter!("ruad_smtp_messages_total", "Messages received completely, by outcome.");
    describe_histogram!("ruad_smtp_message_bytes", Unit::Bytes, "Size of stored messages.");
    describe_histogram!(
        "ruad_smtp_message_seconds",
        Unit::Seconds,
        "Time from DATA or the first BDAT to the reply, for stored messages."
    );
    describe_counter!("ruad_smtp_recipients_total", "RCPT commands, by outcome.");
    describe_counter!("ruad_smtp_limits_total", "Times a limit took effect, by limit.");
    describe_counter!("ruad_smtp_spool_errors_total", "Messages that the spool refused, by reason.");
    describe_counter!("ruad_smtp_tls_handshakes_total", "STARTTLS handshakes, by outcome.");
    describe_counter!("ruad_smtp_tls_reloads_total", "Reloads of the certificate, by outcome.");
    describe_gauge!(
        "ruad_smtp_tls_certificate_expiry_timestamp_seconds",
        Unit::Seconds,
        "Expiry of the STARTTLS certificate, as Unix time."
    );
    describe_counter!(
        "ruad_smtp_plaintext_discarded_total",
        "Sessions that sent plaintext after STARTTLS; the bytes were discarded (CVE-2011-0411)."
    );
    describe_counter!("ruad_smtp_accept_errors_total", "Failed accept() calls.");
}

/// A limit that took effect.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    Sessions,
    AddressSessions,
    Line,
    Recipients,
    MessageSize,
    Discard,
    Errors,
    CommandTimeout,
    SessionTimeout,
    Slow,
    Commands,
    Messages,
}

impl Limit {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::AddressSessions => "address_sessions",
            Self::Line => "line",
            Self::Recipients => "recipients",
            Self::MessageSize => "message_size",
            Self::Discard => "discard",
            Self::Errors => "errors",
            Self::CommandTimeout => "command_timeout",
            Self::SessionTimeout => "session_timeout",
            Self::Slow => "slow",
            Self::Commands => "commands",
            Self::Messages => "messages",
        }
    }
}

/// Counts a limit that took effect.
pub(crate) fn limit(limit: Limit) {
    counter!("ruad_smtp_limits_total", "limit" => limit.as_str()).increment(1);
}

/// A socket is ready.
pub(crate) fn listening(address: Option<SocketAddr>) {
    match address {
        Some(address) => info!(%address, "SMTP listening."),
        None => info!("SMTP listening."),
    }
}

/// No new sessions are accepted.
pub(crate) fn stopping(sessions: usize) {
    info!(sessions, "Stopping the SMTP receiver.");
}

/// Sessions outlived the shutdown's deadline. Nothing acknowledged is lost: their senders try again.
pub(crate) fn left_behind(sessions: usize) {
    warn!(sessions, "Stopped the SMTP receiver with sessions still open.");
}

/// A connection could not be accepted.
pub(crate) fn accept_failed(error: &io::Error) {
    counter!("ruad_smtp_accept_errors_total").increment(1);
    warn!(%error, "Failed to accept an SMTP connection.");
}

/// A session, counted as open until it is dropped.
pub(crate) struct OpenSession(());

impl OpenSession {
    pub(crate) fn begin() -> Self {
        gauge!("ruad_smtp_sessions_open").increment(1);
        Self(())
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        gauge!("ruad_smtp_sessions_open").decrement(1);
    }
}

/// A session is over.
pub(crate) struct SessionEnded<'a> {
    pub(crate) client: IpAddr,
    pub(crate) helo: &'a str,
    pub(crate) tls: &'a str,
    pub(crate) messages: u32,
    pub(crate) errors: u32,
    /// How it ended, from a fixed set.
    pub(crate) end: &'static str,
    pub(crate) limit: Option<Limit>,
    pub(crate) error: Option<&'a (dyn std::error::Error + 'static)>,
    pub(crate) started: Instant,
}

impl SessionEnded<'_> {
    pub(crate) fn emit(self) {
        let Self { client, helo, tls, messages, errors, end, error, started, .. } = self;
        let seconds = started.elapsed().as_secs_f64();
        counter!("ruad_smtp_sessions_total", "end" => end).increment(1);
        histogram!("ruad_smtp_session_seconds").record(seconds);
        if let Some(hit) = self.limit {
            limit(hit);
        }
        // Sessions that end as they should are many, and their messages have lines of their own.
        if matches!(end, "quit" | "closed" | "address_sessions") && errors == 0 {
            debug!(%client, helo, tls, messages, errors, end, seconds, "SMTP session ended");
        } else {
            info!(%client, helo, tls, messages, errors, end, error, seconds, "SMTP session ended.");
        }
    }
}

/// A message that was received to its end.
pub(crate) struct Message {
    client: IpAddr,
    helo: String,
    tls: String,
    from_domain: String,
    recipients: usize,
    bytes: u64,
    started: Instant,
}

impl Message {
    pub(crate) fn new(envelope: &Envelope, bytes: u64, started: Instant) -> Self {
        let from_domain = envelope.mail_from.rsplit_once('@').map_or("", |(_, domain)| domain);
        Self {
            client: envelope.client_ip,
            helo: envelope.helo.clone(),
            tls: envelope.tls.clone().unwrap_or_default(),
            from_domain: from_domain.to_owned(),
            recipients: envelope.rcpt_to.len(),
            bytes,
            started,
        }
    }

    /// It is in the spool, durably.
    pub(crate) fn stored(self) {
        let Self { client, helo, tls, from_domain, recipients, bytes, started } = self;
        let seconds = started.elapsed().as_secs_f64();
        counter!("ruad_smtp_messages_total", "outcome" => "stored").increment(1);
        histogram!("ruad_smtp_message_bytes").record(bytes as f64);
        histogram!("ruad_smtp_message_seconds").record(seconds);
        info!(%client, helo, tls, from_domain, recipients, bytes, seconds, outcome = "stored", "SMTP message.");
    }

    /// It was not stored, and the sender knows. The outcome is from a fixed set.
    pub(crate) fn refused(self, outcome: &'static str) {
        let Self { client, helo, tls, from_domain, recipients, bytes, started } = self;
        let seconds = started.elapsed().as_secs_f64();
        counter!("ruad_smtp_messages_total", "outcome" => outcome).increment(1);
        warn!(%client, helo, tls, from_domain, recipients, bytes, seconds, outcome, "SMTP message.");
    }
}

/// A client was disconnected in the middle of a message far beyond the limit.
pub(crate) fn message_cut(client: IpAddr, bytes: u64) {
    counter!("ruad_smtp_messages_total", "outcome" => "cut").increment(1);
    warn!(%client, bytes, outcome = "cut", "SMTP message.");
}

/// A RCPT command was answered.
pub(crate) fn recipient(accepted: bool) {
    let outcome = if accepted { "accepted" } else { "refused" };
    counter!("ruad_smtp_recipients_total", "outcome" => outcome).increment(1);
}

/// The spool has no room for another message; the sender heard `452`.
pub(crate) fn spool_full(error: &SpoolError) {
    counter!("ruad_smtp_spool_errors_total", "reason" => error.code()).increment(1);
    warn!(%error, "SMTP message deferred.");
}

/// The spool did not take a message; the sender heard `451` or `452`.
pub(crate) fn spool_failed(error: &SpoolError) {
    counter!("ruad_smtp_spool_errors_total", "reason" => error.code()).increment(1);
    error!(%error, "SMTP message not stored.");
}

/// A STARTTLS handshake ended.
pub(crate) fn handshake(succeeded: bool) {
    let outcome = if succeeded { "ok" } else { "failed" };
    counter!("ruad_smtp_tls_handshakes_total", "outcome" => outcome).increment(1);
}

/// Somebody sent bytes behind STARTTLS in plain text: a bug, or an attempt to smuggle commands into the session.
pub(crate) fn plaintext_discarded(client: IpAddr, bytes: usize) {
    counter!("ruad_smtp_plaintext_discarded_total").increment(1);
    warn!(%client, bytes, "Discarded plaintext sent after STARTTLS.");
}

/// A certificate is in use from now on; its end of validity in Unix seconds.
pub(crate) fn certificate_loaded(expiry: Option<i64>) {
    match expiry {
        Some(expiry) => {
            gauge!("ruad_smtp_tls_certificate_expiry_timestamp_seconds").set(expiry as f64);
            info!(expiry, "SMTP certificate loaded.");
        }
        None => warn!("SMTP certificate loaded; its expiry cannot be read."),
    }
}

/// A reload of the certificate was asked for.
pub(crate) fn certificate_reloaded(error: Option<&SmtpError>) {
    let outcome = if error.is_some() { "failed" } else { "ok" };
    counter!("ruad_smtp_tls_reloads_total", "outcome" => outcome).increment(1);
    if let Some(error) = error {
        error!(%error, "Failed to reload the SMTP certificate; keeping the previous one.");
    }
}
