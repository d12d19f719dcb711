//! Sending batches and taking their answers (org.apache.kafka.clients.producer.internals.Sender).

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_kernel::{Context, Instant};
use blumfeld_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use blumfeld_protocol::messages::produce_response::PartitionProduceResponse;
use blumfeld_protocol::messages::{ProduceRequest, ProduceResponse, TopicName, TransactionalId};
use blumfeld_protocol::wire::{Message, StrBytes};
use blumfeld_protocol::{ErrorCode, Uuid};

use super::accumulator::{ProducerBatch, RecordAccumulator};
use super::transaction_manager::{Thrown, TransactionError, TransactionManager, TransactionState, Turn};
use super::{Delivery, ProducerConfig, RecordMetadata};
use crate::{ApiError, Completed, Metadata, NetworkClient, TopicPartition};

/// From this version on a produce request names topics by id (KIP-516).
const FIRST_VERSION_WITH_TOPIC_IDS: i16 = 13;

/// From the next version on a partition comes into a transaction by what is written to it (KIP-890).
const LAST_VERSION_BEFORE_TRANSACTIONS_V2: i16 = 11;

/// The producer's other parts, each borrowed for itself.
pub struct Parts<'a> {
    pub config: &'a ProducerConfig,
    pub accumulator: &'a mut RecordAccumulator,
    /// Of an idempotent producer.
    pub transactions: Option<&'a mut TransactionManager>,
    pub metadata: &'a mut Metadata,
    pub net: &'a mut NetworkClient,
    /// What was delivered.
    pub out: &'a mut Vec<Delivery>,
}

/// What a producer has sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Produce requests.
    pub requests: u64,
    /// Batches in them, each as often as it was sent.
    pub batches: u64,
    /// Batches among them that had been sent before.
    pub retries: u64,
    /// Records in batches that were sent for the first time.
    pub records: u64,
    /// Bytes of batches that were sent for the first time, before compression.
    pub bytes: u64,
}

/// Requests under way, each with its batches.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    in_flight: BTreeMap<i32, Vec<ProducerBatch>>,
    counts: Counts,
}

impl Sender {
    /// What was sent so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Batches in a request that is under way, by its number.
    pub fn batches_in(&self, correlation_id: i32) -> usize {
        self.in_flight.get(&correlation_id).map_or(0, Vec::len)
    }

    fn count(&mut self, batches: &[ProducerBatch]) {
        let Counts { requests, batches: sent, retries, records, bytes } = &mut self.counts;
        *requests += 1;
        for batch in batches {
            *sent += 1;
            if batch.attempts > 1 {
                *retries += 1;
            } else {
                *records += batch.records.len() as u64;
                *bytes += batch.size() as u64;
            }
        }
    }

    /// Sends what is ready; with acks=0 this delivers it as well.
    pub fn poll(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        self.expire(cx, parts);
        if let Some(transactions) = &mut parts.transactions {
            transactions.poll(cx, parts.metadata, parts.net);
            if let Some(error) = transactions.fatal().cloned() {
                return parts.fail_all(&error);
            }
        }
        if self.poll_transaction(cx, parts) == Turn::Requests {
            return;
        }
        while self.send_ready(cx, parts) {}
    }

    /// Does what a transaction needs before records may be sent, and says whether they may (Sender.runOnce).
    fn poll_transaction(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) -> Turn {
        let Some(manager) = &mut parts.transactions else { return Turn::Records };
        let Some((transaction, _)) = manager.transaction_mut() else { return Turn::Records };
        transaction.expire(cx.now);
        if let Some(error) = transaction.forgive_authorization() {
            self.abort_all(parts, &error);
            return Turn::Requests;
        }
        let completing = transaction.is_completing();
        let error = transaction.last_error().cloned();
        match (transaction.state(), error) {
            (TransactionState::FatalError, Some(error)) => self.abort_all(parts, &error),
            (TransactionState::AbortableError, Some(error)) => parts.abort_undrained(&error),
            (TransactionState::AbortingTransaction, _) => {
                let text = "Failing batch since transaction was aborted";
                parts.abort_undrained(&TransactionError::new(Thrown::Aborted, text));
            }
            _ => {}
        }
        if completing {
            parts.accumulator.begin_flush();
        }
        let incomplete = !parts.accumulator.is_empty() || self.in_flight.values().any(|of| !of.is_empty());
        match &mut parts.transactions {
            Some(manager) => manager.poll_transaction(cx, parts.metadata, parts.net, incomplete),
            None => Turn::Records,
        }
    }

