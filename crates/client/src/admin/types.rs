//! What can be asked of the admin client, and what it answers.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_protocol::Uuid;

use super::calls::abort_transaction::AbortTransactionSpec;
use super::calls::describe_cluster::ClusterDescription;
use super::calls::describe_groups::GroupDescription;
use super::calls::describe_log_dirs::LogDir;
use super::calls::describe_metadata_quorum::QuorumInfo;
use super::calls::describe_producers::ProducerState;
use super::calls::describe_transactions::TransactionDescription;
use super::calls::elect_leaders::ElectionType;
use super::calls::list_groups::GroupListing;
use super::calls::list_partition_reassignments::PartitionReassignment;
use super::calls::list_transactions::{TransactionFilter, TransactionListing};
use crate::consumer::OffsetAndMetadata;
use crate::producer::ProducerIdAndEpoch;
use crate::{ApiError, TopicMetadata, TopicPartition};

/// A topic to be created (org.apache.kafka.clients.admin.NewTopic).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; `None` for the broker's default, or with assignments.
    pub partitions: Option<i32>,
    /// How many replicas each; `None` for the broker's default, or with assignments.
    pub replication_factor: Option<i16>,
    /// Brokers by partition, the preferred one first; empty to let the controller choose.
    pub assignments: BTreeMap<i32, Vec<i32>>,
    /// Overrides.
    pub configs: BTreeMap<String, String>,
}

/// A topic that was created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatedTopic {
    /// Its id, nil from brokers that tell none.
    pub id: Uuid,
    /// Its partitions; -1 if not told.
    pub partitions: i32,
    /// Its replicas; -1 if not told.
    pub replication_factor: i16,
}

/// More partitions for a topic (org.apache.kafka.clients.admin.NewPartitions).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewPartitions {
    /// How many it is to have in all.
    pub total: i32,
    /// Brokers of each new partition, or `None` to let the controller choose.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// What a configuration is of (org.apache.kafka.common.config.ConfigResource).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ConfigResource {
    /// A topic.
    Topic(
        /// Its name.
        String,
    ),
    /// A broker.
    Broker(
        /// Its id; empty for the default of all brokers.
        String,
    ),
}

impl ConfigResource {
    /// The number in requests.
    pub const fn kind(&self) -> i8 {
        match self {
            Self::Topic(_) => 2,
            Self::Broker(_) => 4,
        }
    }

    /// The broker that alone knows it; `None` if every broker does.
    pub fn broker(&self) -> Option<i32> {
        match self {
            Self::Topic(_) => None,
            Self::Broker(id) => id.parse().ok(),
        }
    }

    /// The topic's or broker's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Topic(name) | Self::Broker(name) => name,
        }
    }
}

/// Where a configuration's value comes from (org.apache.kafka.clients.admin.ConfigEntry.ConfigSource).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigSource {
    /// Set for this topic.
    DynamicTopic,
    /// Set for this broker while it ran.
    DynamicBroker,
    /// Set for all brokers while they ran.
    DynamicDefaultBroker,
    /// In the broker's file.
    StaticBroker,
    /// Kafka's default.
    Default,
    /// Anything else.
    Unknown(
        /// Its number.
        i8,
    ),
}

impl ConfigSource {
    /// The source with this number in responses.
    pub const fn from_id(id: i8) -> ConfigSource {
        match id {
            1 => Self::DynamicTopic,
            2 => Self::DynamicBroker,
            3 => Self::DynamicDefaultBroker,
            4 => Self::StaticBroker,
            5 => Self::Default,
            other => Self::Unknown(other),
        }
    }

    /// Kafka's name, as `kafka-configs.sh` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DynamicTopic => "DYNAMIC_TOPIC_CONFIG",
            Self::DynamicBroker => "DYNAMIC_BROKER_CONFIG",
            Self::DynamicDefaultBroker => "DYNAMIC_DEFAULT_BROKER_CONFIG",
            Self::StaticBroker => "STATIC_BROKER_CONFIG",
            Self::Default => "DEFAULT_CONFIG",
            Self::Unknown(_) => "UNKNOWN",
        }
    }
}

