//! What consumers may read of a leader does not become less: neither its high watermark nor its last stable offset goes
//! back within an epoch.
//!
//! A new leader may show less than the one before it until it has heard of its followers, and a process that starts
//! again goes on from its checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use blumfeld_kernel::NodeId;
use blumfeld_protocol::Uuid;

use super::Seen;

/// The last high watermark and last stable offset of each leader, with its epoch and run.
#[derive(Clone, Debug, Default)]
pub struct HighWatermarks(BTreeMap<Replica, (i32, u64, [i64; 2])>);

/// The topic's id, the partition, and the node.
type Replica = (Uuid, Arc<str>, NodeId);

impl HighWatermarks {
    /// Takes what a node shows.
    ///
    /// # Errors
    /// One that went back.
    pub fn look(&mut self, seen: &Seen) -> Result<(), String> {
        for replica in seen.replicas.iter().filter(|replica| replica.leads) {
            let epoch = replica.leader_epoch;
            let now = [replica.high_watermark, replica.last_stable_offset];
            let key = (replica.topic_id, replica.partition.clone(), seen.node);
            let last = self.0.insert(key, (epoch, seen.run, now));
            let Some((.., last)) = last.filter(|(of, run, _)| (*of, *run) == (epoch, seen.run)) else {
                continue;
            };
            for (what, before, now) in
                [("high watermark", last[0], now[0]), ("last stable offset", last[1], now[1])]
            {
                if before > now {
                    return Err(format!(
                        "the {what} of {} at {} went back from {before} to {now} in epoch {epoch}",
                        replica.partition, seen.node
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkers::ReplicaSeen;
    use crate::checkers::seen::tests::{node, replica};

    #[test]
    fn a_high_watermark_that_goes_back_within_an_epoch_is_found() {
        let mut marks = HighWatermarks::default();
        assert_eq!(marks.look(&node(1, vec![replica("a-0", true, 1, 7)])), Ok(()));
        assert_eq!(marks.look(&node(1, vec![replica("a-0", true, 1, 7)])), Ok(()));
        assert_eq!(marks.look(&node(2, vec![replica("a-0", false, 1, 3)])), Ok(()), "a follower is behind");
        assert_eq!(marks.look(&node(2, vec![replica("a-0", true, 2, 5)])), Ok(()), "a new leader may be");
        let started = Seen { run: 2, ..node(2, vec![replica("a-0", true, 2, 4)]) };
        assert_eq!(marks.look(&started), Ok(()), "and one that started again");
        let error = marks.look(&node(1, vec![replica("a-0", true, 1, 6)])).unwrap_err();
        assert_eq!(error, "the high watermark of a-0 at broker-1 went back from 7 to 6 in epoch 1");
        assert_eq!(marks.look(&node(1, vec![replica("a-0", true, 1, 7)])), Ok(()));
        let unstable = ReplicaSeen { last_stable_offset: 5, ..replica("a-0", true, 1, 7) };
        let error = marks.look(&node(1, vec![unstable])).unwrap_err();
        assert_eq!(error, "the last stable offset of a-0 at broker-1 went back from 7 to 5 in epoch 1");
    }
}
