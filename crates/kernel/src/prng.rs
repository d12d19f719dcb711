//! The random generator: one for each domain, so that a draw more in one does not disturb the others.

use std::time::Duration;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A seeded generator (xoshiro256++). The same seed and label give the same numbers on every machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prng(Xoshiro256PlusPlus);

impl Prng {
    /// The generator of the domain `label` in the world of `seed`.
    pub fn new(seed: u64, label: &str) -> Prng {
        // FNV-1a over the label: short, and the same everywhere.
        let hash = label
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Prng(Xoshiro256PlusPlus::seed_from_u64(seed ^ hash.rotate_left(17)))
    }

    /// Any 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 up to and without `end`; 0 if `end` is 0. (Lemire's multiply-shift; the bias is below 2⁻³²
    /// for the small ranges used here.)
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// True `numerator` times out of `denominator`.
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    /// A duration from zero up to and without `end`.
    pub fn duration(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(end.as_micros()).unwrap_or(u64::MAX)))
    }

    /// Sixteen bytes, for a UUID.
    pub fn bytes16(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next_u64().to_be_bytes());
        bytes[8..].copy_from_slice(&self.next_u64().to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_independent_and_repeatable() {
        let draw = |label| {
            let mut rng = Prng::new(7, label);
            (0..4).map(|_| rng.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(draw("network"), draw("network"));
        assert_ne!(draw("network"), draw("disk-1"));
        assert_eq!(Prng::new(1, "x").below(0), 0);
    }
}
