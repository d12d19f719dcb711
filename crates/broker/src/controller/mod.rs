//! The controller (org.apache.kafka.controller.QuorumController): turns a request into metadata records and a response.
//! It changes nothing itself; records change the image when they are replayed.

mod active;
mod cluster;
mod configs;
mod features;
mod partition_change;
mod placement;
mod producer_ids;
mod quotas;
mod replication;
mod scram;
mod topics;

pub use active::{Active, Waiting};
pub use cluster::{bootstrap, heartbeat, register_broker, unregister_broker};
pub use configs::{incremental_alter_configs, legacy_alter_configs, unsupported};
pub use features::update_features;
pub use producer_ids::allocate_producer_ids;
pub use quotas::alter_client_quotas;
pub use replication::{alter_partition, alter_reassignments, elect_leaders, list_reassignments};
pub use scram::alter_user_scram_credentials;
pub use topics::{TopicDefaults, asks, asks_to_delete, create_partitions, create_topics, delete_topics};

use crate::metadata::MetadataRecord;

/// Records that make a request true, and the response to send once they are committed.
#[derive(Clone, Debug)]
pub struct ControllerResult<R> {
    /// To be committed together.
    pub records: Vec<MetadataRecord>,
    /// For the client that asked.
    pub response: R,
}

#[cfg(test)]
mod tests;
