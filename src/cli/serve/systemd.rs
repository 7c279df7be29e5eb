//! What systemd is told: ready, reloading, stopping, alive. Without systemd all of it does nothing.

use std::time::Duration;

use ruad::http::{Health, Part};
use sd_notify::NotifyState;

/// Mail can be taken.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Files are read again; [`ready`] follows.
pub(super) fn reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// The end has begun.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says twice in each watchdog interval that the process lives, as long as the receiver does.
pub(super) async fn keep_alive(health: Health) {
    let Some(interval) = sd_notify::watchdog_enabled() else { return };
    let mut beat = tokio::time::interval((interval / 2).max(Duration::from_millis(100)));
    loop {
        beat.tick().await;
        if health.works(Part::Smtp) {
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "Cannot notify systemd.");
    }
}
