//! What a node shows of itself, as plain data.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use blumfeld_broker::{Broker, Partition};
use blumfeld_kernel::NodeId;
use blumfeld_protocol::Uuid;
use blumfeld_protocol::record_batch::{Batch, ControlRecord, Header, Record};
use bytes::Bytes;
use twox_hash::XxHash64;

use super::compaction::{CompactedSeen, RecordKind, RecordSeen};
use super::health::PartitionHealth;
use super::replicas::{BatchSeen, LogSeen};
use crate::World;
use crate::load::number;

/// The header in which a client writes the number of a record, 8 bytes.
pub const NUMBER: &str = "number";

/// A node at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The node.
    pub node: NodeId,
    /// Which start of its process.
    pub run: u64,
    /// The epoch in which it is the active controller, if it is.
    pub active_controller: Option<i32>,
    /// The offset after the last metadata record that it has replayed.
    pub metadata_offset: i64,
    /// Its replicas.
    pub replicas: Vec<ReplicaSeen>,
}

/// A replica at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaSeen {
    /// `orders-0`
    pub partition: Arc<str>,
    /// Its topic's id: a topic that was deleted and created again is another one.
    pub topic_id: Uuid,
    /// Whether the node leads it.
    pub leads: bool,
    /// In which epoch it leads or follows.
    pub leader_epoch: i32,
    /// What consumers may read there.
    pub high_watermark: i64,
    /// What consumers of committed transactions may read there.
    pub last_stable_offset: i64,
}

impl World {
    /// What a node shows, if it is a machine's and its process runs.
    pub fn seen(&self, node: NodeId) -> Option<Seen> {
        let broker = self.broker(node)?;
        let replicas = broker.replicas().partitions().map(|(_, replica)| ReplicaSeen {
            partition: replica.name().clone(),
            topic_id: replica.topic_id(),
            leads: replica.is_leader(),
            leader_epoch: replica.registration().leader_epoch,
            high_watermark: replica.high_watermark(),
            last_stable_offset: replica.last_stable_offset(),
        });
        Some(Seen {
            node,
            run: self.process_run(node),
            active_controller: broker.is_active_controller().then(|| broker.controller_epoch()),
            metadata_offset: broker.metadata_offset(),
            replicas: replicas.collect(),
        })
    }

    /// A number that two nodes share whose metadata is the same.
    pub fn image_digest(&self, node: NodeId) -> Option<u64> {
        let broker = self.broker(node)?;
        let mut hasher = XxHash64::with_seed(0);
        // Its debug text has every field, in the order of its maps.
        format!("{:?}", broker.image()).hash(&mut hasher);
        Some(hasher.finish())
    }

    /// The logs of a partition's replicas below their high watermarks, of the nodes whose processes run, by the
    /// topic's id.
    pub fn logs_seen(&self, topic: &str, partition: i32) -> BTreeMap<Uuid, Vec<LogSeen>> {
        let log = |node: NodeId, broker: &Broker| {
            let replica = broker.replicas().get(topic, partition)?;
            let upto = replica.high_watermark();
            let batches = (replica.log().browse(replica.log().log_start()))
                .map(|(.., batch)| BatchSeen {
                    base_offset: batch.base_offset(),
                    next_offset: batch.next_offset(),
                    leader_epoch: batch.partition_leader_epoch(),
                    crc: batch.crc(),
                })
                .take_while(|batch| batch.next_offset <= upto);
            Some((replica.topic_id(), LogSeen { node, batches: batches.collect() }))
        };
        let mut logs: BTreeMap<Uuid, Vec<LogSeen>> = BTreeMap::new();
        for (id, log) in self.nodes().filter_map(|node| log(node, self.broker(node)?)) {
            logs.entry(id).or_default().push(log);
        }
        logs
    }

    /// The compacted logs of a node: of each the records from the offset that `from` gives, or none of it.
    pub fn compacted_seen(&self, node: NodeId, from: impl Fn(&str) -> Option<i64>) -> Vec<CompactedSeen> {
        let Some(broker) = self.broker(node) else { return Vec::new() };
        let unix_ms = i64::try_from(self.now().as_micros() / 1_000).unwrap_or(i64::MAX);
        let now_ms = self.config().epoch_ms.saturating_add(unix_ms);
        let compacted = |of, replica: &Partition| {
            let (log, upto) = (replica.log(), replica.high_watermark());
            let config = log.config();
            let from = from(replica.name()).filter(|from| config.cleanup.compact && *from < upto)?;
            let records = (log.browse(from.max(log.log_start())))
                .take_while(|(.., batch)| batch.base_offset() < upto)
                .flat_map(|(.., batch)| records_seen(batch))
                .filter(|record| (from..upto).contains(&record.offset));
            Some(CompactedSeen {
                node,
                partition: replica.name().clone(),
                now_ms,
                log_start: log.log_start(),
                high_watermark: upto,
                cleaned_to: broker.replicas().cleaned_to(of).unwrap_or(0),
                deletes: config.cleanup.delete,
                delete_retention_ms: config.delete_retention_ms,
                records: records.collect(),
            })
        };
        broker.replicas().partitions().filter_map(|(of, replica)| compacted(of, replica)).collect()
    }

