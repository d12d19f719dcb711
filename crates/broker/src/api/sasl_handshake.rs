//! SaslHandshake (17), versions 0 and 1. Left out: SASL; no listener has a mechanism (ILLEGAL_SASL_STATE).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::SaslHandshakeResponse;

use crate::reply::{Reply, respond};

/// Handles a request: on a listener without SASL nobody is left to shake hands with
/// (KafkaApis.handleSaslHandshakeRequest).
pub fn handle() -> Result<Reply, FrameError> {
    respond(SaslHandshakeResponse::default().with_error_code(ErrorCode::ILLEGAL_SASL_STATE.0))
}
