//! What is drawn of the world: plain data, taken from the nodes' own state.

use std::collections::BTreeMap;

use blumfeld_broker::{
    Broker, BrokerConfig, BrokerState, EpochState, Partition, PartitionRegistration, ResourceType,
    TopicImage, TopicPartition,
};
use blumfeld_kernel::NodeId;
use blumfeld_log::{LogSegment, TimestampOffset, UnifiedLog};
use blumfeld_protocol::record_batch::{Batch, FIELDS, Record};
use blumfeld_protocol::uuid_text;
use blumfeld_view::{
    BatchDetail, BatchView, BrokerView, BrowseView, EventView, FieldView, MomentView, PartitionView,
    RecordView, ReplicaView, SegmentView, TopicView,
};

use crate::cleaner_view::cleaner_view;
use crate::disk::MachineDisk;
use crate::kind::{mark_of, sort_of};
use crate::korean::korean;
use crate::meaning::meaning;
use crate::trace::TraceLine;
use crate::transaction_view::{aborted_transactions, open_transactions};
use crate::world::World;

/// Of a key or value so many bytes are shown.
const SHOWN_BYTES: usize = 4 * 1024;
/// Of a batch so many records are shown.
const SHOWN_RECORDS: usize = 1_000;
/// Of a batch so many bytes are shown.
const SHOWN_BATCH: usize = 64 * 1024;

impl World {
    /// The brokers.
    pub fn broker_views(&self) -> Vec<BrokerView> {
        (self.machines.iter())
            .map(|(node, machine)| {
                let (broker, disk) = (machine.broker.as_ref(), &machine.disk);
                let stats = broker.map(Broker::stats).unwrap_or_default();
                BrokerView {
                    id: node.0,
                    address: machine.config.advertised.to_string(),
                    up: broker.is_some(),
                    state: self.state_of(*node, broker).to_owned(),
                    quorum: quorum_of(&machine.config, broker).to_owned(),
                    rack: machine.config.rack.clone().unwrap_or_default(),
                    controller: broker.is_some_and(Broker::is_active_controller),
                    controller_epoch: broker.map_or(-1, Broker::controller_epoch),
                    connections: stats.connections,
                    dirty_bytes: disk.dirty_bytes(),
                    cached_bytes: disk.cached_bytes(),
                    cache_size: disk.cache_size(),
                    cache_hits: disk.cache_stats().hits,
                    cache_misses: disk.cache_stats().misses,
                    cache_bytes_read: disk.cache_stats().bytes_read,
                    disk_bytes: disk.disk().total_len(),
                    requests: stats.requests,
                    records_in: stats.records_in,
                    records_out: stats.records_out,
                    cleaner: broker.map(cleaner_view).unwrap_or_default(),
                }
            })
            .collect()
    }

