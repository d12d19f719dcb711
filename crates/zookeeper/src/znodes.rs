//! Where Kafka keeps what in ZooKeeper, and in which form (`kafka.zk.ZkData`).

use std::collections::BTreeMap;
use std::sync::Arc;

use blumfeld_kernel::Endpoint;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::control::TopicPartition;

/// The controller, ephemeral.
pub const CONTROLLER: &str = "/controller";
/// How often a controller was elected. Its version guards every write of a controller's.
pub const CONTROLLER_EPOCH: &str = "/controller_epoch";
/// The brokers that live, one ephemeral child each.
pub const BROKER_IDS: &str = "/brokers/ids";
/// The topics, one child each.
pub const TOPICS: &str = "/brokers/topics";
/// Topics that are to go, one child each.
pub const DELETE_TOPICS: &str = "/admin/delete_topics";
/// What leaders have changed of their ISRs, for the controller; sequential children.
pub const ISR_CHANGES: &str = "/isr_change_notification";
/// What brokers have lost of their directories; nobody loses one here.
pub const LOG_DIR_EVENTS: &str = "/log_dir_event_notification";
/// Partitions whose preferred leaders somebody asks for; watched, and used by nobody here.
pub const PREFERRED_ELECTION: &str = "/admin/preferred_replica_election";
/// Partitions that somebody reassigns; watched, and used by nobody here.
pub const REASSIGN_PARTITIONS: &str = "/admin/reassign_partitions";

/// Paths that each broker makes at its start if they are not there (`ZkData.PersistentZkPaths`), their parents first.
pub const PERSISTENT: &[&str] = &[
    "/consumers",
    "/brokers",
    BROKER_IDS,
    TOPICS,
    "/config",
    "/config/changes",
    "/admin",
    DELETE_TOPICS,
    "/brokers/seqid",
    ISR_CHANGES,
    "/latest_producer_id_block",
    LOG_DIR_EVENTS,
    "/config/topics",
    "/config/clients",
    "/config/users",
    "/config/brokers",
];

/// Where a broker is registered.
pub fn broker_id(id: i32) -> String {
    format!("{BROKER_IDS}/{id}")
}

/// Where a topic's assignment is.
pub fn topic(topic: &str) -> String {
    format!("{TOPICS}/{topic}")
}

/// Where a topic's configs are.
pub fn topic_config(topic: &str) -> String {
    format!("/config/topics/{topic}")
}

/// Where a topic's partitions are.
pub fn topic_partitions(topic: &str) -> String {
    format!("{TOPICS}/{topic}/partitions")
}

/// Where a partition is.
pub fn topic_partition(partition: &TopicPartition) -> String {
    format!("{TOPICS}/{}/partitions/{}", partition.topic, partition.partition)
}

/// Where a partition's leader and ISR are.
pub fn partition_state(partition: &TopicPartition) -> String {
    format!("{TOPICS}/{}/partitions/{}/state", partition.topic, partition.partition)
}

/// Where a topic that is to go is named.
pub fn delete_topic(topic: &str) -> String {
    format!("{DELETE_TOPICS}/{topic}")
}

/// What the sequential children of [`ISR_CHANGES`] begin with.
pub fn isr_change() -> String {
    format!("{ISR_CHANGES}/isr_change_")
}

