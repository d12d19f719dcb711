//! EndQuorumEpoch (54), versions 0 and 1: the leader of the quorum goes (KIP-595).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::EndQuorumEpochRequest;

use super::durable;
use crate::call::Call;
use crate::node::Broker;
use crate::reply::Reply;

/// Handles a request: answered once the epoch is durable.
pub fn handle(
    broker: &mut Broker,
    cx: &mut Context<'_>,
    call: &Call,
    request: EndQuorumEpochRequest,
) -> Result<Reply, FrameError> {
    let response = broker.raft.handle_end_epoch(cx, &request);
    durable(broker, call, &response)
}
