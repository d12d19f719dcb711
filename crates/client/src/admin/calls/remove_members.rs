//! `LeaveGroup`: take members out of a group.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::leave_group_request::MemberIdentity;
use blumfeld_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::super::AdminResponse;
use super::super::groups::{GroupResult, Learnt};
use super::{Sender, group_id, text};
use crate::{ApiError, Completed};

/// Sends the call to a coordinator.
pub fn send(mut to: Sender<'_, '_>, group: &str, members: &[String], reason: &str) -> Result<i32, ApiError> {
    let version = to.version::<LeaveGroupRequest>()?;
    to.send(version, &leave(group, members, reason, version))
}

/// Members go, several at once where the version has that (KIP-345), else the first alone.
fn leave(group: &str, members: &[String], reason: &str, version: i16) -> LeaveGroupRequest {
    let mut body = LeaveGroupRequest::default().with_group_id(group_id(group));
    if version < 3 {
        body.member_id = members.first().map(|member| text(member)).unwrap_or_default();
        return body;
    }
    body.members = (members.iter())
        .map(|member| {
            let mut identity = MemberIdentity::default().with_member_id(text(member));
            if version >= 5 {
                identity.reason = Some(text(reason));
            }
            identity
        })
        .collect();
    body
}

/// Takes the coordinator's answer.
pub fn answered(completed: &Completed) -> Result<GroupResult, ApiError> {
    let response: LeaveGroupResponse = completed.decode()?;
    let gone = |code: i16| matches!(ErrorCode(code), ErrorCode::NONE | ErrorCode::UNKNOWN_MEMBER_ID);
    let stays = response.members.iter().map(|member| member.error_code).find(|code| !gone(*code));
    let result = ApiError::check(stays.unwrap_or(response.error_code), None);
    Ok(result.map(|()| Learnt::Deleted))
}

/// The whole answer.
pub fn gathered(learnt: GroupResult) -> AdminResponse {
    AdminResponse::MembersRemoved(learnt.map(|_| ()))
}