/// One configuration (org.apache.kafka.clients.admin.ConfigEntry).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigEntry {
    /// Its name.
    pub name: String,
    /// Its value; `None` if it is a secret or has none.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether it is a secret.
    pub sensitive: bool,
    /// Whether it cannot be changed.
    pub read_only: bool,
    /// Values that count if this one goes, the strongest first: name, value, source.
    pub synonyms: Vec<(String, Option<String>, ConfigSource)>,
}

/// What to do to a configuration (org.apache.kafka.clients.admin.AlterConfigOp).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AlterConfigOp {
    /// Set the value.
    Set(
        /// The value.
        String,
    ),
    /// Go back to what else counts.
    Delete,
    /// Add to a list.
    Append(
        /// What to add.
        String,
    ),
    /// Take from a list.
    Subtract(
        /// What to take.
        String,
    ),
}

impl AlterConfigOp {
    /// The number in requests.
    pub const fn id(&self) -> i8 {
        match self {
            Self::Set(_) => 0,
            Self::Delete => 1,
            Self::Append(_) => 2,
            Self::Subtract(_) => 3,
        }
    }

    /// The value in requests.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Set(value) | Self::Append(value) | Self::Subtract(value) => Some(value),
            Self::Delete => None,
        }
    }
}

/// Which offset is asked for: a timestamp in milliseconds, or one of Kafka's special ones
/// (org.apache.kafka.clients.admin.OffsetSpec).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetSpec(
    /// The number in requests.
    pub i64,
);

impl OffsetSpec {
    /// The end of the log.
    pub const LATEST: OffsetSpec = OffsetSpec(-1);
    /// The log start.
    pub const EARLIEST: OffsetSpec = OffsetSpec(-2);
    /// The record with the largest timestamp.
    pub const MAX_TIMESTAMP: OffsetSpec = OffsetSpec(-3);
    /// The first that is on this broker's disk (KIP-405).
    pub const EARLIEST_LOCAL: OffsetSpec = OffsetSpec(-4);
    /// The last that is in tiered storage (KIP-1005).
    pub const LATEST_TIERED: OffsetSpec = OffsetSpec(-5);
}

