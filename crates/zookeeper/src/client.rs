//! A session with ZooKeeper, as a Kafka broker keeps one (`kafka.zookeeper.ZooKeeperClient` on top of
//! `org.apache.zookeeper.ClientCnxn`).
//!
//! Requests are pipelined, at most [`ClientConfig::max_in_flight`] at once. When the connection breaks, the client
//! comes back to its session, sets its watches again and sends again what was not answered, as
//! `KafkaZkClient.retryRequestsUntilConnected` does: a write may so be done twice, and whoever asked has to see to it.
//! A session that is over is told once ([`Event::Expired`]); everything that waits is dropped with it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Endpoint, Input, Instant};
use bytes::Bytes;

use crate::jute::{
    Code, ConnectRequest, ConnectResponse, EventType, JuteError, Request, Response, ServerMessage,
    SetWatches, WatcherEvent, decode_server, encode_request, xid,
};

/// How a client is set up.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Where the ensemble listens (`zookeeper.connect`).
    pub connect: Endpoint,
    /// `zookeeper.session.timeout.ms`: the timeout that is asked for.
    pub session_timeout: Duration,
    /// `zookeeper.max.in.flight.requests`.
    pub max_in_flight: usize,
}

impl ClientConfig {
    /// Kafka's defaults since 2.5 (KIP-537).
    pub fn new(connect: Endpoint) -> ClientConfig {
        ClientConfig { connect, session_timeout: Duration::from_secs(18), max_in_flight: 10 }
    }
}

/// A connection that could not be made or broke is made again after this, and up to as much more, drawn
/// (`ClientCnxn.SendThread.startConnect`).
const RECONNECT: Duration = Duration::from_secs(1);

/// What a client tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event<C> {
    /// The session can be used, for the first time or again.
    Connected {
        /// Whether it is a session that was not there before.
        new: bool,
    },
    /// The connection is gone; the session may live.
    Disconnected,
    /// The session is over, and nothing that was asked for is answered any more. [`Client::start`] begins another.
    Expired,
    /// An answer.
    Answered {
        /// What the request was given with.
        context: C,
        /// How it went.
        answer: Result<Response, Code>,
    },
    /// Something that was watched has changed.
    Changed(
        /// What.
        WatcherEvent,
    ),
    /// The session was ended in order ([`Client::close`]).
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// It was not begun, or has ended.
    Idle,
    /// The next try to connect comes then.
    Waiting(Instant),
    /// A connection is being made, or the session's answer is awaited, until then.
    Connecting(Instant),
    /// The session can be used.
    Connected,
}

/// A session and its connection. `C` is what each request is given with.
#[derive(Clone, Debug)]
pub struct Client<C> {
    config: ClientConfig,
    phase: Phase,
    conn: Option<ConnectionId>,
    session: i64,
    passwd: Option<Bytes>,
    timeout: Duration,
    last_zxid: i64,
    last_xid: i32,
    sent_at: Instant,
    heard_at: Instant,
    in_flight: VecDeque<(i32, Request, C)>,
    waiting: VecDeque<(Request, C)>,
    data_watches: BTreeSet<String>,
    exist_watches: BTreeSet<String>,
    child_watches: BTreeSet<String>,
    requests: u64,
}

impl<C: Clone> Client<C> {
    /// One without a session.
    pub fn new(config: ClientConfig) -> Client<C> {
        Client {
            timeout: config.session_timeout,
            config,
            phase: Phase::Idle,
            conn: None,
            session: 0,
            passwd: None,
            last_zxid: 0,
            last_xid: 0,
            sent_at: Instant::ZERO,
            heard_at: Instant::ZERO,
            in_flight: VecDeque::new(),
            waiting: VecDeque::new(),
            data_watches: BTreeSet::new(),
            exist_watches: BTreeSet::new(),
            child_watches: BTreeSet::new(),
            requests: 0,
        }
    }

    /// Begins a new session.
    pub fn start(&mut self, cx: &mut Context<'_>) {
        self.forget_session();
        self.connect(cx);
    }

    /// The session; 0 while there is none.
    pub fn session(&self) -> i64 {
        self.session
    }

    /// Whether requests leave at once.
    pub fn is_connected(&self) -> bool {
        self.phase == Phase::Connected
    }

    /// Requests that are under way or wait.
    pub fn unanswered(&self) -> usize {
        self.in_flight.len() + self.waiting.len()
    }

