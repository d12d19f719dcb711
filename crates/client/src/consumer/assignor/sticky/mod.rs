//! Balanced assignments that change as little as possible
//! (org.apache.kafka.clients.consumer.internals.AbstractStickyAssignor, KIP-54, KIP-881).

mod constrained;
mod general;
mod movements;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::java::{compare, grown, order_by_hash, string_hash};
use super::{Assignment, AssignmentError, MemberSubscription, TopicRacks, racks_matter};
use crate::TopicPartition;

/// What a member had, and since which generation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MemberData {
    pub partitions: Vec<TopicPartition>,
    pub generation: Option<i32>,
}

/// An assignment, and what moves in it from a member to this one; `None` where that was not noted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sticky {
    pub assignment: Assignment,
    pub moving: Option<BTreeMap<TopicPartition, String>>,
}

/// A partition by the place of its topic among the topics in Java's order, so that partitions are in order too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Part {
    topic: usize,
    number: i32,
}

/// A member, as everything below names it: its place in the order of ids.
type Consumer = usize;

struct Topic<'a> {
    name: &'a Arc<str>,
    racks: &'a TopicRacks,
}

impl Topic<'_> {
    /// Numbers from 0 to the count, as Java has them in most places.
    fn numbers(&self) -> std::ops::Range<i32> {
        0..i32::try_from(self.racks.len()).unwrap_or(i32::MAX)
    }
}

struct Member<'a> {
    id: &'a str,
    subscription: &'a MemberSubscription,
    data: MemberData,
    /// Its rack, if racks decide anything.
    rack: Option<&'a str>,
}

/// The group as both builders see it.
struct Group<'a> {
    topics: Vec<Topic<'a>>,
    members: Vec<Member<'a>>,
    /// Members in the order of Java's hash table of subscriptions.
    in_table: Vec<Consumer>,
    /// The latest generation of any member, in this rebalance or before.
    max_generation: i32,
}

