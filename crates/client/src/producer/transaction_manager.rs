//! The producer's id and the sequence numbers of its batches (KIP-98, KIP-360;
//! org.apache.kafka.clients.producer.internals.TransactionManager). Its transactions are rooms of their own.

mod answers;
mod requests;
mod state;
mod transaction;

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Context, Instant};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use super::{ProducerConfig, RecordId};
use crate::network_client::FinalizedFeatures;
use crate::{ApiError, Completed, ExponentialBackoff, Metadata, NetworkClient, TopicPartition};

pub use requests::Turn;
pub use state::{Thrown, TransactionError, TransactionEvent, TransactionOperation, TransactionState};
pub use transaction::Transaction;

use answers::NewProducer;

/// A producer's id with its epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerIdAndEpoch {
    /// The id that a broker gave.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

impl ProducerIdAndEpoch {
    /// How requests say that there is none.
    pub const NONE: ProducerIdAndEpoch = ProducerIdAndEpoch { id: -1, epoch: -1 };
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
    /// The offset of the last record that was acknowledged; -1 for none.
    last_acked_offset: i64,
    /// Batches that have a sequence and are not done, in their order.
    batches: Vec<Sequenced>,
    /// A batch with this last sequence was given up, and nobody knows whether it stands in the log.
    unresolved: bool,
}

impl Sequence {
    /// Its batches get new numbers from 0 on (startSequencesAtBeginning).
    fn start_at_beginning(&mut self, producer: ProducerIdAndEpoch) {
        (self.producer, self.next, self.last_acked) = (producer, 0, -1);
        for batch in &mut self.batches {
            (batch.producer, batch.base_sequence, batch.reset) = (producer, self.next, true);
            self.next = add(self.next, batch.count);
        }
    }
}

/// A sequence number further on. They wrap from 2³¹-1 to 0.
fn add(sequence: i32, by: i32) -> i32 {
    i32::try_from((i64::from(sequence) + i64::from(by)) & i64::from(i32::MAX)).unwrap_or(0)
}

