//! SaslAuthenticate (36), versions 0 to 2. Left out: SASL; everybody is authenticated already (ILLEGAL_SASL_STATE).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::SaslAuthenticateResponse;

use crate::reply::{Reply, respond};

/// Handles a request (KafkaApis.handleSaslAuthenticateRequest).
pub fn handle() -> Result<Reply, FrameError> {
    let message = "SaslAuthenticate request received after successful authentication";
    respond(
        SaslAuthenticateResponse::default()
            .with_error_code(ErrorCode::ILLEGAL_SASL_STATE.0)
            .with_error_message(Some(message.to_owned().into())),
    )
}