    /// The requests that were sent, pings left out.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    fn forget_session(&mut self) {
        (self.session, self.passwd, self.last_zxid) = (0, None, 0);
        self.timeout = self.config.session_timeout;
        self.in_flight.clear();
        self.waiting.clear();
        self.data_watches.clear();
        self.exist_watches.clear();
        self.child_watches.clear();
    }

    fn connect(&mut self, cx: &mut Context<'_>) {
        self.conn = Some(cx.out.connect(self.config.connect.clone()));
        // `ClientCnxn.connectTimeout`, with one server to choose from.
        self.phase = Phase::Connecting(cx.now + self.timeout);
    }

    /// Asks for something. It leaves as soon as there is room, in the order of the calls.
    pub fn submit(&mut self, cx: &mut Context<'_>, request: Request, context: C) {
        self.waiting.push_back((request, context));
        self.send_waiting(cx);
    }

    /// Ends the session in order: its ephemeral znodes go at once.
    pub fn close(&mut self, cx: &mut Context<'_>, context: C) {
        self.submit(cx, Request::CloseSession, context);
    }

    fn send_waiting(&mut self, cx: &mut Context<'_>) {
        let Some(conn) = self.conn.filter(|_| self.phase == Phase::Connected) else { return };
        while self.in_flight.len() < self.config.max_in_flight {
            let Some((request, context)) = self.waiting.pop_front() else { return };
            self.last_xid = if self.last_xid == i32::MAX { 1 } else { self.last_xid + 1 };
            cx.out.send(conn, encode_request(self.last_xid, &request));
            self.sent_at = cx.now;
            self.requests += 1;
            self.in_flight.push_back((self.last_xid, request, context));
        }
    }

    /// Whether an input is about this client's connection.
    pub fn owns(&self, input: &Input) -> bool {
        let about = match input {
            Input::Connected { conn, .. } | Input::Frame { conn, .. } | Input::Disconnected { conn, .. } => {
                conn
            }
            _ => return false,
        };
        self.conn == Some(*about)
    }

    /// Takes an input that it [owns](Self::owns).
    pub fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Vec<Event<C>> {
        match input {
            Input::Connected { conn, .. } => {
                let request = ConnectRequest {
                    protocol_version: 0,
                    last_zxid_seen: self.last_zxid,
                    time_out: i32::try_from(self.config.session_timeout.as_millis()).unwrap_or(i32::MAX),
                    session_id: self.session,
                    passwd: self.passwd.clone().or_else(|| Some(Bytes::from_static(&[0; 16]))),
                    read_only: Some(false),
                };
                cx.out.send(conn, request.encode());
                (self.sent_at, self.heard_at) = (cx.now, cx.now);
                Vec::new()
            }
            Input::Frame { conn, frame } => {
                self.heard_at = cx.now;
                let read = match self.phase {
                    Phase::Connected => self.message(cx, frame.into_bytes()),
                    _ => self.welcome(cx, frame.into_bytes()),
                };
                read.unwrap_or_else(|error| {
                    cx.out.disconnect(conn, DisconnectReason::Malformed(error.to_string().into()));
                    self.lost(cx)
                })
            }
            Input::Disconnected { .. } => self.lost(cx),
            _ => Vec::new(),
        }
    }

    fn welcome(&mut self, cx: &mut Context<'_>, frame: Bytes) -> Result<Vec<Event<C>>, JuteError> {
        let response = ConnectResponse::decode(frame)?;
        if response.is_expired() {
            if let Some(conn) = self.conn.take() {
                cx.out.disconnect(conn, DisconnectReason::Closed);
            }
            self.phase = Phase::Idle;
            self.forget_session();
            return Ok(vec![Event::Expired]);
        }
        let new = self.session != response.session_id;
        (self.session, self.passwd) = (response.session_id, response.passwd);
        self.timeout = Duration::from_millis(u64::try_from(response.time_out).unwrap_or(0));
        self.phase = Phase::Connected;
        self.watch_again(cx);
        self.send_waiting(cx);
        Ok(vec![Event::Connected { new }])
    }

    fn watch_again(&mut self, cx: &mut Context<'_>) {
        let paths = |watches: &BTreeSet<String>| watches.iter().cloned().collect::<Vec<_>>();
        let watches = SetWatches {
            relative_zxid: self.last_zxid,
            data_watches: paths(&self.data_watches),
            exist_watches: paths(&self.exist_watches),
            child_watches: paths(&self.child_watches),
        };
        let none = [&watches.data_watches, &watches.exist_watches, &watches.child_watches];
        if let Some(conn) = self.conn.filter(|_| none.iter().any(|paths| !paths.is_empty())) {
            cx.out.send(conn, encode_request(xid::SET_WATCHES, &Request::SetWatches(watches)));
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, frame: Bytes) -> Result<Vec<Event<C>>, JuteError> {
        let first = self.in_flight.front().map(|(xid, request, _)| (*xid, request.op()));
        let asked = |xid: i32| first.filter(|(first, _)| *first == xid).map(|(_, op)| op);
        let answer = match decode_server(frame, asked)? {
            ServerMessage::Event(event) => {
                self.forget_watch(&event);
                return Ok(vec![Event::Changed(event)]);
            }
            ServerMessage::Answer(answer) => answer,
        };
        self.last_zxid = self.last_zxid.max(answer.header.zxid);
        if matches!(answer.header.xid, xid::PING | xid::SET_WATCHES) {
            return Ok(Vec::new());
        }
        let Some((_, request, context)) = self.in_flight.pop_front() else { return Ok(Vec::new()) };
        let code = Code::of(answer.header.err).unwrap_or(Code::SystemError);
        let answer = answer.response.ok_or(code);
        self.note_watch(&request, &answer);
        if request == Request::CloseSession {
            if let Some(conn) = self.conn.take() {
                cx.out.disconnect(conn, DisconnectReason::Closed);
            }
            self.phase = Phase::Idle;
            self.forget_session();
            return Ok(vec![Event::Closed]);
        }
        self.send_waiting(cx);
        Ok(vec![Event::Answered { context, answer }])
    }

    fn note_watch(&mut self, request: &Request, answer: &Result<Response, Code>) {
        match (request, answer) {
            (Request::GetData { path, watch: true } | Request::Exists { path, watch: true }, Ok(_)) => {
                self.data_watches.insert(path.clone());
            }
            (Request::Exists { path, watch: true }, Err(Code::NoNode)) => {
                self.exist_watches.insert(path.clone());
            }
            (Request::GetChildren2 { path, watch: true }, Ok(_)) => {
                self.child_watches.insert(path.clone());
            }
            _ => {}
        }
    }

    /// A watch is told of once.
    fn forget_watch(&mut self, event: &WatcherEvent) {
        if event.event == EventType::NodeChildrenChanged {
            self.child_watches.remove(&event.path);
            return;
        }
        self.data_watches.remove(&event.path);
        self.exist_watches.remove(&event.path);
        if event.event == EventType::NodeDeleted {
            self.child_watches.remove(&event.path);
        }
    }

    /// The connection is gone.
    fn lost(&mut self, cx: &mut Context<'_>) -> Vec<Event<C>> {
        self.conn = None;
        let was = self.phase;
        self.phase = Phase::Waiting(cx.now + cx.rng.duration(RECONNECT));
        while let Some((_, request, context)) = self.in_flight.pop_back() {
            self.waiting.push_front((request, context));
        }
        if was == Phase::Connected { vec![Event::Disconnected] } else { Vec::new() }
    }

    /// The client pings when it has sent nothing for a third of the timeout, and gives a connection up on which it has
    /// heard nothing for two thirds (`ClientCnxn.readTimeout`).
    fn ping_at(&self) -> Instant {
        self.sent_at + self.timeout / 3
    }

    fn dead_at(&self) -> Instant {
        self.heard_at + self.timeout * 2 / 3
    }

    /// When [`timeout`](Self::timeout) has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Idle => None,
            Phase::Waiting(at) | Phase::Connecting(at) => Some(at),
            Phase::Connected => Some(self.ping_at().min(self.dead_at())),
        }
    }

    /// Does what its time has come for.
    pub fn timeout(&mut self, cx: &mut Context<'_>) -> Vec<Event<C>> {
        match self.phase {
            Phase::Waiting(at) if at <= cx.now => {
                self.connect(cx);
                Vec::new()
            }
            Phase::Connecting(at) if at <= cx.now => self.give_up(cx),
            Phase::Connected if self.dead_at() <= cx.now => self.give_up(cx),
            Phase::Connected if self.ping_at() <= cx.now => {
                if let Some(conn) = self.conn {
                    cx.out.send(conn, encode_request(xid::PING, &Request::Ping));
                }
                self.sent_at = cx.now;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn give_up(&mut self, cx: &mut Context<'_>) -> Vec<Event<C>> {
        if let Some(conn) = self.conn {
            cx.out.disconnect(conn, DisconnectReason::RequestTimedOut);
        }
        self.lost(cx)
    }
}
