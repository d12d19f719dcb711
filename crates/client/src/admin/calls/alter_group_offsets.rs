//! `OffsetCommit`: set offsets of a group that has no members.

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use blumfeld_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use blumfeld_protocol::wire::StrBytes;

use super::super::groups::{GroupResult, Learnt};
use super::{Sender, group_id, name};
use crate::{ApiError, Completed, TopicPartition};

/// Sends the call to a coordinator.
pub fn send(
    mut to: Sender<'_, '_>,
    group: &str,
    offsets: &BTreeMap<TopicPartition, i64>,
) -> Result<i32, ApiError> {
    let version = to.version::<OffsetCommitRequest>()?;
    to.send(version, &commit(group, offsets, version))
}

/// A commit in nobody's name, which only a group without members takes.
fn commit(group: &str, offsets: &BTreeMap<TopicPartition, i64>, version: i16) -> OffsetCommitRequest {
    let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
    for (of, offset) in offsets {
        let mut partition = OffsetCommitRequestPartition::default()
            .with_partition_index(of.partition)
            .with_committed_offset(*offset)
            .with_committed_metadata(Some(StrBytes::default()));
        if version >= 6 {
            partition.committed_leader_epoch = -1;
        }
        match topics.last_mut().filter(|topic| topic.name.as_str() == &*of.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(
                OffsetCommitRequestTopic::default()
                    .with_name(name(&of.topic))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    let mut body = OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(topics);
    if version <= 4 {
        body.retention_time_ms = -1;
    }
    body
}

/// Takes the coordinator's answer.
pub fn answered(completed: &Completed) -> Result<GroupResult, ApiError> {
    let response: OffsetCommitResponse = completed.decode()?;
    let mut partitions = BTreeMap::new();
    for topic in &response.topics {
        for one in &topic.partitions {
            let result = ApiError::check(one.error_code, None);
            partitions.insert(TopicPartition::new(&topic.name, one.partition_index), result);
        }
    }
    Ok(unless_the_group_fails(partitions))
}

/// A commit's partitions, or the error of the group if the coordinator could not take it.
fn unless_the_group_fails(partitions: BTreeMap<TopicPartition, Result<(), ApiError>>) -> GroupResult {
    let of_group = |error: &&ApiError| {
        matches!(
            error.code,
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
                | ErrorCode::COORDINATOR_NOT_AVAILABLE
                | ErrorCode::NOT_COORDINATOR
                | ErrorCode::REBALANCE_IN_PROGRESS
        )
    };
    match partitions.values().filter_map(|result| result.as_ref().err()).find(of_group) {
        Some(error) => Err(error.clone()),
        None => Ok(Learnt::Partitions(partitions)),
    }
}
