//! `DeleteTopics`: delete topics by name.

use std::collections::BTreeMap;

use blumfeld_protocol::messages::delete_topics_request::DeleteTopicState;
use blumfeld_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};

use super::super::AdminResponse;
use super::{Sender, again, name};
use crate::{ApiError, Completed};

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>, topics: &[String]) -> Result<i32, ApiError> {
    let version = to.version::<DeleteTopicsRequest>()?;
    let mut body = DeleteTopicsRequest::default().with_timeout_ms(to.timeout_ms());
    if version >= 6 {
        let state = |topic: &String| DeleteTopicState::default().with_name(Some(name(topic)));
        body.topics = topics.iter().map(state).collect();
    } else {
        body.topic_names = topics.iter().map(|topic| name(topic)).collect();
    }
    to.send(version, &body)
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: DeleteTopicsResponse = completed.decode()?;
    let mut results = BTreeMap::new();
    for topic in response.responses {
        again(topic.error_code)?;
        let result = ApiError::check(topic.error_code, topic.error_message.as_ref());
        results.insert(topic.name.map(|name| name.to_string()).unwrap_or_default(), result);
    }
    Ok(AdminResponse::Topics(results))
}
