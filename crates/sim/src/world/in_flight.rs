//! What is in flight: the requests and answers between nodes, each where its times put it.
//!
//! Nothing is kept for this. A message that travels is an event of the queue, one that was lost or has to wait stands
//! in its connection, and a request that came to its broker stands there until its answer leaves. So what is drawn
//! cannot part from what is.

use blumfeld_kernel::{ConnectionId, Endpoint, Frame, Input, Instant, NodeId};
use blumfeld_view::{NextKind, NextView};

use crate::event::Event;
use crate::network::{Asked, Message};
use crate::token_view::api_name;
use crate::world::World;

/// How a message stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It travels, and arrives at this moment.
    Travels(
        /// When it arrives.
        Instant,
    ),
    /// The network has lost it, or it waits behind one that was lost, or a fault holds it before its broker. It goes
    /// on by itself.
    Stalls,
    /// It will not arrive: its sender lost power, or what was before it on the connection was dropped.
    Lost(
        /// When it would have arrived.
        Instant,
    ),
    /// A request that is at its broker since then, which has not answered.
    Waits(
        /// When it came.
        Instant,
    ),
}

/// A request, or the answer to one.
#[derive(Clone, Copy, Debug)]
pub struct InFlight<'a> {
    /// Its connection.
    pub connection: ConnectionId,
    /// The request's number on its connection, which its answer carries too.
    pub correlation_id: i32,
    /// Whether it is the answer.
    pub answer: bool,
    /// The node that asks.
    pub client: NodeId,
    /// The node that is asked.
    pub broker: NodeId,
    /// Whether it goes to the broker's door for the metadata quorum.
    pub quorum: bool,
    /// The API's key.
    pub api_key: i16,
    /// The API's version.
    pub version: i16,
    /// When it was sent.
    pub sent: Instant,
    /// How it stands.
    pub standing: Standing,
    /// Its bytes, without the four of its length.
    pub frame: &'a Frame,
}

impl World {
    /// Everything that is in flight, by connection; on each the requests and then the answers, as they were sent. A
    /// request is in flight until its answer leaves its broker, and a Produce that asks for no acknowledgement until
    /// it arrives.
    pub fn in_flight(&self) -> Vec<InFlight<'_>> {
        let mut found: Vec<InFlight<'_>> = Vec::new();
        for (at, event) in self.queue.iter() {
            if let Event::Arrive { conn, from, message } = event
                && let Some(end) = self.network.look(*conn).map(|link| &link.ends)
                && !end[1 - from].closed
            {
                let lost = end[*from].gap || (end[*from].powerless && !end[*from].stalled.is_empty());
                let standing = if lost { Standing::Lost(at) } else { Standing::Travels(at) };
                found.extend(self.message(*conn, *from, message, standing));
            }
        }
        for (conn, link) in self.network.links() {
            for (from, end) in link.ends.iter().enumerate() {
                let stalled = end.stalled.iter();
                found.extend(
                    stalled.filter_map(|one| self.message(conn, from, &one.message, Standing::Stalls)),
                );
            }
            // Of a request that came twice one is in flight: who sent it has sent one.
            for request in link.unanswered.iter().filter(|request| !request.copy) {
                let Some(asked) = Asked::of(request.frame.head()) else { continue };
                found.push(InFlight {
                    connection: conn,
                    correlation_id: request.correlation_id,
                    answer: false,
                    client: link.ends[0].node,
                    broker: link.ends[1].node,
                    quorum: self.is_quorum_door(link.ends[1].node, &link.listener),
                    api_key: asked.api_key,
                    version: asked.version,
                    sent: request.sent,
                    standing: Standing::Waits(request.landed),
                    frame: &request.frame,
                });
            }
        }
        found.sort_by_key(|one| (one.connection, one.answer, one.sent));
        found
    }

    /// What happens next.
    pub fn next_view(&self) -> Option<NextView> {
        let (at, event) = self.queue.peek()?;
        let (node, what) = match event {
            Event::Arrive { conn, from, message } => {
                let to = self.network.look(*conn)?.ends[1 - from].node;
                let arrives = self.message(*conn, *from, message, Standing::Travels(at)).map(|one| {
                    let from = if one.answer { one.broker } else { one.client };
                    NextKind::Arrives { api: api_name(one.api_key), answer: one.answer, from: from.0 }
                });
                (to, arrives.unwrap_or(NextKind::Connection))
            }
            Event::Retry { conn, from } => (
                self.network.look(*conn).map_or(NodeId::WORLD, |link| link.ends[*from].node),
                NextKind::Connection,
            ),
            Event::Connect { node, .. } => (*node, NextKind::Connection),
            Event::Timer { node, .. } => (*node, NextKind::Timer),
            Event::DiskDone { node, .. } | Event::Writeback { node, .. } => (*node, NextKind::Disk),
            Event::Deliver { to, input: Input::Connected { .. } | Input::Disconnected { .. }, .. } => {
                (*to, NextKind::Connection)
            }
            Event::Deliver { to, .. } => (*to, NextKind::Process),
            Event::Start { node } | Event::Resume { node } => (*node, NextKind::Process),
        };
        Some(NextView { at: at.as_micros(), what, node: node.0 })
    }

    /// Whether a node listens there for the metadata quorum.
    pub(super) fn is_quorum_door(&self, node: NodeId, listener: &Endpoint) -> bool {
        self.machines.get(&node).is_some_and(|machine| {
            machine.config.roles.controller && machine.config.controller_listener == *listener
        })
    }

    fn message<'a>(
        &self,
        conn: ConnectionId,
        from: usize,
        message: &'a Message,
        standing: Standing,
    ) -> Option<InFlight<'a>> {
        let Input::Frame { frame, .. } = &message.input else { return None };
        let link = self.network.look(conn)?;
        let (answer, head) = (from == 1, frame.head());
        let number = |at: usize| Some(i32::from_be_bytes(*head.get(at..)?.first_chunk::<4>()?));
        // An answer says by its number alone what it answers; who asked knows.
        let asked = if answer { message.answers } else { Asked::of(head) };
        Some(InFlight {
            connection: conn,
            correlation_id: number(if answer { 0 } else { 4 })?,
            answer,
            client: link.ends[0].node,
            broker: link.ends[1].node,
            quorum: self.is_quorum_door(link.ends[1].node, &link.listener),
            api_key: asked?.api_key,
            version: asked?.version,
            sent: message.sent,
            standing,
            frame,
        })
    }
}
