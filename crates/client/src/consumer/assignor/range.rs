//! Ranges of each topic (org.apache.kafka.clients.consumer.RangeAssignor), by racks where they matter (KIP-881).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::java::{grown, order_by_hash, string_hash};
use super::{Assignment, MemberSubscription, TopicRacks, racks_matter, sorted_members};
use crate::TopicPartition;

/// A topic that is being given out (TopicAssignmentState).
struct Topic<'a> {
    name: Arc<str>,
    /// Members in their order, with their racks.
    consumers: Vec<(&'a str, Option<&'a str>)>,
    racks: &'a TopicRacks,
    by_racks: bool,
    unassigned: Vec<i32>,
    assigned: Vec<usize>,
    per_consumer: usize,
    with_one_more: usize,
}

impl<'a> Topic<'a> {
    fn new(name: &Arc<str>, racks: &'a TopicRacks, members: &'a [(String, MemberSubscription)]) -> Topic<'a> {
        let consumers: Vec<(&str, Option<&str>)> = sorted_members(members)
            .into_iter()
            .filter(|(_, member)| member.topics.contains(name))
            .map(|(id, member)| (id.as_str(), member.rack.as_deref().filter(|rack| !rack.is_empty())))
            .collect();
        let known: BTreeSet<&str> = consumers.iter().filter_map(|(_, rack)| *rack).collect();
        Topic {
            name: name.clone(),
            by_racks: racks_matter(&known, racks.values()),
            unassigned: racks.keys().copied().collect(),
            assigned: vec![0; consumers.len()],
            per_consumer: racks.len().checked_div(consumers.len()).unwrap_or(0),
            with_one_more: racks.len().checked_rem(consumers.len()).unwrap_or(0),
            consumers,
            racks,
        }
    }

    fn racks_match(&self, consumer: usize, partition: i32) -> bool {
        let Some(rack) = self.consumers.get(consumer).and_then(|(_, rack)| *rack) else { return true };
        self.racks.get(&partition).is_some_and(|racks| racks.contains(rack))
    }

    fn max_assignable(&self, consumer: usize) -> usize {
        let most = self.per_consumer + usize::from(self.with_one_more > 0);
        most.saturating_sub(self.assigned[consumer])
    }

    fn give(&mut self, consumer: usize, partitions: &[i32], to: &mut Assignment) {
        let name = &self.name;
        let given = partitions.iter().map(|&partition| TopicPartition { topic: name.clone(), partition });
        to.entry(self.consumers[consumer].0.to_owned()).or_default().extend(given);
        self.assigned[consumer] += partitions.len();
        if self.assigned[consumer] > self.per_consumer {
            self.with_one_more = self.with_one_more.saturating_sub(1);
        }
        self.unassigned.retain(|partition| !partitions.contains(partition));
    }

    fn assign_ranges(&mut self, matching: bool, to: &mut Assignment) {
        for consumer in 0..self.consumers.len() {
            if self.unassigned.is_empty() {
                return;
            }
            let fits = |partition: &i32| !matching || self.racks_match(consumer, *partition);
            let some: Vec<i32> =
                self.unassigned.iter().copied().filter(fits).take(self.max_assignable(consumer)).collect();
            if !some.is_empty() {
                self.give(consumer, &some, to);
            }
        }
    }
}

/// Topics that have the same subscribers and as many partitions are given out alike, so that partition 0 of all of them
/// goes to one member.
fn assign_together(topics: &mut [&mut Topic<'_>], to: &mut Assignment) {
    let Some(first) = topics.first() else { return };
    let (partitions, mut remaining) = (first.racks.len(), (0..first.consumers.len()).collect::<Vec<_>>());
    for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
        let fits = |&&consumer: &&usize| {
            topics
                .iter()
                .all(|topic| topic.racks_match(consumer, partition) && topic.max_assignable(consumer) > 0)
        };
        let Some(&consumer) = remaining.iter().find(fits) else { continue };
        topics.iter_mut().for_each(|topic| topic.give(consumer, &[partition], to));
        if topics.iter().all(|topic| topic.max_assignable(consumer) == 0) {
            remaining.retain(|other| *other != consumer);
            if remaining.is_empty() {
                return;
            }
        }
    }
}

pub(super) fn assign(
    topics: &BTreeMap<Arc<str>, TopicRacks>,
    members: &[(String, MemberSubscription)],
) -> Assignment {
    let mut assignment: Assignment = members.iter().map(|(id, _)| (id.clone(), Vec::new())).collect();
    let mut states: Vec<Topic<'_>> = topics
        .iter()
        .filter(|(_, racks)| !racks.is_empty())
        .map(|(name, racks)| Topic::new(name, racks, members))
        .collect();
    // Kafka goes through a hash table of topics.
    order_by_hash(&mut states, grown(topics.len()), |state| string_hash(&state.name));
    let by_racks = states.iter().any(|state| state.by_racks);
    if by_racks {
        // Which group of topics goes first decides nothing: a topic's partitions are counted by themselves.
        let mut groups: BTreeMap<(Vec<String>, usize), Vec<&mut Topic<'_>>> = BTreeMap::new();
        for state in &mut states {
            let who = state.consumers.iter().map(|(id, _)| (*id).to_owned()).collect();
            // Racks that no consumer has are not looked at.
            let count =
                if state.consumers.iter().any(|(_, rack)| rack.is_some()) { state.racks.len() } else { 0 };
            groups.entry((who, count)).or_default().push(state);
        }
        for ((_, count), mut group) in groups {
            if count == 0 {
                continue;
            }
            match &mut group[..] {
                [topic] if topic.by_racks => topic.assign_ranges(true, &mut assignment),
                [_] => {}
                many => assign_together(many, &mut assignment),
            }
        }
    }
    states.iter_mut().for_each(|state| state.assign_ranges(false, &mut assignment));
    if by_racks {
        assignment.values_mut().for_each(|partitions| partitions.sort());
    }
    assignment
}
