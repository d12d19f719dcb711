//! What moves from one member to another is given to nobody in the first of two rebalances
//! (org.apache.kafka.clients.consumer.CooperativeStickyAssignor).

use std::collections::{BTreeMap, BTreeSet};

use super::sticky::Sticky;
use super::{Assignment, MemberSubscription};
use crate::TopicPartition;

/// Takes what is still owned by others out of an assignment.
pub(super) fn without_moving(result: Sticky, members: &[(String, MemberSubscription)]) -> Assignment {
    let Sticky { mut assignment, moving } = result;
    let moving = moving.unwrap_or_else(|| compute(&assignment, members));
    for (partition, to) in moving {
        if let Some(partitions) = assignment.get_mut(&to)
            && let Some(at) = partitions.iter().position(|one| *one == partition)
        {
            partitions.remove(at);
        }
    }
    assignment
}

/// What is new to one and was taken from another.
fn compute(
    assignment: &Assignment,
    members: &[(String, MemberSubscription)],
) -> BTreeMap<TopicPartition, String> {
    let mut added = BTreeMap::new();
    let mut revoked = BTreeSet::new();
    for (id, member) in members {
        let owned: BTreeSet<&TopicPartition> = member.owned.iter().collect();
        let assigned: BTreeSet<&TopicPartition> = assignment.get(id).into_iter().flatten().collect();
        added.extend(assigned.difference(&owned).map(|&partition| (partition.clone(), id.clone())));
        revoked.extend(owned.difference(&assigned).copied());
    }
    added.retain(|partition, _| revoked.contains(partition));
    added
}