    /// Gives up everything, sent or not (RecordAccumulator.abortBatches).
    fn abort_all(&mut self, parts: &mut Parts<'_>, error: &TransactionError) {
        let mut batches = parts.accumulator.take_all();
        for under_way in self.in_flight.values_mut() {
            batches.append(under_way);
        }
        for batch in batches {
            parts.abort(batch, error);
        }
    }

    /// Sends one request to each node that has something ready. Gives whether any was sent.
    fn send_ready(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) -> bool {
        let mut by_node: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
        for partition in parts.accumulator.ready(cx.now) {
            if !parts.may_send(&partition) {
                continue;
            }
            match parts.metadata.leader(&partition).map(|broker| (broker.id, broker.endpoint.clone())) {
                None => parts.metadata.request_update(),
                Some((node, endpoint)) => {
                    if parts.net.ready(cx, node, &endpoint) {
                        by_node.entry(node).or_default().push(partition);
                    }
                }
            }
        }
        let mut sent = false;
        for (node, partitions) in by_node {
            // The first partition takes its turn to be the last, so that none starves when a request is full.
            let turn = usize::try_from(cx.now.as_micros() % partitions.len() as u64).unwrap_or(0);
            let mut room = parts.config.max_request_size;
            let mut batches = Vec::new();
            for partition in partitions.iter().cycle().skip(turn).take(partitions.len()) {
                // A single batch goes even if it is larger than the rest of the room: it was checked when it came.
                let allowed = if batches.is_empty() { usize::MAX } else { room };
                if let Some(batch) = parts.drain(partition, allowed) {
                    room = room.saturating_sub(batch.size());
                    batches.push(batch);
                }
            }
            if !batches.is_empty() {
                self.send(cx, node, batches, parts);
                sent = true;
            }
        }
        sent
    }

    fn send(&mut self, cx: &mut Context<'_>, node: i32, batches: Vec<ProducerBatch>, parts: &mut Parts<'_>) {
        let transaction = parts.transactions.as_ref().and_then(|manager| manager.transaction());
        let newest = match transaction {
            Some(transaction) if !transaction.is_v2() => LAST_VERSION_BEFORE_TRANSACTIONS_V2,
            _ => ProduceRequest::VERSIONS.max,
        };
        let transactional_id =
            transaction.map(|of| TransactionalId(StrBytes::from_string(of.id().to_owned())));
        let version = match parts.net.version_up_to::<ProduceRequest>(node, newest) {
            Ok(version) => version,
            Err(error) => {
                return batches.into_iter().for_each(|batch| parts.fail(batch, &error, true));
            }
        };
        let mut topics: Vec<TopicProduceData> = Vec::new();
        for batch in &batches {
            let id = parts.metadata.topic(&batch.partition.topic).map_or(Uuid::nil(), |topic| topic.id);
            let name = TopicName(StrBytes::from_string(batch.partition.topic.to_string()));
            let data = PartitionProduceData::default()
                .with_index(batch.partition.partition)
                .with_records(Some(batch.build().bytes().clone()));
            let by_id = version >= FIRST_VERSION_WITH_TOPIC_IDS;
            match topics
                .iter_mut()
                .find(|topic| if by_id { topic.topic_id == id } else { topic.name == name })
            {
                Some(topic) => topic.partition_data.push(data),
                None => {
                    let topic = TopicProduceData::default().with_partition_data(vec![data]);
                    topics.push(if by_id { topic.with_topic_id(id) } else { topic.with_name(name) });
                }
            }
        }
        let config = parts.config;
        let request = ProduceRequest::default()
            .with_transactional_id(transactional_id)
            .with_acks(config.acks.code())
            .with_timeout_ms(i32::try_from(config.client.request_timeout_ms).unwrap_or(i32::MAX))
            .with_topic_data(topics);
        self.count(&batches);
        let wants_answer = config.acks.code() != 0;
        match parts.net.send(cx, node, version, &request, wants_answer) {
            Ok(correlation_id) if wants_answer => {
                self.in_flight.insert(correlation_id, batches);
            }
            Ok(_) => batches.into_iter().for_each(|batch| parts.deliver(batch, -1, -1)),
            Err(error) => batches.into_iter().for_each(|batch| parts.settle(cx, batch, &error, -1)),
        }
    }

