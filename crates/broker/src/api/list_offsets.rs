//! ListOffsets (2), versions 1 to 11: earliest (-2), latest (-1), largest timestamp (-3, KIP-734), earliest local (-4),
//! latest tiered (-5), earliest not yet tiered (-6, KIP-1023), and by time. Left out: tiered
//! storage, of which there is none.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::{FrameError, encode_response};
use blumfeld_protocol::messages::list_offsets_request::ListOffsetsPartition;
use blumfeld_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use blumfeld_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use crate::call::Call;
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request.
pub fn handle(server: &Server, call: &Call, request: ListOffsetsRequest) -> Result<Reply, FrameError> {
    if !(0..=1).contains(&request.isolation_level) {
        return refused(call, request);
    }
    // A partition that comes twice is refused, and is answered once (ListOffsetsRequest.duplicatePartitions).
    let mut count: BTreeMap<(&str, i32), usize> = BTreeMap::new();
    for topic in &request.topics {
        for asked in &topic.partitions {
            *count.entry((topic.name.as_str(), asked.partition_index)).or_default() += 1;
        }
    }
    let mut answered = BTreeSet::new();
    let mut topics: Vec<ListOffsetsTopicResponse> = Vec::new();
    for topic in &request.topics {
        let name = topic.name.as_str();
        let fresh: Vec<_> = (topic.partitions.iter())
            .filter(|asked| answered.insert((name, asked.partition_index)))
            .collect();
        let partitions = fresh.into_iter().map(|asked| {
            let response = ListOffsetsPartitionResponse::default()
                .with_partition_index(asked.partition_index)
                .with_timestamp(-1)
                .with_offset(-1)
                .with_leader_epoch(-1);
            if count.get(&(name, asked.partition_index)).is_some_and(|count| *count > 1) {
                return response.with_error_code(ErrorCode::INVALID_REQUEST.0);
            }
            match find(server, (call.header.version, request.isolation_level), name, asked) {
                Ok((timestamp, offset, epoch)) => {
                    let response = response.with_timestamp(timestamp).with_offset(offset);
                    if call.header.version >= 4 { response.with_leader_epoch(epoch) } else { response }
                }
                Err(code) => response.with_error_code(code.0),
            }
        });
        let partitions: Vec<_> = partitions.collect();
        if partitions.is_empty() {
            continue;
        }
        match topics.iter_mut().find(|have| have.name == topic.name) {
            Some(have) => have.partitions.extend(partitions),
            None => topics.push(
                ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions),
            ),
        }
    }
    told(call, topics)
}

/// The answer to a request that Kafka's broker cannot handle (ListOffsetsRequest.getErrorResponse).
fn refused(call: &Call, request: ListOffsetsRequest) -> Result<Reply, FrameError> {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(ErrorCode::UNKNOWN_SERVER_ERROR.0)
                .with_timestamp(-1)
                .with_offset(-1)
                .with_leader_epoch(-1)
        });
        ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(partitions.collect())
    });
    told(call, topics.collect())
}

fn told(call: &Call, topics: Vec<ListOffsetsTopicResponse>) -> Result<Reply, FrameError> {
    let response = ListOffsetsResponse::default().with_topics(topics);
    if call.header.version > 10 {
        // The library has no such version, whose fields are those of the one before.
        let header = &call.header;
        let frame = encode_response(header.api_key, 10, header.correlation_id, &response)?;
        return Ok(Reply::Now(frame.into()));
    }
    respond(response)
}

/// Timestamp, offset and leader epoch; -1 for each that there is none of.
fn find(
    server: &Server,
    (version, isolation_level): (i16, i8),
    topic: &str,
    asked: &ListOffsetsPartition,
) -> Result<(i64, i64, i32), ErrorCode> {
    // The first version of each time that is none (ReplicaManager.isListOffsetsTimestampUnsupported).
    let since = match asked.timestamp {
        0.. | -1 | -2 => 0,
        -3 => 7,
        -4 => 8,
        -5 => 9,
        -6 => 11,
        _ => i16::MAX,
    };
    if version < since {
        return Err(ErrorCode::UNSUPPORTED_VERSION);
    }
    let epoch = if version >= 4 { asked.current_leader_epoch } else { -1 };
    let partition = server.leader(&(topic.to_owned(), asked.partition_index), epoch)?;
    let log = partition.log();
    // Consumers of committed transactions see no further than these are decided.
    let end = if isolation_level == 1 { partition.last_stable_offset() } else { partition.high_watermark() };
    let epoch_at = |offset: i64| log.epochs().epoch_for_offset(offset).unwrap_or(-1);
    let found = |found: Option<blumfeld_log::TimestampOffset>| {
        found.map_or((-1, -1, -1), |found| (found.timestamp, found.offset, found.leader_epoch))
    };
    Ok(match asked.timestamp {
        -1 => (-1, end, partition.registration().leader_epoch),
        -2 | -4 => (-1, log.log_start(), epoch_at(log.log_start())),
        -3 => found(log.find_max_timestamp()),
        ..0 => (-1, -1, -1),
        timestamp => found(log.find_by_timestamp(timestamp, end)),
    })
}
