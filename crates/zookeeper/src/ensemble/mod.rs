//! A ZooKeeper ensemble as one node of the world.
//!
//! Its members are not told apart: what they cost is. A write, and the beginning and end of a session are one too,
//! waits for a disk flush and a round of the quorum (`ProposalRequestProcessor`, `SyncRequestProcessor`). Writes that
//! come while a flush is under way share the next one. A read costs neither. Requests of one session are answered in
//! their order, so that a read waits for the session's own writes before it (`CommitProcessor`), and for nobody
//! else's. Who watches something is told of a change before any answer that shows it.

mod tree;
mod watches;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Input, Instant, Node};
use bytes::Bytes;

use crate::jute::{
    Code, ConnectRequest, ConnectResponse, JuteError, ReplyHeader, Request, Response, WatcherEvent,
    decode_request, encode_event, encode_reply,
};

pub use tree::{Change, DataTree, Transaction, Znode};
use watches::{Told, Watches};

/// How an ensemble is set up.
#[derive(Clone, Debug)]
pub struct EnsembleConfig {
    /// `tickTime`: sessions may ask for timeouts of 2 to 20 ticks, and expire at a tick's end.
    pub tick_time: Duration,
    /// A proposal to the followers and their acknowledgements.
    pub quorum_round: Duration,
    /// A flush of the transaction log, of the leader and the followers at once.
    pub flush: Duration,
}

impl Default for EnsembleConfig {
    /// A tick of ZooKeeper's sample configuration, and disks and a network like the world's.
    fn default() -> EnsembleConfig {
        EnsembleConfig {
            tick_time: Duration::from_secs(2),
            quorum_round: Duration::from_micros(600),
            flush: Duration::from_millis(2),
        }
    }
}

/// A client's session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// How long nothing may be heard of it, as it was negotiated.
    pub timeout: Duration,
    /// When it is over if nothing is heard of it any more: at a tick's end (`ExpiryQueue`).
    pub expires_at: Instant,
    /// The connection that it is on; `None` while its client has none.
    pub conn: Option<ConnectionId>,
    passwd: Bytes,
    /// Its end was proposed.
    closing: bool,
}

/// A connection.
#[derive(Clone, Debug, Default)]
struct Conn {
    /// The session; 0 until there is one.
    session: i64,
    /// A session was asked for.
    asked: bool,
    /// What was asked for and is not answered, in order: the first one is a write.
    pending: VecDeque<(i32, Request)>,
}

/// What the ensemble agrees on.
#[derive(Clone, Debug)]
enum Proposal {
    CreateSession { conn: ConnectionId, timeout: Duration, read_only: Option<bool> },
    Write { conn: ConnectionId, session: i64, xid: i32, request: Request },
    Expire { session: i64 },
}

/// The ensemble.
#[derive(Clone, Debug)]
pub struct Ensemble {
    config: EnsembleConfig,
    tree: DataTree,
    watches: Watches,
    sessions: BTreeMap<i64, Session>,
    conns: BTreeMap<ConnectionId, Conn>,
    zxid: i64,
    last_session: i64,
    /// Proposals that wait for the next flush.
    queued: Vec<Proposal>,
    /// Those that are being flushed, and until when.
    flushing: Option<(Instant, Vec<Proposal>)>,
    /// Those that wait for the quorum, and until when.
    voting: VecDeque<(Instant, Vec<Proposal>)>,
    flushes: u64,
    expired: Vec<i64>,
}

impl Ensemble {
    /// One that nobody has used.
    pub fn new(config: EnsembleConfig) -> Ensemble {
        Ensemble {
            config,
            tree: DataTree::default(),
            watches: Watches::default(),
            sessions: BTreeMap::new(),
            conns: BTreeMap::new(),
            // The first epoch; the counter of its transactions is below.
            zxid: 1 << 32,
            last_session: 0,
            queued: Vec::new(),
            flushing: None,
            voting: VecDeque::new(),
            flushes: 0,
            expired: Vec::new(),
        }
    }

