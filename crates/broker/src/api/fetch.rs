//! Fetch (1), versions 4 to 18, for consumers and followers: from an offset, up to the high watermark or the log end,
//! with fetch.min.bytes as a long poll, fetch sessions (KIP-227), divergence by epoch (KIP-595), and the closest
//! replica (KIP-392). Left out: aborted transactions, as there are no transactions yet.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::fetch_request::FetchPartition;
use blumfeld_protocol::messages::fetch_response::FetchableTopicResponse;
use blumfeld_protocol::messages::{FetchRequest, FetchResponse};
use blumfeld_protocol::{ErrorCode, Uuid};

use crate::call::Call;
use crate::replica::TopicPartition;
use crate::reply::{Reply, respond};
use crate::server::{DelayedFetch, FetchContext, Server, divergence, failure, is_of_earlier_life};

/// Handles a request.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: FetchRequest,
) -> Result<Reply, FrameError> {
    let version = call.header.version;
    let replica = if version >= 15 { request.replica_state.replica_id.0 } else { request.replica_id.0 };
    let context = match context(server, cx, version, &request) {
        Ok(context) => context,
        Err(ErrorCode::UNKNOWN_SERVER_ERROR) => return refused(version, &request),
        Err(code) => return respond(FetchResponse::default().with_error_code(code.0)),
    };
    let asked = |keys: &mut dyn Iterator<Item = &Option<TopicPartition>>| {
        keys.flatten().any(|(name, number)| server.image.partition(name, *number).is_some())
    };
    let nothing = !match &context {
        FetchContext::Full { asked: all, .. } => asked(&mut all.iter().map(|(_, key, _)| key)),
        FetchContext::Session(id) => {
            let session =
                server.sessions.get(*id).into_iter().flat_map(|session| session.partitions.values());
            asked(&mut session.map(|cached| &cached.key))
        }
    };
    if !nothing && !(0..=1).contains(&request.isolation_level) {
        return refused(version, &request);
    }
    if replica >= 0 {
        note_follower(server, cx, replica, request.replica_state.replica_epoch, &context, version);
    }
    let partitions = match &context {
        FetchContext::Full { asked, .. } => asked.iter().filter_map(|(_, key, _)| key.clone()).collect(),
        FetchContext::Session(_) => BTreeSet::new(),
    };
    let expires = cx.after_ms(i64::from(request.max_wait_ms));
    // Nobody waits for more than an answer may have (KafkaApis.handleFetchRequest).
    let max_bytes = request.max_bytes.min(server.config.fetch_max_bytes);
    let fetch = DelayedFetch {
        call: call.clone(),
        context,
        min_bytes: usize::try_from(request.min_bytes.min(max_bytes)).unwrap_or(0),
        max_bytes: i64::from(max_bytes),
        isolation_level: request.isolation_level,
        replica,
        replica_epoch: request.replica_state.replica_epoch,
        rack: request.rack_id.to_string(),
        partitions,
        expires,
    };
    if let Some(reply) = server.try_complete(cx, &fetch, expires <= cx.now || nothing)? {
        return Ok(reply);
    }
    server.park_fetch(fetch);
    Ok(Reply::Parked)
}

/// The answer to a request that Kafka's broker cannot handle (FetchRequest.getErrorResponse).
fn refused(version: i16, request: &FetchRequest) -> Result<Reply, FrameError> {
    let code = ErrorCode::UNKNOWN_SERVER_ERROR.0;
    let mut response = FetchResponse::default().with_error_code(code).with_session_id(request.session_id);
    let topics = request.topics.iter().filter(|_| version < 13);
    response.responses = topics
        .map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| failure(asked.partition, code)).collect();
            FetchableTopicResponse::default().with_topic(topic.topic.clone()).with_partitions(partitions)
        })
        .collect();
    if version < 7 {
        (response.error_code, response.session_id) = (0, 0);
    }
    respond(response)
}

/// Whether a session's id is in none of the parts that Kafka cuts its cache into: an exception there
/// (FetchSessionCache.getCacheShard).
fn has_no_shard(session: i32) -> bool {
    const SHARDS: i32 = 8;
    !(0..SHARDS).contains(&(session / (i32::MAX / SHARDS)))
}

