//! Metadata (3), versions 0 to 13: brokers, topics, leaders. A topic that does not exist is created where the client
//! allows it and auto.create.topics.enable is on; the client asks again. Left out: nothing.

use std::collections::BTreeSet;

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::create_topics_request::CreatableTopic;
use blumfeld_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use blumfeld_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use blumfeld_protocol::{ErrorCode, Uuid, uuid_text};

use super::{CLUSTER_OPERATIONS, TOPIC_OPERATIONS};
use crate::call::Call;
use crate::config::CLIENT_LISTENER;
use crate::coordinator::GROUP_METADATA_TOPIC;
use crate::metadata::{MetadataImage, TopicImage};
use crate::reply::{Reply, respond};
use crate::server::Server;
use crate::topic_name::{has_collision, is_internal, validate_topic_name};

/// Handles a request.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: MetadataRequest,
) -> Result<Reply, FrameError> {
    let version = call.header.version;
    // Version 0 asks for all topics with an empty list, later ones with null.
    let all =
        request.topics.is_none() || (version == 0 && request.topics.as_ref().is_some_and(Vec::is_empty));
    let asked = || request.topics.iter().flatten().filter(|_| !all);
    let by_id = asked().any(|topic| !topic.topic_id.is_nil());
    let nameless = asked().any(|topic| topic.name.is_none());
    // Ids are for versions from 12 on; a name that is null without any id is an exception at Kafka.
    if version < 12 && (by_id || nameless) {
        return refused(version, &request, ErrorCode::INVALID_REQUEST);
    }
    if nameless && !by_id {
        return refused(version, &request, ErrorCode::UNKNOWN_SERVER_ERROR);
    }
    let (of_topics, of_cluster) =
        (request.include_topic_authorized_operations, request.include_cluster_authorized_operations);
    let mut topics = Vec::new();
    if all {
        topics.extend(server.image.topics().values().map(|topic| describe(&server.image, topic, version)));
    }
    // What is asked for twice is told once.
    let mut once = BTreeSet::new();
    for asked in asked().cloned() {
        if by_id {
            // Beside an id a name counts for nothing (KafkaApis.handleTopicMetadataRequest).
            if asked.topic_id.is_nil() {
                continue;
            }
            let name = server.image.topic_by_id(asked.topic_id).map(|topic| topic.name.clone());
            if !once.insert((name, asked.topic_id)) {
                continue;
            }
            topics.push(match server.image.topic_by_id(asked.topic_id) {
                Some(topic) => describe(&server.image, topic, version),
                None => failed(None, asked.topic_id, ErrorCode::UNKNOWN_TOPIC_ID),
            });
            continue;
        }
        let name = asked.name.unwrap_or_default();
        let id = server.image.topic(name.as_str()).map_or(Uuid::nil(), |topic| topic.id);
        if !once.insert((Some(name.to_string()), id)) {
            continue;
        }
        topics.push(match server.image.topic(name.as_str()) {
            Some(topic) => describe(&server.image, topic, version),
            None => {
                let create = server.config.auto_create_topics
                    && (version < 4 || request.allow_auto_topic_creation)
                    && (!is_internal(name.as_str()) || name.as_str() == GROUP_METADATA_TOPIC);
                let code = missing(server, cx, &name, create);
                failed(Some(name), Uuid::nil(), code)
            }
        });
    }
    let brokers =
        server.image.brokers().values().filter(|registered| !registered.fenced).filter_map(|registered| {
            let listener = server.image.endpoint(registered.id, CLIENT_LISTENER)?;
            Some(
                MetadataResponseBroker::default()
                    .with_node_id(registered.id.into())
                    .with_host(listener.host.clone().into())
                    .with_port(i32::from(listener.port))
                    .with_rack(registered.rack.clone().filter(|_| version >= 1).map(Into::into)),
            )
        });
    if of_topics {
        let known = topics.iter_mut().filter(|topic| topic.error_code != ErrorCode::UNKNOWN_TOPIC_ID.0);
        known.for_each(|topic| topic.topic_authorized_operations = TOPIC_OPERATIONS);
    }
    let mut response = MetadataResponse::default().with_brokers(brokers.collect()).with_topics(topics);
    if version >= 1 {
        // Kafka names any broker: clients do not reach the controller, which a broker forwards to.
        response.controller_id = server.any_broker(cx).into();
    }
    if of_cluster {
        response.cluster_authorized_operations = CLUSTER_OPERATIONS;
    }
    if version >= 2 {
        response.cluster_id = Some(uuid_text::to_text(server.cluster_id).into());
    }
    respond(response)
}

/// The answer to a request that Kafka's broker cannot handle (MetadataRequest.getErrorResponse).
fn refused(version: i16, request: &MetadataRequest, code: ErrorCode) -> Result<Reply, FrameError> {
    let topics = request
        .topics
        .iter()
        .flatten()
        .map(|topic| failed(Some(topic.name.clone().unwrap_or_default()), topic.topic_id, code));
    let response = MetadataResponse::default().with_controller_id((-1).into()).with_topics(topics.collect());
    respond(if version >= 13 { response.with_error_code(code.0) } else { response })
}

/// The code for a topic that does not exist; creates it if that is wanted.
fn missing(server: &mut Server, cx: &mut Context<'_>, name: &TopicName, create: bool) -> ErrorCode {
    if validate_topic_name(name.as_str()).is_err() {
        return ErrorCode::INVALID_TOPIC_EXCEPTION;
    }
    if create && name.as_str() == GROUP_METADATA_TOPIC {
        server.create_offsets_topic(cx);
    } else if create {
        // A name that another one excludes cannot be created: the controller would say so, and nobody hears it.
        if server.image.topics().keys().any(|other| has_collision(name.as_str(), other)) {
            return ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
        }
        let topic = CreatableTopic::default()
            .with_name(name.clone())
            .with_num_partitions(server.config.num_partitions)
            .with_replication_factor(server.config.default_replication_factor);
        server.forwarding.create_topic(cx, topic);
    }
    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
}

fn failed(name: Option<TopicName>, id: Uuid, code: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic::default().with_error_code(code.0).with_name(name).with_topic_id(id)
}

fn describe(image: &MetadataImage, topic: &TopicImage, version: i16) -> MetadataResponseTopic {
    let ids = |ids: &[i32]| ids.iter().map(|id| (*id).into()).collect();
    let partitions = topic.partitions.iter().map(|(number, partition)| {
        let leaderless = partition.leader < 0;
        let offline = |id: &&i32| image.brokers().get(*id).is_none_or(|broker| broker.fenced);
        let mut response = MetadataResponsePartition::default()
            .with_error_code(if leaderless { ErrorCode::LEADER_NOT_AVAILABLE.0 } else { 0 })
            .with_partition_index(*number)
            .with_leader_id(partition.leader.into())
            .with_replica_nodes(ids(&partition.replicas))
            .with_isr_nodes(ids(&partition.isr));
        if version >= 5 {
            response.offline_replicas =
                partition.replicas.iter().filter(offline).map(|id| (*id).into()).collect();
        }
        if version >= 7 {
            response.leader_epoch = partition.leader_epoch;
        }
        response
    });
    let mut response = MetadataResponseTopic::default()
        .with_name(Some(TopicName(topic.name.clone().into())))
        .with_partitions(partitions.collect());
    if version >= 1 {
        response.is_internal = is_internal(&topic.name);
    }
    if version >= 10 {
        response.topic_id = topic.id;
    }
    response
}
