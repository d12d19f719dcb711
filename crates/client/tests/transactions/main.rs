//! Transactions of a producer against a coordinator that follows a script: what is asked in which order, and what each
//! error means.

#[path = "../common/mod.rs"]
mod common;
mod program;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use blumfeld_client::consumer::{ConsumerGroupMetadata, OffsetAndMetadata};
use blumfeld_client::producer::{
    Delivery, Producer, ProducerConfig, ProducerRecord, Refused, TransactionError, TransactionOperation,
    TransactionState,
};
use blumfeld_client::{ClientConfig, TopicPartition};
use blumfeld_kernel::Context;
use blumfeld_protocol::frame::{Header, decode_body};
use blumfeld_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use blumfeld_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey};
use blumfeld_protocol::messages::find_coordinator_response::Coordinator;
use blumfeld_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use blumfeld_protocol::messages::txn_offset_commit_request::TxnOffsetCommitRequestPartition;
use blumfeld_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use blumfeld_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    ApiVersionsResponse, BrokerId, EndTxnRequest, EndTxnResponse, FindCoordinatorRequest,
    FindCoordinatorResponse, InitProducerIdRequest, InitProducerIdResponse, ProduceRequest, ProduceResponse,
    TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};
use blumfeld_protocol::record_batch::batches;
use blumfeld_protocol::{ApiKey, ErrorCode, Uuid};
use bytes::Bytes;
use common::*;
use program::*;

#[test]
fn a_transaction_asks_what_kafka_s_asks_in_version_1() {
    let mut program = Program::new(false, Vec::new());
    assert_eq!(program.init(), "initTransactions ok");
    assert_eq!(program.state(), "READY");
    assert_eq!(program.begin(), "ok");
    for (value, partition) in [("a", 0), ("b", 1), ("c", 0)] {
        assert_eq!(program.send(value, partition), "ok");
    }
    assert_eq!(program.offsets(0, 5), "sendOffsetsToTransaction ok");
    assert_eq!(program.commit(), "commitTransaction ok");
    assert_eq!(program.begin(), "ok");
    assert_eq!(program.send("d", 0), "ok");
    program.settle();
    assert_eq!(program.abort(), "abortTransaction ok");
    assert_eq!(program.state(), "READY");
    assert_eq!(
        program.take_asked(),
        [
            "FindCoordinator of id t",
            "InitProducerId t -1/-1 60000",
            "AddOffsetsToTxn epoch 0: g",
            "AddPartitionsToTxn v3 epoch 0: orders-0 orders-1",
            "FindCoordinator of group g",
            "TxnOffsetCommit v4 epoch 0: in-0@5 of g in 5",
            "Produce v11 t 0:a,c epoch 0 sequence 0 1:b epoch 0 sequence 0",
            "EndTxn v4 epoch 0: commit",
            "AddPartitionsToTxn v3 epoch 0: orders-0",
            "Produce v11 t 0:d epoch 0 sequence 2",
            "EndTxn v4 epoch 0: abort",
        ]
    );
}

#[test]
fn in_version_2_what_is_written_to_is_in_the_transaction_and_each_has_its_epoch() {
    let mut program = Program::new(true, Vec::new());
    assert_eq!(program.init(), "initTransactions ok");
    assert_eq!(program.begin(), "ok");
    for (value, partition) in [("a", 0), ("b", 1), ("c", 0)] {
        assert_eq!(program.send(value, partition), "ok");
    }
    assert_eq!(program.offsets(0, 5), "sendOffsetsToTransaction ok");
    assert_eq!(program.commit(), "commitTransaction ok");
    assert_eq!(program.begin(), "ok");
    assert_eq!(program.send("d", 0), "ok");
    program.settle();
    assert_eq!(program.abort(), "abortTransaction ok");
    assert_eq!(
        program.take_asked(),
        [
            "FindCoordinator of id t",
            "InitProducerId t -1/-1 60000",
            "FindCoordinator of group g",
            "TxnOffsetCommit v5 epoch 0: in-0@5 of g in 5",
            "Produce v13 t 0:a,c epoch 0 sequence 0 1:b epoch 0 sequence 0",
            "EndTxn v5 epoch 0: commit",
            "Produce v13 t 0:d epoch 1 sequence 0",
            "EndTxn v5 epoch 1: abort",
        ]
    );
    let producer = program.producer.producer_id().unwrap();
    assert_eq!((producer.id, producer.epoch), (7, 2));
}

