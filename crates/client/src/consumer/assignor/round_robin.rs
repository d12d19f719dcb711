//! All partitions in turn (org.apache.kafka.clients.consumer.RoundRobinAssignor).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Assignment, MemberSubscription, TopicRacks, sorted_members};
use crate::TopicPartition;

pub(super) fn assign(
    topics: &BTreeMap<Arc<str>, TopicRacks>,
    members: &[(String, MemberSubscription)],
) -> Assignment {
    let mut assignment: Assignment = members.iter().map(|(id, _)| (id.clone(), Vec::new())).collect();
    let sorted = sorted_members(members);
    let mut next = 0;
    for (topic, partitions) in topics {
        if !sorted.iter().any(|(_, member)| member.topics.contains(topic)) {
            continue;
        }
        for &partition in partitions.keys() {
            while !sorted[next % sorted.len()].1.topics.contains(topic) {
                next += 1;
            }
            let to = assignment.entry(sorted[next % sorted.len()].0.clone()).or_default();
            to.push(TopicPartition { topic: topic.clone(), partition });
            next += 1;
        }
    }
    assignment
}
