/// An axis from 0 in round steps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Scale {
    /// Between two lines; at least 1.
    pub step: u64,
    /// The number of steps; at least 1.
    pub steps: u64,
}

impl Scale {
    /// The axis that holds `most` with at most five steps of 1, 2 or 5 times a power of ten.
    pub fn over(most: u64) -> Self {
        let mut power = 1u64;
        loop {
            for factor in [1, 2, 5] {
                let step = power.saturating_mul(factor);
                if most.div_ceil(step) <= MOST_STEPS {
                    return Self { step, steps: most.div_ceil(step).max(1) };
                }
            }
            power = power.saturating_mul(10);
        }
    }

    /// The largest value it holds.
    pub fn top(self) -> u64 {
        self.step.saturating_mul(self.steps)
    }

    /// The values at its lines, from 0.
    pub fn ticks(self) -> impl Iterator<Item = u64> {
        (0..=self.steps).map(move |number| self.step.saturating_mul(number))
    }
}

const MOST_STEPS: u64 = 5;
