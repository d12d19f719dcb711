//! Transaction markers, both ways: the coordinator's, which go to the leaders of a transaction's partitions until each
//! has them (org.apache.kafka.coordinator.transaction.TransactionMarkerChannelManager), and those that come in, which
//! are answered once they are replicated (KafkaApis.handleWriteTxnMarkersRequest).
//!
//! What is to be sent is no queue of its own, but what the coordinator's transactions still lack: whatever is lost on
//! the way, by a leader or by this broker, is found to be lacking, and sent again.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{ConnectionId, Context, Endpoint, Instant};
use blumfeld_log::AppendOrigin;
use blumfeld_protocol::frame::decode_response;
use blumfeld_protocol::messages::write_txn_markers_request::{
    WritableTxnMarker, WritableTxnMarkerTopic as AskedTopic,
};
use blumfeld_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use blumfeld_protocol::messages::{TopicName, WriteTxnMarkersRequest, WriteTxnMarkersResponse};
use blumfeld_protocol::record_batch::{Batch, BatchBuilder, BatchOptions, ControlRecord};
use blumfeld_protocol::{ApiKey, ErrorCode};
use bytes::Bytes;

use super::Server;
use super::purgatory::Answered;
use crate::call::Call;
use crate::channel::{Channels, InFlight, Purpose};
use crate::config::CLIENT_LISTENER;
use crate::coordinator::{After, GROUP_METADATA_TOPIC, MarkersOf};
use crate::replica::TopicPartition;
use crate::reply::respond;

/// `request.timeout.ms` of the brokers among each other: so long a marker waits for its replicas, and for its answer.
const TIMEOUT_MS: i64 = 30_000;
/// Partitions that could not be marked are tried again after so long, in milliseconds.
const RETRY_MS: i64 = 100;
/// The version of WriteTxnMarkers that brokers speak.
const VERSION: i16 = 1;

/// Markers on their way to one broker, with the partition of `__transaction_state` that they come from.
type Sent = Vec<(i32, MarkersOf)>;

/// Markers that came in and are not answered yet.
#[derive(Clone, Debug)]
struct Incoming {
    call: Call,
    response: WriteTxnMarkersResponse,
    /// Partitions without an answer: where each stands in the response.
    missing: BTreeMap<(usize, usize, usize), Option<Appended>>,
    expires: Instant,
}

/// A marker that is to be replicated.
#[derive(Clone, Debug)]
struct Appended {
    key: TopicPartition,
    /// The high watermark has to come here.
    offset: i64,
    /// In the leader epoch in which it was appended.
    epoch: i32,
}

/// All markers under way.
#[derive(Clone, Debug, Default)]
pub struct Markers {
    sent: BTreeMap<i32, Sent>,
    incoming: BTreeMap<u64, Incoming>,
    /// What waits for a marker of `__consumer_offsets`, by the number that the group coordinator knows.
    by_group: BTreeMap<u64, (u64, (usize, usize, usize))>,
    /// Those that may be answered.
    ready: BTreeSet<u64>,
    last_id: u64,
}

impl Markers {
    /// The connections of those that wait.
    pub fn owed(&self) -> impl Iterator<Item = ConnectionId> {
        self.incoming.values().map(|incoming| incoming.call.conn)
    }

