//! BeginQuorumEpoch (53), versions 0 and 1: the leader of the quorum makes itself known (KIP-595). Left out: endpoints of
//! voters that are not configured (KIP-853).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::BeginQuorumEpochRequest;

use super::durable;
use crate::call::Call;
use crate::node::Broker;
use crate::reply::Reply;

/// Handles a request: answered once the epoch is durable.
pub fn handle(
    broker: &mut Broker,
    cx: &mut Context<'_>,
    call: &Call,
    request: BeginQuorumEpochRequest,
) -> Result<Reply, FrameError> {
    let response = broker.raft.handle_begin_epoch(cx, &request);
    durable(broker, call, &response)
}