#[test]
fn a_cluster_that_goes_over_to_version_2_is_followed_with_the_next_transaction() {
    // The connection breaks under the first partition, and the next handshake tells of it.
    let lost = (ApiKey::AddPartitionsToTxn, ErrorCode::NETWORK_EXCEPTION);
    let handshake = (ApiKey::ApiVersions, ErrorCode::NONE);
    let mut program = Program::new(true, vec![handshake, handshake, lost]);
    assert_eq!(program.init(), "initTransactions ok");
    for value in ["a", "b"] {
        assert_eq!(program.begin(), "ok");
        assert_eq!(program.send(value, 0), "ok");
        program.settle();
        assert_eq!(program.commit(), "commitTransaction ok");
    }
    assert_eq!(
        program.take_asked(),
        [
            "FindCoordinator of id t",
            "InitProducerId t -1/-1 60000",
            "AddPartitionsToTxn lost",
            "FindCoordinator of id t",
            "AddPartitionsToTxn v3 epoch 0: orders-0",
            "Produce v11 t 0:a epoch 0 sequence 0",
            "EndTxn v4 epoch 0: commit",
            "InitProducerId t 7/0 60000",
            "Produce v13 t 0:b epoch 1 sequence 0",
            "EndTxn v5 epoch 1: commit",
        ]
    );
}

#[test]
fn an_empty_transaction_is_ended_without_the_coordinator() {
    for v2 in [false, true] {
        let mut program = Program::new(v2, Vec::new());
        program.init();
        program.take_asked();
        for _ in 0..2 {
            assert_eq!(program.begin(), "ok");
            assert_eq!(program.commit(), "commitTransaction ok");
            assert_eq!(program.begin(), "ok");
            assert_eq!(program.abort(), "abortTransaction ok");
        }
        assert_eq!(program.take_asked(), [""; 0]);
    }
}

#[test]
fn what_init_transactions_is_answered_is_tried_again_or_ends_the_producer() {
    const FENCED: &str = "ProducerFencedException: There is a newer producer with the same transactionalId which fences the current one.";
    for (code, want, state) in [
        (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, "initTransactions ok", "READY"),
        (ErrorCode::CONCURRENT_TRANSACTIONS, "initTransactions ok", "READY"),
        (ErrorCode::NOT_COORDINATOR, "initTransactions ok", "READY"),
        (ErrorCode::COORDINATOR_NOT_AVAILABLE, "initTransactions ok", "READY"),
        (ErrorCode::NETWORK_EXCEPTION, "initTransactions ok", "READY"),
        (ErrorCode::PRODUCER_FENCED, FENCED, "FATAL_ERROR"),
        (ErrorCode::INVALID_PRODUCER_EPOCH, FENCED, "FATAL_ERROR"),
        (
            ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            "TransactionalIdAuthorizationException: Transactional Id authorization failed.",
            "UNINITIALIZED",
        ),
        (
            ErrorCode::INVALID_TRANSACTION_TIMEOUT,
            "KafkaException: Unexpected error in InitProducerIdResponse; The transaction timeout is larger than the maximum value allowed by the broker (as configured by transaction.max.timeout.ms).",
            "FATAL_ERROR",
        ),
    ] {
        let mut program = Program::new(true, vec![(ApiKey::InitProducerId, code)]);
        assert_eq!(program.init(), want, "{code}");
        while program.state() != state && program.step() {}
        assert_eq!(program.state(), state, "{code}");
        let looked = program.take_asked().iter().filter(|line| line.starts_with("Find")).count();
        let moved =
            [ErrorCode::NOT_COORDINATOR, ErrorCode::COORDINATOR_NOT_AVAILABLE, ErrorCode::NETWORK_EXCEPTION];
        assert_eq!(looked, if moved.contains(&code) { 2 } else { 1 }, "{code}");
        if state == "UNINITIALIZED" {
            assert_eq!(program.init(), "initTransactions ok", "once it is allowed");
        }
    }
}

/// What a program is told, and where it is left.
fn outcome(program: &mut Program, told: String) -> (String, &'static str) {
    (told, program.state())
}

