//! OffsetFetch (9), versions 1 to 10: offsets of several groups, all of a group's, or stable ones (KIP-447), by topic
//! names or in version 10 by their ids (KIP-848). Left out: nothing.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::frame::{Header, checked_body, decode_body};
use blumfeld_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use blumfeld_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use blumfeld_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse, TopicName};
use blumfeld_protocol::varint::Reader;
use blumfeld_protocol::wire::StrBytes;
use blumfeld_protocol::{ErrorCode, Uuid};
use bytes::Bytes;

use crate::call::Call;
use crate::coordinator::{Answer, OffsetAndMetadata, Offsets};
use crate::metadata::MetadataImage;
use crate::reply::Reply;
use crate::server::Server;

/// What is asked of a group.
struct Group {
    id: StrBytes,
    /// No topics are all of them.
    topics: Option<Vec<Topic>>,
}

struct Topic {
    /// As it was asked for, and so in the answer.
    name: StrBytes,
    id: Uuid,
    /// The name that offsets are kept under; none for an id that no topic has.
    known: Option<String>,
    partitions: Vec<i32>,
}

/// Reads a request: its groups, and whether their offsets have to be stable.
fn read(image: &MetadataImage, header: &Header, body: Bytes) -> Result<(Vec<Group>, bool), FrameError> {
    if header.version >= 10 {
        // The library has no such version.
        let body = checked_body(header, &body)?;
        return read_by_id(image, &body).ok_or_else(|| FrameError::Body {
            api_key: header.api_key,
            version: header.version,
            what: format!("a field does not fit into its {} bytes", body.len()),
        });
    }
    let request: OffsetFetchRequest = decode_body(header, body)?;
    let topic = |name: TopicName, partitions: Vec<i32>| Topic {
        known: Some(name.to_string()),
        name: name.0,
        id: Uuid::nil(),
        partitions,
    };
    let groups = if header.version >= 8 {
        let groups = request.groups.into_iter().map(|group: OffsetFetchRequestGroup| {
            let topics = group
                .topics
                .map(|topics| topics.into_iter().map(|one| topic(one.name, one.partition_indexes)).collect());
            Group { id: group.group_id.0, topics }
        });
        groups.collect()
    } else {
        let topics = request
            .topics
            .map(|topics| topics.into_iter().map(|one| topic(one.name, one.partition_indexes)).collect());
        vec![Group { id: request.group_id.0, topics }]
    };
    Ok((groups, request.require_stable))
}

fn read_by_id(image: &MetadataImage, body: &Bytes) -> Option<(Vec<Group>, bool)> {
    let mut reader = Reader::new(body);
    let mut groups = Vec::new();
    for _ in 0..length(&mut reader)?? {
        let id = text(&mut reader)??;
        text(&mut reader)?; // member id
        reader.i32()?; // member epoch
        let topics = match length(&mut reader)? {
            None => None,
            Some(count) => {
                let mut topics = Vec::new();
                for _ in 0..count {
                    let id = Uuid::from_slice(reader.take(16)?).ok()?;
                    let mut partitions = Vec::new();
                    for _ in 0..length(&mut reader)?? {
                        partitions.push(reader.i32()?);
                    }
                    tags(&mut reader)?;
                    let known = image.topic_by_id(id).map(|topic| topic.name.clone());
                    topics.push(Topic { name: StrBytes::default(), id, known, partitions });
                }
                Some(topics)
            }
        };
        tags(&mut reader)?;
        groups.push(Group { id, topics });
    }
    let stable = reader.u8()? != 0;
    tags(&mut reader)?;
    Some((groups, stable))
}

/// A compact length; none of null.
#[allow(clippy::option_option, reason = "the outer None is malformed, the inner one null")]
pub(super) fn length(reader: &mut Reader<'_>) -> Option<Option<u32>> {
    Some(reader.varint_unsigned()?.checked_sub(1))
}

#[allow(clippy::option_option, reason = "the outer None is malformed, the inner one null")]
pub(super) fn text(reader: &mut Reader<'_>) -> Option<Option<StrBytes>> {
    let Some(length) = length(reader)? else { return Some(None) };
    let bytes = reader.take(usize::try_from(length).ok()?)?;
    Some(Some(StrBytes::from_string(std::str::from_utf8(bytes).ok()?.to_owned())))
}

pub(super) fn tags(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..reader.varint_unsigned()? {
        reader.varint_unsigned()?;
        let size = usize::try_from(reader.varint_unsigned()?).ok()?;
        reader.take(size)?;
    }
    Some(())
}

