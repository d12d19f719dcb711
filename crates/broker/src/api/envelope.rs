//! Envelope (58), version 0: a request of a client that a broker forwards to the controller (KIP-590). Left out: the
//! client's principal and address, as there are no ACLs.

use blumfeld_kernel::{ConnectionId, Context};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::{FrameError, Header, decode_header};
use blumfeld_protocol::messages::{EnvelopeRequest, EnvelopeResponse};
use bytes::Bytes;

use super::{Reply, encode, forwardable, on_controller, respond};
use crate::node::Broker;

/// Handles a request: the answer to what is inside, inside an answer.
pub fn handle(
    broker: &mut Broker,
    cx: &mut Context<'_>,
    conn: ConnectionId,
    header: &Header,
    request: EnvelopeRequest,
) -> Result<Reply, FrameError> {
    if broker.active.is_none() {
        return Ok(Reply::NotController);
    }
    let (inner, body) = decode_header(&request.request_data)?;
    if !forwardable(inner.api_key) {
        let response = EnvelopeResponse::default().with_error_code(ErrorCode::INVALID_REQUEST.0);
        return respond(header, &response);
    }
    Ok(match on_controller(broker, cx, conn, &inner, body)? {
        Reply::Now(frame) => Reply::Now(wrap(header, frame.into_bytes())?.into()),
        Reply::Committed(offset, frame) => Reply::Committed(offset, wrap(header, frame)?),
        other => other,
    })
}

fn wrap(header: &Header, frame: Bytes) -> Result<Bytes, FrameError> {
    encode(header, &EnvelopeResponse::default().with_response_data(Some(frame)))
}
