//! The producer (org.apache.kafka.clients.producer.KafkaProducer).
//!
//! Records wait in the accumulator, in batches by partition; the sender sends what is ready and takes the answers; the
//! transaction manager gives an idempotent producer's batches their sequence numbers.

mod accumulator;
mod partitioner;
mod sender;
mod transaction_manager;
mod transactional;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use blumfeld_kernel::{Context, Input, Instant};
use blumfeld_protocol::record_batch::{Header, record_size};
use blumfeld_protocol::{Compression, CompressionLevels, ErrorCode};

use crate::{ApiError, ClientConfig, Metadata, NetworkClient, TopicMetadata, TopicPartition};
use accumulator::RecordAccumulator;
use partitioner::{PartitionLoad, StickyPartitioner};
use sender::{Parts, Sender};
use transaction_manager::TransactionManager;

pub use partitioner::{Partitioner, PartitionerClass, murmur2, partition_for_key};
pub use sender::Counts;
pub use transaction_manager::{
    ProducerIdAndEpoch, Thrown, TransactionError, TransactionEvent, TransactionOperation, TransactionState,
};
pub use view::{NodeInFlight, PartitionQueue, ProducerView};

/// `acks`: whom an acknowledgement waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Acks {
    /// Nobody.
    None,
    /// The leader.
    Leader,
    /// All replicas in sync.
    #[default]
    All,
}

impl Acks {
    /// The number in the request: 0, 1 or -1.
    pub const fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }

    /// The acks that `0`, `1`, `-1` or `all` mean.
    pub fn parse(text: &str) -> Option<Acks> {
        match text.trim() {
            "0" => Some(Self::None),
            "1" => Some(Self::Leader),
            "-1" | "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// Settings of a producer (org.apache.kafka.clients.producer.ProducerConfig). Defaults are those of Kafka 4.x.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProducerConfig {
    /// What all clients have.
    pub client: ClientConfig,
    /// `acks`
    pub acks: Acks,
    /// `batch.size` in bytes.
    pub batch_size: usize,
    /// `linger.ms`
    pub linger_ms: i64,
    /// `buffer.memory` in bytes.
    pub buffer_memory: usize,
    /// `max.block.ms`: how long a record may be refused for want of memory or metadata before it fails.
    pub max_block_ms: i64,
    /// `max.request.size` in bytes.
    pub max_request_size: usize,
    /// `retries`
    pub retries: u32,
    /// `delivery.timeout.ms`
    pub delivery_timeout_ms: i64,
    /// `compression.type`
    pub compression: Compression,
    /// `compression.gzip.level`, `compression.lz4.level` and `compression.zstd.level`
    pub compression_levels: CompressionLevels,
    /// `enable.idempotence`: batches have sequence numbers, so that a retry neither doubles nor overtakes. Takes
    /// `acks=all`, `retries` above 0, and at most five requests in flight.
    pub enable_idempotence: bool,
    /// `transactional.id`: records are written in transactions. Takes idempotence.
    pub transactional_id: Option<String>,
    /// `transaction.timeout.ms`: after so long the coordinator aborts a transaction by itself.
    pub transaction_timeout_ms: i32,
    /// `partitioner.class`
    pub partitioner: PartitionerClass,
    /// `partitioner.ignore.keys`: the built-in partitioner treats records with keys as those without.
    pub partitioner_ignore_keys: bool,
}

impl ProducerConfig {
    /// Kafka's defaults.
    pub fn new(mut client: ClientConfig) -> ProducerConfig {
        client.max_in_flight = 5;
        ProducerConfig {
            client,
            acks: Acks::All,
            batch_size: 16_384,
            linger_ms: 5,
            buffer_memory: 32 * 1024 * 1024,
            max_block_ms: 60_000,
            max_request_size: 1024 * 1024,
            retries: u32::MAX,
            delivery_timeout_ms: 120_000,
            compression: Compression::None,
            compression_levels: CompressionLevels::default(),
            enable_idempotence: true,
            transactional_id: None,
            transaction_timeout_ms: 60_000,
            partitioner: PartitionerClass::BuiltIn,
            partitioner_ignore_keys: false,
        }
    }

    /// Whether batches are sent with sequence numbers. Where another setting does not allow it, they are not:
    /// idempotence was not asked for then but is the default (ProducerConfig.postProcessAndValidateIdempotenceConfigs).
    pub fn is_idempotent(&self) -> bool {
        self.enable_idempotence
            && self.acks == Acks::All
            && self.retries > 0
            && self.client.max_in_flight <= MAX_IN_FLIGHT_FOR_IDEMPOTENCE
    }

    /// Whether a record's key has no part in where it goes.
    pub fn ignores_keys(&self) -> bool {
        self.partitioner_ignore_keys || self.partitioner != PartitionerClass::BuiltIn
    }

    /// Whether one batch a partition is under way at most, so that a retry cannot overtake
    /// (`max.in.flight.requests.per.connection=1`).
    fn guarantee_message_order(&self) -> bool {
        self.client.max_in_flight == 1
    }
}

/// So many requests in flight the broker can tell apart by their sequence numbers.
pub const MAX_IN_FLIGHT_FOR_IDEMPOTENCE: usize = 5;

/// A record to be produced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProducerRecord {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its partition, or `None` for the partitioner to choose.
    pub partition: Option<i32>,
    /// Milliseconds since 1970-01-01 UTC, or `None` for now.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Vec<Header>,
}

