//! Every API in every version that is advertised, over simulated connections, as bytes.

#[path = "protocol/batches.rs"]
mod batches;
#[path = "protocol/groups.rs"]
mod groups;
#[path = "protocol/lines.rs"]
mod lines;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use blumfeld_broker::{BrokerConfig, supported_versions};
use blumfeld_kernel::{ConnectionId, Context, Endpoint, Input, Instant, Node, NodeId};
use blumfeld_protocol::frame::{decode_response, encode_request};
use blumfeld_protocol::messages::*;
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions};
use blumfeld_protocol::wire::{Decodable, Encodable};
use blumfeld_protocol::{ErrorCode, Uuid};
use blumfeld_sim::{DiskConfig, Fault, NetworkConfig, Output, World, WorldConfig};
use bytes::Bytes;

/// Sends frames one after the other, each once the one before is answered, and prints the answers.
#[derive(Clone)]
struct Script {
    port: u16,
    frames: VecDeque<Bytes>,
    conn: Option<ConnectionId>,
}

impl Node for Script {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        match input {
            Input::Started => {
                self.conn = Some(cx.out.connect(Endpoint::new("localhost", self.port)));
                return;
            }
            Input::Connected { .. } => {}
            Input::Frame { frame, .. } => cx.out.stdout(frame.into_bytes()),
            Input::Disconnected { reason, .. } => {
                cx.out.stderr(reason.to_string());
                return cx.out.exit(1);
            }
            _ => return,
        }
        if let Some(conn) = self.conn {
            match self.frames.pop_front() {
                Some(frame) => cx.out.send(conn, frame),
                None => cx.out.exit(0),
            }
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        None
    }
}

fn world() -> World {
    world_of(vec![BrokerConfig::new(1, Endpoint::new("localhost", 9092), Uuid::from_u128(7))])
}

fn world_of(brokers: Vec<BrokerConfig>) -> World {
    let alone = brokers.len() == 1;
    let config = WorldConfig {
        boot: 0,
        seed: 1,
        epoch_ms: 1_700_000_000_000,
        brokers,
        network: NetworkConfig::default(),
        disk: DiskConfig::default(),
        wait_for_store: false,
    };
    let mut world = World::new(config, BTreeMap::new());
    world.run_for(Duration::from_secs(if alone { 1 } else { 10 }));
    assert!(world.is_ready());
    world
}

/// Sends the frames and gives the answers, and what ended the connection if it was the broker.
fn exchange(world: &mut World, frames: Vec<Bytes>) -> (Vec<Bytes>, String) {
    exchange_with(world, 9_092, frames)
}

/// The same with the broker at this port.
fn exchange_with(world: &mut World, port: u16, frames: Vec<Bytes>) -> (Vec<Bytes>, String) {
    let expect = frames.len();
    let process = world.spawn(Box::new(Script { port, frames: frames.into(), conn: None }));
    let (mut answers, mut end) = (Vec::new(), String::new());
    for _ in 0..100 {
        world.run_for(Duration::from_millis(100));
        for output in world.take_output(process) {
            match output {
                Output::Stdout(frame) => answers.push(frame),
                Output::Stderr(text) => end = String::from_utf8(text.to_vec()).unwrap(),
                Output::Exit(_) => return (answers, end),
            }
        }
        if answers.len() == expect {
            break;
        }
    }
    (answers, end)
}

fn ask<Q: Encodable, A: Decodable>(world: &mut World, key: ApiKey, version: i16, request: &Q) -> A {
    let frame = encode_request(key, version, 5, Some("test".to_owned().into()), request).unwrap();
    let (answers, end) = exchange(world, vec![frame]);
    let answer = answers.into_iter().next().unwrap_or_else(|| panic!("{key:?} v{version}: no answer; {end}"));
    decode_response(key, version, answer).unwrap_or_else(|error| panic!("{key:?} v{version}: {error}"))
}

fn versions(key: ApiKey) -> std::ops::RangeInclusive<i16> {
    let (_, min, max) = supported_versions().iter().find(|(served, ..)| *served == key).unwrap();
    // The library has no requests of the versions after these; `tests/apis` has.
    let known = match key {
        ApiKey::OffsetCommit | ApiKey::OffsetFetch => 9,
        ApiKey::ListOffsets => 10,
        ApiKey::DescribeLogDirs => 4,
        _ => *max,
    };
    *min..=known
}

