//! The connections that others have opened to a node. As in Kafka's SocketServer, one request of a connection is handled
//! at a time, and answers leave in the order of the requests.

use std::collections::VecDeque;

use bytes::Bytes;

/// Which of a node's listeners a connection came in at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ListenerKind {
    /// The one for clients and followers.
    #[default]
    Broker,
    /// The one for nodes of the quorum and brokers that speak to the controller.
    Controller,
}

/// A connection that stands.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Where it came in.
    pub listener: ListenerKind,
    /// Frames that wait until the request before them is answered.
    pub waiting: VecDeque<Bytes>,
    /// Whether a request is parked: in purgatory, or until its records are committed.
    pub busy: bool,
}
