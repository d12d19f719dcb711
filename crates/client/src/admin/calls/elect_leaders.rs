//! `ElectLeaders`: elect leaders of partitions.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::elect_leaders_request::TopicPartitions;
use blumfeld_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse};

use super::super::AdminResponse;
use super::{Sender, name, numbers_by_topic};
use crate::{ApiError, Completed, TopicPartition};

/// How a leader is chosen (org.apache.kafka.common.ElectionType).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElectionType {
    /// The first replica of the assignment.
    Preferred,
    /// The first living replica, in sync or not, where there is no leader.
    Unclean,
}

impl ElectionType {
    /// The number in requests.
    pub const fn id(self) -> i8 {
        match self {
            Self::Preferred => 0,
            Self::Unclean => 1,
        }
    }
}

/// Sends the call.
pub fn send(
    mut to: Sender<'_, '_>,
    election: ElectionType,
    partitions: Option<&BTreeSet<TopicPartition>>,
) -> Result<i32, ApiError> {
    let version = to.version::<ElectLeadersRequest>()?;
    if version < 1 && election != ElectionType::Preferred {
        let text = "API Version 0 only supports PREFERRED election type";
        return Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
    }
    let topic =
        |(topic, partitions)| TopicPartitions::default().with_topic(name(topic)).with_partitions(partitions);
    let topics = partitions.map(|partitions| numbers_by_topic(partitions).into_iter().map(topic).collect());
    let body = ElectLeadersRequest::default()
        .with_election_type(election.id())
        .with_topic_partitions(topics)
        .with_timeout_ms(to.timeout_ms());
    to.send(version, &body)
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: ElectLeadersResponse = completed.decode()?;
    ApiError::check(response.error_code, None)?;
    let mut results = BTreeMap::new();
    for topic in &response.replica_election_results {
        for partition in &topic.partition_result {
            let result = ApiError::check(partition.error_code, partition.error_message.as_ref());
            results.insert(TopicPartition::new(&topic.topic, partition.partition_id), result);
        }
    }
    Ok(AdminResponse::Partitions(results))
}