    fn state_of(&self, node: NodeId, broker: Option<&Broker>) -> &'static str {
        let Some(broker) = broker else { return "crashed" };
        if self.is_paused(node) {
            return "paused";
        }
        let fenced = || {
            let known = self.best_informed().and_then(|best| best.image().brokers().get(&node.0));
            known.is_some_and(|known| known.fenced)
        };
        match broker.state() {
            BrokerState::Starting => "starting",
            BrokerState::Recovery => "recovery",
            BrokerState::Running if fenced() => "fenced",
            BrokerState::Running => "running",
            BrokerState::PendingControlledShutdown | BrokerState::ShuttingDown => "shutting-down",
        }
    }

    /// The running node that has replayed most of the metadata.
    pub(crate) fn best_informed(&self) -> Option<&Broker> {
        self.nodes().filter_map(|node| self.broker(node)).max_by_key(|broker| broker.metadata_offset())
    }

    /// The records of a partition below its high watermark, by offset: the key, and a digest of all of it. Control
    /// records are left out.
    pub fn committed_records(&self, topic: &str, partition: i32) -> BTreeMap<i64, (String, u64)> {
        let Some((_, replica)) = self.holder(topic, partition) else { return BTreeMap::new() };
        let (log, end) = (replica.log(), replica.high_watermark());
        let batches = log.browse(log.log_start()).map(|(.., batch)| batch);
        let batches =
            batches.take_while(|batch| batch.base_offset() < end).filter(|batch| !batch.is_control());
        let told = |record: Record| {
            let key = record.key.as_deref().map_or_else(|| "-".into(), String::from_utf8_lossy).into_owned();
            let digest = crate::checkers::digest_of_record(
                record.timestamp,
                record.key.as_ref(),
                record.value.as_ref(),
                &record.headers,
            );
            (record.offset, (key, digest))
        };
        batches.flat_map(|batch| batch.records().into_iter().flatten().flatten()).map(told).collect()
    }

    /// Where a partition's log is looked at: at its leader, or where that does not run at the replica with most of it.
    fn holder(&self, topic: &str, number: i32) -> Option<(NodeId, &Partition)> {
        let registered = self.best_informed()?.image().partition(topic, number)?;
        self.holder_among(registered, &(topic.to_owned(), number))
    }

    /// The same where it is known who has the partition.
    fn holder_among(
        &self,
        registered: &PartitionRegistration,
        key: &TopicPartition,
    ) -> Option<(NodeId, &Partition)> {
        let replica = |node: NodeId| Some((node, self.broker(node)?.replicas().of(key)?));
        replica(NodeId(registered.leader)).or_else(|| {
            let copies = registered.replicas.iter().filter_map(|id| replica(NodeId(*id)));
            copies.max_by_key(|(_, partition)| partition.log().log_end())
        })
    }

    /// A broker's replica of a partition, or without a broker the one that is looked at.
    pub(crate) fn replica(&self, topic: &str, number: i32, broker: Option<i32>) -> Option<&Partition> {
        match broker {
            Some(id) => self.broker(NodeId(id))?.replicas().get(topic, number),
            None => self.holder(topic, number).map(|(_, partition)| partition),
        }
    }

    /// Where a broker is in its life, as `BrokerView::state` has it; nothing if there is none.
    pub(crate) fn broker_state(&self, node: NodeId) -> Option<&'static str> {
        let machine = self.machines.get(&node)?;
        Some(self.state_of(node, machine.broker.as_ref()))
    }

    /// The broker whose files of a partition are shown.
    pub fn holder_of(&self, topic: &str, number: i32) -> Option<NodeId> {
        self.holder(topic, number).map(|(node, _)| node)
    }

    /// The high watermark of a partition, where its log is looked at.
    pub(crate) fn high_watermark_of(&self, topic: &str, number: i32) -> Option<i64> {
        self.holder(topic, number).map(|(_, partition)| partition.high_watermark())
    }

    /// Names of the topics, as the best informed node knows them.
    pub fn topic_names(&self) -> Vec<String> {
        self.best_informed().map_or_else(Vec::new, |broker| broker.image().topics().keys().cloned().collect())
    }

    /// The topics as the best informed node knows them; empty while none runs.
    pub fn topic_views(&self) -> Vec<TopicView> {
        let Some(broker) = self.best_informed() else { return Vec::new() };
        broker.image().topics().values().map(|topic| self.topic_view(broker, topic)).collect()
    }

    fn topic_view(&self, broker: &Broker, topic: &TopicImage) -> TopicView {
        let partitions = topic.partitions.iter().map(|(number, registered)| {
            let key = (topic.name.clone(), *number);
            let found = self.holder_among(registered, &key);
            let disk = found.and_then(|(node, _)| self.disk(node));
            let replica = found.map(|(_, replica)| replica);
            let log = replica.map(Partition::log);
            let segments: Vec<SegmentView> = log
                .into_iter()
                .flat_map(UnifiedLog::segments)
                .map(|segment| segment_view(segment, disk))
                .collect();
            let durable = segments.iter().find(|segment| segment.durable < segment.size);
            let copies = registered.replicas.iter().map(|id| {
                let broker = self.broker(NodeId(*id));
                let copy = broker.and_then(|b| b.replicas().of(&key));
                let cleaned_to = broker.and_then(|b| b.replicas().cleaned_to(&key));
                ReplicaView {
                    broker: *id,
                    online: copy.is_some(),
                    log_end: copy.map_or(-1, |copy| copy.log().log_end()),
                    high_watermark: copy.map_or(-1, Partition::high_watermark),
                    cleaned_to: copy.and(cleaned_to).unwrap_or(-1),
                }
            });
            PartitionView {
                partition: *number,
                leader: registered.leader,
                leader_epoch: registered.leader_epoch,
                replicas: registered.replicas.clone(),
                isr: registered.isr.clone(),
                elr: registered.elr.clone(),
                copies: copies.collect(),
                log_start: log.map_or(0, UnifiedLog::log_start),
                high_watermark: replica.map_or(0, Partition::high_watermark),
                last_stable: replica.map_or(0, Partition::last_stable_offset),
                log_end: log.map_or(0, UnifiedLog::log_end),
                durable_offset: durable
                    .map_or(log.map_or(0, UnifiedLog::log_end), |segment| segment.durable_offset),
                size: log.map_or(0, UnifiedLog::size),
                segments,
                open_transactions: log.map(open_transactions).unwrap_or_default(),
                aborted_transactions: log.map(aborted_transactions).unwrap_or_default(),
            }
        });
        TopicView {
            name: topic.name.clone(),
            id: uuid_text::to_text(topic.id),
            internal: topic.name.starts_with("__"),
            replication_factor: topic
                .partitions
                .values()
                .next()
                .map_or(0, |p| u32::try_from(p.replicas.len()).unwrap_or(0)),
            configs: broker.image().configs(ResourceType::Topic, &topic.name).into_iter().collect(),
            partitions: partitions.collect(),
        }
    }

    fn log(&self, topic: &str, partition: i32) -> Option<(NodeId, &UnifiedLog)> {
        let (node, replica) = self.holder(topic, partition)?;
        Some((node, replica.log()))
    }

    /// The batches of a partition from the one that holds `offset` on, at most `limit`. Behind the end that is
    /// the last.
    pub fn browse(&self, topic: &str, partition: i32, offset: i64, limit: usize) -> Option<BrowseView> {
        let (node, log) = self.log(topic, partition)?;
        let last = log.log_end().saturating_sub(1).max(log.log_start());
        let offset = offset.clamp(log.log_start(), last);
        let mut batches: Vec<BatchView> =
            log.browse(offset).take(limit + 1).map(|found| self.batch_view(node, log, found)).collect();
        let next_offset =
            (batches.len() > limit).then(|| batches.pop().map(|next| next.base_offset)).flatten();
        let first = batches.first().map_or(log.log_end(), |first| first.base_offset);
        let before = log.browse(log.log_start()).take_while(|(.., batch)| batch.base_offset() < first);
        let mut window = std::collections::VecDeque::new();
        for (.., batch) in before {
            window.push_back(batch.base_offset());
            if window.len() > limit {
                window.pop_front();
            }
        }
        Some(BrowseView {
            topic: topic.to_owned(),
            partition,
            batches,
            next_offset,
            previous_offset: window.front().copied(),
            log_start: log.log_start(),
            log_end: log.log_end(),
        })
    }

    /// How the last batch of a partition is compressed, by Kafka's name.
    pub(crate) fn codec(&self, topic: &str, partition: i32) -> Option<String> {
        let (node, log) = self.log(topic, partition)?;
        let last = log.browse(log.log_end().saturating_sub(1).max(log.log_start())).next()?;
        Some(self.batch_view(node, log, last).compression)
    }

    fn batch_view(
        &self,
        node: NodeId,
        log: &UnifiedLog,
        (segment, position, batch): (i64, u32, &Batch),
    ) -> BatchView {
        let path = format!("{}/{segment:020}.log", log.name());
        let durable =
            self.disk(node).and_then(|disk| disk.disk().file(&path)).map_or(0, |file| file.durable());
        BatchView {
            base_offset: batch.base_offset(),
            last_offset: batch.last_offset(),
            segment,
            position: u64::from(position),
            size: u32::try_from(batch.size()).unwrap_or(u32::MAX),
            records: u32::try_from(batch.records_count()).unwrap_or(0),
            compression: batch.compression().map_or("unknown", |codec| codec.name()).to_owned(),
            max_timestamp: number(batch.max_timestamp()),
            durable: u64::from(position) + batch.size() as u64 <= durable,
        }
    }

    /// One batch with its bytes and records: the first of them, or of a large batch those around an offset.
    pub fn batch_detail(
        &self,
        topic: &str,
        partition: i32,
        base_offset: i64,
        around: Option<i64>,
    ) -> Option<BatchDetail> {
        let (node, log) = self.log(topic, partition)?;
        let found = log.browse(base_offset).next()?;
        let batch = found.2;
        let (mut records, mut skipped, mut error) = (Vec::new(), 0, None);
        match batch.records() {
            Err(problem) => error = Some(problem.to_string()),
            Ok(all) => {
                let mut all: Vec<_> = all.collect();
                if let Some(Err(problem)) = all.last() {
                    error = Some(problem.to_string());
                }
                let reaches = |record: &Result<_, _>| {
                    let record: &Record = match record {
                        Ok(record) => record,
                        Err(_) => return false,
                    };
                    around.is_some_and(|around| record.offset >= around)
                };
                let page = all.iter().position(reaches).map_or(0, |at| at / SHOWN_RECORDS);
                skipped = page * SHOWN_RECORDS;
                let shown = all.drain(skipped..).take(SHOWN_RECORDS).flatten();
                records.extend(shown.map(|record| record_view(topic, &record, SHOWN_BYTES)));
            }
        }
        let bytes = batch.bytes();
        Some(BatchDetail {
            topic: topic.to_owned(),
            partition,
            batch: self.batch_view(node, log, found),
            fields: fields(batch),
            records,
            skipped: u32::try_from(skipped).unwrap_or(u32::MAX),
            bytes: bytes[..bytes.len().min(SHOWN_BATCH)].to_vec().into(),
            error,
        })
    }

    /// The first record of a partition that consumers can read and that is not older than `moment`, in milliseconds
    /// since 1970-01-01 UTC: what ListOffsets answers.
    pub fn moment_view(&self, topic: &str, partition: i32, moment: i64) -> Option<MomentView> {
        let (_, replica) = self.holder(topic, partition)?;
        let (log, end) = (replica.log(), replica.high_watermark());
        let told = |found: TimestampOffset| (found.offset, number(found.timestamp));
        Some(MomentView {
            topic: topic.to_owned(),
            partition,
            moment: number(moment),
            found: log.find_by_timestamp(moment, end).map(told),
            newest: log.find_max_timestamp().filter(|newest| newest.offset < end).map(told),
        })
    }
}

