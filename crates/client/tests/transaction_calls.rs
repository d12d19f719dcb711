//! The admin client's calls about transactions: whom they ask, and what each error becomes.

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use blumfeld_client::admin::{
    AbortTransactionSpec, AdminClient, AdminRequest, AdminResponse, FinishedCall, TransactionFilter,
};
use blumfeld_client::{ApiError, ClientConfig, TopicPartition};
use blumfeld_protocol::frame::{Header, decode_body};
use blumfeld_protocol::messages::api_versions_response::ApiVersion;
use blumfeld_protocol::messages::find_coordinator_response::Coordinator;
use blumfeld_protocol::messages::{
    BrokerId, DescribeProducersRequest, DescribeProducersResponse, DescribeTransactionsRequest,
    DescribeTransactionsResponse, FindCoordinatorRequest, FindCoordinatorResponse, InitProducerIdRequest,
    InitProducerIdResponse, ListTransactionsRequest, ListTransactionsResponse, TransactionalId,
    WriteTxnMarkersRequest, WriteTxnMarkersResponse, describe_producers_response,
    describe_transactions_response, list_transactions_response, write_txn_markers_response,
};
use blumfeld_protocol::{ApiKey, ErrorCode};
use bytes::Bytes;
use common::*;

type Asked = Rc<RefCell<Vec<String>>>;

/// A broker that answers the first request of the last sort with an error.
fn broker(first: ErrorCode, asked: &Asked) -> Harness {
    let asked = asked.clone();
    let mut first = Some(first);
    Harness::new(move |header: &Header, body: Bytes| {
        let note = |line: String| asked.borrow_mut().push(line);
        match header.api_key {
            ApiKey::ApiVersions => {
                let mut answer = all_versions();
                for (key, min, max) in [
                    (ApiKey::ListTransactions, 0, 2),
                    (ApiKey::DescribeTransactions, 0, 0),
                    (ApiKey::DescribeProducers, 0, 0),
                    (ApiKey::WriteTxnMarkers, 1, 1),
                ] {
                    let range = ApiVersion::default().with_min_version(min).with_max_version(max);
                    answer.api_keys.push(range.with_api_key(key as i16));
                }
                return reply(header, &answer);
            }
            ApiKey::Metadata => return reply(header, &metadata(3)),
            ApiKey::FindCoordinator => {
                let request: FindCoordinatorRequest = decode_body(header, body).unwrap();
                let key = request.coordinator_keys[0].clone();
                note(format!("find {} of type {}", key, request.key_type));
                let found = Coordinator::default()
                    .with_key(key)
                    .with_node_id(BrokerId(1))
                    .with_host("broker".to_owned().into())
                    .with_port(9092);
                return reply(header, &FindCoordinatorResponse::default().with_coordinators(vec![found]));
            }
            _ => {}
        }
        let code = first.take().unwrap_or(ErrorCode::NONE).0;
        match header.api_key {
            ApiKey::ListTransactions => {
                let request: ListTransactionsRequest = decode_body(header, body).unwrap();
                let pattern = request.transactional_id_pattern.map(|text| text.to_string());
                note(format!("list longer than {} like {pattern:?}", request.duration_filter));
                let state = list_transactions_response::TransactionState::default()
                    .with_transactional_id(TransactionalId("t".to_owned().into()))
                    .with_producer_id(7.into())
                    .with_transaction_state("Ongoing".to_owned().into());
                let answer = ListTransactionsResponse::default().with_error_code(code);
                reply(header, &answer.with_transaction_states(vec![state]))
            }
            ApiKey::DescribeTransactions => {
                let request: DescribeTransactionsRequest = decode_body(header, body).unwrap();
                let id = request.transactional_ids[0].clone();
                note(format!("describe {}", id.as_str()));
                let state = describe_transactions_response::TransactionState::default()
                    .with_error_code(code)
                    .with_transactional_id(id)
                    .with_producer_id(7.into())
                    .with_transaction_start_time_ms(-1);
                reply(header, &DescribeTransactionsResponse::default().with_transaction_states(vec![state]))
            }
            ApiKey::InitProducerId => {
                let request: InitProducerIdRequest = decode_body(header, body).unwrap();
                note(format!(
                    "init {} {}",
                    request.transactional_id.unwrap().as_str(),
                    request.producer_epoch
                ));
                let answer = InitProducerIdResponse::default().with_error_code(code);
                reply(header, &answer.with_producer_id(7.into()).with_producer_epoch(3))
            }
            ApiKey::DescribeProducers => {
                let request: DescribeProducersRequest = decode_body(header, body).unwrap();
                note(format!("producers of {:?}", request.topics[0].partition_indexes));
                let producer = describe_producers_response::ProducerState::default()
                    .with_producer_id(7.into())
                    .with_coordinator_epoch(-1)
                    .with_current_txn_start_offset(5);
                let partition = describe_producers_response::PartitionResponse::default()
                    .with_partition_index(request.topics[0].partition_indexes[0])
                    .with_error_code(code)
                    .with_active_producers(vec![producer]);
                let topic = describe_producers_response::TopicResponse::default()
                    .with_name(request.topics[0].name.clone())
                    .with_partitions(vec![partition]);
                reply(header, &DescribeProducersResponse::default().with_topics(vec![topic]))
            }
            _ => {
                let request: WriteTxnMarkersRequest = decode_body(header, body).unwrap();
                let marker = &request.markers[0];
                note(format!("mark {} committed {}", marker.producer_id.0, marker.transaction_result));
                let partition = write_txn_markers_response::WritableTxnMarkerPartitionResult::default()
                    .with_partition_index(marker.topics[0].partition_indexes[0])
                    .with_error_code(code);
                let topic = write_txn_markers_response::WritableTxnMarkerTopicResult::default()
                    .with_name(marker.topics[0].name.clone())
                    .with_partitions(vec![partition]);
                let answer = write_txn_markers_response::WritableTxnMarkerResult::default()
                    .with_producer_id(marker.producer_id)
                    .with_topics(vec![topic]);
                reply(header, &WriteTxnMarkersResponse::default().with_markers(vec![answer]))
            }
        }
    })
}

