//! `DescribeProducers`: which producers a partition knows (KIP-664). Its leader is asked, or one of its replicas.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::describe_producers_request::TopicRequest;
use blumfeld_protocol::messages::describe_producers_response;
use blumfeld_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse};

use super::super::AdminResponse;
use super::{Answer, Done, Sender, by_topic, name};
use crate::{ApiError, Completed, TopicPartition};

/// A producer as a partition knows it (org.apache.kafka.clients.admin.ProducerState).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerState {
    /// Its id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i32,
    /// The sequence number of its last record; -1 if the partition has none.
    pub last_sequence: i32,
    /// When it wrote last, in milliseconds since 1970-01-01 UTC.
    pub last_timestamp: i64,
    /// The epoch of the coordinator that ended its last transaction.
    pub coordinator_epoch: Option<i32>,
    /// Where its open transaction begins.
    pub transaction_start: Option<i64>,
}

/// Asks a broker about some of the partitions.
pub fn send(mut to: Sender<'_, '_>, partitions: &[TopicPartition]) -> Result<i32, ApiError> {
    let version = to.version::<DescribeProducersRequest>()?;
    let topic = |(topic, of): (&str, Vec<&TopicPartition>)| {
        TopicRequest::default()
            .with_name(name(topic))
            .with_partition_indexes(of.iter().map(|of| of.partition).collect())
    };
    let topics = by_topic(partitions).into_iter().map(topic).collect();
    to.send(version, &DescribeProducersRequest::default().with_topics(topics))
}

/// Takes a broker's answer; `broker` is the one that was asked for by name.
pub fn answered(
    completed: &Completed,
    asked: &[TopicPartition],
    broker: Option<i32>,
    done: &mut Done,
) -> Result<(), ApiError> {
    let response: DescribeProducersResponse = completed.decode()?;
    for topic in &response.topics {
        for answer in &topic.partitions {
            let of = TopicPartition::new(&topic.name, answer.partition_index);
            if !asked.contains(&of) {
                continue;
            }
            let failed = |code, text| Err(ApiError::new(code, text));
            let result = match (ErrorCode(answer.error_code), broker) {
                (ErrorCode::NONE, _) => {
                    Ok(Answer::Producers(answer.active_producers.iter().map(producer).collect()))
                }
                (code @ ErrorCode::NOT_LEADER_OR_FOLLOWER, Some(broker)) => failed(
                    code,
                    format!("Failed to describe active producers for partition {of} on brokerId {broker}"),
                ),
                (ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, _) => continue,
                (code @ ErrorCode::INVALID_TOPIC_EXCEPTION, _) => {
                    let why =
                        ApiError { code, message: answer.error_message.as_ref().map(ToString::to_string) };
                    failed(
                        code,
                        format!(
                            "Failed to fetch metadata for partition {of} due to invalid topic error: {why}"
                        ),
                    )
                }
                (code @ ErrorCode::TOPIC_AUTHORIZATION_FAILED, _) => failed(
                    code,
                    format!(
                        "Failed to describe active producers for partition {of} due to authorization failure on topic `{}`",
                        of.topic
                    ),
                ),
                (code, _) => failed(
                    code,
                    format!("Failed to describe active producers for partition {of} due to unexpected error"),
                ),
            };
            done.insert(of, result);
        }
    }
    Ok(())
}

fn producer(state: &describe_producers_response::ProducerState) -> ProducerState {
    ProducerState {
        id: state.producer_id.0,
        epoch: state.producer_epoch,
        last_sequence: state.last_sequence,
        last_timestamp: state.last_timestamp,
        coordinator_epoch: (state.coordinator_epoch >= 0).then_some(state.coordinator_epoch),
        transaction_start: (state.current_txn_start_offset >= 0).then_some(state.current_txn_start_offset),
    }
}

/// The whole answer.
pub fn gathered(done: Done) -> AdminResponse {
    let producers = |(of, result): (TopicPartition, Result<Answer, ApiError>)| {
        let result = result.and_then(|answer| match answer {
            Answer::Producers(producers) => Ok(producers),
            Answer::Offset(_) | Answer::Marked => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
        });
        (of, result)
    };
    AdminResponse::Producers(done.into_iter().map(producers).collect())
}
