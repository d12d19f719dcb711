//! Names of things. Each is a number or a short text of its own type, so that one cannot stand where another belongs.

use std::fmt;
use std::sync::Arc;

/// A node of the world: a broker by its `node.id` (1 and up), a client process from [`NodeId::FIRST_CLIENT`] on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub i32);

impl NodeId {
    /// Ids below this one are brokers and controllers, from it on clients.
    pub const FIRST_CLIENT: NodeId = NodeId(1_000);
    /// The world itself, where a line of the trace is of no node.
    pub const WORLD: NodeId = NodeId(-1);

    /// Whether this node is a client process.
    pub const fn is_client(self) -> bool {
        self.0 >= Self::FIRST_CLIENT.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::WORLD {
            f.write_str("world")
        } else if self.is_client() {
            write!(f, "client-{}", self.0 - Self::FIRST_CLIENT.0)
        } else {
            write!(f, "broker-{}", self.0)
        }
    }
}

/// One connection, the same number at both of its ends. The side that connects names it with
/// [`Outbox::next_connection`](crate::Outbox::next_connection).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// A disk operation of one node, counted up from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FlushId(pub u64);

/// Where a listener is: `host:port`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Endpoint {
    /// Host name as the client wrote it.
    pub host: Arc<str>,
    /// TCP port, 1 to 65535.
    pub port: u16,
}

impl Endpoint {
    /// The endpoint `host:port`.
    pub fn new(host: &str, port: u16) -> Endpoint {
        Endpoint { host: host.into(), port }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Peer {
    /// The listener that this node connected to.
    Listener(Endpoint),
    /// A node of the world that connected here.
    Node {
        /// Who connected.
        node: NodeId,
        /// Which of this node's listeners it connected to.
        listener: Endpoint,
    },
    /// A client outside the world, by the name its door gave it.
    Outside(Arc<str>),
}
