//! LeaveGroup (13), versions 0 to 5: several members at once, static ones by their instance id. Nothing is left out.

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::leave_group_request::MemberIdentity;
use blumfeld_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use crate::call::Call;
use crate::coordinator::Answer;
use crate::reply::Reply;
use crate::server::Server;

/// Handles a request.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    mut request: LeaveGroupRequest,
) -> Result<Reply, FrameError> {
    let waiter = call.clone();
    if call.header.version < 3 {
        request.members = vec![MemberIdentity::default().with_member_id(request.member_id.clone())];
    }
    let result = if request.group_id.is_empty() {
        Err(ErrorCode::INVALID_GROUP_ID)
    } else {
        let group_id = request.group_id.to_string();
        server.with_group(cx, &group_id, |shard, env| shard.leave(env, waiter.clone(), &request))
    };
    if let Err(code) = result {
        let response = LeaveGroupResponse::default().with_error_code(code.0);
        server.groups.answer(waiter, Answer::Leave(response));
    }
    Ok(Reply::Parked)
}
