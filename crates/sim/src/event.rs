//! What is to happen.

use blumfeld_kernel::{ConnectionId, Endpoint, FlushId, Input, NodeId};

use crate::network::Message;

/// An event in the queue.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// An input reaches a node, if it still is the same run of its process.
    Deliver { to: NodeId, run: u64, input: Input },
    /// A node may want its timeout.
    Timer { node: NodeId, run: u64 },
    /// A message ends the way over its connection that it began at the end `from`.
    Arrive { conn: ConnectionId, from: usize, message: Message },
    /// What is stalled on its way from the end `from` of a connection is looked at again.
    Retry { conn: ConnectionId, from: usize },
    /// A connection is tried again that came not about.
    Connect { node: NodeId, run: u64, conn: ConnectionId, to: Endpoint, tries: u32 },
    /// A disk operation is done.
    DiskDone { node: NodeId, boot: u64, id: FlushId },
    /// The operating system of a machine looks for old dirty pages.
    Writeback { node: NodeId, boot: u64 },
    /// A broker's process starts.
    Start { node: NodeId },
    /// A process that was paused goes on.
    Resume { node: NodeId },
}
