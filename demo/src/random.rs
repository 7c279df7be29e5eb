//! A pseudo-random sequence that stays the same across versions, platforms and dependencies.

/// SplitMix64: one addition and one mix per value, good enough to scatter numbers over a demo.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence of its own for what `name` names, independent of how much was drawn from any other: adding
    /// a mail to the month leaves all others as they were.
    pub fn named(seed: u64, name: &str) -> Self {
        // FNV-1a
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self(seed ^ hash)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` - 1; 0 when `bound` is 0. The bias for the small bounds used here is not
    /// seen.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// A fraction from 0 up to, not including, 1.
    pub fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in `share` of the cases.
    pub fn chance(&mut self, share: f64) -> bool {
        self.fraction() < share
    }

    /// `mean`, give or take 35 %, rounded up or down by chance so that the mean is kept for small numbers
    /// too.
    pub fn around(&mut self, mean: f64) -> u64 {
        let drawn = mean * (0.65 + 0.7 * self.fraction());
        let whole = drawn.floor();
        whole as u64 + u64::from(self.chance(drawn - whole))
    }

    /// One of `choices`, or `None` when there are none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len() as u64) as usize)
    }

    /// `digits` lower-case hexadecimal digits.
    pub fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.bits()));
        }
        text.truncate(digits);
        text
    }

    /// `digits` decimal digits, the first of which is not 0.
    pub fn decimal(&mut self, digits: usize) -> String {
        let mut text = format!("{}", 1 + self.below(9));
        while text.len() < digits {
            text.push_str(&self.below(10).to_string());
        }
        text
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.bits(), self.bits());
        let version = (high & 0x0fff) | 0x4000;
        let variant = ((low >> 48) & 0x3fff) | 0x8000;
        let (first, second) = (high >> 32, (high >> 16) & 0xffff);
        format!("{first:08x}-{second:04x}-{version:04x}-{variant:04x}-{:012x}", low & 0xffff_ffff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_pinned() {
        // Would change every byte of the demo.
        assert_eq!(Random::new(1).bits(), 0x910a_2dec_8902_5cc1);
        assert_eq!(Random::named(1, "google.com").hex(8), Random::named(1, "google.com").hex(8));
        assert_ne!(Random::named(1, "a").bits(), Random::named(1, "b").bits());
    }

    #[test]
    fn means_are_kept() {
        let mut random = Random::new(7);
        let sum: u64 = (0..20_000).map(|_| random.around(0.4)).sum();
        assert!((7_400..8_600).contains(&sum), "{sum}");
    }

    #[test]
    fn uuids_are_version_four() {
        let uuid = Random::new(3).uuid();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(uuid.split('-').nth(2).is_some_and(|group| group.starts_with('4')), "{uuid}");
    }
}
