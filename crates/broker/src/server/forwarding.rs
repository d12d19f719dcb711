//! Requests of clients that only the active controller can answer, and topics that this broker has it create (KIP-590,
//! kafka.server.ForwardingManager, AutoTopicCreationManager).
//!
//! One is under way at a time, in the order in which they came. A controller that answers that it is none, or that does
//! not answer, is asked again as long as the request's time lasts: an election looks like either.

use std::collections::VecDeque;

use blumfeld_kernel::{ConnectionId, Context, Endpoint, Instant};
use blumfeld_protocol::frame::decode_response;
use blumfeld_protocol::messages::create_topics_request::CreatableTopic;
use blumfeld_protocol::messages::{CreateTopicsRequest, EnvelopeRequest, EnvelopeResponse};
use blumfeld_protocol::{ApiKey, ErrorCode};
use bytes::Bytes;

use crate::channel::{Channels, InFlight, Purpose};
use crate::reply::Refused;

/// A request on its way to the active controller.
#[derive(Clone, Debug)]
struct Forwarded {
    /// Who asked; none for a topic that a broker creates by itself.
    conn: Option<ConnectionId>,
    frame: Bytes,
    /// The topic that is created, so that it is not asked for twice.
    topic: Option<String>,
    expires: Instant,
    sent: bool,
    /// What this broker refuses of it, for the answer.
    refused: Option<Box<Refused>>,
}

/// A forwarded request is given up after so long, in milliseconds (`request.timeout.ms` of the channel).
const TIMEOUT_MS: i64 = 30_000;

/// After an answer of a node that is no controller, the next one is asked after so long, in milliseconds.
const BACKOFF_MS: i64 = 50;

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    queue: VecDeque<Forwarded>,
}

impl Forwarding {
    /// Forwards a client's request, or the part of it that this broker lets through.
    pub fn forward(
        &mut self,
        cx: &Context<'_>,
        conn: ConnectionId,
        frame: Bytes,
        refused: Option<Box<Refused>>,
    ) {
        let expires = cx.after_ms(TIMEOUT_MS);
        self.queue.push_back(Forwarded {
            conn: Some(conn),
            frame,
            topic: None,
            expires,
            sent: false,
            refused,
        });
    }

    /// Has the controller create a topic that a client asked for by name.
    pub fn create_topic(&mut self, cx: &Context<'_>, topic: CreatableTopic) {
        let name = topic.name.to_string();
        if self.queue.iter().any(|one| one.topic.as_ref() == Some(&name)) {
            return;
        }
        let timeout = i32::try_from(TIMEOUT_MS).unwrap_or(i32::MAX);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(timeout);
        let client = Some("auto-create".to_owned().into());
        // Version 7 has every field that is set, so it can be written.
        let frame = blumfeld_protocol::frame::encode_request(ApiKey::CreateTopics, 7, 0, client, &request);
        if let Ok(frame) = frame {
            let expires = cx.after_ms(TIMEOUT_MS);
            let topic = Some(name);
            self.queue.push_back(Forwarded { conn: None, frame, topic, expires, sent: false, refused: None });
        }
    }

    /// The connections whose requests are forwarded.
    pub fn owed(&self) -> impl Iterator<Item = ConnectionId> {
        self.queue.iter().filter_map(|one| one.conn)
    }

    /// Gives up those whose time is over before they were sent; gives the connections that wait in vain.
    pub fn expire(&mut self, now: Instant) -> Vec<ConnectionId> {
        let mut gone = Vec::new();
        while let Some(first) = self.queue.pop_front_if(|first| !first.sent && first.expires <= now) {
            gone.extend(first.conn);
        }
        gone
    }

    /// Sends the next one, if none is under way.
    pub fn poll(&mut self, cx: &mut Context<'_>, channels: &mut Channels, controller: Option<&Endpoint>) {
        if self.queue.iter().any(|one| one.sent) || !channels.idle(Purpose::Forward) {
            return;
        }
        let (Some(endpoint), Some(first)) = (controller, self.queue.front_mut()) else { return };
        first.sent = true;
        let request = EnvelopeRequest::default()
            .with_request_data(first.frame.clone())
            .with_request_principal(Some(Bytes::new()))
            .with_client_host_address(Bytes::from_static(&[127, 0, 0, 1]));
        channels.send(cx, Purpose::Forward, endpoint, (ApiKey::Envelope, 0), &request, TIMEOUT_MS, None);
    }

    /// When [`expire`](Self::expire) next has something to give up.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.queue.front().filter(|first| !first.sent).map(|first| first.expires)
    }

    /// Takes the controller's answer; `None` for one that did not come. Gives who is to have which frame, or none where
    /// the controller did not take what the client sent.
    pub fn on_response(
        &mut self,
        cx: &Context<'_>,
        channels: &mut Channels,
        answer: Option<(&InFlight, Bytes)>,
    ) -> Option<(ConnectionId, Option<Bytes>)> {
        let response = answer.and_then(|(request, frame)| {
            decode_response::<EnvelopeResponse>(request.api_key, request.version, frame).ok()
        });
        let done = match &response {
            Some(response) => ErrorCode(response.error_code) != ErrorCode::NOT_CONTROLLER,
            None => false,
        };
        if !done {
            // The controller is another one, or is being elected: it is asked again.
            if let Some(first) = self.queue.front_mut() {
                first.sent = false;
            }
            channels.pause(Purpose::Forward, cx.after_ms(BACKOFF_MS));
            return None;
        }
        let first = self.queue.pop_front()?;
        let frame = response.and_then(|response| response.response_data).filter(|data| !data.is_empty());
        let frame = match first.refused {
            Some(refused) => frame.and_then(|frame| refused.join(frame).ok()),
            None => frame,
        };
        Some((first.conn?, frame))
    }
}