fn name(text: &str) -> TopicName {
    TopicName(text.to_owned().into())
}

fn create(world: &mut World, topic: &str, partitions: i32) -> CreateTopicsResponse {
    let topic = create_topics_request::CreatableTopic::default()
        .with_name(name(topic))
        .with_num_partitions(partitions)
        .with_replication_factor(1);
    ask(world, ApiKey::CreateTopics, 7, &CreateTopicsRequest::default().with_topics(vec![topic]))
}

fn batch(values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for (at, value) in values.iter().enumerate() {
        builder.append(1_700_000_000_000 + at as i64, None, Some(value.as_bytes()), &[]);
    }
    builder.build().bytes().clone()
}

fn topic_id(world: &World, topic: &str) -> Uuid {
    world.broker(NodeId(1)).unwrap().image().topic(topic).unwrap().id
}

#[test]
fn api_versions_is_answered_in_every_version_and_in_none() {
    let mut world = world();
    for version in versions(ApiKey::ApiVersions) {
        let mut request = ApiVersionsRequest::default();
        if version >= 3 {
            request.client_software_name = "test".to_owned().into();
            request.client_software_version = "1.0".to_owned().into();
        }
        let response: ApiVersionsResponse = ask(&mut world, ApiKey::ApiVersions, version, &request);
        assert_eq!(
            (response.error_code, response.api_keys.len()),
            (0, supported_versions().len()),
            "v{version}"
        );
    }
    // Version 99: answered in version 0, so that the client can try again.
    let mut frame =
        encode_request(ApiKey::ApiVersions, 3, 5, None, &ApiVersionsRequest::default()).unwrap().to_vec();
    frame[2..4].copy_from_slice(&99_i16.to_be_bytes());
    let (answers, _) = exchange(&mut world, vec![frame.into()]);
    let response: ApiVersionsResponse = decode_response(ApiKey::ApiVersions, 0, answers[0].clone()).unwrap();
    assert_eq!(ErrorCode(response.error_code), ErrorCode::UNSUPPORTED_VERSION);
    assert_eq!(response.api_keys.len(), 1);
}

#[test]
fn supported_features_begin_where_kafkas_do() {
    let mut world = world();
    for version in [3, 4] {
        let mut request = ApiVersionsRequest::default();
        request.client_software_name = "test".to_owned().into();
        request.client_software_version = "1.0".to_owned().into();
        let response: ApiVersionsResponse = ask(&mut world, ApiKey::ApiVersions, version, &request);
        let supported: Vec<(String, i16, i16)> = (response.supported_features.iter())
            .map(|feature| (feature.name.to_string(), feature.min_version, feature.max_version))
            .collect();
        // 3.3-IV3 to 4.0-IV3. A level of 0 is said from version 4 on.
        let mut wanted = vec![("metadata.version".to_owned(), 7, 25)];
        if version >= 4 {
            wanted.push(("eligible.leader.replicas.version".to_owned(), 0, 1));
            wanted.push(("transaction.version".to_owned(), 0, 2));
        }
        assert_eq!(supported, wanted, "v{version}");
    }
}

