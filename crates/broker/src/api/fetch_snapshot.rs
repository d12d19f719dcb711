//! FetchSnapshot (59), versions 0 and 1: pieces of a snapshot of the metadata (KIP-630).

use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::FetchSnapshotRequest;

use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request.
pub fn handle(quorum: &Quorum, request: FetchSnapshotRequest) -> Result<Reply, FrameError> {
    respond(quorum.raft.handle_fetch_snapshot(&request))
}
