//! The contract of the core: what can happen to a node, and what it can do to the world.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    ConnectionId, DisconnectReason, DiskError, DiskOp, Endpoint, FlushId, Frame, Instant, NodeId, Peer, Prng,
    TraceEvent,
};

/// Everything that can happen to a node. Closed: no callbacks, no futures.
#[derive(Clone, Debug)]
pub enum Input {
    /// The process has begun. Comes once, first.
    Started,
    /// A connection stands; both ends are told.
    Connected {
        /// The connection.
        conn: ConnectionId,
        /// Who is at the other end.
        peer: Peer,
    },
    /// One whole frame arrived, without its four length bytes.
    Frame {
        /// From where.
        conn: ConnectionId,
        /// Header and body.
        frame: Frame,
    },
    /// A connection is gone, or could not be made.
    Disconnected {
        /// The connection.
        conn: ConnectionId,
        /// Why.
        reason: DisconnectReason,
    },
    /// The time that [`Node::next_timeout`] named has come.
    Timeout,
    /// A disk operation that makes bytes durable is done: a flush, a replacement, a truncation. The others report
    /// nothing.
    Flushed {
        /// The number of the operation.
        id: FlushId,
        /// Whether the disk took it.
        result: Result<(), DiskError>,
    },
    /// Part of the standard input, answering [`Effect::ReadStdin`]. Tools only.
    Stdin {
        /// Some bytes; a line may be cut anywhere.
        bytes: Bytes,
    },
    /// The standard input has ended. Tools only.
    StdinClosed,
    /// Ctrl-C. Tools only.
    Interrupt,
}

/// Everything that a node can do to the world.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Open a connection.
    Connect {
        /// Its name from now on.
        conn: ConnectionId,
        /// The listener.
        to: Endpoint,
    },
    /// Send one frame, without its four length bytes.
    Send {
        /// On which connection.
        conn: ConnectionId,
        /// Header and body.
        frame: Frame,
        /// Hold it until this disk operation is done. A failed operation drops it.
        after: Option<FlushId>,
    },
    /// Close a connection. What was sent before still arrives.
    Disconnect {
        /// The connection.
        conn: ConnectionId,
        /// Why, for the trace.
        reason: DisconnectReason,
    },
    /// Do something to the node's disk.
    Disk {
        /// Its number; each is one more than the last.
        id: FlushId,
        /// The operation.
        op: DiskOp,
    },
    /// Ask for more of the standard input. Tools only.
    ReadStdin,
    /// Write to the standard output. Tools only.
    Stdout(Bytes),
    /// Write to the standard error. Tools only.
    Stderr(Bytes),
    /// End the process. Tools only.
    Exit(
        /// The exit code: 0 for success.
        i32,
    ),
}

/// Where a node puts its effects and trace events. The numbers that it hands out are the world's, so they stay unique
/// over restarts.
#[derive(Debug)]
pub struct Outbox<'a> {
    /// Effects, in order.
    pub effects: &'a mut Vec<Effect>,
    /// Trace events, in order.
    pub events: &'a mut Vec<TraceEvent>,
    /// Next connection number of the world.
    pub connections: &'a mut u64,
    /// Last disk operation number of this node.
    pub flushes: &'a mut u64,
}

impl Outbox<'_> {
    /// A connection number that was never used.
    pub fn next_connection(&mut self) -> ConnectionId {
        *self.connections += 1;
        ConnectionId(*self.connections)
    }

    /// Opens a connection and names it.
    pub fn connect(&mut self, to: Endpoint) -> ConnectionId {
        let conn = self.next_connection();
        self.effects.push(Effect::Connect { conn, to });
        conn
    }

    /// Sends a frame at once.
    pub fn send(&mut self, conn: ConnectionId, frame: impl Into<Frame>) {
        self.effects.push(Effect::Send { conn, frame: frame.into(), after: None });
    }

    /// Sends a frame once a disk operation is done.
    pub fn send_after(&mut self, conn: ConnectionId, frame: impl Into<Frame>, after: FlushId) {
        self.effects.push(Effect::Send { conn, frame: frame.into(), after: Some(after) });
    }

    /// Closes a connection.
    pub fn disconnect(&mut self, conn: ConnectionId, reason: DisconnectReason) {
        self.effects.push(Effect::Disconnect { conn, reason });
    }

    /// Does something to the disk; the number is reported when it is done.
    pub fn disk(&mut self, op: DiskOp) -> FlushId {
        *self.flushes += 1;
        let id = FlushId(*self.flushes);
        self.effects.push(Effect::Disk { id, op });
        id
    }

    /// The number of the last disk operation.
    pub fn last_disk_op(&self) -> FlushId {
        FlushId(*self.flushes)
    }

    /// Asks for more of the standard input.
    pub fn read_stdin(&mut self) {
        self.effects.push(Effect::ReadStdin);
    }

    /// Writes to the standard output, without adding a line end.
    pub fn stdout(&mut self, text: impl Into<Bytes>) {
        self.effects.push(Effect::Stdout(text.into()));
    }

    /// Writes to the standard error, without adding a line end.
    pub fn stderr(&mut self, text: impl Into<Bytes>) {
        self.effects.push(Effect::Stderr(text.into()));
    }

    /// Ends the process.
    pub fn exit(&mut self, code: i32) {
        self.effects.push(Effect::Exit(code));
    }

    /// Says that something became true.
    pub fn trace(&mut self, event: TraceEvent) {
        self.events.push(event);
    }
}