/// A record's number at its producer, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RecordId(pub u64);

/// Where a record came to stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordMetadata {
    /// Its offset, -1 with acks=0.
    pub offset: i64,
    /// Its timestamp, in milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
}

/// What became of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// Which record.
    pub id: RecordId,
    /// Where it went.
    pub partition: TopicPartition,
    /// Where it stands, or why it does not.
    pub result: Result<RecordMetadata, ApiError>,
}

/// Why [`Producer::send`] did not take a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Not now: metadata or memory is awaited. Offer it again after the next input. (Java's `send` blocks here.)
    Wait(
        /// The record.
        Box<ProducerRecord>,
    ),
    /// Not at all.
    Failed(
        /// Why.
        ApiError,
    ),
}

/// A producer.
#[derive(Clone, Debug)]
pub struct Producer {
    config: ProducerConfig,
    net: NetworkClient,
    metadata: Metadata,
    accumulator: RecordAccumulator,
    sender: Sender,
    transactions: Option<TransactionManager>,
    /// The program's own, which then chooses alone.
    partitioner: Option<Box<dyn Partitioner>>,
    /// What it chose for the record that was last refused for want of memory: it is not asked again.
    chosen: Option<(Box<ProducerRecord>, i32)>,
    sticky: BTreeMap<Arc<str>, StickyPartitioner>,
    /// How many records of a topic the round robin partitioner has placed.
    turns: BTreeMap<Arc<str>, usize>,
    last_id: u64,
    pending: usize,
    refused_since: Option<Instant>,
    delivered: Vec<Delivery>,
    /// Records that were delivered, and that were given up, in all.
    acknowledged: u64,
    failed: u64,
}

impl Producer {
    /// A producer without connections.
    pub fn new(config: ProducerConfig) -> Producer {
        Producer {
            net: NetworkClient::new(config.client.clone()),
            metadata: Metadata::new(&config.client, true),
            accumulator: RecordAccumulator::new(&config),
            sender: Sender::default(),
            transactions: config.is_idempotent().then(|| TransactionManager::new(&config)),
            partitioner: None,
            chosen: None,
            sticky: BTreeMap::new(),
            turns: BTreeMap::new(),
            last_id: 0,
            pending: 0,
            refused_since: None,
            delivered: Vec::new(),
            acknowledged: 0,
            failed: 0,
            config,
        }
    }

    /// A producer whose records, unless they name a partition, go where `partitioner` says; the settings of Kafka's own
    /// partitioners do not count then.
    pub fn with_partitioner(config: ProducerConfig, partitioner: Box<dyn Partitioner>) -> Producer {
        Producer { partitioner: Some(partitioner), ..Producer::new(config) }
    }

    /// What the producer knows of the cluster.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The same, to take what is to be logged.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Records that were taken and not yet delivered.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// What was sent so far.
    pub fn counts(&self) -> Counts {
        self.sender.counts()
    }

