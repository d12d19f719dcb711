//! InitProducerId (22), versions 0 to 5: an idempotent producer gets its id. Left out: transactional ids, which are
//! refused for good.

use blumfeld_kernel::{Context, TraceEvent};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::call::Call;
use crate::reply::{Reply, respond};
use crate::server::Server;

/// `transaction.max.timeout.ms`.
const MAX_TIMEOUT_MS: i64 = 900_000;

/// Handles a request. Without a transactional id it gets a new producer id whatever it says of an older one
/// (TransactionCoordinator.handleInitProducerId).
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: &InitProducerIdRequest,
) -> Result<Reply, FrameError> {
    // Both or none of an older id.
    let halved = (request.producer_id.0 == -1) != (request.producer_epoch == -1);
    let timeout = i64::from(request.transaction_timeout_ms);
    let id = match request.transactional_id.as_ref().map(|id| id.0.as_str()) {
        _ if halved && call.header.version >= 3 => Err(ErrorCode::INVALID_REQUEST),
        Some("") => Err(ErrorCode::INVALID_REQUEST),
        Some(_) if !(1..=MAX_TIMEOUT_MS).contains(&timeout) => Err(ErrorCode::INVALID_TRANSACTION_TIMEOUT),
        // The one code of a coordinator that librdkafka and Java's client both take as final.
        Some(id) => {
            let (api_key, version) = call.about();
            let reason = format!("Transactions are not there yet. Asked for: {id}").into();
            cx.out.trace(TraceEvent::RequestRejected { api_key, version, reason });
            Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        }
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