#[test]
fn errors_of_a_commit_are_fatal_abortable_or_tried_again() {
    let fatal = |code: ErrorCode, text: &str| (code, text.to_owned(), "FATAL_ERROR");
    let again = |code: ErrorCode| (code, "commitTransaction ok".to_owned(), "READY");
    for (code, want, state) in [
        again(ErrorCode::CONCURRENT_TRANSACTIONS),
        again(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS),
        again(ErrorCode::NOT_COORDINATOR),
        again(ErrorCode::NETWORK_EXCEPTION),
        fatal(
            ErrorCode::PRODUCER_FENCED,
            "ProducerFencedException: There is a newer producer with the same transactionalId which fences the current one.",
        ),
        fatal(
            ErrorCode::INVALID_PRODUCER_EPOCH,
            "ProducerFencedException: There is a newer producer with the same transactionalId which fences the current one.",
        ),
        fatal(
            ErrorCode::INVALID_TXN_STATE,
            "InvalidTxnStateException: The producer attempted a transactional operation in an invalid state.",
        ),
        fatal(
            ErrorCode::INVALID_PRODUCER_ID_MAPPING,
            "InvalidPidMappingException: The producer attempted to use a producer id which is not currently assigned to its transactional id.",
        ),
        fatal(
            ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            "TransactionalIdAuthorizationException: Transactional Id authorization failed.",
        ),
        fatal(
            ErrorCode::INVALID_REQUEST,
            "KafkaException: Unhandled error in EndTxnResponse: This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.",
        ),
        (
            ErrorCode::TRANSACTION_ABORTABLE,
            "TransactionAbortableException: The server encountered an error with the transaction. The client can abort the transaction to continue using this transactional ID.".to_owned(),
            "ABORTABLE_ERROR",
        ),
    ] {
        for v2 in [false, true] {
            let mut program = Program::opened(v2, vec![(ApiKey::EndTxn, code)]);
            let told = program.commit();
            assert_eq!(outcome(&mut program, told), (want.clone(), state), "{code}");
        }
    }
    let mut program = Program::opened(true, vec![(ApiKey::EndTxn, ErrorCode::TRANSACTION_ABORTABLE)]);
    let told = program.abort();
    let text = "KafkaException: Failed to abort transaction <- TransactionAbortableException: The server encountered an error with the transaction. The client can abort the transaction to continue using this transactional ID.";
    assert_eq!(outcome(&mut program, told), (text.to_owned(), "FATAL_ERROR"));
}

#[test]
fn errors_of_records_leave_the_transaction_to_be_aborted() {
    const IN_VAIN: &str =
        "TransactionAbortableException: Transaction Request was aborted after exhausting retries.";
    for (code, cause, fatal) in [
        (
            ErrorCode::INVALID_PRODUCER_EPOCH,
            "InvalidProducerEpochException: Producer attempted to produce with an old epoch.".to_owned(),
            false,
        ),
        (
            ErrorCode::TRANSACTION_ABORTABLE,
            "TransactionAbortableException: The server encountered an error with the transaction. The client can abort the transaction to continue using this transactional ID.".to_owned(),
            false,
        ),
        (
            ErrorCode::INVALID_TXN_STATE,
            format!(
                "{IN_VAIN} <- InvalidTxnStateException: The producer attempted a transactional operation in an invalid state."
            ),
            false,
        ),
        (
            ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
            "OutOfOrderSequenceException: The broker received an out of order sequence number.".to_owned(),
            false,
        ),
        (
            ErrorCode::PRODUCER_FENCED,
            "ProducerFencedException: There is a newer producer with the same transactionalId which fences the current one.".to_owned(),
            true,
        ),
    ] {
        for v2 in [false, true] {
            let mut program = Program::opened(v2, vec![(ApiKey::Produce, code)]);
            let state = if fatal { "FATAL_ERROR" } else { "ABORTABLE_ERROR" };
            assert_eq!(program.state(), state, "{code}");
            assert_eq!(thrown(program.producer.transaction_error().unwrap()), cause, "{code}");
            assert_eq!(program.delivered.len(), 1);
            assert!(program.delivered[0].result.is_err(), "{code}");
            let commit = program.commit();
            let who = "Producer with transactionalId 't' and (producerId=7, epoch=0)";
            let want = match code {
                ErrorCode::PRODUCER_FENCED => format!(
                    "ProducerFencedException: {who} has been fenced by another producer with the same transactionalId"
                ),
                ErrorCode::INVALID_PRODUCER_EPOCH => {
                    format!("InvalidProducerEpochException: {who} attempted to produce with an old epoch")
                }
                _ => format!(
                    "KafkaException: Cannot execute transactional method because we are in an error state <- {cause}"
                ),
            };
            assert_eq!(commit, want);
            program.take_asked();
            if fatal {
                assert_eq!(program.abort(), want);
                continue;
            }
            assert_eq!(program.abort(), "abortTransaction ok", "{code}");
            // In version 1 the producer asks for another epoch, so that nothing of before comes late.
            let asked = program.take_asked();
            let bumped = ["EndTxn v4 epoch 0: abort", "InitProducerId t 7/0 60000"];
            assert_eq!(asked, if v2 { vec!["EndTxn v5 epoch 0: abort"] } else { bumped.to_vec() }, "{code}");
            assert_eq!(program.begin(), "ok");
            assert_eq!(program.send("b", 0), "ok");
            assert_eq!(program.commit(), "commitTransaction ok");
            let sent = program.take_asked().into_iter().find(|line| line.starts_with("Produce")).unwrap();
            assert!(sent.ends_with("0:b epoch 1 sequence 0"), "{sent}");
        }
    }
}

