//! Requests that come in, wait, are forwarded, and are answered.

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Endpoint, FlushId, Frame, Instant};
use blumfeld_protocol::frame::{decode_header, decode_response};
use blumfeld_protocol::messages::create_topics_request::CreatableTopic;
use blumfeld_protocol::messages::{CreateTopicsRequest, EnvelopeRequest, EnvelopeResponse};
use blumfeld_protocol::{ApiKey, ErrorCode};
use bytes::Bytes;

use super::{Broker, Timer};
use crate::api;
use crate::call::Call;
use crate::channel::{InFlight, Purpose};
use crate::controller::Waiting;
use crate::coordinator::GROUP_METADATA_TOPIC;
use crate::purgatory::{DelayedFetch, DelayedProduce};
use crate::reply::{Refused, Reply};

/// A request of a client on its way to the active controller.
#[derive(Clone, Debug)]
pub(super) struct Forwarded {
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
const FORWARD_TIMEOUT_MS: i64 = 30_000;

impl Broker {
    /// Takes a frame: handles it, or lets it wait for those before it.
    pub(super) fn on_frame(&mut self, cx: &mut Context<'_>, conn: ConnectionId, frame: Bytes) {
        let ready = self.boot.is_none();
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let waits = connection.listener == crate::call::ListenerKind::Broker && !ready;
        if connection.busy || waits {
            connection.waiting.push_back(frame);
        } else {
            self.process(cx, conn, frame);
        }
    }

    /// The logs are loaded: what waited for that is handled.
    pub(super) fn drain_all(&mut self, cx: &mut Context<'_>) {
        let waiting: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for conn in waiting {
            self.drain(cx, conn);
        }
    }

    fn process(&mut self, cx: &mut Context<'_>, conn: ConnectionId, frame: Bytes) {
        let limit = self.config.socket_request_max_bytes;
        if frame.len() > limit {
            let what = format!("a frame of {} bytes is over socket.request.max.bytes={limit}", frame.len());
            return self.close_malformed(cx, conn, (-1, -1), &what);
        }
        let (header, body) = match decode_header(&frame) {
            Ok(read) => read,
            Err(error) => return self.close_malformed(cx, conn, (-1, -1), &error.to_string()),
        };
        let Some(connection) = self.connections.get(&conn) else { return };
        let (listener, principal) = (connection.listener, connection.principal.clone());
        let call = Call { conn, listener, header, principal };
        match api::dispatch(self, cx, &call, body) {
            Ok(Reply::Committed(offset, frame)) => self.await_commit(cx, call, offset, frame),
            Ok(Reply::Parked) => self.set_busy(conn, true),
            Ok(Reply::Forward) => self.forward(cx, conn, frame, None),
            Ok(Reply::ForwardPart(part, refused)) => self.forward(cx, conn, part, Some(refused)),
            Ok(Reply::NotController) => match api::not_controller(&call.header) {
                Ok(reply) => self.send(cx, conn, reply),
                Err(error) => self.close_malformed(cx, conn, call.about(), &error.to_string()),
            },
            Ok(reply) => self.send(cx, conn, reply),
            Err(error) => self.close_malformed(cx, conn, call.about(), &error.to_string()),
        }
    }

    fn forward(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnectionId,
        frame: Bytes,
        refused: Option<Box<Refused>>,
    ) {
        self.set_busy(conn, true);
        let expires = cx.after_ms(FORWARD_TIMEOUT_MS);
        self.forwarded.push_back(Forwarded {
            conn: Some(conn),
            frame,
            topic: None,
            expires,
            sent: false,
            refused,
        });
    }

    fn await_commit(&mut self, cx: &mut Context<'_>, call: Call, offset: i64, frame: Bytes) {
        if self.raft.high_watermark().is_some_and(|at| offset <= at) {
            return self.send(cx, call.conn, Reply::Now(frame.into()));
        }
        self.set_busy(call.conn, true);
        if let Some(active) = &mut self.active {
            active.waiting.push_back(Waiting { offset, call, frame });
        }
    }