/// What the request is about: a session that goes on, or partitions with or without a session to come (FetchManager.
/// newContext).
fn context(
    server: &mut Server,
    cx: &Context<'_>,
    version: i16,
    request: &FetchRequest,
) -> Result<FetchContext, ErrorCode> {
    let image = &server.image;
    let name = |id: Uuid, name: &str| -> (Uuid, Option<String>) {
        if version >= 13 {
            (id, image.topic_by_id(id).map(|topic| topic.name.clone()))
        } else {
            (image.topic(name).map_or(Uuid::nil(), |topic| topic.id), Some(name.to_owned()))
        }
    };
    if version >= 7 && has_no_shard(request.session_id) {
        return Err(ErrorCode::UNKNOWN_SERVER_ERROR);
    }
    // An epoch of 0 makes a session, -1 wants none; both end the session they name.
    if version >= 7 && !matches!(request.session_epoch, 0 | -1) {
        server.sessions.resume(cx.now, version >= 13, request, name)?;
        // A session that has nothing more ends (FetchManager.newContext).
        if server.sessions.get(request.session_id).is_some_and(|session| session.partitions.is_empty()) {
            server.sessions.remove(request.session_id);
            return Ok(FetchContext::Full { asked: Vec::new(), create: false });
        }
        return Ok(FetchContext::Session(request.session_id));
    }
    // Of a partition that comes twice the last counts, in the place of the first (FetchRequest.fetchData).
    let (mut asked, mut places) = (Vec::new(), BTreeMap::new());
    for topic in &request.topics {
        let (id, found) = name(topic.topic_id, topic.topic.as_str());
        for wanted in &topic.partitions {
            let key = found.clone().map(|name| (name, wanted.partition));
            let one = ((id, wanted.partition), key, wanted.clone());
            let place = *places.entry((topic.topic.as_str(), id, wanted.partition)).or_insert(asked.len());
            match asked.get_mut(place) {
                Some(have) => *have = one,
                None => asked.push(one),
            }
        }
    }
    if version >= 7 && request.session_id != 0 {
        server.sessions.remove(request.session_id);
    }
    Ok(FetchContext::Full { asked, create: version >= 7 && request.session_epoch == 0 })
}

/// Takes what a follower's fetch says of its logs (Partition.updateFollowerFetchState), and lets it into the ISR where
/// it has caught up.
fn note_follower(
    server: &mut Server,
    cx: &mut Context<'_>,
    replica: i32,
    replica_epoch: i64,
    context: &FetchContext,
    version: i16,
) {
    if is_of_earlier_life(&server.image, replica, replica_epoch) {
        return;
    }
    let asked: Vec<(TopicPartition, FetchPartition)> = match context {
        FetchContext::Full { asked, .. } => {
            asked.iter().filter_map(|(_, key, asked)| Some((key.clone()?, asked.clone()))).collect()
        }
        FetchContext::Session(id) => {
            let Some(session) = server.sessions.get(*id) else { return };
            let dirty = session.dirty.iter().filter_map(|of| session.partitions.get(of));
            dirty.filter_map(|cached| Some((cached.key.clone()?, cached.asked.clone()))).collect()
        }
    };
    server.replicas.note_follower(replica, cx.now);
    if server.isr.recheck.remove(&replica)
        && let FetchContext::Session(id) = context
    {
        let session = server.sessions.get(*id).into_iter().flat_map(|session| session.partitions.values());
        let keys: Vec<TopicPartition> = session.filter_map(|cached| cached.key.clone()).collect();
        keys.iter().for_each(|key| server.maybe_expand_isr(key, replica));
    }
    for (key, asked) in asked {
        let Some(partition) = server.replicas.of(&key) else { continue };
        let epoch_is_right = version < 9 || partition.check_leader(asked.current_leader_epoch).is_ok();
        // A log that has diverged is not where its offset says.
        let same =
            divergence(partition, &asked) == Ok(None) && asked.fetch_offset <= partition.log().log_end();
        if !epoch_is_right || !same {
            continue;
        }
        server.replicas.note_fetch(
            cx,
            &key,
            (replica, replica_epoch),
            asked.fetch_offset,
            asked.log_start_offset,
        );
        server.maybe_expand_isr(&key, replica);
    }
}