/// Asks, and gives what came of it in short, and what the broker was asked.
fn ask(request: AdminRequest, first: ErrorCode) -> (String, Vec<String>) {
    let asked = Asked::default();
    let mut harness = broker(first, &asked);
    let mut admin = AdminClient::new(ClientConfig::new(bootstrap(), "test"));
    harness.with(|cx| admin.submit(cx, request));
    while let Some(input) = harness.next(admin.next_timeout(harness.now), ms(200_000)) {
        let answers = harness.with(|cx| admin.handle(cx, &input));
        if let Some(FinishedCall { result, .. }) = answers.into_iter().next() {
            let told = |error: &ApiError| format!("{}: {error}", error.exception());
            let text = match result {
                Err(error) => told(&error),
                Ok(AdminResponse::Transactions(listed)) => {
                    format!("{listed:?}").replace("TransactionListing ", "")
                }
                Ok(AdminResponse::TransactionDescriptions(described)) => match &described["t"] {
                    Ok(one) => {
                        format!("{:?} by {} since {:?}", one.producer, one.coordinator, one.started_ms)
                    }
                    Err(error) => told(error),
                },
                Ok(AdminResponse::Producers(producers)) => match producers.values().next().unwrap() {
                    Ok(states) => {
                        format!(
                            "{} from {:?} of {:?}",
                            states[0].id, states[0].transaction_start, states[0].coordinator_epoch
                        )
                    }
                    Err(error) => told(error),
                },
                Ok(AdminResponse::TransactionAborted(result)) => {
                    result.map_or_else(|error| told(&error), |()| "aborted".to_owned())
                }
                Ok(AdminResponse::ProducerFenced(result)) => {
                    result.map_or_else(|error| told(&error), |producer| format!("{producer:?}"))
                }
                Ok(other) => panic!("{other:?}"),
            };
            return (text, asked.take());
        }
    }
    panic!("no answer; {:?}", harness.seen)
}

fn of() -> TopicPartition {
    TopicPartition::new("orders", 1)
}

#[test]
fn every_broker_lists_its_transactional_ids() {
    let filter = TransactionFilter {
        longer_than_ms: Some(100),
        pattern: Some("t.*".to_owned()),
        ..TransactionFilter::default()
    };
    let list = "list longer than 100 like Some(\"t.*\")";
    let listed = r#"{1: [{ id: "t", producer: 7, state: "Ongoing" }]}"#;
    for (code, want, asked) in [
        (ErrorCode::NONE, listed, vec![list]),
        (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, listed, vec![list, list]),
        (
            ErrorCode::INVALID_REGULAR_EXPRESSION,
            "UnknownServerException: ListTransactions request sent to broker 1 failed with an unexpected exception",
            vec![list],
        ),
    ] {
        let got = ask(AdminRequest::ListTransactions(filter.clone()), code);
        assert_eq!((got.0.as_str(), got.1), (want, asked.into_iter().map(str::to_owned).collect()), "{code}");
    }
}

