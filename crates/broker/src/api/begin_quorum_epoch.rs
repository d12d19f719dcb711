//! BeginQuorumEpoch (53), versions 0 and 1: the leader of the quorum makes itself known (KIP-595). Left out: endpoints
//! of voters that are not configured (KIP-853).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::BeginQuorumEpochRequest;

use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the epoch is durable.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    request: BeginQuorumEpochRequest,
) -> Result<Reply, FrameError> {
    let response = quorum.raft.handle_begin_epoch(cx, &request);
    quorum.durable(response)
}
