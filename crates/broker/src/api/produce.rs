//! Produce (0), versions 3 to 13: acks 0, 1 and all, idempotent and transactional producers. Left out: quotas.

use std::collections::BTreeMap;

use blumfeld_kernel::{Context, DisconnectReason};
use blumfeld_log::{AppendError, AppendInfo, AppendOrigin, is_transactional, single_batch};
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use blumfeld_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use blumfeld_protocol::messages::{ProduceRequest, ProduceResponse, TopicName};
use blumfeld_protocol::record_batch::Batch;
use blumfeld_protocol::{ErrorCode, Uuid};
use bytes::Bytes;

use crate::bug::{Bug, planted};
use crate::call::Call;
use crate::config::CLIENT_LISTENER;
use crate::replica::{Partition, TopicPartition};
use crate::reply::{Reply, respond};
use crate::server::{DelayedProduce, Refusals, Server, Standing, Supports, Unsafe, Verified};
use crate::topic_name::is_internal;

/// Handles a request: answered when the records are as safe as `acks` wants, with the disk where the node flushes
/// before it acknowledges.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: ProduceRequest,
) -> Result<Reply, FrameError> {
    let partitions = || request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    let mut transactional = false;
    for records in partitions().filter_map(|data| data.records.as_ref()) {
        match is_transactional(records) {
            Ok(one) => transactional |= one,
            Err(error) => return refused(cx, call, &request, &error),
        }
    }
    if partitions().any(|data| data.records.is_none()) {
        // Kafka's broker stumbles over it, and its client waits for ever.
        let error = AppendError::new(ErrorCode::INVALID_RECORD, "records that are null");
        return refused(cx, call, &request, &error);
    }
    let asked = match read(server, call.header.version, &request) {
        Ok(asked) => asked,
        Err(error) => return refused(cx, call, &request, &error),
    };
    if let Some(id) = request.transactional_id.clone().filter(|_| transactional) {
        let id = id.0.to_string();
        match unverified(server, &asked) {
            Ok(Some((producer, standing))) => {
                let asked = standing.iter().filter(|(_, number)| number.is_some());
                let keys = asked.map(|(key, _)| key.clone()).collect();
                let supports = match call.header.version {
                    12.. => Supports::AddPartition,
                    11 => Supports::GenericError,
                    _ => Supports::DefaultError,
                };
                let what = Verified::Produce(Box::new(request), standing);
                server.verify(cx.now, call.clone(), what, (id, producer), keys, supports);
                return Ok(Reply::Parked);
            }
            Ok(None) => {}
            Err(error) => return refused(cx, call, &request, &error),
        }
    }
    // One batch of a transaction without an id for it, and nothing of the request is taken (KafkaApis).
    let unauthorized = request.transactional_id.is_none() && transactional;
    append_asked(server, cx, call, &request, (asked, unauthorized), None)
}

/// How the partitions of a transaction stand, with the producer whose it is; nothing if the coordinator need not be
/// asked about any (ReplicaManager.partitionEntriesForVerification).
///
/// # Errors
/// The batches are of several producers.
#[allow(clippy::type_complexity, reason = "a producer and its partitions")]
fn unverified(server: &mut Server, asked: &[Asked]) -> Result<Option<((i64, i16), Standing)>, AppendError> {
    if !server.config.transaction.partition_verification || planted(Bug::SkipVerification) {
        return Ok(None);
    }
    let (mut producer, mut standing) = (None, Standing::new());
    let batches = asked.iter().flat_map(|(.., partitions)| partitions).filter_map(|(_, one, _)| one.as_ref());
    for (key, batch) in batches.filter_map(|(key, batch)| Some((key, batch.as_ref()?))) {
        if !batch.is_transactional()
            || batch.producer_id() < 0
            || !server.replicas.of(key).is_some_and(Partition::is_leader)
        {
            continue;
        }
        let of = (batch.producer_id(), batch.producer_epoch());
        if producer.is_some_and(|producer| producer != of) {
            let message = "Transactional records contained more than one producer ID";
            return Err(AppendError::new(ErrorCode::INVALID_PRODUCER_ID_MAPPING, message));
        }
        producer = Some(of);
        standing.insert(key.clone(), server.replicas.begin_verification(key, of));
    }
    let asks = standing.values().any(Option::is_some);
    Ok(producer.filter(|_| asks).map(|producer| (producer, standing)))
}

