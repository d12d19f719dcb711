//! DescribeTransactions (65), version 0 (KIP-664): what is known of transactional ids. Left out: nothing.

use std::collections::BTreeMap;

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use blumfeld_protocol::messages::{DescribeTransactionsRequest, DescribeTransactionsResponse, TopicName};

use crate::coordinator::{TransactionMetadata, TransactionState as State};
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request (TransactionCoordinator.handleDescribeTransactions).
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    request: DescribeTransactionsRequest,
) -> Result<Reply, FrameError> {
    let states = request.transactional_ids.into_iter().map(|id| {
        let found = if id.is_empty() {
            Err(ErrorCode::INVALID_REQUEST)
        } else {
            let known = server.with_transaction(cx, &id, |shard, _| {
                shard.transaction(&id).map(|one| one.metadata().clone())
            });
            known.and_then(|known| {
                known
                    .filter(|metadata| metadata.state != State::Dead)
                    .ok_or(ErrorCode::TRANSACTIONAL_ID_NOT_FOUND)
            })
        };
        let state = TransactionState::default().with_transactional_id(id);
        match found {
            Ok(metadata) => described(state, &metadata),
            Err(code) => state.with_error_code(code.0),
        }
    });
    respond(DescribeTransactionsResponse::default().with_transaction_states(states.collect()))
}

fn described(state: TransactionState, metadata: &TransactionMetadata) -> TransactionState {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in &metadata.partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    let topics = topics.into_iter().map(|(topic, partitions)| {
        TopicData::default().with_topic(TopicName(topic.to_owned().into())).with_partitions(partitions)
    });
    state
        .with_transaction_state(metadata.state.name().into())
        .with_transaction_timeout_ms(metadata.timeout_ms)
        .with_transaction_start_time_ms(metadata.start_ms)
        .with_producer_id(metadata.producer_id.into())
        .with_producer_epoch(metadata.producer_epoch)
        .with_topics(topics.collect())
}
