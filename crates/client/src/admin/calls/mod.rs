//! The calls, one file each: what is sent, and what is made of the answer.
//!
//! [`Route::of`] says of each call whom it is for. Behind it stand three closed enums, so that nobody has to say what
//! becomes of a call that is not theirs.

pub(super) mod abort_transaction;
pub(super) mod alter_group_offsets;
pub(super) mod alter_partition_reassignments;
pub(super) mod create_partitions;
pub(super) mod create_topics;
pub(super) mod delete_group_offsets;
pub(super) mod delete_groups;
pub(super) mod delete_records;
pub(super) mod delete_topics;
pub(super) mod describe_cluster;
pub(super) mod describe_configs;
pub(super) mod describe_groups;
pub(super) mod describe_log_dirs;
pub(super) mod describe_metadata_quorum;
pub(super) mod describe_producers;
pub(super) mod describe_topic_partitions;
pub(super) mod describe_topics;
pub(super) mod describe_transactions;
pub(super) mod elect_leaders;
pub(super) mod fence_producer;
pub(super) mod incremental_alter_configs;
pub(super) mod list_group_offsets;
pub(super) mod list_groups;
pub(super) mod list_offsets;
pub(super) mod list_partition_reassignments;
pub(super) mod list_transactions;
pub(super) mod remove_members;
pub(super) mod unregister_broker;

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{GroupId, TopicName};
use blumfeld_protocol::wire::{Request, StrBytes};

use super::types::{
    AdminRequest, AdminResponse, AlterConfigOp, ConfigResource, FoundOffset, NewPartitions, NewTopic,
    OffsetSpec,
};
use crate::{ApiError, Completed, Metadata, NetworkClient, TopicPartition};
use abort_transaction::AbortTransactionSpec;
use describe_producers::ProducerState;
use describe_topic_partitions::Pages;
use elect_leaders::ElectionType;
use list_transactions::TransactionFilter;

/// The protocol type of groups of consumers (org.apache.kafka.clients.consumer.internals.ConsumerProtocol).
const CONSUMER: &str = "consumer";

