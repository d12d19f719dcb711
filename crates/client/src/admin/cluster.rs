//! What is asked about the cluster itself: its quorum, elections, reassignments, log directories, brokers.

use std::collections::BTreeMap;

use blumfeld_kernel::{Context, Endpoint};
use blumfeld_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use blumfeld_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use blumfeld_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use blumfeld_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition;
use blumfeld_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use blumfeld_protocol::messages::*;
use blumfeld_protocol::{ErrorCode, Uuid};

use super::calls::{millis, name};
use super::types::{AdminRequest, AdminResponse, ClusterDescription};
use crate::{ApiError, Broker, Completed, NetworkClient, PartitionMetadata, TopicMetadata, TopicPartition};

/// The topic whose only partition is the quorum's log.
const METADATA_TOPIC: &str = "__cluster_metadata";
/// How many partitions one page of a description may have (DescribeTopicsOptions.partitionSizeLimitPerResponse).
const PAGE: i32 = 2_000;

/// How a leader is chosen (org.apache.kafka.common.ElectionType).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElectionType {
    /// The first replica of the assignment.
    Preferred,
    /// The first living replica, in sync or not, where there is no leader.
    Unclean,
}

impl ElectionType {
    /// The number in requests.
    pub const fn id(self) -> i8 {
        match self {
            Self::Preferred => 0,
            Self::Unclean => 1,
        }
    }
}

/// A reassignment under way (org.apache.kafka.clients.admin.PartitionReassignment).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartitionReassignment {
    /// All brokers of the partition, those that come and those that go among them.
    pub replicas: Vec<i32>,
    /// Those that come.
    pub adding: Vec<i32>,
    /// Those that go.
    pub removing: Vec<i32>,
}

/// A replica of the quorum's log (org.apache.kafka.clients.admin.QuorumInfo.ReplicaState).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumReplica {
    /// Its node.
    pub id: i32,
    /// Its directory, nil if the voters are static.
    pub directory: Uuid,
    /// Its log end, -1 if the leader does not know it.
    pub log_end_offset: i64,
    /// When it last fetched, in milliseconds since 1970-01-01 UTC, -1 for never.
    pub last_fetch_timestamp: i64,
    /// When it last had all that the leader had, in the same way.
    pub last_caught_up_timestamp: i64,
}

/// The quorum (org.apache.kafka.clients.admin.QuorumInfo).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumInfo {
    /// The active controller.
    pub leader: i32,
    /// Its epoch.
    pub leader_epoch: i32,
    /// What is committed ends here.
    pub high_watermark: i64,
    /// Those that vote.
    pub voters: Vec<QuorumReplica>,
    /// Those that only follow.
    pub observers: Vec<QuorumReplica>,
    /// Listeners by node: name and endpoint.
    pub listeners: BTreeMap<i32, Vec<(String, Endpoint)>>,
}

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

/// Pages of descriptions, as far as they have come.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    topics: BTreeMap<String, Result<TopicMetadata, ApiError>>,
    cursor: Option<(String, i32)>,
}

fn by_topic<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> BTreeMap<&'a str, Vec<i32>> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for of in partitions {
        topics.entry(&of.topic).or_default().push(of.partition);
    }
    topics
}

/// The broker that alone can answer; `None` if any can.
pub(super) fn target(request: &AdminRequest) -> Option<i32> {
    match request {
        AdminRequest::DescribeLogDirs { broker } => Some(*broker),
        AdminRequest::DescribeConfigs { resources, .. } => resources.iter().find_map(|of| of.broker()),
        AdminRequest::IncrementalAlterConfigs { resources, .. } => {
            resources.iter().find_map(|(of, _)| of.broker())
        }
        _ => None,
    }
}

