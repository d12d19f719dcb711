//! Who reads which partition (org.apache.kafka.clients.consumer.ConsumerPartitionAssignor): computed by the group's leader,
//! as Kafka's own assignors do. Left out: sticky and cooperative sticky.

mod java;
mod range;
mod round_robin;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use crate::TopicPartition;

/// What a member tells the leader.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MemberSubscription {
    /// The topics that it wants.
    pub topics: Vec<Arc<str>>,
    /// What its assignor adds.
    pub user_data: Option<Bytes>,
    /// What it owns.
    pub owned: Vec<TopicPartition>,
    /// The generation that it knows.
    pub generation: Option<i32>,
    /// `client.rack`
    pub rack: Option<String>,
    /// `group.instance.id`
    pub instance_id: Option<String>,
}

/// Of each partition of a topic, the racks of its replicas; partitions by number.
pub type TopicRacks = BTreeMap<i32, BTreeSet<Arc<str>>>;

/// An assignment by member.
pub type Assignment = BTreeMap<String, Vec<TopicPartition>>;

/// `partition.assignment.strategy`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Assignor {
    /// Ranges of each topic.
    Range,
    /// All partitions in turn.
    RoundRobin,
}

impl Assignor {
    /// Its name in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
        }
    }

    /// The assignor of a name, or of the class that Kafka's configuration names.
    pub fn parse(text: &str) -> Option<Assignor> {
        let class = text.trim().strip_prefix("org.apache.kafka.clients.consumer.").unwrap_or(text.trim());
        Some(match class {
            "range" | "RangeAssignor" => Self::Range,
            "roundrobin" | "RoundRobinAssignor" => Self::RoundRobin,
            _ => return None,
        })
    }

    /// Computes the assignment of a group. `topics` are those that exist and that somebody subscribes to; members are in the
    /// order in which the coordinator named them.
    pub fn assign(
        self,
        topics: &BTreeMap<Arc<str>, TopicRacks>,
        members: &[(String, MemberSubscription)],
    ) -> Assignment {
        match self {
            Self::Range => range::assign(topics, members),
            Self::RoundRobin => round_robin::assign(topics, members),
        }
    }
}

/// Members as range and round robin order them: static ones first, by their instance id, then the others by their member id
/// (AbstractPartitionAssignor.MemberInfo).
fn sorted_members(members: &[(String, MemberSubscription)]) -> Vec<&(String, MemberSubscription)> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by(|(a, one), (b, other)| match (&one.instance_id, &other.instance_id) {
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.cmp(b),
    });
    sorted
}

/// Whether racks decide anything: consumers have some, partitions have some of them, and not every partition is on all of
/// them (AbstractPartitionAssignor.useRackAwareAssignment).
fn racks_matter<'a>(
    consumers: &BTreeSet<&str>,
    partitions: impl Iterator<Item = &'a BTreeSet<Arc<str>>> + Clone,
) -> bool {
    let all: BTreeSet<&str> = partitions.clone().flatten().map(|rack| &**rack).collect();
    !consumers.is_empty()
        && !consumers.is_disjoint(&all)
        && !partitions.clone().all(|racks| racks.len() == all.len())
}
