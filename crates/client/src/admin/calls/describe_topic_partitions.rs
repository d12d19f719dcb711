//! `DescribeTopicPartitions`: everything about some topics, page by page (KIP-966).

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use blumfeld_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition;
use blumfeld_protocol::messages::{
    BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
};

use super::super::AdminResponse;
use super::{Sender, name};
use crate::{ApiError, Completed, PartitionMetadata, TopicMetadata};

/// How many partitions one page of a description may have (DescribeTopicsOptions.partitionSizeLimitPerResponse).
const PAGE: i32 = 2_000;

/// Pages of descriptions, as far as they have come.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    topics: BTreeMap<String, Result<TopicMetadata, ApiError>>,
    cursor: Option<(String, i32)>,
}

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>, topics: &[String], pages: &Pages) -> Result<i32, ApiError> {
    let version = to.version::<DescribeTopicPartitionsRequest>()?;
    let topic = |topic: &String| TopicRequest::default().with_name(name(topic));
    let cursor = pages.cursor.as_ref().map(|(topic, partition)| {
        Cursor::default().with_topic_name(name(topic)).with_partition_index(*partition)
    });
    // Topics before the cursor are done.
    let open = topics.iter().filter(|topic| pages.cursor.as_ref().is_none_or(|(at, _)| *topic >= at));
    let body = DescribeTopicPartitionsRequest::default()
        .with_topics(open.map(topic).collect())
        .with_response_partition_limit(PAGE)
        .with_cursor(cursor);
    to.send(version, &body)
}

/// Takes a page; the whole answer if it was the last.
pub fn answered(completed: &Completed, pages: &mut Pages) -> Result<Option<AdminResponse>, ApiError> {
    let last = page(pages, completed.decode()?)?;
    Ok(last.then(|| AdminResponse::Descriptions(std::mem::take(&mut pages.topics))))
}

/// Takes a page of descriptions; whether it was the last.
fn page(pages: &mut Pages, response: DescribeTopicPartitionsResponse) -> Result<bool, ApiError> {
    for topic in response.topics {
        let Some(name) = &topic.name else { continue };
        let code = ErrorCode(topic.error_code);
        if code.is_error() {
            pages.topics.insert(name.to_string(), Err(code.into()));
            continue;
        }
        let fresh = TopicMetadata {
            name: name.as_str().into(),
            id: topic.topic_id,
            internal: topic.is_internal,
            error: ErrorCode::NONE,
            partitions: BTreeMap::new(),
        };
        let known = pages.topics.entry(name.to_string()).or_insert(Ok(fresh));
        if let Ok(known) = known {
            known.partitions.extend(topic.partitions.iter().map(|of| (of.partition_index, partition(of))));
        }
    }
    let next = response.next_cursor.map(|cursor| (cursor.topic_name.to_string(), cursor.partition_index));
    // A cursor that stands still would never end.
    if next.is_some() && next <= pages.cursor {
        let text = "The cursor of the description does not move on";
        return Err(ApiError::new(ErrorCode::UNKNOWN_SERVER_ERROR, text));
    }
    pages.cursor = next;
    Ok(pages.cursor.is_none())
}

fn partition(of: &DescribeTopicPartitionsResponsePartition) -> PartitionMetadata {
    let ids = |ids: &[BrokerId]| -> Vec<i32> { ids.iter().map(|id| id.0).collect() };
    PartitionMetadata {
        partition: of.partition_index,
        leader: of.leader_id.0,
        leader_epoch: of.leader_epoch,
        replicas: ids(&of.replica_nodes),
        isr: ids(&of.isr_nodes),
        offline: ids(&of.offline_replicas),
        elr: Some(of.eligible_leader_replicas.as_deref().map(ids).unwrap_or_default()),
        last_known_elr: Some(of.last_known_elr.as_deref().map(ids).unwrap_or_default()),
        error: ErrorCode(of.error_code),
    }
}
