//! Heartbeat (12), versions 0 to 4. Nothing is left out.

use blumfeld_kernel::{ConnectionId, Context};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::{FrameError, Header};
use blumfeld_protocol::messages::HeartbeatRequest;

use super::Reply;
use crate::coordinator::{Answer, Waiter};
use crate::node::Broker;

/// Handles a request.
pub fn handle(
    broker: &mut Broker,
    cx: &mut Context<'_>,
    conn: ConnectionId,
    header: &Header,
    request: HeartbeatRequest,
) -> Result<Reply, FrameError> {
    let code = if request.group_id.is_empty() {
        ErrorCode::INVALID_GROUP_ID
    } else {
        let handled = broker.with_group(cx, &request.group_id, |shard, env| shard.heartbeat(env, &request));
        handled.unwrap_or_else(|code| code)
    };
    broker.answer_group(Waiter { conn, header: header.clone() }, Answer::Heartbeat(code));
    Ok(Reply::Parked)
}
