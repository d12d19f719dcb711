//! AlterPartitionReassignments (45), versions 0 and 1: replicas move (KIP-455).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::AlterPartitionReassignmentsRequest;

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the moves are committed; they go on from there.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: AlterPartitionReassignmentsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    let mut result = controller::alter_reassignments(&active.image, call.header.version, &request);
    if call.header.version < 1 {
        result.response.allow_replication_factor_change = true;
    }
    quorum.committed(cx, call, result)
}
