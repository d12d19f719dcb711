//! OffsetCommit (8), versions 2 to 10, the last with topic ids (KIP-848). Left out: nothing.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::{FrameError, Header, checked_body, decode_body};
use blumfeld_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use blumfeld_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use blumfeld_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use blumfeld_protocol::varint::Reader;
use blumfeld_protocol::{ErrorCode, Uuid};
use bytes::Bytes;

use super::offset_fetch::{length, tags, text};
use crate::call::Call;
use crate::coordinator::{Answer, CommitRequest, Committing, OffsetAndMetadata};
use crate::reply::Reply;
use crate::server::Server;

fn read(header: &Header, body: Bytes) -> Result<OffsetCommitRequest, FrameError> {
    if header.version < 10 {
        return decode_body(header, body);
    }
    // The library has no such version.
    let body = checked_body(header, &body)?;
    read_by_id(&body).ok_or_else(|| FrameError::Body {
        api_key: header.api_key,
        version: header.version,
        what: format!("a field does not fit into its {} bytes", body.len()),
    })
}

fn read_by_id(body: &Bytes) -> Option<OffsetCommitRequest> {
    let mut reader = Reader::new(body);
    let mut request = OffsetCommitRequest::default()
        .with_group_id(text(&mut reader)??.into())
        .with_generation_id_or_member_epoch(reader.i32()?)
        .with_member_id(text(&mut reader)??)
        .with_group_instance_id(text(&mut reader)?);
    for _ in 0..length(&mut reader)?? {
        let mut topic =
            OffsetCommitRequestTopic::default().with_topic_id(Uuid::from_slice(reader.take(16)?).ok()?);
        for _ in 0..length(&mut reader)?? {
            let partition = OffsetCommitRequestPartition::default()
                .with_partition_index(reader.i32()?)
                .with_committed_offset(reader.i64()?)
                .with_committed_leader_epoch(reader.i32()?)
                .with_committed_metadata(text(&mut reader)?);
            tags(&mut reader)?;
            topic.partitions.push(partition);
        }
        tags(&mut reader)?;
        request.topics.push(topic);
    }
    tags(&mut reader)?;
    Some(request)
}

/// Handles a request: answered once the offsets are committed to `__consumer_offsets`.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    body: Bytes,
) -> Result<Reply, FrameError> {
    let request = read(&call.header, body)?;
    let waiter = call.clone();
    let now_ms = cx.unix_ms();
    // An old client may say how long its offsets are kept.
    let retention_ms = request.retention_time_ms;
    let expire_timestamp = if retention_ms == -1 { -1 } else { now_ms.saturating_add(retention_ms).max(0) };
    let max_metadata = server.config.group.offset_metadata_max_bytes;
    let (mut offsets, mut unknown, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for topic in &request.topics {
        let by_id = call.header.version >= 10;
        let image = match by_id {
            true => server.image.topic_by_id(topic.topic_id),
            false => server.image.topic(&topic.name),
        };
        let no_topic =
            if by_id { ErrorCode::UNKNOWN_TOPIC_ID } else { ErrorCode::UNKNOWN_TOPIC_OR_PARTITION };
        let missing = if image.is_some() { ErrorCode::UNKNOWN_TOPIC_OR_PARTITION } else { no_topic };
        let name = image.map_or_else(|| topic.name.to_string(), |image| image.name.clone());
        let mut of = [Vec::new(), Vec::new()];
        for partition in &topic.partitions {
            let number = partition.partition_index;
            let exists = image.is_some_and(|image| image.partitions.contains_key(&number));
            let metadata = partition.committed_metadata.as_deref().unwrap_or("");
            let code = if !exists {
                missing
            } else if metadata.encode_utf16().count() > max_metadata {
                ErrorCode::OFFSET_METADATA_TOO_LARGE
            } else {
                offsets.push(Committing {
                    topic: name.clone(),
                    partition: number,
                    value: OffsetAndMetadata {
                        offset: partition.committed_offset,
                        leader_epoch: partition.committed_leader_epoch,
                        metadata: metadata.to_owned(),
                        commit_timestamp: now_ms,
                        expire_timestamp,
                        topic_id: if by_id { topic.topic_id } else { Uuid::nil() },
                    },
                });
                ErrorCode::NONE
            };
            let response = OffsetCommitResponsePartition::default();
            of[usize::from(exists)].push(response.with_partition_index(number).with_error_code(code.0));
        }
        let [bad, good] = of;
        // A topic that there is not is named even without partitions.
        if !bad.is_empty() || image.is_none() {
            unknown.push(said(topic, bad));
        }
        if !good.is_empty() {
            known.push(said(topic, good));
        }
    }
    let check = CommitRequest {
        group_id: request.group_id.to_string(),
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.as_ref().map(ToString::to_string),
        generation: request.generation_id_or_member_epoch,
        version: call.header.version,
    };
    if known.is_empty() {
        server.groups.answer(waiter, Answer::Commit(OffsetCommitResponse::default().with_topics(unknown)));
        return Ok(Reply::Parked);
    }
    let checked = server.with_group(cx, &check.group_id, |shard, env| shard.check_commit(env, &check));
    if let Err(code) = checked.and_then(|checked| checked) {
        let partitions = known.iter_mut().flat_map(|topic| &mut topic.partitions);
        partitions.for_each(|partition| partition.error_code = code.0);
        offsets.clear();
    }
    // What Kafka's API layer refuses stands before what the coordinator says. The coordinator answers twice to a topic
    // that comes twice, and the two are taken together only where something else is said
    // (OffsetCommitResponse.Builder.merge).
    let alone = unknown.is_empty();
    for topic in known {
        match unknown
            .iter_mut()
            .filter(|_| !alone)
            .find(|have| have.name == topic.name && have.topic_id == topic.topic_id)
        {
            Some(have) => have.partitions.extend(topic.partitions),
            None => unknown.push(topic),
        }
    }
    let answer = Answer::Commit(OffsetCommitResponse::default().with_topics(unknown));
    if offsets.is_empty() {
        server.groups.answer(waiter, answer);
    } else {
        let after = (waiter, answer);
        // The shard was there a moment ago.
        let _ = server.with_group(cx, &check.group_id, |shard, env| {
            shard.write_offsets(env, &check.group_id, offsets, after);
        });
    }
    Ok(Reply::Parked)
}

fn said(
    topic: &OffsetCommitRequestTopic,
    partitions: Vec<OffsetCommitResponsePartition>,
) -> OffsetCommitResponseTopic {
    OffsetCommitResponseTopic::default()
        .with_name(topic.name.clone())
        .with_topic_id(topic.topic_id)
        .with_partitions(partitions)
}
