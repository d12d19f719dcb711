//! AllocateProducerIds (67), version 0: a broker gets a block of producer ids.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::{FrameError, Header};
use blumfeld_protocol::messages::{AllocateProducerIdsRequest, AllocateProducerIdsResponse};

use super::{Reply, committed, respond};
use crate::controller;
use crate::node::Broker;

/// Handles a request: answered once the block is committed.
pub fn handle(
    broker: &mut Broker,
    cx: &mut Context<'_>,
    header: &Header,
    request: AllocateProducerIdsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &broker.active else { return Ok(Reply::NotController) };
    match controller::allocate_producer_ids(&active.image, &request) {
        Ok(result) => committed(broker, cx, header, result),
        Err(error) => respond(header, &AllocateProducerIdsResponse::default().with_error_code(error.code.0)),
    }
}
