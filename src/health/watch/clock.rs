//! The time of day for stamps.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::health::telemetry::clock_jumped;
use ruad_common::time::unix_seconds;

/// A clock of the system that is not believed when it jumps: a stamp of the year 2050 in the history of a key would make
/// it look old for ever. A new time is believed once it has stood for a while.
#[derive(Debug)]
pub(super) struct Clock(Mutex<Held>);

#[derive(Debug)]
struct Held {
    /// What the clock said at a moment.
    anchor: (Instant, u64),
    /// Since when it says something else, and how far off that is.
    doubt: Option<(Instant, i64)>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Held { anchor: (Instant::now(), system()), doubt: None }))
    }

    /// Seconds since 1970; none as long as the clock has not been set.
    pub(super) fn now(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read(Instant::now(), system())
    }
}

impl Held {
    fn read(&mut self, moment: Instant, said: u64) -> Option<u64> {
        let (since, wall) = self.anchor;
        let expected = wall + moment.saturating_duration_since(since).as_secs();
        let off = said as i64 - expected as i64;
        let stood = match self.doubt {
            Some((from, before)) if before.abs_diff(off) <= SLACK => moment.saturating_duration_since(from),
            _ => Duration::ZERO,
        };
        if off.unsigned_abs() <= SLACK || expected < EARLIEST || stood >= TRIAL {
            (self.anchor, self.doubt) = ((moment, said), None);
            return (said >= EARLIEST).then_some(said);
        }
        if stood.is_zero() && self.doubt.is_none_or(|(_, before)| before.abs_diff(off) > SLACK) {
            clock_jumped(off);
            self.doubt = Some((moment, off));
        }
        Some(expected)
    }
}

fn system() -> u64 {
    unix_seconds()
}

/// Seconds by which a clock that is kept right may be put right at once.
const SLACK: u64 = 120;

/// How long another time has to stand.
const TRIAL: Duration = Duration::from_secs(3_600);

/// 2026-01-01: before this program was written, nobody ran it.
const EARLIEST: u64 = 1_767_225_600;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = EARLIEST + 1_000_000;

    fn held(wall: u64) -> (Held, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        (Held { anchor: (start, wall), doubt: None }, move |seconds| start + Duration::from_secs(seconds))
    }

    #[test]
    fn a_jump_is_not_believed_at_once() {
        for jump in [-100_000_000, -4_000, 4_000, 1_000_000_000_i64] {
            let (mut held, at) = held(NOW);
            let jumped = |seconds: u64| (NOW + seconds).saturating_add_signed(jump);
            assert_eq!(held.read(at(10), NOW + 10), Some(NOW + 10));
            assert_eq!(held.read(at(20), jumped(20)), Some(NOW + 20), "{jump}");
            assert_eq!(held.read(at(3_000), jumped(3_000)), Some(NOW + 3_000));
            // Back where it was: nothing has happened.
            assert_eq!(held.read(at(3_100), NOW + 3_100), Some(NOW + 3_100));
            assert_eq!(held.read(at(4_000), jumped(4_000)), Some(NOW + 4_000));
            assert_eq!(held.read(at(7_599), jumped(7_599)), Some(NOW + 7_599));
        }
    }

    #[test]
    fn a_time_that_stands_is_believed() {
        let (mut held, at) = held(NOW);
        assert_eq!(held.read(at(10), NOW + 50_010), Some(NOW + 10));
        assert_eq!(held.read(at(3_700), NOW + 53_700), Some(NOW + 53_700));
        assert_eq!(held.read(at(3_701), NOW + 53_701), Some(NOW + 53_701));
    }

    #[test]
    fn small_steps_are_followed() {
        let (mut held, at) = held(NOW);
        for step in 1..100 {
            assert_eq!(held.read(at(step), NOW + step * 100), Some(NOW + step * 100));
        }
    }

    #[test]
    fn a_clock_that_was_never_set_says_nothing_until_it_is() {
        let (mut held, at) = held(12);
        assert_eq!(held.read(at(1), 13), None);
        assert_eq!(held.read(at(2), NOW), Some(NOW));
    }
}