    /// The znodes.
    pub fn tree(&self) -> &DataTree {
        &self.tree
    }

    /// The sessions by their ids.
    pub fn sessions(&self) -> &BTreeMap<i64, Session> {
        &self.sessions
    }

    /// Sessions that have expired, in order; those that their clients closed are not among them.
    pub fn expired(&self) -> &[i64] {
        &self.expired
    }

    /// The last transaction's number.
    pub fn zxid(&self) -> i64 {
        self.zxid
    }

    /// How often the transaction log was flushed.
    pub fn flushes(&self) -> u64 {
        self.flushes
    }

    /// How many watches stand.
    pub fn watches(&self) -> usize {
        self.watches.len()
    }

    /// A timeout as it is granted, from milliseconds that a client asks for.
    fn negotiate(&self, asked_ms: i32) -> Duration {
        let asked = Duration::from_millis(u64::try_from(asked_ms).unwrap_or(0));
        asked.clamp(self.config.tick_time * 2, self.config.tick_time * 20)
    }

    /// When a session that is heard of now would be over: at the end of the tick into which its timeout falls
    /// (`ExpiryQueue.roundToNextInterval`).
    fn expiry(&self, now: Instant, timeout: Duration) -> Instant {
        let tick = u64::try_from(self.config.tick_time.as_micros()).unwrap_or(u64::MAX).max(1);
        let ticks = (now + timeout).as_micros() / tick;
        Instant::from_micros(ticks.saturating_add(1).saturating_mul(tick))
    }

    fn touch(&mut self, now: Instant, session: i64) {
        let Some(timeout) = self.sessions.get(&session).map(|session| session.timeout) else { return };
        let expires_at = self.expiry(now, timeout);
        if let Some(session) = self.sessions.get_mut(&session) {
            session.expires_at = session.expires_at.max(expires_at);
        }
    }

    fn propose(&mut self, cx: &Context<'_>, proposal: Proposal) {
        self.queued.push(proposal);
        self.flush(cx.now);
    }

    fn flush(&mut self, now: Instant) {
        if self.flushing.is_none() && !self.queued.is_empty() {
            self.flushing = Some((now + self.config.flush, std::mem::take(&mut self.queued)));
            self.flushes += 1;
        }
    }

