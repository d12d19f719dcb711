//! `Metadata`: what there is of all topics, or of some.

use std::collections::BTreeMap;
use std::sync::Arc;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::metadata_request::MetadataRequestTopic;
use blumfeld_protocol::messages::metadata_response::MetadataResponseTopic;
use blumfeld_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};

use super::super::AdminResponse;
use super::{Sender, name};
use crate::{ApiError, Completed, PartitionMetadata, TopicMetadata};

/// Sends the call: about these topics, or about all.
pub fn send(mut to: Sender<'_, '_>, topics: Option<&[String]>) -> Result<i32, ApiError> {
    let version = to.version::<MetadataRequest>()?;
    let mut body = MetadataRequest::default();
    let topic = |topic: &String| MetadataRequestTopic::default().with_name(Some(name(topic)));
    body.topics = match topics {
        Some(topics) => Some(topics.iter().map(topic).collect()),
        None => (version == 0).then(Vec::new),
    };
    if version >= 4 {
        body.allow_auto_topic_creation = false;
    }
    to.send(version, &body)
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: MetadataResponse = completed.decode()?;
    let mut results = BTreeMap::new();
    for topic in &response.topics {
        let Some(name) = &topic.name else { continue };
        let code = ErrorCode(topic.error_code);
        let result = if code.is_error() { Err(code.into()) } else { Ok(described(name, topic)) };
        results.insert(name.to_string(), result);
    }
    Ok(AdminResponse::Descriptions(results))
}

fn described(name: &TopicName, topic: &MetadataResponseTopic) -> TopicMetadata {
    let ids = |nodes: &[BrokerId]| nodes.iter().map(|id| id.0).collect();
    let partitions = topic
        .partitions
        .iter()
        .map(|partition| {
            let metadata = PartitionMetadata {
                partition: partition.partition_index,
                leader: partition.leader_id.0,
                leader_epoch: partition.leader_epoch,
                replicas: ids(&partition.replica_nodes),
                isr: ids(&partition.isr_nodes),
                offline: ids(&partition.offline_replicas),
                elr: None,
                last_known_elr: None,
                error: ErrorCode(partition.error_code),
            };
            (partition.partition_index, metadata)
        })
        .collect();
    let name: Arc<str> = name.as_str().into();
    TopicMetadata {
        name,
        id: topic.topic_id,
        internal: topic.is_internal,
        error: ErrorCode::NONE,
        partitions,
    }
}