#[test]
fn errors_of_added_partitions_and_offsets() {
    const FENCED: &str = "ProducerFencedException: There is a newer producer with the same transactionalId which fences the current one.";
    for (api, code, want, state) in [
        (ApiKey::AddPartitionsToTxn, ErrorCode::CONCURRENT_TRANSACTIONS, "", "IN_TRANSACTION"),
        (ApiKey::AddPartitionsToTxn, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "", "IN_TRANSACTION"),
        (ApiKey::AddPartitionsToTxn, ErrorCode::PRODUCER_FENCED, FENCED, "FATAL_ERROR"),
        (
            ApiKey::AddPartitionsToTxn,
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            "TopicAuthorizationException: Not authorized to access topics: [orders]",
            "ABORTABLE_ERROR",
        ),
        (
            ApiKey::AddPartitionsToTxn,
            ErrorCode::OPERATION_NOT_ATTEMPTED,
            "KafkaException: Could not add partitions to transaction due to errors: {orders-0=OPERATION_NOT_ATTEMPTED}",
            "ABORTABLE_ERROR",
        ),
        (
            ApiKey::AddPartitionsToTxn,
            ErrorCode::INVALID_PRODUCER_ID_MAPPING,
            "InvalidPidMappingException: The producer attempted to use a producer id which is not currently assigned to its transactional id.",
            "FATAL_ERROR",
        ),
        (ApiKey::AddOffsetsToTxn, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, "", "IN_TRANSACTION"),
        (ApiKey::AddOffsetsToTxn, ErrorCode::INVALID_PRODUCER_EPOCH, FENCED, "FATAL_ERROR"),
        (
            ApiKey::AddOffsetsToTxn,
            ErrorCode::GROUP_AUTHORIZATION_FAILED,
            "GroupAuthorizationException: Not authorized to access group: g",
            "ABORTABLE_ERROR",
        ),
        (ApiKey::TxnOffsetCommit, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, "", "IN_TRANSACTION"),
        (ApiKey::TxnOffsetCommit, ErrorCode::NOT_COORDINATOR, "", "IN_TRANSACTION"),
        (
            ApiKey::TxnOffsetCommit,
            ErrorCode::ILLEGAL_GENERATION,
            "CommitFailedException: Transaction offset Commit failed due to consumer group metadata mismatch: Specified group generation id is not valid.",
            "ABORTABLE_ERROR",
        ),
        (
            ApiKey::TxnOffsetCommit,
            ErrorCode::FENCED_INSTANCE_ID,
            "FencedInstanceIdException: The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id.",
            "ABORTABLE_ERROR",
        ),
        (ApiKey::TxnOffsetCommit, ErrorCode::PRODUCER_FENCED, FENCED, "FATAL_ERROR"),
    ] {
        let mut program = Program::opened(false, vec![(api, code)]);
        if program.state() == "IN_TRANSACTION" {
            let told = program.offsets(0, 5);
            assert_eq!(
                told,
                if want.is_empty() { "sendOffsetsToTransaction ok" } else { want },
                "{api:?} {code}"
            );
        }
        assert_eq!(program.state(), state, "{api:?} {code}");
        if !want.is_empty() {
            assert_eq!(thrown(program.producer.transaction_error().unwrap()), want, "{api:?} {code}");
        }
        if state != "FATAL_ERROR" {
            assert_eq!(program.abort(), "abortTransaction ok", "{api:?} {code}");
        }
    }
}

