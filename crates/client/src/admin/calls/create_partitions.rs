//! `CreatePartitions`: give topics more partitions.

use std::collections::BTreeMap;

use blumfeld_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use blumfeld_protocol::messages::{BrokerId, CreatePartitionsRequest, CreatePartitionsResponse};

use super::super::AdminResponse;
use super::super::types::NewPartitions;
use super::{Sender, again, name};
use crate::{ApiError, Completed};

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>, topics: &[(String, NewPartitions)]) -> Result<i32, ApiError> {
    let version = to.version::<CreatePartitionsRequest>()?;
    let assignment = |brokers: &Vec<i32>| {
        CreatePartitionsAssignment::default().with_broker_ids(brokers.iter().copied().map(BrokerId).collect())
    };
    let topic = |(topic, new): &(String, NewPartitions)| {
        CreatePartitionsTopic::default()
            .with_name(name(topic))
            .with_count(new.total)
            .with_assignments(new.assignments.as_ref().map(|all| all.iter().map(assignment).collect()))
    };
    let body = CreatePartitionsRequest::default()
        .with_topics(topics.iter().map(topic).collect())
        .with_timeout_ms(to.timeout_ms());
    to.send(version, &body)
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: CreatePartitionsResponse = completed.decode()?;
    let mut results = BTreeMap::new();
    for topic in response.results {
        again(topic.error_code)?;
        let result = ApiError::check(topic.error_code, topic.error_message.as_ref());
        results.insert(topic.name.to_string(), result);
    }
    Ok(AdminResponse::Topics(results))
}
