//! Envelope (58), version 0: a request of a client that a broker forwards to the controller (KIP-590). Left out: the
//! client's principal and address, as there are no ACLs.

use blumfeld_kernel::{Context, TraceEvent};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::{FrameError, decode_header};
use blumfeld_protocol::messages::{EnvelopeRequest, EnvelopeResponse};
use bytes::Bytes;

use super::{forwardable, on_controller};
use crate::call::Call;
use crate::quorum::Quorum;
use crate::reply::{Reply, encode, respond};

/// Handles a request: the answer to what is inside, inside an answer.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: EnvelopeRequest,
) -> Result<Reply, FrameError> {
    if quorum.active.is_none() {
        return Ok(Reply::NotController);
    }
    let refused = |code: ErrorCode| respond(EnvelopeResponse::default().with_error_code(code.0));
    let Ok((header, body)) = decode_header(&request.request_data) else {
        return refused(ErrorCode::INVALID_REQUEST);
    };
    if !forwardable(header.api_key) {
        return refused(ErrorCode::INVALID_REQUEST);
    }
    let inner = Call { header, ..call.clone() };
    match inside(quorum, cx, call, &inner, body) {
        Ok(reply) => Ok(reply),
        // One that cannot be read, or whose answer cannot be written, is its client's trouble. Without an answer the
        // broker would send it again, and all others wait behind it.
        Err(error) => {
            let (api_key, version) = inner.about();
            cx.out.trace(TraceEvent::RequestRejected { api_key, version, reason: error.to_string().into() });
            refused(ErrorCode::UNKNOWN_SERVER_ERROR)
        }
    }
}

fn inside(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    inner: &Call,
    body: Bytes,
) -> Result<Reply, FrameError> {
    Ok(match on_controller(quorum, cx, inner, body)? {
        Reply::Now(body) => Reply::Now(wrap(body.encode(&inner.header)?.into_bytes()).into()),
        Reply::Committed(offset, frame) => Reply::Committed(offset, encode(&call.header, &wrap(frame))?),
        other => other,
    })
}

fn wrap(frame: Bytes) -> EnvelopeResponse {
    EnvelopeResponse::default().with_response_data(Some(frame))
}
