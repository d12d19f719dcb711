//! The door: frames that come in, wait for those before them, are handled, and are answered.

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, FlushId, Frame, TraceEvent};
use blumfeld_protocol::ApiKey;
use blumfeld_protocol::frame::decode_header;
use bytes::Bytes;

use super::Broker;
use crate::api;
use crate::call::{Call, ListenerKind};
use crate::channel::{InFlight, Purpose};
use crate::controller::Waiting;
use crate::reply::{Refused, Reply};
use crate::server::Answered;

impl Broker {
    /// Takes a frame: handles it, or lets it wait for those before it.
    pub(super) fn on_frame(&mut self, cx: &mut Context<'_>, conn: ConnectionId, frame: Bytes) {
        let ready = self.boot.is_none();
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.active = cx.now;
        let waits = connection.listener == ListenerKind::Broker && !ready;
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
        let limit = self.server.config.socket_request_max_bytes;
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
        match api::dispatch(&mut self.server, &mut self.quorum, cx, &call, body) {
            Ok(Reply::Committed(offset, frame)) => self.await_commit(cx, call, offset, frame),
            Ok(Reply::Parked) => self.set_busy(conn, true),
            Ok(Reply::Forward) => self.forward(cx, conn, frame, None),
            Ok(Reply::ForwardPart(part, refused)) => self.forward(cx, conn, part, Some(refused)),
            Ok(Reply::NotController) => match api::not_controller(&call.header) {
                Ok(reply) => self.send(cx, &call, reply),
                Err(error) => self.close_malformed(cx, conn, call.about(), &error.to_string()),
            },
            Ok(reply) => self.send(cx, &call, reply),
            Err(error) => self.close_malformed(cx, conn, call.about(), &error.to_string()),
        }
    }