    /// When the next one has waited long enough. One that waits for nothing but being answered has no time.
    pub fn next_timeout(&self) -> Option<Instant> {
        let waiting = self.incoming.values().filter(|incoming| !incoming.missing.is_empty());
        waiting.map(|incoming| incoming.expires).min()
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn set(&mut self, id: u64, (marker, topic, partition): (usize, usize, usize), code: ErrorCode) {
        let Some(incoming) = self.incoming.get_mut(&id) else { return };
        incoming.missing.remove(&(marker, topic, partition));
        let marker = incoming.response.markers.get_mut(marker);
        let topic = marker.and_then(|marker| marker.topics.get_mut(topic));
        if let Some(one) = topic.and_then(|topic| topic.partitions.get_mut(partition)) {
            one.error_code = code.0;
        }
        if incoming.missing.is_empty() {
            self.ready.insert(id);
        }
    }
}

/// The batch of a marker (MemoryRecords.withEndTransactionMarker).
fn batch(now_ms: i64, marker: &WritableTxnMarker) -> Batch {
    let mut builder = BatchBuilder::new(BatchOptions {
        producer_id: marker.producer_id.0,
        producer_epoch: marker.producer_epoch,
        transactional: true,
        control: true,
        ..BatchOptions::default()
    });
    let key = ControlRecord::key(i16::from(marker.transaction_result));
    let mut value = vec![0, 0];
    value.extend(marker.coordinator_epoch.to_be_bytes());
    builder.append(now_ms, Some(&key), Some(&value), &[]);
    builder.build()
}

impl Server {
    // ---- out

    /// Sends the markers that transactions still lack to the leaders of their partitions.
    pub fn send_markers(&mut self, cx: &mut Context<'_>, channels: &mut Channels) {
        let mut lacking: BTreeMap<i32, Sent> = BTreeMap::new();
        let mut gone = Vec::new();
        for shard in self.transactions.partitions() {
            let Some(found) = self.transactions.shard(shard) else { continue };
            for of in found.markers() {
                let mut by_leader: BTreeMap<i32, BTreeSet<TopicPartition>> = BTreeMap::new();
                let mut without = BTreeSet::new();
                for key in &of.partitions {
                    match self.image.partition(&key.0, key.1) {
                        Some(now) => drop(by_leader.entry(now.leader).or_default().insert(key.clone())),
                        // Nobody reads of a topic that is deleted.
                        None => drop(without.insert(key.clone())),
                    }
                }
                if !without.is_empty() {
                    gone.push((shard, of.clone(), without));
                }
                for (leader, partitions) in by_leader {
                    lacking.entry(leader).or_default().push((shard, MarkersOf { partitions, ..of.clone() }));
                }
            }
        }
        for (shard, of, partitions) in gone {
            self.mark(cx, shard, &of, &partitions);
        }
        for (leader, sent) in lacking {
            let endpoint = self.image.brokers().get(&leader).filter(|broker| !broker.fenced).and_then(|_| {
                let listener = self.image.endpoint(leader, CLIENT_LISTENER)?;
                Some(Endpoint::new(&listener.host, listener.port))
            });
            let Some(endpoint) = endpoint else { continue };
            let purpose = Purpose::Markers(leader);
            if !channels.idle(purpose) {
                continue;
            }
            let markers = sent.iter().map(|(_, of)| asked(of)).collect();
            let request = WriteTxnMarkersRequest::default().with_markers(markers);
            let api = (ApiKey::WriteTxnMarkers, VERSION);
            channels.send(cx, purpose, &endpoint, api, &request, TIMEOUT_MS, None);
            self.markers.sent.insert(leader, sent);
        }
    }

    fn mark(
        &mut self,
        cx: &mut Context<'_>,
        shard: i32,
        of: &MarkersOf,
        partitions: &BTreeSet<TopicPartition>,
    ) {
        let producer = (of.producer_id, of.producer_epoch);
        self.with_transactions_of(cx, shard, |shard, env| {
            shard.marked(env, (&of.id, producer), partitions.iter());
        });
    }

