//! A consumer group keeps its promises: one owner a partition in each generation, offsets that do not go back, and
//! every record processed at least once.

use std::collections::{BTreeMap, BTreeSet};

/// What members of one group told of one topic.
#[derive(Clone, Debug, Default)]
pub struct GroupChecks {
    /// By generation and partition.
    owners: BTreeMap<(i32, i32), u32>,
    /// Offsets in the order in which the coordinator wrote them, by partition, from the last acknowledged one on.
    committed: BTreeMap<i32, Vec<i64>>,
    processed: BTreeMap<i32, BTreeSet<i64>>,
    given: BTreeMap<(u32, i32), Given>,
}

/// A partition that a member was given.
#[derive(Clone, Debug)]
enum Given {
    /// It has processed nothing of it, and does not begin before all of these: what had been committed then. What is
    /// committed later is of members that came after it, while it works on what it was given.
    Fresh(Vec<i64>),
    /// It reads this offset next.
    Next(i64),
}

impl GroupChecks {
    /// A member says that it owns a partition in a generation.
    ///
    /// # Errors
    /// Another one said so too.
    pub fn owned(&mut self, member: u32, generation: i32, partition: i32) -> Result<(), String> {
        let owner = *self.owners.entry((generation, partition)).or_insert(member);
        if owner == member {
            return Ok(());
        }
        Err(format!(
            "partition {partition} has two owners in generation {generation}: client-{owner} and client-{member}"
        ))
    }

    /// A member was given a partition, and goes on where the group left off.
    pub fn assigned(&mut self, member: u32, partition: i32) {
        let committed = self.committed.get(&partition).cloned().unwrap_or_default();
        self.given.insert((member, partition), Given::Fresh(committed));
    }

    /// The coordinator wrote an offset. A request that was lost on its way and comes late may write an earlier one:
    /// Kafka orders the commits of one member no further than its connection does.
    pub fn written(&mut self, partition: i32, offset: i64) {
        self.committed.entry(partition).or_default().push(offset);
    }

    /// The coordinator acknowledged an offset: it, or what was written behind it, is where the group goes on.
    pub fn committed(&mut self, partition: i32, offset: i64) {
        let Some(written) = self.committed.get_mut(&partition) else { return };
        if let Some(at) = written.iter().rposition(|one| *one == offset) {
            written.drain(..at);
        }
    }

    /// A member has processed a record.
    ///
    /// # Errors
    /// It was not given the partition, left records out, or did not begin where the group left off.
    pub fn processed(&mut self, member: u32, partition: i32, offset: i64) -> Result<(), String> {
        let processed = self.processed.entry(partition).or_default();
        // What another coordinator wrote and nobody was told of is in the log too: it was processed before.
        let follows = offset == 0 || processed.contains(&(offset - 1));
        let Some(given) = self.given.get_mut(&(member, partition)) else {
            return Err(format!("client-{member} processed {partition}@{offset}, which it was not given"));
        };
        match given {
            Given::Next(next) if *next != offset => {
                return Err(format!("client-{member} processed {partition}@{offset} and not {next}"));
            }
            Given::Fresh(committed)
                if committed.iter().min().is_some_and(|least| offset < *least) || !follows =>
            {
                return Err(format!(
                    "client-{member} began {partition} at {offset}, and {committed:?} had been committed"
                ));
            }
            _ => *given = Given::Next(offset + 1),
        }
        processed.insert(offset);
        Ok(())
    }

    /// The group has committed everything below these offsets: it must have processed it.
    ///
    /// # Errors
    /// What it has left out.
    pub fn complete(&self, ends: &BTreeMap<i32, i64>) -> Result<(), String> {
        for (partition, end) in ends {
            let processed = self.processed.get(partition);
            let lacks =
                (0..*end).find(|offset| processed.is_none_or(|processed| !processed.contains(offset)));
            if let Some(offset) = lacks {
                return Err(format!("{partition}@{offset} was never processed, and {end} is committed"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_group_must_not_do_is_found() {
        let mut group = GroupChecks::default();
        assert_eq!(group.owned(1, 4, 0), Ok(()));
        assert_eq!(group.owned(1, 4, 0), Ok(()), "said twice");
        assert_eq!(group.owned(2, 5, 0), Ok(()), "in the next generation");
        assert!(group.owned(3, 5, 0).is_err_and(|error| error.contains("two owners")));
        assert!(group.processed(1, 0, 0).is_err_and(|error| error.contains("not given")));
        group.assigned(1, 0);
        for offset in 0..3 {
            assert_eq!(group.processed(1, 0, offset), Ok(()));
        }
        assert!(group.clone().processed(1, 0, 4).is_err_and(|error| error.contains("and not 3")));
        for offset in [1, 2, 3] {
            group.written(0, offset);
        }
        group.committed(0, 2);
        group.assigned(2, 0);
        assert_eq!(group.clone().processed(2, 0, 2), Ok(()), "again, for it was not committed");
        assert_eq!(group.clone().processed(2, 0, 3), Ok(()), "written, and the answer was lost");
        for offset in [0, 1, 4] {
            assert!(group.clone().processed(2, 0, offset).is_err_and(|error| error.contains("[2, 3]")));
        }
        group.assigned(3, 0);
        group.written(0, 4);
        group.committed(0, 4);
        assert_eq!(group.clone().processed(3, 0, 2), Ok(()), "given before the others went on");
        let ends = |end| BTreeMap::from([(0, end)]);
        assert_eq!(group.complete(&ends(3)), Ok(()));
        assert!(group.complete(&ends(4)).is_err_and(|error| error.contains("0@3 was never processed")));
    }
}