/// Handles a request: answered at once, or if the offsets have to be stable, once everything before it is committed.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    body: Bytes,
) -> Result<Reply, FrameError> {
    let waiter = call.clone();
    let (groups, stable) = read(&server.image, &call.header, body)?;
    let mut response = OffsetFetchResponse::default();
    let mut found = Vec::new();
    for group in &groups {
        let result = server.with_group(cx, &group.id, |shard, _| {
            let offsets = if stable { shard.current() } else { shard.committed() };
            fetch(offsets, group, stable)
        });
        let answer = OffsetFetchResponseGroup::default().with_group_id(group.id.clone().into());
        response.groups.push(match result {
            Ok(mut topics) => {
                found.push(group.id.clone());
                if call.header.version >= 10 && group.topics.is_none() {
                    name_by_ids(&server.image, &mut topics);
                }
                answer.with_topics(topics)
            }
            // Version 1 has no place for an error but the partitions.
            Err(code) if call.header.version < 2 => answer.with_topics(failed(group, code)),
            Err(code) => answer.with_error_code(code.0),
        });
    }
    let answer = Answer::Fetch(response);
    if !stable || found.is_empty() {
        server.groups.answer(waiter, answer);
        return Ok(Reply::Parked);
    }
    let gathering = server.groups.gather(waiter, answer, found.len());
    for group_id in found {
        // The shard was there a moment ago.
        let _ = server.with_group(cx, &group_id, |shard, env| {
            shard.wait_for_writes(env, gathering, &group_id);
        });
    }
    Ok(Reply::Parked)
}

/// All offsets of a group, asked for by ids: those of topics that are gone are left out.
fn name_by_ids(image: &MetadataImage, topics: &mut Vec<OffsetFetchResponseTopics>) {
    topics.retain_mut(|topic| match image.topic(&topic.name) {
        Some(known) => {
            topic.topic_id = known.id;
            topic.name = TopicName::default();
            true
        }
        None => false,
    });
}

/// What is committed. Where it has to be `stable`, a transaction that is open and would change it is said instead
/// (KIP-447).
fn fetch(offsets: &Offsets, group: &Group, stable: bool) -> Vec<OffsetFetchResponseTopics> {
    let told = |topic: &str, number: i32, have: Option<&OffsetAndMetadata>| {
        if stable && offsets.is_pending(&group.id, topic, number) {
            let response = OffsetFetchResponsePartitions::default().with_partition_index(number);
            return none(response).with_error_code(ErrorCode::UNSTABLE_OFFSET_COMMIT.0);
        }
        told(number, have)
    };
    let Some(topics) = &group.topics else {
        let all = offsets.topics(&group.id).map(|(topic, partitions)| {
            OffsetFetchResponseTopics::default()
                .with_name(TopicName(topic.to_owned().into()))
                .with_partitions(
                    partitions.iter().map(|(number, have)| told(topic, *number, Some(have))).collect(),
                )
        });
        return all.collect();
    };
    let topics = topics.iter().map(|topic| {
        let Some(known) = &topic.known else { return failed_topic(topic, ErrorCode::UNKNOWN_TOPIC_ID) };
        let partitions = topic.partitions.iter().map(|number| {
            // What was committed to an earlier topic of this name is none of this one's.
            let same = |have: &&OffsetAndMetadata| {
                have.topic_id.is_nil() || topic.id.is_nil() || have.topic_id == topic.id
            };
            told(known, *number, offsets.get(&group.id, known, *number).filter(same))
        });
        named(topic).with_partitions(partitions.collect())
    });
    topics.collect()
}

fn named(topic: &Topic) -> OffsetFetchResponseTopics {
    OffsetFetchResponseTopics::default().with_name(TopicName(topic.name.clone())).with_topic_id(topic.id)
}

fn told(number: i32, offset: Option<&OffsetAndMetadata>) -> OffsetFetchResponsePartitions {
    let response = OffsetFetchResponsePartitions::default().with_partition_index(number);
    match offset {
        Some(offset) => response
            .with_committed_offset(offset.offset)
            .with_committed_leader_epoch(offset.leader_epoch)
            .with_metadata(Some(offset.metadata.clone().into())),
        None => none(response),
    }
}

fn none(response: OffsetFetchResponsePartitions) -> OffsetFetchResponsePartitions {
    response
        .with_committed_offset(-1)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(String::new().into()))
}

fn failed(group: &Group, code: ErrorCode) -> Vec<OffsetFetchResponseTopics> {
    group.topics.iter().flatten().map(|topic| failed_topic(topic, code)).collect()
}

fn failed_topic(topic: &Topic, code: ErrorCode) -> OffsetFetchResponseTopics {
    let partitions = topic.partitions.iter().map(|number| {
        let response = OffsetFetchResponsePartitions::default().with_partition_index(*number);
        none(response).with_error_code(code.0)
    });
    named(topic).with_partitions(partitions.collect())
}