#[test]
fn topics_are_created_described_extended_and_deleted_in_every_version() {
    let mut world = world();
    for version in versions(ApiKey::CreateTopics) {
        use create_topics_request::{CreatableTopic, CreatableTopicConfig};
        let config = CreatableTopicConfig::default()
            .with_name("retention.ms".to_owned().into())
            .with_value(Some("1000".to_owned().into()));
        let topic = CreatableTopic::default()
            .with_name(name(&format!("t{version}")))
            .with_num_partitions(2)
            .with_replication_factor(1)
            .with_configs(vec![config]);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]);
        let response: CreateTopicsResponse = ask(&mut world, ApiKey::CreateTopics, version, &request);
        assert_eq!(ErrorCode(response.topics[0].error_code), ErrorCode::NONE, "v{version}");
        let response: CreateTopicsResponse = ask(&mut world, ApiKey::CreateTopics, version, &request);
        assert_eq!(ErrorCode(response.topics[0].error_code), ErrorCode::TOPIC_ALREADY_EXISTS, "v{version}");
    }
    for version in versions(ApiKey::Metadata) {
        let mut request = MetadataRequest::default().with_allow_auto_topic_creation(true);
        request.topics = if version >= 1 { None } else { Some(Vec::new()) };
        let response: MetadataResponse = ask(&mut world, ApiKey::Metadata, version, &request);
        assert_eq!((response.brokers.len(), response.topics.len()), (1, 6), "v{version}");
        assert_eq!(response.topics[0].partitions.len(), 2);
    }
    for version in versions(ApiKey::DescribeConfigs) {
        let resource = describe_configs_request::DescribeConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name("t2".to_owned().into())
            .with_configuration_keys(None);
        let request =
            DescribeConfigsRequest::default().with_resources(vec![resource]).with_include_synonyms(true);
        let response: DescribeConfigsResponse = ask(&mut world, ApiKey::DescribeConfigs, version, &request);
        let set =
            response.results[0].configs.iter().find(|config| config.name.as_str() == "retention.ms").unwrap();
        assert_eq!((set.value.as_deref(), set.config_source), (Some("1000"), 1), "v{version}");
    }
    for version in versions(ApiKey::IncrementalAlterConfigs) {
        use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
        let config = AlterableConfig::default()
            .with_name("segment.bytes".to_owned().into())
            .with_value(Some(format!("{}", 2_000_000 + i32::from(version)).into()));
        let resource = AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name("t2".to_owned().into())
            .with_configs(vec![config]);
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let response: IncrementalAlterConfigsResponse =
            ask(&mut world, ApiKey::IncrementalAlterConfigs, version, &request);
        assert_eq!(ErrorCode(response.responses[0].error_code), ErrorCode::NONE, "v{version}");
        let log = world.broker(NodeId(1)).unwrap().replicas().get("t2", 0).unwrap().log();
        assert_eq!(log.config().segment_bytes, 2_000_000 + u32::try_from(version).unwrap());
    }
    for version in versions(ApiKey::CreatePartitions) {
        let count = 3 + i32::from(version);
        let topic = create_partitions_request::CreatePartitionsTopic::default()
            .with_name(name("t3"))
            .with_count(count)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(1_000);
        let response: CreatePartitionsResponse = ask(&mut world, ApiKey::CreatePartitions, version, &request);
        assert_eq!(ErrorCode(response.results[0].error_code), ErrorCode::NONE, "v{version}");
        assert_eq!(
            world.broker(NodeId(1)).unwrap().image().topic("t3").unwrap().partitions.len(),
            count as usize
        );
    }
    for version in versions(ApiKey::DescribeCluster) {
        let mut request = DescribeClusterRequest::default();
        if version >= 1 {
            request.endpoint_type = 1;
        }
        let response: DescribeClusterResponse = ask(&mut world, ApiKey::DescribeCluster, version, &request);
        assert_eq!((response.error_code, response.brokers.len()), (0, 1), "v{version}");
    }
    let request = DescribeTopicPartitionsRequest::default().with_response_partition_limit(3);
    let response: DescribeTopicPartitionsResponse =
        ask(&mut world, ApiKey::DescribeTopicPartitions, 0, &request);
    let next = response.next_cursor.unwrap();
    assert_eq!((next.topic_name.as_str(), next.partition_index), ("t3", 1), "a page of three ends inside t3");
    for version in versions(ApiKey::DeleteTopics) {
        let topic = format!("t{}", version + 1);
        let mut request = DeleteTopicsRequest::default().with_timeout_ms(1_000);
        if version >= 6 {
            request.topics = vec![
                delete_topics_request::DeleteTopicState::default().with_topic_id(topic_id(&world, &topic)),
            ];
        } else {
            request.topic_names = vec![name(&topic)];
        }
        let response: DeleteTopicsResponse = ask(&mut world, ApiKey::DeleteTopics, version, &request);
        assert_eq!(ErrorCode(response.responses[0].error_code), ErrorCode::NONE, "v{version}");
        assert!(world.broker(NodeId(1)).unwrap().image().topic(&topic).is_none());
    }
    // Their directories wait a minute for deletion.
    world.run_for(Duration::from_secs(70));
    let disk = world.disk(NodeId(1)).unwrap().disk();
    assert!(!disk.files().any(|(path, _)| path.contains("-delete/")));
}

