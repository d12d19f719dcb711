//! The controller (org.apache.kafka.controller.QuorumController): turns a request into metadata records and a response.
//! It changes nothing itself; records change the image when they are replayed.

mod active;
mod cluster;
mod configs;
mod partition_change;
mod placement;
mod producer_ids;
mod replication;
mod topics;

pub use active::{Active, Waiting};
pub use cluster::{bootstrap, heartbeat, register_broker, unregister_broker};
pub use configs::{incremental_alter_configs, unsupported};
pub use producer_ids::allocate_producer_ids;
pub use replication::{alter_partition, alter_reassignments, elect_leaders, list_reassignments};
pub use topics::{TopicDefaults, create_partitions, create_topics, delete_topics};

use blumfeld_protocol::ErrorCode;

use crate::metadata::MetadataRecord;

/// Records that make a request true, and the response to send once they are committed.
#[derive(Clone, Debug)]
pub struct ControllerResult<R> {
    /// To be committed together.
    pub records: Vec<MetadataRecord>,
    /// For whoever asked.
    pub response: R,
}

/// Why one part of a request was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// The code.
    pub code: ErrorCode,
    /// The sentence; none where Kafka leaves it to the client's own text.
    pub message: Option<String>,
}

impl ApiError {
    /// A code with a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError { code, message: Some(message.into()) }
    }

    /// A code without one.
    pub const fn code(code: ErrorCode) -> ApiError {
        ApiError { code, message: None }
    }
}

#[cfg(test)]
mod tests;
