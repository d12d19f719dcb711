//! BeginQuorumEpoch (53), versions 0 and 1: the leader of the quorum makes itself known (KIP-595). Left out: endpoints of
//! voters that are not configured (KIP-853).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::{FrameError, Header};
use blumfeld_protocol::messages::BeginQuorumEpochRequest;

use super::{Reply, durable};
use crate::node::Broker;

/// Handles a request: answered once the epoch is durable.
pub fn handle(
    broker: &mut Broker,
    cx: &mut Context<'_>,
    header: &Header,
    request: BeginQuorumEpochRequest,
) -> Result<Reply, FrameError> {
    let response = broker.raft.handle_begin_epoch(cx, &request);
    durable(broker, header, &response)
}