    fn set_busy(&mut self, conn: ConnectionId, busy: bool) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.busy = busy;
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, conn: ConnectionId, reply: Reply) {
        self.stats.requests += 1;
        let local = self.channels.is_loopback(conn);
        match reply {
            Reply::Now(frame) | Reply::After(_, frame) if local => {
                self.local_answers.push_back((conn, frame))
            }
            Reply::Now(frame) => cx.out.send(conn, frame),
            Reply::After(operation, frame) => cx.out.send_after(conn, frame, operation),
            Reply::Nothing
            | Reply::Parked
            | Reply::Committed(..)
            | Reply::NotController
            | Reply::Forward
            | Reply::ForwardPart(..) => {}
        }
    }

    /// Sends the answer of a parked request and takes up the requests behind it.
    pub(super) fn answer(&mut self, cx: &mut Context<'_>, conn: ConnectionId, reply: Reply) {
        if !self.connections.contains_key(&conn) {
            return;
        }
        self.send(cx, conn, reply);
        self.set_busy(conn, false);
        self.drain(cx, conn);
    }

    fn drain(&mut self, cx: &mut Context<'_>, conn: ConnectionId) {
        while let Some(connection) = self.connections.get_mut(&conn).filter(|connection| !connection.busy) {
            let Some(frame) = connection.waiting.pop_front() else { return };
            self.process(cx, conn, frame);
        }
    }

    // ---- the other direction

    /// An answer to a request of this node.
    pub(super) fn on_answer(&mut self, cx: &mut Context<'_>, conn: ConnectionId, frame: Frame) {
        let Some((purpose, request)) = self.channels.on_frame(conn) else { return };
        if let Purpose::Fetcher(leader) = purpose {
            return self.on_fetched(cx, leader, &request, frame);
        }
        let frame = frame.into_bytes();
        match purpose {
            Purpose::Raft(from) => self.raft.on_response(cx, &mut self.channels, from, &request, frame),
            Purpose::Heartbeat => self.lifecycle.on_response(cx, &self.config, Some((&request, frame))),
            Purpose::AlterPartition => self.on_alter_partition(cx, Some((&request, frame))),
            Purpose::Forward => self.on_forwarded(cx, Some((&request, frame))),
            Purpose::ProducerIds => self.on_producer_ids(cx, Some((&request, frame))),
            Purpose::Fetcher(_) => {}
        }
    }

    /// A request of this node gets no answer.
    pub(super) fn on_no_answer(&mut self, cx: &mut Context<'_>, purpose: Purpose) {
        match purpose {
            // Who did not answer is asked again.
            Purpose::Raft(_) => {}
            Purpose::Heartbeat => self.lifecycle.on_response(cx, &self.config, None),
            Purpose::AlterPartition => self.on_alter_partition(cx, None),
            Purpose::Forward => self.on_forwarded(cx, None),
            Purpose::ProducerIds => self.on_producer_ids(cx, None),
            Purpose::Fetcher(leader) => self.fetchers.on_failure(leader),
        }
    }

    // ---- forwarding (KIP-590)

    /// Has the controller create a topic that a client asked for by name.
    pub(crate) fn auto_create(&mut self, cx: &mut Context<'_>, topic: CreatableTopic) {
        let name = topic.name.to_string();
        if self.forwarded.iter().any(|one| one.topic.as_ref() == Some(&name)) {
            return;
        }
        let timeout = i32::try_from(FORWARD_TIMEOUT_MS).unwrap_or(i32::MAX);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(timeout);
        let client = Some("auto-create".to_owned().into());
        // Version 7 has every field that is set, so it can be written.
        let frame = blumfeld_protocol::frame::encode_request(ApiKey::CreateTopics, 7, 0, client, &request);
        if let Ok(frame) = frame {
            let expires = cx.after_ms(FORWARD_TIMEOUT_MS);
            self.forwarded.push_back(Forwarded {
                conn: None,
                frame,
                topic: Some(name),
                expires,
                sent: false,
                refused: None,
            });
        }
    }

