use std::time::Duration;

use uuid::Uuid;

/// Growing pauses between tries, each shortened by chance so that receivers do not come back together.
#[derive(Debug)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// Starts with the shortest pause.
    pub fn new() -> Self {
        Self { tries: 0 }
    }

    /// The next pause: doubling from 0.2 s to 30 s, less up to half.
    pub fn next_pause(&mut self) -> Duration {
        let longest = (FIRST * 2_u32.saturating_pow(self.tries.min(16))).min(LAST);
        self.tries = self.tries.saturating_add(1);
        longest.mul_f64(0.5 + 0.5 * chance())
    }

    /// Tries that failed so far.
    pub fn tries(&self) -> u32 {
        self.tries
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

/// A number from 0 to 1, from the random bits of a new UUID: not worth a crate of its own.
fn chance() -> f64 {
    let bits = Uuid::now_v7().as_u128() as u32;
    f64::from(bits) / f64::from(u32::MAX)
}

const FIRST: Duration = Duration::from_millis(200);
const LAST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let mut backoff = Backoff::new();
        let pauses: Vec<_> = (0..40).map(|_| backoff.next_pause()).collect();
        assert!(pauses[0] >= FIRST / 2 && pauses[0] <= FIRST);
        assert!(pauses[39] >= LAST / 2 && pauses.iter().all(|pause| *pause <= LAST));
    }
}