    /// The values of a topic's records, as [`crate::load`] writes them, in each replica of each node whose process
    /// runs: the node, the partition, the topic's id, and the values of the whole log.
    pub fn values_seen(&self, topic: &str) -> Vec<(NodeId, i32, Uuid, Vec<u64>)> {
        let mut all = Vec::new();
        for node in self.nodes() {
            let Some(broker) = self.broker(node) else { continue };
            for (of, replica) in broker.replicas().partitions().filter(|(of, _)| *of.0 == *topic) {
                let mut values = Vec::new();
                for (.., batch) in replica.log().browse(replica.log().log_start()) {
                    let records = batch.records().into_iter().flatten().flatten();
                    values.extend(records.filter_map(|record| number(&record.value?)));
                }
                all.push((node, of.1, replica.topic_id(), values));
            }
        }
        all
    }

    /// The partitions of the cluster as the active controller knows them; `None` while there is none.
    pub fn partitions_health(&self) -> Option<Vec<PartitionHealth>> {
        let brokers = || self.nodes().filter_map(|node| self.broker(node));
        // One that was paused or cut off may believe for a while that it still is active, and knows nothing new.
        let epoch = brokers().map(Broker::controller_epoch).max()?;
        let active =
            brokers().find(|broker| broker.is_active_controller() && broker.controller_epoch() == epoch)?;
        let partitions = active.image().topics().values().flat_map(|topic| {
            topic.partitions.iter().map(|(number, registered)| PartitionHealth {
                partition: format!("{}-{number}", topic.name),
                leader: registered.leader,
                replicas: registered.replicas.clone(),
                isr: registered.isr.clone(),
                eligible: registered.elr.iter().chain(&registered.last_known_elr).copied().collect(),
            })
        });
        Some(partitions.collect())
    }
}

/// A number that two records share of which nothing differs but their place.
pub fn digest_of_record(
    timestamp: i64,
    key: Option<&Bytes>,
    value: Option<&Bytes>,
    headers: &[Header],
) -> u64 {
    let mut hasher = XxHash64::with_seed(0);
    (timestamp, key, value).hash(&mut hasher);
    for header in headers {
        (&header.key, &header.value).hash(&mut hasher);
    }
    hasher.finish()
}

/// The records of a batch of a compacted log. What cannot be read is left out, and missed then.
fn records_seen(batch: &Batch) -> Vec<RecordSeen> {
    let seen = |record: Record| {
        let kind = match ControlRecord::of(&record).filter(|_| batch.is_control()) {
            Some(control) => RecordKind::Marker { commit: matches!(control, ControlRecord::Commit { .. }) },
            None if batch.is_transactional() => RecordKind::Transactional,
            None => RecordKind::Plain,
        };
        let number = record.headers.iter().find_map(|header| {
            let value = header.value.as_deref().filter(|_| *header.key == *NUMBER.as_bytes())?;
            value.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
        });
        RecordSeen {
            offset: record.offset,
            key: record.key.as_deref().unwrap_or_default().into(),
            number,
            is_tombstone: record.value.is_none(),
            digest: digest_of_record(
                record.timestamp,
                record.key.as_ref(),
                record.value.as_ref(),
                &record.headers,
            ),
            producer_id: batch.producer_id(),
            kind,
        }
    };
    batch.records().into_iter().flatten().flatten().map(seen).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn replica(partition: &str, leads: bool, leader_epoch: i32, high_watermark: i64) -> ReplicaSeen {
        ReplicaSeen {
            partition: partition.into(),
            topic_id: Uuid::nil(),
            leads,
            leader_epoch,
            high_watermark,
            last_stable_offset: high_watermark,
        }
    }

    pub fn node(id: i32, replicas: Vec<ReplicaSeen>) -> Seen {
        Seen { node: NodeId(id), run: 1, active_controller: None, metadata_offset: 0, replicas }
    }
}
