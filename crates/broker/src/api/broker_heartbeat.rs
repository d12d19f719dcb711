//! BrokerHeartbeat (63), versions 0 and 1: a broker lives, is ready, or wants to go (KIP-631). Left out: log
//! directories that are offline.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request: answered once what follows from it is committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: BrokerHeartbeatRequest,
) -> Result<Reply, FrameError> {
    let next = quorum.raft.log().end();
    let Some(active) = quorum.active.as_mut() else { return Ok(Reply::NotController) };
    match controller::heartbeat(&active.image, &mut active.heartbeats, &request, (cx.now, next)) {
        Ok(result) if result.records.is_empty() => respond(result.response),
        Ok(result) => quorum.committed(cx, call, result),
        Err(error) => {
            respond(BrokerHeartbeatResponse::default().with_error_code(error.code.0).with_is_fenced(true))
        }
    }
}
