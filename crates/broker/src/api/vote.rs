//! Vote (52), versions 0 to 2: elections and pre-votes of the quorum (KIP-595, KIP-996). Left out: voter keys of a quorum
//! whose voters change (KIP-853).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::{FrameError, Header};
use blumfeld_protocol::messages::VoteRequest;

use super::{Reply, durable};
use crate::node::Broker;

/// Handles a request: answered once the vote is durable.
pub fn handle(
    broker: &mut Broker,
    cx: &mut Context<'_>,
    header: &Header,
    request: VoteRequest,
) -> Result<Reply, FrameError> {
    let response = broker.raft.handle_vote(cx, &request);
    durable(broker, header, &response)
}