    /// Takes a completed request; gives whether it was one of these.
    pub fn handle(&mut self, cx: &mut Context<'_>, completed: &Completed, parts: &mut Parts<'_>) -> bool {
        let Some(batches) = self.in_flight.remove(&completed.correlation_id) else { return false };
        let response = match completed.decode::<ProduceResponse>() {
            Ok(response) => response,
            Err(error) => {
                batches.into_iter().for_each(|batch| parts.settle(cx, batch, &error, -1));
                return true;
            }
        };
        let by_id = completed.version >= FIRST_VERSION_WITH_TOPIC_IDS;
        for batch in batches {
            let id = parts.metadata.topic(&batch.partition.topic).map(|topic| topic.id);
            let answer = response
                .responses
                .iter()
                .filter(|topic| {
                    if by_id {
                        Some(topic.topic_id) == id
                    } else {
                        topic.name.as_str() == &*batch.partition.topic
                    }
                })
                .flat_map(|topic| &topic.partition_responses)
                .find(|answer| answer.index == batch.partition.partition);
            match answer {
                Some(answer) => answered(cx, batch, answer, parts),
                None => parts.settle(cx, batch, &ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.into(), -1),
            }
        }
        true
    }

    /// Gives up the batches that have waited for `delivery.timeout.ms`, sent or not.
    fn expire(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        let mut expired = parts.accumulator.expire(cx.now);
        for batches in self.in_flight.values_mut() {
            let due = |batch: &mut ProducerBatch| deadline(parts.config, batch) <= cx.now;
            expired.extend(batches.extract_if(.., due));
        }
        for batch in expired {
            let text = format!(
                "Expiring {} record(s) for {}:{} ms has passed since batch creation",
                batch.records.len(),
                batch.partition,
                cx.now.since(batch.created).as_millis(),
            );
            let (partition, sent_again) = (batch.partition.clone(), batch.attempts > 1);
            parts.fail(batch, &ApiError::timeout(text), false);
            if let Some(transactions) = parts.transactions.as_mut().filter(|_| sent_again) {
                transactions.mark_unresolved(&partition);
            }
        }
    }

    /// When a batch that is under way runs out of time.
    pub fn next_timeout(&self, config: &ProducerConfig) -> Option<Instant> {
        self.in_flight.values().flatten().map(|batch| deadline(config, batch)).min()
    }
}

/// When a batch must be delivered, by `delivery.timeout.ms`.
fn deadline(config: &ProducerConfig, batch: &ProducerBatch) -> Instant {
    batch.created + Duration::from_millis(u64::try_from(config.delivery_timeout_ms).unwrap_or(0))
}

fn answered(
    cx: &mut Context<'_>,
    batch: ProducerBatch,
    answer: &PartitionProduceResponse,
    parts: &mut Parts<'_>,
) {
    match ApiError::check(answer.error_code, answer.error_message.as_ref()) {
        Ok(()) => parts.deliver(batch, answer.base_offset, answer.log_append_time_ms),
        // It stands in the log; where is not known any more.
        Err(error) if error.code == ErrorCode::DUPLICATE_SEQUENCE_NUMBER => parts.deliver(batch, -1, -1),
        Err(error) if error.code == ErrorCode::MESSAGE_TOO_LARGE => {
            parts.accumulator.unmute(&batch.partition);
            let (partition, name) = (batch.partition.clone(), batch.name());
            match parts.accumulator.split_and_reenqueue(batch, cx.now) {
                Ok(names) => {
                    if let Some(transactions) = &mut parts.transactions {
                        transactions.on_split(&partition, name, &names);
                    }
                }
                Err(batch) => parts.fail(*batch, &error, true),
            }
        }
        Err(error) => parts.settle(cx, batch, &error, answer.log_start_offset),
    }
}

