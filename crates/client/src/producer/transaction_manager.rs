//! The producer's id and the sequence numbers of its batches (KIP-98, KIP-360;
//! org.apache.kafka.clients.producer.internals.TransactionManager). Left out: transactions.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Context, Instant};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use super::RecordId;
use crate::{ApiError, Completed, ExponentialBackoff, Metadata, NetworkClient, TopicPartition};

/// A producer's id with its epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerIdAndEpoch {
    /// The id that a broker gave.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

/// A batch that has a sequence number. Its name is the number of its first record.
#[derive(Clone, Copy, Debug)]
struct Sequenced {
    name: RecordId,
    producer: ProducerIdAndEpoch,
    base_sequence: i32,
    count: i32,
    /// Whether it was last sent with other numbers than these.
    reset: bool,
}

impl Sequenced {
    fn last_sequence(&self) -> i32 {
        add(self.base_sequence, self.count - 1)
    }
}

/// The sequence of one partition (TxnPartitionEntry).
#[derive(Clone, Debug)]
struct Sequence {
    producer: ProducerIdAndEpoch,
    /// What the next new batch gets.
    next: i32,
    /// Of the last record that was acknowledged; -1 for none.
    last_acked: i32,
    /// Batches that have a sequence and are not done, in their order.
    batches: Vec<Sequenced>,
    /// A batch with this last sequence was given up, and nobody knows whether it stands in the log.
    unresolved: bool,
}

/// A sequence number further on. They wrap from 2³¹-1 to 0.
fn add(sequence: i32, by: i32) -> i32 {
    i32::try_from((i64::from(sequence) + i64::from(by)) & i64::from(i32::MAX)).unwrap_or(0)
}

/// The state of an idempotent producer.
#[derive(Clone, Debug)]
pub struct TransactionManager {
    producer: Option<ProducerIdAndEpoch>,
    /// The InitProducerId request under way.
    in_flight: Option<i32>,
    retry_at: Instant,
    attempts: u32,
    backoff: ExponentialBackoff,
    partitions: BTreeMap<TopicPartition, Sequence>,
    /// Partitions whose sequences start over with the next epoch, which is due.
    to_rewrite: BTreeSet<TopicPartition>,
    fatal: Option<ApiError>,
}

impl TransactionManager {
    /// Without an id.
    pub fn new(backoff: ExponentialBackoff) -> TransactionManager {
        TransactionManager {
            producer: None,
            in_flight: None,
            retry_at: Instant::ZERO,
            attempts: 0,
            backoff,
            partitions: BTreeMap::new(),
            to_rewrite: BTreeSet::new(),
            fatal: None,
        }
    }

    /// The id and epoch, once there are any.
    pub fn producer(&self) -> Option<ProducerIdAndEpoch> {
        self.producer
    }

    /// Why nothing can be sent any more.
    pub fn fatal(&self) -> Option<&ApiError> {
        self.fatal.as_ref()
    }

    /// Asks for an id, if one is wanted.
    pub fn poll(&mut self, cx: &mut Context<'_>, metadata: &mut Metadata, net: &mut NetworkClient) {
        self.resolve();
        self.bump();
        let wanted = self.producer.is_none() && self.in_flight.is_none() && self.fatal.is_none();
        if !wanted || self.retry_at > cx.now {
            return;
        }
        let Some(node) = metadata.least_loaded(cx, net) else { return };
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(i32::MAX)
            .with_producer_id((-1).into())
            .with_producer_epoch(-1);
        let sent = net
            .version::<InitProducerIdRequest>(node)
            .and_then(|version| net.send(cx, node, version, &request, true));
        match sent {
            Ok(correlation_id) => self.in_flight = Some(correlation_id),
            Err(error) if error.code.is_retriable() => self.retry(cx),
            Err(error) => self.fatal = Some(error),
        }
    }

