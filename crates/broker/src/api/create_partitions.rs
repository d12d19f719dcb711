//! CreatePartitions (37), versions 0 to 3. Left out: quotas.

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use blumfeld_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use crate::call::Call;
use crate::controller;
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request: answered once the partitions are committed. One without time is over before it begins.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: CreatePartitionsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    if request.timeout_ms <= 0 && controller::asks(request.topics.iter().map(|topic| topic.name.as_str())) {
        let results = request.topics.into_iter().map(|topic| {
            let over = CreatePartitionsTopicResult::default().with_error_code(ErrorCode::REQUEST_TIMED_OUT.0);
            over.with_name(topic.name).with_error_message(None)
        });
        return respond(CreatePartitionsResponse::default().with_results(results.collect()));
    }
    let rng = &mut *cx.rng;
    let result = controller::create_partitions(&active.image, &request, |end| rng.below(end));
    quorum.committed(cx, call, result)
}
