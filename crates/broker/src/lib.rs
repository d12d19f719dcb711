//! A Kafka node: broker, KRaft controller, or both in one process (`process.roles`).
//!
//! The node is a state machine: frames, timers and disk completions go in through
//! [`Node::handle`](blumfeld_kernel::Node::handle), frames and disk operations come out. Cluster metadata lives in one
//! place, the `__cluster_metadata` log: the controller turns a request into records and a response, the records are
//! committed, and [`MetadataImage::replay`] is the only thing that changes what the node knows.

mod api;
mod broker_config;
mod bug;
mod call;
mod channel;
mod config;
mod controller;
mod coordinator;
mod lifecycle;
mod metadata;
mod node;
mod quorum;
mod raft;
mod replica;
mod reply;
mod server;
mod timers;
mod topic_config;
mod topic_name;

pub use api::{controller_versions, supported_versions};
pub use bug::Bug;
#[cfg(feature = "planted-bugs")]
pub use bug::plant;
pub use config::{BrokerConfig, GroupCoordinatorConfig, QuorumConfig, Roles, TransactionConfig};
pub use controller::bootstrap as bootstrap_records;
pub use coordinator::{
    ClassicGroup, ClassicGroupState, ClassicMember, GROUP_METADATA_TOPIC, GroupCoordinator,
    GroupMetadataValue, GroupRecord, GroupRecordError, MemberMetadata, OffsetAndMetadata,
    TRANSACTION_STATE_TOPIC, Transaction, TransactionCoordinator, TransactionMetadata, TransactionRecord,
    TransactionRecordError, TransactionState, assigned_partitions, partition_for,
};
pub use lifecycle::BrokerState;
pub use metadata::{
    BrokerRegistration, Listener, MetadataImage, MetadataRecord, PartitionChange, PartitionRegistration,
    QuotaEntity, QuotaValue, RecordFormatError, ResourceType, ScramCredential, TopicImage,
};
pub use node::{Broker, stored_cluster_id};
pub use raft::{EpochState, RaftClient};
pub use replica::{Follower, Partition, ReplicaManager, TopicPartition};
pub use server::{BrokerStats, CleanerStatus, LogCleaner};
pub use topic_config::{ConfigKey, ConfigType, TOPIC_CONFIGS};
pub use topic_name::{TopicNameError, has_collision, validate_topic_name};