    /// When [`poll`](Self::poll) is next wanted, apart from the network's own timeouts.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        (self.producer.is_none() && self.in_flight.is_none() && self.retry_at > now).then_some(self.retry_at)
    }

    fn retry(&mut self, cx: &mut Context<'_>) {
        self.attempts = self.attempts.saturating_add(1);
        let wait = self.backoff.backoff(self.attempts, cx.rng);
        self.retry_at = cx.after_ms(wait);
    }

    /// Takes a completed request; gives whether it was this one's.
    pub fn handle(&mut self, cx: &mut Context<'_>, completed: &Completed) -> bool {
        if self.in_flight != Some(completed.correlation_id) {
            return false;
        }
        self.in_flight = None;
        let answer = completed.decode::<InitProducerIdResponse>().and_then(|response| {
            ApiError::check(response.error_code, None)?;
            Ok(ProducerIdAndEpoch { id: response.producer_id.0, epoch: response.producer_epoch })
        });
        match answer {
            Ok(producer) => {
                self.attempts = 0;
                self.producer = Some(producer);
                self.rewrite(producer);
            }
            Err(error) if error.code.is_retriable() => self.retry(cx),
            Err(error) => self.fatal = Some(error),
        }
        true
    }

    /// Whether the next batch of a partition may be sent now (shouldStopDrainBatchesForPartition). A batch that was
    /// sent before waits for those before it, and a new one for the end of an epoch that is over.
    pub fn may_send(&self, partition: &TopicPartition, name: RecordId) -> bool {
        let Some(producer) = self.producer.filter(|_| self.to_rewrite.is_empty()) else { return false };
        let Some(sequence) = self.partitions.get(partition) else { return true };
        match sequence.batches.iter().position(|batch| batch.name == name) {
            Some(at) => at == 0,
            None => !sequence.unresolved && (sequence.producer == producer || sequence.batches.is_empty()),
        }
    }

    /// The id, epoch and first sequence number that a batch is sent with.
    pub fn assign(
        &mut self,
        partition: &TopicPartition,
        name: RecordId,
        count: i32,
    ) -> Option<(ProducerIdAndEpoch, i32)> {
        let producer = self.producer?;
        let sequence = self.partitions.entry(partition.clone()).or_insert_with(|| Sequence {
            producer,
            next: 0,
            last_acked: -1,
            batches: Vec::new(),
            unresolved: false,
        });
        if let Some(batch) = sequence.batches.iter_mut().find(|batch| batch.name == name) {
            batch.reset = false;
            return Some((batch.producer, batch.base_sequence));
        }
        if sequence.producer != producer && sequence.batches.is_empty() {
            (sequence.producer, sequence.next, sequence.last_acked) = (producer, 0, -1);
        }
        let base_sequence = sequence.next;
        sequence.next = add(base_sequence, count);
        sequence.batches.push(Sequenced { name, producer, base_sequence, count, reset: false });
        Some((producer, base_sequence))
    }

    fn take(&mut self, partition: &TopicPartition, name: RecordId) -> Option<Sequenced> {
        let sequence = self.partitions.get_mut(partition)?;
        let at = sequence.batches.iter().position(|batch| batch.name == name)?;
        Some(sequence.batches.remove(at))
    }

    /// A batch stands in the log.
    pub fn on_acked(&mut self, partition: &TopicPartition, name: RecordId) {
        let Some(batch) = self.take(partition, name) else { return };
        if let Some(sequence) = self.partitions.get_mut(partition)
            && sequence.producer == batch.producer
        {
            sequence.last_acked = sequence.last_acked.max(batch.last_sequence());
        }
    }

    /// A batch was refused as too large and goes on as these parts, each with its number of records.
    pub fn on_split(&mut self, partition: &TopicPartition, name: RecordId, parts: &[(RecordId, i32)]) {
        let Some(sequence) = self.partitions.get_mut(partition) else { return };
        let Some(at) = sequence.batches.iter().position(|batch| batch.name == name) else { return };
        let whole = sequence.batches.remove(at);
        let mut base_sequence = whole.base_sequence;
        for (place, (name, count)) in (at..).zip(parts) {
            sequence.batches.insert(place, Sequenced { name: *name, base_sequence, count: *count, ..whole });
            base_sequence = add(base_sequence, *count);
        }
    }

    /// Whether a batch that was refused for its sequence is sent again, and what has to happen before.
    pub fn can_retry(&mut self, partition: &TopicPartition, name: RecordId, code: ErrorCode) -> bool {
        if !matches!(code, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER | ErrorCode::UNKNOWN_PRODUCER_ID) {
            return code.is_retriable();
        }
        let Some(sequence) = self.partitions.get(partition) else { return false };
        let Some(batch) = sequence.batches.iter().find(|batch| batch.name == name) else { return false };
        let is_next = batch.base_sequence == add(sequence.last_acked, 1);
        // One before it is on its way again, and this one only came too early.
        if !sequence.unresolved && (batch.reset || !is_next) && code != ErrorCode::UNKNOWN_PRODUCER_ID {
            return true;
        }
        self.to_rewrite.insert(partition.clone());
        true
    }

    /// A batch was given up. `certain` says that it is not in the log, so that those behind it take its numbers.
    pub fn on_failed(&mut self, partition: &TopicPartition, name: RecordId, code: ErrorCode, certain: bool) {
        let Some(batch) = self.take(partition, name) else { return };
        if self.producer != Some(batch.producer) {
            return;
        }
        if code == ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER {
            self.to_rewrite.insert(partition.clone());
        } else if certain && let Some(sequence) = self.partitions.get_mut(partition) {
            sequence.next = add(sequence.next, -batch.count);
            for later in sequence.batches.iter_mut().filter(|later| later.base_sequence > batch.base_sequence)
            {
                later.base_sequence = add(later.base_sequence, -batch.count);
                later.reset = true;
            }
        }
    }

    /// A batch that was sent more than once ran out of time: whether it stands in the log is not known before those
    /// behind it are answered.
    pub fn mark_unresolved(&mut self, partition: &TopicPartition) {
        if let Some(sequence) = self.partitions.get_mut(partition) {
            sequence.unresolved = true;
        }
    }

    /// Partitions of which all is answered: either nothing is missing, or the epoch is over.
    fn resolve(&mut self) {
        for (partition, sequence) in &mut self.partitions {
            if sequence.unresolved && sequence.batches.is_empty() {
                sequence.unresolved = false;
                if add(sequence.last_acked, 1) != sequence.next {
                    self.to_rewrite.insert(partition.clone());
                }
            }
        }
    }

    /// Begins the next epoch, if something asked for it. At the last epoch a new id is asked for
    /// (bumpIdempotentProducerEpoch).
    fn bump(&mut self) {
        let Some(producer) = self.producer.filter(|_| !self.to_rewrite.is_empty()) else { return };
        match producer.epoch.checked_add(1) {
            Some(epoch) => {
                let producer = ProducerIdAndEpoch { epoch, ..producer };
                self.producer = Some(producer);
                self.rewrite(producer);
            }
            None => self.producer = None,
        }
    }

    /// Batches of the partitions that asked for it get new numbers from 0 on.
    fn rewrite(&mut self, producer: ProducerIdAndEpoch) {
        for partition in std::mem::take(&mut self.to_rewrite) {
            let Some(sequence) = self.partitions.get_mut(&partition) else { continue };
            (sequence.producer, sequence.next, sequence.last_acked) = (producer, 0, -1);
            sequence.unresolved = false;
            for batch in &mut sequence.batches {
                (batch.producer, batch.base_sequence, batch.reset) = (producer, sequence.next, true);
                sequence.next = add(sequence.next, batch.count);
            }
        }
    }
}
