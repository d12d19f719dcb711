//! A partition has at most one leader an epoch.

use std::collections::BTreeMap;
use std::sync::Arc;

use blumfeld_kernel::NodeId;
use blumfeld_protocol::Uuid;

use super::Seen;

/// Who has led what, in which epoch.
#[derive(Clone, Debug, Default)]
pub struct Leaders(BTreeMap<(Uuid, Arc<str>), BTreeMap<i32, NodeId>>);

impl Leaders {
    /// Takes what a node shows.
    ///
    /// # Errors
    /// Another node has led in this epoch.
    pub fn look(&mut self, seen: &Seen) -> Result<(), String> {
        for replica in seen.replicas.iter().filter(|replica| replica.leads) {
            let epochs = self.0.entry((replica.topic_id, replica.partition.clone())).or_default();
            let leader = *epochs.entry(replica.leader_epoch).or_insert(seen.node);
            if leader != seen.node {
                let (partition, epoch) = (&replica.partition, replica.leader_epoch);
                return Err(format!("{leader} and {} both lead {partition} in epoch {epoch}", seen.node));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkers::seen::tests::{node, replica};

    #[test]
    fn two_leaders_of_an_epoch_are_found() {
        let mut leaders = Leaders::default();
        assert_eq!(leaders.look(&node(1, vec![replica("a-0", true, 3, 0)])), Ok(()));
        assert_eq!(leaders.look(&node(2, vec![replica("a-0", false, 3, 0)])), Ok(()), "a follower");
        assert_eq!(leaders.look(&node(2, vec![replica("a-0", true, 4, 0)])), Ok(()), "the next epoch");
        assert_eq!(leaders.look(&node(2, vec![replica("a-1", true, 3, 0)])), Ok(()), "another partition");
        assert_eq!(
            leaders.look(&node(1, vec![replica("a-0", true, 3, 0)])),
            Ok(()),
            "the old one still does"
        );
        let error = leaders.look(&node(1, vec![replica("a-0", true, 4, 0)])).unwrap_err();
        assert_eq!(error, "broker-2 and broker-1 both lead a-0 in epoch 4");
    }
}