    pub(super) fn poll_forwarded(&mut self, cx: &mut Context<'_>, controller: Option<&Endpoint>) {
        while let Some(first) = self.forwarded.front().filter(|first| !first.sent && first.expires <= cx.now)
        {
            let conn = first.conn;
            self.forwarded.pop_front();
            if let Some(conn) = conn {
                cx.out.disconnect(conn, DisconnectReason::RequestTimedOut);
                self.connections.remove(&conn);
            }
        }
        if self.forwarded.iter().any(|one| one.sent) || !self.channels.idle(Purpose::Forward) {
            return;
        }
        let (Some(endpoint), Some(first)) = (controller, self.forwarded.front_mut()) else { return };
        first.sent = true;
        let request = EnvelopeRequest::default()
            .with_request_data(first.frame.clone())
            .with_request_principal(Some(Bytes::new()))
            .with_client_host_address(Bytes::from_static(&[127, 0, 0, 1]));
        let api = (ApiKey::Envelope, 0);
        self.channels.send(cx, Purpose::Forward, endpoint, api, &request, FORWARD_TIMEOUT_MS, None);
    }

    pub(super) fn forward_timeout(&self) -> Option<Instant> {
        self.forwarded.front().filter(|first| !first.sent).map(|first| first.expires)
    }

    fn on_forwarded(&mut self, cx: &mut Context<'_>, answer: Option<(&InFlight, Bytes)>) {
        let response = answer.and_then(|(request, frame)| {
            decode_response::<EnvelopeResponse>(request.api_key, request.version, frame).ok()
        });
        let done = match &response {
            Some(response) => ErrorCode(response.error_code) != ErrorCode::NOT_CONTROLLER,
            None => false,
        };
        if !done {
            // The controller is another one, or is being elected: it is asked again.
            if let Some(first) = self.forwarded.front_mut() {
                first.sent = false;
            }
            self.channels.pause(Purpose::Forward, cx.after_ms(50));
            return;
        }
        let Some(first) = self.forwarded.pop_front() else { return };
        let Some(conn) = first.conn else { return };
        let frame = response.and_then(|response| response.response_data).filter(|data| !data.is_empty());
        let frame = match first.refused {
            Some(refused) => frame.and_then(|frame| refused.join(frame).ok()),
            None => frame,
        };
        match frame {
            Some(frame) => self.answer(cx, conn, Reply::Now(frame.into())),
            None => self.close_malformed(
                cx,
                conn,
                (ApiKey::Envelope as i16, 0),
                "the controller did not take the request",
            ),
        }
    }

    // ---- purgatory

    /// Parks a fetch until its partitions grow or its time is over.
    pub(crate) fn park_fetch(&mut self, fetch: DelayedFetch) {
        self.next_number += 1;
        let id = self.next_number;
        self.timers.insert((fetch.expires, id), Timer::FetchExpires(id));
        self.delayed_fetches.insert(id, fetch);
    }

    /// Answers a parked fetch if there is enough for it, or its time is over.
    pub(super) fn complete_fetch(&mut self, cx: &mut Context<'_>, id: u64, expired: bool) {
        let Some(fetch) = self.delayed_fetches.remove(&id) else { return };
        match api::fetch::try_complete(self, cx, &fetch, expired) {
            Ok(Some(reply)) => {
                self.timers.remove(&(fetch.expires, id));
                self.answer(cx, fetch.call.conn, reply);
            }
            Ok(None) => {
                self.delayed_fetches.insert(id, fetch);
            }
            Err(error) => {
                self.timers.remove(&(fetch.expires, id));
                self.close_malformed(cx, fetch.call.conn, fetch.call.about(), &error.to_string());
            }
        }
    }

    /// Parks a produce request until its records are safe.
    pub(crate) fn park_produce(&mut self, produce: DelayedProduce) {
        self.next_number += 1;
        let id = self.next_number;
        self.timers.insert((produce.expires, id), Timer::ProduceExpires(id));
        self.delayed_produces.insert(id, produce);
    }

