//! What Apache Kafka answered about the configs of brokers (tests/fixtures/broker-configs.json), asked of this broker.

use std::collections::BTreeSet;

use blumfeld_kernel::Endpoint;
use blumfeld_protocol::Uuid;
use blumfeld_protocol::messages::IncrementalAlterConfigsRequest;
use blumfeld_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use blumfeld_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use serde_json::{Value, json};

use super::*;
use crate::api::{describe_configs, incremental_alter_configs};
use crate::config::BrokerConfig;
use crate::controller;
use crate::metadata::{Listener, MetadataRecord};

const FIXTURE: &str = include_str!("../../../../tests/fixtures/broker-configs.json");

fn fixture() -> Value {
    serde_json::from_str(FIXTURE).unwrap()
}

fn set(image: &mut MetadataImage, resource_type: ResourceType, resource: &str, configs: &Value) {
    for (name, value) in configs.as_object().unwrap() {
        image.replay(&MetadataRecord::Config {
            resource_type,
            resource_name: resource.to_owned(),
            name: name.clone(),
            value: Some(value.as_str().unwrap().to_owned()),
        });
    }
}

/// A cluster of one broker.
fn image() -> MetadataImage {
    let mut image = MetadataImage::default();
    let registration = MetadataRecord::RegisterBroker {
        broker_id: 1,
        incarnation_id: Uuid::from_u128(1),
        broker_epoch: 4,
        listeners: vec![Listener { name: "PLAINTEXT".into(), host: "localhost".into(), port: 9092 }],
        rack: None,
        fenced: false,
        log_dirs: vec![Uuid::from_u128(1)],
    };
    controller::bootstrap(1).iter().chain([&registration]).for_each(|record| image.replay(record));
    image
}

fn config() -> BrokerConfig {
    BrokerConfig::new(1, Endpoint::new("localhost", 9_092), Uuid::from_u128(7))
}

/// What the broker says, and if it lets the change through, the controller.
fn alter(image: &MetadataImage, broker: &str, changes: &Value) -> (i64, Option<String>) {
    let configs = changes.as_array().unwrap().iter().map(|change| {
        AlterableConfig::default()
            .with_name(change[0].as_str().unwrap().to_owned().into())
            .with_config_operation(i8::try_from(change[1].as_i64().unwrap()).unwrap())
            .with_value(change[2].as_str().map(|value| value.to_owned().into()))
    });
    let resource = AlterConfigsResource::default()
        .with_resource_type(4)
        .with_resource_name(broker.to_owned().into())
        .with_configs(configs.collect());
    if let Err(error) = incremental_alter_configs::check(&DynamicConfigs::new(image, 1), 1, &resource) {
        return (error.code.0.into(), error.message);
    }
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let result = controller::incremental_alter_configs(image, &request);
    let response = &result.response.responses[0];
    let count = if response.error_code == 0 { changes.as_array().unwrap().len() } else { 0 };
    assert_eq!(result.records.len(), count, "every change is written: {changes}");
    (response.error_code.into(), response.error_message.as_ref().map(ToString::to_string))
}

#[test]
fn a_change_gets_kafkas_code_and_words() {
    let fixture = fixture();
    let (mut compared, mut not_served) = (0, 0);
    for case in fixture["alter"].as_array().unwrap() {
        let mut image = image();
        if let Some(have) = case["have"].as_object() {
            have.iter().for_each(|(name, configs)| set(&mut image, ResourceType::Broker, name, configs));
        }
        let (broker, changes) = (case["broker"].as_str().unwrap(), &case["changes"]);
        let got = alter(&image, broker, changes);
        let outside = changes.as_array().unwrap().iter().any(|change| {
            let name = change[0].as_str().unwrap();
            change[1] != json!(1)
                && (update_of(name) == Some(Update::Cluster)
                    || per_broker_only(name) && (broker == "1" || got.0 != 0))
        });
        if outside && got.1.as_deref() != case["message"].as_str() {
            assert!(got.0 == 42 || got.0 == 40, "{case} is not served: {got:?}");
            not_served += 1;
            continue;
        }
        let want = (case["code"].as_i64().unwrap(), case["message"].as_str().map(str::to_owned));
        assert_eq!(got, want, "{broker} {changes}");
        compared += 1;
    }
    assert!(compared > 150 && not_served < 30, "{compared} compared, {not_served} not served");
}

