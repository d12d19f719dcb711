//! DescribeDelegationToken (41), versions 1 to 3. Left out: tokens; nobody is authenticated who could have one
//! (DELEGATION_TOKEN_REQUEST_NOT_ALLOWED).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::DescribeDelegationTokenResponse;

use crate::reply::{Reply, respond};

/// Handles a request (KafkaApis.handleDescribeTokensRequest).
pub fn handle() -> Result<Reply, FrameError> {
    let code = ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.0;
    respond(DescribeDelegationTokenResponse::default().with_error_code(code))
}
