//! ElectLeaders (43), versions 0 to 2: preferred and unclean elections by request (KIP-460).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::{FrameError, Header};
use blumfeld_protocol::messages::ElectLeadersRequest;

use super::{Reply, committed};
use crate::controller;
use crate::node::Broker;

/// Handles a request: answered once the elections are committed.
pub fn handle(
    broker: &mut Broker,
    cx: &mut Context<'_>,
    header: &Header,
    request: ElectLeadersRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &broker.active else { return Ok(Reply::NotController) };
    let result = controller::elect_leaders(&active.image, header.version, &request);
    committed(broker, cx, header, result)
}