/// A node's part in the metadata quorum.
fn quorum_of(config: &BrokerConfig, broker: Option<&Broker>) -> &'static str {
    match broker.map(|broker| broker.raft().state()) {
        Some(EpochState::Leader(_)) => "leader",
        _ if config.roles.controller => "voter",
        _ => "observer",
    }
}

/// A number of milliseconds for JavaScript, whose numbers are doubles.
#[allow(clippy::cast_precision_loss, reason = "timestamps and offsets lie far below 2^53")]
pub(crate) fn number(value: i64) -> f64 {
    value as f64
}

fn segment_view(segment: &LogSegment, disk: Option<&MachineDisk>) -> SegmentView {
    let file = &segment.files()[0];
    let durable = disk.and_then(|disk| disk.disk().file(file)).map_or(0, blumfeld_kernel::File::durable);
    let batches = segment.batches();
    let first_dirty = batches.partition_point(|p| u64::from(p.position) + p.batch.size() as u64 <= durable);
    SegmentView {
        base_offset: segment.base_offset(),
        next_offset: segment.next_offset(),
        size: u64::from(segment.size()),
        durable: durable.min(u64::from(segment.size())),
        cached: disk.map_or(0, |disk| disk.cached_bytes_of(file)),
        durable_offset: batches
            .get(first_dirty)
            .map_or(segment.next_offset(), |placed| placed.batch.base_offset()),
        index_entries: segment.offset_index().len(),
        time_index_entries: segment.time_index().len(),
        max_timestamp: number(segment.max_timestamp()),
    }
}

