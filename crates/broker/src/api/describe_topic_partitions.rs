//! DescribeTopicPartitions (75), version 0 (KIP-966): topics with their partitions, page by page. What kafka-topics.sh
//! --describe asks. Left out: nothing.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use blumfeld_protocol::messages::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};

use super::TOPIC_OPERATIONS;
use crate::metadata::PartitionRegistration;
use crate::reply::{Reply, respond};
use crate::server::Server;
use crate::topic_name::{is_internal, validate_topic_name};

/// `max.request.partition.size.limit`: partitions of one page.
const PAGE: usize = 2_000;

/// Handles a request.
pub fn handle(server: &Server, request: DescribeTopicPartitionsRequest) -> Result<Reply, FrameError> {
    let mut names: Vec<String> = if request.topics.is_empty() {
        server.image.topics().keys().cloned().collect()
    } else {
        request.topics.iter().map(|topic| topic.name.to_string()).collect()
    };
    // A page goes on at a topic that is asked for and at a partition that can be
    // (DescribeTopicPartitionsRequestHandler).
    if let Some(cursor) = &request.cursor
        && (cursor.partition_index < 0
            || !(request.topics.is_empty() || names.iter().any(|name| name == cursor.topic_name.as_str())))
    {
        let topics = request.topics.iter().map(|topic| {
            DescribeTopicPartitionsResponseTopic::default()
                .with_name(Some(topic.name.clone()))
                .with_error_code(ErrorCode::INVALID_REQUEST.0)
        });
        return respond(DescribeTopicPartitionsResponse::default().with_topics(topics.collect()));
    }
    names.sort_unstable();
    names.dedup();
    let (from_topic, mut from_partition) = (request.cursor.as_ref())
        .map_or((String::new(), 0), |cursor| (cursor.topic_name.to_string(), cursor.partition_index));
    names.retain(|name| *name >= from_topic);
    let mut room = usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, PAGE);
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names {
        let first = if name == from_topic { from_partition } else { 0 };
        from_partition = 0;
        if room == 0 {
            response.next_cursor = Some(cursor(name, first));
            break;
        }
        let described = DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(TopicName(name.clone().into())))
            .with_topic_authorized_operations(TOPIC_OPERATIONS);
        let Some(topic) = server.image.topic(&name) else {
            let valid = validate_topic_name(&name).is_ok();
            let code = if valid {
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            } else {
                ErrorCode::INVALID_TOPIC_EXCEPTION
            };
            response.topics.push(described.with_error_code(code.0));
            continue;
        };
        let ids = |ids: &[i32]| ids.iter().map(|id| (*id).into()).collect();
        let fenced = |id: &i32| server.image.brokers().get(id).is_none_or(|broker| broker.fenced);
        let offline = |partition: &PartitionRegistration| -> Vec<i32> {
            partition.replicas.iter().copied().filter(fenced).collect()
        };
        let page = topic.partitions.range(first..).take(room).map(|(number, partition)| {
            DescribeTopicPartitionsResponsePartition::default()
                .with_partition_index(*number)
                .with_leader_id(partition.leader.into())
                .with_leader_epoch(partition.leader_epoch)
                .with_replica_nodes(ids(&partition.replicas))
                .with_isr_nodes(ids(&partition.isr))
                .with_eligible_leader_replicas(Some(ids(&partition.elr)))
                .with_last_known_elr(Some(ids(&partition.last_known_elr)))
                .with_offline_replicas(ids(&offline(partition)))
        });
        let partitions: Vec<_> = page.collect();
        room -= partitions.len();
        let next = partitions.last().map_or(first, |last| last.partition_index + 1);
        let more = topic.partitions.range(next..).next().is_some();
        response.topics.push(
            described
                .with_topic_id(topic.id)
                .with_is_internal(is_internal(&name))
                .with_partitions(partitions),
        );
        if more {
            response.next_cursor = Some(cursor(name, next));
            break;
        }
    }
    respond(response)
}

fn cursor(topic: String, partition: i32) -> Cursor {
    Cursor::default().with_topic_name(TopicName(topic.into())).with_partition_index(partition)
}
