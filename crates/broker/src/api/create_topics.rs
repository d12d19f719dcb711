//! CreateTopics (19), versions 2 to 7. Left out: policies and quotas.

use std::cell::RefCell;

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::create_topics_response::CreatableTopicResult;
use blumfeld_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use blumfeld_protocol::{ErrorCode, Uuid, uuid_text};

use crate::call::Call;
use crate::controller::{self, TopicDefaults};
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request: answered once the topics are committed. One without time is over before it begins
/// (ControllerRequestContext).
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: CreateTopicsRequest,
) -> Result<Reply, FrameError> {
    let defaults = TopicDefaults {
        num_partitions: quorum.config.num_partitions,
        replication_factor: quorum.config.default_replication_factor,
    };
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    if request.timeout_ms <= 0 && controller::asks(request.topics.iter().map(|topic| topic.name.as_str())) {
        let topics = request.topics.into_iter().map(|topic| {
            CreatableTopicResult::default()
                .with_name(topic.name)
                .with_error_code(ErrorCode::REQUEST_TIMED_OUT.0)
                .with_error_message(None)
        });
        return respond(CreateTopicsResponse::default().with_topics(topics.collect()));
    }
    // Ids and places are drawn in turns from one generator.
    let rng = RefCell::new(&mut *cx.rng);
    let new_id = || uuid_text::random(|| rng.borrow_mut().bytes16());
    let place = |end| rng.borrow_mut().below(end);
    let mut result = controller::create_topics(&active.image, &request, defaults, new_id, place);
    for topic in &mut result.response.topics {
        if call.header.version < 7 {
            topic.topic_id = Uuid::nil();
        }
        if call.header.version < 5 {
            topic.configs = Some(Vec::new());
            (topic.num_partitions, topic.replication_factor) = (-1, -1);
        }
    }
    quorum.committed(cx, call, result)
}
