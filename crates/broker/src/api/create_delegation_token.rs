//! CreateDelegationToken (38), versions 1 to 3. Left out: tokens; nobody is authenticated who could have one
//! (DELEGATION_TOKEN_REQUEST_NOT_ALLOWED).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::CreateDelegationTokenResponse;
use blumfeld_protocol::wire::StrBytes;

use crate::call::Call;
use crate::reply::{Reply, respond};

/// Handles a request (KafkaApis.handleCreateTokenRequest).
pub fn handle(call: &Call) -> Result<Reply, FrameError> {
    let kind = StrBytes::from_string(call.principal.kind.to_string());
    let name = StrBytes::from_string(call.principal.name.to_string());
    let response = CreateDelegationTokenResponse::default()
        .with_error_code(ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.0)
        .with_principal_type(kind.clone())
        .with_principal_name(name.clone())
        .with_issue_timestamp_ms(-1)
        .with_expiry_timestamp_ms(-1)
        .with_max_timestamp_ms(-1);
    if call.header.version < 3 {
        return respond(response);
    }
    respond(response.with_token_requester_principal_type(kind).with_token_requester_principal_name(name))
}
