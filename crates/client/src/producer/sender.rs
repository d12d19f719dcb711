//! Sending batches and taking their answers (org.apache.kafka.clients.producer.internals.Sender).

use std::collections::BTreeMap;

use barnabas_kernel::{Context, Instant};
use barnabas_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use barnabas_protocol::messages::produce_response::PartitionProduceResponse;
use barnabas_protocol::messages::{ProduceRequest, ProduceResponse, TopicName};
use barnabas_protocol::wire::StrBytes;
use barnabas_protocol::{ErrorCode, Uuid};

use super::accumulator::{ProducerBatch, RecordAccumulator};
use super::{Delivery, ProducerConfig, RecordMetadata};
use crate::{ApiError, Completed, Metadata, NetworkClient, TopicPartition};

/// From this version on a produce request names topics by id (KIP-516).
const FIRST_VERSION_WITH_TOPIC_IDS: i16 = 13;

/// Requests under way, each with its batches.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    in_flight: BTreeMap<i32, Vec<ProducerBatch>>,
}

impl Sender {
    /// Sends what is ready; with acks=0 this delivers it as well.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        config: &ProducerConfig,
        accumulator: &mut RecordAccumulator,
        metadata: &mut Metadata,
        net: &mut NetworkClient,
        out: &mut Vec<Delivery>,
    ) {
        let mut by_node: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
        for partition in accumulator.ready(cx.now) {
            match metadata.leader(&partition).map(|broker| (broker.id, broker.endpoint.clone())) {
                None => metadata.request_update(),
                Some((node, endpoint)) => {
                    if net.ready(cx, node, &endpoint) {
                        by_node.entry(node).or_default().push(partition);
                    }
                }
            }
        }
        for (node, partitions) in by_node {
            // The first partition takes its turn to be the last, so that none starves when a request is full.
            let turn = usize::try_from(cx.now.as_micros() % partitions.len() as u64).unwrap_or(0);
            let mut room = config.max_request_size;
            let mut batches = Vec::new();
            for partition in partitions.iter().cycle().skip(turn).take(partitions.len()) {
                // A single batch goes even if it is larger than the rest of the room: it was checked when it came.
                let allowed = if batches.is_empty() { usize::MAX } else { room };
                if let Some(batch) = accumulator.drain(partition, allowed) {
                    room = room.saturating_sub(batch.size());
                    if config.guarantee_message_order {
                        accumulator.mute(partition);
                    }
                    batches.push(batch);
                }
            }
            if !batches.is_empty() {
                self.send(cx, config, node, batches, accumulator, metadata, net, out);
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the producer's parts, each borrowed for itself")]
    fn send(
        &mut self,
        cx: &mut Context<'_>,
        config: &ProducerConfig,
        node: i32,
        batches: Vec<ProducerBatch>,
        accumulator: &mut RecordAccumulator,
        metadata: &mut Metadata,
        net: &mut NetworkClient,
        out: &mut Vec<Delivery>,
    ) {
        let version = match net.version::<ProduceRequest>(node) {
            Ok(version) => version,
            Err(error) => {
                for batch in batches {
                    fail(batch, &error, accumulator, out);
                }
                return;
            }
        };
        let mut topics: Vec<TopicProduceData> = Vec::new();
        for batch in &batches {
            let id = metadata.topic(&batch.partition.topic).map_or(Uuid::nil(), |topic| topic.id);
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
        let request = ProduceRequest::default()
            .with_acks(config.acks.code())
            .with_timeout_ms(i32::try_from(config.client.request_timeout_ms).unwrap_or(i32::MAX))
            .with_topic_data(topics);
        let wants_answer = config.acks.code() != 0;
        match net.send(cx, node, version, &request, wants_answer) {
            Ok(correlation_id) if wants_answer => {
                self.in_flight.insert(correlation_id, batches);
            }
            Ok(_) => {
                for batch in batches {
                    deliver(batch, -1, -1, accumulator, out);
                }
            }
            Err(error) => {
                for batch in batches {
                    settle(cx, config, batch, &error, accumulator, metadata, out);
                }
            }
        }
    }

    /// Takes a completed request; gives whether it was one of these.
    #[allow(clippy::too_many_arguments, reason = "the producer's parts, each borrowed for itself")]
    pub fn handle(
        &mut self,
        cx: &mut Context<'_>,
        config: &ProducerConfig,
        completed: &Completed,
        accumulator: &mut RecordAccumulator,
        metadata: &mut Metadata,
        out: &mut Vec<Delivery>,
    ) -> bool {
        let Some(batches) = self.in_flight.remove(&completed.correlation_id) else { return false };
        let response = match completed.decode::<ProduceResponse>() {
            Ok(response) => response,
            Err(error) => {
                for batch in batches {
                    settle(cx, config, batch, &error, accumulator, metadata, out);
                }
                return true;
            }
        };
        let by_id = completed.version >= FIRST_VERSION_WITH_TOPIC_IDS;
        for batch in batches {
            let id = metadata.topic(&batch.partition.topic).map(|topic| topic.id);
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
                Some(answer) => {
                    self.answered(cx, config, batch, answer, accumulator, metadata, out);
                }
                None => {
                    let error = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.into();
                    settle(cx, config, batch, &error, accumulator, metadata, out);
                }
            }
        }
        true
    }

    #[allow(clippy::too_many_arguments, reason = "the producer's parts, each borrowed for itself")]
    fn answered(
        &mut self,
        cx: &mut Context<'_>,
        config: &ProducerConfig,
        batch: ProducerBatch,
        answer: &PartitionProduceResponse,
        accumulator: &mut RecordAccumulator,
        metadata: &mut Metadata,
        out: &mut Vec<Delivery>,
    ) {
        match ApiError::check(answer.error_code, answer.error_message.as_ref()) {
            Ok(()) => deliver(batch, answer.base_offset, answer.log_append_time_ms, accumulator, out),
            Err(error) if error.code == ErrorCode::MESSAGE_TOO_LARGE => {
                accumulator.unmute(&batch.partition);
                if let Some(batch) = accumulator.split_and_reenqueue(batch, cx.now) {
                    fail(batch, &error, accumulator, out);
                }
            }
            Err(error) => settle(cx, config, batch, &error, accumulator, metadata, out),
        }
    }
}

/// When a batch must be delivered, by `delivery.timeout.ms`.
fn deadline(config: &ProducerConfig, batch: &ProducerBatch) -> Instant {
    let timeout = u64::try_from(config.delivery_timeout_ms).unwrap_or(0);
    batch.created + std::time::Duration::from_millis(timeout)
}

/// Sends a batch again if its error allows it, else gives it up.
fn settle(
    cx: &mut Context<'_>,
    config: &ProducerConfig,
    batch: ProducerBatch,
    error: &ApiError,
    accumulator: &mut RecordAccumulator,
    metadata: &mut Metadata,
    out: &mut Vec<Delivery>,
) {
    let may_retry =
        error.code.is_retriable() && batch.attempts <= config.retries && cx.now < deadline(config, &batch);
    if !may_retry {
        return fail(batch, error, accumulator, out);
    }
    // All but a full queue of the broker may mean that the leader is another one by now.
    metadata.request_update();
    accumulator.unmute(&batch.partition);
    let wait = config.client.retry_backoff.backoff(batch.attempts, cx.rng);
    let retry_at = cx.after_ms(wait);
    accumulator.reenqueue(batch, retry_at);
}

fn deliver(
    batch: ProducerBatch,
    base_offset: i64,
    log_append_time: i64,
    accumulator: &mut RecordAccumulator,
    out: &mut Vec<Delivery>,
) {
    accumulator.unmute(&batch.partition);
    accumulator.release(&batch);
    for (index, (id, timestamp)) in (0_i64..).zip(batch.records) {
        let offset = if base_offset < 0 { -1 } else { base_offset + index };
        let timestamp = if log_append_time >= 0 { log_append_time } else { timestamp };
        let result = Ok(RecordMetadata { offset, timestamp });
        out.push(Delivery { id, partition: batch.partition.clone(), result });
    }
}

/// Gives a batch up.
pub(super) fn fail(
    batch: ProducerBatch,
    error: &ApiError,
    accumulator: &mut RecordAccumulator,
    out: &mut Vec<Delivery>,
) {
    accumulator.unmute(&batch.partition);
    accumulator.release(&batch);
    for (id, _) in batch.records {
        out.push(Delivery { id, partition: batch.partition.clone(), result: Err(error.clone()) });
    }
}
