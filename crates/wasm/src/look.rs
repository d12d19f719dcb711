//! What a script sees of its cluster: how it stands, and the records of a topic. Nothing in the world notices.

use blumfeld_kernel::Instant;
use blumfeld_sim::World;
use blumfeld_view::{BranchView, BrokerView, GroupView, TimelineView, TopicView, TransactionView};
use serde::Serialize;
use serde_bytes::ByteBuf;

/// An instant as a script counts them: virtual milliseconds since the cluster's beginning.
pub fn milliseconds(at: Instant) -> f64 {
    at.since(Instant::ZERO).as_secs_f64() * 1_000.0
}

/// How a cluster stands at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoorView {
    /// Virtual milliseconds since the cluster's beginning.
    pub now: f64,
    /// Events that the cluster has handled: two views with the same number are of the same state.
    pub events: u64,
    /// Brokers by id.
    pub brokers: Vec<BrokerView>,
    /// Topics by name, those of Kafka's own included.
    pub topics: Vec<TopicView>,
    /// Consumer groups by id.
    pub groups: Vec<GroupView>,
    /// Transactional ids, by id.
    pub transactions: Vec<TransactionView>,
    /// Faults in force, each as the console writes it.
    pub faults: Vec<String>,
}

impl DoorView {
    /// How this world stands.
    pub fn of(world: &World) -> DoorView {
        DoorView {
            now: milliseconds(world.now()),
            events: world.events(),
            brokers: world.broker_views(),
            topics: world.topic_views(),
            groups: world.group_views(),
            transactions: world.transaction_views(),
            faults: world.faults().iter().map(ToString::to_string).collect(),
        }
    }
}

/// A record that stands in a topic, below its partition's high watermark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DoorRecord {
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Its key, if it has one.
    pub key: Option<ByteBuf>,
    /// Its value; `None` is a tombstone.
    pub value: Option<ByteBuf>,
    /// Its headers in order: names, and values where there are any.
    pub headers: Vec<(String, Option<ByteBuf>)>,
}

/// Which records of a topic are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRange {
    /// Of this partition; of all without one.
    pub partition: Option<i32>,
    /// From this offset of each partition on.
    pub from: i64,
    /// So many at most, over all partitions.
    pub limit: usize,
}

/// Records of a topic that consumers can read, by partition and offset. Control batches are left out.
///
/// # Errors
/// There is no such topic or partition, or no broker that runs has its log; the text says which.
pub fn records(world: &World, topic: &str, range: RecordRange) -> Result<Vec<DoorRecord>, String> {
    if world.nodes().all(|node| world.broker(node).is_none()) {
        return Err(format!("no broker runs, so nobody knows the topic {topic}"));
    }
    let names = world.topic_names();
    if !names.iter().any(|name| name == topic) {
        let own: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| !name.starts_with("__")).collect();
        let there = if own.is_empty() { "none".to_owned() } else { own.join(", ") };
        return Err(format!("there is no topic {topic}; there are: {there}"));
    }
    let view = world.topic_views().into_iter().find(|view| view.name == topic);
    let mut partitions = view.map(|view| view.partitions).unwrap_or_default();
    if let Some(wanted) = range.partition {
        let count = partitions.len();
        partitions.retain(|one| one.partition == wanted);
        if partitions.is_empty() {
            return Err(format!("there is no partition {topic}-{wanted}; {topic} has {count} from 0 on"));
        }
    }
    let mut found = Vec::new();
    for partition in partitions {
        let number = partition.partition;
        let holder = world.holder_of(topic, number).and_then(|node| world.broker(node));
        let replica = holder.and_then(|broker| broker.replicas().get(topic, number));
        let replica = replica.ok_or_else(|| format!("no broker that runs has a log of {topic}-{number}"))?;
        let offsets = range.from.max(partition.log_start)..partition.high_watermark;
        let batches = replica.log().browse(offsets.start).map(|(_, _, batch)| batch);
        for batch in batches.take_while(|batch| batch.base_offset() < offsets.end) {
            if batch.is_control() {
                continue;
            }
            let wrong =
                |problem: &dyn ToString| format!("{topic}-{number} cannot be read: {}", problem.to_string());
            for record in batch.records().map_err(|problem| wrong(&problem))? {
                let record = record.map_err(|problem| wrong(&problem))?;
                if found.len() == range.limit {
                    return Ok(found);
                }
                if !offsets.contains(&record.offset) {
                    continue;
                }
                let bytes = |bytes: Option<bytes::Bytes>| bytes.map(|bytes| ByteBuf::from(bytes.to_vec()));
                let headers = record.headers.into_iter();
                found.push(DoorRecord {
                    partition: number,
                    offset: record.offset,
                    timestamp: record.timestamp,
                    key: bytes(record.key),
                    value: bytes(record.value),
                    headers: headers
                        .map(|header| {
                            (String::from_utf8_lossy(&header.key).into_owned(), bytes(header.value))
                        })
                        .collect(),
                });
            }
        }
    }
    Ok(found)
}

/// The tree of branches, as scripts see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoorTimeline {
    from: f64,
    now: f64,
    events: f64,
    digest: String,
    past: bool,
    branches: Vec<DoorBranch>,
    checkpoints: u32,
    weight: f64,
    cap: f64,
    forgotten: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct DoorBranch {
    name: String,
    parent: Option<String>,
    fork: f64,
    end: f64,
    living: bool,
}

/// A timeline as scripts see it, at this moment.
#[allow(clippy::cast_precision_loss, reason = "microseconds and bytes of a session")]
pub fn timeline(view: &TimelineView, world: &World) -> DoorTimeline {
    let now = world.now();
    let ms = |micros: u64| micros as f64 / 1_000.0;
    let branch = |one: &BranchView| DoorBranch {
        name: one.name.clone(),
        parent: one.parent.clone(),
        fork: ms(one.fork),
        end: if one.end == 0 { milliseconds(now) } else { ms(one.end) },
        living: one.living,
    };
    DoorTimeline {
        from: ms(view.from),
        now: milliseconds(now),
        events: world.events() as f64,
        digest: format!("{:016x}", world.digest()),
        past: view.tip.is_some(),
        branches: view.branches.iter().map(branch).collect(),
        checkpoints: view.checkpoints,
        weight: view.weight as f64,
        cap: view.cap as f64,
        forgotten: view.forgotten,
    }
}
