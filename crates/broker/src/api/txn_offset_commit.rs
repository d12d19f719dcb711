//! TxnOffsetCommit (28), versions 0 to 5: offsets of a group that count once a transaction is committed (KIP-98,
//! KIP-447). From version 5 on the group's partition joins the transaction by it (KIP-890). Left out: nothing.

use std::collections::BTreeSet;

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use blumfeld_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};
use blumfeld_protocol::{ErrorCode, Uuid};

use crate::call::Call;
use crate::coordinator::{
    Answer, CommitRequest, Committing, GROUP_METADATA_TOPIC, OffsetAndMetadata, TransactionalCommit,
};
use crate::replica::TopicPartition;
use crate::reply::{Reply, respond};
use crate::server::{Refusals, Server, Supports, Verified};

/// Handles a request: answered once the offsets are stored, which is before they count.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: TxnOffsetCommitRequest,
) -> Result<Reply, FrameError> {
    let key = partition_of(server, &request);
    let producer = (request.producer_id.0, request.producer_epoch);
    let leads = server.replicas.of(&key).is_some_and(crate::replica::Partition::is_leader);
    let verifies = server.config.transaction.partition_verification && leads;
    let number = verifies.then(|| server.replicas.begin_verification(&key, producer)).flatten();
    if let Some(number) = number {
        let supports = match call.header.version {
            5.. => Supports::AddPartition,
            4 => Supports::GenericError,
            _ => Supports::DefaultError,
        };
        let id = request.transactional_id.0.to_string();
        let what = Verified::Offsets(Box::new(request), number);
        server.verify(cx.now, call.clone(), what, (id, producer), BTreeSet::from([key]), supports);
        return Ok(Reply::Parked);
    }
    commit_verified(server, cx, call, &request, None)
}

/// The partition of `__consumer_offsets` that the group's offsets go to.
fn partition_of(server: &Server, request: &TxnOffsetCommitRequest) -> TopicPartition {
    (GROUP_METADATA_TOPIC.to_owned(), server.group_partition(&request.group_id))
}

/// Stores the offsets, once the coordinator of the transaction was asked about the group's partition.
pub fn commit_verified(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: &TxnOffsetCommitRequest,
    verified: Option<(&Refusals, u64)>,
) -> Result<Reply, FrameError> {
    let now_ms = cx.unix_ms();
    let max_metadata = server.config.group.offset_metadata_max_bytes;
    let refused = verified.and_then(|(refusals, number)| {
        let key = partition_of(server, request);
        let producer = (request.producer_id.0, request.producer_epoch);
        // A marker that came since makes the answer worthless, as it does for records.
        let stands = server.replicas.of(&key).is_none_or(|one| one.may_go_on(producer, Some(number)));
        let late = (!stands).then_some(ErrorCode::INVALID_TXN_STATE);
        refusals.get(&key).copied().or(late).map(refusal)
    });
    let check = CommitRequest {
        group_id: request.group_id.to_string(),
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.as_ref().map(ToString::to_string),
        generation: request.generation_id,
        version: call.header.version,
    };
    let wrong = match refused {
        Some(code) => Some(code),
        None if check.group_id.is_empty() => Some(ErrorCode::INVALID_GROUP_ID),
        None => {
            let checked =
                server.with_group(cx, &check.group_id, |shard, env| shard.check_transactional(env, &check));
            checked.and_then(|checked| checked).err()
        }
    };
    let mut offsets = Vec::new();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let number = partition.partition_index;
            let metadata = partition.committed_metadata.as_deref().unwrap_or("");
            let code = if server.image.partition(&topic.name, number).is_none() {
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            } else if let Some(code) = wrong {
                code
            } else if metadata.encode_utf16().count() > max_metadata {
                ErrorCode::OFFSET_METADATA_TOO_LARGE
            } else {
                let value = OffsetAndMetadata {
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: metadata.to_owned(),
                    commit_timestamp: now_ms,
                    expire_timestamp: -1,
                    topic_id: Uuid::nil(),
                };
                offsets.push(Committing { topic: topic.name.to_string(), partition: number, value });
                ErrorCode::NONE
            };
            TxnOffsetCommitResponsePartition::default().with_partition_index(number).with_error_code(code.0)
        });
        let partitions = partitions.collect();
        TxnOffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions)
    });
    let response = TxnOffsetCommitResponse::default().with_topics(topics.collect());
    if offsets.is_empty() {
        return respond(response);
    }
    let producer = (request.producer_id.0, request.producer_epoch);
    let commit = TransactionalCommit { producer, offsets };
    let after = (call.clone(), Answer::TransactionalCommit(response));
    // The shard was there a moment ago.
    let _ = server.with_group(cx, &check.group_id, |shard, env| {
        shard.write_transactional(env, &check.group_id, commit, after);
    });
    Ok(Reply::Parked)
}

/// What a group's client is told that the transaction coordinator said of its partition
/// (GroupCoordinatorService.commitTransactionalOffsets).
fn refusal(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::CONCURRENT_TRANSACTIONS
        | ErrorCode::NETWORK_EXCEPTION
        | ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
        | ErrorCode::COORDINATOR_NOT_AVAILABLE
        | ErrorCode::NOT_COORDINATOR => ErrorCode::COORDINATOR_NOT_AVAILABLE,
        code => code,
    }
}
