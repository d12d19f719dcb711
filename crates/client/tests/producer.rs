//! Batching, back-pressure, retries and their ends.

mod common;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use blumfeld_client::producer::{
    Acks, Delivery, Partitioner, PartitionerClass, Producer, ProducerConfig, ProducerRecord, Refused,
    partition_for_key,
};
use blumfeld_client::{ApiError, ClientConfig, TopicMetadata};
use blumfeld_protocol::frame::{Header, decode_body};
use blumfeld_protocol::messages::metadata_response::MetadataResponseTopic;
use blumfeld_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use blumfeld_protocol::messages::{
    InitProducerIdResponse, MetadataResponse, ProduceRequest, ProduceResponse, TopicName,
};
use blumfeld_protocol::record_batch::batches;
use blumfeld_protocol::{ApiKey, Compression, ErrorCode, Uuid};
use bytes::Bytes;
use common::*;

/// What the broker appended: partition, records of the batch, compression.
type Log = Rc<RefCell<Vec<(i32, Vec<String>, Compression)>>>;

/// Appends what it is sent, unless `fail` gives an error for the nth produce request (from 0). Of an idempotent
/// producer it takes only the sequence number that is due.
fn broker(log: &Log, fail: impl Fn(usize) -> Option<ErrorCode> + 'static) -> Harness {
    let log = log.clone();
    let requests = Cell::new(0);
    let mut sequences = BTreeMap::new();
    Harness::new(move |header: &Header, body: Bytes| match header.api_key {
        ApiKey::ApiVersions => reply(header, &all_versions()),
        ApiKey::Metadata => reply(header, &metadata(2)),
        ApiKey::InitProducerId => {
            reply(header, &InitProducerIdResponse::default().with_producer_id(7.into()))
        }
        _ => {
            let request: ProduceRequest = decode_body(header, body).unwrap();
            let nth = requests.replace(requests.get() + 1);
            let error = fail(nth);
            if error == Some(ErrorCode::NETWORK_EXCEPTION) {
                return Reply::Close;
            }
            let mut answers = Vec::new();
            let failed = error;
            for partition in request.topic_data.iter().flat_map(|topic| &topic.partition_data) {
                let mut log = log.borrow_mut();
                let base: usize =
                    log.iter().filter(|batch| batch.0 == partition.index).map(|batch| batch.1.len()).sum();
                let batch = batches(partition.records.as_ref().unwrap()).next().unwrap().unwrap();
                batch.validate().unwrap();
                let due = sequences.entry((partition.index, batch.producer_epoch())).or_insert(0);
                let early = batch.producer_id() >= 0 && batch.base_sequence() != *due;
                let error = failed.or(early.then_some(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
                if error.is_none() {
                    *due += batch.records_count();
                    {
                        let text = |value: Option<Bytes>| String::from_utf8(value.unwrap().to_vec()).unwrap();
                        let values =
                            batch.records().unwrap().map(|record| text(record.unwrap().value)).collect();
                        log.push((partition.index, values, batch.compression().unwrap()));
                    }
                }
                answers.push(
                    PartitionProduceResponse::default()
                        .with_index(partition.index)
                        .with_error_code(error.unwrap_or(ErrorCode::NONE).0)
                        .with_base_offset(i64::try_from(base).unwrap())
                        .with_log_append_time_ms(-1),
                );
            }
            if request.acks == 0 {
                return Reply::Silence;
            }
            let topic = TopicProduceResponse::default()
                .with_topic_id(Uuid::from_u128(5))
                .with_partition_responses(answers);
            reply(header, &ProduceResponse::default().with_responses(vec![topic]))
        }
    })
}

fn config() -> ProducerConfig {
    ProducerConfig::new(ClientConfig::new(bootstrap(), "test"))
}

fn record(value: &str, partition: Option<i32>) -> ProducerRecord {
    ProducerRecord {
        topic: "orders".into(),
        partition,
        timestamp: None,
        key: None,
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: Vec::new(),
    }
}

/// Sends the values one after the other and runs until all are settled, or two simulated hours have passed.
fn produce(
    harness: &mut Harness,
    config: ProducerConfig,
    records: Vec<ProducerRecord>,
) -> (Vec<Delivery>, Vec<ApiError>) {
    produce_by(harness, Producer::new(config), records)
}

fn produce_by(
    harness: &mut Harness,
    mut producer: Producer,
    records: Vec<ProducerRecord>,
) -> (Vec<Delivery>, Vec<ApiError>) {
    let mut waiting: std::collections::VecDeque<_> = records.into();
    let (mut delivered, mut refused) = (Vec::new(), Vec::new());
    while let Some(input) = harness.next(producer.next_timeout(harness.now), ms(7_200_000)) {
        delivered.extend(harness.with(|cx| producer.handle(cx, &input)));
        while let Some(record) = waiting.pop_front() {
            match harness.with(|cx| producer.send(cx, record)) {
                Ok(_) => {}
                Err(Refused::Wait(record)) => {
                    waiting.push_front(*record);
                    break;
                }
                Err(Refused::Failed(error)) => refused.push(error),
            }
        }
        delivered.extend(harness.with(|cx| producer.poll(cx)));
        if waiting.is_empty() && producer.pending() == 0 {
            break;
        }
    }
    (delivered, refused)
}

fn offsets(delivered: &[Delivery]) -> Vec<i64> {
    delivered.iter().map(|delivery| delivery.result.as_ref().map_or(-9, |metadata| metadata.offset)).collect()
}

#[test]
fn records_linger_into_one_batch_in_order() {
    for compression in Compression::ALL {
        let log = Log::default();
        let mut harness = broker(&log, |_| None);
        let config = ProducerConfig { compression, ..config() };
        let values: Vec<String> = (0..50).map(|n| format!("주문 {n}")).collect();
        let records = values.iter().map(|value| record(value, Some(1))).collect();
        let (delivered, _) = produce(&mut harness, config, records);
        assert_eq!(offsets(&delivered), (0..50).collect::<Vec<_>>());
        assert_eq!(*log.borrow(), [(1, values, compression)]);
        assert_eq!(harness.now.as_millis(), 5, "linger.ms");
    }
}

#[test]
fn batches_keep_to_batch_size_and_a_large_record_has_one_of_its_own() {
    let log = Log::default();
    let mut harness = broker(&log, |_| None);
    let large = "x".repeat(5_000);
    let mut records: Vec<_> = (0..30).map(|n| record(&format!("{n:0100}"), Some(0))).collect();
    records.insert(15, record(&large, Some(0)));
    let (delivered, _) = produce(&mut harness, ProducerConfig { batch_size: 1_000, ..config() }, records);
    assert_eq!(offsets(&delivered), (0..31).collect::<Vec<_>>());
    let sizes: Vec<usize> = log.borrow().iter().map(|batch| batch.1.len()).collect();
    assert_eq!(sizes, [8, 7, 1, 8, 7]);
}

#[test]
fn retriable_errors_are_retried_in_order_and_others_end_the_batch() {
    for (error, retried) in [
        (ErrorCode::NOT_LEADER_OR_FOLLOWER, true),
        (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, true),
        (ErrorCode::NETWORK_EXCEPTION, true),
        (ErrorCode::REQUEST_TIMED_OUT, true),
        (ErrorCode::NOT_ENOUGH_REPLICAS, true),
        (ErrorCode::INVALID_REQUIRED_ACKS, false),
        (ErrorCode::INVALID_RECORD, false),
        (ErrorCode::MESSAGE_TOO_LARGE, false),
    ] {
        let log = Log::default();
        let mut harness = broker(&log, move |nth| (nth == 0).then_some(error));
        // Each record fills a batch, so that many wait while the first is retried.
        let values: Vec<String> = (0..6).map(|n| format!("{n:0300}")).collect();
        let records = values.iter().map(|value| record(value, Some(0))).collect();
        let config = ProducerConfig { batch_size: 200, ..config() };
        let (delivered, _) = produce(&mut harness, config, records);
        let appended: Vec<String> = log.borrow().iter().flat_map(|batch| batch.1.clone()).collect();
        if retried {
            assert_eq!(appended, values, "{error}");
            assert_eq!(offsets(&delivered), [0, 1, 2, 3, 4, 5], "{error}");
        } else {
            assert_eq!(appended, values[1..], "{error}");
            assert_eq!(delivered[0].result, Err(error.into()), "{error}");
        }
    }
}

#[test]
fn a_batch_that_is_too_large_for_the_broker_is_split() {
    let log = Log::default();
    let mut harness = broker(&log, |nth| (nth < 2).then_some(ErrorCode::MESSAGE_TOO_LARGE));
    let values: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let records = values.iter().map(|value| record(value, Some(0))).collect();
    let (delivered, _) = produce(&mut harness, config(), records);
    let appended: Vec<String> = log.borrow().iter().flat_map(|batch| batch.1.clone()).collect();
    assert_eq!(appended, values);
    assert_eq!(offsets(&delivered), (0..8).collect::<Vec<_>>());
}

#[test]
fn what_is_not_delivered_in_time_expires() {
    let log = Log::default();
    let mut harness = broker(&log, |_| Some(ErrorCode::NOT_ENOUGH_REPLICAS));
    let (delivered, _) = produce(&mut harness, config(), vec![record("a", Some(0)), record("b", Some(0))]);
    assert_eq!(delivered.len(), 2);
    let error = delivered[0].result.as_ref().unwrap_err();
    assert!(
        error.code == ErrorCode::REQUEST_TIMED_OUT || error.code == ErrorCode::NOT_ENOUGH_REPLICAS,
        "{error:?}"
    );
    assert!((120_000..121_500).contains(&harness.now.as_millis()), "{}", harness.now);
}

#[test]
fn a_full_buffer_refuses_until_there_is_room() {
    let log = Log::default();
    let mut harness = broker(&log, |_| None);
    let config = ProducerConfig { batch_size: 1_000, buffer_memory: 3_000, linger_ms: 60_000, ..config() };
    let records = (0..200).map(|n| record(&format!("{n:0100}"), Some(n % 2))).collect();
    let (delivered, refused) = produce(&mut harness, config, records);
    assert_eq!((delivered.len(), refused.len()), (200, 0));
    let values: Vec<String> =
        log.borrow().iter().filter(|batch| batch.0 == 0).flat_map(|batch| batch.1.clone()).collect();
    assert_eq!(values, (0..200).step_by(2).map(|n| format!("{n:0100}")).collect::<Vec<_>>());
}

#[test]
fn acks_0_delivers_without_an_offset() {
    let log = Log::default();
    let mut harness = broker(&log, |_| None);
    let config = ProducerConfig { acks: Acks::None, ..config() };
    let (delivered, _) = produce(&mut harness, config, vec![record("a", Some(0))]);
    assert_eq!(offsets(&delivered), [-1]);
    assert_eq!(log.borrow().len(), 1);
}

#[test]
fn what_cannot_be_sent_fails_in_kafkas_words() {
    let unknown = |code: ErrorCode| {
        move |header: &Header, _: Bytes| match header.api_key {
            ApiKey::ApiVersions => reply(header, &all_versions()),
            _ => {
                let topic = MetadataResponseTopic::default()
                    .with_name(Some(TopicName("orders".to_owned().into())))
                    .with_error_code(code.0);
                let brokers = metadata(1).brokers;
                reply(header, &MetadataResponse::default().with_brokers(brokers).with_topics(vec![topic]))
            }
        }
    };
    let mut tries: Vec<(Harness, ProducerRecord, &str, u64)> = vec![
        (
            Harness::new(unknown(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)),
            record("a", None),
            "Topic orders not present in metadata after 60000 ms.",
            60_000,
        ),
        (
            Harness::new(unknown(ErrorCode::INVALID_TOPIC_EXCEPTION)),
            record("a", None),
            "Invalid topics: [orders]",
            0,
        ),
        (
            broker(&Log::default(), |_| None),
            record("a", Some(7)),
            "Partition 7 of topic orders with partition count 2 is not present in metadata after 60000 ms.",
            60_000,
        ),
        (
            broker(&Log::default(), |_| None),
            record(&"x".repeat(2_000_000), None),
            "The message is 2000088 bytes when serialized which is larger than 1048576, which is the value of the max.request.size configuration.",
            0,
        ),
    ];
    for (harness, record, want, at) in &mut tries {
        let (_, refused) = produce(harness, config(), vec![record.clone()]);
        assert_eq!(refused.iter().map(ApiError::to_string).collect::<Vec<_>>(), [*want]);
        assert_eq!(harness.now.as_millis(), *at, "{want}");
    }
}

#[test]
fn keys_turns_and_ignored_keys_choose_partitions() {
    let key = "a";
    let sent_to = |config: ProducerConfig| {
        let log = Log::default();
        let mut harness = broker(&log, |_| None);
        let keyed = |n: u32| ProducerRecord {
            key: Some(Bytes::from_static(key.as_bytes())),
            ..record(&n.to_string(), None)
        };
        let (delivered, _) = produce(&mut harness, config, (0..6).map(keyed).collect());
        let mut sent: Vec<(u64, i32)> =
            delivered.iter().map(|one| (one.id.0, one.partition.partition)).collect();
        sent.sort_unstable();
        sent.into_iter().map(|(_, partition)| partition).collect::<Vec<_>>()
    };
    let hashed = partition_for_key(key.as_bytes(), 2);
    assert_eq!(sent_to(config()), [hashed; 6]);
    let class = |name: &str| PartitionerClass::parse(&format!("org.apache.kafka.clients.producer.{name}"));
    let partitioner = class("RoundRobinPartitioner").unwrap();
    let round_robin = ProducerConfig { partitioner, ..config() };
    assert_eq!(sent_to(round_robin), [0, 1, 0, 1, 0, 1], "whatever the key is");
    // Each record ends a batch, so that a partitioner that sticks draws again.
    let ignored = ProducerConfig { partitioner_ignore_keys: true, batch_size: 1, ..config() };
    let partitions = sent_to(ignored);
    assert!(partitions.contains(&(1 - hashed)), "{partitions:?}");
    let partitioner = class("UniformStickyPartitioner").unwrap();
    let uniform_sticky = ProducerConfig { partitioner, batch_size: 1, ..config() };
    assert_eq!(sent_to(uniform_sticky), partitions, "the same under its old name");
    assert_eq!(class("NoPartitioner"), None);
}

/// Sends a record to the partition that its value begins with (`-` for -1), and fails those that begin with no digit.
/// It notes what it was asked.
#[derive(Clone, Debug, Default)]
struct ByFirstByte {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Partitioner for ByFirstByte {
    fn partition(
        &mut self,
        topic: &TopicMetadata,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<i32, String> {
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or(b"none").to_vec()).unwrap();
        let (count, led) = (topic.partitions.len(), topic.available().count());
        let call = format!("{} {} of {led}/{count}", text(key), &text(value)[..1],);
        self.asked.lock().unwrap().push(call);
        match value.and_then(|value| value.first()) {
            Some(b'-') => Ok(-1),
            Some(digit) if digit.is_ascii_digit() => Ok(i32::from(digit - b'0')),
            other => Err(format!("no partition in {other:?}")),
        }
    }

    fn boxed_clone(&self) -> Box<dyn Partitioner> {
        Box::new(self.clone())
    }
}

#[test]
fn a_programs_own_partitioner_is_asked_once_for_each_record_that_names_no_partition() {
    let by = ByFirstByte::default();
    let log = Log::default();
    let mut harness = broker(&log, |_| None);
    // Two batches have room: the third waits for it, and is still asked for once.
    let config = ProducerConfig { batch_size: 1, buffer_memory: 200, linger_ms: 0, ..config() };
    let config = ProducerConfig { partitioner: PartitionerClass::RoundRobin, ..config };
    let producer = Producer::with_partitioner(config, Box::new(by.clone()));
    let keyed = ProducerRecord { key: Some(Bytes::from_static(b"key")), ..record("1b", None) };
    let records =
        vec![record("1a", None), keyed, record("0c", None), record("0c", None), record("0e", Some(1))];
    let (delivered, refused) = produce_by(&mut harness, producer, records);
    assert_eq!((delivered.len(), refused), (5, vec![]));
    let sent = |to: i32| -> Vec<String> {
        log.borrow().iter().filter(|batch| batch.0 == to).flat_map(|batch| batch.1.clone()).collect()
    };
    assert_eq!(
        (sent(0), sent(1)),
        (vec!["0c".into(), "0c".into()], vec!["1a".into(), "1b".into(), "0e".into()])
    );
    let asked = ["none 1 of 2/2", "key 1 of 2/2", "none 0 of 2/2", "none 0 of 2/2"];
    assert_eq!(*by.asked.lock().unwrap(), asked);
}

#[test]
fn what_a_partitioner_does_not_place_fails_alone() {
    let log = Log::default();
    let mut harness = broker(&log, |_| None);
    let producer = Producer::with_partitioner(config(), Box::new(ByFirstByte::default()));
    let values = ["-1", "x", "7 of two", "0 is good"];
    let records = values.map(|value| record(value, None)).into();
    let (delivered, refused) = produce_by(&mut harness, producer, records);
    assert_eq!(
        refused.iter().map(ApiError::to_string).collect::<Vec<_>>(),
        [
            "The partitioner generated an invalid partition number: -1. Partition number should always be non-negative.",
            "The partitioner failed: no partition in Some(120)",
        ]
    );
    let results: Vec<String> = delivered
        .iter()
        .map(|one| match &one.result {
            Ok(metadata) => format!("{} at {}", one.partition, metadata.offset),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(
        results,
        ["orders-0 at 0", "Expiring 1 record(s) for orders-7:120000 ms has passed since batch creation",]
    );
    assert_eq!(harness.now.as_millis(), 120_000, "delivery.timeout.ms");
}

#[test]
fn what_was_sent_is_counted_and_what_is_sent_again_apart() {
    let log = Log::default();
    let mut harness = broker(&log, |nth| (nth == 0).then_some(ErrorCode::NOT_LEADER_OR_FOLLOWER));
    let mut producer = Producer::new(config());
    let mut waiting = vec![record("b", Some(1)), record("a", Some(1))];
    let mut delivered = 0;
    while let Some(input) = harness.next(producer.next_timeout(harness.now), ms(60_000)) {
        delivered += harness.with(|cx| producer.handle(cx, &input)).len();
        while let Some(record) = waiting.pop() {
            if let Err(Refused::Wait(record)) = harness.with(|cx| producer.send(cx, record)) {
                waiting.push(*record);
                break;
            }
        }
        delivered += harness.with(|cx| producer.poll(cx)).len();
        if delivered == 2 {
            break;
        }
    }
    let counts = producer.counts();
    assert_eq!((counts.requests, counts.batches, counts.retries, counts.records), (2, 2, 1, 2));
    assert!(counts.bytes > 61, "{counts:?}");
}
