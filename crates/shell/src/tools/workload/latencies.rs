//! How long something took, many times: counts by time, in bounded memory.

use std::collections::BTreeMap;
use std::time::Duration;

/// Times are told apart by so many of their first bits: to a hundredth.
const BITS: u32 = 7;

/// Times, in virtual microseconds, rounded down to a hundredth of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Latencies {
    of: BTreeMap<u64, u64>,
    count: u64,
}

impl Latencies {
    /// Takes one.
    pub fn note(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let cut = (u64::BITS - us.leading_zeros()).saturating_sub(BITS);
        *self.of.entry(us >> cut << cut).or_default() += 1;
        self.count += 1;
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The time, in microseconds, within which so many percent of them are; nothing if there are none.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let wanted = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        self.of.iter().find_map(|(us, count)| {
            seen += count;
            (seen >= wanted).then_some(*us)
        })
    }

    /// These and others.
    pub fn add(&mut self, others: &Latencies) {
        for (us, count) in &others.of {
            *self.of.entry(*us).or_default() += count;
        }
        self.count += others.count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_hundredth() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50), None);
        for us in 1..=10_000_u64 {
            latencies.note(Duration::from_micros(us));
        }
        for (percent, want) in [(1, 100), (50, 5_000), (99, 9_900), (100, 10_000)] {
            let got = latencies.percentile(percent).unwrap();
            assert!(got <= want && got * 100 >= want * 98, "{percent}: {got}");
        }
        assert!(latencies.of.len() < 600, "memory is bounded: {}", latencies.of.len());
    }
}
