//! DeleteRecords (21), versions 0 to 2: moves the log start. It is answered once every replica that is alive has moved
//! its own, which followers do when they fetch, or when the request's time is over.

use std::collections::BTreeMap;

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use blumfeld_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse, TopicName};

use crate::call::Call;
use crate::reply::Reply;
use crate::server::{DelayedDeleteRecords, Server, Undeleted};
use crate::topic_name::is_internal;

/// Handles a request.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: DeleteRecordsRequest,
) -> Result<Reply, FrameError> {
    // Of a partition that comes twice the last offset counts, and it is answered once.
    let mut wanted: BTreeMap<&TopicName, BTreeMap<i32, i64>> = BTreeMap::new();
    for topic in request.topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        let of = wanted.entry(&topic.name).or_default();
        of.extend(topic.partitions.iter().map(|asked| (asked.partition_index, asked.offset)));
    }
    let (mut topics, mut waiting) = (Vec::new(), Vec::new());
    for (topic, asked) in wanted {
        let mut partitions = Vec::new();
        for (number, offset) in asked {
            let result = DeleteRecordsPartitionResult::default().with_partition_index(number);
            partitions.push(match delete(server, cx, topic.as_str(), number, offset) {
                Ok(one) => {
                    let low_watermark = server.low_watermark(&one.key).unwrap_or(-1);
                    waiting.push(Undeleted { place: (topics.len(), partitions.len()), ..one });
                    // What a request is told whose time is over.
                    let code = ErrorCode::REQUEST_TIMED_OUT.0;
                    result.with_low_watermark(low_watermark).with_error_code(code)
                }
                Err(code) => result.with_low_watermark(-1).with_error_code(code.0),
            });
        }
        topics.push(DeleteRecordsTopicResult::default().with_name(topic.clone()).with_partitions(partitions));
    }
    let response = DeleteRecordsResponse::default().with_topics(topics);
    let expires = cx.after_ms(i64::from(request.timeout_ms));
    server.delete_or_park(DelayedDeleteRecords { call: call.clone(), response, waiting, expires })
}

/// Deletes the records below `offset` here, -1 for the high watermark; gives what is to become true everywhere.
fn delete(
    server: &mut Server,
    cx: &mut Context<'_>,
    topic: &str,
    number: i32,
    offset: i64,
) -> Result<Undeleted, ErrorCode> {
    if is_internal(topic) {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    let key = (topic.to_owned(), number);
    server.leader(&key, -1)?;
    let offset = server.replicas.delete_records(cx, &key, offset)?;
    Ok(Undeleted { place: (0, 0), key, offset })
}