fn fact(entry: &DescribeConfigsResourceResult) -> Value {
    let synonyms: Vec<Value> = (entry.synonyms.iter())
        .map(|synonym| json!([synonym.name.as_str(), synonym.value.as_deref(), synonym.source]))
        .collect();
    json!({
        "name": entry.name.as_str(),
        "value": entry.value.as_deref(),
        "read_only": entry.read_only,
        "source": entry.config_source,
        "sensitive": entry.is_sensitive,
        "synonyms": synonyms,
        "type": entry.config_type,
    })
}

/// Compares every entry that Kafka gave with ours of the same name.
fn compare(ours: &[DescribeConfigsResourceResult], kafka: &Value) {
    let kafka = kafka.as_array().unwrap();
    assert!(kafka.len() > 7, "Kafka gave {} entries", kafka.len());
    for want in kafka {
        let got = ours.iter().find(|entry| Some(entry.name.as_str()) == want["name"].as_str());
        assert_eq!(got.map(fact).as_ref(), Some(want));
    }
}

#[test]
fn configs_are_described_as_kafka_describes_them() {
    let (fixture, config) = (fixture(), config());
    compare(&describe_configs::node(&image(), &config, true), &fixture["bare"]);

    let mut image = image();
    set(&mut image, ResourceType::Broker, "", &fixture["set"]["cluster"]);
    set(&mut image, ResourceType::Broker, "1", &fixture["set"]["broker"]);
    set(&mut image, ResourceType::Topic, "t", &fixture["set"]["topic"]);
    let broker = describe_configs::node(&image, &config, true);
    compare(&broker, &fixture["broker"]);
    let cluster = describe_configs::cluster(&image, true);
    compare(&cluster, &fixture["cluster"]);
    assert_eq!(cluster.len(), fixture["cluster"].as_array().unwrap().len());
    compare(&describe_configs::topic(&image, &config, "t", true), &fixture["topic"]);

    let names: BTreeSet<&str> = broker.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names.len(), broker.len(), "no config is listed twice");
    let quiet = describe_configs::node(&image, &config, false);
    assert!(quiet.iter().all(|entry| entry.synonyms.is_empty()), "synonyms are given only when asked for");
}

#[test]
fn a_log_obeys_its_topic_then_its_broker_then_the_cluster() {
    let mut image = image();
    let names = |image: &MetadataImage, broker| {
        let topic = image.configs(ResourceType::Topic, "t");
        let log = log_config(&topic, &DynamicConfigs::new(image, broker));
        (log.retention_ms, log.segment_bytes, log.segment_ms)
    };
    let (week, gib) = (604_800_000, 1 << 30);
    assert_eq!(names(&image, 1), (week, gib, week));
    set(
        &mut image,
        ResourceType::Broker,
        "",
        &json!({"log.retention.ms": "5", "log.segment.bytes": "2000000", "log.roll.ms": "x"}),
    );
    assert_eq!(names(&image, 1), (5, 2_000_000, week), "what cannot be a value counts for nothing");
    set(&mut image, ResourceType::Broker, "1", &json!({"log.retention.ms": " 6 ", "log.segment.bytes": "1"}));
    assert_eq!(names(&image, 1), (6, 2_000_000, week));
    assert_eq!(names(&image, 2), (5, 2_000_000, week), "another broker has the cluster's");
    set(&mut image, ResourceType::Topic, "t", &json!({"retention.ms": "7"}));
    assert_eq!(names(&image, 1), (7, 2_000_000, week));
}

#[test]
fn every_name_stands_in_one_list_and_every_default_is_valid() {
    let mut seen = BTreeSet::new();
    for name in STATIC.iter().map(|config| config.name).chain(DYNAMIC.iter().map(|key| key.name)) {
        assert!(seen.insert(name), "{name} stands twice");
    }
    // Kafka 4.3 documents so many.
    assert_eq!(seen.len(), 343);
    for key in DYNAMIC.iter().filter(|key| key.synonym == key.name) {
        assert_eq!(validate(key, key.default), Ok(()), "{}", key.name);
    }
}

/// Of a node's config, what Kafka's tool says of its own.
fn static_fact(config: &BrokerConfig, name: &str) -> Value {
    let types = ["", "BOOLEAN", "STRING", "INT", "SHORT", "LONG", "DOUBLE", "LIST", "CLASS", "PASSWORD"];
    let source = |id: i8| match id {
        DEFAULT => "DEFAULT_CONFIG",
        DYNAMIC_DEFAULT_BROKER => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        _ => "STATIC_BROKER_CONFIG",
    };
    let mut image = image();
    set(&mut image, ResourceType::Broker, "", &json!({"min.insync.replicas": "1"}));
    let all = describe_configs::node(&image, config, true);
    let Some(got) = all.iter().find(|entry| entry.name.as_str() == name) else { return Value::Null };
    let synonyms = got.synonyms.iter().map(
        |one| json!({"name": one.name.as_str(), "value": one.value.as_deref(), "source": source(one.source)}),
    );
    json!({
        "name": name,
        "value": got.value.as_deref(),
        "type": types[usize::try_from(got.config_type).unwrap()],
        "source": source(got.config_source),
        "readOnly": got.read_only,
        "sensitive": got.is_sensitive,
        "synonyms": synonyms.collect::<Vec<_>>(),
    })
}