    /// Goes on with requests of transactions whose coordinator has answered.
    pub(super) fn resume_verified(&mut self, cx: &mut Context<'_>) {
        while let Some((call, what, refusals)) = self.server.next_verified() {
            let reply = api::resume(&mut self.server, cx, &call, what, &refusals);
            if !matches!(reply, Ok(Reply::Parked)) {
                self.deliver(cx, (call, reply));
            }
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
        self.server.forwarding.forward(cx, conn, frame, refused);
    }

    fn await_commit(&mut self, cx: &mut Context<'_>, call: Call, offset: i64, frame: Bytes) {
        if self.quorum.raft.high_watermark().is_some_and(|at| offset <= at) {
            return self.send_frame(cx, call.conn, frame.into(), None);
        }
        self.set_busy(call.conn, true);
        if let Some(active) = &mut self.quorum.active {
            active.waiting.push_back(Waiting { offset, call, frame });
        }
    }

    fn set_busy(&mut self, conn: ConnectionId, busy: bool) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.busy = busy;
        }
    }

    /// Encodes an answer and sends it. One that cannot be said in the version of its request closes the connection.
    fn send(&mut self, cx: &mut Context<'_>, call: &Call, reply: Reply) {
        let (body, after) = match reply {
            Reply::Now(body) => (body, None),
            Reply::After(operation, body) => (body, Some(operation)),
            Reply::Nothing
            | Reply::Parked
            | Reply::Committed(..)
            | Reply::NotController
            | Reply::Forward
            | Reply::ForwardPart(..) => {
                self.server.stats.requests += 1;
                return;
            }
        };
        match body.encode(&call.header) {
            Ok(frame) => self.send_frame(cx, call.conn, frame, after),
            Err(error) => self.close_malformed(cx, call.conn, call.about(), &error.to_string()),
        }
    }

    fn send_frame(&mut self, cx: &mut Context<'_>, conn: ConnectionId, frame: Frame, after: Option<FlushId>) {
        self.server.stats.requests += 1;
        self.note_active(cx, conn);
        match after {
            _ if self.channels.is_loopback(conn) => self.local_answers.push_back((conn, frame)),
            Some(operation) => cx.out.send_after(conn, frame, operation),
            None => cx.out.send(conn, frame),
        }
    }

    /// Sends the answer of a parked request, which is a frame already, and takes up the requests behind it.
    pub(super) fn answer(&mut self, cx: &mut Context<'_>, conn: ConnectionId, frame: Frame) {
        if self.connections.contains_key(&conn) {
            self.send_frame(cx, conn, frame, None);
            self.set_busy(conn, false);
            self.drain(cx, conn);
        }
    }

    /// Sends the answer of a parked request, or closes its connection, and takes up the requests behind it.
    pub(super) fn deliver(&mut self, cx: &mut Context<'_>, (call, reply): Answered) {
        match reply {
            Ok(_) if !self.connections.contains_key(&call.conn) => {}
            Ok(reply) => {
                self.send(cx, &call, reply);
                self.set_busy(call.conn, false);
                self.drain(cx, call.conn);
            }
            Err(error) => self.close_malformed(cx, call.conn, call.about(), &error.to_string()),
        }
    }

    /// Closes a connection whose request was not one.
    pub(super) fn close_malformed(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnectionId,
        about: (i16, i16),
        what: &str,
    ) {
        let reason: std::sync::Arc<str> = what.into();
        cx.out.trace(TraceEvent::RequestRejected {
            api_key: about.0,
            version: about.1,
            reason: reason.clone(),
        });
        self.connections.remove(&conn);
        if !self.channels.is_loopback(conn) {
            return cx.out.disconnect(conn, DisconnectReason::Malformed(reason));
        }
        // No network tells this node that it has closed its connection to itself.
        if let Some((purpose, Some(_))) = self.channels.on_disconnected(cx.now, conn) {
            self.on_no_answer(cx, purpose);
        }
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
            Purpose::Raft(from) => {
                self.quorum.raft.on_response(cx, &mut self.channels, from, &request, frame)
            }
            Purpose::Heartbeat => {
                self.lifecycle.on_response(cx, &self.server.config, Some((&request, frame)))
            }
            Purpose::AlterPartition => {
                self.server.on_alter_partition(cx, &mut self.channels, Some((&request, frame)))
            }
            Purpose::Forward => self.on_forwarded(cx, Some((&request, frame))),
            Purpose::ProducerIds => {
                self.server.producer_ids.on_response(cx, &mut self.channels, Some((&request, frame)))
            }
            Purpose::Markers(to) => {
                self.server.on_markers(cx, &mut self.channels, to, Some((&request, frame)))
            }
            Purpose::Transactions(to) => self.server.on_verified(cx.now, to, Some((&request, frame))),
            Purpose::Fetcher(_) => {}
        }
    }

    /// A request of this node gets no answer.
    pub(super) fn on_no_answer(&mut self, cx: &mut Context<'_>, purpose: Purpose) {
        match purpose {
            // Who did not answer is asked again.
            Purpose::Raft(_) => {}
            Purpose::Heartbeat => self.lifecycle.on_response(cx, &self.server.config, None),
            Purpose::AlterPartition => self.server.on_alter_partition(cx, &mut self.channels, None),
            Purpose::Forward => self.on_forwarded(cx, None),
            Purpose::ProducerIds => self.server.producer_ids.on_response(cx, &mut self.channels, None),
            Purpose::Fetcher(leader) => self.fetchers.on_failure(leader),
            Purpose::Markers(to) => self.server.on_markers(cx, &mut self.channels, to, None),
            Purpose::Transactions(to) => self.server.on_verified(cx.now, to, None),
        }
    }

    fn on_forwarded(&mut self, cx: &mut Context<'_>, answer: Option<(&InFlight, Bytes)>) {
        let Some((conn, frame)) = self.server.forwarding.on_response(cx, &mut self.channels, answer) else {
            return;
        };
        match frame {
            Some(frame) => self.answer(cx, conn, frame.into()),
            None => {
                let about = (ApiKey::Envelope as i16, 0);
                self.close_malformed(cx, conn, about, "the controller did not take the request");
            }
        }
    }

    /// Takes what a leader sent.
    fn on_fetched(&mut self, cx: &mut Context<'_>, leader: i32, request: &InFlight, frame: Frame) {
        let server = &mut self.server;
        let about = (leader, &server.config);
        self.fetchers.on_response(cx, &mut self.channels, &mut server.replicas, about, (request, frame));
    }
}
