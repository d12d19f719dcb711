//! InitProducerId (22), versions 0 to 5: an idempotent producer gets its id. Left out: transactional ids.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request. Without a transactional id it gets a new producer id whatever it says of an older one
/// (TransactionCoordinator.handleInitProducerId).
pub fn handle(server: &mut Server, request: &InitProducerIdRequest) -> Result<Reply, FrameError> {
    let id = match &request.transactional_id {
        Some(_) => Err(ErrorCode::INVALID_REQUEST),
        None => server.producer_ids.next_id(),
    };
    let response = match id {
        Ok(id) => InitProducerIdResponse::default().with_producer_id(id.into()).with_producer_epoch(0),
        Err(code) => InitProducerIdResponse::default()
            .with_error_code(code.0)
            .with_producer_id((-1).into())
            .with_producer_epoch(-1),
    };
    respond(response)
}
