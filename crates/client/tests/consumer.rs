//! Positions, decoding, and what fetches may answer.

mod common;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use blumfeld_client::consumer::{
    Consumer, ConsumerConfig, ConsumerEvent, IsolationLevel, OffsetReset, OffsetSpec,
};
use blumfeld_client::{ClientConfig, TopicPartition};
use blumfeld_protocol::frame::{Header, decode_body};
use blumfeld_protocol::messages::fetch_response::{
    AbortedTransaction, FetchableTopicResponse, PartitionData,
};
use blumfeld_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use blumfeld_protocol::messages::{
    FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, ProducerId,
};
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions, ControlRecord};
use blumfeld_protocol::{ApiKey, Compression, ErrorCode, Uuid};
use bytes::Bytes;
use common::*;

/// A batch of values from an offset on.
fn batch(base_offset: i64, values: &[&str], options: BatchOptions) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions { base_offset, ..options });
    for value in values {
        builder.append(1, None, Some(value.as_bytes()), &[]);
    }
    builder.build().bytes().clone()
}

fn plain(base_offset: i64, values: &[&str]) -> Bytes {
    batch(base_offset, values, BatchOptions::default())
}

fn join(parts: &[Bytes]) -> Bytes {
    Bytes::from(parts.concat())
}

/// What the broker answers to one fetch.
#[derive(Clone, Debug)]
struct FetchAnswer {
    error: ErrorCode,
    records: Bytes,
    aborted: Vec<(i64, i64)>,
}

fn ok(records: Bytes) -> FetchAnswer {
    FetchAnswer { error: ErrorCode::NONE, records, aborted: Vec::new() }
}

fn error(error: ErrorCode) -> FetchAnswer {
    FetchAnswer { error, records: Bytes::new(), aborted: Vec::new() }
}

type Asked = Rc<RefCell<Vec<String>>>;

/// A broker whose log begins at 3 and ends at 40, and that answers fetches one after the other; then with silence.
fn broker(answers: Vec<FetchAnswer>) -> (Harness, Asked) {
    let asked = Asked::default();
    let (log, mut answers) = (asked.clone(), VecDeque::from(answers));
    let harness = Harness::new(move |header: &Header, body: Bytes| match header.api_key {
        ApiKey::ApiVersions => reply(header, &all_versions()),
        ApiKey::Metadata => reply(header, &metadata(1)),
        ApiKey::ListOffsets => {
            let request: ListOffsetsRequest = decode_body(header, body).unwrap();
            let timestamp = request.topics[0].partitions[0].timestamp;
            log.borrow_mut().push(format!("offset of {timestamp}"));
            let offset = if timestamp == -2 { 3 } else { 40 };
            let partition = ListOffsetsPartitionResponse::default().with_offset(offset).with_timestamp(-1);
            let topic = ListOffsetsTopicResponse::default()
                .with_name(request.topics[0].name.clone())
                .with_partitions(vec![partition]);
            reply(header, &ListOffsetsResponse::default().with_topics(vec![topic]))
        }
        _ => {
            let request: FetchRequest = decode_body(header, body).unwrap();
            let offset = request.topics[0].partitions[0].fetch_offset;
            log.borrow_mut().push(format!("fetch {offset}"));
            let Some(answer) = answers.pop_front() else { return Reply::Silence };
            let aborted = answer.aborted.iter().map(|&(producer, first)| {
                AbortedTransaction::default().with_producer_id(ProducerId(producer)).with_first_offset(first)
            });
            let partition = PartitionData::default()
                .with_error_code(answer.error.0)
                .with_high_watermark(40)
                .with_aborted_transactions(Some(aborted.collect()))
                .with_records(Some(answer.records));
            let topic = FetchableTopicResponse::default()
                .with_topic_id(Uuid::from_u128(5))
                .with_partitions(vec![partition]);
            reply(header, &FetchResponse::default().with_responses(vec![topic]))
        }
    });
    (harness, asked)
}

fn config() -> ConsumerConfig {
    ConsumerConfig::new(ClientConfig::new(bootstrap(), "test"))
}

