//! `CreateTopics`: create topics, or only see whether that would work.

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use blumfeld_protocol::messages::{BrokerId, CreateTopicsRequest, CreateTopicsResponse};

use super::super::AdminResponse;
use super::super::types::{CreatedTopic, NewTopic};
use super::{Sender, again, name, text};
use crate::{ApiError, Completed};

/// What Java's client refuses without asking a broker.
pub fn refused(topics: &[NewTopic]) -> Option<AdminResponse> {
    let empty = topics.iter().find(|topic| topic.name.is_empty())?;
    let text = format!("The given topic name '{}' cannot be represented in a request.", empty.name);
    let error = ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, text);
    Some(AdminResponse::CreateTopics(BTreeMap::from([(empty.name.clone(), Err(error))])))
}

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>, topics: &[NewTopic], validate_only: bool) -> Result<i32, ApiError> {
    let version = to.version::<CreateTopicsRequest>()?;
    let body = CreateTopicsRequest::default()
        .with_topics(topics.iter().map(creatable).collect())
        .with_timeout_ms(to.timeout_ms())
        .with_validate_only(validate_only);
    to.send(version, &body)
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let assignment = |(&partition, brokers): (&i32, &Vec<i32>)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(partition)
            .with_broker_ids(brokers.iter().copied().map(BrokerId).collect())
    };
    let config = |(config, value): (&String, &String)| {
        CreatableTopicConfig::default().with_name(text(config)).with_value(Some(text(value)))
    };
    CreatableTopic::default()
        .with_name(name(&topic.name))
        .with_num_partitions(topic.partitions.unwrap_or(-1))
        .with_replication_factor(topic.replication_factor.unwrap_or(-1))
        .with_assignments(topic.assignments.iter().map(assignment).collect())
        .with_configs(topic.configs.iter().map(config).collect())
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: CreateTopicsResponse = completed.decode()?;
    let mut results = BTreeMap::new();
    for topic in response.topics {
        again(topic.error_code)?;
        let created = CreatedTopic {
            id: topic.topic_id,
            partitions: topic.num_partitions,
            replication_factor: topic.replication_factor,
        };
        let result = ApiError::check(topic.error_code, topic.error_message.as_ref());
        results.insert(topic.name.to_string(), result.map(|()| created));
    }
    Ok(AdminResponse::CreateTopics(results))
}
