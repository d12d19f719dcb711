//! DescribeLogDirs (35), versions 1 to 5: what the broker's log directory holds (KIP-113, KIP-827,
//! KIP-1066). Left out: several
//! directories, future replicas, the size of the volume, which a simulated disk does not have.

use blumfeld_protocol::frame::{FrameError, encode_response};
use blumfeld_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use blumfeld_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName};
use bytes::BytesMut;

use super::LOG_DIR;
use crate::call::Call;
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request.
pub fn handle(server: &Server, call: &Call, request: DescribeLogDirsRequest) -> Result<Reply, FrameError> {
    let wanted = |topic: &str, number: i32| {
        request.topics.as_ref().is_none_or(|topics| {
            topics.iter().any(|one| one.topic.as_str() == topic && one.partitions.contains(&number))
        })
    };
    let mut topics: Vec<DescribeLogDirsTopic> = Vec::new();
    for ((name, number), partition) in server.replicas.partitions().filter(|((name, n), _)| wanted(name, *n))
    {
        let lag = (partition.high_watermark() - partition.log().log_end()).max(0);
        let described = DescribeLogDirsPartition::default()
            .with_partition_index(*number)
            .with_partition_size(i64::try_from(partition.log().size()).unwrap_or(i64::MAX))
            .with_offset_lag(lag);
        match topics.last_mut().filter(|topic| topic.name.as_str() == name) {
            Some(topic) => topic.partitions.push(described),
            None => topics.push(
                DescribeLogDirsTopic::default()
                    .with_name(TopicName(name.clone().into()))
                    .with_partitions(vec![described]),
            ),
        }
    }
    let mut result =
        DescribeLogDirsResult::default().with_log_dir(LOG_DIR.to_owned().into()).with_topics(topics);
    if call.header.version >= 4 {
        (result.total_bytes, result.usable_bytes) = (-1, -1);
    }
    let response = DescribeLogDirsResponse::default().with_results(vec![result]);
    if call.header.version < 5 {
        return respond(response);
    }
    // The library has no such version. It adds to each directory whether new replicas are kept out of it: to the only
    // one here, before its tagged fields and the message's, of which there are none.
    let header = &call.header;
    let frame = encode_response(header.api_key, 4, header.correlation_id, &response)?;
    let at = frame.len().saturating_sub(2);
    let mut longer = BytesMut::with_capacity(frame.len() + 1);
    longer.extend_from_slice(&frame.slice(..at));
    longer.extend_from_slice(&[0]);
    longer.extend_from_slice(&frame.slice(at..));
    Ok(Reply::Now(longer.freeze().into()))
}
