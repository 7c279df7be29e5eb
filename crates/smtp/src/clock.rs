//! The deadlines of a session, which nothing in it outlives.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{end::End, settings::Settings, slots::Slot};

/// What a session is waiting for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// A command: a shutdown ends the session.
    Command,
    /// More of a message: a shutdown lets it come to its end, within `shutdown_timeout`.
    Message,
}

/// The deadlines of one session, with one timer for all of them that is seldom moved.
pub(super) struct Clock {
    command_timeout: Duration,
    shutdown_timeout: Duration,
    session_end: Instant,
    /// Ends all sessions.
    stop: CancellationToken,
    /// Ends this one, which is also what a shutdown does.
    token: CancellationToken,
    /// The place of the session; none before the client is known.
    slot: Option<Slot>,
    stopped: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    stopping: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(super) fn new(settings: &Settings, stop: CancellationToken) -> Self {
        Self {
            command_timeout: settings.command_timeout,
            shutdown_timeout: settings.shutdown_timeout,
            session_end: Instant::now() + settings.session_timeout,
            token: stop.child_token(),
            stop,
            slot: None,
            stopped: None,
            stopping: false,
            sleep: None,
        }
    }

    /// Gives the session its place, which it can lose to others.
    pub(super) fn occupy(&mut self, slot: Slot) {
        slot.entry().lose_to(self.token.clone());
        self.slot = Some(slot);
    }

    /// The place, where there is one.
    pub(super) fn slot(&self) -> Option<&Slot> {
        self.slot.as_ref()
    }

    /// Until when what is awaited next has to be here.
    pub(super) fn command_deadline(&self) -> Instant {
        Instant::now() + self.command_timeout
    }

    /// Awaits something until a deadline.
    pub(super) async fn within<F: Future>(
        &mut self,
        until: Instant,
        phase: Phase,
        future: F,
    ) -> Result<F::Output, End> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll(cx, until, phase).map(Err),
        })
        .await
    }

    /// Looks at the deadlines without waiting: a client who never lets us wait would outrun them otherwise.
    pub(super) fn check(&mut self, until: Instant, phase: Phase) -> Result<(), End> {
        if let Some(end) = self.token.is_cancelled().then(|| self.interrupted()).flatten() {
            return Err(end);
        }
        self.expired(until, phase).map_or(Ok(()), Err)
    }

    fn poll(&mut self, cx: &mut Context<'_>, until: Instant, phase: Phase) -> Poll<End> {
        if !self.stopping {
            let stopped = self.stopped.get_or_insert_with(|| Box::pin(self.token.clone().cancelled_owned()));
            if stopped.as_mut().poll(cx).is_ready()
                && let Some(end) = self.interrupted()
            {
                return Poll::Ready(end);
            }
        }
        if self.stopping && phase == Phase::Command {
            return Poll::Ready(End::Shutdown);
        }
        loop {
            let wake = until.min(self.session_end);
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(wake)));
            // A timer that rings too early costs one look at the clock; one moved with every command costs more.
            if wake < sleep.deadline() {
                sleep.as_mut().reset(wake);
            }
            ready!(sleep.as_mut().poll(cx));
            sleep.as_mut().reset(wake);
            if let Some(end) = self.expired(until, phase) {
                return Poll::Ready(end);
            }
        }
    }

    fn expired(&self, until: Instant, phase: Phase) -> Option<End> {
        let now = Instant::now();
        match (self.stopping, phase) {
            (true, Phase::Command) => Some(End::Shutdown),
            (true, Phase::Message) if now >= until.min(self.session_end) => Some(End::Shutdown),
            _ if now >= self.session_end => Some(End::SessionTimeout),
            _ if now >= until => Some(End::Timeout),
            _ => None,
        }
    }

    /// The token was cancelled: by a shutdown, which lets messages end, or because the place was lost.
    fn interrupted(&mut self) -> Option<End> {
        if !self.stop.is_cancelled() {
            return Some(End::TooSlow);
        }
        self.begin_stopping();
        None
    }

    fn begin_stopping(&mut self) {
        if !self.stopping {
            self.stopping = true;
            self.session_end = self.session_end.min(Instant::now() + self.shutdown_timeout);
        }
    }
}