#[test]
fn records_go_in_and_come_out_in_every_version() {
    let mut world = world();
    create(&mut world, "orders", 1);
    let id = topic_id(&world, "orders");
    let mut end = 0;
    for version in versions(ApiKey::Produce) {
        use produce_request::{PartitionProduceData, TopicProduceData};
        for acks in [-1, 1] {
            let data = PartitionProduceData::default().with_index(0).with_records(Some(batch(&["a", "b"])));
            let mut topic = TopicProduceData::default().with_partition_data(vec![data]);
            if version >= 13 {
                topic.topic_id = id;
            } else {
                topic.name = name("orders");
            }
            let request =
                ProduceRequest::default().with_acks(acks).with_timeout_ms(1_000).with_topic_data(vec![topic]);
            let response: ProduceResponse = ask(&mut world, ApiKey::Produce, version, &request);
            let partition = &response.responses[0].partition_responses[0];
            assert_eq!((partition.error_code, partition.base_offset), (0, end), "v{version}");
            end += 2;
        }
    }
    for version in versions(ApiKey::Fetch) {
        use fetch_request::{FetchPartition, FetchTopic};
        let partition = FetchPartition::default()
            .with_partition(0)
            .with_fetch_offset(3)
            .with_partition_max_bytes(1_000_000)
            .with_current_leader_epoch(-1);
        let mut topic = FetchTopic::default().with_partitions(vec![partition]);
        if version >= 13 {
            topic.topic_id = id;
        } else {
            topic.topic = name("orders");
        }
        let mut request = FetchRequest::default()
            .with_max_wait_ms(0)
            .with_min_bytes(1)
            .with_max_bytes(1_000_000)
            .with_topics(vec![topic]);
        if version < 15 {
            request.replica_id = BrokerId(-1);
        }
        let response: FetchResponse = ask(&mut world, ApiKey::Fetch, version, &request);
        let data = &response.responses[0].partitions[0];
        assert_eq!((data.error_code, data.high_watermark), (0, end), "v{version}");
        let batches: Vec<_> = blumfeld_protocol::record_batch::batches(data.records.as_ref().unwrap())
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            (batches[0].base_offset(), batches.last().unwrap().last_offset()),
            (2, end - 1),
            "v{version}"
        );
    }
    for version in versions(ApiKey::ListOffsets) {
        let mut asks = vec![(-2, 0), (-1, end), (1_700_000_000_001, 1)];
        if version >= 7 {
            asks.push((-3, 1));
        }
        for (timestamp, want) in asks {
            use list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
            let partition =
                ListOffsetsPartition::default().with_timestamp(timestamp).with_current_leader_epoch(-1);
            let topic =
                ListOffsetsTopic::default().with_name(name("orders")).with_partitions(vec![partition]);
            let request =
                ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
            let response: ListOffsetsResponse = ask(&mut world, ApiKey::ListOffsets, version, &request);
            let found = &response.topics[0].partitions[0];
            assert_eq!((found.error_code, found.offset), (0, want), "v{version} at {timestamp}");
        }
    }
    for version in versions(ApiKey::DeleteRecords) {
        use delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
        let partition = DeleteRecordsPartition::default().with_offset(i64::from(version) + 1);
        let topic = DeleteRecordsTopic::default().with_name(name("orders")).with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(1_000);
        let response: DeleteRecordsResponse = ask(&mut world, ApiKey::DeleteRecords, version, &request);
        assert_eq!(response.topics[0].partitions[0].low_watermark, i64::from(version) + 1);
    }
}

