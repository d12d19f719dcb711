//! `AlterPartitionReassignments`: begin to move partitions, or stop it (KIP-455).

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use blumfeld_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, BrokerId,
};

use super::super::AdminResponse;
use super::{Sender, name, numbers_by_topic};
use crate::{ApiError, Completed, TopicPartition};

/// Sends the call.
pub fn send(
    mut to: Sender<'_, '_>,
    partitions: &BTreeMap<TopicPartition, Option<Vec<i32>>>,
    fixed_factor: bool,
) -> Result<i32, ApiError> {
    let version = to.version::<AlterPartitionReassignmentsRequest>()?;
    if fixed_factor && version < 1 {
        let text = "The broker does not support keeping the replication factor";
        return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
    }
    let partition = |topic: &str, partition: i32| {
        let wanted = partitions.get(&TopicPartition::new(topic, partition)).cloned().flatten();
        let wanted = wanted.map(|wanted| wanted.into_iter().map(BrokerId).collect());
        ReassignablePartition::default().with_partition_index(partition).with_replicas(wanted)
    };
    let topic = |(topic, partitions): (&str, Vec<i32>)| {
        ReassignableTopic::default()
            .with_name(name(topic))
            .with_partitions(partitions.into_iter().map(|of| partition(topic, of)).collect())
    };
    let body = AlterPartitionReassignmentsRequest::default()
        .with_allow_replication_factor_change(!fixed_factor)
        .with_topics(numbers_by_topic(partitions.keys()).into_iter().map(topic).collect())
        .with_timeout_ms(to.timeout_ms());
    to.send(version, &body)
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: AlterPartitionReassignmentsResponse = completed.decode()?;
    ApiError::check(response.error_code, response.error_message.as_ref())?;
    let mut results = BTreeMap::new();
    for topic in &response.responses {
        for partition in &topic.partitions {
            let result = ApiError::check(partition.error_code, partition.error_message.as_ref());
            results.insert(TopicPartition::new(&topic.name, partition.partition_index), result);
        }
    }
    Ok(AdminResponse::Partitions(results))
}
