//! Records waiting to be sent, in batches by partition (org.apache.kafka.clients.producer.internals.RecordAccumulator).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use blumfeld_kernel::Instant;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::record_batch::{Batch, BatchBuilder, BatchOptions, record_size};

use super::partitioner::PartitionLoad;
use super::transaction_manager::ProducerIdAndEpoch;
use super::view::PartitionQueue;
use super::{ProducerConfig, ProducerRecord, RecordId};
use crate::TopicPartition;

/// A batch on its way to the broker.
#[derive(Clone, Debug)]
pub struct ProducerBatch {
    /// Where it goes.
    pub partition: TopicPartition,
    builder: BatchBuilder,
    /// Its records, in order, each with its timestamp.
    pub records: Vec<(RecordId, i64)>,
    /// When its first record came.
    pub created: Instant,
    /// How often it was sent.
    pub attempts: u32,
    retry_at: Instant,
    reserved: usize,
    full: bool,
}

impl ProducerBatch {
    /// The finished batch.
    pub fn build(&self) -> Batch {
        self.builder.build()
    }

    /// Its name: the number of its first record. Names of a partition go up.
    pub fn name(&self) -> RecordId {
        self.records.first().map_or(RecordId(0), |(id, _)| *id)
    }

    /// Its number of records.
    pub fn count(&self) -> i32 {
        self.builder.count()
    }

    /// Sets what an idempotent producer says with it.
    pub fn set_producer(&mut self, producer: ProducerIdAndEpoch, base_sequence: i32) {
        self.builder.set_producer(producer.id, producer.epoch, base_sequence);
    }

    /// Bytes before compression, header included.
    pub fn size(&self) -> usize {
        self.builder.size()
    }
}

/// What became of an appended record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// Bytes that it took.
    pub bytes: usize,
    /// Whether it began a batch, which ended the one before.
    pub new_batch: bool,
}

/// Waiting batches by partition, within `buffer.memory`.
#[derive(Clone, Debug)]
pub struct RecordAccumulator {
    batch_size: usize,
    linger: Duration,
    delivery_timeout: Duration,
    /// Of its batches.
    options: BatchOptions,
    total_memory: usize,
    available_memory: usize,
    queues: BTreeMap<TopicPartition, VecDeque<ProducerBatch>>,
    muted: BTreeSet<TopicPartition>,
    flushing: bool,
    /// Bytes and records of the last batch that left: the next one is likely to become as large.
    usual: (usize, usize),
    /// Bytes of the last batch of each partition that left: at full speed nobody sees one fill.
    last_sent: BTreeMap<TopicPartition, usize>,
    /// What a broker last answered to a batch that waits to go again, and to which partition.
    refused: Option<(TopicPartition, ErrorCode)>,
    /// Somebody was refused for want of memory: what is here goes out without lingering.
    exhausted: bool,
}

impl RecordAccumulator {
    /// An empty one.
    pub fn new(config: &ProducerConfig) -> RecordAccumulator {
        let millis = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        RecordAccumulator {
            batch_size: config.batch_size,
            linger: millis(config.linger_ms),
            delivery_timeout: millis(config.delivery_timeout_ms),
            options: BatchOptions {
                compression: config.compression,
                compression_levels: config.compression_levels,
                transactional: config.transactional_id.is_some(),
                ..BatchOptions::default()
            },
            total_memory: config.buffer_memory,
            available_memory: config.buffer_memory,
            queues: BTreeMap::new(),
            muted: BTreeSet::new(),
            flushing: false,
            usual: (0, 0),
            last_sent: BTreeMap::new(),
            refused: None,
            exhausted: false,
        }
    }

    /// Adds a record, or `None` if `buffer.memory` has no room for the batch that it would begin.
    pub fn append(
        &mut self,
        now: Instant,
        to: &TopicPartition,
        id: RecordId,
        timestamp: i64,
        record: &ProducerRecord,
    ) -> Option<Appended> {
        let (key, value, headers) = (record.key.as_deref(), record.value.as_deref(), &record.headers[..]);
        let queue = match self.queues.get_mut(to) {
            Some(queue) => queue,
            None => self.queues.entry(to.clone()).or_default(),
        };
        if let Some(last) = queue.back_mut().filter(|batch| batch.attempts == 0 && !batch.full) {
            let bytes = last.builder.record_size(timestamp, key, value, headers);
            if last.builder.size() + bytes <= self.batch_size {
                last.builder.append(timestamp, key, value, headers);
                last.records.push((id, timestamp));
                last.full = last.builder.size() >= self.batch_size;
                return Some(Appended { bytes, new_batch: false });
            }
        }
        let reserved = self.batch_size.max(record_size(key, value, headers));
        if reserved > self.available_memory {
            self.exhausted = true;
            return None;
        }
        self.available_memory -= reserved;
        self.exhausted = false;
        if let Some(last) = queue.back_mut() {
            last.full = true;
        }
        let (size, count) = self.usual;
        let mut builder = BatchBuilder::with_capacity(self.options, size);
        let mut records = Vec::with_capacity(count);
        records.push((id, timestamp));
        let bytes = builder.record_size(timestamp, key, value, headers);
        builder.append(timestamp, key, value, headers);
        let full = builder.size() >= self.batch_size;
        queue.push_back(ProducerBatch {
            partition: to.clone(),
            builder,
            records,
            created: now,
            attempts: 0,
            retry_at: Instant::ZERO,
            reserved,
            full,
        });
        Some(Appended { bytes, new_batch: true })
    }