#[test]
fn a_long_poll_ends_with_records_or_with_its_time() {
    use fetch_request::{FetchPartition, FetchTopic};
    let mut world = world();
    create(&mut world, "orders", 1);
    let fetch = |offset| {
        let partition = FetchPartition::default().with_fetch_offset(offset).with_partition_max_bytes(1_000);
        let topic = FetchTopic::default().with_topic(name("orders")).with_partitions(vec![partition]);
        let request = FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_wait_ms(500)
            .with_min_bytes(1)
            .with_max_bytes(1_000)
            .with_topics(vec![topic]);
        encode_request(ApiKey::Fetch, 8, 5, None, &request).unwrap()
    };
    let start = world.now();
    let process = world.spawn(Box::new(Script { port: 9_092, frames: VecDeque::from([fetch(0)]), conn: None }));
    while !world.take_output(process).iter().any(|output| matches!(output, Output::Stdout(_))) {
        assert!(world.step());
    }
    let waited = world.now() - start;
    assert!((500..510).contains(&waited.as_millis()), "an empty partition: {waited:?}");

    let start = world.now();
    let process = world.spawn(Box::new(Script { port: 9_092, frames: VecDeque::from([fetch(0)]), conn: None }));
    world.run_for(Duration::from_millis(50));
    let data = produce_request::PartitionProduceData::default().with_records(Some(batch(&["a"])));
    let topic = produce_request::TopicProduceData::default()
        .with_name(name("orders"))
        .with_partition_data(vec![data]);
    let request = ProduceRequest::default().with_acks(1).with_topic_data(vec![topic]);
    let produce = encode_request(ApiKey::Produce, 8, 6, None, &request).unwrap();
    world.spawn(Box::new(Script { port: 9_092, frames: VecDeque::from([produce]), conn: None }));
    while !world.take_output(process).iter().any(|output| matches!(output, Output::Stdout(_))) {
        assert!(world.step());
    }
    let waited = world.now() - start;
    assert!(waited < Duration::from_millis(60), "records came after 50 ms: {waited:?}");
}

#[test]
fn a_fetch_with_the_final_epoch_ends_its_session() {
    use fetch_request::{FetchPartition, FetchTopic};
    let mut world = world();
    create(&mut world, "orders", 1);
    let mut fetch = |session_id: i32, session_epoch: i32, partitions: Vec<FetchPartition>| -> (i16, i32) {
        let topics = vec![FetchTopic::default().with_topic(name("orders")).with_partitions(partitions)];
        let topics = topics.into_iter().filter(|topic| !topic.partitions.is_empty()).collect();
        let request = FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_bytes(1_000)
            .with_session_id(session_id)
            .with_session_epoch(session_epoch)
            .with_topics(topics);
        let response: FetchResponse = ask(&mut world, ApiKey::Fetch, 12, &request);
        (response.error_code, response.session_id)
    };
    let (error, id) = fetch(0, 0, vec![FetchPartition::default().with_current_leader_epoch(-1)]);
    assert!(error == 0 && id > 0, "{error} {id}");
    assert_eq!(fetch(id, 1, vec![]), (0, id), "it goes on");
    assert_eq!(fetch(id, -1, vec![]), (0, 0), "it ends");
    assert_eq!(fetch(id, 2, vec![]), (ErrorCode::FETCH_SESSION_ID_NOT_FOUND.0, 0), "it is gone");
}

