//! `DescribeTransactions`: how some transactional ids stand.

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::describe_transactions_response::TransactionState;
use blumfeld_protocol::messages::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, TransactionalId,
};

use super::super::AdminResponse;
use super::super::groups::{GroupResult, GroupResults, Learnt};
use super::{Sender, text};
use crate::producer::ProducerIdAndEpoch;
use crate::{ApiError, Broker, Completed, TopicPartition};

/// How a transactional id stands (org.apache.kafka.clients.admin.TransactionDescription).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionDescription {
    /// The broker that coordinates it.
    pub coordinator: i32,
    /// Its state, by Kafka's name.
    pub state: String,
    /// The producer that has it.
    pub producer: ProducerIdAndEpoch,
    /// How long its transactions may take, in milliseconds.
    pub timeout_ms: i32,
    /// When the one that is open began, in milliseconds since 1970-01-01 UTC.
    pub started_ms: Option<i64>,
    /// What is in it, in the order of the answer.
    pub partitions: Vec<TopicPartition>,
}

/// Sends the call to a coordinator.
pub fn send(mut to: Sender<'_, '_>, ids: &[String]) -> Result<i32, ApiError> {
    let version = to.version::<DescribeTransactionsRequest>()?;
    let ids = ids.iter().map(|id| TransactionalId(text(id))).collect();
    to.send(version, &DescribeTransactionsRequest::default().with_transactional_ids(ids))
}

/// Takes a coordinator's answer.
pub fn answered(
    completed: &Completed,
    coordinators: &BTreeMap<String, Broker>,
) -> Result<GroupResults, ApiError> {
    let response: DescribeTransactionsResponse = completed.decode()?;
    let mut results = Vec::new();
    for one in &response.transaction_states {
        let id = one.transactional_id.to_string();
        let Some(coordinator) = coordinators.get(&id) else { continue };
        let failed = |code, why: &str| {
            let text = format!("DescribeTransactions request for transactionalId `{id}` failed {why}");
            Err(ApiError::new(code, text))
        };
        let result = match ErrorCode(one.error_code) {
            ErrorCode::NONE => Ok(Learnt::Transaction(describe(one, coordinator.id))),
            code if code.is_retriable() => Err(code.into()),
            code @ ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED => {
                failed(code, "due to authorization failure")
            }
            code @ ErrorCode::TRANSACTIONAL_ID_NOT_FOUND => failed(code, "because the ID could not be found"),
            code => failed(code, "due to unexpected error"),
        };
        results.push((id, result));
    }
    Ok(results)
}

fn describe(one: &TransactionState, coordinator: i32) -> TransactionDescription {
    let mut partitions = Vec::new();
    for topic in &one.topics {
        partitions.extend(topic.partitions.iter().map(|&number| TopicPartition::new(&topic.topic, number)));
    }
    TransactionDescription {
        coordinator,
        state: one.transaction_state.to_string(),
        producer: ProducerIdAndEpoch { id: one.producer_id.0, epoch: one.producer_epoch },
        timeout_ms: one.transaction_timeout_ms,
        started_ms: (one.transaction_start_time_ms >= 0).then_some(one.transaction_start_time_ms),
        partitions,
    }
}

/// The whole answer.
pub fn gathered(done: BTreeMap<String, GroupResult>) -> AdminResponse {
    let described = |learnt: GroupResult| match learnt? {
        Learnt::Transaction(description) => Ok(description),
        Learnt::Description(_)
        | Learnt::Offsets(_)
        | Learnt::Partitions(_)
        | Learnt::Deleted
        | Learnt::Fenced(_) => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
    };
    let described = done.into_iter().map(|(id, learnt)| (id, described(learnt)));
    AdminResponse::TransactionDescriptions(described.collect())
}