    /// A flush is over: what waited for it is safe, or failed.
    pub(super) fn flush_is_over(&mut self, cx: &mut Context<'_>, flush: FlushId, ok: bool) {
        let mut touched = Vec::new();
        for (id, produce) in &mut self.delayed_produces {
            let mut failed = Vec::new();
            for one in produce.waiting.iter_mut().filter(|one| one.flush == Some(flush)) {
                one.flush = None;
                touched.push(*id);
                if !ok {
                    one.offset = None;
                    failed.push(one.place);
                }
            }
            for place in failed {
                produce.set(place, ErrorCode::KAFKA_STORAGE_ERROR);
            }
        }
        touched.dedup();
        for id in touched {
            self.complete_produce(cx, id, false);
        }
    }

    /// Answers a parked produce request if its records are safe, or its time is over.
    pub(super) fn complete_produce(&mut self, cx: &mut Context<'_>, id: u64, expired: bool) {
        let Some(mut produce) = self.delayed_produces.remove(&id) else { return };
        let mut waiting = std::mem::take(&mut produce.waiting);
        waiting.retain_mut(|one| {
            if let Some(offset) = one.offset {
                let result = match self.replicas.of(&one.key) {
                    Some(partition) => partition.is_replicated(offset, one.epoch),
                    None => Some(ErrorCode::NOT_LEADER_OR_FOLLOWER),
                };
                if let Some(code) = result {
                    one.offset = None;
                    if !code.is_none() {
                        one.flush = None;
                        produce.set(one.place, code);
                    }
                }
            }
            if one.offset.is_some() && expired {
                one.offset = None;
                one.flush = None;
                produce.set(one.place, ErrorCode::REQUEST_TIMED_OUT);
            }
            // A flush is part of the append: the request's timeout is for the other replicas.
            one.offset.is_some() || one.flush.is_some()
        });
        produce.waiting = waiting;
        if !produce.waiting.is_empty() {
            self.delayed_produces.insert(id, produce);
            return;
        }
        self.timers.remove(&(produce.expires, id));
        match api::produce::finish(&produce) {
            Ok(reply) => self.answer(cx, produce.call.conn, reply),
            Err(error) => {
                self.close_malformed(cx, produce.call.conn, produce.call.about(), &error.to_string())
            }
        }
    }

    /// Answers what waits for the partitions that have changed.
    pub(super) fn complete_changed(&mut self, cx: &mut Context<'_>) {
        // An answered request lets those behind it in, and these may append again.
        while !self.changed.is_empty() || !self.coordinator.answers.is_empty() {
            self.send_group_answers(cx);
            let changed = std::mem::take(&mut self.changed);
            let mut of = Vec::new();
            for key in &changed {
                if let Some(partition) = self.replicas.of(key) {
                    of.push((partition.topic_id(), key.1));
                } else if let Some(topic) = self.image.topic(&key.0) {
                    of.push((topic.id, key.1));
                }
            }
            of.iter().for_each(|of| self.sessions.mark(*of));
            for (_, partition) in changed.iter().filter(|(topic, _)| topic == GROUP_METADATA_TOPIC) {
                self.complete_group_writes(cx, *partition);
            }
            let ready: Vec<u64> = (self.delayed_produces.iter())
                .filter(|(_, produce)| produce.waiting.iter().any(|one| changed.contains(&one.key)))
                .map(|(id, _)| *id)
                .collect();
            for id in ready {
                self.complete_produce(cx, id, false);
            }
            let ready: Vec<u64> = (self.delayed_fetches.iter())
                .filter(|(_, fetch)| match &fetch.context {
                    crate::purgatory::FetchContext::Session(id) => self
                        .sessions
                        .get(*id)
                        .is_none_or(|session| of.iter().any(|of| session.partitions.contains_key(of))),
                    _ => fetch.partitions.iter().any(|partition| changed.contains(partition)),
                })
                .map(|(id, _)| *id)
                .collect();
            for id in ready {
                self.complete_fetch(cx, id, false);
            }
        }
    }
}