/// Reads partition 0 for ten seconds: `offset=value` of each record, then the errors.
fn consume(harness: &mut Harness, config: ConsumerConfig, start: Option<i64>) -> Vec<String> {
    let mut consumer = Consumer::new(config);
    let partition = TopicPartition::new("orders", 0);
    consumer.assign([partition.clone()]);
    if let Some(offset) = start {
        consumer.seek(&partition, offset);
    }
    let mut out = Vec::new();
    while let Some(input) = harness.next(consumer.next_timeout(harness.now), ms(10_000)) {
        harness.with(|cx| consumer.handle(cx, &input));
        loop {
            let records = harness.with(|cx| consumer.poll(cx));
            if records.is_empty() {
                break;
            }
            for record in records {
                let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                out.push(format!("{}={value}", record.offset));
            }
        }
        out.extend(consumer.take_errors().iter().map(|error| format!("{}: {error}", error.code)));
    }
    out
}

#[test]
fn reading_begins_where_it_is_told() {
    for (reset, start, want) in [
        (OffsetReset::Earliest, None, &["offset of -2", "fetch 3"][..]),
        (OffsetReset::Latest, None, &["offset of -1", "fetch 40"]),
        (OffsetReset::Latest, Some(7), &["fetch 7"]),
    ] {
        let (mut harness, asked) = broker(Vec::new());
        consume(&mut harness, ConsumerConfig { auto_offset_reset: reset, ..config() }, start);
        assert_eq!(*asked.borrow(), want);
    }
}

#[test]
fn batches_are_decoded_and_what_lies_before_the_position_is_skipped() {
    for compression in Compression::ALL {
        let options = BatchOptions { compression, ..BatchOptions::default() };
        let first = batch(3, &["a", "b", "c"], options);
        let torn = plain(8, &["never seen whole"]);
        let answer = ok(join(&[first, plain(6, &["d", "e"]), torn.slice(..70)]));
        let (mut harness, asked) = broker(vec![answer]);
        assert_eq!(consume(&mut harness, config(), Some(4)), ["4=b", "5=c", "6=d", "7=e"]);
        assert_eq!(*asked.borrow(), ["fetch 4", "fetch 8"], "{compression}");
    }
}

#[test]
fn control_records_are_passed_over_and_aborted_transactions_hidden_from_read_committed() {
    let of = |producer_id| BatchOptions {
        producer_id,
        producer_epoch: 0,
        transactional: true,
        ..BatchOptions::default()
    };
    let marker = |base_offset, producer_id, kind| {
        let options = BatchOptions { base_offset, control: true, ..of(producer_id) };
        let mut builder = BatchBuilder::new(options);
        builder.append(1, Some(&ControlRecord::key(kind)), Some(&[0, 0, 0, 0, 0, 0]), &[]);
        builder.build().bytes().clone()
    };
    let records = join(&[
        batch(0, &["aborted"], of(1)),
        batch(1, &["committed"], of(2)),
        marker(2, 1, 0),
        batch(3, &["of the next transaction"], of(1)),
        marker(4, 2, 1),
        marker(5, 1, 1),
        plain(6, &["plain"]),
    ]);
    for (level, want) in [
        (
            IsolationLevel::ReadUncommitted,
            &["0=aborted", "1=committed", "3=of the next transaction", "6=plain"][..],
        ),
        (IsolationLevel::ReadCommitted, &["1=committed", "3=of the next transaction", "6=plain"]),
    ] {
        let (mut harness, asked) = broker(vec![FetchAnswer { aborted: vec![(1, 0)], ..ok(records.clone()) }]);
        let config = ConsumerConfig { isolation_level: level, ..config() };
        assert_eq!(consume(&mut harness, config, Some(0)), want);
        assert_eq!(asked.borrow().last().unwrap(), "fetch 7");
    }
}

