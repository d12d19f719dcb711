//! BrokerRegistration (62), versions 0 to 4: a broker begins (KIP-631, KIP-966). Left out: the check of features, which
//! all nodes share.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::{BrokerRegistrationRequest, BrokerRegistrationResponse};

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request: answered once the registration is committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: BrokerRegistrationRequest,
) -> Result<Reply, FrameError> {
    let (cluster_id, next) = (quorum.cluster_id, quorum.raft.log().end());
    let Some(active) = quorum.active.as_mut() else { return Ok(Reply::NotController) };
    let at = (cx.now, next);
    match controller::register_broker(&active.image, &mut active.heartbeats, cluster_id, &request, at) {
        Ok(result) => quorum.committed(cx, call, result),
        Err(error) => {
            respond(BrokerRegistrationResponse::default().with_error_code(error.code.0).with_broker_epoch(-1))
        }
    }
}
