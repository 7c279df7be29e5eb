//! One connection from its first to its last byte.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::OwnedSemaphorePermit,
};
use tokio_util::sync::CancellationToken;

use super::{
    clock::{Clock, Phase},
    end::End,
    known::KnownNetworks,
    proxy::Header,
    recipients::Recipients,
    session::Session,
    settings::Settings,
    slots::{Slot, Slots},
    tls::{self, Tls},
    wire::Wire,
};
use crate::telemetry;
use ruad_spool::Spool;

/// What a connection holds when it is let in.
pub(super) enum Place {
    /// The place of its session.
    Taken(Slot),
    /// Permission to say who its client is, where that is limited.
    Arriving(Option<OwnedSemaphorePermit>),
}

/// What all sessions have in common.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) recipients: Recipients,
    pub(super) spool: Spool,
    pub(super) tls: Option<Tls>,
    pub(super) known: KnownNetworks,
    pub(super) slots: Slots,
    pub(super) greeting: String,
    pub(super) helo_reply: String,
    pub(super) ehlo_reply: String,
    pub(super) ehlo_reply_tls: String,
}

impl Shared {
    pub(super) fn new(
        settings: Settings,
        hostname: &str,
        recipients: Recipients,
        spool: Spool,
        tls: Option<Tls>,
    ) -> Self {
        let known = KnownNetworks::default();
        let extensions = format!(
            "PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250 SIZE {}\r\n",
            settings.message_bytes
        );
        Self {
            slots: Slots::new(settings.sessions, settings.sessions_per_address, known.clone()),
            known,
            recipients,
            spool,
            tls,
            greeting: format!("220 {hostname} ESMTP ruad\r\n"),
            helo_reply: format!("250 {hostname}\r\n"),
            ehlo_reply: format!("250-{hostname}\r\n250-{extensions}"),
            ehlo_reply_tls: format!("250-{hostname}\r\n250-STARTTLS\r\n250-{extensions}"),
            settings,
        }
    }

    /// Whether a connection of this peer begins with a PROXY protocol header.
    pub(super) fn is_proxy(&self, peer: IpAddr) -> bool {
        self.settings.proxy_from.iter().any(|network| network.contains(peer))
    }

    /// Serves one connection, which has its place already unless it comes from a proxy.
    pub(super) async fn serve<S: AsyncRead + AsyncWrite + Send + Unpin>(
        self: Arc<Self>,
        stream: S,
        peer: IpAddr,
        place: Place,
        stop: CancellationToken,
    ) {
        let started = Instant::now();
        let mut wire = Wire::new(stream, Clock::new(&self.settings, stop), self.settings.line_bytes);
        let client = match self.client(&mut wire, peer.to_canonical()).await {
            Ok(client) => client,
            Err(end) => {
                let session = Session::new(&self, peer);
                return leave(wire, &session, &end, started).await;
            }
        };
        let mut session = Session::new(&self, client);
        let slot = match place {
            Place::Taken(slot) => Ok(slot),
            Place::Arriving(permit) => {
                drop(permit);
                self.slots.enter(client)
            }
        };
        match slot {
            Ok(slot) => wire.clock_mut().occupy(slot),
            Err(end) => return leave(wire, &session, &end, started).await,
        }
        wire.say_lines(&self.greeting);
        let end = session.run(&mut wire).await;
        match &self.tls {
            // Boxed: a session without TLS should not be as large as one with it.
            Some(tls) if matches!(end, End::StartTls) => {
                Box::pin(upgrade(tls, wire, session, started)).await;
            }
            _ => leave(wire, &session, &end, started).await,
        }
    }

    /// Who is there: the peer itself, or whom a trusted proxy names.
    async fn client<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        wire: &mut Wire<S>,
        peer: IpAddr,
    ) -> Result<IpAddr, End> {
        if !self.is_proxy(peer) {
            return Ok(peer);
        }
        let until = wire.clock().command_deadline().min(tokio::time::Instant::now() + PROXY_TIMEOUT);
        loop {
            match Header::parse(wire.input()).map_err(End::Proxy)? {
                Some(header) => {
                    wire.consume(header.length);
                    return Ok(header.client.map_or(peer, |client| client.to_canonical()));
                }
                None => wire.read_header(until).await?,
            }
        }
    }
}

/// The handshake, and the rest of the session within TLS.
async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    tls: &Tls,
    mut wire: Wire<S>,
    mut session: Session<'_>,
    started: Instant,
) {
    let until = wire.clock().command_deadline();
    if let Err(end) = wire.flush(until, Phase::Command).await {
        return leave(wire, &session, &end, started).await;
    }
    let (stream, mut clock, ahead) = wire.into_parts();
    if ahead > 0 {
        telemetry::plaintext_discarded(session.client(), ahead);
    }
    let handshake = clock.within(until, Phase::Command, tls.acceptor().accept(stream)).await;
    let stream = match handshake {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            telemetry::handshake(false);
            return ended(&session, &End::Handshake(error), started);
        }
        Err(end) => {
            telemetry::handshake(false);
            return ended(&session, &end, started);
        }
    };
    telemetry::handshake(true);
    session.secure(tls::description(stream.get_ref().1));
    let mut stream = stream;
    // A client that does not read holds no more than this.
    stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER));
    let mut wire = Wire::new(stream, clock, session.line_bytes());
    let end = session.run(&mut wire).await;
    leave(wire, &session, &end, started).await;
}

/// Says the last words, and writes down how it went.
async fn leave<S: AsyncRead + AsyncWrite + Unpin>(
    mut wire: Wire<S>,
    session: &Session<'_>,
    end: &End,
    started: Instant,
) {
    if let Some(reply) = end.farewell() {
        wire.say(reply);
    }
    match end {
        End::Closed | End::Io(_) | End::Proxy(_) => {}
        // Its place is taken: there is no time to wait for what else it sends.
        End::TooSlow | End::TooMany => wire.close(false).await,
        // Closing says it all; only TLS has a last word of its own.
        End::Quit if session.tls().is_none() => {
            let until = wire.clock().command_deadline();
            drop(wire.flush(until, Phase::Message).await);
        }
        End::Quit => wire.close(false).await,
        _ => wire.close(true).await,
    }
    ended(session, end, started);
}

fn ended(session: &Session<'_>, end: &End, started: Instant) {
    telemetry::SessionEnded {
        client: session.client(),
        helo: session.helo(),
        tls: session.tls().unwrap_or_default(),
        messages: session.messages(),
        errors: session.errors(),
        end: end.as_str(),
        limit: end.limit(),
        error: end.error(),
        started,
    }
    .emit();
}

/// How long a proxy may take to say who its client is.
const PROXY_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that TLS holds until the client takes them; one record is at most as large.
const TLS_BUFFER: usize = 16 * 1024;