#[test]
fn a_transactional_id_is_asked_of_its_coordinator() {
    const DESCRIBED: &str = "ProducerIdAndEpoch { id: 7, epoch: 0 } by 1 since None";
    for (code, want, asked) in [
        (ErrorCode::NONE, DESCRIBED, vec!["find t of type 1", "describe t"]),
        (
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
            DESCRIBED,
            vec!["find t of type 1", "describe t", "describe t"],
        ),
        (
            ErrorCode::NOT_COORDINATOR,
            DESCRIBED,
            vec!["find t of type 1", "describe t", "find t of type 1", "describe t"],
        ),
        (
            ErrorCode::TRANSACTIONAL_ID_NOT_FOUND,
            "TransactionalIdNotFoundException: DescribeTransactions request for transactionalId `t` failed because the ID could not be found",
            vec!["find t of type 1", "describe t"],
        ),
    ] {
        let got = ask(AdminRequest::DescribeTransactions(vec!["t".to_owned()]), code);
        assert_eq!((got.0.as_str(), got.1), (want, asked.into_iter().map(str::to_owned).collect()), "{code}");
    }
    for (code, want, tries) in [
        (ErrorCode::NONE, "ProducerIdAndEpoch { id: 7, epoch: 3 }", 1),
        (ErrorCode::CONCURRENT_TRANSACTIONS, "ProducerIdAndEpoch { id: 7, epoch: 3 }", 2),
        (
            ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            "TransactionalIdAuthorizationException: InitProducerId request for transactionalId `t` failed due to transactional ID authorization failure",
            1,
        ),
    ] {
        let (got, asked) = ask(AdminRequest::FenceProducer("t".to_owned()), code);
        assert_eq!(got, want, "{code}");
        assert_eq!(asked.iter().filter(|line| *line == "init t -1").count(), tries, "{code}");
    }
}

#[test]
fn producers_of_a_partition_are_asked_of_its_leader_or_of_a_replica() {
    let known = "7 from Some(5) of None";
    for (broker, code, want, tries) in [
        (None, ErrorCode::NONE, known, 1),
        (None, ErrorCode::NOT_LEADER_OR_FOLLOWER, known, 2),
        (Some(1), ErrorCode::NONE, known, 1),
        (
            Some(1),
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            "NotLeaderOrFollowerException: Failed to describe active producers for partition orders-1 on brokerId 1",
            1,
        ),
        (
            None,
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            "TopicAuthorizationException: Failed to describe active producers for partition orders-1 due to authorization failure on topic `orders`",
            1,
        ),
    ] {
        let (got, asked) = ask(AdminRequest::DescribeProducers { partitions: [of()].into(), broker }, code);
        assert_eq!((got.as_str(), asked.len()), (want, tries), "{code}");
    }
}

#[test]
fn a_transaction_is_ended_by_a_marker_of_the_leaders() {
    let spec =
        AbortTransactionSpec { partition: of(), producer_id: 7, producer_epoch: 2, coordinator_epoch: 4 };
    let text =
        "AbortTransactionSpec(topicPartition=orders-1, producerId=7, producerEpoch=2, coordinatorEpoch=4)";
    for (code, want, tries) in [
        (ErrorCode::NONE, "aborted".to_owned(), 1),
        (ErrorCode::NOT_LEADER_OR_FOLLOWER, "aborted".to_owned(), 2),
        (
            ErrorCode::INVALID_PRODUCER_EPOCH,
            format!(
                "InvalidProducerEpochException: WriteTxnMarkers request with {text} failed due an invalid producer epoch"
            ),
            1,
        ),
        (
            ErrorCode::TRANSACTION_COORDINATOR_FENCED,
            format!(
                "TransactionCoordinatorFencedException: WriteTxnMarkers request with {text} failed since the provided coordinator epoch 4 has been fenced by the active coordinator"
            ),
            1,
        ),
    ] {
        let (got, asked) = ask(AdminRequest::AbortTransaction(spec.clone()), code);
        assert_eq!((got, asked.len()), (want, tries), "{code}");
        assert_eq!(asked[0], "mark 7 committed false");
    }
}
