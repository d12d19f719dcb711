//! What Apache Kafka answered to bad input (tests/fixtures/admin-errors.json), asked of this controller.

use blumfeld_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use blumfeld_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use blumfeld_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use blumfeld_protocol::messages::*;

use super::*;
use crate::metadata::{Listener, MetadataImage};

const FIXTURE: &str = include_str!("../../../../tests/fixtures/admin-errors.json");

fn topic(name: &str) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(TopicName(name.to_owned().into()))
        .with_num_partitions(1)
        .with_replication_factor(1)
}

const FENCED: &str = " beside the fenced brokers 2 and 3";

/// The same with two more brokers that do not serve, and a topic `t` of one partition on the first two.
fn image_with_fenced() -> MetadataImage {
    let mut image = image();
    for broker_id in [2, 3] {
        let id = blumfeld_protocol::Uuid::from_u128(broker_id);
        let broker_id = i32::try_from(broker_id).unwrap();
        image.replay(&MetadataRecord::RegisterBroker {
            broker_id,
            incarnation_id: id,
            broker_epoch: 5,
            listeners: vec![Listener { name: "PLAINTEXT".into(), host: "localhost".into(), port: 9093 }],
            rack: None,
            fenced: true,
            log_dirs: vec![id],
        });
    }
    let t = topic("t").with_num_partitions(-1).with_replication_factor(-1);
    let given = assignments("{0:[1,2]}").into_iter().map(|(partition, brokers)| {
        CreatableReplicaAssignment::default().with_partition_index(partition).with_broker_ids(brokers)
    });
    for record in create(&image, t.with_assignments(given.collect())).records {
        image.replay(&record);
    }
    image
}

fn create(image: &MetadataImage, topic: CreatableTopic) -> ControllerResult<CreateTopicsResponse> {
    let defaults = TopicDefaults { num_partitions: 1, replication_factor: 1 };
    let mut next = image.topics().len() as u128 + 10;
    let new_id = || {
        next += 1;
        blumfeld_protocol::Uuid::from_u128(next)
    };
    create_topics(image, &CreateTopicsRequest::default().with_topics(vec![topic]), defaults, new_id, |_| 0)
}

/// One broker, the topic `orders` of three partitions, and `a.b`.
fn image() -> MetadataImage {
    let mut image = MetadataImage::default();
    let id = blumfeld_protocol::Uuid::from_u128(1);
    let listener = Listener { name: "PLAINTEXT".into(), host: "localhost".into(), port: 9092 };
    let registration = MetadataRecord::RegisterBroker {
        broker_id: 1,
        incarnation_id: id,
        broker_epoch: 4,
        listeners: vec![listener],
        rack: None,
        fenced: false,
        log_dirs: vec![id],
    };
    for record in bootstrap(1).into_iter().chain([registration]) {
        image.replay(&record);
    }
    for (name, partitions) in [("orders", 3), ("a.b", 1)] {
        for record in create(&image, topic(name).with_num_partitions(partitions)).records {
            image.replay(&record);
        }
    }
    image
}

/// `{0:[1],1:[1,2]}` as partitions with their brokers.
fn assignments(text: &str) -> Vec<(i32, Vec<BrokerId>)> {
    let brokers = |list: &str| list.split(',').filter_map(|id| id.parse().ok().map(BrokerId)).collect();
    (text.trim_matches(['{', '}']).split("],"))
        .map(|part| {
            let (partition, list) = part.split_once(":[").unwrap();
            (partition.parse().unwrap(), brokers(list.trim_end_matches(']')))
        })
        .collect()
}

fn ask_create(input: &str) -> Option<(i16, Option<String>)> {
    let (input, image) = match input.strip_suffix(FENCED) {
        Some(input) => (input, image_with_fenced()),
        None => (input, image()),
    };
    let wanted = if let Some(configs) = input.strip_prefix("config ") {
        let configs = configs.split(' ').map(|config| {
            let (name, value) = config.split_once('=').unwrap();
            CreatableTopicConfig::default()
                .with_name(name.to_owned().into())
                .with_value(Some(value.to_owned().into()).filter(|_| value != "null"))
        });
        topic("new").with_configs(configs.collect())
    } else if let Some(count) =
        input.strip_prefix("partitions ").and_then(|rest| rest.strip_suffix(" of 250 a"))
    {
        topic(&"a".repeat(250)).with_num_partitions(count.parse().unwrap())
    } else if let Some(count) = input.strip_prefix("partitions ") {
        topic("new").with_num_partitions(count.parse().unwrap())
    } else if let Some(factor) = input.strip_prefix("replication factor ") {
        topic("new").with_replication_factor(factor.parse().unwrap())
    } else if let Some(text) = input.strip_prefix("assignment ") {
        let given = assignments(text).into_iter().map(|(partition, brokers)| {
            CreatableReplicaAssignment::default().with_partition_index(partition).with_broker_ids(brokers)
        });
        topic("new").with_num_partitions(-1).with_replication_factor(-1).with_assignments(given.collect())
    } else {
        match input {
            "exists" => topic("orders"),
            "name of 250 a" => topic(&"a".repeat(250)),
            "name 'a_b' with a.b there" => topic("a_b"),
            // The client refuses this one before it asks.
            "name ''" => return None,
            _ => topic(input.strip_prefix("name '")?.strip_suffix('\'')?),
        }
    };
    let result = create(&image, wanted).response.topics.remove(0);
    Some((result.error_code, result.error_message.map(|text| text.to_string())))
}