    /// Bytes of `buffer.memory` that are free, and all of them.
    pub fn memory(&self) -> (usize, usize) {
        (self.available_memory, self.total_memory)
    }

    /// Everything here is to go out without lingering, until it has.
    pub fn begin_flush(&mut self) {
        self.flushing = !self.is_empty();
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queues.values().all(VecDeque::is_empty)
    }

    /// How long each partition's queue is, for the partitioner.
    pub fn load(&self, to: &TopicPartition) -> PartitionLoad {
        let queued = self.queues.get(to).map_or(0, VecDeque::len);
        PartitionLoad { partition: to.partition, queued: u32::try_from(queued).unwrap_or(u32::MAX) }
    }

    /// Records that wait for a partition; nothing if it was never written to.
    pub fn records(&self, topic: &str, partition: i32) -> Option<usize> {
        let to = TopicPartition { topic: topic.into(), partition };
        Some(self.queues.get(&to)?.iter().map(|batch| batch.records.len()).sum())
    }

    /// Whether the first batch of a queue may go out now, or else from when on.
    fn sendable(&self, now: Instant, queue: &VecDeque<ProducerBatch>) -> Result<(), Option<Instant>> {
        let Some(first) = queue.front() else { return Err(None) };
        if first.attempts > 0 {
            return if first.retry_at <= now { Ok(()) } else { Err(Some(first.retry_at)) };
        }
        let lingered = first.created + self.linger;
        if first.full || queue.len() > 1 || self.flushing || self.exhausted || lingered <= now {
            Ok(())
        } else {
            Err(Some(lingered))
        }
    }

    /// What waits for each partition that was ever written to, by partition.
    pub fn waiting(&self, now: Instant) -> impl Iterator<Item = PartitionQueue> {
        self.queues.iter().map(move |(to, queue)| PartitionQueue {
            partition: to.clone(),
            batches: queue.len(),
            records: queue.iter().map(|batch| batch.records.len()).sum(),
            bytes: queue.iter().map(ProducerBatch::size).sum(),
            last_sent: self.last_sent.get(to).copied().unwrap_or(0),
            open_bytes: queue.back().filter(|last| last.attempts == 0).map_or(0, ProducerBatch::size),
            since: queue.front().map(|first| first.created),
            ready: !self.muted.contains(to) && self.sendable(now, queue).is_ok(),
            again: queue.iter().filter(|batch| batch.attempts > 0).count(),
        })
    }

    /// Partitions with something to send now.
    pub fn ready(&self, now: Instant) -> Vec<TopicPartition> {
        self.queues
            .iter()
            .filter(|(to, queue)| !self.muted.contains(*to) && self.sendable(now, queue).is_ok())
            .map(|(to, _)| to.clone())
            .collect()
    }

    /// Takes the next batch of a ready partition if it is no larger than `room` bytes.
    pub fn drain(&mut self, to: &TopicPartition, room: usize) -> Option<ProducerBatch> {
        let queue = self.queues.get_mut(to)?;
        if queue.front()?.size() > room {
            return None;
        }
        let mut batch = queue.pop_front()?;
        self.usual = (batch.size().min(self.batch_size), batch.records.len());
        batch.attempts = batch.attempts.saturating_add(1);
        match self.last_sent.get_mut(to) {
            Some(last) => *last = batch.size(),
            None => drop(self.last_sent.insert(to.clone(), batch.size())),
        }
        Some(batch)
    }

    /// Keeps further batches of a partition back until it is unmuted, so that they cannot overtake.
    pub fn mute(&mut self, partition: &TopicPartition) {
        self.muted.insert(partition.clone());
    }

    /// Lets batches of a partition go again.
    pub fn unmute(&mut self, partition: &TopicPartition) {
        self.muted.remove(partition);
    }

    /// What batches that wait to go again were answered last.
    pub fn refused(&self) -> Option<ErrorCode> {
        let (partition, answer) = self.refused.as_ref()?;
        let waits = |queue: &VecDeque<ProducerBatch>| queue.iter().any(|batch| batch.attempts > 0);
        self.queues.get(partition).is_some_and(waits).then_some(*answer)
    }

    /// The name of the next batch of a partition.
    pub fn first(&self, of: &TopicPartition) -> Option<RecordId> {
        self.queues.get(of)?.front().map(ProducerBatch::name)
    }

    /// Puts a batch back to be sent again, in its place (insertInSequenceOrder): a broker answered it so.
    pub fn reenqueue(&mut self, mut batch: ProducerBatch, retry_at: Instant, answer: ErrorCode) {
        batch.retry_at = retry_at;
        self.refused = Some((batch.partition.clone(), answer));
        self.put_back(batch);
    }

