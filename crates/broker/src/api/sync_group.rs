//! SyncGroup (14), versions 0 to 5. Nothing is left out.

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::SyncGroupRequest;

use crate::call::Call;
use crate::coordinator::Answer;
use crate::reply::Reply;
use crate::server::Server;

/// Handles a request: answered when the leader's assignment is stored.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: SyncGroupRequest,
) -> Result<Reply, FrameError> {
    let waiter = call.clone();
    let lacks = request.protocol_type.is_none() || request.protocol_name.is_none();
    let result = if call.header.version >= 5 && lacks {
        Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL)
    } else if request.group_id.is_empty() {
        Err(ErrorCode::INVALID_GROUP_ID)
    } else {
        let group_id = request.group_id.to_string();
        server.with_group(cx, &group_id, |shard, env| shard.sync(env, waiter.clone(), request))
    };
    if let Err(code) = result {
        server.groups.answer(waiter, Answer::sync_error(code));
    }
    Ok(Reply::Parked)
}
