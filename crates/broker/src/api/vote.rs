//! Vote (52), versions 0 to 2: elections and pre-votes of the quorum (KIP-595, KIP-996). Left out: voter keys of a quorum
//! whose voters change (KIP-853).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::VoteRequest;

use super::durable;
use crate::call::Call;
use crate::node::Broker;
use crate::reply::Reply;

/// Handles a request: answered once the vote is durable.
pub fn handle(
    broker: &mut Broker,
    cx: &mut Context<'_>,
    call: &Call,
    request: VoteRequest,
) -> Result<Reply, FrameError> {
    let response = broker.raft.handle_vote(cx, &request);
    durable(broker, call, &response)
}
