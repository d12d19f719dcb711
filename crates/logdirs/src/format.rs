//! A new cluster of one broker around partitions that are there: its disk, as `kafka-storage.sh format` and a first
//! start would have left it (kafka.tools.StorageTool, org.apache.kafka.metadata.bootstrap.BootstrapMetadata).
//!
//! A partition's metadata record names no leader, and an epoch that the log has reached: once the broker is there it
//! is elected, and its epoch is above every one that the log knows. Nothing is said to be durable, so the first start
//! scans every log as after a crash.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_broker::{
    GROUP_METADATA_TOPIC, MetadataRecord, PartitionRegistration, ResourceType, TRANSACTION_STATE_TOPIC,
    bootstrap_records,
};
use blumfeld_kernel::{Disk, File, Prng};
use blumfeld_log::checkpoint::{self, Offsets};
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions};
use blumfeld_protocol::{Uuid, uuid_text};
use bytes::{Bytes, BytesMut};

use crate::metadata::Metadata;
use crate::open::Note;
use crate::partition::Found;
use crate::tree::{META_PROPERTIES, METADATA};

/// The one broker.
pub(crate) const NODE: i32 = 1;
/// The epoch of the records that format the cluster.
const EPOCH: i32 = 1;
/// Records a batch.
const BATCH: usize = 500;
/// Producer ids come in blocks (org.apache.kafka.server.common.ProducerIdsBlock).
const BLOCK: i64 = 1_000;
/// `offsets.topic.num.partitions` and `transaction.state.log.num.partitions` where nobody changed them.
const COORDINATED: i32 = 50;

/// A partition that is taken over.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub files: BTreeMap<String, Bytes>,
    pub found: Found,
    pub high_watermark: Option<i64>,
    pub log_start: Option<i64>,
}

/// The partitions that are taken over, by topic and number.
pub(crate) type Partitions = BTreeMap<String, BTreeMap<i32, Taken>>;

/// How many partitions each topic has: what the metadata says, and no fewer than are there. Which partition a key or a
/// group belongs to depends on it.
pub(crate) fn counts(taken: &Partitions, metadata: &Metadata) -> BTreeMap<String, i32> {
    let count = |topic: &String, have: &BTreeMap<i32, Taken>| {
        let there = have.keys().next_back().map_or(0, |last| last.saturating_add(1));
        let known = metadata.image.topic(topic).and_then(|topic| topic.partitions.keys().next_back());
        let least = match known {
            Some(last) => last.saturating_add(1),
            None if is_coordinated(topic) => COORDINATED,
            None => 1,
        };
        there.max(least)
    };
    taken.iter().map(|(topic, have)| (topic.clone(), count(topic, have))).collect()
}

fn is_coordinated(topic: &str) -> bool {
    [GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC].contains(&topic)
}