/// Whom a call is for.
#[derive(Clone, Copy)]
pub(super) enum Route<'a> {
    /// One broker answers all of it.
    Broker(BrokerCall<'a>),
    /// The leader of each partition answers for that.
    Leaders(LeaderCall<'a>),
    /// Groups: the brokers that coordinate them.
    Groups(GroupCall<'a>),
}

/// A call that one broker answers; what is the controller's it forwards (KIP-590).
#[derive(Clone, Copy)]
pub(super) enum BrokerCall<'a> {
    CreateTopics {
        topics: &'a [NewTopic],
        validate_only: bool,
    },
    DeleteTopics(&'a [String]),
    CreatePartitions(&'a [(String, NewPartitions)]),
    ListTopics,
    DescribeTopics(&'a [String]),
    DescribeTopicPartitions(&'a [String]),
    DescribeCluster {
        fenced: bool,
    },
    ElectLeaders {
        election: ElectionType,
        partitions: Option<&'a BTreeSet<TopicPartition>>,
    },
    AlterPartitionReassignments {
        partitions: &'a BTreeMap<TopicPartition, Option<Vec<i32>>>,
        fixed_factor: bool,
    },
    ListPartitionReassignments(Option<&'a BTreeSet<TopicPartition>>),
    DescribeMetadataQuorum,
    DescribeLogDirs {
        broker: i32,
    },
    UnregisterBroker(i32),
    DescribeConfigs {
        resources: &'a [ConfigResource],
        synonyms: bool,
    },
    IncrementalAlterConfigs {
        resources: &'a [(ConfigResource, Vec<(String, AlterConfigOp)>)],
        validate_only: bool,
    },
}

/// A call about partitions.
#[derive(Clone, Copy)]
pub(super) enum LeaderCall<'a> {
    ListOffsets(&'a BTreeMap<TopicPartition, OffsetSpec>),
    DeleteRecords(&'a BTreeMap<TopicPartition, i64>),
    DescribeProducers { partitions: &'a BTreeSet<TopicPartition>, broker: Option<i32> },
    AbortTransaction(&'a AbortTransactionSpec),
}

/// A call about groups, or transactional ids: both have coordinators.
#[derive(Clone, Copy)]
pub(super) enum GroupCall<'a> {
    /// Every broker lists its own.
    List { states: &'a [String], types: &'a [String] },
    /// The same of transactional ids.
    ListTransactions(&'a TransactionFilter),
    /// The coordinator of each group answers for it.
    Of(CoordinatorCall<'a>),
}

/// A call about some groups.
#[derive(Clone, Copy)]
pub(super) enum CoordinatorCall<'a> {
    DescribeGroups(&'a [String]),
    DeleteGroups(&'a [String]),
    ListGroupOffsets(&'a String),
    AlterGroupOffsets { group: &'a String, offsets: &'a BTreeMap<TopicPartition, i64> },
    DeleteGroupOffsets { group: &'a String, partitions: &'a BTreeSet<TopicPartition> },
    RemoveMembers { group: &'a String, members: &'a [String], reason: &'a str },
    DescribeTransactions(&'a [String]),
    FenceProducer(&'a String),
}

impl Route<'_> {
    /// Whom a call is for.
    pub fn of(request: &AdminRequest) -> Route<'_> {
        use BrokerCall as Broker;
        use CoordinatorCall as Group;
        let group = |call| Route::Groups(GroupCall::Of(call));
        match request {
            AdminRequest::CreateTopics { topics, validate_only } => {
                Route::Broker(Broker::CreateTopics { topics, validate_only: *validate_only })
            }
            AdminRequest::DeleteTopics(topics) => Route::Broker(Broker::DeleteTopics(topics)),
            AdminRequest::CreatePartitions(topics) => Route::Broker(Broker::CreatePartitions(topics)),
            AdminRequest::ListTopics => Route::Broker(Broker::ListTopics),
            AdminRequest::DescribeTopics(topics) => Route::Broker(Broker::DescribeTopics(topics)),
            AdminRequest::DescribeTopicPartitions(topics) => {
                Route::Broker(Broker::DescribeTopicPartitions(topics))
            }
            AdminRequest::DescribeCluster { fenced } => {
                Route::Broker(Broker::DescribeCluster { fenced: *fenced })
            }
            AdminRequest::ElectLeaders { election, partitions } => {
                Route::Broker(Broker::ElectLeaders { election: *election, partitions: partitions.as_ref() })
            }
            AdminRequest::AlterPartitionReassignments { partitions, fixed_factor } => {
                Route::Broker(Broker::AlterPartitionReassignments { partitions, fixed_factor: *fixed_factor })
            }
            AdminRequest::ListPartitionReassignments(partitions) => {
                Route::Broker(Broker::ListPartitionReassignments(partitions.as_ref()))
            }
            AdminRequest::DescribeMetadataQuorum => Route::Broker(Broker::DescribeMetadataQuorum),
            AdminRequest::DescribeLogDirs { broker } => {
                Route::Broker(Broker::DescribeLogDirs { broker: *broker })
            }
            AdminRequest::UnregisterBroker(broker) => Route::Broker(Broker::UnregisterBroker(*broker)),
            AdminRequest::DescribeConfigs { resources, synonyms } => {
                Route::Broker(Broker::DescribeConfigs { resources, synonyms: *synonyms })
            }
            AdminRequest::IncrementalAlterConfigs { resources, validate_only } => {
                Route::Broker(Broker::IncrementalAlterConfigs { resources, validate_only: *validate_only })
            }
            AdminRequest::ListOffsets(specs) => Route::Leaders(LeaderCall::ListOffsets(specs)),
            AdminRequest::DeleteRecords(offsets) => Route::Leaders(LeaderCall::DeleteRecords(offsets)),
            AdminRequest::DescribeProducers { partitions, broker } => {
                Route::Leaders(LeaderCall::DescribeProducers { partitions, broker: *broker })
            }
            AdminRequest::AbortTransaction(spec) => Route::Leaders(LeaderCall::AbortTransaction(spec)),
            AdminRequest::ListTransactions(filter) => Route::Groups(GroupCall::ListTransactions(filter)),
            AdminRequest::DescribeTransactions(ids) => group(Group::DescribeTransactions(ids)),
            AdminRequest::FenceProducer(id) => group(Group::FenceProducer(id)),
            AdminRequest::ListGroups { states, types } => Route::Groups(GroupCall::List { states, types }),
            AdminRequest::DescribeGroups(groups) => group(Group::DescribeGroups(groups)),
            AdminRequest::ListGroupOffsets(of) => group(Group::ListGroupOffsets(of)),
            AdminRequest::AlterGroupOffsets { group: of, offsets } => {
                group(Group::AlterGroupOffsets { group: of, offsets })
            }
            AdminRequest::DeleteGroupOffsets { group: of, partitions } => {
                group(Group::DeleteGroupOffsets { group: of, partitions })
            }
            AdminRequest::DeleteGroups(groups) => group(Group::DeleteGroups(groups)),
            AdminRequest::RemoveMembers { group: of, members, reason } => {
                group(Group::RemoveMembers { group: of, members, reason })
            }
        }
    }
}

impl BrokerCall<'_> {
    /// What Java's client answers without asking a broker.
    pub fn refused(self) -> Option<AdminResponse> {
        match self {
            Self::CreateTopics { topics, .. } => create_topics::refused(topics),
            Self::DescribeTopics(topics) | Self::DescribeTopicPartitions(topics) => {
                topics.is_empty().then(|| AdminResponse::Descriptions(BTreeMap::new()))
            }
            Self::DescribeConfigs { resources, .. } => {
                resources.is_empty().then(|| AdminResponse::Configs(Vec::new()))
            }
            Self::DeleteTopics(_)
            | Self::CreatePartitions(_)
            | Self::ListTopics
            | Self::DescribeCluster { .. }
            | Self::ElectLeaders { .. }
            | Self::AlterPartitionReassignments { .. }
            | Self::ListPartitionReassignments(_)
            | Self::DescribeMetadataQuorum
            | Self::DescribeLogDirs { .. }
            | Self::UnregisterBroker(_)
            | Self::IncrementalAlterConfigs { .. } => None,
        }
    }

    /// The broker that alone can answer; `None` if any can.
    pub fn target(self) -> Option<i32> {
        match self {
            Self::DescribeLogDirs { broker } => Some(broker),
            Self::DescribeConfigs { resources, .. } => resources.iter().find_map(|of| of.broker()),
            Self::IncrementalAlterConfigs { resources, .. } => {
                resources.iter().find_map(|(of, _)| of.broker())
            }
            Self::CreateTopics { .. }
            | Self::DeleteTopics(_)
            | Self::CreatePartitions(_)
            | Self::ListTopics
            | Self::DescribeTopics(_)
            | Self::DescribeTopicPartitions(_)
            | Self::DescribeCluster { .. }
            | Self::ElectLeaders { .. }
            | Self::AlterPartitionReassignments { .. }
            | Self::ListPartitionReassignments(_)
            | Self::DescribeMetadataQuorum
            | Self::UnregisterBroker(_) => None,
        }
    }

    /// Sends the call, and gives the request's correlation id.
    pub fn send(self, to: Sender<'_, '_>, pages: &Pages) -> Result<i32, ApiError> {
        match self {
            Self::CreateTopics { topics, validate_only } => create_topics::send(to, topics, validate_only),
            Self::DeleteTopics(topics) => delete_topics::send(to, topics),
            Self::CreatePartitions(topics) => create_partitions::send(to, topics),
            Self::ListTopics => describe_topics::send(to, None),
            Self::DescribeTopics(topics) => describe_topics::send(to, Some(topics)),
            Self::DescribeTopicPartitions(topics) => describe_topic_partitions::send(to, topics, pages),
            Self::DescribeCluster { fenced } => describe_cluster::send(to, fenced),
            Self::ElectLeaders { election, partitions } => elect_leaders::send(to, election, partitions),
            Self::AlterPartitionReassignments { partitions, fixed_factor } => {
                alter_partition_reassignments::send(to, partitions, fixed_factor)
            }
            Self::ListPartitionReassignments(partitions) => {
                list_partition_reassignments::send(to, partitions)
            }
            Self::DescribeMetadataQuorum => describe_metadata_quorum::send(to),
            Self::DescribeLogDirs { .. } => describe_log_dirs::send(to),
            Self::UnregisterBroker(broker) => unregister_broker::send(to, broker),
            Self::DescribeConfigs { resources, synonyms } => describe_configs::send(to, resources, synonyms),
            Self::IncrementalAlterConfigs { resources, validate_only } => {
                incremental_alter_configs::send(to, resources, validate_only)
            }
        }
    }

    /// Takes the answer. A retriable error says to ask again; `None`, that there is one more page.
    pub fn answered(
        self,
        completed: &Completed,
        pages: &mut Pages,
    ) -> Result<Option<AdminResponse>, ApiError> {
        let response = match self {
            Self::CreateTopics { .. } => create_topics::answered(completed),
            Self::DeleteTopics(_) => delete_topics::answered(completed),
            Self::CreatePartitions(_) => create_partitions::answered(completed),
            Self::ListTopics | Self::DescribeTopics(_) => describe_topics::answered(completed),
            Self::DescribeTopicPartitions(_) => {
                return describe_topic_partitions::answered(completed, pages);
            }
            Self::DescribeCluster { .. } => describe_cluster::answered(completed),
            Self::ElectLeaders { .. } => elect_leaders::answered(completed),
            Self::AlterPartitionReassignments { .. } => alter_partition_reassignments::answered(completed),
            Self::ListPartitionReassignments(_) => list_partition_reassignments::answered(completed),
            Self::DescribeMetadataQuorum => describe_metadata_quorum::answered(completed),
            Self::DescribeLogDirs { .. } => describe_log_dirs::answered(completed),
            Self::UnregisterBroker(_) => unregister_broker::answered(completed),
            Self::DescribeConfigs { resources, .. } => describe_configs::answered(resources, completed),
            Self::IncrementalAlterConfigs { resources, .. } => {
                incremental_alter_configs::answered(resources, completed)
            }
        };
        response.map(Some)
    }
}

impl<'a> LeaderCall<'a> {
    /// The partitions that the call is about.
    pub fn partitions(self) -> Vec<&'a TopicPartition> {
        match self {
            Self::ListOffsets(specs) => specs.keys().collect(),
            Self::DeleteRecords(offsets) => offsets.keys().collect(),
            Self::DescribeProducers { partitions, .. } => partitions.iter().collect(),
            Self::AbortTransaction(spec) => vec![&spec.partition],
        }
    }

    /// The broker that is asked, whoever leads.
    pub fn broker(self) -> Option<i32> {
        match self {
            Self::DescribeProducers { broker, .. } => broker,
            Self::ListOffsets(_) | Self::DeleteRecords(_) | Self::AbortTransaction(_) => None,
        }
    }

    /// What Java calls the step at which a call stands, where it is not called by its method: `knows` says that the
    /// leaders are known.
    pub fn step(self, method: &str, knows: bool) -> Option<String> {
        let api = match self {
            Self::ListOffsets(_) | Self::DeleteRecords(_) => return None,
            Self::DescribeProducers { .. } => "DESCRIBE_PRODUCERS",
            Self::AbortTransaction(_) => "WRITE_TXN_MARKERS",
        };
        Some(format!("{method}(api={})", if knows { api } else { "METADATA" }))
    }

    /// Asks a leader about some of them, and gives the request's correlation id.
    pub fn send(
        self,
        to: Sender<'_, '_>,
        partitions: &[TopicPartition],
        metadata: &Metadata,
    ) -> Result<i32, ApiError> {
        match self {
            Self::ListOffsets(specs) => list_offsets::send(to, specs, partitions, metadata),
            Self::DeleteRecords(offsets) => delete_records::send(to, offsets, partitions),
            Self::DescribeProducers { .. } => describe_producers::send(to, partitions),
            Self::AbortTransaction(spec) => abort_transaction::send(to, spec),
        }
    }

    /// Takes a leader's answer.
    pub fn answered(
        self,
        completed: &Completed,
        asked: &[TopicPartition],
        done: &mut Done,
    ) -> Result<(), ApiError> {
        match self {
            Self::ListOffsets(_) => list_offsets::answered(completed, asked, done),
            Self::DeleteRecords(_) => delete_records::answered(completed, asked, done),
            Self::DescribeProducers { broker, .. } => {
                describe_producers::answered(completed, asked, broker, done)
            }
            Self::AbortTransaction(spec) => abort_transaction::answered(completed, spec, done),
        }
    }

    /// The whole answer.
    pub fn gathered(self, done: Done) -> AdminResponse {
        match self {
            Self::ListOffsets(_) => AdminResponse::Offsets(offsets(done)),
            Self::DeleteRecords(_) => delete_records::gathered(done),
            Self::DescribeProducers { .. } => describe_producers::gathered(done),
            Self::AbortTransaction(_) => abort_transaction::gathered(done),
        }
    }
}

/// A broker that a request is sent to.
pub(super) struct Sender<'a, 'c> {
    pub net: &'a mut NetworkClient,
    pub cx: &'a mut Context<'c>,
    pub node: i32,
    /// How long the broker may take.
    pub timeout_ms: i64,
}

impl Sender<'_, '_> {
    /// The newest version of an API that both sides have.
    fn version<R: Request>(&self) -> Result<i16, ApiError> {
        self.net.version::<R>(self.node)
    }

    /// Sends a request and gives its correlation id.
    fn send<R: Request>(&mut self, version: i16, body: &R) -> Result<i32, ApiError> {
        self.net.send(self.cx, self.node, version, body, true)
    }

    /// How long the broker may take, as requests say it.
    fn timeout_ms(&self) -> i32 {
        i32::try_from(self.timeout_ms).unwrap_or(i32::MAX)
    }
}

/// What a leader says of a partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Offset(FoundOffset),
    Producers(Vec<ProducerState>),
    /// A transaction's end is written.
    Marked,
}

/// Answers or errors by partition, gathered from several leaders.
pub(super) type Done = BTreeMap<TopicPartition, Result<Answer, ApiError>>;

/// The answers that are offsets, as the others are none of these calls'.
fn offsets(done: Done) -> BTreeMap<TopicPartition, Result<FoundOffset, ApiError>> {
    let offset = |answer| match answer {
        Answer::Offset(found) => Ok(found),
        Answer::Producers(_) | Answer::Marked => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
    };
    done.into_iter().map(|(of, result)| (of, result.and_then(offset))).collect()
}

/// Notes a partition's result unless it is worth another try.
fn note(done: &mut Done, partition: TopicPartition, code: i16, offset: i64, timestamp: i64) {
    match ErrorCode(code) {
        ErrorCode::NONE => {
            done.insert(partition, Ok(Answer::Offset(FoundOffset { offset, timestamp })));
        }
        code if code.is_retriable() => {}
        code => {
            done.insert(partition, Err(code.into()));
        }
    }
}

/// Asked of a broker that does not reach the controller, or that is not ready: worth another try as a whole.
fn again(code: i16) -> Result<(), ApiError> {
    match ErrorCode(code) {
        code @ (ErrorCode::NOT_CONTROLLER
        | ErrorCode::REQUEST_TIMED_OUT
        | ErrorCode::BROKER_NOT_AVAILABLE) => Err(ApiError::from(code)),
        _ => Ok(()),
    }
}

pub(super) fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn name(value: &str) -> TopicName {
    TopicName(text(value))
}

fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}

fn by_topic(partitions: &[TopicPartition]) -> BTreeMap<&str, Vec<&TopicPartition>> {
    let mut by_topic: BTreeMap<&str, Vec<&TopicPartition>> = BTreeMap::new();
    for partition in partitions {
        by_topic.entry(&partition.topic).or_default().push(partition);
    }
    by_topic
}

fn numbers_by_topic<'a>(
    partitions: impl IntoIterator<Item = &'a TopicPartition>,
) -> BTreeMap<&'a str, Vec<i32>> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for of in partitions {
        topics.entry(&of.topic).or_default().push(of.partition);
    }
    topics
}
