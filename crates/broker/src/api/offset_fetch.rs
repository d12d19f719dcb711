//! OffsetFetch (9), versions 1 to 9: offsets of several groups, all of a group's, or stable ones (KIP-447). Left out:
//! version 10 with topic ids; offsets of open transactions, of which there are none.

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use blumfeld_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use blumfeld_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse, TopicName};

use crate::call::Call;
use crate::coordinator::{Answer, OffsetAndMetadata, Offsets};
use crate::reply::Reply;
use crate::server::Server;

/// Handles a request: answered at once, or if the offsets have to be stable, once everything before it is committed.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: OffsetFetchRequest,
) -> Result<Reply, FrameError> {
    let waiter = call.clone();
    let stable = request.require_stable;
    let groups = if call.header.version >= 8 {
        request.groups
    } else {
        let topics = request.topics.map(|topics| {
            let topics = topics.into_iter().map(|topic| {
                OffsetFetchRequestTopics::default()
                    .with_name(topic.name)
                    .with_partition_indexes(topic.partition_indexes)
            });
            topics.collect()
        });
        vec![OffsetFetchRequestGroup::default().with_group_id(request.group_id).with_topics(topics)]
    };
    let mut response = OffsetFetchResponse::default();
    let mut found = Vec::new();
    for group in &groups {
        let result = server.with_group(cx, &group.group_id, |shard, _| {
            let offsets = if stable { shard.current() } else { shard.committed() };
            fetch(offsets, group)
        });
        let answer = OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone());
        response.groups.push(match result {
            Ok(topics) => {
                found.push(group.group_id.clone());
                answer.with_topics(topics)
            }
            // Version 1 has no place for an error but the partitions.
            Err(code) if call.header.version < 2 => answer.with_topics(failed(group, code)),
            Err(code) => answer.with_error_code(code.0),
        });
    }
    let answer = Answer::Fetch(response);
    if !stable || found.is_empty() {
        server.groups.answer(waiter, answer);
        return Ok(Reply::Parked);
    }
    let gathering = server.groups.gather(waiter, answer, found.len());
    for group_id in found {
        // The shard was there a moment ago.
        let _ = server.with_group(cx, &group_id, |shard, env| {
            shard.wait_for_writes(env, gathering, &group_id);
        });
    }
    Ok(Reply::Parked)
}

fn fetch(offsets: &Offsets, group: &OffsetFetchRequestGroup) -> Vec<OffsetFetchResponseTopics> {
    let id = group.group_id.as_str();
    let Some(topics) = &group.topics else {
        let all = offsets.topics(id).map(|(topic, partitions)| {
            OffsetFetchResponseTopics::default()
                .with_name(TopicName(topic.to_owned().into()))
                .with_partitions(partitions.iter().map(|(number, have)| told(*number, Some(have))).collect())
        });
        return all.collect();
    };
    let topics = topics.iter().map(|topic| {
        let partitions = (topic.partition_indexes.iter())
            .map(|number| told(*number, offsets.get(id, topic.name.as_str(), *number)));
        OffsetFetchResponseTopics::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    topics.collect()
}

fn told(number: i32, offset: Option<&OffsetAndMetadata>) -> OffsetFetchResponsePartitions {
    let response = OffsetFetchResponsePartitions::default().with_partition_index(number);
    match offset {
        Some(offset) => response
            .with_committed_offset(offset.offset)
            .with_committed_leader_epoch(offset.leader_epoch)
            .with_metadata(Some(offset.metadata.clone().into())),
        None => none(response),
    }
}

fn none(response: OffsetFetchResponsePartitions) -> OffsetFetchResponsePartitions {
    response
        .with_committed_offset(-1)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(String::new().into()))
}

fn failed(group: &OffsetFetchRequestGroup, code: ErrorCode) -> Vec<OffsetFetchResponseTopics> {
    let topics = group.topics.iter().flatten().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|number| {
            let response = OffsetFetchResponsePartitions::default().with_partition_index(*number);
            none(response).with_error_code(code.0)
        });
        OffsetFetchResponseTopics::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    topics.collect()
}
