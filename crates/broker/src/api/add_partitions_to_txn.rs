//! AddPartitionsToTxn (24), versions 0 to 5: partitions join a transaction. Up to version 3 a client asks for one
//! transaction; later ones are of brokers that ask for several clients, or whether partitions are in (KIP-890). Left
//! out: nothing.

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use blumfeld_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use blumfeld_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use crate::call::Call;
use crate::coordinator::{PENDING, TransactionAnswer};
use crate::replica::TopicPartition;
use crate::reply::{Reply, respond};
use crate::server::Server;

/// The first version that brokers speak.
const BATCHED: i16 = 4;

/// Handles a request: answered once the partitions are in their transactions.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: AddPartitionsToTxnRequest,
) -> Result<Reply, FrameError> {
    if call.header.version < BATCHED {
        return of_client(server, cx, call, request);
    }
    let mut response = AddPartitionsToTxnResponse::default();
    let mut pending: Vec<&AddPartitionsToTxnTransaction> = Vec::new();
    for transaction in &request.transactions {
        let codes = at_once(server, cx, transaction);
        let results = match codes {
            Some(codes) => results(&transaction.topics, codes.into_iter()),
            None => {
                pending.push(transaction);
                results(&transaction.topics, std::iter::repeat(ErrorCode(PENDING)))
            }
        };
        response.results_by_transaction.push(
            AddPartitionsToTxnResult::default()
                .with_transactional_id(transaction.transactional_id.clone())
                .with_topic_results(results),
        );
    }
    if pending.is_empty() {
        return respond(response);
    }
    let answer = TransactionAnswer::Transactions(Box::new(response));
    let gathering = server.transactions.gather(call.clone(), answer, pending.len());
    for transaction in pending {
        let (id, producer) = about(transaction);
        let partitions = partitions(&transaction.topics);
        let said = server.with_transaction(cx, id, |shard, env| {
            shard.add_gathered(env, gathering, (id, producer), &partitions)
        });
        if let Some(code) = said.unwrap_or_else(Some) {
            server.transactions.gathered(gathering, id, code);
        }
    }
    Ok(Reply::Parked)
}

fn about(transaction: &AddPartitionsToTxnTransaction) -> (&str, (i64, i16)) {
    let producer = (transaction.producer_id.0, transaction.producer_epoch);
    (transaction.transactional_id.0.as_str(), producer)
}

fn partitions(topics: &[AddPartitionsToTxnTopic]) -> Vec<TopicPartition> {
    let of = |topic: &AddPartitionsToTxnTopic| {
        let name = topic.name.to_string();
        topic.partitions.iter().map(move |number| (name.clone(), *number)).collect::<Vec<_>>()
    };
    topics.iter().flat_map(of).collect()
}

/// What each partition is told that can be told without a change; nothing if there has to be one.
fn at_once(
    server: &mut Server,
    cx: &mut Context<'_>,
    transaction: &AddPartitionsToTxnTransaction,
) -> Option<Vec<ErrorCode>> {
    let partitions = partitions(&transaction.topics);
    if let Some(codes) = unknown(server, &partitions) {
        return Some(codes);
    }
    if !transaction.verify_only {
        return None;
    }
    let (id, producer) = about(transaction);
    let verified = server.with_transaction(cx, id, |shard, _| shard.verify(id, producer, &partitions));
    Some(verified.and_then(|codes| codes).unwrap_or_else(|code| vec![code; partitions.len()]))
}

/// What all partitions are told where one of them is not there: then none is taken.
fn unknown(server: &Server, partitions: &[TopicPartition]) -> Option<Vec<ErrorCode>> {
    let is_there = |key: &TopicPartition| server.image.partition(&key.0, key.1).is_some();
    if partitions.iter().all(is_there) {
        return None;
    }
    let code = |key| match is_there(key) {
        true => ErrorCode::OPERATION_NOT_ATTEMPTED,
        false => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
    };
    Some(partitions.iter().map(code).collect())
}

fn results(
    topics: &[AddPartitionsToTxnTopic],
    mut codes: impl Iterator<Item = ErrorCode>,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let of = |topic: &AddPartitionsToTxnTopic| {
        let partitions = topic.partitions.iter().map(|number| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*number)
                .with_partition_error_code(codes.next().unwrap_or(ErrorCode::NONE).0)
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(partitions.collect())
    };
    topics.iter().map(of).collect()
}

fn of_client(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: AddPartitionsToTxnRequest,
) -> Result<Reply, FrameError> {
    let topics = &request.v3_and_below_topics;
    let partitions = partitions(topics);
    let response = |codes: &mut dyn Iterator<Item = ErrorCode>| {
        AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results(topics, codes))
    };
    if let Some(codes) = unknown(server, &partitions) {
        let mut response = response(&mut codes.into_iter());
        // Kafka's errors come first.
        for topic in &mut response.results_by_topic_v3_and_below {
            let last = ErrorCode::OPERATION_NOT_ATTEMPTED.0;
            topic.results_by_partition.sort_by_key(|one| one.partition_error_code == last);
        }
        return respond(response);
    }
    let id = request.v3_and_below_transactional_id.0.as_str();
    let producer = (request.v3_and_below_producer_id.0, request.v3_and_below_producer_epoch);
    let none = response(&mut std::iter::repeat(ErrorCode::NONE));
    let answer = TransactionAnswer::Partitions(Box::new(none));
    let added = server.with_transaction(cx, id, |shard, env| {
        shard.add(env, (call.clone(), answer.clone()), (id, producer), &partitions);
    });
    if let Err(code) = added {
        server.transactions.answer(call.clone(), answer.fail(code));
    }
    Ok(Reply::Parked)
}
