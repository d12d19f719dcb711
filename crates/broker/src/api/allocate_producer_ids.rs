//! AllocateProducerIds (67), version 0: a broker gets a block of producer ids.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::{AllocateProducerIdsRequest, AllocateProducerIdsResponse};

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request: answered once the block is committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: AllocateProducerIdsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    match controller::allocate_producer_ids(&active.image, &request) {
        Ok(result) => quorum.committed(cx, call, result),
        Err(error) => respond(AllocateProducerIdsResponse::default().with_error_code(error.code.0)),
    }
}
