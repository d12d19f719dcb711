//! Clients from outside the world. A door (a TCP listener, a script's socket) hands in their frames and takes what
//! comes back; in between, an outside connection is one like any other: it has its latency, is in the trace, and
//! suffers from faults. A record of a world has the calls of these functions.

use std::sync::Arc;

use blumfeld_kernel::{ConnectionId, DisconnectReason, Endpoint, Frame, Input, NodeId, TraceEvent};

use crate::calls::Call;
use crate::trace::TraceLine;
use crate::world::World;
use crate::world::transport::expects_response;

/// What has come to an outside client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutsideEvent {
    /// Its connection stands.
    Connected,
    /// A whole frame, without its four length bytes.
    Frame(Frame),
    /// Its connection is gone, or never came about. The last event of a connection.
    Disconnected(DisconnectReason),
}

/// An outside client, which is its one connection.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    conn: ConnectionId,
    pub run: u64,
    name: Arc<str>,
    to: Endpoint,
    stands: bool,
    /// Frames that were handed in before the connection stood.
    waiting: Vec<Frame>,
    /// Requests without their response.
    in_flight: usize,
}

impl World {
    /// A client outside connects to a listener. It is a node of its own, so that faults can name it; `name` is for the
    /// trace (its address, say). [`OutsideEvent::Connected`] or [`OutsideEvent::Disconnected`] follows.
    pub fn connect_outside(&mut self, to: &Endpoint, name: &str) -> ConnectionId {
        self.note_call(|| Call::Connect { to: to.clone(), name: name.into() });
        self.connections += 1;
        self.next_process += 1;
        self.runs += 1;
        let (node, conn) = (NodeId(self.next_process), ConnectionId(self.connections));
        let client = Outside {
            conn,
            run: self.runs,
            name: name.into(),
            to: to.clone(),
            stands: false,
            waiting: Vec::new(),
            in_flight: 0,
        };
        self.outside.insert(node, client);
        self.outside_nodes.insert(conn, node);
        self.connect(node, conn, to.clone());
        conn
    }

    /// An outside client sends a frame, without its four length bytes. On a connection that is gone it is lost.
    pub fn outside_send(&mut self, conn: ConnectionId, frame: impl Into<Frame>) {
        let frame = frame.into();
        self.note_call(|| Call::Send { conn, frame: frame.clone() });
        let Some(node) = self.outside_nodes.get(&conn).copied() else { return };
        let Some(client) = self.outside.get_mut(&node) else { return };
        client.in_flight += usize::from(expects_response(frame.head()).is_some());
        if client.stands {
            self.send(node, conn, frame, None);
        } else {
            client.waiting.push(frame);
        }
    }

    /// An outside client closes its connection, or its door does: a frame that cannot be one is
    /// [`DisconnectReason::Malformed`]. Nothing more is told of the connection.
    pub fn outside_close(&mut self, conn: ConnectionId, reason: DisconnectReason) {
        self.note_call(|| Call::Close { conn, reason: reason.clone() });
        let Some(node) = self.outside_nodes.get(&conn).copied() else { return };
        self.outside_gone(node, &reason);
        self.close(conn, node, reason);
    }

    /// What has come to outside clients since the last call, in order.
    pub fn take_outside(&mut self) -> Vec<(ConnectionId, OutsideEvent)> {
        std::mem::take(&mut self.arrived)
    }

    /// Whether something has come to outside clients since it was last taken.
    pub fn has_outside(&self) -> bool {
        !self.arrived.is_empty()
    }

    /// Requests of an outside client that wait for their response, on the way or at the broker. A door that hands in
    /// few at a time, and none while the client does not take its responses, keeps bounded what waits in the world:
    /// Kafka's SocketServer reads nothing from a channel whose request it has not answered.
    pub fn outside_in_flight(&self, conn: ConnectionId) -> usize {
        let client = self.outside_nodes.get(&conn).and_then(|node| self.outside.get(node));
        client.map_or(0, |client| client.in_flight)
    }

    /// The connections of outside clients that stand or come about.
    pub fn outside_connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.outside_nodes.keys().copied()
    }

    /// The node that an outside connection is, for faults.
    pub fn outside_node(&self, conn: ConnectionId) -> Option<NodeId> {
        self.outside_nodes.get(&conn).copied()
    }

    /// Something has come to an outside client.
    pub(super) fn outside_input(&mut self, node: NodeId, run: u64, input: Input) {
        let Some(client) = self.outside.get_mut(&node).filter(|client| client.run == run) else { return };
        let conn = client.conn;
        match input {
            Input::Connected { .. } => {
                client.stands = true;
                let event = TraceEvent::OutsideConnected {
                    name: client.name.clone(),
                    listener: client.to.to_string().into(),
                };
                let waiting = std::mem::take(&mut client.waiting);
                self.trace.push(TraceLine { at: self.now, node, event });
                self.arrived.push((conn, OutsideEvent::Connected));
                for frame in waiting {
                    self.send(node, conn, frame, None);
                }
            }
            Input::Frame { frame, .. } => {
                client.in_flight = client.in_flight.saturating_sub(1);
                self.arrived.push((conn, OutsideEvent::Frame(frame)));
            }
            Input::Disconnected { reason, .. } => {
                self.outside_gone(node, &reason);
                self.arrived.push((conn, OutsideEvent::Disconnected(reason)));
            }
            // Only tools and brokers are given these.
            Input::Started
            | Input::Timeout
            | Input::Flushed { .. }
            | Input::Stdin { .. }
            | Input::StdinClosed
            | Input::Interrupt => {}
        }
    }

    fn outside_gone(&mut self, node: NodeId, reason: &DisconnectReason) {
        let Some(client) = self.outside.remove(&node) else { return };
        self.outside_nodes.remove(&client.conn);
        self.paused.remove(&node);
        let event = TraceEvent::OutsideDisconnected { name: client.name, reason: reason.to_string().into() };
        self.trace.push(TraceLine { at: self.now, node, event });
    }
}