#[test]
fn a_malformed_frame_ends_its_connection_and_nothing_else() {
    let mut world = world();
    let good =
        encode_request(ApiKey::Metadata, 9, 5, None, &MetadataRequest::default().with_topics(None)).unwrap();
    let left_over = Bytes::from([&good[..], &[0, 0, 0]].concat());
    let (answers, end) = exchange(&mut world, vec![left_over]);
    assert_eq!((answers.len(), &*end), (1, ""), "what is left over is passed over");
    for (frame, want) in [
        (Bytes::new(), "the header is cut short after 0 bytes"),
        (Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n"), "no API has the key 18245"),
        (good.slice(..good.len() - 1), "Metadata of version 9"),
        (
            Bytes::from_static(&[0, 3, 0, 1, 0, 0, 0, 9, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]),
            "topics claims 2147483647 entries",
        ),
        (Bytes::from_static(&[0, 3, 0, 99, 0, 0, 0, 9, 0xff, 0xff, 0]), "Metadata has no version 99"),
        (Bytes::from_static(&[0, 23, 0, 1, 0, 0, 0, 9, 0xff, 0xff]), "OffsetForLeaderEpoch has no version 1"),
    ] {
        world.trace_mut().take();
        let (answers, end) = exchange(&mut world, vec![frame]);
        assert!(answers.is_empty() && end.contains(want), "{end:?} should say {want:?}");
        let (lines, _) = world.trace_mut().take();
        assert!(lines.iter().any(|line| line.to_string().contains(want)), "the trace says why");
        let (answers, _) = exchange(&mut world, vec![good.clone()]);
        assert_eq!(answers.len(), 1, "the broker lives");
    }
}

#[test]
fn what_was_flushed_survives_a_power_cut_and_everything_a_crash() {
    use produce_request::{PartitionProduceData, TopicProduceData};
    for (seed, power) in (0..40).map(|seed| (seed, seed % 2 == 0)) {
        let broker = BrokerConfig::new(1, Endpoint::new("localhost", 9092), Uuid::from_u128(7));
        let config = WorldConfig {
            boot: 0,
            seed,
            epoch_ms: 1_700_000_000_000,
            brokers: vec![broker],
            network: NetworkConfig::default(),
            disk: DiskConfig::default(),
            // Flushed before it is acknowledged: then a power cut may take nothing that was.
            wait_for_store: true,
        };
        let mut world = World::new(config, BTreeMap::new());
        let settle = |world: &mut World| {
            // The broker's last life has to be forgotten (broker.session.timeout.ms) before the next one may register.
            for _ in 0..700 {
                world.run_for(Duration::from_millis(20));
                let (token, _) = world.take_disk_changes();
                world.store_committed(token, Ok(()));
            }
        };
        settle(&mut world);
        let topic = create_topics_request::CreatableTopic::default()
            .with_name(name("t"))
            .with_num_partitions(1)
            .with_replication_factor(1);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]);
        let create = encode_request(ApiKey::CreateTopics, 7, 1, None, &request).unwrap();
        let produce = |n: usize| {
            let data = PartitionProduceData::default().with_records(Some(batch(&[&"x".repeat(n * 37)])));
            let topic = TopicProduceData::default().with_name(name("t")).with_partition_data(vec![data]);
            let request = ProduceRequest::default().with_acks(-1).with_topic_data(vec![topic]);
            encode_request(ApiKey::Produce, 9, 1, None, &request).unwrap()
        };
        let frames = std::iter::once(create).chain((1..20).map(produce)).collect();
        let process = world.spawn(Box::new(Script { port: 9_092, frames, conn: None }));
        for _ in 0..=seed % 13 * 3 {
            world.run_for(Duration::from_millis(1));
            let (token, _) = world.take_disk_changes();
            world.store_committed(token, Ok(()));
        }
        let answers = world.take_output(process);
        let acknowledged = answers.iter().filter(|output| matches!(output, Output::Stdout(_))).count();
        if power {
            world.power_cut(NodeId(1));
        } else {
            world.crash(NodeId(1));
        }
        world.restart(NodeId(1));
        settle(&mut world);
        let broker = world.broker(NodeId(1)).expect("the broker is up");
        assert!(broker.is_serving(), "seed {seed}");
        if acknowledged > 0 {
            let log = broker.replicas().get("t", 0).expect("an acknowledged topic is there").log();
            assert!(
                log.log_end() >= acknowledged as i64 - 1,
                "seed {seed}: {} of {acknowledged}",
                log.log_end()
            );
            let batches: Vec<_> = log.browse(0).map(|(.., batch)| batch.validate()).collect();
            assert!(batches.iter().all(Result::is_ok), "seed {seed}");
        }
        world.invariants().unwrap();
    }
}

#[test]
fn an_idempotent_producer_gets_an_id_in_every_version_and_its_batches_stand_once() {
    use produce_request::{PartitionProduceData, TopicProduceData};
    let mut world = world();
    create(&mut world, "t", 1);
    let init = |world: &mut World, version: i16| -> InitProducerIdResponse {
        ask(
            world,
            ApiKey::InitProducerId,
            version,
            &InitProducerIdRequest::default().with_transactional_id(None),
        )
    };
    // The broker has no block of ids yet, and asks the controller for one.
    let first = init(&mut world, 5);
    assert_eq!(
        (ErrorCode(first.error_code), first.producer_id.0),
        (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, -1)
    );
    for (id, version) in (0..).zip(versions(ApiKey::InitProducerId)) {
        let response = init(&mut world, version);
        assert_eq!(
            (response.error_code, response.producer_id.0, response.producer_epoch),
            (0, id, 0),
            "version {version}"
        );
    }
    let transactional = InitProducerIdRequest::default()
        .with_transaction_timeout_ms(1_000)
        .with_transactional_id(Some(TransactionalId("t".to_owned().into())));
    // Nobody has asked for a transaction coordinator yet, and so there is none.
    let refused: InitProducerIdResponse = ask(&mut world, ApiKey::InitProducerId, 4, &transactional);
    assert_eq!(ErrorCode(refused.error_code), ErrorCode::NOT_COORDINATOR);

    let mut produce = |producer_epoch: i16, base_sequence: i32| {
        let options =
            BatchOptions { producer_id: 0, producer_epoch, base_sequence, ..BatchOptions::default() };
        let mut builder = BatchBuilder::new(options);
        builder.append(1_700_000_000_000, None, Some(b"v"), &[]);
        let data = PartitionProduceData::default().with_records(Some(builder.build().bytes().clone()));
        let topic = TopicProduceData::default().with_name(name("t")).with_partition_data(vec![data]);
        let request = ProduceRequest::default().with_acks(-1).with_topic_data(vec![topic]);
        let response: ProduceResponse = ask(&mut world, ApiKey::Produce, 9, &request);
        let partition = &response.responses[0].partition_responses[0];
        (ErrorCode(partition.error_code).name(), partition.base_offset)
    };
    for (epoch, sequence, want) in [
        (0, 0, ("NONE", 0)),
        (0, 1, ("NONE", 1)),
        (0, 0, ("NONE", 0)),
        (0, 3, ("OUT_OF_ORDER_SEQUENCE_NUMBER", -1)),
        (1, 0, ("NONE", 2)),
        (0, 2, ("INVALID_PRODUCER_EPOCH", -1)),
    ] {
        assert_eq!(produce(epoch, sequence), want, "epoch {epoch}, sequence {sequence}");
    }

    // Ids go on where they were after a restart, with the next block.
    world.crash(NodeId(1));
    world.restart(NodeId(1));
    world.run_for(Duration::from_secs(15));
    init(&mut world, 5);
    assert_eq!(init(&mut world, 5).producer_id.0, 1_000);
}

