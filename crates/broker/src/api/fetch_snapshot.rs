//! FetchSnapshot (59), versions 0 and 1: pieces of a snapshot of the metadata (KIP-630).

use blumfeld_protocol::frame::{FrameError, Header};
use blumfeld_protocol::messages::FetchSnapshotRequest;

use super::{Reply, respond};
use crate::node::Broker;

/// Handles a request.
pub fn handle(broker: &Broker, header: &Header, request: FetchSnapshotRequest) -> Result<Reply, FrameError> {
    respond(header, &broker.raft.handle_fetch_snapshot(&request))
}
