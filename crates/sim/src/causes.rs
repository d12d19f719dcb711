//! What led to what.
//!
//! Every event is scheduled while another one is handled, or by somebody outside the world: that one is its *origin*.
//! A request that is parked is answered while what it waited for is handled, a frame behind a flush leaves when the
//! disk is done. So from an event back through the origins one comes to the request of a client, to a timer, or to
//! what somebody did. A world notes this only when it is asked to: it can be played again from a copy, so nothing has
//! to be kept while it runs.

use std::collections::BTreeMap;

use blumfeld_kernel::{ConnectionId, FlushId, Frame, Input, Instant, NodeId};

use crate::event::Event;
use crate::network::{Asked, Message};
use crate::token_view::{api_name, find};
use crate::trace::TraceLine;
use crate::world::World;

/// Who scheduled an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The event of this number, while it was handled.
    Event(u64),
    /// What was done from outside: the number that [`World::note_deed`] was told last.
    Deed(u64),
}

/// What sort of event it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occasion {
    /// A message, or several that had been held up.
    Message,
    /// A connection came about or ended.
    Connection,
    /// A timeout of the node.
    Timer,
    /// Its disk was done.
    Disk,
    /// Its process began.
    Start,
    /// Something was typed, or its input ended.
    Stdin,
    /// Ctrl-C.
    Interrupt,
    /// The world's own: a retransmission, a write-back, a process that goes on.
    World,
}

/// A message that came to a node.
#[derive(Clone, Debug)]
pub struct Landed {
    /// Over which connection.
    pub conn: ConnectionId,
    /// Who sent it.
    pub from: NodeId,
    /// Who has it.
    pub to: NodeId,
    /// Whether it is a response.
    pub answer: bool,
    /// When it was sent.
    pub sent: Instant,
    asked: Option<Asked>,
    frame: Frame,
}

impl Landed {
    /// The API as Kafka names it, and the version.
    pub fn api(&self) -> Option<(String, i16)> {
        self.asked.map(|asked| (api_name(asked.api_key), asked.version))
    }

    /// What the client calls itself, in a request.
    pub fn client_id(&self) -> Option<String> {
        let bytes = self.frame.head();
        let (header, _) = blumfeld_protocol::frame::decode_header(bytes).ok().filter(|_| !self.answer)?;
        header.client_id.map(|id| id.to_string())
    }
}

/// An event that was handled.
#[derive(Clone, Debug)]
pub struct Handled {
    /// Its number: so many events were handled with it.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// Its place in the order in which events were scheduled.
    pub sequence: u64,
    /// The node that it came to.
    pub node: NodeId,
    /// What it was.
    pub occasion: Occasion,
    /// The messages that the node got with it.
    pub landed: Vec<Landed>,
    /// What became true while it was handled.
    pub said: Vec<TraceLine>,
}

/// What was noted from one event on.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    handled: Vec<Handled>,
    /// The number of the first event that was scheduled since.
    first: u64,
    origins: Vec<Origin>,
    now: Option<Origin>,
    lines: u64,
    /// Who began the flushes that the store is to have.
    flushes: BTreeMap<(NodeId, FlushId), Origin>,
}

impl Causes {
    fn new(first: u64) -> Causes {
        Causes { first, ..Causes::default() }
    }

    /// An event by its number, if it was handled while this was noted.
    pub fn event(&self, number: u64) -> Option<&Handled> {
        let first = self.handled.first()?.number;
        self.handled.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// Who scheduled the event of this place in the order; nothing if that was before.
    pub fn origin(&self, sequence: u64) -> Option<Origin> {
        self.origins.get(usize::try_from(sequence.checked_sub(self.first)?).ok()?).copied()
    }

    pub(crate) fn scheduled(&mut self) {
        self.origins.push(self.now.unwrap_or(Origin::Deed(0)));
    }

    pub(crate) fn begin(&mut self, (number, sequence): (u64, u64), at: Instant, event: &Event, lines: u64) {
        let (node, occasion) = match event {
            Event::Deliver { to, input, .. } => (*to, occasion_of(input)),
            // Who has it is known once it has landed.
            Event::Arrive { message, .. } => (NodeId(0), occasion_of(&message.input)),
            Event::Timer { node, .. } => (*node, Occasion::Timer),
            Event::Connect { node, .. } => (*node, Occasion::Connection),
            Event::DiskDone { node, .. } => (*node, Occasion::Disk),
            Event::Start { node } => (*node, Occasion::Start),
            Event::Writeback { node, .. } | Event::Resume { node } => (*node, Occasion::World),
            Event::Retry { .. } => (NodeId(0), Occasion::World),
        };
        let (landed, said) = (Vec::new(), Vec::new());
        self.handled.push(Handled { number, at, sequence, node, occasion, landed, said });
        (self.now, self.lines) = (Some(Origin::Event(number)), lines);
    }

    pub(crate) fn landed(
        &mut self,
        (conn, from, to): (ConnectionId, NodeId, NodeId),
        answer: bool,
        message: &Message,
    ) {
        let Some(event) = self.handled.last_mut() else { return };
        event.node = to;
        if let Input::Frame { frame, .. } = &message.input {
            let asked = if answer { message.answers } else { Asked::of(frame.head()) };
            event.occasion = Occasion::Message;
            event.landed.push(Landed {
                conn,
                from,
                to,
                answer,
                sent: message.sent,
                asked,
                frame: frame.clone(),
            });
        }
    }

    /// A flush is over for its disk, but the store has not got it.
    pub(crate) fn waits_for_store(&mut self, node: NodeId, id: FlushId) {
        if let Some(now) = self.now {
            self.flushes.insert((node, id), now);
        }
    }

    /// The store has it: what follows comes from who began it, and not from who stored it.
    pub(crate) fn stored(&mut self, node: NodeId, id: FlushId) {
        if let Some(origin) = self.flushes.remove(&(node, id)) {
            self.now = Some(origin);
        }
    }

    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    pub(crate) fn end(&mut self, said: Vec<TraceLine>) {
        if let Some(event) = self.handled.last_mut() {
            event.said = said;
        }
    }
}

fn occasion_of(input: &Input) -> Occasion {
    match input {
        Input::Frame { .. } => Occasion::Message,
        Input::Connected { .. } | Input::Disconnected { .. } => Occasion::Connection,
        Input::Started => Occasion::Start,
        Input::Stdin { .. } | Input::StdinClosed => Occasion::Stdin,
        Input::Interrupt => Occasion::Interrupt,
        Input::Timeout => Occasion::Timer,
        _ => Occasion::World,
    }
}

impl World {
    /// Notes what leads to what from now on, anew.
    pub fn note_causes(&mut self) {
        self.causes = Some(Box::new(Causes::new(self.next_sequence())));
    }

    /// What was noted; nothing more is.
    pub fn take_causes(&mut self) -> Option<Box<Causes>> {
        self.causes.take()
    }

    /// What is scheduled until the next event comes from a deed with this number.
    pub fn note_deed(&mut self, number: u64) {
        if let Some(causes) = &mut self.causes {
            causes.now = Some(Origin::Deed(number));
        }
    }

    /// The partitions that a message names, with their topics' names.
    pub fn partitions_of(&self, message: &Landed) -> Vec<(String, i32)> {
        let asked =
            message.asked.map(|asked| find(asked.api_key, asked.version, message.answer, &message.frame));
        asked.map_or_else(Vec::new, |found| self.named(found.partitions))
    }
}