#[test]
fn one_seed_gives_one_digest() {
    let run = |partitions: i32| {
        let mut world = world();
        create(&mut world, "orders", partitions);
        world.run_for(Duration::from_secs(400));
        world.digest()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_broker_refuses_a_part_of_a_change_and_forwards_the_rest() {
    use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let resource = |resource_type: i8, resource: &str, config: &str, value: String| {
        let config =
            AlterableConfig::default().with_name(config.to_owned().into()).with_value(Some(value.into()));
        AlterConfigsResource::default()
            .with_resource_type(resource_type)
            .with_resource_name(resource.to_owned().into())
            .with_configs(vec![config])
    };
    let mut world = world();
    let topic = create_topics_request::CreatableTopic::default()
        .with_name(name("t"))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(1_000);
    let _: CreateTopicsResponse = ask(&mut world, ApiKey::CreateTopics, 7, &request);
    for version in versions(ApiKey::IncrementalAlterConfigs) {
        let bytes = 2_000_000 + u32::try_from(version).unwrap();
        let resources = vec![
            resource(4, "2", "log.retention.ms", "7".to_owned()),
            resource(4, "1", "log.segment.bytes", bytes.to_string()),
            resource(4, "", "min.insync.replicas", "0".to_owned()),
            resource(2, "nosuch", "retention.ms", "1".to_owned()),
        ];
        let request = IncrementalAlterConfigsRequest::default().with_resources(resources.clone());
        let response: IncrementalAlterConfigsResponse =
            ask(&mut world, ApiKey::IncrementalAlterConfigs, version, &request);
        let got: Vec<_> = (response.responses.iter())
            .map(|one| (one.error_code, one.resource_name.as_str(), one.error_message.as_deref()))
            .collect();
        // What Kafka 4.3.1 answers.
        let want = [
            (42, "2", Some("Unexpected broker id, expected 1, but received 2")),
            (0, "1", None),
            (42, "", Some("Invalid value 0 for configuration min.insync.replicas: Value must be at least 1")),
            (3, "nosuch", Some("The topic 'nosuch' does not exist.")),
        ];
        assert_eq!(got, want, "v{version}");
        let log = world.broker(NodeId(1)).unwrap().replicas().get("t", 0).unwrap().log();
        assert_eq!(log.config().segment_bytes, bytes, "the log obeys its broker");

        let twice = vec![resources[1].clone(), resources[1].clone()];
        let request = IncrementalAlterConfigsRequest::default().with_resources(twice);
        let response: IncrementalAlterConfigsResponse =
            ask(&mut world, ApiKey::IncrementalAlterConfigs, version, &request);
        for one in &response.responses {
            let message = one.error_message.as_deref();
            assert_eq!((one.error_code, message), (42, Some("Each resource must appear at most once.")));
        }
        assert_eq!(response.responses.len(), 2);
    }
}