impl Parts<'_> {
    /// Whether the first batch of a partition may go, as far as its sequence is concerned.
    fn may_send(&self, partition: &TopicPartition) -> bool {
        match (&self.transactions, self.accumulator.first(partition)) {
            (Some(transactions), Some(name)) => transactions.may_send(partition, name),
            _ => true,
        }
    }

    /// Takes the next batch of a ready partition, if it is no larger than `room` bytes, with its sequence number.
    fn drain(&mut self, partition: &TopicPartition, room: usize) -> Option<ProducerBatch> {
        let mut batch = self.accumulator.drain(partition, room)?;
        if let Some(transactions) = &mut self.transactions
            && let Some((producer, base_sequence)) =
                transactions.assign(partition, batch.name(), batch.count())
        {
            batch.set_producer(producer, base_sequence);
        }
        if self.config.guarantee_message_order() {
            self.accumulator.mute(partition);
        }
        Some(batch)
    }

    /// Sends a batch again if its error allows it, else gives it up. `log_start` is what the broker said of it.
    fn settle(&mut self, cx: &mut Context<'_>, batch: ProducerBatch, error: &ApiError, log_start: i64) {
        let tries_left = batch.attempts <= self.config.retries;
        let retriable = tries_left
            && cx.now < deadline(self.config, &batch)
            && match &mut self.transactions {
                Some(transactions) => {
                    transactions.can_retry(&batch.partition, batch.name(), error.code, log_start)
                }
                None => error.code.is_retriable(),
            };
        if !retriable {
            // A batch that ran out of tries may stand in the log.
            return self.fail(batch, error, tries_left);
        }
        // All but a full queue of the broker may mean that the leader is another one by now.
        self.metadata.request_update();
        self.accumulator.unmute(&batch.partition);
        let wait = self.config.client.retry_backoff.backoff(batch.attempts, cx.rng);
        self.accumulator.reenqueue(batch, cx.after_ms(wait), error.code);
    }

    fn deliver(&mut self, batch: ProducerBatch, base_offset: i64, log_append_time: i64) {
        self.accumulator.unmute(&batch.partition);
        self.accumulator.release(&batch);
        if let Some(transactions) = &mut self.transactions {
            transactions.on_acked(&batch.partition, batch.name(), base_offset);
        }
        for (index, (id, timestamp)) in (0_i64..).zip(batch.records) {
            let offset = if base_offset < 0 { -1 } else { base_offset + index };
            let timestamp = if log_append_time >= 0 { log_append_time } else { timestamp };
            let result = Ok(RecordMetadata { offset, timestamp });
            self.out.push(Delivery { id, partition: batch.partition.clone(), result });
        }
    }

    /// Gives a batch up. `certain` says that it is not in the log.
    fn fail(&mut self, batch: ProducerBatch, error: &ApiError, certain: bool) {
        self.accumulator.unmute(&batch.partition);
        self.accumulator.release(&batch);
        if let Some(transactions) = &mut self.transactions {
            transactions.on_failed(&batch.partition, batch.name(), error, certain);
        }
        self.failed(batch, error);
    }

    fn failed(&mut self, batch: ProducerBatch, error: &ApiError) {
        for (id, _) in batch.records {
            self.out.push(Delivery { id, partition: batch.partition.clone(), result: Err(error.clone()) });
        }
    }

    /// Gives a batch up whose transaction is: nothing follows from that.
    fn abort(&mut self, batch: ProducerBatch, error: &TransactionError) {
        self.accumulator.release(&batch);
        self.failed(batch, &ApiError::from(error));
    }

    /// Gives up what was never sent (RecordAccumulator.abortUndrainedBatches). Of what was, the fate has to be known
    /// before the transaction can end.
    fn abort_undrained(&mut self, error: &TransactionError) {
        let Some(manager) = &self.transactions else { return };
        let undrained = |batch: &ProducerBatch| !manager.is_sequenced(&batch.partition, batch.name());
        let batches = self.accumulator.take_if(undrained);
        for batch in batches {
            self.abort(batch, error);
        }
    }

    /// Nothing can be sent any more.
    fn fail_all(&mut self, error: &ApiError) {
        for batch in self.accumulator.take_all() {
            self.fail(batch, error, true);
        }
    }
}