/// What a partition's batch is refused for once the coordinator was asked, if it is
/// (ReplicaManager.handleProduceAppend, UnifiedLog.batchMissingRequiredVerification).
fn refusal(
    server: &Server,
    key: &TopicPartition,
    batch: &Batch,
    (refusals, standing): (&Refusals, &Standing),
) -> Option<AppendError> {
    if !batch.is_transactional() {
        return None;
    }
    // One that came to be led here since nobody was asked about.
    let Some(number) = standing.get(key) else {
        return Some(AppendError::new(ErrorCode::NOT_LEADER_OR_FOLLOWER, ""));
    };
    match refusals.get(key).copied() {
        None => {
            // Whoever had it open when the request came may have seen it end since.
            let of = (batch.producer_id(), batch.producer_epoch());
            let stands = server.replicas.of(key).is_none_or(|one| one.may_go_on(of, *number));
            let message = "Record was not part of an ongoing transaction";
            (!stands).then(|| AppendError::told(ErrorCode::INVALID_TXN_STATE, message))
        }
        Some(ErrorCode::INVALID_TXN_STATE) => Some(AppendError::told(
            ErrorCode::INVALID_TXN_STATE,
            "Partition was not added to the transaction",
        )),
        // What can be tried again is told with a code that all clients try again for.
        Some(
            code @ (ErrorCode::CONCURRENT_TRANSACTIONS
            | ErrorCode::NETWORK_EXCEPTION
            | ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
            | ErrorCode::COORDINATOR_NOT_AVAILABLE
            | ErrorCode::NOT_COORDINATOR),
        ) => {
            let message = format!(
                "Unable to verify the partition has been added to the transaction. Underlying error: {}",
                code.name()
            );
            Some(AppendError::told(ErrorCode::NOT_ENOUGH_REPLICAS, message))
        }
        Some(code) => Some(AppendError::new(code, "")),
    }
}

/// Appends what a request brings, once the coordinator was asked about those partitions that need it.
pub fn append_verified(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: ProduceRequest,
    verified: (&Refusals, &Standing),
) -> Result<Reply, FrameError> {
    // Topics may have come and gone since it was asked about.
    match read(server, call.header.version, &request) {
        Ok(asked) => append_asked(server, cx, call, &request, (asked, false), Some(verified)),
        Err(error) => refused(cx, call, &request, &error),
    }
}

fn append_asked(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: &ProduceRequest,
    (asked, unauthorized): (Vec<Asked>, bool),
    verified: Option<(&Refusals, &Standing)>,
) -> Result<Reply, FrameError> {
    let (mut response, mut failed, mut waiting) = (ProduceResponse::default(), false, Vec::new());
    for (at, (name, topic_id, partitions)) in asked.into_iter().enumerate() {
        let mut topic_response = TopicProduceResponse::default();
        if call.header.version >= 13 {
            topic_response.topic_id = topic_id;
        } else {
            topic_response.name = name.clone();
        }
        for (place, (index, batch, wrong)) in partitions.into_iter().enumerate() {
            let mut result = match (unauthorized, batch) {
                (true, _) => {
                    let code = ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
                    let message = "a transactional batch without a transactional id";
                    Err((AppendError::new(code, message), -1))
                }
                (_, Some((key, batch))) => {
                    let asked = batch.as_ref().zip(verified);
                    let refused = asked.and_then(|(batch, verified)| refusal(server, &key, batch, verified));
                    match refused {
                        Some(error) => Err((error, -1)),
                        None => append(server, cx, key, batch.as_ref(), request.acks),
                    }
                }
                (_, None) => Err((AppendError::new(ErrorCode::UNKNOWN_SERVER_ERROR, ""), -1)),
            };
            let done = result.as_mut().ok();
            if let Some((.., one)) = done.filter(|(.., one)| one.offset.is_some() || one.flush.is_some()) {
                one.place = (at, place);
                waiting.push(one.clone());
            }
            // What was wrong is said, even if another batch of the same partition is written.
            let result = match wrong.filter(|_| !unauthorized) {
                Some(error) => Err((error, -1)),
                None => result.map(|(info, log_start, _)| (info, log_start)),
            };
            failed |= result.is_err();
            topic_response.partition_responses.push(answer(call.header.version, index, result));
        }
        response.responses.push(topic_response);
    }
    let acknowledged = request.acks != 0;
    if !acknowledged && failed {
        // The producer gets no answer that could name the error, so it is told by the end of its connection
        // (KafkaApis.handleProduceRequest).
        cx.out.disconnect(call.conn, DisconnectReason::Closed);
        return Ok(Reply::Nothing);
    }
    if call.header.version >= 10 {
        name_leaders(server, &mut response, call.header.version);
    }
    let expires = cx.after_ms(i64::from(request.timeout_ms));
    let produce = DelayedProduce { call: call.clone(), response, acknowledged, waiting, expires };
    if produce.waiting.is_empty() {
        return produce.answered().1;
    }
    server.park_produce(produce);
    Ok(Reply::Parked)
}

