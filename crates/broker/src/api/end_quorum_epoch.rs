//! EndQuorumEpoch (54), versions 0 and 1: the leader of the quorum goes (KIP-595).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::EndQuorumEpochRequest;

use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the epoch is durable.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    request: EndQuorumEpochRequest,
) -> Result<Reply, FrameError> {
    let response = quorum.raft.handle_end_epoch(cx, &request);
    quorum.durable(response)
}