fn ask_alter(input: &str) -> Option<(i16, Option<String>)> {
    let (name, change) = match input {
        "unknown topic, set retention.ms=1" => ("nosuch", "set retention.ms=1"),
        "retention.ms twice" => ("orders", "set retention.ms=1 retention.ms=2"),
        other => match other.strip_prefix("topic '").and_then(|rest| rest.split_once("', ")) {
            Some(named) => named,
            None => ("orders", other),
        },
    };
    let (verb, configs) = change.split_once(' ')?;
    let operation = ["set", "delete", "append", "subtract"].iter().position(|known| *known == verb)?;
    let configs = configs.split(' ').map(|config| {
        let (name, value) = config.split_once('=').unwrap_or((config, "null"));
        AlterableConfig::default()
            .with_name(name.to_owned().into())
            .with_config_operation(i8::try_from(operation).unwrap())
            .with_value(Some(value.to_owned().into()).filter(|_| value != "null"))
    });
    let resource = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(name.to_owned().into())
        .with_configs(configs.collect());
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let result = incremental_alter_configs(&image(), &request).response.responses.remove(0);
    Some((result.error_code, result.error_message.map(|text| text.to_string())))
}

fn ask_extend(input: &str) -> Option<(i16, Option<String>)> {
    let assignment = |ids: &[i32]| {
        CreatePartitionsAssignment::default().with_broker_ids(ids.iter().map(|id| BrokerId(*id)).collect())
    };
    let of_t = input.strip_suffix(FENCED).and_then(|input| input.strip_suffix(" of a topic on [1,2]"));
    let (count, given) = match of_t.unwrap_or(input) {
        listed if let Some((count, lists)) = listed.split_once(" with [[") => {
            let lists = lists.trim_end_matches("]]").split("],[");
            let ids = |list: &str| list.split(',').map(|id| id.parse().unwrap()).collect::<Vec<i32>>();
            (count.parse().unwrap(), Some(lists.map(|list| assignment(&ids(list))).collect()))
        }
        "same" => (3, None),
        "fewer" => (2, None),
        "4 with 2 assignments" => (4, Some(vec![assignment(&[1]), assignment(&[1])])),
        "5 with 1 assignment" => (5, Some(vec![assignment(&[1])])),
        "4 with assignment [7]" => (4, Some(vec![assignment(&[7])])),
        "4 with assignment [1,1]" => (4, Some(vec![assignment(&[1, 1])])),
        "4 with assignment []" => (4, Some(vec![assignment(&[])])),
        number => (number.parse().ok()?, None),
    };
    let topic = CreatePartitionsTopic::default()
        .with_name(TopicName(of_t.map_or("orders", |_| "t").to_owned().into()))
        .with_count(count)
        .with_assignments(given);
    let request = CreatePartitionsRequest::default().with_topics(vec![topic]);
    let image = of_t.map_or_else(image, |_| image_with_fenced());
    let result = create_partitions(&image, &request, |_| 0).response.results.remove(0);
    Some((result.error_code, result.error_message.map(|text| text.to_string())))
}

#[test]
fn bad_input_gets_kafkas_code_and_words() {
    let cases: Vec<serde_json::Value> = serde_json::from_str(FIXTURE).unwrap();
    let mut compared = 0;
    for case in &cases {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let got = match text("api") {
            "CreateTopics" => ask_create(text("input")),
            "IncrementalAlterConfigs" => ask_alter(text("input")),
            "CreatePartitions" => ask_extend(text("input")),
            _ => None,
        };
        let Some((code, message)) = got else { continue };
        let about = format!("{} {}", text("api"), text("input"));
        assert_eq!(i64::from(code), case["code"].as_i64().unwrap(), "{about}: {message:?}");
        // Without a sentence from the broker the client says its own.
        if let Some(message) = message {
            assert_eq!(message, text("message"), "{about}");
        }
        compared += 1;
    }
    assert!(compared > cases.len() * 3 / 4, "{compared} of {} cases were asked", cases.len());
}

/// Broker 1 of `image` (broker epoch 4) asks to be registered, as the process `incarnation`.
fn register(image: &MetadataImage, incarnation: u128) -> (i64, Vec<MetadataRecord>) {
    use blumfeld_kernel::Instant;
    let cluster_id = blumfeld_protocol::Uuid::from_u128(9);
    let mut heartbeats = cluster::Heartbeats::new(image, Instant::ZERO, 9_000);
    let request = BrokerRegistrationRequest::default()
        .with_broker_id(BrokerId(1))
        .with_cluster_id(blumfeld_protocol::uuid_text::to_text(cluster_id).into())
        .with_incarnation_id(blumfeld_protocol::Uuid::from_u128(incarnation))
        .with_log_dirs(vec![blumfeld_protocol::Uuid::from_u128(1)])
        .with_previous_broker_epoch(4);
    // The session of the process before is over.
    let later = Instant::from_micros(60_000_000);
    let result = register_broker(image, &mut heartbeats, cluster_id, &request, (later, 70)).unwrap();
    (result.response.broker_epoch, result.records)
}

#[test]
fn a_process_that_registers_again_stays_what_it_is_and_another_begins_anew() {
    let mut image = image();
    image.replay(&MetadataRecord::BrokerRegistrationChange {
        broker_id: 1,
        broker_epoch: 4,
        fenced: 0,
        in_controlled_shutdown: 1,
    });
    for (incarnation, epoch, fenced, in_controlled_shutdown) in [(1, 4, false, true), (2, 70, true, false)] {
        let (answered, records) = register(&image, incarnation);
        let mut after = image.clone();
        records.iter().for_each(|record| after.replay(record));
        let broker = &after.brokers()[&1];
        assert_eq!(
            (answered, broker.epoch, broker.fenced, broker.in_controlled_shutdown),
            (epoch, epoch, fenced, in_controlled_shutdown),
            "incarnation {incarnation}"
        );
    }
}
