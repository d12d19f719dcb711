//! AlterUserScramCredentials (51), version 0 (KIP-554): credentials are kept and described. Left out: SASL, which would
//! ask for them.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::AlterUserScramCredentialsRequest;

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the credentials are committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: &AlterUserScramCredentialsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    let result = controller::alter_user_scram_credentials(&active.image, request);
    quorum.committed(cx, call, result)
}
