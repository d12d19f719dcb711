//! What was acknowledged with `acks=all`, or read, stays: at its offset, with its bytes.

use std::collections::BTreeMap;

/// A record that a client knows of.
#[derive(Clone, Copy, Debug)]
struct Known {
    value: u64,
    /// Whether it must not be lost: every in-sync replica had it.
    committed: bool,
    /// Whether a producer was told of it, and not only a consumer.
    acknowledged: bool,
}

/// The records of one topic that clients know of, by partition and offset.
#[derive(Clone, Debug, Default)]
pub struct Records {
    known: BTreeMap<(i32, i64), Known>,
    acknowledged: u64,
    read: u64,
}

impl Records {
    /// Records acknowledged, and records read, so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.acknowledged, self.read)
    }

    /// A producer was told that its record stands at an offset; `committed` says whether by every in-sync replica.
    ///
    /// # Errors
    /// Another record is known to stand there.
    pub fn acknowledged(
        &mut self,
        partition: i32,
        offset: i64,
        value: u64,
        committed: bool,
    ) -> Result<(), String> {
        self.acknowledged += 1;
        self.stands(partition, offset, Known { value, committed, acknowledged: true })
    }

    /// A consumer has read a record.
    ///
    /// # Errors
    /// Another record is known to stand there.
    pub fn read(&mut self, partition: i32, offset: i64, value: u64) -> Result<(), String> {
        self.read += 1;
        self.stands(partition, offset, Known { value, committed: true, acknowledged: false })
    }

    fn stands(&mut self, partition: i32, offset: i64, new: Known) -> Result<(), String> {
        let known = self.known.entry((partition, offset)).or_insert(new);
        if known.value == new.value {
            known.committed |= new.committed;
            known.acknowledged |= new.acknowledged;
            return Ok(());
        }
        if known.committed && new.committed {
            let values = format!("{:#x} and {:#x}", known.value, new.value);
            return Err(format!("two records at {partition}@{offset}: {values}"));
        }
        // Of two the one stands that is committed; the other was lost with its leader, which acks=1 allows.
        if new.committed {
            *known = new;
        }
        Ok(())
    }

    /// Records were lost that may be lost, by a power cut of what had not been flushed: those from `end` on.
    ///
    /// # Errors
    /// One of them must not be lost, for it had been flushed before it was acknowledged.
    pub fn lost(&mut self, partition: i32, end: i64, flushed_first: bool) -> Result<(), String> {
        let gone: Vec<_> =
            self.known.range((partition, end)..(partition + 1, 0)).map(|(at, one)| (*at, *one)).collect();
        for (at, known) in gone {
            if flushed_first && known.acknowledged {
                return Err(format!(
                    "{partition}@{} (value {:#x}) was flushed and is lost: the log ends at {end}",
                    at.1, known.value
                ));
            }
            self.known.remove(&at);
        }
        Ok(())
    }

    /// Everything was read to its end, up to (and without) these offsets: every committed record must have been below,
    /// where [`read`](Self::read) has compared it.
    ///
    /// # Errors
    /// A committed record that lies past the end.
    pub fn complete(&self, ends: &BTreeMap<i32, i64>) -> Result<(), String> {
        for ((partition, offset), known) in self.known.iter().filter(|(_, known)| known.committed) {
            let end = ends.get(partition).copied().unwrap_or(0);
            if *offset >= end {
                return Err(format!(
                    "{partition}@{offset} (value {:#x}) is lost: the log could be read up to {end}",
                    known.value
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_committed_record_that_is_lost_or_another_is_found() {
        let mut records = Records::default();
        assert_eq!(records.acknowledged(0, 4, 0xa, true), Ok(()));
        assert_eq!(records.read(0, 4, 0xa), Ok(()));
        assert!(records.clone().read(0, 4, 0xb).is_err(), "another record");
        assert!(records.clone().acknowledged(0, 4, 0xb, true).is_err(), "two producers at one offset");
        assert_eq!(
            records.clone().acknowledged(0, 4, 0xb, false),
            Ok(()),
            "by a leader that was none any more"
        );
        let ends = |end| BTreeMap::from([(0, end)]);
        assert_eq!(records.complete(&ends(5)), Ok(()));
        assert!(records.complete(&ends(4)).is_err_and(|error| error.contains("0@4 (value 0xa) is lost")));
        assert!(records.clone().lost(0, 4, true).is_err(), "it had been flushed");
        assert_eq!(records.read(0, 5, 0xc), Ok(()));
        assert_eq!(records.clone().lost(0, 5, true), Ok(()), "it was read before it was flushed");
        assert_eq!(records.lost(0, 4, false), Ok(()));
        assert_eq!(records.read(0, 4, 0xb), Ok(()), "another may stand there now");
        assert_eq!(records.counts(), (1, 3));
    }

    #[test]
    fn what_the_leader_alone_acknowledged_may_be_lost() {
        let mut records = Records::default();
        assert_eq!(records.acknowledged(0, 4, 0xa, false), Ok(()));
        assert_eq!(records.complete(&BTreeMap::new()), Ok(()));
        assert_eq!(records.read(0, 4, 0xb), Ok(()), "another was committed there");
        assert!(records.read(0, 4, 0xa).is_err(), "and not both");
    }
}
