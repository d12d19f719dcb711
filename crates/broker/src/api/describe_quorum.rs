//! DescribeQuorum (55), versions 0 to 2: the quorum's leader, voters and observers (KIP-595, KIP-836).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::DescribeQuorumRequest;

use crate::call::Call;
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request.
pub fn handle(
    quorum: &Quorum,
    cx: &Context<'_>,
    call: &Call,
    request: DescribeQuorumRequest,
) -> Result<Reply, FrameError> {
    if quorum.active.is_none() {
        return Ok(Reply::NotController);
    }
    respond(quorum.raft.handle_describe(cx, call.header.version, &request))
}
