//! `WriteTxnMarkers`: ends a transaction in one partition that its coordinator has forgotten (KIP-664).

use std::fmt;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use blumfeld_protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};

use super::super::AdminResponse;
use super::{Answer, Done, Sender, name};
use crate::{ApiError, Completed, TopicPartition};

/// Which transaction (org.apache.kafka.clients.admin.AbortTransactionSpec).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AbortTransactionSpec {
    /// Where it is open.
    pub partition: TopicPartition,
    /// Whose it is.
    pub producer_id: i64,
    /// In which epoch.
    pub producer_epoch: i16,
    /// The epoch of the coordinator on whose behalf it is ended.
    pub coordinator_epoch: i32,
}

/// As Java prints it.
impl fmt::Display for AbortTransactionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, producer_id, producer_epoch, coordinator_epoch } = self;
        write!(
            f,
            "AbortTransactionSpec(topicPartition={partition}, producerId={producer_id}, producerEpoch={producer_epoch}, coordinatorEpoch={coordinator_epoch})"
        )
    }
}

/// Asks the leader.
pub fn send(mut to: Sender<'_, '_>, spec: &AbortTransactionSpec) -> Result<i32, ApiError> {
    let version = to.version::<WriteTxnMarkersRequest>()?;
    let topic = WritableTxnMarkerTopic::default()
        .with_name(name(&spec.partition.topic))
        .with_partition_indexes(vec![spec.partition.partition]);
    let marker = WritableTxnMarker::default()
        .with_producer_id(spec.producer_id.into())
        .with_producer_epoch(spec.producer_epoch)
        .with_coordinator_epoch(spec.coordinator_epoch)
        .with_transaction_result(false)
        .with_topics(vec![topic]);
    to.send(version, &WriteTxnMarkersRequest::default().with_markers(vec![marker]))
}

/// Takes the leader's answer.
pub fn answered(completed: &Completed, spec: &AbortTransactionSpec, done: &mut Done) -> Result<(), ApiError> {
    let response: WriteTxnMarkersResponse = completed.decode()?;
    let topics = response.markers.iter().flat_map(|marker| &marker.topics);
    let answer = topics
        .filter(|topic| topic.name.as_str() == &*spec.partition.topic)
        .flat_map(|topic| &topic.partitions)
        .find(|answer| answer.partition_index == spec.partition.partition);
    let Some(answer) = answer else { return Ok(()) };
    let begin = format!("WriteTxnMarkers request with {spec} failed");
    let failed = |code, why: String| Err(ApiError::new(code, format!("{begin} {why}")));
    let result = match ErrorCode(answer.error_code) {
        ErrorCode::NONE => Ok(Answer::Marked),
        ErrorCode::NOT_LEADER_OR_FOLLOWER
        | ErrorCode::REPLICA_NOT_AVAILABLE
        | ErrorCode::BROKER_NOT_AVAILABLE
        | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => return Ok(()),
        code @ ErrorCode::CLUSTER_AUTHORIZATION_FAILED => {
            failed(code, "due to cluster authorization error".to_owned())
        }
        code @ ErrorCode::INVALID_PRODUCER_EPOCH => failed(code, "due an invalid producer epoch".to_owned()),
        code @ ErrorCode::TRANSACTION_COORDINATOR_FENCED => {
            let epoch = spec.coordinator_epoch;
            failed(
                code,
                format!(
                    "since the provided coordinator epoch {epoch} has been fenced by the active coordinator"
                ),
            )
        }
        code => failed(code, format!("due to unexpected error: {}", ApiError::from(code))),
    };
    done.insert(spec.partition.clone(), result);
    Ok(())
}

/// The whole answer.
pub fn gathered(done: Done) -> AdminResponse {
    let result = done.into_values().next();
    let none = || Err(ErrorCode::UNKNOWN_SERVER_ERROR.into());
    AdminResponse::TransactionAborted(result.map_or_else(none, |result| result.map(|_| ())))
}
