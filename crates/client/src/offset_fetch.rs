//! What OffsetFetch answers, whatever its version.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::OffsetFetchResponse;
use blumfeld_protocol::wire::StrBytes;

use crate::consumer::OffsetAndMetadata;
use crate::{ApiError, TopicPartition};

/// A partition, and what its group has committed of it: nothing, or where it goes on, or why that is not known.
pub(crate) type Committed = (TopicPartition, Result<Option<OffsetAndMetadata>, ErrorCode>);

/// Reads the answer about one group.
///
/// # Errors
/// The group's.
pub(crate) fn read(response: OffsetFetchResponse) -> Result<Vec<Committed>, ApiError> {
    let answer = |topic: &str, partition, (offset, epoch), metadata: Option<StrBytes>, code| {
        let committed = OffsetAndMetadata {
            offset,
            leader_epoch: (epoch >= 0).then_some(epoch),
            metadata: metadata.map(|text| text.to_string()).unwrap_or_default(),
        };
        let code = ErrorCode(code);
        let result = if code.is_error() { Err(code) } else { Ok((offset >= 0).then_some(committed)) };
        (TopicPartition::new(topic, partition), result)
    };
    let mut answers = Vec::new();
    // Before version 8 there is one group, which is not set apart.
    if let Some(group) = response.groups.into_iter().next() {
        ApiError::check(group.error_code, None)?;
        for topic in group.topics {
            answers.extend(topic.partitions.into_iter().map(|one| {
                let at = (one.committed_offset, one.committed_leader_epoch);
                answer(&topic.name, one.partition_index, at, one.metadata, one.error_code)
            }));
        }
    } else {
        ApiError::check(response.error_code, None)?;
        for topic in response.topics {
            answers.extend(topic.partitions.into_iter().map(|one| {
                let at = (one.committed_offset, one.committed_leader_epoch);
                answer(&topic.name, one.partition_index, at, one.metadata, one.error_code)
            }));
        }
    }
    Ok(answers)
}
