//! The connections that others have opened to a node. As in Kafka's SocketServer, one request of a connection is
//! handled at a time, and answers leave in the order of the requests.

use std::collections::VecDeque;

use bytes::Bytes;

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
}
