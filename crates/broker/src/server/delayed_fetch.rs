//! What a fetch is answered with, at once or when it has waited long enough (kafka.server.DelayedFetch,
//! ReplicaManager.readFromLog): batches as they stand in the log, up to the high watermark for consumers and up to the
//! log's end for followers.

use std::collections::BTreeSet;

use blumfeld_kernel::{Context, DiskOp, FlushId};
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::fetch_request::FetchPartition;
use blumfeld_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use blumfeld_protocol::messages::{BrokerId, FetchResponse, TopicName};
use blumfeld_protocol::{ErrorCode, RecordPieces, Uuid, encode_fetch_response};
use bytes::Bytes;

use super::Server;
use super::fetch_session::TopicIdPartition;
use super::purgatory::{DelayedFetch, FetchContext};
use crate::config::CLIENT_LISTENER;
use crate::metadata::MetadataImage;
use crate::replica::{Partition, TopicPartition};
use crate::reply::{Reply, respond};

/// Whether a follower's fetch is of an earlier life of its broker: late on the wire, it must not undo what the present
/// one has said (Replica.updateFetchStateOrThrow).
pub fn is_of_earlier_life(image: &MetadataImage, replica: i32, replica_epoch: i64) -> bool {
    let known = || image.brokers().get(&replica);
    // Consumers have no epoch, and are most of those that ask.
    replica_epoch >= 0 && known().is_some_and(|known| known.epoch > replica_epoch)
}

/// Where a fetcher's log parts from this one, if it has other records than the leader's at the end of its last epoch
/// (KIP-595).
///
/// # Errors
/// The leader knows of no such epoch (Partition.readRecords).
pub fn divergence(
    partition: &Partition,
    asked: &FetchPartition,
) -> Result<Option<EpochEndOffset>, ErrorCode> {
    if asked.last_fetched_epoch < 0 {
        return Ok(None);
    }
    let log = partition.log();
    let (epoch, end) = (log.epochs().end_offset_for(asked.last_fetched_epoch, log.log_end()))
        .ok_or(ErrorCode::OFFSET_OUT_OF_RANGE)?;
    Ok((epoch < asked.last_fetched_epoch || end < asked.fetch_offset)
        .then(|| EpochEndOffset::default().with_epoch(epoch).with_end_offset(end)))
}

/// A partition's part of an answer where no log was read (FetchResponse.partitionResponse).
pub fn failure(partition: i32, code: i16) -> PartitionData {
    PartitionData::default()
        .with_partition_index(partition)
        .with_error_code(code)
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
        .with_aborted_transactions(Some(Vec::new()))
        .with_records(Some(Bytes::new()))
}

impl Server {
    /// The answer, if there are `fetch.min.bytes` or an error for it, or its time is over.
    pub fn try_complete(
        &mut self,
        cx: &mut Context<'_>,
        fetch: &DelayedFetch,
        expired: bool,
    ) -> Result<Option<Reply>, FrameError> {
        let (mut room, mut total, mut failed) = (fetch.max_bytes, 0, false);
        let mut reads = Vec::new();
        let mut take = |of: TopicIdPartition, key: Option<&TopicPartition>, asked: &FetchPartition| {
            let read = read(self, fetch, key, asked, (room, total == 0));
            if !read.unknown {
                // No log was read for the others (ReplicaManager.readFromLog).
                total += read.bytes;
                room = room.saturating_sub(i64::try_from(read.bytes).unwrap_or(i64::MAX)).max(0);
                failed |= read.failed;
            }
            reads.push((of, read));
        };
        match &fetch.context {
            FetchContext::Full { asked, .. } => {
                for (of, key, asked) in asked {
                    take(*of, key.as_ref(), asked);
                }
            }
            FetchContext::Session(id) => match self.sessions.get(*id) {
                Some(session) => {
                    for of in &session.dirty {
                        if let Some(one) = session.partitions.get(of) {
                            take(*of, one.key.as_ref(), &one.asked);
                        }
                    }
                }
                None => {
                    let code = ErrorCode::FETCH_SESSION_ID_NOT_FOUND.0;
                    return respond(FetchResponse::default().with_error_code(code)).map(Some);
                }
            },
        }
        if !(total >= fetch.min_bytes || failed || expired) {
            return Ok(None);
        }
        answer(self, cx, fetch, reads).map(Some)
    }
}

