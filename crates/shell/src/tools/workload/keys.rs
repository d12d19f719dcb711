//! Which keys a workload's records have.

use blumfeld_kernel::Prng;

/// So many keys at most.
pub const MOST: u64 = 100_000;

/// Keys with their weights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// Of each key, the weights up to and with its own.
    upto: Vec<u64>,
}

impl Keys {
    /// `count` keys, distributed as `uniform`, `zipf` or weights say; `None` for records without keys.
    pub fn new(count: Option<u64>, distribution: Option<&str>) -> Result<Option<Keys>, String> {
        let weights: Vec<u64> = match (count, distribution) {
            (None | Some(0), None) => return Ok(None),
            (Some(count), None | Some("uniform")) if count > 0 => vec![1; length(count)],
            // The key of rank r comes 1/r times as often as the first.
            (Some(count), Some("zipf")) if count > 0 => {
                (1..=count).map(|rank| 1_000_000_000 / rank).collect()
            }
            (None | Some(0), Some("uniform" | "zipf")) => {
                return Err("--distribution is one of keys: how many there are, --keys says".to_owned());
            }
            (count, Some(list)) => {
                let weights: Option<Vec<u64>> =
                    list.split(',').map(|weight| Some(u64::from(weight.parse::<u32>().ok()?))).collect();
                let Some(weights) = weights.filter(|weights| weights.iter().any(|weight| *weight > 0)) else {
                    return Err(format!(
                        "--distribution is uniform, zipf or weights such as 5,3,1, not {list}"
                    ));
                };
                if let Some(count) = count.filter(|count| length(*count) != weights.len()) {
                    return Err(format!("--distribution has {} weights for {count} keys", weights.len()));
                }
                weights
            }
            (Some(_), None) => return Ok(None),
        };
        let upto = weights.iter().scan(0_u64, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Ok(Some(Keys { upto: upto.collect() }))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.upto.len()
    }

    /// Draws one.
    pub fn draw(&self, rng: &mut Prng) -> usize {
        let ticket = rng.below(self.upto.last().copied().unwrap_or(0));
        self.upto.partition_point(|upto| *upto <= ticket)
    }
}

fn length(count: u64) -> usize {
    usize::try_from(count.min(MOST)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(count: Option<u64>, distribution: &str) -> Vec<u32> {
        let keys = Keys::new(count, Some(distribution)).unwrap().unwrap();
        let mut rng = Prng::new(1, "keys");
        let mut seen = vec![0; keys.len()];
        for _ in 0..10_000 {
            seen[keys.draw(&mut rng)] += 1;
        }
        seen
    }

    #[test]
    fn keys_come_as_often_as_their_weights_say() {
        assert!(drawn(Some(4), "uniform").iter().all(|n| (2_300..2_700).contains(n)));
        let zipf = drawn(Some(3), "zipf");
        // 6, 3 and 2 elevenths.
        assert!((5_200..5_700).contains(&zipf[0]) && (1_600..2_050).contains(&zipf[2]), "{zipf:?}");
        let weighted = drawn(None, "0,9,1");
        assert!(weighted[0] == 0 && (8_800..9_200).contains(&weighted[1]), "{weighted:?}");
    }

    #[test]
    fn what_is_wrong_with_a_distribution_is_said() {
        for (count, distribution, want) in [
            (None, "zipf", "--distribution is one of keys: how many there are, --keys says"),
            (Some(3), "1,2", "--distribution has 2 weights for 3 keys"),
            (Some(3), "often", "--distribution is uniform, zipf or weights such as 5,3,1, not often"),
            (None, "0,0", "--distribution is uniform, zipf or weights such as 5,3,1, not 0,0"),
        ] {
            assert_eq!(Keys::new(count, Some(distribution)), Err(want.to_owned()));
        }
        assert_eq!(Keys::new(Some(0), None), Ok(None));
    }
}
