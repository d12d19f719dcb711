//! The connections that others have opened to a node. As in Kafka's SocketServer, one request of a connection is
//! handled at a time, and answers leave in the order of the requests.

use std::collections::VecDeque;
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Instant};
use bytes::Bytes;

use super::Broker;
use crate::call::{ListenerKind, Principal};

/// A connection that stands.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Where it came in.
    pub listener: ListenerKind,
    /// Who speaks on it.
    pub principal: Principal,
    /// Frames that wait until the request before them is answered.
    pub waiting: VecDeque<Bytes>,
    /// Whether a request is parked: in purgatory, or until its records are committed.
    pub busy: bool,
    /// When a request last came, or an answer went.
    pub active: Instant,
}

impl Broker {
    /// How many requests of a connection wait for those before them; nothing of a connection that is gone.
    pub fn waiting(&self, conn: ConnectionId) -> Option<usize> {
        self.connections.get(&conn).map(|connection| connection.waiting.len())
    }

    /// `connections.max.idle.ms`, if it bounds anything.
    fn max_idle(&self) -> Option<Duration> {
        u64::try_from(self.server.config.connections_max_idle_ms).ok().map(Duration::from_millis)
    }

    /// A connection has come.
    pub(super) fn connected(&mut self, cx: &Context<'_>, conn: ConnectionId, listener: ListenerKind) {
        let connection = Connection { listener, active: cx.now, ..Connection::default() };
        self.connections.insert(conn, connection);
        if self.idle_at.is_none() {
            self.idle_at = self.max_idle().map(|span| cx.now + span);
        }
    }

    /// Something came or went on a connection.
    pub(super) fn note_active(&mut self, cx: &Context<'_>, conn: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.active = cx.now;
        }
    }

    /// Closes the connections on which nothing came or went for too long, be a request of theirs parked or not
    /// (Selector.IdleExpiryManager). Until the next look none can be idle for as long: what is used puts it off.
    pub(super) fn close_idle(&mut self, cx: &mut Context<'_>) {
        let Some(span) = self.max_idle().filter(|_| self.idle_at.is_some_and(|at| at <= cx.now)) else {
            return;
        };
        // No network knows the connection of a node to itself.
        let ends = (self.connections.iter())
            .filter(|(conn, _)| !self.channels.is_loopback(**conn))
            .map(|(conn, connection)| (*conn, connection.active + span));
        let (idle, used): (Vec<_>, Vec<_>) = ends.partition(|(_, end)| *end <= cx.now);
        self.idle_at = used.into_iter().map(|(_, end)| end).min();
        for (conn, _) in idle {
            cx.out.disconnect(conn, DisconnectReason::Idle);
            self.forget(conn);
        }
    }

    /// A connection is gone, with what waits on it.
    pub(super) fn forget(&mut self, conn: ConnectionId) {
        self.connections.remove(&conn);
        self.quorum.raft.forget(conn);
        self.server.forget(conn);
    }
}