/// What one partition's part of the answer is made of.
struct Read {
    /// What the topic is called, in the versions that say so.
    topic: TopicName,
    data: PartitionData,
    /// Its records, as they stand in the log.
    pieces: RecordPieces,
    bytes: usize,
    records: u64,
    failed: bool,
    /// There is no such partition: nobody is answered sooner for it (KafkaApis.handleFetchRequest).
    unknown: bool,
    place: Option<(blumfeld_kernel::FilePath, u64, u64)>,
}

fn answer(
    server: &mut Server,
    cx: &mut Context<'_>,
    fetch: &DelayedFetch,
    mut reads: Vec<(TopicIdPartition, Read)>,
) -> Result<Reply, FrameError> {
    let version = fetch.call.header.version;
    let mut session_id = 0;
    match &fetch.context {
        FetchContext::Full { asked, create: true } => {
            let rng = &mut *cx.rng;
            let kind = (fetch.replica >= 0, version >= 13);
            session_id = server.sessions.create(cx.now, kind, asked.clone(), || rng.next_u64());
            if let Some(session) = server.sessions.get_mut(session_id) {
                for (of, read) in &reads {
                    if let Some(cached) = session.partitions.get_mut(of) {
                        cached.update(&read.data, read.bytes);
                    }
                }
            }
        }
        FetchContext::Full { .. } => {}
        FetchContext::Session(id) => {
            session_id = *id;
            if let Some(session) = server.sessions.get_mut(*id) {
                reads.retain(|(of, read)| {
                    let said = session
                        .partitions
                        .get_mut(of)
                        .is_some_and(|cached| cached.update(&read.data, read.bytes));
                    // What has nothing more to say comes back when it changes.
                    if read.bytes == 0 && !read.failed {
                        session.dirty.remove(of);
                    }
                    said
                });
            }
        }
    }
    let mut response = FetchResponse::default().with_session_id(session_id);
    let mut records = Vec::with_capacity(reads.len());
    // What a disk would have to bring into the page cache holds the answer back.
    let mut last_read: Option<FlushId> = None;
    let mut leaders = BTreeSet::new();
    for ((topic_id, _), read) in reads {
        server.stats.records_out += if fetch.replica < 0 { read.records } else { 0 };
        records.push(read.pieces);
        if let Some((file, from, len)) = read.place {
            last_read = Some(cx.out.disk(DiskOp::Read { file, from, len }));
        }
        if read.data.current_leader.leader_id.0 >= 0 {
            leaders.insert(read.data.current_leader.leader_id.0);
        }
        let name = read.topic;
        let same = |topic: &&mut FetchableTopicResponse| {
            if version >= 13 { topic.topic_id == topic_id } else { topic.topic == name }
        };
        match response.responses.last_mut().filter(same) {
            Some(topic) => topic.partitions.push(read.data),
            None => {
                let id = if version >= 13 { topic_id } else { Uuid::nil() };
                let topic = FetchableTopicResponse::default().with_topic(name).with_topic_id(id);
                response.responses.push(topic.with_partitions(vec![read.data]));
            }
        }
    }
    if version >= 16 {
        response.node_endpoints = endpoints(server, leaders);
    }
    let frame = encode_fetch_response(version, fetch.call.header.correlation_id, &mut response, records)?;
    Ok(match last_read {
        Some(read) => Reply::After(read, frame.into()),
        None => Reply::Now(frame.into()),
    })
}

fn endpoints(server: &Server, leaders: BTreeSet<i32>) -> Vec<NodeEndpoint> {
    (leaders.into_iter())
        .filter_map(|id| {
            let leader = server.image.brokers().get(&id)?;
            let listener = server.image.endpoint(id, CLIENT_LISTENER)?;
            Some(
                NodeEndpoint::default()
                    .with_node_id(BrokerId(id))
                    .with_host(listener.host.clone().into())
                    .with_port(i32::from(listener.port))
                    .with_rack(leader.rack.clone().map(Into::into)),
            )
        })
        .collect()
}

