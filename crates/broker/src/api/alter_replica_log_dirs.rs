//! AlterReplicaLogDirs (34), versions 1 and 2 (KIP-113): a replica stays where it is, in the broker's one directory.
//! Left out: other directories.

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use blumfeld_protocol::messages::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, TopicName};

use super::LOG_DIR;
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request (ReplicaManager.alterReplicaLogDirs): a directory that is not here is refused before the partition
/// is looked at.
pub fn handle(server: &Server, request: AlterReplicaLogDirsRequest) -> Result<Reply, FrameError> {
    let mut topics: BTreeMap<TopicName, BTreeMap<i32, ErrorCode>> = BTreeMap::new();
    for dir in request.dirs {
        for topic in dir.topics {
            for number in topic.partitions {
                // The name that the replica has while it moves, with an id, and how long it may be.
                let moving = format!("{}-{number}.", topic.name.as_str()).len() + 32 + "-future".len();
                let code = if moving > 255 {
                    ErrorCode::INVALID_TOPIC_EXCEPTION
                } else if dir.path.as_str() != LOG_DIR {
                    ErrorCode::LOG_DIR_NOT_FOUND
                } else {
                    match server.replica(&(topic.name.to_string(), number)) {
                        Ok(_) => ErrorCode::NONE,
                        Err(code) => code,
                    }
                };
                topics.entry(topic.name.clone()).or_default().insert(number, code);
            }
        }
    }
    let results = topics.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|(number, code)| {
            AlterReplicaLogDirPartitionResult::default().with_partition_index(number).with_error_code(code.0)
        });
        AlterReplicaLogDirTopicResult::default().with_topic_name(name).with_partitions(partitions.collect())
    });
    respond(AlterReplicaLogDirsResponse::default().with_results(results.collect()))
}
