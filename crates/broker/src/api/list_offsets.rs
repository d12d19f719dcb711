//! ListOffsets (2), versions 1 to 11: earliest (-2), latest (-1), largest timestamp (-3, KIP-734), earliest local (-4),
//! latest tiered (-5), earliest not yet tiered (-6, KIP-1023), and by time. Left out: tiered
//! storage, of which there is none.

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
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let response = ListOffsetsPartitionResponse::default()
                .with_partition_index(asked.partition_index)
                .with_timestamp(-1)
                .with_offset(-1)
                .with_leader_epoch(-1);
            match find(server, (call.header.version, request.isolation_level), topic.name.as_str(), asked) {
                Ok((timestamp, offset, epoch)) => {
                    let response = response.with_timestamp(timestamp).with_offset(offset);
                    if call.header.version >= 4 { response.with_leader_epoch(epoch) } else { response }
                }
                Err(code) => response.with_error_code(code.0),
            }
        });
        ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    let response = ListOffsetsResponse::default().with_topics(topics.collect());
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
    let epoch = if version >= 4 { asked.current_leader_epoch } else { -1 };
    let partition = server.leader(&(topic.to_owned(), asked.partition_index), epoch)?;
    let log = partition.log();
    // Consumers of committed transactions see no further than these are decided.
    let end = if isolation_level == 1 { partition.last_stable_offset() } else { partition.high_watermark() };
    let epoch_at = |offset: i64| log.epochs().epoch_for_offset(offset).unwrap_or(-1);
    let found = |found: Option<blumfeld_log::TimestampOffset>| {
        found.map_or((-1, -1, -1), |found| (found.timestamp, found.offset, found.leader_epoch))
    };
    Ok(match (asked.timestamp, version) {
        (-1, _) => (-1, end, partition.registration().leader_epoch),
        (-2, _) | (-4, 8..) => (-1, log.log_start(), epoch_at(log.log_start())),
        (-3, 7..) => found(log.find_max_timestamp()),
        (-5, 9..) | (-6, 11..) => (-1, -1, -1),
        (..0, _) => return Err(ErrorCode::UNSUPPORTED_VERSION),
        (timestamp, _) => found(log.find_by_timestamp(timestamp, end)),
    })
}
