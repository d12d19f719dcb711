//! Heartbeat (12), versions 0 to 4. Nothing is left out.

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::HeartbeatRequest;

use crate::call::Call;
use crate::coordinator::Answer;
use crate::reply::Reply;
use crate::server::Server;

/// Handles a request.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: HeartbeatRequest,
) -> Result<Reply, FrameError> {
    let code = if request.group_id.is_empty() {
        ErrorCode::INVALID_GROUP_ID
    } else {
        let handled = server.with_group(cx, &request.group_id, |shard, env| shard.heartbeat(env, &request));
        handled.unwrap_or_else(|code| code)
    };
    server.groups.answer(call.clone(), Answer::Heartbeat(code));
    Ok(Reply::Parked)
}
