//! AlterPartition (56), versions 2 and 3: a leader changes its ISR (KIP-497, KIP-903).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::AlterPartitionRequest;

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the change is committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: AlterPartitionRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    let result = controller::alter_partition(&active.image, call.header.version, &request);
    quorum.committed(cx, call, result)
}
