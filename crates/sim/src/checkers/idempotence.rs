//! What an idempotent producer wrote in one epoch stands once, and in the order in which it was sent.

use std::collections::{BTreeMap, BTreeSet};

/// The values of idempotent producers that clients know to be committed. A value's upper half names its producer, and
/// the values of a producer go up.
#[derive(Clone, Debug, Default)]
pub struct Idempotence {
    producers: BTreeSet<u64>,
    places: BTreeMap<u64, (i32, i64)>,
    order: BTreeMap<(u64, i32), BTreeMap<i64, u64>>,
}

impl Idempotence {
    /// The producer of these values is idempotent.
    pub fn add_producer(&mut self, value: u64) {
        self.producers.insert(value >> 32);
    }

    /// The producer of this value promises nothing any more.
    pub fn drop_producer(&mut self, value: u64) {
        self.producers.remove(&(value >> 32));
    }

    /// A value is known to stand at an offset for good.
    ///
    /// # Errors
    /// It stands at another one too, or before one that was sent earlier, or behind one that was sent later.
    pub fn stands(&mut self, partition: i32, offset: i64, value: u64) -> Result<(), String> {
        let producer = value >> 32;
        if !self.producers.contains(&producer) {
            return Ok(());
        }
        let place = (partition, offset);
        let (was_at, was_offset) = *self.places.entry(value).or_insert(place);
        if (was_at, was_offset) != place {
            return Err(format!(
                "value {value:#x} of an idempotent producer stands twice: at {was_at}@{was_offset} and {partition}@{offset}"
            ));
        }
        let order = self.order.entry((producer, partition)).or_default();
        let before = order.range(..offset).next_back().filter(|(_, other)| **other >= value);
        let behind = order.range(offset + 1..).next().filter(|(_, other)| **other <= value);
        if let Some((at, other)) = before.or(behind) {
            return Err(format!(
                "values of an idempotent producer are out of order: {other:#x} at {partition}@{at}, {value:#x} at {offset}"
            ));
        }
        order.insert(offset, value);
        Ok(())
    }

    /// Records from `end` on were lost that may be lost.
    pub fn lost(&mut self, partition: i32, end: i64) {
        self.places.retain(|_, (of, offset)| *of != partition || *offset < end);
        for ((_, of), order) in &mut self.order {
            if *of == partition {
                order.split_off(&end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_stands_twice_or_out_of_order_is_found() {
        let value = |producer: u64, n: u64| (producer << 32) + n;
        let mut seen = Idempotence::default();
        seen.add_producer(value(1, 0));
        assert_eq!(seen.stands(0, 4, value(1, 7)), Ok(()));
        assert_eq!(seen.stands(0, 4, value(1, 7)), Ok(()), "read again");
        assert_eq!(seen.stands(0, 9, value(1, 8)), Ok(()));
        assert_eq!(seen.stands(1, 0, value(1, 6)), Ok(()), "another partition");
        assert!(seen.clone().stands(0, 5, value(1, 7)).is_err_and(|error| error.contains("stands twice")));
        assert!(seen.clone().stands(0, 10, value(1, 5)).is_err_and(|error| error.contains("out of order")));
        assert!(seen.clone().stands(0, 3, value(1, 9)).is_err_and(|error| error.contains("out of order")));
        for offset in [5, 6] {
            assert_eq!(seen.stands(0, offset, value(2, 1)), Ok(()), "another producer");
        }
        let mut dropped = seen.clone();
        dropped.drop_producer(value(1, 1));
        assert_eq!(dropped.stands(0, 5, value(1, 7)), Ok(()), "in another epoch");
        seen.lost(0, 9);
        assert_eq!(seen.stands(0, 10, value(1, 8)), Ok(()), "what was lost was sent again");
    }
}