fn fields(batch: &Batch) -> Vec<FieldView> {
    let value = |name: &str| match name {
        "baseOffset" => batch.base_offset().to_string(),
        "batchLength" => (batch.size() - blumfeld_protocol::record_batch::LENGTH_PREFIX).to_string(),
        "partitionLeaderEpoch" => batch.partition_leader_epoch().to_string(),
        "magic" => batch.magic().to_string(),
        "crc" => format!("{:08x}", batch.crc()),
        "attributes" => {
            let codec = batch.compression().map_or("unknown", |codec| codec.name());
            format!("{} ({codec}, {})", batch.attributes(), batch.timestamp_type().name())
        }
        "lastOffsetDelta" => batch.last_offset_delta().to_string(),
        "baseTimestamp" => batch.base_timestamp().to_string(),
        "maxTimestamp" => batch.max_timestamp().to_string(),
        "producerId" => batch.producer_id().to_string(),
        "producerEpoch" => batch.producer_epoch().to_string(),
        "baseSequence" => batch.base_sequence().to_string(),
        _ => batch.records_count().to_string(),
    };
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    (FIELDS.iter())
        .map(|(name, range)| FieldView {
            name: (*name).to_owned(),
            value: value(name),
            from: place(range.start),
            to: place(range.end),
        })
        .collect()
}

/// A record of a topic, with key, value and headers cut after `most` bytes.
pub fn record_view(topic: &str, record: &Record, most: usize) -> RecordView {
    let cut = |bytes: &bytes::Bytes| serde_bytes::ByteBuf::from(bytes[..bytes.len().min(most)].to_vec());
    let size = |bytes: Option<&bytes::Bytes>| {
        bytes.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX))
    };
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    RecordView {
        offset: record.offset,
        timestamp: number(record.timestamp),
        key: record.key.as_ref().map(cut),
        value: record.value.as_ref().map(cut),
        key_size: size(record.key.as_ref()),
        value_size: size(record.value.as_ref()),
        headers: (record.headers.iter())
            .map(|header| (String::from_utf8_lossy(&header.key).into_owned(), header.value.as_ref().map(cut)))
            .collect(),
        from: record.range.map(|(from, _)| place(from)),
        to: record.range.map(|(_, to)| place(to)),
        meaning: meaning(topic, record.key.as_ref(), record.value.as_ref()).map(Box::new),
    }
}

/// A line of the trace as the event log shows it.
pub fn event_view(line: &TraceLine) -> EventView {
    EventView {
        at: line.at.as_micros(),
        kind: sort_of(&line.event).0,
        frequent: line.is_frequent(),
        node: line.node.to_string(),
        text: line.event.to_string(),
        korean: korean(&line.event),
        mark: mark_of(&line.event),
    }
}