    /// Takes what a leader says of markers; `None` if it says nothing.
    pub fn on_markers(
        &mut self,
        cx: &mut Context<'_>,
        channels: &mut Channels,
        leader: i32,
        answer: Option<(&InFlight, Bytes)>,
    ) {
        let sent = self.markers.sent.remove(&leader).unwrap_or_default();
        let response = answer.and_then(|(request, frame)| {
            decode_response::<WriteTxnMarkersResponse>(request.api_key, request.version, frame).ok()
        });
        let Some(response) = response else { return };
        let mut again = false;
        for (shard, of) in sent {
            let result = response.markers.iter().find(|one| one.producer_id.0 == of.producer_id);
            let mut marked = BTreeSet::new();
            let mut refused = false;
            for (topic, partitions) in
                result.into_iter().flat_map(|one| &one.topics).map(|t| (&t.name, &t.partitions))
            {
                for partition in partitions {
                    let key = (topic.to_string(), partition.partition_index);
                    match ErrorCode(partition.error_code) {
                        ErrorCode::NONE | ErrorCode::UNSUPPORTED_FOR_MESSAGE_FORMAT => {
                            marked.insert(key);
                        }
                        ErrorCode::INVALID_PRODUCER_EPOCH
                        | ErrorCode::PRODUCER_FENCED
                        | ErrorCode::TRANSACTION_COORDINATOR_FENCED => refused = true,
                        // It has moved, or lacks replicas: whoever leads it next is asked.
                        _ => again = true,
                    }
                }
            }
            if refused {
                let producer = (of.producer_id, of.producer_epoch);
                self.with_transactions_of(cx, shard, |shard, _| shard.give_up(&of.id, producer));
            } else if !marked.is_empty() {
                self.mark(cx, shard, &of, &marked);
            }
        }
        if again {
            channels.pause(Purpose::Markers(leader), cx.after_ms(RETRY_MS));
        }
    }

    // ---- in

    /// Writes the markers of a request; it is answered once they are replicated.
    pub fn write_markers(&mut self, cx: &mut Context<'_>, call: &Call, request: &WriteTxnMarkersRequest) {
        let id = self.markers.next_id();
        let now_ms = cx.unix_ms();
        let (mut response, mut places) = (WriteTxnMarkersResponse::default(), Vec::new());
        for (at, marker) in request.markers.iter().enumerate() {
            let mut result = WritableTxnMarkerResult::default().with_producer_id(marker.producer_id);
            for (topic_at, topic) in marker.topics.iter().enumerate() {
                let partitions = topic
                    .partition_indexes
                    .iter()
                    .map(|number| WritableTxnMarkerPartitionResult::default().with_partition_index(*number));
                result.topics.push(
                    WritableTxnMarkerTopicResult::default()
                        .with_name(topic.name.clone())
                        .with_partitions(partitions.collect()),
                );
                for (place, number) in topic.partition_indexes.iter().enumerate() {
                    places.push(((at, topic_at, place), (topic.name.to_string(), *number)));
                }
            }
            response.markers.push(result);
        }
        let missing = places.iter().map(|(place, _)| (*place, None)).collect();
        let expires = cx.after_ms(TIMEOUT_MS);
        self.markers.incoming.insert(id, Incoming { call: call.clone(), response, missing, expires });
        if places.is_empty() {
            self.markers.ready.insert(id);
        }
        for (place, key) in places {
            let Some(marker) = request.markers.get(place.0) else { continue };
            let batch = batch(now_ms, marker);
            self.write_marker(cx, (id, place), key, (&batch, marker));
        }
    }

    fn write_marker(
        &mut self,
        cx: &mut Context<'_>,
        (id, place): (u64, (usize, usize, usize)),
        key: TopicPartition,
        (batch, marker): (&Batch, &WritableTxnMarker),
    ) {
        if let Err(code) = self.replica(&key) {
            return self.markers.set(id, place, code);
        }
        if key.0 == GROUP_METADATA_TOPIC {
            let number = self.markers.next_id();
            self.markers.by_group.insert(number, (id, place));
            let ends = (batch, marker.producer_id.0, marker.transaction_result);
            return self.end_group_transaction(cx, key.1, ends, After::Outside(number));
        }
        if self.disk_error.is_some() {
            return self.markers.set(id, place, ErrorCode::KAFKA_STORAGE_ERROR);
        }
        let min_isr = Some(self.image.min_insync_replicas(&key.0));
        match self.replicas.append(cx, &key, (batch, AppendOrigin::Coordinator), min_isr) {
            Ok(info) => {
                let epoch =
                    self.replicas.of(&key).map_or(-1, |partition| partition.registration().leader_epoch);
                if self.config.flush_before_acknowledging {
                    self.replicas.flush(cx, &key);
                }
                let appended = Appended { key, offset: info.last_offset + 1, epoch };
                if let Some(incoming) = self.markers.incoming.get_mut(&id) {
                    incoming.missing.insert(place, Some(appended));
                }
                self.look_at_markers(cx.now);
            }
            Err(error) => self.markers.set(id, place, error.code),
        }
    }

