//! DeleteTopics (20), versions 1 to 6. Left out: delete.topic.enable=false, quotas.

use blumfeld_kernel::Context;
use blumfeld_protocol::Uuid;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::DeleteTopicsRequest;

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::Reply;

/// Handles a request: answered once the deletion is committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: DeleteTopicsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    let mut result = controller::delete_topics(&active.image, &request);
    if call.header.version < 6 {
        for topic in &mut result.response.responses {
            topic.topic_id = Uuid::nil();
        }
    }
    quorum.committed(cx, call, result)
}
