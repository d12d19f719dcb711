//! Waiting longer after each failure (org.apache.kafka.common.utils.ExponentialBackoff, KIP-580).

use blumfeld_kernel::Prng;

/// Doubles from `initial_ms` up to `max_ms`, give or take a fifth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExponentialBackoff {
    /// After the first failure, in milliseconds.
    pub initial_ms: i64,
    /// Never more than this before jitter, in milliseconds.
    pub max_ms: i64,
}

impl ExponentialBackoff {
    /// Milliseconds to wait after `failures` failures in a row; 0 counts as the first.
    pub fn backoff(&self, failures: u32, rng: &mut Prng) -> i64 {
        let doubled = self.initial_ms.saturating_mul(1_i64 << failures.saturating_sub(1).min(30));
        let base = doubled.clamp(0, self.max_ms.max(0));
        let jitter = base / 5;
        let draw = rng.below(u64::try_from(2 * jitter + 1).unwrap_or(1));
        base - jitter + i64::try_from(draw).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_maximum_with_a_fifth_of_jitter() {
        let backoff = ExponentialBackoff { initial_ms: 100, max_ms: 1_000 };
        let mut rng = Prng::new(1, "backoff");
        for (failures, base) in [(0, 100), (1, 100), (2, 200), (4, 800), (5, 1_000), (99, 1_000)] {
            for _ in 0..50 {
                let got = backoff.backoff(failures, &mut rng);
                assert!((base * 4 / 5..=base * 6 / 5).contains(&got), "{failures}: {got}");
            }
        }
    }
}