/// What a node knows of its surroundings while it handles one input.
#[derive(Debug)]
pub struct Context<'a> {
    /// Who handles it.
    pub node: NodeId,
    /// Virtual now.
    pub now: Instant,
    /// This machine's wall clock at the beginning of the world, in milliseconds since 1970-01-01 UTC.
    pub epoch_ms: i64,
    /// The node's own generator.
    pub rng: &'a mut Prng,
    /// Where effects go.
    pub out: Outbox<'a>,
}

impl Context<'_> {
    /// This machine's wall clock now, in milliseconds since 1970-01-01 UTC: what Kafka calls a timestamp.
    pub fn unix_ms(&self) -> i64 {
        self.epoch_ms.saturating_add(i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX))
    }

    /// The moment `ms` milliseconds from now; now if it is negative.
    pub fn after_ms(&self, ms: i64) -> Instant {
        self.now + Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

/// A state machine of the world.
pub trait Node: Clone {
    /// Takes one input and says through `cx` what follows from it.
    fn handle(&mut self, cx: &mut Context<'_>, input: Input);

    /// When [`Input::Timeout`] is next wanted.
    fn next_timeout(&self) -> Option<Instant>;

    /// Records that a producer in it, of this `client.id`, has for a partition and has not sent; nothing if it has no
    /// such producer.
    fn accumulated(&self, _client: &str, _topic: &str, _partition: i32) -> Option<u64> {
        None
    }

    /// What the client in it counts; nothing if it has none.
    fn counts(&self) -> Option<ClientCounts<'_>> {
        None
    }
}

/// What a client counts since it began, each as its own program knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClientCounts<'a> {
    /// `client.id`
    pub client_id: &'a str,
    /// Produce requests that it sent.
    pub requests: u64,
    /// Batches in them, each as often as it was sent.
    pub batches: u64,
    /// Batches among them that had been sent before.
    pub retries: u64,
    /// Records in the batches that it sent, each once.
    pub sent: u64,
    /// Records that were acknowledged; with acks=0 those that were sent.
    pub acknowledged: u64,
    /// Records that it gave up.
    pub failed: u64,
    /// Bytes of its buffer.memory that are taken.
    pub buffered: u64,
    /// Records that `poll` gave.
    pub received: u64,
    /// Records that it has processed, where it takes its time for each; else those that it received.
    pub processed: u64,
}

/// A [`Node`] whose type the world does not know: clients and command-line tools.
pub trait Process: Send {
    /// See [`Node::handle`].
    fn handle(&mut self, cx: &mut Context<'_>, input: Input);
    /// See [`Node::next_timeout`].
    fn next_timeout(&self) -> Option<Instant>;
    /// See [`Node::accumulated`].
    fn accumulated(&self, client: &str, topic: &str, partition: i32) -> Option<u64>;
    /// See [`Node::counts`].
    fn counts(&self) -> Option<ClientCounts<'_>>;
    /// A copy, for checkpoints of the world.
    fn boxed_clone(&self) -> Box<dyn Process>;
    /// Itself, for a caller that knows what it may be and shows how it stands.
    fn as_any(&self) -> &dyn std::any::Any;
}

impl<T: Node + Send + 'static> Process for T {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        Node::handle(self, cx, input);
    }
    fn next_timeout(&self) -> Option<Instant> {
        Node::next_timeout(self)
    }
    fn accumulated(&self, client: &str, topic: &str, partition: i32) -> Option<u64> {
        Node::accumulated(self, client, topic, partition)
    }
    fn counts(&self) -> Option<ClientCounts<'_>> {
        Node::counts(self)
    }
    fn boxed_clone(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Clone for Box<dyn Process> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}