/// A batch of a request and where it belongs; none if it is shorter than its header.
type Appendable = (TopicPartition, Option<Batch>);
/// A topic of a request, and its partitions: each has the batch to write, the last that can be, and what was wrong with
/// the last that cannot (KafkaApis.handleProduceRequest).
type Asked = (TopicName, Uuid, Vec<(i32, Option<Appendable>, Option<AppendError>)>);

/// What a request asks, each partition once.
///
/// # Errors
/// Kafka's broker cannot handle the whole request.
fn read(server: &Server, version: i16, request: &ProduceRequest) -> Result<Vec<Asked>, AppendError> {
    let mut all: Vec<Asked> = Vec::with_capacity(request.topic_data.len());
    let mut topics: BTreeMap<(&str, Uuid), usize> = BTreeMap::new();
    let mut places: BTreeMap<(usize, i32), usize> = BTreeMap::new();
    for topic in request.topic_data.iter().filter(|topic| !topic.partition_data.is_empty()) {
        let at = *topics.entry((topic.name.as_str(), topic.topic_id)).or_insert_with(|| {
            all.push((topic.name.clone(), topic.topic_id, Vec::new()));
            all.len() - 1
        });
        let Some((.., partitions)) = all.get_mut(at) else { continue };
        for data in &topic.partition_data {
            let place = *places.entry((at, data.index)).or_insert_with(|| {
                partitions.push((data.index, None, None));
                partitions.len() - 1
            });
            let Some((_, batch, wrong)) = partitions.get_mut(place) else { continue };
            match appendable(server, version, topic, data) {
                Ok(right) => *batch = Some(right),
                Err(error) if error.code == ErrorCode::UNKNOWN_SERVER_ERROR => return Err(error),
                Err(error) => *wrong = Some(error),
            }
        }
    }
    Ok(all)
}

/// The answer to a request that Kafka's broker cannot handle (ProduceRequest.getErrorResponse).
fn refused(
    cx: &mut Context<'_>,
    call: &Call,
    request: &ProduceRequest,
    error: &AppendError,
) -> Result<Reply, FrameError> {
    if request.acks == 0 {
        cx.out.disconnect(call.conn, DisconnectReason::Closed);
        return Ok(Reply::Nothing);
    }
    let mut topics: BTreeMap<(&str, Uuid), BTreeMap<i32, PartitionProduceResponse>> = BTreeMap::new();
    for topic in &request.topic_data {
        for data in &topic.partition_data {
            let partitions = topics.entry((topic.name.as_str(), topic.topic_id)).or_default();
            partitions.insert(data.index, answer(call.header.version, data.index, Err((error.clone(), -1))));
        }
    }
    let responses = topics.into_iter().map(|((name, id), partitions)| {
        let partitions = partitions.into_values().collect();
        let response = TopicProduceResponse::default().with_partition_responses(partitions);
        if call.header.version >= 13 {
            response.with_topic_id(id)
        } else {
            response.with_name(TopicName(name.to_owned().into()))
        }
    });
    respond(ProduceResponse::default().with_responses(responses.collect()))
}

/// Says who leads now where this node does not, so that the client need not ask (KIP-951).
fn name_leaders(server: &Server, response: &mut ProduceResponse, version: i16) {
    let mut leaders = std::collections::BTreeSet::new();
    for topic in &mut response.responses {
        let name = if version >= 13 {
            server.image.topic_by_id(topic.topic_id).map(|topic| topic.name.clone())
        } else {
            Some(topic.name.to_string())
        };
        for partition in &mut topic.partition_responses {
            let now = name.as_deref().and_then(|name| server.image.partition(name, partition.index));
            if let Some(now) = now.filter(|_| partition.error_code == ErrorCode::NOT_LEADER_OR_FOLLOWER.0) {
                partition.current_leader = LeaderIdAndEpoch::default()
                    .with_leader_id(now.leader.into())
                    .with_leader_epoch(now.leader_epoch);
                leaders.insert(now.leader);
            }
        }
    }
    response.node_endpoints = (leaders.into_iter())
        .filter_map(|id| {
            let leader = server.image.brokers().get(&id)?;
            let listener = server.image.endpoint(id, CLIENT_LISTENER)?;
            Some(
                NodeEndpoint::default()
                    .with_node_id(id.into())
                    .with_host(listener.host.clone().into())
                    .with_port(i32::from(listener.port))
                    .with_rack(leader.rack.clone().map(Into::into)),
            )
        })
        .collect();
}

