//! UpdateFeatures (57), versions 0 to 2 (KIP-584, KIP-778). Left out: features that are not here, and a downgrade of
//! the metadata's version.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::UpdateFeaturesRequest;

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the levels are committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: &UpdateFeaturesRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    let node_id = quorum.config.node_id;
    let result = controller::update_features(&active.image, node_id, call.header.version, request);
    quorum.committed(cx, call, result)
}
