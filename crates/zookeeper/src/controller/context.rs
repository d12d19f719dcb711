//! What a controller knows of the cluster (`kafka.controller.ControllerContext`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use blumfeld_kernel::Endpoint;

use crate::control::TopicPartition;
use crate::znodes::LeaderAndIsr;

/// How a partition is (`kafka.controller.PartitionState`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PartitionStatus {
    /// It was made, and never had a leader.
    New,
    /// It has a leader.
    Online,
    /// Its leader is gone.
    Offline,
}

/// A partition, as its controller knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownPartition {
    /// Its replicas, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Its leader and ISR; `None` while it has no state in ZooKeeper.
    pub state: Option<LeaderAndIsr>,
    /// How it is.
    pub status: PartitionStatus,
}

/// A broker that lives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownBroker {
    /// Where it listens.
    pub at: Endpoint,
    /// czxid of its registration.
    pub epoch: i64,
}

/// The cluster, as its controller knows it.
#[derive(Clone, Debug, Default)]
pub struct ControllerContext {
    /// The brokers that are registered, those that end in order too.
    pub live: BTreeMap<i32, KnownBroker>,
    /// Those that end in order.
    pub shutting_down: BTreeSet<i32>,
    /// The topics.
    pub topics: BTreeSet<Arc<str>>,
    /// The partitions.
    pub partitions: BTreeMap<TopicPartition, KnownPartition>,
    /// Topics that are to go, with the replicas whose deletion is not told yet; `None` if it has not begun.
    pub deletions: BTreeMap<Arc<str>, Option<BTreeSet<(TopicPartition, i32)>>>,
}

impl ControllerContext {
    /// Whether a broker lives and does not end: what `isReplicaOnline` asks.
    pub fn is_online(&self, broker: i32) -> bool {
        self.live.contains_key(&broker) && !self.shutting_down.contains(&broker)
    }

    /// Whether a topic is to go.
    pub fn is_deleting(&self, topic: &str) -> bool {
        self.deletions.contains_key(topic)
    }

    /// Partitions that have a replica on a broker.
    pub fn hosted_by(&self, broker: i32) -> impl Iterator<Item = (&TopicPartition, &KnownPartition)> {
        self.partitions.iter().filter(move |(_, known)| known.replicas.contains(&broker))
    }

    /// Partitions of a topic.
    pub fn of_topic<'a>(
        &'a self,
        topic: &'a str,
    ) -> impl Iterator<Item = (&'a TopicPartition, &'a KnownPartition)> {
        self.partitions.iter().filter(move |(partition, _)| &*partition.topic == topic)
    }

    /// Partitions whose leader does not live, those of topics that are to go left out.
    pub fn with_offline_leader(&self) -> Vec<TopicPartition> {
        let offline = self.partitions.iter().filter(|(partition, known)| {
            known.state.as_ref().is_some_and(|state| !self.is_online(state.leader))
                && !self.is_deleting(&partition.topic)
        });
        offline.map(|(partition, _)| partition.clone()).collect()
    }

    /// Brokers that some replica is assigned to and that do not live.
    pub fn dead(&self) -> BTreeSet<i32> {
        let assigned = self.partitions.values().flat_map(|known| known.replicas.iter().copied());
        assigned.filter(|broker| !self.is_online(*broker)).collect()
    }
}

/// How a leader is chosen (`kafka.controller.PartitionLeaderElectionStrategy`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// The leader is gone: the first replica that lives and is in sync, or any that lives if that is allowed.
    Offline {
        /// `unclean.leader.election.enable`.
        unclean: bool,
    },
    /// The first replica, if it lives and is in sync.
    PreferredReplica,
    /// Some brokers end in order: another that lives and is in sync.
    ControlledShutdown,
}

/// The next leader and ISR; `None` if nobody can lead (`kafka.controller.Election`).
pub fn elect(
    context: &ControllerContext,
    replicas: &[i32],
    state: &LeaderAndIsr,
    strategy: Strategy,
) -> Option<LeaderAndIsr> {
    let in_sync = |broker: &i32| state.isr.contains(broker);
    let online = |broker: &i32| context.is_online(*broker);
    let (leader, isr) = match strategy {
        Strategy::Offline { unclean } => {
            match replicas.iter().copied().find(|broker| online(broker) && in_sync(broker)) {
                Some(leader) => (leader, state.isr.iter().copied().filter(online).collect()),
                None if unclean => {
                    replicas.iter().copied().find(online).map(|leader| (leader, vec![leader]))?
                }
                None => return None,
            }
        }
        Strategy::PreferredReplica => {
            let preferred = replicas.first().copied().filter(|broker| online(broker) && in_sync(broker))?;
            (preferred, state.isr.clone())
        }
        Strategy::ControlledShutdown => {
            let stays = |broker: &i32| !context.shutting_down.contains(broker);
            let lives = |broker: &i32| context.live.contains_key(broker);
            let leader =
                replicas.iter().copied().find(|broker| lives(broker) && in_sync(broker) && stays(broker))?;
            (leader, state.isr.iter().copied().filter(stays).collect())
        }
    };
    Some(LeaderAndIsr { leader, isr, leader_epoch: state.leader_epoch + 1, ..state.clone() })
}