    /// Goes on with markers that are replicated now, will never be, or have waited long enough.
    pub(super) fn look_at_markers(&mut self, now: Instant) {
        let mut settled = Vec::new();
        for (id, incoming) in &self.markers.incoming {
            let late = incoming.expires <= now;
            for (place, appended) in &incoming.missing {
                let code = match appended {
                    Some(Appended { key, offset, epoch }) => match self.replicas.of(key) {
                        Some(partition) => partition.is_replicated(*offset, *epoch),
                        None => Some(ErrorCode::NOT_LEADER_OR_FOLLOWER),
                    },
                    None => None,
                };
                if let Some(code) = code.or_else(|| late.then_some(ErrorCode::REQUEST_TIMED_OUT)) {
                    settled.push((*id, *place, code));
                }
            }
        }
        for (id, place, code) in settled {
            self.markers.set(id, place, code);
        }
    }

    /// The next answer to markers that came in.
    pub(super) fn next_marked(&mut self) -> Option<Answered> {
        while let Some((number, result)) = self.groups.next_outside() {
            if let Some((id, place)) = self.markers.by_group.remove(&number) {
                self.markers.set(id, place, result.err().unwrap_or(ErrorCode::NONE));
            }
        }
        let id = self.markers.ready.pop_first()?;
        let incoming = self.markers.incoming.remove(&id)?;
        Some((incoming.call, respond(incoming.response)))
    }
}

fn asked(of: &MarkersOf) -> WritableTxnMarker {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in &of.partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    let topics = topics.into_iter().map(|(topic, partitions)| {
        AskedTopic::default().with_name(TopicName(topic.to_owned().into())).with_partition_indexes(partitions)
    });
    WritableTxnMarker::default()
        .with_producer_id(of.producer_id.into())
        .with_producer_epoch(of.producer_epoch)
        .with_transaction_result(of.commits)
        .with_coordinator_epoch(of.coordinator_epoch)
        .with_topics(topics.collect())
}

#[cfg(test)]
mod tests {
    use blumfeld_protocol::frame::Header;

    use super::*;
    use crate::call::{ListenerKind, Principal};

    #[test]
    fn markers_that_wait_for_nothing_but_their_answer_wait_for_no_time() {
        let header =
            Header { api_key: ApiKey::WriteTxnMarkers, version: 1, correlation_id: 1, client_id: None };
        let (conn, listener) = (ConnectionId(1), ListenerKind::Broker);
        let call = Call { conn, listener, header, principal: Principal::default() };
        let missing = BTreeMap::from([((0, 0, 0), None)]);
        let incoming =
            Incoming { call, response: WriteTxnMarkersResponse::default(), missing, expires: Instant::ZERO };
        let mut markers = Markers::default();
        markers.incoming.insert(1, incoming);
        assert_eq!(markers.next_timeout(), Some(Instant::ZERO));
        markers.set(1, (0, 0, 0), ErrorCode::REQUEST_TIMED_OUT);
        assert_eq!(markers.next_timeout(), None, "its answer is to leave, however late it is");
        assert_eq!(markers.ready, BTreeSet::from([1]));
    }
}
