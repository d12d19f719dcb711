//! DeleteRecords (21), versions 0 to 2: moves the log start. Followers learn of it with their next fetch. Left out: the
//! wait until they have.

use std::collections::BTreeMap;

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use blumfeld_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse, TopicName};

use crate::reply::{Reply, respond};
use crate::server::Server;
use crate::topic_name::is_internal;

/// Handles a request.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    request: DeleteRecordsRequest,
) -> Result<Reply, FrameError> {
    // Of a partition that comes twice the last offset counts, and it is answered once.
    let mut wanted: BTreeMap<&TopicName, BTreeMap<i32, i64>> = BTreeMap::new();
    for topic in request.topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        let of = wanted.entry(&topic.name).or_default();
        of.extend(topic.partitions.iter().map(|asked| (asked.partition_index, asked.offset)));
    }
    let mut topics = Vec::new();
    for (topic, asked) in wanted {
        let mut partitions = Vec::new();
        for (number, offset) in asked {
            let result = DeleteRecordsPartitionResult::default().with_partition_index(number);
            partitions.push(match delete(server, cx, topic.as_str(), number, offset) {
                Ok(low_watermark) => result.with_low_watermark(low_watermark),
                Err(code) => result.with_low_watermark(-1).with_error_code(code.0),
            });
        }
        topics.push(DeleteRecordsTopicResult::default().with_name(topic.clone()).with_partitions(partitions));
    }
    respond(DeleteRecordsResponse::default().with_topics(topics))
}

/// Deletes the records below `offset`, -1 for the high watermark; gives the new log start.
fn delete(
    server: &mut Server,
    cx: &mut Context<'_>,
    topic: &str,
    number: i32,
    offset: i64,
) -> Result<i64, ErrorCode> {
    if is_internal(topic) {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    let key = (topic.to_owned(), number);
    server.leader(&key, -1)?;
    server.replicas.delete_records(cx, &key, offset)
}