#[test]
fn a_fetch_of_nothing_but_what_was_aborted_moves_the_position() {
    let of =
        BatchOptions { producer_id: 1, producer_epoch: 0, transactional: true, ..BatchOptions::default() };
    let mut marker = BatchBuilder::new(BatchOptions { base_offset: 6, control: true, ..of });
    marker.append(1, Some(&ControlRecord::key(0)), Some(&[0, 0, 0, 0, 0, 0]), &[]);
    let records = join(&[batch(4, &["a", "b"], of), marker.build().bytes().clone()]);
    let (mut harness, asked) =
        broker(vec![FetchAnswer { aborted: vec![(1, 4)], ..ok(records) }, ok(plain(7, &["plain"]))]);
    let config = ConsumerConfig { isolation_level: IsolationLevel::ReadCommitted, ..config() };
    assert_eq!(consume(&mut harness, config, Some(4)), ["7=plain"]);
    assert_eq!(*asked.borrow(), ["fetch 4", "fetch 7", "fetch 8"]);
}

#[test]
fn only_the_marker_of_an_abort_ends_an_aborted_transaction() {
    let of =
        BatchOptions { producer_id: 1, producer_epoch: 0, transactional: true, ..BatchOptions::default() };
    let marker = |base_offset, kind| {
        let mut builder = BatchBuilder::new(BatchOptions { base_offset, control: true, ..of });
        builder.append(1, Some(&ControlRecord::key(kind)), Some(&[0, 0, 0, 0, 0, 0]), &[]);
        builder.build().bytes().clone()
    };
    // Commit is kind 1, and abort kind 0.
    let records =
        join(&[batch(4, &["a"], of), marker(5, 1), batch(6, &["b"], of), marker(7, 0), batch(8, &["c"], of)]);
    let (mut harness, _) = broker(vec![FetchAnswer { aborted: vec![(1, 4)], ..ok(records) }]);
    let config = ConsumerConfig { isolation_level: IsolationLevel::ReadCommitted, ..config() };
    assert_eq!(consume(&mut harness, config, Some(4)), ["8=c"]);
}

#[test]
fn a_position_outside_of_the_log_is_reset_or_told() {
    for (reset, want_asked, want) in [
        (OffsetReset::Earliest, &["fetch 99", "offset of -2", "fetch 3"][..], ""),
        (OffsetReset::Latest, &["fetch 99", "offset of -1", "fetch 40"], ""),
        (
            OffsetReset::None,
            &["fetch 99"],
            "OFFSET_OUT_OF_RANGE: Fetch position 99 is out of range for partition orders-0 and no reset policy is defined",
        ),
    ] {
        let (mut harness, asked) = broker(vec![error(ErrorCode::OFFSET_OUT_OF_RANGE)]);
        let config = ConsumerConfig { auto_offset_reset: reset, ..config() };
        assert_eq!(consume(&mut harness, config, Some(99)).join(" "), want);
        assert_eq!(asked.borrow()[..want_asked.len()], *want_asked);
    }
}

#[test]
fn retriable_errors_are_tried_again_and_others_are_told() {
    for (code, want) in [
        (ErrorCode::NOT_LEADER_OR_FOLLOWER, "5=x"),
        (ErrorCode::UNKNOWN_TOPIC_ID, "5=x"),
        (ErrorCode::OFFSET_NOT_AVAILABLE, "5=x"),
        (
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            "TOPIC_AUTHORIZATION_FAILED: Topic authorization failed. 5=x",
        ),
    ] {
        let (mut harness, _) = broker(vec![error(code), ok(plain(5, &["x"]))]);
        assert_eq!(consume(&mut harness, config(), Some(5)).join(" "), want, "{code}");
    }
}

#[test]
fn a_corrupt_batch_is_told_and_does_not_pass() {
    let mut bytes = plain(5, &["x", "y"]).to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let (mut harness, _) = broker(vec![ok(bytes.into())]);
    let got = consume(&mut harness, config(), Some(5));
    assert_eq!(got.len(), 1);
    assert!(
        got[0].starts_with("CORRUPT_MESSAGE: Record batch for partition orders-0 at offset 5"),
        "{got:?}"
    );
}

