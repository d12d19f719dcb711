//! A consumer reads every offset once, in order, with nothing left out.

use std::collections::BTreeMap;

/// By consumer and partition, the offset that must come next.
#[derive(Clone, Debug, Default)]
pub struct Consumers(BTreeMap<(u32, i32), i64>);

impl Consumers {
    /// A consumer has read an offset.
    ///
    /// # Errors
    /// It has read it before, or has left something out.
    pub fn read(&mut self, consumer: u32, partition: i32, offset: i64) -> Result<(), String> {
        let next = self.0.insert((consumer, partition), offset + 1);
        match next.filter(|next| *next != offset) {
            None => Ok(()),
            Some(next) => {
                Err(format!("consumer {consumer} read {partition}@{offset} where {next} comes next"))
            }
        }
    }

    /// The offset that comes next for a consumer; 0 if it has read nothing.
    pub fn next(&self, consumer: u32, partition: i32) -> i64 {
        self.0.get(&(consumer, partition)).copied().unwrap_or(0)
    }

    /// Records were lost that may be lost: a consumer that was behind `end` starts over, by `auto.offset.reset` or
    /// where the log has grown to.
    pub fn lost(&mut self, partition: i32, end: i64) {
        self.0.retain(|(_, of), next| *of != partition || *next <= end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_that_comes_twice_or_is_left_out_is_found() {
        let mut consumers = Consumers::default();
        assert_eq!(consumers.read(1, 0, 5), Ok(()), "it begins anywhere");
        assert_eq!(consumers.read(1, 0, 6), Ok(()));
        assert_eq!(consumers.read(2, 0, 5), Ok(()), "another consumer");
        assert_eq!(consumers.read(1, 1, 5), Ok(()), "another partition");
        assert_eq!(consumers.next(1, 0), 7);
        assert!(consumers.clone().read(1, 0, 6).is_err(), "twice");
        assert!(consumers.clone().read(1, 0, 8).is_err(), "a gap");
        consumers.lost(0, 6);
        assert_eq!(consumers.read(1, 0, 2), Ok(()), "what it had read was lost");
        assert!(consumers.read(2, 0, 2).is_err(), "what the other had read was not");
    }
}
