//! `DescribeQuorum`: the quorum of the controllers (KIP-836).

use std::collections::BTreeMap;

use blumfeld_kernel::Endpoint;
use blumfeld_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use blumfeld_protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse, describe_quorum_response};
use blumfeld_protocol::{ErrorCode, Uuid};

use super::super::AdminResponse;
use super::{Sender, name};
use crate::{ApiError, Completed};

/// The topic whose only partition is the quorum's log.
const METADATA_TOPIC: &str = "__cluster_metadata";

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

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>) -> Result<i32, ApiError> {
    let version = to.version::<DescribeQuorumRequest>()?;
    let topic = TopicData::default()
        .with_topic_name(name(METADATA_TOPIC))
        .with_partitions(vec![PartitionData::default()]);
    to.send(version, &DescribeQuorumRequest::default().with_topics(vec![topic]))
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    Ok(AdminResponse::Quorum(quorum(&completed.decode()?)?))
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
