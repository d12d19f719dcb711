//! OffsetForLeaderEpoch (23), versions 2 to 4: where a leader epoch ended (KIP-101, KIP-279, KIP-320).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use blumfeld_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request.
pub fn handle(server: &Server, request: OffsetForLeaderEpochRequest) -> Result<Reply, FrameError> {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let answer = EpochEndOffset::default()
                .with_partition(asked.partition)
                .with_leader_epoch(-1)
                .with_end_offset(-1);
            let key = (topic.topic.to_string(), asked.partition);
            let found = server.leader(&key, asked.current_leader_epoch);
            match found {
                Ok(partition) => {
                    let log = partition.log();
                    match log.epochs().end_offset_for(asked.leader_epoch, log.log_end()) {
                        Some((epoch, end)) => answer.with_leader_epoch(epoch).with_end_offset(end),
                        None => answer,
                    }
                }
                Err(ErrorCode(code)) => answer.with_error_code(code),
            }
        });
        OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic.clone())
            .with_partitions(partitions.collect())
    });
    respond(OffsetForLeaderEpochResponse::default().with_topics(topics.collect()))
}