    fn frame(&mut self, cx: &mut Context<'_>, id: ConnectionId, frame: Bytes) -> Result<(), JuteError> {
        let Some(conn) = self.conns.get(&id) else { return Ok(()) };
        if conn.session == 0 {
            if conn.asked {
                // A client sends nothing before it has its session (`ClientCnxn`).
                return Err(JuteError::UnknownOperation { number: 0 });
            }
            return self.connect(cx, id, &ConnectRequest::decode(frame)?);
        }
        let (session, waits) = (conn.session, !conn.pending.is_empty());
        let (xid, request) = decode_request(frame)?;
        self.touch(cx.now, session);
        if request.is_write() {
            self.propose(cx, Proposal::Write { conn: id, session, xid, request: request.clone() });
        } else if !waits {
            self.answer_read(cx, id, xid, &request);
            return Ok(());
        }
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.pending.push_back((xid, request));
        }
        Ok(())
    }

    fn connect(
        &mut self,
        cx: &mut Context<'_>,
        id: ConnectionId,
        asked: &ConnectRequest,
    ) -> Result<(), JuteError> {
        let timeout = self.negotiate(asked.time_out);
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.asked = true;
        }
        if asked.session_id == 0 {
            self.propose(cx, Proposal::CreateSession { conn: id, timeout, read_only: asked.read_only });
            return Ok(());
        }
        let known = self.sessions.get(&asked.session_id).filter(|session| {
            !session.closing && asked.passwd.as_ref().is_some_and(|passwd| *passwd == session.passwd)
        });
        let Some(passwd) = known.map(|session| session.passwd.clone()) else {
            self.welcome(cx, id, 0, None, asked.read_only);
            cx.out.disconnect(id, DisconnectReason::Closed);
            self.forget(id);
            return Ok(());
        };
        // A client has one connection: an earlier one is dead, and nobody has noticed.
        let expires_at = self.expiry(cx.now, timeout);
        if let Some(session) = self.sessions.get_mut(&asked.session_id) {
            session.timeout = timeout;
            session.expires_at = session.expires_at.max(expires_at);
            if let Some(old) = session.conn.replace(id) {
                cx.out.disconnect(old, DisconnectReason::Closed);
                self.conns.remove(&old);
                self.watches.forget(old);
            }
        }
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.session = asked.session_id;
        }
        self.welcome(cx, id, asked.session_id, Some(passwd), asked.read_only);
        Ok(())
    }

    /// Tells a client which session it has; 0 that it has none any more.
    fn welcome(
        &self,
        cx: &mut Context<'_>,
        conn: ConnectionId,
        session_id: i64,
        passwd: Option<Bytes>,
        read_only: Option<bool>,
    ) {
        let timeout = self.sessions.get(&session_id).map_or(Duration::ZERO, |session| session.timeout);
        let response = ConnectResponse {
            protocol_version: 0,
            time_out: i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX),
            session_id,
            passwd: passwd.or_else(|| Some(Bytes::from_static(&[0; 16]))),
            read_only: read_only.map(|_| false),
        };
        cx.out.send(conn, response.encode());
    }

    fn answer_read(&mut self, cx: &mut Context<'_>, conn: ConnectionId, xid: i32, request: &Request) {
        let answer = self.tree.read(request);
        match (request, &answer) {
            (Request::GetData { path, watch: true }, Ok(_)) => self.watches.watch_data(path, conn),
            // What does not exist can be watched by exists alone.
            (Request::Exists { path, watch: true }, Ok(_) | Err(Code::NoNode)) => {
                self.watches.watch_data(path, conn)
            }
            (Request::GetChildren2 { path, watch: true }, Ok(_)) => self.watches.watch_children(path, conn),
            (Request::SetWatches(asked), _) => {
                let told = self.watches.set(conn, asked, &self.tree);
                self.tell(cx, told);
            }
            _ => {}
        }
        self.reply(cx, conn, xid, answer);
    }

    fn tell(&self, cx: &mut Context<'_>, told: Vec<Told>) {
        for (conn, event, path) in told {
            // SyncConnected, as servers say always.
            cx.out.send(conn, encode_event(&WatcherEvent { event, state: 3, path }));
        }
    }

    fn reply(&self, cx: &mut Context<'_>, conn: ConnectionId, xid: i32, answer: Result<Response, Code>) {
        let err = answer.as_ref().err().map_or(0, |code| code.number());
        let header = ReplyHeader { xid, zxid: self.zxid, err };
        cx.out.send(conn, encode_reply(header, answer.as_ref().ok()));
    }

    /// A proposal that the quorum has taken.
    fn commit(&mut self, cx: &mut Context<'_>, proposal: Proposal) {
        self.zxid += 1;
        let (zxid, time) = (self.zxid, cx.unix_ms());
        match proposal {
            Proposal::CreateSession { conn: id, timeout, read_only } => {
                self.last_session += 1;
                let session_id = self.last_session;
                let passwd = Bytes::copy_from_slice(&cx.rng.bytes16());
                let Some(conn) = self.conns.get_mut(&id) else { return };
                conn.session = session_id;
                let expires_at = self.expiry(cx.now, timeout);
                let conn = Some(id);
                let session = Session { timeout, expires_at, conn, passwd: passwd.clone(), closing: false };
                self.sessions.insert(session_id, session);
                self.welcome(cx, id, session_id, Some(passwd), read_only);
            }
            Proposal::Write { conn, session, xid, request } => {
                let answer = match self.sessions.contains_key(&session) {
                    true => self.tree.write(&request, Transaction { session, zxid, time }),
                    false => Err(Code::SessionExpired),
                };
                let answer = answer.map(|(response, changes)| {
                    let told = changes.iter().flat_map(|change| self.watches.trigger(change)).collect();
                    self.tell(cx, told);
                    response
                });
                let closed = request == Request::CloseSession;
                if closed {
                    self.sessions.remove(&session);
                }
                if self.conns.contains_key(&conn) {
                    self.reply(cx, conn, xid, answer);
                    if closed {
                        cx.out.disconnect(conn, DisconnectReason::Closed);
                        self.forget(conn);
                    } else {
                        self.after_write(cx, conn);
                    }
                }
            }
            Proposal::Expire { session } => {
                let Some(gone) = self.sessions.remove(&session) else { return };
                self.expired.push(session);
                let closed = self.tree.write(&Request::CloseSession, Transaction { session, zxid, time });
                let changes = closed.map(|(_, changes)| changes).unwrap_or_default();
                let told = changes.iter().flat_map(|change| self.watches.trigger(change)).collect();
                self.tell(cx, told);
                if let Some(conn) = gone.conn {
                    cx.out.disconnect(conn, DisconnectReason::Closed);
                    self.forget(conn);
                }
            }
        }
    }

    /// The first write of a connection is answered, and so are the reads behind it.
    fn after_write(&mut self, cx: &mut Context<'_>, id: ConnectionId) {
        let next = |this: &mut Ensemble, only_reads: bool| {
            let pending = &mut this.conns.get_mut(&id)?.pending;
            pending.pop_front_if(|(_, request)| !only_reads || !request.is_write())
        };
        next(self, false);
        while let Some((xid, request)) = next(self, true) {
            self.answer_read(cx, id, xid, &request);
        }
    }

    fn forget(&mut self, id: ConnectionId) {
        self.watches.forget(id);
        let Some(conn) = self.conns.remove(&id) else { return };
        if let Some(session) = self.sessions.get_mut(&conn.session).filter(|session| session.conn == Some(id))
        {
            session.conn = None;
        }
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        while let Some((_, proposals)) = self.voting.pop_front_if(|(at, _)| *at <= cx.now) {
            proposals.into_iter().for_each(|proposal| self.commit(cx, proposal));
        }
        if let Some((at, proposals)) = self.flushing.take_if(|(at, _)| *at <= cx.now) {
            self.voting.push_back((at + self.config.quorum_round, proposals));
            self.flush(cx.now);
        }
        let mut over = Vec::new();
        for (id, session) in &mut self.sessions {
            if !session.closing && session.expires_at <= cx.now {
                session.closing = true;
                over.push(*id);
            }
        }
        over.into_iter().for_each(|session| self.propose(cx, Proposal::Expire { session }));
    }
}

impl Node for Ensemble {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        match input {
            Input::Started => {
                // `SessionTrackerImpl.initializeNextSession`: the clock in the middle, the server's number on top.
                self.last_session = ((cx.unix_ms() << 24).cast_unsigned() >> 8).cast_signed() | (1 << 56);
            }
            Input::Connected { conn, .. } => drop(self.conns.insert(conn, Conn::default())),
            Input::Frame { conn, frame } => {
                if let Err(error) = self.frame(cx, conn, frame.into_bytes()) {
                    cx.out.disconnect(conn, DisconnectReason::Malformed(error.to_string().into()));
                    self.forget(conn);
                }
            }
            Input::Disconnected { conn, .. } => self.forget(conn),
            Input::Timeout => self.timeout(cx),
            // It has no disk of the world's and no console.
            Input::Flushed { .. } | Input::Stdin { .. } | Input::StdinClosed | Input::Interrupt => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let alive = self.sessions.values().filter(|session| !session.closing);
        let expiry = alive.map(|session| session.expires_at).min();
        let flush = self.flushing.as_ref().map(|(at, _)| *at);
        let vote = self.voting.front().map(|(at, _)| *at);
        [expiry, flush, vote].into_iter().flatten().min()
    }
}
