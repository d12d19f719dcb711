//! Answers of the coordinator, in the version of their request.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::leave_group_response::MemberResponse;
use blumfeld_protocol::messages::offset_fetch_response::{
    OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use blumfeld_protocol::messages::{
    DeleteGroupsResponse, HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse, OffsetCommitResponse,
    OffsetDeleteResponse, OffsetFetchResponse, SyncGroupResponse, TxnOffsetCommitResponse,
};
use blumfeld_protocol::wire::StrBytes;

use super::append_error;
use crate::reply::Body;

/// An answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To JoinGroup.
    Join(Box<JoinGroupResponse>),
    /// To SyncGroup.
    Sync(Box<SyncGroupResponse>),
    /// To Heartbeat.
    Heartbeat(ErrorCode),
    /// To LeaveGroup.
    Leave(LeaveGroupResponse),
    /// To OffsetCommit.
    Commit(OffsetCommitResponse),
    /// To TxnOffsetCommit.
    TransactionalCommit(TxnOffsetCommitResponse),
    /// To OffsetFetch.
    Fetch(OffsetFetchResponse),
    /// To OffsetDelete.
    OffsetDelete(OffsetDeleteResponse),
    /// To DeleteGroups.
    DeleteGroups(DeleteGroupsResponse),
}

impl Answer {
    /// A join that failed.
    pub fn join_error(member_id: &str, code: ErrorCode) -> Answer {
        Answer::Join(Box::new(
            JoinGroupResponse::default()
                .with_error_code(code.0)
                .with_generation_id(-1)
                .with_protocol_type(None)
                .with_protocol_name(None)
                .with_member_id(member_id.to_owned().into()),
        ))
    }

    /// A sync that failed.
    pub fn sync_error(code: ErrorCode) -> Answer {
        Answer::Sync(Box::new(SyncGroupResponse::default().with_error_code(code.0)))
    }

    /// What it becomes if its records could not be stored.
    pub fn fail(self, code: ErrorCode) -> Answer {
        let member = append_error(code);
        match self {
            Answer::Join(response) => Answer::join_error(response.member_id.as_str(), member),
            Answer::Sync(_) => Answer::sync_error(member),
            Answer::Heartbeat(_) => Answer::Heartbeat(member),
            Answer::Leave(_) => Answer::Leave(LeaveGroupResponse::default().with_error_code(member.0)),
            Answer::Commit(mut response) => {
                // What the coordinator has not seen, as the topic is unknown, stays as it is.
                let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0;
                let partitions = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
                for partition in partitions.filter(|partition| partition.error_code != unknown) {
                    partition.error_code = member.0;
                }
                Answer::Commit(response)
            }
            Answer::TransactionalCommit(mut response) => {
                // What was refused before stands.
                let partitions = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
                for partition in partitions.filter(|partition| partition.error_code == 0) {
                    partition.error_code = member.0;
                }
                Answer::TransactionalCommit(response)
            }
            Answer::OffsetDelete(_) => {
                Answer::OffsetDelete(OffsetDeleteResponse::default().with_error_code(member.0))
            }
            // These are gathered group by group.
            answer @ (Answer::Fetch(_) | Answer::DeleteGroups(_)) => answer,
        }
    }

    /// The message, as it is said in a version.
    pub fn message(self, version: i16) -> Body {
        match self {
            Answer::Join(mut response) => {
                if version < 5 {
                    response.members.iter_mut().for_each(|member| member.group_instance_id = None);
                }
                if version < 7 {
                    response.protocol_type = None;
                    response.protocol_name.get_or_insert_default();
                }
                (*response).into()
            }
            Answer::Sync(mut response) => {
                if version < 5 {
                    response.protocol_type = None;
                    response.protocol_name = None;
                }
                (*response).into()
            }
            Answer::Heartbeat(code) => HeartbeatResponse::default().with_error_code(code.0).into(),
            Answer::Leave(response) => leave(response, version).into(),
            Answer::Commit(response) => response.into(),
            Answer::TransactionalCommit(response) => response.into(),
            Answer::Fetch(response) => fetch(response, version).into(),
            Answer::OffsetDelete(response) => response.into(),
            Answer::DeleteGroups(response) => response.into(),
        }
    }
}

/// Before version 3 one member leaves at a time, and its error is the answer's.
fn leave(mut response: LeaveGroupResponse, version: i16) -> LeaveGroupResponse {
    if version >= 3 {
        return response;
    }
    let members = std::mem::take(&mut response.members);
    if response.error_code == 0 {
        response.error_code = match members.as_slice() {
            [one] => one.error_code,
            _ => ErrorCode::UNKNOWN_SERVER_ERROR.0,
        };
    }
    response
}

/// Before version 8 an answer is about one group, and not set apart.
fn fetch(mut response: OffsetFetchResponse, version: i16) -> OffsetFetchResponse {
    if version >= 8 {
        return response;
    }
    let Some(group) = std::mem::take(&mut response.groups).into_iter().next() else { return response };
    let topics = group.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            let lower = OffsetFetchResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_committed_offset(partition.committed_offset)
                .with_metadata(partition.metadata)
                .with_error_code(partition.error_code);
            if version >= 5 {
                lower.with_committed_leader_epoch(partition.committed_leader_epoch)
            } else {
                lower
            }
        });
        OffsetFetchResponseTopic::default().with_name(topic.name).with_partitions(partitions.collect())
    });
    response.topics = topics.collect();
    if version >= 2 {
        response.error_code = group.error_code;
    }
    response
}

/// What became of a member that leaves.
pub fn left(member_id: &StrBytes, instance_id: Option<&StrBytes>, code: ErrorCode) -> MemberResponse {
    MemberResponse::default()
        .with_member_id(member_id.clone())
        .with_group_instance_id(instance_id.cloned())
        .with_error_code(code.0)
}