fn read(
    server: &Server,
    fetch: &DelayedFetch,
    key: Option<&TopicPartition>,
    asked: &FetchPartition,
    (room, first): (i64, bool),
) -> Read {
    let version = fetch.call.header.version;
    let topic = match key {
        Some((name, _)) if version < 13 => TopicName(name.clone().into()),
        _ => TopicName::default(),
    };
    let known = key.filter(|(name, number)| server.image.partition(name, *number).is_some());
    let found = match (key, known) {
        (None, _) => Err(ErrorCode::UNKNOWN_TOPIC_ID),
        (_, None) => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (_, Some(key)) => try_read(server, fetch, key, asked, (room, first)),
    };
    match found {
        Ok(found) => {
            let bytes = found.bytes;
            let mut data = PartitionData::default()
                .with_partition_index(asked.partition)
                .with_aborted_transactions(found.aborted)
                .with_records(Some(Bytes::new()))
                .with_high_watermark(found.high_watermark)
                .with_last_stable_offset(found.last_stable_offset);
            if version >= 5 {
                data.log_start_offset = found.log_start;
            }
            if version >= 11 {
                data.preferred_read_replica = BrokerId(found.preferred);
            }
            if let Some(diverging) = found.diverging {
                data.diverging_epoch = diverging;
            }
            // A preferred replica and a divergence are answered at once.
            let failed = found.preferred >= 0 || data.diverging_epoch.epoch >= 0;
            let (records, place) = (found.records, found.place);
            Read { topic, data, pieces: found.pieces, bytes, records, failed, unknown: false, place }
        }
        Err(code) => {
            let mut data = failure(asked.partition, code.0);
            if known.is_some() {
                // A log was asked, and had none of them.
                data.aborted_transactions = None;
            }
            // Kafka tells nobody. Our followers learn here where to go on, Kafka's ask with ListOffsets.
            if let (ErrorCode::OFFSET_OUT_OF_RANGE, true, Some(partition)) =
                (code, version >= 5 && fetch.replica >= 0, key.and_then(|key| server.replicas.of(key)))
            {
                data.log_start_offset = partition.log().log_start();
            }
            let moved = [ErrorCode::NOT_LEADER_OR_FOLLOWER, ErrorCode::FENCED_LEADER_EPOCH];
            if version >= 16 && moved.contains(&code) {
                // Who leads now, so that the client need not ask (KIP-951).
                if let Some(now) = key.and_then(|(name, number)| server.image.partition(name, *number)) {
                    data.current_leader = LeaderIdAndEpoch::default()
                        .with_leader_id(now.leader.into())
                        .with_leader_epoch(now.leader_epoch);
                }
            }
            let (pieces, unknown) = (RecordPieces::new(), known.is_none());
            Read { topic, data, pieces, bytes: 0, records: 0, failed: true, unknown, place: None }
        }
    }
}

struct Found {
    pieces: RecordPieces,
    bytes: usize,
    records: u64,
    place: Option<(blumfeld_kernel::FilePath, u64, u64)>,
    high_watermark: i64,
    last_stable_offset: i64,
    log_start: i64,
    preferred: i32,
    diverging: Option<EpochEndOffset>,
    /// The aborted transactions among what was read, for a consumer of committed ones.
    aborted: Option<Vec<AbortedTransaction>>,
}