#[test]
fn offsets_are_found_or_the_question_ends() {
    let ask = |partition: i32, spec: OffsetSpec| {
        let (mut harness, asked) = broker(Vec::new());
        let mut consumer = Consumer::new(config());
        let of = TopicPartition::new("orders", partition);
        harness.with(|cx| consumer.ask_offsets(cx, [(of, spec)].into()));
        let mut told = Vec::new();
        while let Some(input) = harness.next(consumer.next_timeout(harness.now), ms(100_000)) {
            harness.with(|cx| consumer.handle(cx, &input));
            for event in consumer.take_events() {
                let ConsumerEvent::Offsets { result, .. } = event else { panic!("{event:?}") };
                told.push(match result {
                    Ok(found) => format!(
                        "{:?}",
                        found.values().map(|found| found.map(|at| at.offset)).collect::<Vec<_>>()
                    ),
                    Err(error) => error.to_string(),
                });
            }
            if !told.is_empty() {
                break;
            }
        }
        let asked = asked.borrow().join(" ");
        (told.join(" "), asked)
    };
    for (partition, spec, want, asked) in [
        (0, OffsetSpec::Earliest, "[Some(3)]", "offset of -2"),
        (0, OffsetSpec::Latest, "[Some(40)]", "offset of -1"),
        (0, OffsetSpec::At(77), "[Some(40)]", "offset of 77"),
        (9, OffsetSpec::Latest, "Failed to get offsets by times in 60000ms", ""),
    ] {
        assert_eq!(ask(partition, spec), (want.to_owned(), asked.to_owned()), "{spec:?} of {partition}");
    }
}

/// A broker with an empty log that gives session 9 with the first fetch and holds the next ones. It
/// notes each fetch's session, epoch and number of topics.
fn broker_with_sessions(answers_close: bool) -> (Harness, Asked) {
    let asked = Asked::default();
    let log = asked.clone();
    let harness = Harness::new(move |header: &Header, body: Bytes| match header.api_key {
        ApiKey::ApiVersions => reply(header, &all_versions()),
        ApiKey::Metadata => reply(header, &metadata(1)),
        _ => {
            let request: FetchRequest = decode_body(header, body).unwrap();
            let (id, epoch) = (request.session_id, request.session_epoch);
            log.borrow_mut().push(format!("session {id} epoch {epoch}, {} topics", request.topics.len()));
            let partition = PartitionData::default().with_records(Some(Bytes::new()));
            let topic = FetchableTopicResponse::default()
                .with_topic_id(Uuid::from_u128(5))
                .with_partitions(vec![partition]);
            let response = FetchResponse::default();
            match epoch {
                0 => reply(header, &response.with_session_id(9).with_responses(vec![topic])),
                -1 if answers_close => reply(header, &response),
                _ => Reply::Silence,
            }
        }
    });
    (harness, asked)
}

#[test]
fn a_consumer_that_ends_closes_its_fetch_sessions() {
    // Where the broker does not answer, the fetch before it runs out of time and takes the connection with it.
    for (answers, closed_at) in [(true, 1_000), (false, 30_120)] {
        let (mut harness, asked) = broker_with_sessions(answers);
        let mut consumer = Consumer::new(config());
        let partition = TopicPartition::new("orders", 0);
        consumer.assign([partition.clone()]);
        consumer.seek(&partition, 3);
        while let Some(input) = harness.next(consumer.next_timeout(harness.now), ms(1_000)) {
            harness.with(|cx| consumer.handle(cx, &input));
        }
        assert_eq!(*asked.borrow(), ["session 0 epoch 0, 1 topics", "session 9 epoch 1, 0 topics"]);
        harness.now = ms(1_000);
        harness.with(|cx| consumer.begin_close(cx));
        assert!(!consumer.is_closed(), "the answer is waited for");
        assert_eq!(asked.borrow()[2..], ["session 9 epoch -1, 0 topics"]);
        harness.with(|cx| consumer.begin_close(cx));
        while !consumer.is_closed() {
            let input = harness.next(consumer.next_timeout(harness.now), ms(60_000)).unwrap();
            harness.with(|cx| consumer.handle(cx, &input));
        }
        assert_eq!((harness.now.as_millis(), asked.borrow().len()), (closed_at, 3), "no fetch follows");
    }
    let (mut harness, asked) = broker_with_sessions(true);
    let mut idle = Consumer::new(config());
    harness.with(|cx| idle.begin_close(cx));
    assert!(idle.is_closed() && asked.borrow().is_empty(), "there is no session to close");
}