/// `/controller`, version 1. `timestamp` is in milliseconds since 1970-01-01 UTC.
pub fn encode_controller(id: i32, timestamp: i64) -> Bytes {
    format!(r#"{{"version":1,"brokerid":{id},"timestamp":"{timestamp}"}}"#).into()
}

fn read(data: Option<&Bytes>) -> Option<Value> {
    serde_json::from_slice(data?).ok()
}

fn number(value: &Value) -> Option<i32> {
    i32::try_from(value.as_i64()?).ok()
}

fn numbers(value: &Value) -> Option<Vec<i32>> {
    value.as_array()?.iter().map(number).collect()
}

/// The broker that `/controller` names; `None` for other data.
pub fn decode_controller(data: Option<&Bytes>) -> Option<i32> {
    number(read(data)?.get("brokerid")?)
}

/// `/controller_epoch`: the number in decimal digits.
pub fn encode_epoch(epoch: i32) -> Bytes {
    epoch.to_string().into()
}

/// The number in `/controller_epoch`; `None` for other data.
pub fn decode_epoch(data: Option<&Bytes>) -> Option<i32> {
    std::str::from_utf8(data?).ok()?.parse().ok()
}

/// `/brokers/ids/N`, version 4: one listener, without rack and JMX. `timestamp` is in milliseconds since 1970-01-01
/// UTC.
pub fn encode_broker(at: &Endpoint, timestamp: i64) -> Bytes {
    let (host, port) = (&at.host, at.port);
    format!(
        concat!(
            r#"{{"listener_security_protocol_map":{{"PLAINTEXT":"PLAINTEXT"}},"#,
            r#""endpoints":["PLAINTEXT://{host}:{port}"],"jmx_port":-1,"port":{port},"host":"{host}","#,
            r#""version":4,"timestamp":"{timestamp}"}}"#
        ),
        host = host,
        port = port,
        timestamp = timestamp
    )
    .into()
}

/// Where a broker listens; `None` for other data.
pub fn decode_broker(data: Option<&Bytes>) -> Option<Endpoint> {
    let value = read(data)?;
    let port = u16::try_from(value.get("port")?.as_i64()?).ok()?;
    Some(Endpoint::new(value.get("host")?.as_str()?, port))
}

/// `/brokers/topics/T`, version 2: each partition's replicas, the preferred leader first.
pub fn encode_topic(assignment: &BTreeMap<i32, Vec<i32>>) -> Bytes {
    let partitions: serde_json::Map<String, Value> =
        assignment.iter().map(|(partition, replicas)| (partition.to_string(), json!(replicas))).collect();
    let partitions = Value::Object(partitions);
    format!(r#"{{"version":2,"partitions":{partitions},"adding_replicas":{{}},"removing_replicas":{{}}}}"#)
        .into()
}

/// Each partition's replicas; `None` for other data.
pub fn decode_topic(data: Option<&Bytes>) -> Option<BTreeMap<i32, Vec<i32>>> {
    let value = read(data)?;
    let partitions = value.get("partitions")?.as_object()?;
    partitions
        .iter()
        .map(|(partition, replicas)| Some((partition.parse().ok()?, numbers(replicas)?)))
        .collect()
}

/// Who leads a partition, and who is in sync (`LeaderIsrAndControllerEpoch`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaderAndIsr {
    /// The leader's broker id; -1 if there is none.
    pub leader: i32,
    /// How often leadership was decided.
    pub leader_epoch: i32,
    /// The in-sync replicas.
    pub isr: Vec<i32>,
    /// Version of the znode.
    pub zk_version: i32,
    /// Epoch of the controller that last wrote it; a leader keeps it.
    pub controller_epoch: i32,
}

impl LeaderAndIsr {
    /// The leader's id while there is none.
    pub const NO_LEADER: i32 = -1;
    /// The leader's id while the topic is being deleted.
    pub const LEADER_DURING_DELETE: i32 = -2;
    /// The leader epoch of a partition that has none.
    pub const NO_EPOCH: i32 = -1;
    /// The leader epoch that stands for all while the topic is being deleted.
    pub const EPOCH_DURING_DELETE: i32 = -2;

    /// `/brokers/topics/T/partitions/P/state`, version 1.
    pub fn encode(&self) -> Bytes {
        let isr: Vec<String> = self.isr.iter().map(i32::to_string).collect();
        format!(
            r#"{{"controller_epoch":{},"leader":{},"version":1,"leader_epoch":{},"isr":[{}]}}"#,
            self.controller_epoch,
            self.leader,
            self.leader_epoch,
            isr.join(",")
        )
        .into()
    }

    /// Reads one from a znode of that version; `None` for other data.
    pub fn decode(data: Option<&Bytes>, zk_version: i32) -> Option<LeaderAndIsr> {
        let value = read(data)?;
        Some(LeaderAndIsr {
            leader: number(value.get("leader")?)?,
            leader_epoch: number(value.get("leader_epoch")?)?,
            isr: numbers(value.get("isr")?)?,
            zk_version,
            controller_epoch: number(value.get("controller_epoch")?)?,
        })
    }
}

/// A child of [`ISR_CHANGES`], version 1: the partitions whose ISR has changed.
pub fn encode_isr_change<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> Bytes {
    let named = partitions.into_iter().map(|partition| {
        let topic = Value::String(partition.topic.to_string());
        format!(r#"{{"topic":{topic},"partition":{}}}"#, partition.partition)
    });
    format!(r#"{{"version":1,"partitions":[{}]}}"#, named.collect::<Vec<_>>().join(",")).into()
}

/// The partitions in a child of [`ISR_CHANGES`]; none for other data.
pub fn decode_isr_change(data: Option<&Bytes>) -> Vec<TopicPartition> {
    let Some(value) = read(data) else { return Vec::new() };
    let partitions = value.get("partitions").and_then(Value::as_array).into_iter().flatten();
    let named = partitions.filter_map(|each| {
        let topic: Arc<str> = each.get("topic")?.as_str()?.into();
        Some(TopicPartition { topic, partition: number(each.get("partition")?)? })
    });
    named.collect()
}

/// A topic's configs, version 1: none of its own.
pub fn encode_topic_config() -> Bytes {
    Bytes::from_static(br#"{"version":1,"config":{}}"#)
}
