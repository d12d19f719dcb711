//! DescribeQuorum (55), versions 0 to 2: the quorum's leader, voters and observers (KIP-595, KIP-836).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::{FrameError, Header};
use blumfeld_protocol::messages::DescribeQuorumRequest;

use super::{Reply, respond};
use crate::node::Broker;

/// Handles a request.
pub fn handle(
    broker: &Broker,
    cx: &Context<'_>,
    header: &Header,
    request: DescribeQuorumRequest,
) -> Result<Reply, FrameError> {
    if broker.active.is_none() {
        return Ok(Reply::NotController);
    }
    respond(header, &broker.raft.handle_describe(cx, header.version, &request))
}
