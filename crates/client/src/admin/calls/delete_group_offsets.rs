//! `OffsetDelete`: forget what a group has committed.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use blumfeld_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::super::groups::{GroupResult, Learnt};
use super::{Sender, group_id, name};
use crate::{ApiError, Completed, TopicPartition};

/// Sends the call to a coordinator.
pub fn send(
    mut to: Sender<'_, '_>,
    group: &str,
    partitions: &BTreeSet<TopicPartition>,
) -> Result<i32, ApiError> {
    let version = to.version::<OffsetDeleteRequest>()?;
    to.send(version, &delete_offsets(group, partitions))
}

fn delete_offsets(group: &str, partitions: &BTreeSet<TopicPartition>) -> OffsetDeleteRequest {
    let mut topics: Vec<OffsetDeleteRequestTopic> = Vec::new();
    for of in partitions {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(of.partition);
        match topics.last_mut().filter(|topic| topic.name.as_str() == &*of.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(
                OffsetDeleteRequestTopic::default()
                    .with_name(name(&of.topic))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    OffsetDeleteRequest::default().with_group_id(group_id(group)).with_topics(topics)
}

/// Takes the coordinator's answer.
pub fn answered(completed: &Completed) -> Result<GroupResult, ApiError> {
    let response: OffsetDeleteResponse = completed.decode()?;
    Ok(ApiError::check(response.error_code, None).map(|()| {
        let mut partitions = BTreeMap::new();
        for topic in &response.topics {
            for one in &topic.partitions {
                let result = ApiError::check(one.error_code, None);
                partitions.insert(TopicPartition::new(&topic.name, one.partition_index), result);
            }
        }
        Learnt::Partitions(partitions)
    }))
}