impl<'a> Group<'a> {
    fn new(
        topics: &'a BTreeMap<Arc<str>, TopicRacks>,
        members: &'a [(String, MemberSubscription)],
        data: Vec<MemberData>,
    ) -> Group<'a> {
        let mut known: Vec<Topic<'a>> = topics
            .iter()
            .filter(|(_, racks)| !racks.is_empty())
            .map(|(name, racks)| Topic { name, racks })
            .collect();
        known.sort_by(|a, b| compare(a.name, b.name));
        let rack = |member: &'a MemberSubscription| member.rack.as_deref().filter(|rack| !rack.is_empty());
        let racks: BTreeSet<&str> = members.iter().filter_map(|(_, member)| rack(member)).collect();
        let matter = racks_matter(&racks, known.iter().flat_map(|topic| topic.racks.values()));
        let mut sorted: Vec<Member<'a>> = members
            .iter()
            .zip(data)
            .map(|((id, subscription), data)| Member {
                id,
                subscription,
                data,
                rack: rack(subscription).filter(|_| matter),
            })
            .collect();
        sorted.sort_by(|a, b| compare(a.id, b.id));
        let mut in_table: Vec<Consumer> = members
            .iter()
            .filter_map(|(id, _)| sorted.binary_search_by(|member| compare(member.id, id)).ok())
            .collect();
        order_by_hash(&mut in_table, grown(members.len()), |&of| string_hash(sorted[of].id));
        Group { topics: known, members: sorted, in_table, max_generation: -1 }
    }

    /// A partition of a known topic; its number may be past those that exist.
    fn part(&self, of: &TopicPartition) -> Option<Part> {
        let topic = self.topics.binary_search_by(|topic| compare(topic.name, &of.topic)).ok()?;
        Some(Part { topic, number: of.partition })
    }

    fn named(&self, part: Part) -> TopicPartition {
        TopicPartition { topic: self.topics[part.topic].name.clone(), partition: part.number }
    }

    fn partition_racks(&self, part: Part) -> Option<&'a BTreeSet<Arc<str>>> {
        self.topics[part.topic].racks.get(&part.number)
    }

    fn by_racks(&self) -> bool {
        self.members.iter().any(|member| member.rack.is_some())
    }

    /// Whether a member would have to read the partition from another rack.
    fn racks_mismatch(&self, consumer: Consumer, part: Part) -> bool {
        let Some(rack) = self.members[consumer].rack else { return false };
        self.partition_racks(part).is_none_or(|racks| !racks.contains(rack))
    }

    fn total(&self) -> usize {
        self.topics.iter().map(|topic| topic.racks.len()).sum()
    }

    /// Whether all want the same topics. Java takes the first that wants any as the measure.
    fn same_topics(&self) -> bool {
        let mut measure: BTreeSet<&str> = BTreeSet::new();
        let mut same = true;
        for &consumer in &self.in_table {
            let topics = &self.members[consumer].subscription.topics;
            if measure.is_empty() {
                measure.extend(topics.iter().map(|topic| &**topic));
            } else if topics.len() != measure.len() || topics.iter().any(|topic| !measure.contains(&**topic))
            {
                same = false;
            }
        }
        same
    }

    /// What each member owns of the topics that exist, later generations before earlier ones, and what several claim
    /// for the same generation.
    fn owned(&mut self) -> (Vec<Vec<Part>>, BTreeSet<Part>) {
        let mut owned: Vec<Vec<Part>> = vec![Vec::new(); self.members.len()];
        let mut contested = BTreeSet::new();
        let mut owners: BTreeMap<Part, Consumer> = BTreeMap::new();
        for &consumer in &self.in_table {
            let member = &self.members[consumer];
            let generation = member.data.generation.unwrap_or(-1);
            self.max_generation = self.max_generation.max(generation);
            for part in member.data.partitions.iter().filter_map(|of| self.part(of)) {
                let Some(&other) = owners.get(&part) else {
                    owned[consumer].push(part);
                    owners.insert(part, consumer);
                    continue;
                };
                // Java compares with what the other's subscription says, not with its data.
                let others = self.members[other].subscription.generation.unwrap_or(-1);
                match generation.cmp(&others) {
                    std::cmp::Ordering::Less => continue,
                    std::cmp::Ordering::Equal => {
                        contested.insert(part);
                    }
                    std::cmp::Ordering::Greater => owned[consumer].push(part),
                }
                remove_first(&mut owned[other], part);
                owners.insert(part, consumer);
            }
        }
        (owned, contested)
    }

    /// All partitions but the assigned ones, which have to be in the same order. An assigned one that does not exist
    /// hides those after it, as in Java.
    fn unassigned(all: impl Iterator<Item = Part>, assigned: &[Part]) -> Vec<Part> {
        let mut assigned = assigned.iter().peekable();
        let mut rest = Vec::new();
        for part in all {
            if assigned.peek() == Some(&&part) {
                assigned.next();
            } else {
                rest.push(part);
            }
        }
        rest
    }

    fn finish(&self, lists: Vec<Vec<Part>>) -> Assignment {
        let named = |parts: Vec<Part>| parts.into_iter().map(|part| self.named(part)).collect();
        self.members.iter().zip(lists).map(|(member, parts)| (member.id.to_owned(), named(parts))).collect()
    }
}

fn remove_first(from: &mut Vec<Part>, part: Part) {
    if let Some(at) = from.iter().position(|one| *one == part) {
        from.remove(at);
    }
}

/// Computes an assignment. `data` is what each member had, in the order of the members.
pub fn assign(
    topics: &BTreeMap<Arc<str>, TopicRacks>,
    members: &[(String, MemberSubscription)],
    data: Vec<MemberData>,
    max_generation: &mut i32,
) -> Result<Sticky, AssignmentError> {
    let mut group = Group::new(topics, members, data);
    group.max_generation = *max_generation;
    let (owned, contested) = group.owned();
    *max_generation = group.max_generation;
    if group.same_topics() {
        let (lists, moving) = constrained::Builder::new(&group, contested).build(owned)?;
        let moving =
            moving.into_iter().map(|(part, to)| (group.named(part), group.members[to].id.to_owned()));
        Ok(Sticky { moving: Some(moving.collect()), assignment: group.finish(lists) })
    } else {
        let lists = general::Builder::new(&group, owned).build()?;
        Ok(Sticky { moving: None, assignment: group.finish(lists) })
    }
}
