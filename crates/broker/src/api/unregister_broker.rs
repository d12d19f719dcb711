//! UnregisterBroker (64), version 0: a broker is gone for good (KIP-631).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::{UnregisterBrokerRequest, UnregisterBrokerResponse};

use crate::call::Call;
use crate::controller::{self, ControllerResult};
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request: answered once it is committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: UnregisterBrokerRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = quorum.active.as_mut() else { return Ok(Reply::NotController) };
    match controller::unregister_broker(&active.image, request.broker_id.0) {
        Ok(records) => {
            active.heartbeats.remove(request.broker_id.0);
            quorum.committed(
                cx,
                call,
                ControllerResult { records, response: UnregisterBrokerResponse::default() },
            )
        }
        Err(error) => respond(
            UnregisterBrokerResponse::default()
                .with_error_code(error.code.0)
                .with_error_message(error.message.map(Into::into)),
        ),
    }
}
