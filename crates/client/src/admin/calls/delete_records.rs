//! `DeleteRecords`: delete the records before an offset. Each partition's leader is asked.

use std::collections::BTreeMap;

use blumfeld_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use blumfeld_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::super::AdminResponse;
use super::{Done, Sender, by_topic, name, note, offsets};
use crate::{ApiError, Completed, TopicPartition};

/// Asks a leader about some of the partitions.
pub fn send(
    mut to: Sender<'_, '_>,
    offsets: &BTreeMap<TopicPartition, i64>,
    partitions: &[TopicPartition],
) -> Result<i32, ApiError> {
    let version = to.version::<DeleteRecordsRequest>()?;
    let partition = |of: &&TopicPartition| {
        DeleteRecordsPartition::default()
            .with_partition_index(of.partition)
            .with_offset(offsets.get(*of).copied().unwrap_or(-1))
    };
    let topic = |(topic, of): (&str, Vec<&TopicPartition>)| {
        DeleteRecordsTopic::default()
            .with_name(name(topic))
            .with_partitions(of.iter().map(partition).collect())
    };
    let body = DeleteRecordsRequest::default()
        .with_topics(by_topic(partitions).into_iter().map(topic).collect())
        .with_timeout_ms(to.timeout_ms());
    to.send(version, &body)
}

/// Takes a leader's answer about deleted records.
pub fn answered(completed: &Completed, asked: &[TopicPartition], done: &mut Done) -> Result<(), ApiError> {
    let response: DeleteRecordsResponse = completed.decode()?;
    for topic in &response.topics {
        for answer in &topic.partitions {
            let partition = TopicPartition::new(&topic.name, answer.partition_index);
            if asked.contains(&partition) {
                note(done, partition, answer.error_code, answer.low_watermark, -1);
            }
        }
    }
    Ok(())
}

/// The whole answer: where each log begins now.
pub fn gathered(done: Done) -> AdminResponse {
    let start = |(of, result): (TopicPartition, Result<super::super::FoundOffset, ApiError>)| {
        (of, result.map(|found| found.offset))
    };
    AdminResponse::Deleted(offsets(done).into_iter().map(start).collect())
}
