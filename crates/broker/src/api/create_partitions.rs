//! CreatePartitions (37), versions 0 to 3. Left out: quotas.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::CreatePartitionsRequest;

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the partitions are committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: CreatePartitionsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    let rng = &mut *cx.rng;
    let result = controller::create_partitions(&active.image, &request, |end| rng.below(end));
    quorum.committed(cx, call, result)
}
