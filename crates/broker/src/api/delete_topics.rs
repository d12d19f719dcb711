//! DeleteTopics (20), versions 1 to 6. Left out: quotas.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::delete_topics_response::DeletableTopicResult;
use blumfeld_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};
use blumfeld_protocol::{ErrorCode, Uuid};

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request: answered once the deletion is committed. One without time is over before it begins.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: DeleteTopicsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    if !quorum.config.delete_topic_enable {
        // The first versions know no error for it (ControllerApis.deleteTopics).
        let code = match call.header.version {
            ..3 => ErrorCode::INVALID_REQUEST,
            _ => ErrorCode::TOPIC_DELETION_DISABLED,
        };
        return refuse(request, code);
    }
    if request.timeout_ms <= 0 && controller::asks_to_delete(&request) {
        return refuse(request, ErrorCode::REQUEST_TIMED_OUT);
    }
    let mut result = controller::delete_topics(&active.image, &request);
    if call.header.version < 6 {
        for topic in &mut result.response.responses {
            topic.topic_id = Uuid::nil();
        }
    }
    quorum.committed(cx, call, result)
}

/// One error for all that is asked for.
fn refuse(request: DeleteTopicsRequest, code: ErrorCode) -> Result<Reply, FrameError> {
    let refused = DeletableTopicResult::default().with_error_code(code.0);
    let named = request.topic_names.into_iter().map(|name| refused.clone().with_name(Some(name)));
    let states = request.topics.into_iter();
    let chosen = states.map(|state| refused.clone().with_name(state.name).with_topic_id(state.topic_id));
    respond(DeleteTopicsResponse::default().with_responses(named.chain(chosen).collect()))
}
