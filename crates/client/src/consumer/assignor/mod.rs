//! Who reads which partition (org.apache.kafka.clients.consumer.ConsumerPartitionAssignor): computed by the group's
//! leader, as Kafka's own assignors do.

mod cooperative;
mod java;
mod range;
mod round_robin;
mod sticky;
mod user_data;

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

/// How a member goes through a rebalance (ConsumerPartitionAssignor.RebalanceProtocol). A later one is preferred.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RebalanceProtocol {
    /// It gives everything away before it joins.
    Eager,
    /// It keeps what it has, gives away what the leader takes, and then joins once more (KIP-429).
    Cooperative,
}

/// `partition.assignment.strategy`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Assignor {
    /// Ranges of each topic.
    Range,
    /// All partitions in turn.
    RoundRobin,
    /// Balanced, with as little change as possible (KIP-54).
    Sticky,
    /// The same, and what moves is first given away (KIP-429).
    CooperativeSticky,
}

impl Assignor {
    /// Its name in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::Sticky => "sticky",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// The assignor of a name, or of the class that Kafka's configuration names.
    pub fn parse(text: &str) -> Option<Assignor> {
        let class = text.trim().strip_prefix("org.apache.kafka.clients.consumer.").unwrap_or(text.trim());
        Some(match class {
            "range" | "RangeAssignor" => Self::Range,
            "roundrobin" | "RoundRobinAssignor" => Self::RoundRobin,
            "sticky" | "StickyAssignor" => Self::Sticky,
            "cooperative-sticky" | "CooperativeStickyAssignor" => Self::CooperativeSticky,
            _ => return None,
        })
    }

    /// The protocols that it can be used with.
    pub const fn protocols(self) -> &'static [RebalanceProtocol] {
        match self {
            Self::Range | Self::RoundRobin | Self::Sticky => &[RebalanceProtocol::Eager],
            Self::CooperativeSticky => &[RebalanceProtocol::Cooperative, RebalanceProtocol::Eager],
        }
    }
}

/// The latest protocol that all of these support; eager if there are none.
pub(super) fn protocol_of(assignors: &[Assignor]) -> RebalanceProtocol {
    let all = |protocol: &RebalanceProtocol| assignors.iter().all(|one| one.protocols().contains(protocol));
    let first = assignors.first().map_or(&[][..], |assignor| assignor.protocols());
    first.iter().copied().filter(all).max().unwrap_or(RebalanceProtocol::Eager)
}

/// Why a group cannot be assigned: Kafka's assignor would throw. What members say they own, or its data, does not fit
/// together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AssignmentError {
    /// The sticky assignor has more partitions than there is place for.
    #[error("No more unfilled consumers to be assigned.")]
    NoUnfilledConsumers,
    /// The sticky assignor has too few partitions.
    #[error("Partitions that members own leave too few for the others.")]
    TooFewPartitions,
    /// A partition's owner takes no part in the assignment.
    #[error("A partition belongs to a member that cannot be given others.")]
    UnknownOwner,
}

/// An assignor with what it remembers from one rebalance to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionAssignor {
    assignor: Assignor,
    /// The latest generation that a member spoke of, -1 before.
    max_generation: i32,
    /// What it was told of its own member's part: sticky assignors pass it on.
    own: Option<(Vec<TopicPartition>, i32)>,
}

impl PartitionAssignor {
    /// One that has seen nothing yet.
    pub const fn new(assignor: Assignor) -> PartitionAssignor {
        PartitionAssignor { assignor, max_generation: -1, own: None }
    }

    /// Its name in the protocol.
    pub const fn name(&self) -> &'static str {
        self.assignor.name()
    }

    /// Computes the assignment of a group. `topics` are those that exist and that somebody subscribes to; members are
    /// in the order in which the coordinator named them.
    ///
    /// # Errors
    /// What members say they own contradicts itself in a way that Kafka's assignor does not get over either.
    pub fn assign(
        &mut self,
        topics: &BTreeMap<Arc<str>, TopicRacks>,
        members: &[(String, MemberSubscription)],
    ) -> Result<Assignment, AssignmentError> {
        match self.assignor {
            Assignor::Range => Ok(range::assign(topics, members)),
            Assignor::RoundRobin => Ok(round_robin::assign(topics, members)),
            Assignor::Sticky => {
                let data = members.iter().map(|(_, member)| user_data::of_sticky(member)).collect();
                sticky::assign(topics, members, data, &mut self.max_generation)
                    .map(|result| result.assignment)
            }
            Assignor::CooperativeSticky => {
                let data = members.iter().map(|(_, member)| user_data::of_cooperative(member)).collect();
                let result = sticky::assign(topics, members, data, &mut self.max_generation)?;
                Ok(cooperative::without_moving(result, members))
            }
        }
    }

    /// Its member got these partitions in this generation.
    pub fn on_assignment(&mut self, partitions: Vec<TopicPartition>, generation: i32) {
        self.own = Some((partitions, generation));
    }

    /// What it adds to its member's next subscription.
    pub fn user_data(&self) -> Option<Bytes> {
        match self.assignor {
            Assignor::Range | Assignor::RoundRobin => None,
            Assignor::Sticky => {
                self.own.as_ref().map(|(owned, generation)| user_data::sticky(owned, *generation))
            }
            Assignor::CooperativeSticky => {
                Some(user_data::cooperative(self.own.as_ref().map_or(-1, |(_, generation)| *generation)))
            }
        }
    }
}

/// Members as range and round robin order them: static ones first, by their instance id, then the others by their
/// member id (AbstractPartitionAssignor.MemberInfo).
fn sorted_members(members: &[(String, MemberSubscription)]) -> Vec<&(String, MemberSubscription)> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by(|(a, one), (b, other)| match (&one.instance_id, &other.instance_id) {
        (Some(a), Some(b)) => java::compare(a, b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => java::compare(a, b),
    });
    sorted
}

/// Whether racks decide anything: consumers have some, partitions have some of them, and not every partition is on all
/// of them (AbstractPartitionAssignor.useRackAwareAssignment).
fn racks_matter<'a>(
    consumers: &BTreeSet<&str>,
    partitions: impl Iterator<Item = &'a BTreeSet<Arc<str>>> + Clone,
) -> bool {
    let all: BTreeSet<&str> = partitions.clone().flatten().map(|rack| &**rack).collect();
    !consumers.is_empty()
        && !consumers.is_disjoint(&all)
        && !partitions.clone().all(|racks| racks.len() == all.len())
}
