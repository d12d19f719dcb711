//! `DescribeLogDirs`: the log directories of a broker.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{
    DescribeLogDirsRequest, DescribeLogDirsResponse, describe_log_dirs_response,
};

use super::super::AdminResponse;
use super::Sender;
use crate::{ApiError, Completed, TopicPartition};

/// A replica in a log directory (org.apache.kafka.clients.admin.ReplicaInfo).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplicaSize {
    /// Its segments, in bytes.
    pub size: i64,
    /// How many records it is behind the log end or high watermark.
    pub offset_lag: i64,
    /// Whether it is to take the place of the current one, in another directory.
    pub future: bool,
}

/// A log directory (org.apache.kafka.clients.admin.LogDirDescription).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogDir {
    /// Its path.
    pub path: String,
    /// `NONE` if it works.
    pub error: ErrorCode,
    /// What is in it, in the order of the answer.
    pub replicas: Vec<(TopicPartition, ReplicaSize)>,
}

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>) -> Result<i32, ApiError> {
    let version = to.version::<DescribeLogDirsRequest>()?;
    to.send(version, &DescribeLogDirsRequest::default().with_topics(None))
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: DescribeLogDirsResponse = completed.decode()?;
    ApiError::check(response.error_code, None)?;
    Ok(AdminResponse::LogDirs(response.results.iter().map(log_dir).collect()))
}

fn log_dir(dir: &describe_log_dirs_response::DescribeLogDirsResult) -> LogDir {
    let mut replicas = Vec::new();
    for topic in &dir.topics {
        for partition in &topic.partitions {
            let size = ReplicaSize {
                size: partition.partition_size,
                offset_lag: partition.offset_lag,
                future: partition.is_future_key,
            };
            replicas.push((TopicPartition::new(&topic.name, partition.partition_index), size));
        }
    }
    LogDir { path: dir.log_dir.to_string(), error: ErrorCode(dir.error_code), replicas }
}
