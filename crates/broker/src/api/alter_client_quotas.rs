//! AlterClientQuotas (49), versions 0 and 1 (KIP-546): quotas are kept and described. Left out: their enforcement;
//! hosts that would have to be looked up.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::AlterClientQuotasRequest;

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the quotas are committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: AlterClientQuotasRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    let result = controller::alter_client_quotas(&active.image, request);
    quorum.committed(cx, call, result)
}
