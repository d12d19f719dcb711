//! `ListPartitionReassignments`: partitions that are being moved (KIP-455).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use blumfeld_protocol::messages::{
    BrokerId, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use super::super::AdminResponse;
use super::{Sender, name, numbers_by_topic};
use crate::{ApiError, Completed, TopicPartition};

/// A reassignment under way (org.apache.kafka.clients.admin.PartitionReassignment).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartitionReassignment {
    /// All brokers of the partition, those that come and those that go among them.
    pub replicas: Vec<i32>,
    /// Those that come.
    pub adding: Vec<i32>,
    /// Those that go.
    pub removing: Vec<i32>,
}

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>, partitions: Option<&BTreeSet<TopicPartition>>) -> Result<i32, ApiError> {
    let version = to.version::<ListPartitionReassignmentsRequest>()?;
    let topic = |(topic, partitions)| {
        ListPartitionReassignmentsTopics::default().with_name(name(topic)).with_partition_indexes(partitions)
    };
    let topics = partitions.map(|partitions| numbers_by_topic(partitions).into_iter().map(topic).collect());
    let body =
        ListPartitionReassignmentsRequest::default().with_topics(topics).with_timeout_ms(to.timeout_ms());
    to.send(version, &body)
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: ListPartitionReassignmentsResponse = completed.decode()?;
    ApiError::check(response.error_code, response.error_message.as_ref())?;
    let ids = |ids: &[BrokerId]| ids.iter().map(|id| id.0).collect();
    let mut under_way = BTreeMap::new();
    for topic in &response.topics {
        for partition in &topic.partitions {
            let reassignment = PartitionReassignment {
                replicas: ids(&partition.replicas),
                adding: ids(&partition.adding_replicas),
                removing: ids(&partition.removing_replicas),
            };
            under_way.insert(TopicPartition::new(&topic.name, partition.partition_index), reassignment);
        }
    }
    Ok(AdminResponse::Reassignments(under_way))
}
