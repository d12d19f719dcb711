//! WriteTxnMarkers (27), version 1: a transaction coordinator ends a transaction on the partitions that this broker
//! leads. Left out: version 2, whose markers say their transaction version (KIP-1228).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::WriteTxnMarkersRequest;

use crate::call::Call;
use crate::reply::Reply;
use crate::server::Server;

/// Handles a request: answered once the markers are replicated.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: &WriteTxnMarkersRequest,
) -> Result<Reply, FrameError> {
    server.write_markers(cx, call, request);
    Ok(Reply::Parked)
}
