//! Envelope (58), version 0: a request of a client that a broker forwards to the controller (KIP-590). Left out: the
//! client's principal and address, as there are no ACLs.

use blumfeld_kernel::Context;
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
    let (header, body) = decode_header(&request.request_data)?;
    if !forwardable(header.api_key) {
        let response = EnvelopeResponse::default().with_error_code(ErrorCode::INVALID_REQUEST.0);
        return respond(response);
    }
    let inner = Call { header, ..call.clone() };
    Ok(match on_controller(quorum, cx, &inner, body)? {
        Reply::Now(body) => Reply::Now(wrap(body.encode(&inner.header)?.into_bytes()).into()),
        Reply::Committed(offset, frame) => Reply::Committed(offset, encode(&call.header, &wrap(frame))?),
        other => other,
    })
}

fn wrap(frame: Bytes) -> EnvelopeResponse {
    EnvelopeResponse::default().with_response_data(Some(frame))
}