#[test]
fn offsets_of_an_aborted_transaction_are_not_committed_with_the_next() {
    let mut program = Program::new(true, vec![(ApiKey::Produce, ErrorCode::TRANSACTION_ABORTABLE)]);
    let told = [program.init(), program.begin(), program.send("a", 0)];
    assert_eq!(told, ["initTransactions ok", "ok", "ok"]);
    // The record is on its way, and fails before the offsets are committed.
    program.producer.flush();
    program.turn();
    assert_ne!(program.offsets(0, 5), "sendOffsetsToTransaction ok");
    assert_eq!((program.abort().as_str(), program.begin().as_str()), ("abortTransaction ok", "ok"));
    program.take_asked();
    assert_eq!(program.offsets(1, 7), "sendOffsetsToTransaction ok");
    assert_eq!(program.take_asked().last().unwrap(), "TxnOffsetCommit v5 epoch 1: in-1@7 of g in 5");
}

#[test]
fn what_was_not_sent_is_given_up_by_an_abort_and_sent_by_a_commit() {
    for v2 in [false, true] {
        for commit in [false, true] {
            let mut program = Program::with(v2, Vec::new(), |config| config.linger_ms = 60_000);
            program.init();
            program.begin();
            assert_eq!(program.send("a", 0), "ok");
            program.take_asked();
            let told = if commit { program.commit() } else { program.abort() };
            assert!(told.ends_with(" ok"), "{told}");
            assert!(program.harness.now < ms(1_000), "nothing lingers at the end");
            let result = program.delivered[0].result.clone();
            let produced = program.take_asked().iter().any(|line| line.starts_with("Produce"));
            assert_eq!(produced, commit);
            match result {
                Ok(metadata) => assert!(commit && metadata.offset == 0),
                Err(error) => {
                    assert_eq!(error.to_string(), "Failing batch since transaction was aborted");
                }
            }
        }
    }
}

#[test]
fn a_method_that_does_not_fit_is_refused_in_kafkas_words() {
    let mut program = Program::new(true, Vec::new());
    assert_eq!(
        program.send("a", 0),
        "Cannot add partition orders-0 to transaction before completing a call to initTransactions"
    );
    assert_eq!(
        program.begin(),
        "IllegalStateException: TransactionalId t: Invalid transition attempted from state UNINITIALIZED to state IN_TRANSACTION"
    );
    program.init();
    assert_eq!(
        program.commit(),
        "IllegalStateException: TransactionalId t: Invalid transition attempted from state READY to state COMMITTING_TRANSACTION"
    );
    assert_eq!(program.send("a", 0), "Cannot add partition orders-0 to transaction while in state  READY");
    assert_eq!(
        program.offsets(0, 1),
        "IllegalStateException: Cannot send offsets if a transaction is not in progress (currentState= READY)"
    );
    let plain = ProducerConfig::new(ClientConfig::new(bootstrap(), "test"));
    for (idempotent, want) in [
        (true, "IllegalStateException: Transactional method invoked on a non-transactional producer."),
        (
            false,
            "IllegalStateException: Cannot use transactional methods without enabling transactions by setting the transactional.id configuration property",
        ),
    ] {
        let mut producer = Producer::new(ProducerConfig { enable_idempotence: idempotent, ..plain.clone() });
        assert_eq!(thrown(&producer.begin_transaction().unwrap_err()), want);
    }
}

#[test]
fn a_method_that_takes_too_long_is_called_again() {
    // Nobody leads where the id is coordinated, for two minutes.
    let script = vec![(ApiKey::FindCoordinator, ErrorCode::COORDINATOR_NOT_AVAILABLE); 1_200];
    let mut program = Program::new(true, script);
    let timeout = "TimeoutException: Timeout expired after 60000ms while awaiting InitProducerId. InitTransactions timed out - did not complete coordinator discovery or receive the InitProducerId response within max.block.ms.";
    assert_eq!(program.init(), timeout);
    assert_eq!(
        program.begin(),
        "IllegalStateException: Cannot attempt operation `beginTransaction` because the previous call to `initTransactions` timed out and must be retried"
    );
    assert_eq!(program.init(), timeout);
    assert_eq!(program.init(), "initTransactions ok");
    assert_eq!(program.begin(), "ok");
    assert_eq!(TransactionOperation::Init.method(), "initTransactions");
}

#[test]
fn records_that_run_out_of_time_leave_the_transaction_to_be_aborted() {
    for v2 in [false, true] {
        let script = vec![(ApiKey::Produce, ErrorCode::NOT_ENOUGH_REPLICAS); 2_000];
        let program = Program::opened(v2, script);
        assert_eq!(program.state(), "ABORTABLE_ERROR");
        let error = program.producer.transaction_error().unwrap();
        let text = "The client hasn't received acknowledgment for some previously sent messages and can no longer retry them. It is safe to abort the transaction and continue.";
        assert_eq!(error.to_string(), text);
    }
}