/// The state of an idempotent producer, and of its transactions if it has any.
#[derive(Clone, Debug)]
pub struct TransactionManager {
    transaction: Option<Box<Transaction>>,
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
    pub fn new(config: &ProducerConfig) -> TransactionManager {
        let backoff = config.client.retry_backoff;
        let transaction = config.transactional_id.as_deref().map(|id| {
            let timeout_ms = config.transaction_timeout_ms;
            Box::new(Transaction::new(id, timeout_ms, config.max_block_ms, backoff.initial_ms))
        });
        TransactionManager {
            transaction,
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

    /// Its transactions, if it has any.
    pub fn transaction(&self) -> Option<&Transaction> {
        self.transaction.as_deref()
    }

    /// The same, to do something with them, with the id and epoch of now.
    pub fn transaction_mut(&mut self) -> Option<(&mut Transaction, Option<ProducerIdAndEpoch>)> {
        self.transaction.as_deref_mut().map(|transaction| (transaction, self.producer))
    }

    /// Sends what is next to be asked of a coordinator. `incomplete` says that records are not acknowledged yet.
    pub fn poll_transaction(
        &mut self,
        cx: &mut Context<'_>,
        metadata: &mut Metadata,
        net: &mut NetworkClient,
        incomplete: bool,
    ) -> Turn {
        match &mut self.transaction {
            Some(transaction) => transaction.poll(cx, self.producer, metadata, net, incomplete),
            None => Turn::Records,
        }
    }

    /// Why nothing can be sent any more.
    pub fn fatal(&self) -> Option<&ApiError> {
        self.fatal.as_ref()
    }

    /// Asks for an id, if one is wanted.
    pub fn poll(&mut self, cx: &mut Context<'_>, metadata: &mut Metadata, net: &mut NetworkClient) {
        self.resolve();
        if self.transaction.is_some() {
            return;
        }
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
        if let Some(transaction) = &self.transaction {
            return transaction.next_timeout(now);
        }
        (self.producer.is_none() && self.in_flight.is_none() && self.retry_at > now).then_some(self.retry_at)
    }

    fn retry(&mut self, cx: &mut Context<'_>) {
        self.attempts = self.attempts.saturating_add(1);
        let wait = self.backoff.backoff(self.attempts, cx.rng);
        self.retry_at = cx.after_ms(wait);
    }

    /// Takes a completed request; gives whether it was this one's.
    pub fn handle(
        &mut self,
        cx: &mut Context<'_>,
        completed: &Completed,
        features: &FinalizedFeatures,
    ) -> bool {
        if let Some(transaction) = &mut self.transaction {
            let awaited = transaction.awaits(completed);
            if awaited
                && let Some(NewProducer { producer, reset }) = transaction.handle(cx, completed, features)
            {
                self.producer = Some(producer);
                if reset {
                    self.partitions.clear();
                }
            }
            return awaited;
        }
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
        if self.transaction.as_ref().is_some_and(|transaction| !transaction.may_send(partition)) {
            return false;
        }
        let Some(sequence) = self.partitions.get(partition) else { return true };
        match sequence.batches.iter().position(|batch| batch.name == name) {
            Some(at) => at == 0,
            None => !sequence.unresolved && (sequence.producer == producer || sequence.batches.is_empty()),
        }
    }

    /// Whether a batch has a sequence number: it was sent before, or is a part of one that was.
    pub fn is_sequenced(&self, partition: &TopicPartition, name: RecordId) -> bool {
        let sequence = self.partitions.get(partition);
        sequence.is_some_and(|sequence| sequence.batches.iter().any(|batch| batch.name == name))
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
            last_acked_offset: -1,
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

    /// A batch stands in the log, from this offset on; -1 if that is not known.
    pub fn on_acked(&mut self, partition: &TopicPartition, name: RecordId, base_offset: i64) {
        let Some(batch) = self.take(partition, name) else { return };
        if let Some(sequence) = self.partitions.get_mut(partition)
            && sequence.producer == batch.producer
        {
            sequence.last_acked = sequence.last_acked.max(batch.last_sequence());
            if base_offset >= 0 {
                let last = base_offset + i64::from(batch.count) - 1;
                sequence.last_acked_offset = sequence.last_acked_offset.max(last);
            }
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
    /// `log_start` is what the broker said of it, -1 for nothing.
    pub fn can_retry(
        &mut self,
        partition: &TopicPartition,
        name: RecordId,
        code: ErrorCode,
        log_start: i64,
    ) -> bool {
        if !matches!(code, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER | ErrorCode::UNKNOWN_PRODUCER_ID) {
            return code.is_retriable();
        }
        if self.transaction.is_some() {
            return self.can_retry_in_transaction(partition, name, code, log_start);
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

    /// The same of a producer with transactions: its epoch does not go up by itself, so that a gap ends the
    /// transaction.
    fn can_retry_in_transaction(
        &mut self,
        partition: &TopicPartition,
        name: RecordId,
        code: ErrorCode,
        log_start: i64,
    ) -> bool {
        let Some(producer) = self.producer else { return false };
        let Some(sequence) = self.partitions.get_mut(partition) else { return false };
        let Some(batch) = sequence.batches.iter().find(|batch| batch.name == name) else { return false };
        if code == ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER {
            let is_next = batch.base_sequence == add(sequence.last_acked, 1);
            return !sequence.unresolved && (batch.reset || !is_next);
        }
        if log_start == -1 || batch.reset {
            return true;
        }
        // The records that the broker knew the producer by were deleted: it begins there anew.
        let deleted = sequence.last_acked_offset < log_start;
        if deleted {
            sequence.start_at_beginning(producer);
        }
        deleted
    }

    /// A batch was given up. `certain` says that it is not in the log, so that those behind it take its numbers.
    pub fn on_failed(&mut self, partition: &TopicPartition, name: RecordId, error: &ApiError, certain: bool) {
        let code = error.code;
        if let Some(transaction) = &mut self.transaction {
            transaction.batch_failed(error);
        }
        let Some(batch) = self.take(partition, name) else { return };
        if self.producer != Some(batch.producer) {
            return;
        }
        if let Some(transaction) = &self.transaction {
            if transaction.state() == TransactionState::FatalError {
                return;
            }
            if code == ErrorCode::UNKNOWN_PRODUCER_ID {
                self.partitions.remove(partition);
                return;
            }
        }
        if code == ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER && self.transaction.is_none() {
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
        let mut lost = false;
        for (partition, sequence) in &mut self.partitions {
            if sequence.unresolved && sequence.batches.is_empty() {
                sequence.unresolved = false;
                if add(sequence.last_acked, 1) != sequence.next {
                    if self.transaction.is_some() {
                        lost = true;
                    } else {
                        self.to_rewrite.insert(partition.clone());
                    }
                }
            }
        }
        if lost && let Some(transaction) = &mut self.transaction {
            transaction.sequences_unresolved();
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
            if let Some(sequence) = self.partitions.get_mut(&partition) {
                sequence.start_at_beginning(producer);
                sequence.unresolved = false;
            }
        }
    }
}