fn try_read(
    server: &Server,
    fetch: &DelayedFetch,
    key: &TopicPartition,
    asked: &FetchPartition,
    (room, first): (i64, bool),
) -> Result<Found, ErrorCode> {
    let version = fetch.call.header.version;
    let partition = server.replica(key)?;
    // Any below 0 is none (FetchRequest.optionalEpoch).
    let epoch = if version >= 9 { asked.current_leader_epoch.max(-1) } else { -1 };
    partition.check_epoch(epoch)?;
    // Followers fetch from the leader alone, and so do consumers that do not say where they are (KIP-392).
    if !partition.is_leader() && (fetch.replica >= 0 || version < 11) {
        return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
    }
    let mut others = partition.registration().replicas.iter().filter(|id| **id != server.config.node_id);
    if fetch.replica >= 0 && !others.any(|id| *id == fetch.replica) {
        // Who names the right epoch may be ahead of this node (Partition.followerReplicaOrThrow).
        let ahead = epoch >= 0;
        return Err(if ahead { ErrorCode::UNKNOWN_LEADER_EPOCH } else { ErrorCode::NOT_LEADER_OR_FOLLOWER });
    }
    if is_of_earlier_life(&server.image, fetch.replica, fetch.replica_epoch) {
        return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
    }
    let (log, high_watermark) = (partition.log(), partition.high_watermark());
    let mut found = Found {
        pieces: RecordPieces::new(),
        bytes: 0,
        records: 0,
        place: None,
        high_watermark,
        last_stable_offset: partition.last_stable_offset(),
        log_start: log.log_start(),
        preferred: -1,
        diverging: if version >= 12 { divergence(partition, asked)? } else { None },
        aborted: (fetch.isolation_level == 1).then(Vec::new),
    };
    if found.diverging.is_some() {
        return Ok(found);
    }
    found.preferred = preferred_replica(server, fetch, partition, asked.fetch_offset);
    if found.preferred >= 0 {
        return Ok(found);
    }
    let upper = match (fetch.replica, fetch.isolation_level) {
        (0.., _) => log.log_end(),
        (_, 1) => found.last_stable_offset,
        _ => high_watermark,
    };
    let max = i64::from(asked.partition_max_bytes).min(room);
    // A follower of a partition may be behind: its consumer waits there and is not told that the offset is too high.
    if fetch.replica < 0 && asked.fetch_offset > high_watermark && asked.fetch_offset <= log.log_end() {
        return Ok(found);
    }
    let read = |max: usize| log.read(asked.fetch_offset, max, upper, first);
    let data = read(usize::try_from(max).unwrap_or(0)).map_err(|_| ErrorCode::OFFSET_OUT_OF_RANGE)?;
    if max < 0 && asked.fetch_offset < upper {
        // An exception where a segment is read (LogSegment.read).
        return Err(ErrorCode::UNKNOWN_SERVER_ERROR);
    }
    if let Some(aborted) = found.aborted.as_mut().filter(|_| fetch.replica < 0) {
        aborted.extend(log.aborted_txns(asked.fetch_offset, &data).into_iter().map(|one| {
            AbortedTransaction::default()
                .with_producer_id(one.producer_id.into())
                .with_first_offset(one.first_offset)
        }));
    }
    found.records = data.batches.iter().map(|batch| u64::try_from(batch.records_count()).unwrap_or(0)).sum();
    found.pieces = data.batches.iter().map(|batch| batch.bytes().clone()).collect();
    found.bytes = data.size;
    found.place = data.place;
    Ok(found)
}

/// The replica in the consumer's own rack that it had better read from, or -1 (RackAwareReplicaSelector).
fn preferred_replica(server: &Server, fetch: &DelayedFetch, partition: &Partition, offset: i64) -> i32 {
    if !server.config.rack_aware_selector
        || fetch.replica >= 0
        || fetch.rack.is_empty()
        || fetch.call.header.version < 11
        || !partition.is_leader()
        || server.config.rack.as_deref() == Some(fetch.rack.as_str())
    {
        return -1;
    }
    let same_rack = |id: i32| {
        server
            .image
            .brokers()
            .get(&id)
            .is_some_and(|b| !b.fenced && b.rack.as_deref() == Some(fetch.rack.as_str()))
    };
    let candidates = partition.followers().filter(|(id, follower)| {
        same_rack(*id) && partition.registration().isr.contains(id) && follower.log_end >= offset
    });
    candidates.max_by_key(|(_, follower)| follower.log_end).map_or(-1, |(id, _)| id)
}
