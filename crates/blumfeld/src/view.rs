//! How a cluster stands, as plain values.

use std::fmt::Write;
use std::time::Duration;

use blumfeld_sim::World;
use blumfeld_view::{BrokerView, GroupView, PartitionView, TopicView, TransactionView};

/// How a cluster stands at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The cluster's clock, from its beginning on.
    pub now: Duration,
    /// Events that the cluster has handled: two views with the same number are of the same state.
    pub events: u64,
    /// Brokers by id.
    pub brokers: Vec<BrokerView>,
    /// Topics by name, those of Kafka's own included.
    pub topics: Vec<TopicView>,
    /// Consumer groups by id.
    pub groups: Vec<GroupView>,
    /// Transactional ids, by id.
    pub transactions: Vec<TransactionView>,
    /// Faults in force, each as [`Simulation::fault`](crate::Simulation::fault) takes it.
    pub faults: Vec<String>,
}

impl View {
    pub(crate) fn of(world: &World) -> View {
        View {
            now: Duration::from_micros(world.now().as_micros()),
            events: world.events(),
            brokers: world.broker_views(),
            topics: world.topic_views(),
            groups: world.group_views(),
            transactions: world.transaction_views(),
            faults: world.faults().iter().map(ToString::to_string).collect(),
        }
    }

    /// The broker of an id.
    pub fn broker(&self, id: i32) -> Option<&BrokerView> {
        self.brokers.iter().find(|broker| broker.id == id)
    }

    /// The topic of a name.
    pub fn topic(&self, name: &str) -> Option<&TopicView> {
        self.topics.iter().find(|topic| topic.name == name)
    }

    /// A partition.
    pub fn partition(&self, topic: &str, partition: i32) -> Option<&PartitionView> {
        self.topic(topic)?.partitions.iter().find(|one| one.partition == partition)
    }

    /// The `node.id` of a partition's leader; `None` while it has none.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<i32> {
        self.partition(topic, partition).map(|one| one.leader).filter(|leader| *leader >= 0)
    }

    /// The consumer group of an id.
    pub fn group(&self, id: &str) -> Option<&GroupView> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// The broker that leads the metadata quorum; `None` while there is none.
    pub fn controller(&self) -> Option<i32> {
        self.brokers.iter().find(|broker| broker.controller).map(|broker| broker.id)
    }

    /// The state in a few sentences, for a message.
    pub(crate) fn told(&self) -> String {
        let mut told = String::new();
        let list = |parts: Vec<String>| if parts.is_empty() { "none".to_owned() } else { parts.join(", ") };
        let brokers = self.brokers.iter().map(|broker| format!("{} {}", broker.id, broker.state));
        let _ = write!(told, "Brokers: {}.", list(brokers.collect()));
        let partitions = self.topics.iter().filter(|topic| !topic.internal).flat_map(|topic| {
            topic.partitions.iter().map(|one| {
                let PartitionView { partition, leader, isr, log_end, .. } = one;
                format!("{}-{partition} leader {leader} ISR {isr:?} end {log_end}", topic.name)
            })
        });
        let _ = write!(told, " Partitions: {}.", list(partitions.take(20).collect()));
        let groups = self.groups.iter().map(|group| format!("{} {}", group.id, group.state));
        let _ = write!(told, " Groups: {}.", list(groups.collect()));
        let _ = write!(told, " Faults: {}.", list(self.faults.clone()));
        told
    }
}
