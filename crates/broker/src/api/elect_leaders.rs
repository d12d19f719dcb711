//! ElectLeaders (43), versions 0 to 2: preferred and unclean elections by request (KIP-460).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::ElectLeadersRequest;

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the elections are committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: ElectLeadersRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    let result = controller::elect_leaders(&active.image, call.header.version, &request);
    quorum.committed(cx, call, result)
}