/// An offset that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FoundOffset {
    /// The offset, -1 for none.
    pub offset: i64,
    /// Its record's timestamp, -1 if not told.
    pub timestamp: i64,
}

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AdminRequest {
    /// Create topics, or only see whether that would work.
    CreateTopics {
        /// The new topics.
        topics: Vec<NewTopic>,
        /// Only see.
        validate_only: bool,
    },
    /// Delete topics by name.
    DeleteTopics(
        /// Their names.
        Vec<String>,
    ),
    /// Give topics more partitions.
    CreatePartitions(
        /// Which and how many.
        Vec<(String, NewPartitions)>,
    ),
    /// Names and partitions of all topics.
    ListTopics,
    /// Everything about some topics.
    DescribeTopics(
        /// Their names.
        Vec<String>,
    ),
    /// Everything about some topics, with the replicas that may become leaders (KIP-966).
    DescribeTopicPartitions(
        /// Which, in order.
        Vec<String>,
    ),
    /// The brokers and the controller.
    DescribeCluster {
        /// Whether with those that are fenced.
        fenced: bool,
    },
    /// Elect leaders.
    ElectLeaders {
        /// How.
        election: ElectionType,
        /// Of which partitions; `None` for all.
        partitions: Option<BTreeSet<TopicPartition>>,
    },
    /// Begin to move partitions, or stop it.
    AlterPartitionReassignments {
        /// Which, and to what brokers; `None` to stop.
        partitions: BTreeMap<TopicPartition, Option<Vec<i32>>>,
        /// Whether each keeps its number of replicas.
        fixed_factor: bool,
    },
    /// Partitions that are being moved.
    ListPartitionReassignments(
        /// Which are looked at; `None` for all.
        Option<BTreeSet<TopicPartition>>,
    ),
    /// The quorum of the controllers.
    DescribeMetadataQuorum,
    /// The log directories of a broker.
    DescribeLogDirs {
        /// The broker's id.
        broker: i32,
    },
    /// Take a broker out of the cluster's list.
    UnregisterBroker(
        /// The broker's id.
        i32,
    ),
    /// Configurations.
    DescribeConfigs {
        /// Of what.
        resources: Vec<ConfigResource>,
        /// Whether with synonyms.
        synonyms: bool,
    },
    /// Change configurations.
    IncrementalAlterConfigs {
        /// Of what and how, in order.
        resources: Vec<(ConfigResource, Vec<(String, AlterConfigOp)>)>,
        /// Only see whether it would work.
        validate_only: bool,
    },
    /// Find offsets.
    ListOffsets(
        /// Of which partitions.
        BTreeMap<TopicPartition, OffsetSpec>,
    ),
    /// Delete the records before an offset; -1 stands for the high watermark.
    DeleteRecords(
        /// Of which partitions.
        BTreeMap<TopicPartition, i64>,
    ),
    /// Groups of consumers on all brokers.
    ListGroups {
        /// Only in these states, by Kafka's names; all if empty.
        states: Vec<String>,
        /// Only of these types, by Kafka's names; all if empty.
        types: Vec<String>,
    },
    /// Everything about some groups of consumers.
    DescribeGroups(
        /// Their ids.
        Vec<String>,
    ),
    /// What a group has committed.
    ListGroupOffsets(
        /// The group's id.
        String,
    ),
    /// Set offsets of a group that has no members.
    AlterGroupOffsets {
        /// Which group.
        group: String,
        /// The offsets.
        offsets: BTreeMap<TopicPartition, i64>,
    },
    /// Forget what a group has committed.
    DeleteGroupOffsets {
        /// Which group.
        group: String,
        /// Of which partitions.
        partitions: BTreeSet<TopicPartition>,
    },
    /// Delete groups.
    DeleteGroups(
        /// Their ids.
        Vec<String>,
    ),
    /// Take members out of a group. Those that it does not have are not missed.
    RemoveMembers {
        /// Which group.
        group: String,
        /// Their member ids.
        members: Vec<String>,
        /// Why, for the coordinator's log (KIP-800).
        reason: String,
    },
    /// Transactional ids on all brokers.
    ListTransactions(
        /// Which.
        TransactionFilter,
    ),
    /// How some transactional ids stand.
    DescribeTransactions(
        /// The ids.
        Vec<String>,
    ),
    /// Which producers some partitions know.
    DescribeProducers {
        /// Which partitions.
        partitions: BTreeSet<TopicPartition>,
        /// The broker to ask; `None` for each partition's leader.
        broker: Option<i32>,
    },
    /// End a transaction in a partition that its coordinator has forgotten.
    AbortTransaction(
        /// Which.
        AbortTransactionSpec,
    ),
    /// Fence off whoever has a transactional id, and abort what it left open.
    FenceProducer(
        /// The id.
        String,
    ),
}

impl AdminRequest {
    /// The name of Java's method, which its timeouts tell.
    pub const fn call_name(&self) -> &'static str {
        match self {
            Self::CreateTopics { .. } => "createTopics",
            Self::DeleteTopics(_) => "deleteTopics",
            Self::CreatePartitions(_) => "createPartitions",
            Self::ListTopics => "listTopics",
            Self::DescribeTopics(_) => "describeTopics",
            Self::DescribeTopicPartitions(_) => "describeTopics",
            Self::DescribeCluster { .. } => "listNodes",
            Self::ElectLeaders { .. } => "electLeaders",
            Self::AlterPartitionReassignments { .. } => "alterPartitionReassignments",
            Self::ListPartitionReassignments(_) => "listPartitionReassignments",
            Self::DescribeMetadataQuorum => "describeMetadataQuorum",
            Self::DescribeLogDirs { .. } => "describeLogDirs",
            Self::UnregisterBroker(_) => "unregisterBroker",
            Self::DescribeConfigs { .. } => "describeConfigs",
            Self::IncrementalAlterConfigs { .. } => "incrementalAlterConfigs",
            Self::ListOffsets(_) => "listOffsets",
            Self::DeleteRecords(_) => "deleteRecords",
            Self::ListGroups { .. } => "listGroups",
            Self::DescribeGroups(_) => "describeConsumerGroups",
            Self::ListGroupOffsets(_) => "offsetFetch",
            Self::AlterGroupOffsets { .. } => "offsetCommit",
            Self::DeleteGroupOffsets { .. } => "offsetDelete",
            Self::DeleteGroups(_) => "deleteConsumerGroups",
            Self::RemoveMembers { .. } => "removeMembersFromConsumerGroup",
            Self::ListTransactions(_) => "listTransactions",
            Self::DescribeTransactions(_) => "describeTransactions",
            Self::DescribeProducers { .. } => "describeProducers",
            Self::AbortTransaction(_) => "abortTransaction",
            Self::FenceProducer(_) => "fenceProducer",
        }
    }
}