/// All configs that Kafka 4.3.1 gave of a broker.
fn all_of_kafka() -> Vec<Value> {
    let kafka: Value =
        serde_json::from_str(include_str!("../../../../tests/fixtures/topic-configs.json")).unwrap();
    kafka["broker"].as_array().unwrap().clone()
}

fn of_kafka(name: &str) -> Value {
    all_of_kafka().into_iter().find(|entry| entry["name"] == name).unwrap()
}

#[test]
fn every_config_of_a_broker_is_described_as_kafka_describes_it() {
    let mut config = BrokerConfig::new(1, Endpoint::new("localhost", 19_092), Uuid::from_u128(7));
    let all = all_of_kafka();
    // What that Kafka's file set.
    let of_file = |entry: &&Value| entry["source"] == "STATIC_BROKER_CONFIG";
    let mut cannot_be_set = BTreeSet::new();
    for entry in all.iter().filter(of_file) {
        let name = entry["name"].as_str().unwrap();
        if config.set(name, entry["value"].as_str().unwrap()).is_err() {
            cannot_be_set.insert(name);
        }
    }
    for want in &all {
        let name = want["name"].as_str().unwrap();
        let got = static_fact(&config, name);
        // What does nothing here has Kafka's default, whatever that file says.
        if cannot_be_set.contains(name) && got["source"] == "DEFAULT_CONFIG" {
            let default = want["synonyms"].as_array().unwrap().last().unwrap();
            assert_eq!((&got["value"], &got["synonyms"]), (&default["value"], &json!([default])), "{name}");
            assert!(name.starts_with("transaction.") || name.starts_with("share."), "{name}");
        } else if name == "advertised.listeners" {
            // Here it is what is given, and there the listeners are.
            assert_eq!(got["value"], "PLAINTEXT://localhost:19092");
        } else {
            assert_eq!(&got, want);
        }
    }
    let image = image();
    assert_eq!(describe_configs::node(&image, &config, true).len(), all.len(), "none beside these");
}

#[test]
fn static_configs_have_kafkas_types_and_say_whether_they_are_set() {
    // A name, a value that is none of a file's by itself, and what is no value.
    let rows: [(&str, &str, &[&str]); 11] = [
        ("fetch.max.bytes", "2048", &["", "1023", "2147483648"]),
        ("connections.max.idle.ms", "-1", &["", "a", "9223372036854775808"]),
        ("max.incremental.fetch.session.cache.slots", "7", &["", "-1", "2147483648"]),
        ("leader.imbalance.check.interval.seconds", "7", &["", "0", "a"]),
        ("num.partitions", "7", &["", "a"]),
        ("default.replication.factor", "2", &["", "a"]),
        ("auto.create.topics.enable", "false", &["", "a"]),
        ("socket.request.max.bytes", "1000", &["", "-1"]),
        ("log.retention.check.interval.ms", "7", &["", "a"]),
        ("log.flush.offset.checkpoint.interval.ms", "7", &["", "a"]),
        ("replica.high.watermark.checkpoint.interval.ms", "7", &["", "a"]),
    ];
    let default = config();
    for (name, value, refused) in rows {
        let want = &of_kafka(name);
        assert_eq!(&static_fact(&default, name), want);
        let mut config = default.clone();
        for value in refused {
            assert!(config.set(name, value).is_err(), "{name}={value}");
        }
        config.set(name, value).unwrap();
        let mut want = want.clone();
        want["value"] = json!(value);
        want["source"] = json!("STATIC_BROKER_CONFIG");
        let set = json!({"name": name, "value": value, "source": "STATIC_BROKER_CONFIG"});
        want["synonyms"].as_array_mut().unwrap().insert(0, set);
        assert_eq!(static_fact(&config, name), want);
        // What is set to its default was set.
        let default = of_kafka(name)["value"].as_str().unwrap().to_owned();
        config.set(name, &default).unwrap();
        assert_eq!(static_fact(&config, name)["source"], "STATIC_BROKER_CONFIG");
    }
}