    fn put_back(&mut self, batch: ProducerBatch) {
        let queue = self.queues.entry(batch.partition.clone()).or_default();
        let at = queue.partition_point(|other| other.name() < batch.name());
        queue.insert(at, batch);
    }

    /// Splits a batch that the broker found too large into smaller ones, puts these back, and gives their names and
    /// numbers of records. A batch of one record cannot be split and comes back.
    pub fn split_and_reenqueue(
        &mut self,
        batch: ProducerBatch,
        now: Instant,
    ) -> Result<Vec<(RecordId, i32)>, Box<ProducerBatch>> {
        if batch.records.len() < 2 {
            return Err(Box::new(batch));
        }
        let Ok(records) = batch.build().records() else { return Err(Box::new(batch)) };
        let half = batch.records.len().div_ceil(2);
        let mut parts: Vec<(BatchBuilder, Vec<(RecordId, i64)>)> = Vec::new();
        for (index, (record, id)) in records.flatten().zip(&batch.records).enumerate() {
            if index == 0 || index == half {
                parts.push((BatchBuilder::new(self.options), Vec::new()));
            }
            if let Some((builder, ids)) = parts.last_mut() {
                builder.append(
                    record.timestamp,
                    record.key.as_deref(),
                    record.value.as_deref(),
                    &record.headers,
                );
                ids.push(*id);
            }
        }
        let (mut reserved, mut names) = (batch.reserved, Vec::new());
        for (builder, records) in parts {
            let size = reserved.min(builder.size());
            reserved -= size;
            let part = ProducerBatch {
                partition: batch.partition.clone(),
                builder,
                records,
                created: batch.created,
                attempts: 0,
                retry_at: now,
                reserved: size,
                full: true,
            };
            names.push((part.name(), part.count()));
            self.put_back(part);
        }
        self.available_memory += reserved;
        Ok(names)
    }

    /// Gives a batch's memory back: it is delivered, or given up.
    pub fn release(&mut self, batch: &ProducerBatch) {
        self.available_memory = (self.available_memory + batch.reserved).min(self.total_memory);
        self.exhausted = false;
        if self.is_empty() {
            self.flushing = false;
        }
    }

    /// Takes out all batches.
    pub fn take_all(&mut self) -> Vec<ProducerBatch> {
        self.queues.values_mut().flat_map(std::mem::take).collect()
    }

    /// Takes out the batches that `which` says yes to.
    pub fn take_if(&mut self, which: impl Fn(&ProducerBatch) -> bool) -> Vec<ProducerBatch> {
        let mut taken = Vec::new();
        for queue in self.queues.values_mut() {
            let (out, stay): (VecDeque<_>, VecDeque<_>) = std::mem::take(queue).into_iter().partition(&which);
            taken.extend(out);
            *queue = stay;
        }
        taken
    }

    /// Takes out batches that have waited for `delivery.timeout.ms`.
    pub fn expire(&mut self, now: Instant) -> Vec<ProducerBatch> {
        let timeout = self.delivery_timeout;
        let mut expired = Vec::new();
        for queue in self.queues.values_mut() {
            while let Some(batch) = queue.pop_front_if(|batch| batch.created + timeout <= now) {
                expired.push(batch);
            }
        }
        expired
    }

    /// When something is next to be sent or given up, for partitions that are not muted.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for (to, queue) in &self.queues {
            let Some(first) = queue.front() else { continue };
            let mut at = first.created + self.delivery_timeout;
            if !self.muted.contains(to)
                && let Err(Some(later)) = self.sendable(now, queue)
            {
                at = at.min(later);
            }
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClientConfig;
    use blumfeld_protocol::{Compression, CompressionLevels};

    #[test]
    fn batches_are_compressed_at_the_producers_level() {
        let text: String = (0..3_000_u32).map(|n| format!("{} 줄 {}\n", n * n % 997, n % 89)).collect();
        let record = ProducerRecord {
            topic: "orders".into(),
            partition: Some(0),
            timestamp: None,
            key: None,
            value: Some(text.into_bytes().into()),
            headers: Vec::new(),
        };
        let sizes = [1, -1, 9].map(|gzip| {
            let mut config = ProducerConfig::new(ClientConfig::new(Vec::new(), "test"));
            config.compression = Compression::Gzip;
            config.compression_levels = CompressionLevels { gzip, ..CompressionLevels::default() };
            let (mut accumulator, to) = (RecordAccumulator::new(&config), TopicPartition::new("orders", 0));
            accumulator.append(Instant::ZERO, &to, RecordId(1), 0, &record).unwrap();
            let batch = accumulator.drain(&to, usize::MAX).unwrap().build();
            assert_eq!(batch.compression(), Ok(Compression::Gzip));
            batch.bytes().len()
        });
        assert!(sizes[0] > sizes[1] && sizes[1] > sizes[2], "{sizes:?}");
    }
}
