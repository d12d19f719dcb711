//! FetchSnapshot (59), versions 0 and 1: pieces of a snapshot of the metadata (KIP-630).

use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::FetchSnapshotRequest;

use crate::call::Call;
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request.
pub fn handle(quorum: &Quorum, call: &Call, request: FetchSnapshotRequest) -> Result<Reply, FrameError> {
    respond(&call.header, &quorum.raft.handle_fetch_snapshot(&request))
}