/// What was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AdminResponse {
    /// To `CreateTopics`, by name.
    CreateTopics(BTreeMap<String, Result<CreatedTopic, ApiError>>),
    /// To `DeleteTopics` and `CreatePartitions`, by name.
    Topics(BTreeMap<String, Result<(), ApiError>>),
    /// To `ListTopics`, `DescribeTopics` and `DescribeTopicPartitions`, by name.
    Descriptions(BTreeMap<String, Result<TopicMetadata, ApiError>>),
    /// To `ElectLeaders` and `AlterPartitionReassignments`.
    Partitions(BTreeMap<TopicPartition, Result<(), ApiError>>),
    /// To `ListPartitionReassignments`.
    Reassignments(BTreeMap<TopicPartition, PartitionReassignment>),
    /// To `DescribeMetadataQuorum`.
    Quorum(QuorumInfo),
    /// To `DescribeLogDirs`.
    LogDirs(Vec<LogDir>),
    /// To `UnregisterBroker`.
    Unregistered,
    /// To `DescribeCluster`.
    Cluster(ClusterDescription),
    /// To `DescribeConfigs`, in the order of the question.
    Configs(Vec<(ConfigResource, Result<Vec<ConfigEntry>, ApiError>)>),
    /// To `IncrementalAlterConfigs`.
    Altered(Vec<(ConfigResource, Result<(), ApiError>)>),
    /// To `ListOffsets`.
    Offsets(BTreeMap<TopicPartition, Result<FoundOffset, ApiError>>),
    /// To `DeleteRecords`: the new log starts.
    Deleted(BTreeMap<TopicPartition, Result<i64, ApiError>>),
    /// To `ListGroups`, by id.
    Groups(Vec<GroupListing>),
    /// To `DescribeGroups`, by id.
    GroupDescriptions(BTreeMap<String, Result<GroupDescription, ApiError>>),
    /// To `ListGroupOffsets`, without partitions of which nothing was committed. The error is of the group.
    GroupOffsets(Result<BTreeMap<TopicPartition, OffsetAndMetadata>, ApiError>),
    /// To `AlterGroupOffsets` and `DeleteGroupOffsets`. The outer error is of the group.
    GroupPartitions(Result<BTreeMap<TopicPartition, Result<(), ApiError>>, ApiError>),
    /// To `DeleteGroups`, by id.
    GroupsDeleted(BTreeMap<String, Result<(), ApiError>>),
    /// To `RemoveMembers`. The error is of the group.
    MembersRemoved(Result<(), ApiError>),
    /// To `ListTransactions`, by the broker that coordinates them.
    Transactions(BTreeMap<i32, Vec<TransactionListing>>),
    /// To `DescribeTransactions`, by id.
    TransactionDescriptions(BTreeMap<String, Result<TransactionDescription, ApiError>>),
    /// To `DescribeProducers`.
    Producers(BTreeMap<TopicPartition, Result<Vec<ProducerState>, ApiError>>),
    /// To `AbortTransaction`.
    TransactionAborted(Result<(), ApiError>),
    /// To `FenceProducer`: the id and epoch that nobody has now.
    ProducerFenced(Result<ProducerIdAndEpoch, ApiError>),
}
