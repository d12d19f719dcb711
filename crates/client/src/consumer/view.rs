//! How a consumer stands, as plain values.

use blumfeld_kernel::ClientCounts;

use super::coordinator::MemberStep;
use super::{Assignor, Consumer};
use crate::TopicPartition;

/// A partition that is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionPosition {
    /// The partition.
    pub partition: TopicPartition,
    /// The next offset that `poll` gives; `None` until it is known.
    pub position: Option<i64>,
    /// The high watermark as the last fetch told it.
    pub high_watermark: Option<i64>,
    /// Whether the program paused it.
    pub paused: bool,
}

/// How a consumer stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerView {
    /// `client.id`
    pub client_id: String,
    /// `group.id`
    pub group: Option<String>,
    /// `group.instance.id`
    pub instance: Option<String>,
    /// Its member id; empty while it has none.
    pub member: String,
    /// The generation that it knows; -1 for none.
    pub generation: i32,
    /// Where it stands in its group.
    pub step: MemberStep,
    /// The broker that coordinates its group, while it knows it.
    pub coordinator: Option<i32>,
    /// `partition.assignment.strategy`
    pub assignors: Vec<Assignor>,
    /// The partitions that are read.
    pub partitions: Vec<PartitionPosition>,
    /// Fetch requests under way.
    pub fetches: usize,
    /// Records that `poll` gave so far.
    pub polled: u64,
}

impl Consumer {
    /// What it has counted so far.
    pub fn client_counts(&self) -> ClientCounts<'_> {
        ClientCounts {
            client_id: &self.config.client.client_id,
            received: self.polled,
            processed: self.polled,
            ..ClientCounts::default()
        }
    }

    /// How it stands.
    pub fn view(&self) -> ConsumerView {
        let (member, generation) = self.member();
        let paused: Vec<_> = self.paused().collect();
        let partitions = self.assignment().map(|partition| PartitionPosition {
            partition: partition.clone(),
            position: self.position(partition),
            high_watermark: self.high_watermark(partition),
            paused: paused.contains(&partition),
        });
        ConsumerView {
            client_id: self.config.client.client_id.clone(),
            group: self.config.group_id.clone(),
            instance: self.config.group_instance_id.clone(),
            member: member.to_owned(),
            generation,
            step: self.coordinator.step(),
            coordinator: self.coordinator.coordinator(),
            assignors: self.config.assignors.clone(),
            partitions: partitions.collect(),
            fetches: self.fetcher.under_way(),
            polled: self.polled,
        }
    }
}
