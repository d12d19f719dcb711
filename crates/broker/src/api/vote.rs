//! Vote (52), versions 0 to 2: elections and pre-votes of the quorum (KIP-595, KIP-996). Left out: voter keys of a
//! quorum whose voters change (KIP-853).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::VoteRequest;

use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the vote is durable.
pub fn handle(quorum: &mut Quorum, cx: &mut Context<'_>, request: VoteRequest) -> Result<Reply, FrameError> {
    let response = quorum.raft.handle_vote(cx, &request);
    quorum.durable(response)
}
