//! When each domain is due.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

/// The domains that wait, by the moment at which they are due.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    queue: BTreeSet<(Instant, Arc<str>)>,
    due: HashMap<Arc<str>, Instant>,
}

impl Schedule {
    /// Makes a domain due at a moment, in place of when it was.
    pub(super) fn set(&mut self, domain: &Arc<str>, at: Instant) {
        self.remove(domain);
        self.queue.insert((at, domain.clone()));
        self.due.insert(domain.clone(), at);
    }

    /// Takes a domain out.
    pub(super) fn remove(&mut self, domain: &str) {
        if let Some((domain, at)) = self.due.remove_entry(domain) {
            self.queue.remove(&(at, domain));
        }
    }

    /// The next domain, if it is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Arc<str>> {
        let (_, domain) = self.queue.first().filter(|(at, _)| *at <= now)?.clone();
        self.remove(&domain);
        Some(domain)
    }

    /// When the next domain is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// When a domain is due.
    pub(super) fn due(&self, domain: &str) -> Option<Instant> {
        self.due.get(domain).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.due.len()
    }
}

/// How long a domain waits. All of these are drawn by chance, so that domains which began together do not stay together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    /// How often it is examined.
    pub(super) interval: Duration,
    /// A number from 0 to 1.
    pub(super) chance: f64,
}

impl Pause {
    pub(super) fn new(interval: Duration) -> Self {
        // The random bits of a new UUID: not worth a crate of its own.
        let bits = Uuid::now_v7().as_u128() as u32;
        Self { interval, chance: f64::from(bits) / f64::from(u32::MAX) }
    }

    /// Between two examinations.
    pub(super) fn regular(self) -> Duration {
        self.interval.mul_f64(0.9 + 0.2 * self.chance)
    }

    /// After an examination that came when it was not its turn: any time, so that the turns are spread evenly.
    pub(super) fn any(self) -> Duration {
        self.interval.mul_f64(self.chance)
    }

    /// After `failures` examinations in a row with questions that were not answered.
    pub(super) fn retry(self, failures: u32) -> Duration {
        let longest = RETRY.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        longest.mul_f64(0.5 + 0.5 * self.chance).min(self.regular())
    }

    /// Until what was seen once is looked at again, given how long the same answer may come from a cache on the way.
    pub(super) fn second_look(self, copies: Duration) -> Duration {
        let wait = copies.max(SHORTEST_LOOK) + Duration::from_secs(1);
        wait.mul_f64(1.0 + 0.1 * self.chance).min(self.regular())
    }

    /// After a restart, when it was examined `ago` last.
    pub(super) fn resume(self, ago: Duration) -> Duration {
        match self.interval.checked_sub(ago) {
            Some(rest) => rest,
            None => self.any().min(CATCH_UP.mul_f64(self.chance)),
        }
    }
}

const RETRY: Duration = Duration::from_secs(60);
const SHORTEST_LOOK: Duration = Duration::from_secs(30);
/// In what time the domains that became due while the daemon did not run are examined.
const CATCH_UP: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn each_domain_has_one_turn() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let [a, b] = ["a.example", "b.example"].map(Arc::<str>::from);
        schedule.set(&a, now + HOUR);
        schedule.set(&b, now + HOUR * 2);
        assert_eq!(schedule.pop(now), None);
        schedule.set(&b, now);
        assert_eq!((schedule.next(), schedule.len()), (Some(now), 2));
        assert_eq!(schedule.pop(now), Some(b.clone()));
        assert_eq!((schedule.pop(now), schedule.due(&b)), (None, None));
        schedule.remove(&a);
        assert_eq!((schedule.next(), schedule.len()), (None, 0));
    }

    #[test]
    fn pauses_keep_within_the_interval() {
        for chance in [0.0, 0.3, 1.0] {
            let pause = Pause { interval: 6 * HOUR, chance };
            assert!(pause.regular() >= 6 * HOUR * 9 / 10 && pause.regular() <= 6 * HOUR * 11 / 10);
            assert!(pause.any() <= 6 * HOUR);
            let retries: Vec<_> = (1..20).map(|failures| pause.retry(failures)).collect();
            assert!(retries.is_sorted() && retries[0] >= RETRY / 2 && retries[18] == pause.regular());
            assert!(pause.second_look(Duration::ZERO) > SHORTEST_LOOK);
            assert!(pause.second_look(3 * HOUR) > 3 * HOUR && pause.second_look(3 * HOUR) < 4 * HOUR);
            assert_eq!(pause.second_look(24 * HOUR), pause.regular());
            assert_eq!(pause.resume(HOUR), 5 * HOUR);
            assert!(pause.resume(7 * HOUR) <= CATCH_UP);
            let short = Pause { interval: Duration::from_secs(1), chance };
            assert!(
                short.second_look(Duration::ZERO) < Duration::from_secs(2)
                    && short.retry(1) < Duration::from_secs(2)
            );
        }
    }

    #[test]
    fn domains_that_began_together_come_apart() {
        let mut tenths = [0; 10];
        for _ in 0..10_000 {
            let at = Pause::new(HOUR).any().as_secs_f64() / 360.0;
            tenths[(at as usize).min(9)] += 1;
        }
        assert!(tenths.iter().all(|count| (800..1_200).contains(count)), "{tenths:?}");
    }
}