/// Sends a call of this file.
pub(super) fn send(
    net: &mut NetworkClient,
    cx: &mut Context<'_>,
    node: i32,
    request: &AdminRequest,
    pages: &Pages,
    timeout_ms: i64,
) -> Result<i32, ApiError> {
    let timeout = millis(timeout_ms);
    match request {
        AdminRequest::DescribeTopicPartitions(topics) => {
            let version = net.version::<DescribeTopicPartitionsRequest>(node)?;
            let topic = |topic: &String| TopicRequest::default().with_name(name(topic));
            let cursor = pages.cursor.as_ref().map(|(topic, partition)| {
                Cursor::default().with_topic_name(name(topic)).with_partition_index(*partition)
            });
            // Topics before the cursor are done.
            let open = topics.iter().filter(|topic| pages.cursor.as_ref().is_none_or(|(at, _)| *topic >= at));
            let body = DescribeTopicPartitionsRequest::default()
                .with_topics(open.map(topic).collect())
                .with_response_partition_limit(PAGE)
                .with_cursor(cursor);
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::DescribeCluster { fenced } => {
            let version = net.version::<DescribeClusterRequest>(node)?;
            if *fenced && version < 2 {
                let text = "Including fenced brokers in DescribeCluster is not supported by the broker";
                return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
            }
            let body = DescribeClusterRequest::default().with_include_fenced_brokers(*fenced);
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::ElectLeaders { election, partitions } => {
            use elect_leaders_request::TopicPartitions;
            let version = net.version::<ElectLeadersRequest>(node)?;
            if version < 1 && *election != ElectionType::Preferred {
                let text = "API Version 0 only supports PREFERRED election type";
                return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
            }
            let topic = |(topic, partitions)| {
                TopicPartitions::default().with_topic(name(topic)).with_partitions(partitions)
            };
            let topics =
                partitions.as_ref().map(|partitions| by_topic(partitions).into_iter().map(topic).collect());
            let body = ElectLeadersRequest::default()
                .with_election_type(election.id())
                .with_topic_partitions(topics)
                .with_timeout_ms(timeout);
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::AlterPartitionReassignments { partitions, fixed_factor } => {
            let version = net.version::<AlterPartitionReassignmentsRequest>(node)?;
            if *fixed_factor && version < 1 {
                let text = "The broker does not support keeping the replication factor";
                return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
            }
            let partition = |topic: &str, partition: i32| {
                let wanted = partitions.get(&TopicPartition::new(topic, partition)).cloned().flatten();
                let wanted = wanted.map(|wanted| wanted.into_iter().map(BrokerId).collect());
                ReassignablePartition::default().with_partition_index(partition).with_replicas(wanted)
            };
            let topic = |(topic, partitions): (&str, Vec<i32>)| {
                ReassignableTopic::default()
                    .with_name(name(topic))
                    .with_partitions(partitions.into_iter().map(|of| partition(topic, of)).collect())
            };
            let body = AlterPartitionReassignmentsRequest::default()
                .with_allow_replication_factor_change(!*fixed_factor)
                .with_topics(by_topic(partitions.keys()).into_iter().map(topic).collect())
                .with_timeout_ms(timeout);
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::ListPartitionReassignments(partitions) => {
            let version = net.version::<ListPartitionReassignmentsRequest>(node)?;
            let topic = |(topic, partitions)| {
                ListPartitionReassignmentsTopics::default()
                    .with_name(name(topic))
                    .with_partition_indexes(partitions)
            };
            let topics =
                partitions.as_ref().map(|partitions| by_topic(partitions).into_iter().map(topic).collect());
            let body =
                ListPartitionReassignmentsRequest::default().with_topics(topics).with_timeout_ms(timeout);
            net.send(cx, node, version, &body, true)
        }
        AdminRequest::DescribeMetadataQuorum => {
            use describe_quorum_request::{PartitionData, TopicData};
            let version = net.version::<DescribeQuorumRequest>(node)?;
            let topic = TopicData::default()
                .with_topic_name(name(METADATA_TOPIC))
                .with_partitions(vec![PartitionData::default()]);
            net.send(cx, node, version, &DescribeQuorumRequest::default().with_topics(vec![topic]), true)
        }
        AdminRequest::DescribeLogDirs { .. } => {
            let version = net.version::<DescribeLogDirsRequest>(node)?;
            net.send(cx, node, version, &DescribeLogDirsRequest::default().with_topics(None), true)
        }
        AdminRequest::UnregisterBroker(broker) => {
            let version = net.version::<UnregisterBrokerRequest>(node)?;
            let body = UnregisterBrokerRequest::default().with_broker_id(BrokerId(*broker));
            net.send(cx, node, version, &body, true)
        }
        _ => Err(ErrorCode::INVALID_REQUEST.into()),
    }
}

/// The answer to a call of this file. A retriable error says to ask again; `None`, that there is one more page.
pub(super) fn answered(
    request: &AdminRequest,
    completed: &Completed,
    pages: &mut Pages,
) -> Result<Option<AdminResponse>, ApiError> {
    let response = match request {
        AdminRequest::DescribeTopicPartitions(_) => {
            let response: DescribeTopicPartitionsResponse = completed.decode()?;
            if !page(pages, response)? {
                return Ok(None);
            }
            AdminResponse::Descriptions(std::mem::take(&mut pages.topics))
        }
        AdminRequest::DescribeCluster { .. } => {
            let response: DescribeClusterResponse = completed.decode()?;
            ApiError::check(response.error_code, response.error_message.as_ref())?;
            let broker = |broker: &DescribeClusterBroker| Broker {
                id: broker.broker_id.0,
                endpoint: Endpoint::new(&broker.host, u16::try_from(broker.port).unwrap_or(0)),
                rack: broker.rack.as_ref().map(|rack| rack.as_str().into()),
            };
            let fenced = response.brokers.iter().filter(|broker| broker.is_fenced);
            AdminResponse::Cluster(ClusterDescription {
                id: response.cluster_id.as_str().into(),
                controller: response.controller_id.0,
                brokers: response.brokers.iter().map(broker).collect(),
                fenced: fenced.map(|broker| broker.broker_id.0).collect(),
            })
        }
        AdminRequest::ElectLeaders { .. } => {
            let response: ElectLeadersResponse = completed.decode()?;
            ApiError::check(response.error_code, None)?;
            let mut results = BTreeMap::new();
            for topic in &response.replica_election_results {
                for partition in &topic.partition_result {
                    let result = ApiError::check(partition.error_code, partition.error_message.as_ref());
                    results.insert(TopicPartition::new(&topic.topic, partition.partition_id), result);
                }
            }
            AdminResponse::Partitions(results)
        }
        AdminRequest::AlterPartitionReassignments { .. } => {
            let response: AlterPartitionReassignmentsResponse = completed.decode()?;
            ApiError::check(response.error_code, response.error_message.as_ref())?;
            let mut results = BTreeMap::new();
            for topic in &response.responses {
                for partition in &topic.partitions {
                    let result = ApiError::check(partition.error_code, partition.error_message.as_ref());
                    results.insert(TopicPartition::new(&topic.name, partition.partition_index), result);
                }
            }
            AdminResponse::Partitions(results)
        }
        AdminRequest::ListPartitionReassignments(_) => {
            let response: ListPartitionReassignmentsResponse = completed.decode()?;
            ApiError::check(response.error_code, response.error_message.as_ref())?;
            let ids = |ids: &[BrokerId]| ids.iter().map(|id| id.0).collect();
            let mut under_way = BTreeMap::new();
            for topic in &response.topics {
                for partition in &topic.partitions {
                    let reassignment = PartitionReassignment {
                        replicas: ids(&partition.replicas),
                        adding: ids(&partition.adding_replicas),
                        removing: ids(&partition.removing_replicas),
                    };
                    under_way
                        .insert(TopicPartition::new(&topic.name, partition.partition_index), reassignment);
                }
            }
            AdminResponse::Reassignments(under_way)
        }
        AdminRequest::DescribeMetadataQuorum => AdminResponse::Quorum(quorum(&completed.decode()?)?),
        AdminRequest::DescribeLogDirs { .. } => {
            let response: DescribeLogDirsResponse = completed.decode()?;
            ApiError::check(response.error_code, None)?;
            AdminResponse::LogDirs(response.results.iter().map(log_dir).collect())
        }
        AdminRequest::UnregisterBroker(_) => {
            let response: UnregisterBrokerResponse = completed.decode()?;
            ApiError::check(response.error_code, response.error_message.as_ref())?;
            AdminResponse::Unregistered
        }
        _ => return Err(ErrorCode::INVALID_REQUEST.into()),
    };
    Ok(Some(response))
}

/// Takes a page of descriptions; whether it was the last.
fn page(pages: &mut Pages, response: DescribeTopicPartitionsResponse) -> Result<bool, ApiError> {
    for topic in response.topics {
        let Some(name) = &topic.name else { continue };
        let code = ErrorCode(topic.error_code);
        if code.is_error() {
            pages.topics.insert(name.to_string(), Err(code.into()));
            continue;
        }
        let fresh = TopicMetadata {
            name: name.as_str().into(),
            id: topic.topic_id,
            internal: topic.is_internal,
            error: ErrorCode::NONE,
            partitions: BTreeMap::new(),
        };
        let known = pages.topics.entry(name.to_string()).or_insert(Ok(fresh));
        if let Ok(known) = known {
            known.partitions.extend(topic.partitions.iter().map(|of| (of.partition_index, partition(of))));
        }
    }
    let next = response.next_cursor.map(|cursor| (cursor.topic_name.to_string(), cursor.partition_index));
    // A cursor that stands still would never end.
    if next.is_some() && next <= pages.cursor {
        let text = "The cursor of the description does not move on";
        return Err(ApiError::new(ErrorCode::UNKNOWN_SERVER_ERROR, text));
    }
    pages.cursor = next;
    Ok(pages.cursor.is_none())
}

fn partition(of: &DescribeTopicPartitionsResponsePartition) -> PartitionMetadata {
    let ids = |ids: &[BrokerId]| -> Vec<i32> { ids.iter().map(|id| id.0).collect() };
    PartitionMetadata {
        partition: of.partition_index,
        leader: of.leader_id.0,
        leader_epoch: of.leader_epoch,
        replicas: ids(&of.replica_nodes),
        isr: ids(&of.isr_nodes),
        offline: ids(&of.offline_replicas),
        elr: Some(of.eligible_leader_replicas.as_deref().map(ids).unwrap_or_default()),
        last_known_elr: Some(of.last_known_elr.as_deref().map(ids).unwrap_or_default()),
        error: ErrorCode(of.error_code),
    }
}

fn quorum(response: &DescribeQuorumResponse) -> Result<QuorumInfo, ApiError> {
    ApiError::check(response.error_code, response.error_message.as_ref())?;
    let partition = response
        .topics
        .iter()
        .filter(|topic| topic.topic_name.as_str() == METADATA_TOPIC)
        .flat_map(|topic| &topic.partitions)
        .next();
    let Some(partition) = partition else {
        let text = "The quorum's partition is not in the answer";
        return Err(ApiError::new(ErrorCode::UNKNOWN_SERVER_ERROR, text));
    };
    ApiError::check(partition.error_code, partition.error_message.as_ref())?;
    let replica = |replica: &describe_quorum_response::ReplicaState| QuorumReplica {
        id: replica.replica_id.0,
        directory: replica.replica_directory_id,
        log_end_offset: replica.log_end_offset,
        last_fetch_timestamp: replica.last_fetch_timestamp,
        last_caught_up_timestamp: replica.last_caught_up_timestamp,
    };
    let listener =
        |of: &describe_quorum_response::Listener| (of.name.to_string(), Endpoint::new(&of.host, of.port));
    let node = |node: &describe_quorum_response::Node| {
        (node.node_id.0, node.listeners.iter().map(listener).collect())
    };
    Ok(QuorumInfo {
        leader: partition.leader_id.0,
        leader_epoch: partition.leader_epoch,
        high_watermark: partition.high_watermark,
        voters: partition.current_voters.iter().map(replica).collect(),
        observers: partition.observers.iter().map(replica).collect(),
        listeners: response.nodes.iter().map(node).collect(),
    })
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
