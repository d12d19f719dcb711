//! `ListOffsets`: offsets by time, or by their place in the log. Each partition's leader is asked.

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use blumfeld_protocol::messages::{BrokerId, ListOffsetsRequest, ListOffsetsResponse};

use super::super::types::OffsetSpec;
use super::{Done, Sender, by_topic, name, note};
use crate::{ApiError, Completed, Metadata, TopicPartition};

/// Asks a leader about some of the partitions.
pub fn send(
    mut to: Sender<'_, '_>,
    specs: &BTreeMap<TopicPartition, OffsetSpec>,
    partitions: &[TopicPartition],
    metadata: &Metadata,
) -> Result<i32, ApiError> {
    let version = to.version::<ListOffsetsRequest>()?;
    let partition = |of: &&TopicPartition| {
        let spec = specs.get(*of).copied().unwrap_or(OffsetSpec::LATEST);
        let mut data =
            ListOffsetsPartition::default().with_partition_index(of.partition).with_timestamp(spec.0);
        if version >= 4 {
            data.current_leader_epoch = metadata.partition(of).map_or(-1, |of| of.leader_epoch);
        }
        data
    };
    let topic = |(topic, of): (&str, Vec<&TopicPartition>)| {
        ListOffsetsTopic::default().with_name(name(topic)).with_partitions(of.iter().map(partition).collect())
    };
    let needed = specs.values().map(|spec| match spec.0 {
        -3 => 7,
        -4 => 8,
        -5 => 9,
        _ => 1,
    });
    if needed.max().unwrap_or(1) > version {
        let text = "The broker does not support this kind of offset".to_owned();
        return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
    }
    let mut body = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(by_topic(partitions).into_iter().map(topic).collect());
    if version >= 10 {
        body.timeout_ms = to.timeout_ms();
    }
    to.send(version, &body)
}

/// Takes a leader's answer about offsets.
pub fn answered(completed: &Completed, asked: &[TopicPartition], done: &mut Done) -> Result<(), ApiError> {
    let response: ListOffsetsResponse = completed.decode()?;
    for topic in &response.topics {
        for answer in &topic.partitions {
            let partition = TopicPartition::new(&topic.name, answer.partition_index);
            if asked.contains(&partition) {
                note(done, partition, answer.error_code, answer.offset, answer.timestamp);
            }
        }
    }
    Ok(())
}
