//! What is in the requests and responses about groups.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::describe_groups_response::DescribedGroup;
use blumfeld_protocol::messages::leave_group_request::MemberIdentity;
use blumfeld_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use blumfeld_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use blumfeld_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use blumfeld_protocol::messages::{
    GroupId, LeaveGroupRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
    OffsetFetchResponse,
};
use blumfeld_protocol::wire::StrBytes;

use super::super::calls::{name, text};
use super::{CONSUMER, GroupDescription, Learnt, MemberDescription};
use crate::consumer::{OffsetAndMetadata, protocol};
use crate::{ApiError, Broker, TopicPartition, offset_fetch};

pub(super) fn id(group: &str) -> GroupId {
    GroupId(text(group))
}

/// All offsets of a group.
pub(super) fn fetch_all(group: &str, version: i16) -> OffsetFetchRequest {
    let mut body = OffsetFetchRequest::default();
    if version >= 8 {
        let mut of = OffsetFetchRequestGroup::default().with_group_id(id(group)).with_topics(None);
        if version >= 9 {
            of.member_epoch = -1;
        }
        body.groups = vec![of];
    } else {
        body.group_id = id(group);
        body.topics = None;
    }
    body
}

/// A commit in nobody's name, which only a group without members takes.
pub(super) fn commit(
    group: &str,
    offsets: &BTreeMap<TopicPartition, i64>,
    version: i16,
) -> OffsetCommitRequest {
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
        .with_group_id(id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(topics);
    if version <= 4 {
        body.retention_time_ms = -1;
    }
    body
}

/// Members go, several at once where the version has that (KIP-345), else the first alone.
pub(super) fn leave(group: &str, members: &[String], reason: &str, version: i16) -> LeaveGroupRequest {
    let mut body = LeaveGroupRequest::default().with_group_id(id(group));
    if version < 3 {
        body.member_id = members.first().map(|member| text(member)).unwrap_or_default();
        return body;
    }
    body.members = (members.iter())
        .map(|member| {
            let mut identity = MemberIdentity::default().with_member_id(text(member));
            if version >= 5 {
                identity.reason = Some(text(reason));
            }
            identity
        })
        .collect();
    body
}

pub(super) fn delete_offsets(group: &str, partitions: &BTreeSet<TopicPartition>) -> OffsetDeleteRequest {
    let mut topics: Vec<OffsetDeleteRequestTopic> = Vec::new();
    for of in partitions {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(of.partition);
        match topics.last_mut().filter(|topic| topic.name.as_str() == &*of.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(
                OffsetDeleteRequestTopic::default()
                    .with_name(name(&of.topic))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    OffsetDeleteRequest::default().with_group_id(id(group)).with_topics(topics)
}

/// A commit's partitions, or the error of the group if the coordinator could not take it.
pub(super) fn unless_the_group_fails(
    partitions: BTreeMap<TopicPartition, Result<(), ApiError>>,
) -> Result<Learnt, ApiError> {
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

pub(super) fn describe(group: &DescribedGroup, coordinator: Broker) -> Result<GroupDescription, ApiError> {
    let kind = group.protocol_type.as_str();
    if !kind.is_empty() && kind != CONSUMER {
        let id = group.group_id.as_str();
        let text = format!("GroupId {id} is not a consumer group ({kind}).");
        return Err(ApiError::new(ErrorCode::INVALID_REQUEST, text));
    }
    let members = group.members.iter().map(|member| MemberDescription {
        id: member.member_id.to_string(),
        instance_id: member.group_instance_id.as_ref().map(ToString::to_string),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        // What cannot be read is shown as nothing.
        partitions: protocol::decode_assignment(&member.member_assignment)
            .map(|(partitions, _)| partitions)
            .unwrap_or_default(),
    });
    Ok(GroupDescription {
        id: group.group_id.to_string(),
        state: group.group_state.to_string(),
        assignor: group.protocol_data.to_string(),
        coordinator,
        members: members.collect(),
    })
}

pub(super) fn fetched(
    response: OffsetFetchResponse,
) -> Result<BTreeMap<TopicPartition, OffsetAndMetadata>, ApiError> {
    let answers = offset_fetch::read(response)?.into_iter();
    // Java leaves out what it cannot learn.
    Ok(answers.filter_map(|(of, committed)| Some((of, committed.ok()??))).collect())
}