/// The disk of the one broker, with the cluster's id.
pub(crate) fn format(
    taken: Partitions,
    metadata: &Metadata,
    cluster_id: Option<Uuid>,
    (seed, now_ms): (u64, i64),
    notes: &mut Vec<Note>,
) -> (Uuid, Disk) {
    let mut rng = Prng::new(seed, "format");
    let mut id = || uuid_text::random(|| rng.bytes16());
    let (cluster_id, directory) = (cluster_id.unwrap_or_else(&mut id), id());
    let mut disk = Disk::default();
    let mut put = |path: String, bytes: Bytes| disk.insert(path.into(), File::new(bytes, u64::MAX));
    put(
        META_PROPERTIES.to_owned(),
        format!(
            "#\ncluster.id={}\ndirectory.id={}\nnode.id={NODE}\nversion=1\n",
            uuid_text::to_text(cluster_id),
            uuid_text::to_text(directory)
        )
        .into(),
    );
    let counts = counts(&taken, metadata);
    let mut records = bootstrap_records(1);
    let (mut producer, mut lowered, mut unconfigured) = (-1, BTreeSet::new(), false);
    let (mut high_watermarks, mut log_starts) = (Offsets::new(), Offsets::new());
    for (topic, partitions) in taken {
        let known = metadata.image.topic(&topic);
        let topic_id = (partitions.values().find_map(|one| one.found.topic_id))
            .or(known.map(|known| known.id))
            .unwrap_or_else(&mut id);
        records.push(MetadataRecord::Topic { name: topic.clone(), topic_id });
        let configs = configs(&topic, known.is_some().then_some(metadata), &mut lowered);
        unconfigured |= known.is_none() && !is_coordinated(&topic);
        records.extend(configs.into_iter().map(|(name, value)| MetadataRecord::Config {
            resource_type: ResourceType::Topic,
            resource_name: topic.clone(),
            name,
            value: Some(value),
        }));
        for number in 0..counts[&topic] {
            let have = partitions.get(&number);
            let epoch = have.map_or(-1, |one| one.found.epoch).max(0);
            let known = known.and_then(|known| known.partitions.get(&number));
            let registration = PartitionRegistration {
                replicas: vec![NODE],
                isr: vec![NODE],
                leader: -1,
                leader_epoch: epoch.max(known.map_or(0, |known| known.leader_epoch)),
                directories: vec![directory],
                ..PartitionRegistration::default()
            };
            records.push(MetadataRecord::Partition { partition: number, topic_id, registration });
        }
        for (number, one) in partitions {
            let folder = format!("{topic}-{number}");
            producer = producer.max(one.found.producer);
            let key = (topic.clone(), number);
            high_watermarks.extend(one.high_watermark.map(|at| (key.clone(), at)));
            log_starts.extend(one.log_start.filter(|at| *at > 0).map(|at| (key, at)));
            for (name, bytes) in one.files.into_iter().filter(|(name, _)| !name.ends_with(".deleted")) {
                put(format!("{folder}/{name}"), bytes);
            }
            let text = format!("version: 0\ntopic_id: {}", uuid_text::to_text(topic_id));
            put(format!("{folder}/partition.metadata"), text.into());
        }
    }
    let next = (producer + BLOCK).div_euclid(BLOCK) * BLOCK;
    records.push(MetadataRecord::ProducerIds {
        broker_id: NODE,
        broker_epoch: 0,
        next_producer_id: next.max(metadata.image.next_producer_id()),
    });
    for (file, offsets) in
        [(checkpoint::HIGH_WATERMARK, high_watermarks), (checkpoint::LOG_START, log_starts)]
    {
        let lines: Vec<_> =
            offsets.iter().map(|((topic, number), at)| (topic.as_str(), *number, *at)).collect();
        put(file.to_owned(), checkpoint::write_offsets(&lines).into());
    }
    put(format!("{METADATA}/{:020}.log", 0), log(&records, now_ms));
    put(format!("{METADATA}/leader-epoch-checkpoint"), checkpoint::write_epochs(&[(EPOCH, 0)]).into());
    put(format!("{METADATA}/quorum-state"), quorum_state().into());
    if !lowered.is_empty() {
        notes.push(Note::MinInsync(lowered.into_iter().collect()));
    }
    if unconfigured {
        notes.push(Note::NoConfigs);
    }
    (cluster_id, disk)
}

/// A topic's configs: as the metadata knows them, so far as one broker can keep to them. Where it does not know the
/// topic, nothing of it may be deleted for its age: how long it was to be kept stands in the metadata alone.
fn configs(
    topic: &str,
    known: Option<&Metadata>,
    lowered: &mut BTreeSet<String>,
) -> BTreeMap<String, String> {
    const MIN_INSYNC: &str = "min.insync.replicas";
    let Some(metadata) = known else {
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        return match is_coordinated(topic) {
            true => [("cleanup.policy", "compact"), ("segment.bytes", "104857600")].map(text).into(),
            false => [("retention.ms", "-1")].map(text).into(),
        };
    };
    let mut configs = metadata.image.configs(ResourceType::Topic, topic);
    if configs.get(MIN_INSYNC).and_then(|least| least.parse::<i32>().ok()).is_some_and(|least| least > 1) {
        configs.insert(MIN_INSYNC.to_owned(), "1".to_owned());
        if !is_coordinated(topic) {
            lowered.insert(topic.to_owned());
        }
    }
    configs.retain(|name, _| {
        !name.ends_with(".replication.throttled.replicas") && name != "remote.storage.enable"
    });
    configs
}

/// The metadata log's one segment.
fn log(records: &[MetadataRecord], now_ms: i64) -> Bytes {
    let (mut bytes, mut base_offset) = (BytesMut::new(), 0);
    for chunk in records.chunks(BATCH) {
        let options = BatchOptions { base_offset, partition_leader_epoch: EPOCH, ..BatchOptions::default() };
        let mut builder = BatchBuilder::new(options);
        chunk.iter().for_each(|record| builder.append(now_ms, None, Some(&record.encode()), &[]));
        base_offset += i64::from(builder.count());
        bytes.extend_from_slice(builder.build().bytes());
    }
    bytes.freeze()
}

/// `quorum-state` of version 0, with the one broker as its voter.
fn quorum_state() -> String {
    format!(
        "{{\"clusterId\":\"\",\"leaderId\":-1,\"leaderEpoch\":{EPOCH},\"votedId\":-1,\"appliedOffset\":0,\
         \"currentVoters\":[{{\"voterId\":{NODE}}}],\"data_version\":0}}"
    )
}
