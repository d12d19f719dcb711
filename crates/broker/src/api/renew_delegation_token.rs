//! RenewDelegationToken (39), versions 1 and 2. Left out: tokens; nobody is authenticated who could have one
//! (DELEGATION_TOKEN_REQUEST_NOT_ALLOWED).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::RenewDelegationTokenResponse;

use crate::reply::{Reply, respond};

/// Handles a request (KafkaApis.handleRenewTokenRequest).
pub fn handle() -> Result<Reply, FrameError> {
    respond(
        RenewDelegationTokenResponse::default()
            .with_error_code(ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.0)
            .with_expiry_timestamp_ms(-1),
    )
}