    /// Takes a record into the accumulator.
    pub fn send(&mut self, cx: &mut Context<'_>, record: ProducerRecord) -> Result<RecordId, Refused> {
        let failed = |code, text: String| Err(Refused::Failed(ApiError::new(code, text)));
        self.metadata.add_topic(&record.topic);
        let Some(topic) = self.metadata.topic(&record.topic) else {
            let name = &record.topic;
            if self.metadata.topic_error(name) == Some(ErrorCode::INVALID_TOPIC_EXCEPTION) {
                self.refused_since = None;
                return failed(ErrorCode::INVALID_TOPIC_EXCEPTION, format!("Invalid topics: [{name}]"));
            }
            let wait = self.config.max_block_ms;
            let text = format!("Topic {name} not present in metadata after {wait} ms.");
            return self.refuse(cx, record, ErrorCode::REQUEST_TIMED_OUT, text);
        };
        let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let key = record.key.as_ref().filter(|_| !self.config.ignores_keys());
        let built_in = record.partition.is_none() && self.partitioner.is_none();
        let in_turn = built_in && self.config.partitioner == PartitionerClass::RoundRobin;
        let sticks = built_in && key.is_none() && !in_turn;
        let chosen = self.chosen.take().filter(|(of, _)| **of == record).map(|(_, partition)| partition);
        let partition = match (record.partition, key) {
            (Some(partition), _) if !topic.partitions.contains_key(&partition) => {
                let (name, wait) = (&record.topic, self.config.max_block_ms);
                let text = format!(
                    "Partition {partition} of topic {name} with partition count {count} is not present in metadata after {wait} ms."
                );
                self.metadata.request_update();
                return self.refuse(cx, record, ErrorCode::REQUEST_TIMED_OUT, text);
            }
            (Some(partition), _) => partition,
            (None, _) if let Some(partitioner) = &mut self.partitioner => {
                match chosen.map_or_else(|| choose(partitioner.as_mut(), topic, &record), Ok) {
                    Ok(partition) => partition,
                    Err(error) => {
                        self.refused_since = None;
                        return Err(Refused::Failed(error));
                    }
                }
            }
            (None, _) if in_turn => {
                let loads = self.loads(&record.topic);
                let turn = self.turns.get(&record.topic).copied().unwrap_or(0);
                loads.get(turn % loads.len().max(1)).map_or(0, |load| load.partition)
            }
            (None, Some(key)) => partition_for_key(key, count),
            (None, None) => {
                let current = self.sticky.get(&record.topic).and_then(StickyPartitioner::current);
                let led = |partition: &i32| {
                    topic.partitions.get(partition).is_some_and(|partition| partition.leader >= 0)
                };
                match current.filter(led) {
                    Some(partition) => partition,
                    None => {
                        let loads = self.loads(&record.topic);
                        let sticky = self.sticky.entry(record.topic.clone()).or_default();
                        sticky.partition(&loads, cx.rng).unwrap_or(0)
                    }
                }
            }
        };
        let size = record_size(record.key.as_deref(), record.value.as_deref(), &record.headers);
        for (limit, name) in
            [(self.config.max_request_size, "max.request.size"), (self.config.buffer_memory, "buffer.memory")]
        {
            if size > limit {
                return failed(
                    ErrorCode::MESSAGE_TOO_LARGE,
                    format!(
                        "The message is {size} bytes when serialized which is larger than {limit}, which is the value of the {name} configuration."
                    ),
                );
            }
        }
        let to = TopicPartition { topic: record.topic.clone(), partition };
        if let Err(error) = self.check_send(&to) {
            self.refused_since = None;
            return Err(Refused::Failed(ApiError::from(&error)));
        }
        let timestamp = record.timestamp.unwrap_or_else(|| cx.unix_ms());
        let id = RecordId(self.last_id + 1);
        let Some(appended) = self.accumulator.append(cx.now, &to, id, timestamp, &record) else {
            let (available, total) = self.accumulator.memory();
            let text = format!(
                "Failed to allocate {} bytes within the configured max blocking time {} ms. Total memory: {total} bytes. Available memory: {available} bytes. Poolable size: {} bytes",
                size.max(self.config.batch_size),
                self.config.max_block_ms,
                self.config.batch_size,
            );
            let again = self.refuse(cx, record, ErrorCode::REQUEST_TIMED_OUT, text);
            if let (Some(_), Err(Refused::Wait(record))) = (&self.partitioner, &again) {
                self.chosen = Some((record.clone(), partition));
            }
            return again;
        };
        self.add_to_transaction(&to);
        if in_turn {
            let turn = self.turns.entry(record.topic.clone()).or_default();
            *turn = turn.wrapping_add(1);
        }
        if sticks && let Some(sticky) = self.sticky.get_mut(&record.topic) {
            sticky.produced(appended.bytes, self.config.batch_size, appended.new_batch);
        }
        self.last_id = id.0;
        self.pending += 1;
        self.refused_since = None;
        Ok(id)
    }

    /// Says to wait, or to give up once that has gone on for `max.block.ms`.
    fn refuse(
        &mut self,
        cx: &mut Context<'_>,
        record: ProducerRecord,
        code: ErrorCode,
        text: String,
    ) -> Result<RecordId, Refused> {
        let since = *self.refused_since.get_or_insert(cx.now);
        let waited = i64::try_from(cx.now.since(since).as_millis()).unwrap_or(i64::MAX);
        if waited >= self.config.max_block_ms {
            self.refused_since = None;
            return Err(Refused::Failed(ApiError::new(code, text)));
        }
        Err(Refused::Wait(Box::new(record)))
    }

