//! How a producer stands, as plain values: what the metrics of Kafka's producer tell, and what waits where.

use blumfeld_kernel::{ClientCounts, Instant};
use blumfeld_protocol::ErrorCode;

use super::{Acks, Counts, Producer, ProducerIdAndEpoch};
use crate::TopicPartition;

/// What waits in the accumulator for a partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionQueue {
    /// Which partition.
    pub partition: TopicPartition,
    /// Batches.
    pub batches: usize,
    /// Records in them.
    pub records: usize,
    /// Their bytes before compression, headers included.
    pub bytes: usize,
    /// Bytes of the batch that left last; 0 if none did.
    pub last_sent: usize,
    /// Bytes of the batch that still takes records; 0 if there is none.
    pub open_bytes: usize,
    /// When the first record of the oldest batch came.
    pub since: Option<Instant>,
    /// Whether the oldest may go out now: only its leader is awaited, or room on the connection.
    pub ready: bool,
    /// Batches among them that were sent before and are to be sent again.
    pub again: usize,
}

/// What is under way to a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeInFlight {
    /// Its `node.id`.
    pub node: i32,
    /// Requests of all kinds: `max.in.flight.requests.per.connection` bounds these.
    pub requests: usize,
    /// Batches in them.
    pub batches: usize,
}

/// How a producer stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProducerView {
    /// `client.id`
    pub client_id: String,
    /// `acks`
    pub acks: Acks,
    /// Whether its batches have sequence numbers.
    pub idempotent: bool,
    /// Its id and epoch, once a broker gave them.
    pub producer: Option<ProducerIdAndEpoch>,
    /// `transactional.id`, if it has one, and Java's name of the state that its transactions are in.
    pub transaction: Option<(String, &'static str)>,
    /// `linger.ms`
    pub linger_ms: i64,
    /// `batch.size` in bytes.
    pub batch_size: usize,
    /// `max.in.flight.requests.per.connection`
    pub max_in_flight: usize,
    /// `buffer.memory` in bytes.
    pub buffer_memory: usize,
    /// Bytes of it that batches have taken, waiting or under way.
    pub buffer_used: usize,
    /// What waits, by partition; partitions that were written to stay when nothing does.
    pub waiting: Vec<PartitionQueue>,
    /// What is under way, by broker; those that have a connection.
    pub in_flight: Vec<NodeInFlight>,
    /// What was sent so far.
    pub counts: Counts,
    /// Records that were delivered; with acks=0 those that were sent.
    pub acknowledged: u64,
    /// Records that were given up.
    pub failed: u64,
    /// What a broker answered last to batches that wait to be sent again.
    pub refused: Option<ErrorCode>,
}

impl Producer {
    /// Records that it has for a partition and has not sent, if this is its `client.id` and it has written there.
    pub fn accumulated(&self, client: &str, topic: &str, partition: i32) -> Option<u64> {
        let records =
            self.accumulator.records(topic, partition).filter(|_| self.config.client.client_id == client)?;
        Some(records as u64)
    }

    /// What it has counted so far.
    pub fn client_counts(&self) -> ClientCounts<'_> {
        let (free, all) = self.accumulator.memory();
        let counts = self.counts();
        ClientCounts {
            client_id: &self.config.client.client_id,
            requests: counts.requests,
            batches: counts.batches,
            retries: counts.retries,
            sent: counts.records,
            acknowledged: self.acknowledged,
            failed: self.failed,
            buffered: (all - free) as u64,
            ..ClientCounts::default()
        }
    }

    /// How it stands at this moment.
    pub fn view(&self, now: Instant) -> ProducerView {
        let (free, all) = self.accumulator.memory();
        let in_flight = self.net.connected().map(|(node, requests)| {
            let (mut count, mut batches) = (0, 0);
            for correlation_id in requests {
                count += 1;
                batches += self.sender.batches_in(correlation_id);
            }
            NodeInFlight { node, requests: count, batches }
        });
        ProducerView {
            client_id: self.config.client.client_id.clone(),
            acks: self.config.acks,
            idempotent: self.transactions.is_some(),
            producer: self.producer_id(),
            transaction: self.transaction_view(),
            linger_ms: self.config.linger_ms,
            batch_size: self.config.batch_size,
            max_in_flight: self.config.client.max_in_flight,
            buffer_memory: all,
            buffer_used: all - free,
            waiting: self.accumulator.waiting(now).collect(),
            in_flight: in_flight.collect(),
            counts: self.counts(),
            acknowledged: self.acknowledged,
            failed: self.failed,
            refused: self.accumulator.refused(),
        }
    }
}
