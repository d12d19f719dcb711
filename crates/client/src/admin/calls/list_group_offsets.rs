//! `OffsetFetch`: what a group has committed.

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use blumfeld_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};

use super::super::AdminResponse;
use super::super::groups::{GroupResult, Learnt};
use super::{Sender, group_id};
use crate::consumer::OffsetAndMetadata;
use crate::{ApiError, Completed, TopicPartition, offset_fetch};

/// Sends the call to a coordinator.
pub fn send(mut to: Sender<'_, '_>, group: &str) -> Result<i32, ApiError> {
    let version = to.version::<OffsetFetchRequest>()?;
    to.send(version, &fetch_all(group, version))
}

/// All offsets of a group.
fn fetch_all(group: &str, version: i16) -> OffsetFetchRequest {
    let mut body = OffsetFetchRequest::default();
    if version >= 8 {
        let mut of = OffsetFetchRequestGroup::default().with_group_id(group_id(group)).with_topics(None);
        if version >= 9 {
            of.member_epoch = -1;
        }
        body.groups = vec![of];
    } else {
        body.group_id = group_id(group);
        body.topics = None;
    }
    body
}

/// Takes the coordinator's answer.
pub fn answered(completed: &Completed) -> Result<GroupResult, ApiError> {
    Ok(fetched(completed.decode()?).map(Learnt::Offsets))
}

fn fetched(response: OffsetFetchResponse) -> Result<BTreeMap<TopicPartition, OffsetAndMetadata>, ApiError> {
    let answers = offset_fetch::read(response)?.into_iter();
    // Java leaves out what it cannot learn.
    Ok(answers.filter_map(|(of, committed)| Some((of, committed.ok()??))).collect())
}

/// The whole answer.
pub fn gathered(learnt: GroupResult) -> AdminResponse {
    AdminResponse::GroupOffsets(match learnt {
        Ok(Learnt::Offsets(offsets)) => Ok(offsets),
        Ok(
            Learnt::Description(_)
            | Learnt::Partitions(_)
            | Learnt::Deleted
            | Learnt::Transaction(_)
            | Learnt::Fenced(_),
        ) => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
        Err(error) => Err(error),
    })
}