    fn loads(&self, topic: &Arc<str>) -> Vec<PartitionLoad> {
        let Some(metadata) = self.metadata.topic(topic) else { return Vec::new() };
        let load =
            |&partition: &i32| self.accumulator.load(&TopicPartition { topic: topic.clone(), partition });
        let available: Vec<_> = metadata.available().map(|partition| load(&partition.partition)).collect();
        if available.is_empty() { metadata.partitions.keys().map(load).collect() } else { available }
    }

    /// Lets everything that was taken go out without lingering.
    pub fn flush(&mut self) {
        self.accumulator.begin_flush();
    }

    /// Takes an input (or none that matters: call it after `send` too) and gives what was delivered.
    pub fn handle(&mut self, cx: &mut Context<'_>, input: &Input) -> Vec<Delivery> {
        let mut completed = self.net.handle(cx, input);
        while !completed.is_empty() {
            for one in &completed {
                let taken = self.metadata.handle(cx, &mut self.net, one)
                    || self
                        .transactions
                        .as_mut()
                        .is_some_and(|transactions| transactions.handle(cx, one, self.net.features()));
                if !taken {
                    let (sender, mut parts) = self.parts();
                    sender.handle(cx, one, &mut parts);
                }
            }
            completed = self.net.take_completed();
        }
        self.poll(cx)
    }

    /// Sends what is due.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Vec<Delivery> {
        let (sender, mut parts) = self.parts();
        sender.poll(cx, &mut parts);
        self.metadata.poll(cx, &mut self.net);
        let delivered = std::mem::take(&mut self.delivered);
        self.pending = self.pending.saturating_sub(delivered.len());
        let failed = delivered.iter().filter(|delivery| delivery.result.is_err()).count();
        self.failed += failed as u64;
        self.acknowledged += (delivered.len() - failed) as u64;
        delivered
    }

    fn parts(&mut self) -> (&mut Sender, Parts<'_>) {
        let parts = Parts {
            config: &self.config,
            accumulator: &mut self.accumulator,
            transactions: self.transactions.as_mut(),
            metadata: &mut self.metadata,
            net: &mut self.net,
            out: &mut self.delivered,
        };
        (&mut self.sender, parts)
    }

    /// The id and epoch of an idempotent producer, once a broker gave them.
    pub fn producer_id(&self) -> Option<ProducerIdAndEpoch> {
        self.transactions.as_ref()?.producer()
    }

    /// When `handle` is next wanted.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let block = u64::try_from(self.config.max_block_ms).unwrap_or(0);
        let refused = self.refused_since.map(|since| since + std::time::Duration::from_millis(block));
        // Once it is time the program offers the record again, or never does.
        let refused = refused.filter(|at| *at > now);
        [
            self.net.next_timeout(now),
            self.metadata.next_timeout(now),
            self.accumulator.next_timeout(now),
            self.sender.next_timeout(&self.config),
            self.transactions.as_ref().and_then(|transactions| transactions.next_timeout(now)),
            refused,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Closes the connections. What is pending is lost; flush first.
    pub fn close(&mut self, cx: &mut Context<'_>) {
        self.net.close(cx);
    }
}

/// Where a program's partitioner sends a record, by the rules of KafkaProducer.partition.
fn choose(
    partitioner: &mut dyn Partitioner,
    topic: &TopicMetadata,
    record: &ProducerRecord,
) -> Result<i32, ApiError> {
    // No code stands for what a program's own classes throw, nor for Java's IllegalArgumentException.
    let failed = |text: String| ApiError::new(ErrorCode::UNKNOWN_SERVER_ERROR, text);
    let partition = partitioner
        .partition(topic, record.key.as_deref(), record.value.as_deref())
        .map_err(|text| failed(format!("The partitioner failed: {text}")))?;
    if partition < 0 {
        return Err(failed(format!(
            "The partitioner generated an invalid partition number: {partition}. Partition number should always be non-negative."
        )));
    }
    Ok(partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key in hexadecimal and its murmur2 a line, computed by Kafka's own Utils.murmur2.
    const VECTORS: &str = include_str!("../../../../tests/fixtures/murmur2.txt");

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn murmur2_is_javas() {
        let mut count = 0;
        for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
            let (key, hash) = line.split_once('\t').unwrap();
            assert_eq!(murmur2(&unhex(key)), hash.parse::<i32>().unwrap(), "key {key}");
            count += 1;
        }
        assert!(count >= 1_000, "{count} vectors");
    }
}
