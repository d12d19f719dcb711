//! What every part of the core shares: virtual time, ids, the inputs and effects of a state machine, the machine's
//! disk, the random generator and the trace.
//!
//! A node (a broker, a client, a command-line tool) is a plain state machine. [`Input`]s go in, [`Effect`]s come out
//! through the [`Context`]; nothing here waits, spawns, reads a clock or touches a real file. That is what lets one
//! simulator run the same code natively and in a browser tab, to the byte.

mod disk;
mod frame;
mod ids;
mod node;
mod pile;
mod prng;
mod rebalance;
mod time;
mod trace;

pub use disk::{Disk, DiskError, DiskOp, File, FilePath};
pub use frame::Frame;
pub use ids::{ConnectionId, Endpoint, FlushId, NodeId, Peer};
pub use node::{ClientCounts, Context, Effect, Input, Node, Outbox, Process};
pub use pile::Pile;
pub use prng::Prng;
pub use rebalance::{LeaveCause, Owners, RebalanceCause};
pub use time::Instant;
pub use trace::{DisconnectReason, TraceEvent};