fn append(
    server: &mut Server,
    cx: &mut Context<'_>,
    key: TopicPartition,
    batch: Option<&Batch>,
    acks: i16,
) -> Result<(AppendInfo, i64, Unsafe), (AppendError, i64)> {
    may_append(server, &key, acks).map_err(|error| (error, -1))?;
    let short = || AppendError::new(ErrorCode::CORRUPT_MESSAGE, "the batch is shorter than a header");
    let batch = batch.ok_or_else(|| (short(), -1))?;
    let min_isr = (acks == -1).then(|| server.image.min_insync_replicas(&key.0));
    let log_start =
        |server: &Server| server.replicas.of(&key).map_or(-1, |partition| partition.log().log_start());
    let info =
        (server.replicas.append(cx, &key, (batch, AppendOrigin::Client), min_isr)).map_err(|error| {
            // What Kafka expects to go wrong is answered without the log's start
            // (ReplicaManager.appendRecordsToLeader).
            let expected = [
                ErrorCode::CORRUPT_MESSAGE,
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                ErrorCode::NOT_LEADER_OR_FOLLOWER,
                ErrorCode::MESSAGE_TOO_LARGE,
                ErrorCode::RECORD_LIST_TOO_LARGE,
                ErrorCode::KAFKA_STORAGE_ERROR,
            ];
            let start = if expected.contains(&error.code) { -1 } else { log_start(server) };
            (error, start)
        })?;
    let flush = if server.config.flush_before_acknowledging { server.replicas.flush(cx, &key) } else { None };
    let (epoch, high_watermark) = server
        .replicas
        .of(&key)
        .map_or((-1, -1), |partition| (partition.registration().leader_epoch, partition.high_watermark()));
    if !info.duplicate {
        server.stats.records_in += u64::try_from(info.records).unwrap_or(0);
    }
    let offset = (acks == -1 && high_watermark <= info.last_offset).then_some(info.last_offset + 1);
    let start = log_start(server);
    Ok((info, start, Unsafe { place: (0, 0), key, offset, epoch, flush }))
}

/// The batch and where it belongs, as far as the request says.
fn appendable(
    server: &Server,
    version: i16,
    topic: &TopicProduceData,
    data: &PartitionProduceData,
) -> Result<Appendable, AppendError> {
    let name = if version >= 13 {
        let topic = server.image.topic_by_id(topic.topic_id);
        topic
            .map(|topic| topic.name.clone())
            .ok_or_else(|| AppendError::new(ErrorCode::UNKNOWN_TOPIC_ID, ""))?
    } else {
        topic.name.to_string()
    };
    /// The first version that knows zstd (KIP-110).
    const ZSTD: i16 = 7;
    if server.image.partition(&name, data.index).is_none() {
        return Err(AppendError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ""));
    }
    let batch = single_batch(data.records.as_ref().unwrap_or(&Bytes::new()), version >= ZSTD)?;
    Ok(((name, data.index), batch))
}

/// Whether a client's batch may be written to a partition here: what is wrong is answered without its log
/// (ReplicaManager.appendRecords).
fn may_append(server: &Server, key: &TopicPartition, acks: i16) -> Result<(), AppendError> {
    if !(-1..=1).contains(&acks) {
        return Err(AppendError::new(ErrorCode::INVALID_REQUIRED_ACKS, ""));
    }
    if is_internal(&key.0) {
        let message = format!("Cannot append to internal topic {}", key.0);
        return Err(AppendError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, message));
    }
    if let Some(error) = &server.disk_error {
        return Err(AppendError::new(ErrorCode::KAFKA_STORAGE_ERROR, error.to_string()));
    }
    server.replica(key).map(drop).map_err(|code| AppendError::new(code, ""))
}

fn answer(
    version: i16,
    index: i32,
    result: Result<(AppendInfo, i64), (AppendError, i64)>,
) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default().with_index(index);
    match result {
        Ok((info, log_start)) => {
            let response =
                response.with_base_offset(info.base_offset).with_log_append_time_ms(info.log_append_time);
            if version >= 5 { response.with_log_start_offset(log_start) } else { response }
        }
        Err((error, log_start)) => {
            let mut response = response
                .with_error_code(error.code.0)
                .with_base_offset(-1)
                .with_log_append_time_ms(-1)
                .with_log_start_offset(if version >= 5 { log_start } else { -1 });
            if version >= 8 {
                response.record_errors = (error.records.into_iter())
                    .map(|record| {
                        BatchIndexAndErrorMessage::default()
                            .with_batch_index(record.batch_index)
                            .with_batch_index_error_message(Some(record.message.into()))
                    })
                    .collect();
                response.error_message = error.told.then(|| error.message.into());
            }
            response
        }
    }
}
