//! What a broker takes of batches, and what of entries that come twice. The codes are Apache Kafka 4.3.1's answers.

use blumfeld_protocol::Compression;
use blumfeld_protocol::record_batch::{Batch, BatchError, checksum};
use produce_request::{PartitionProduceData, TopicProduceData};

use super::*;

/// Two records in this compression.
fn two(compression: Compression) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { compression, ..BatchOptions::default() });
    builder.append(1_700_000_000_000, Some(b"k"), Some(b"a"), &[]);
    builder.append(1_700_000_000_000, Some(b"k"), Some(b"b"), &[]);
    builder.build().bytes().to_vec()
}

/// The batch with `change` written over it at `at`, and a checksum that is right again.
fn forged(mut batch: Vec<u8>, at: usize, change: &[u8]) -> Vec<u8> {
    batch[at..at + change.len()].copy_from_slice(change);
    let crc = checksum(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch
}

/// The batch with other bytes for its records.
fn filled(batch: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut batch = batch[..61].to_vec();
    batch.extend(payload);
    let length = i32::try_from(batch.len() - 12).unwrap();
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    forged(batch, 0, &[])
}

fn produce(world: &mut World, version: i16, topic: &str, records: &[&[u8]]) -> ProduceResponse {
    let partitions = records
        .iter()
        .map(|records| PartitionProduceData::default().with_records(Some(Bytes::copy_from_slice(records))));
    let topic = TopicProduceData::default().with_name(name(topic)).with_partition_data(partitions.collect());
    let request = ProduceRequest::default().with_acks(1).with_timeout_ms(1_000).with_topic_data(vec![topic]);
    ask(world, ApiKey::Produce, version, &request)
}

fn stored(world: &World, topic: &str) -> Vec<Batch> {
    let log = world.broker(NodeId(1)).unwrap().replicas().get(topic, 0).unwrap().log();
    log.browse(0).map(|(.., batch)| batch.clone()).collect()
}

#[test]
fn a_batch_that_is_broken_in_one_place_is_answered_with_kafkas_code() {
    use Compression as C;
    let plain = || two(C::None);
    let (good, gzip) = (plain(), two(C::Gzip));
    let record = |delta: u8| [16, 0, 0, delta * 2, 2, b'k', 2, b'a', 0];
    let deltas = |a: u8, b: u8| [record(a), record(b)].concat();
    let packed = |codec: C, bytes: &[u8]| filled(&two(codec), &codec.compress(bytes));
    let mut lz4 = C::Lz4.compress(&deltas(0, 1));
    lz4.truncate(lz4.len() - 4);
    let wrong_crc = |mut batch: Vec<u8>| {
        batch[17] ^= 1;
        batch
    };
    let cases: Vec<(&str, i16, Vec<u8>, i16)> = vec![
        ("as it should be", 9, plain(), 0),
        ("leader epoch 7", 9, forged(plain(), 12, &[0, 0, 0, 7]), 0),
        ("base offset 5", 9, forged(plain(), 7, &[5]), 87),
        ("base offset 5, compressed", 9, forged(gzip.clone(), 7, &[5]), 87),
        ("wrong checksum", 9, wrong_crc(plain()), 2),
        ("count 1", 9, forged(plain(), 60, &[1]), 87),
        ("count 3", 9, forged(plain(), 60, &[3]), 87),
        ("count 0", 9, forged(plain(), 60, &[0]), 87),
        ("last offset delta 5", 9, forged(plain(), 26, &[5]), 87),
        ("control", 9, forged(plain(), 22, &[0x20]), 87),
        ("transactional without an id", 9, forged(plain(), 22, &[0x10]), 53),
        ("codec 5", 9, forged(plain(), 22, &[5]), -1),
        ("magic 1", 9, forged(plain(), 16, &[1]), 87),
        ("magic 3", 9, forged(plain(), 16, &[3]), 2),
        ("LogAppendTime", 9, forged(plain(), 22, &[8]), 0),
        ("a producer without a sequence", 9, forged(plain(), 43, &[0; 8]), 87),
        ("max timestamp 5", 9, forged(plain(), 35, &5_i64.to_be_bytes()), 0),
        ("offset deltas 0 and 7", 9, filled(&good, &deltas(0, 7)), 0),
        ("offset deltas 0 and 7, compressed", 9, packed(C::Gzip, &deltas(0, 7)), -1),
        ("no number for a length", 9, filled(&good, &[0xff; 30]), -1),
        ("no number for a length, compressed", 9, packed(C::Gzip, &[0xff; 30]), 87),
        ("two bytes too many", 9, filled(&good, &[deltas(0, 1), vec![0, 0]].concat()), 87),
        ("no gzip", 9, filled(&gzip, &[0xff; 30]), -1),
        ("bytes after the gzip", 9, filled(&gzip, &[&gzip[61..], b"abc"].concat()), 0),
        ("lz4 without an end", 9, filled(&two(C::Lz4), &lz4), -1),
        ("bytes after the zstd", 9, filled(&two(C::Zstd), &[&two(C::Zstd)[61..], b"abc"].concat()), -1),
        ("zstd in version 6", 6, two(C::Zstd), 76),
        ("zstd in version 7", 7, two(C::Zstd), 0),
        ("gzip in version 3", 3, gzip.clone(), 0),
        ("nothing", 9, Vec::new(), 87),
        ("two batches", 9, good.repeat(2), 87),
        ("a batch and a part of one", 9, [&good[..], &good[..40]].concat(), 0),
        ("a batch and zeros", 9, [&good[..], &[0; 17]].concat(), 2),
        ("a header that is cut", 9, good[..40].to_vec(), 87),
        ("a length of 10", 9, forged(plain(), 8, &[0, 0, 0, 10]), 2),
        ("a length of 48", 9, forged(plain(), 8, &[0, 0, 0, 48]), 2),
        ("a length beyond the end", 9, forged(plain(), 8, &[0, 0, 4, 0]), 87),
    ];
    let mut world = world();
    create(&mut world, "t", 1);
    for (what, version, records, code) in cases {
        let before = stored(&world, "t").len();
        let response = produce(&mut world, version, "t", &[&records]);
        assert_eq!(response.responses[0].partition_responses[0].error_code, code, "{what}");
        assert_eq!(stored(&world, "t").len() - before, usize::from(code == 0), "{what}");
    }
    for batch in stored(&world, "t") {
        let told = (batch.attributes() & 0b1000, batch.max_timestamp());
        assert_eq!(told, (0, 1_700_000_000_000), "what the producer may not say is mended");
        assert!(!matches!(batch.validate(), Err(BatchError::Crc { .. })));
    }
}

#[test]
fn what_comes_twice_in_a_request_is_answered_once() {
    let mut world = world();
    create(&mut world, "t", 3);
    let response = produce(&mut world, 9, "t", &[&two(Compression::None), &two(Compression::Gzip)]);
    assert_eq!(response.responses[0].partition_responses.len(), 1);
    let codecs: Vec<_> = stored(&world, "t").iter().map(Batch::compression).collect();
    assert_eq!(codecs, [Ok(Compression::Gzip)], "the last one counts");

    let at = |index| list_offsets_request::ListOffsetsPartition::default().with_partition_index(index);
    let topic = list_offsets_request::ListOffsetsTopic::default().with_name(name("t")).with_partitions(vec![
        at(0).with_timestamp(-1),
        at(1).with_timestamp(-2),
        at(0).with_timestamp(-2),
    ]);
    for version in versions(ApiKey::ListOffsets) {
        let mut request =
            ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![topic.clone()]);
        let partitions = request.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        partitions.for_each(|partition| partition.current_leader_epoch = -1);
        let response: ListOffsetsResponse = ask(&mut world, ApiKey::ListOffsets, version, &request);
        let told: Vec<_> = (response.topics[0].partitions.iter())
            .map(|partition| (partition.partition_index, partition.error_code, partition.offset))
            .collect();
        assert_eq!(told, [(0, 42, -1), (1, 0, 0)], "v{version}");
    }

    let more = |count| {
        create_partitions_request::CreatePartitionsTopic::default()
            .with_name(name("t"))
            .with_count(count)
            .with_assignments(None)
    };
    let request =
        CreatePartitionsRequest::default().with_topics(vec![more(5), more(6)]).with_timeout_ms(1_000);
    let response: CreatePartitionsResponse = ask(&mut world, ApiKey::CreatePartitions, 3, &request);
    let told: Vec<_> = (response.results.iter())
        .map(|result| (result.error_code, result.error_message.as_ref().map(|text| text.to_string())))
        .collect();
    assert_eq!(told, [(42, Some("Duplicate topic name.".to_owned()))]);

    let id = topic_id(&world, "t");
    let by = |topic: Option<&str>, id| {
        delete_topics_request::DeleteTopicState::default().with_name(topic.map(name)).with_topic_id(id)
    };
    let nil = Uuid::nil();
    let unknown = Uuid::from_u128(77);
    for (topics, code, message) in [
        (vec![by(Some("t"), nil); 2], 42, "Duplicate topic name."),
        (vec![by(None, id); 2], 42, "Duplicate topic id."),
        (vec![by(None, nil)], 42, "Neither topic name nor id were specified."),
        (vec![by(Some("t"), id)], 42, "You may not specify both topic name and topic id."),
        (
            vec![by(Some("t"), nil), by(None, id)],
            42,
            "The provided topic name maps to an ID that was already supplied.",
        ),
        (vec![by(Some("no"), nil)], 3, "This server does not host this topic-partition."),
        (vec![by(None, unknown)], 100, "This server does not host this topic ID."),
    ] {
        let request = DeleteTopicsRequest::default().with_topics(topics).with_timeout_ms(1_000);
        let response: DeleteTopicsResponse = ask(&mut world, ApiKey::DeleteTopics, 6, &request);
        let told: Vec<_> = (response.responses.iter())
            .map(|result| (result.error_code, result.error_message.as_ref().map(|text| text.to_string())))
            .collect();
        assert_eq!(told, [(code, Some(message.to_owned()))]);
    }
    assert_eq!(topic_id(&world, "t"), id, "it is still there");
}

#[test]
fn a_topic_that_is_created_has_no_message() {
    let mut world = world();
    assert_eq!(create(&mut world, "t", 1).topics[0].error_message, None);
}

#[test]
fn a_request_whose_answer_cannot_be_written_holds_up_no_other() {
    let mut world = world();
    let config = create_topics_request::CreatableTopicConfig::default()
        .with_name("retention.ms".to_owned().into())
        .with_value(Some("x".repeat(32_767).into()));
    let topic = create_topics_request::CreatableTopic::default()
        .with_name(name("odd"))
        .with_num_partitions(1)
        .with_replication_factor(1)
        .with_configs(vec![config]);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(1_000);
    // The sentence that quotes the value is longer than a text of this version can be.
    let frame = encode_request(ApiKey::CreateTopics, 3, 5, None, &request).unwrap();
    let (answers, end) = exchange(&mut world, vec![frame]);
    assert_eq!((answers.len(), end.is_empty()), (0, false), "{end}");
    let before = world.now();
    assert_eq!(create(&mut world, "next", 1).topics[0].error_code, 0);
    assert!(world.now() - before < Duration::from_secs(1));
}
