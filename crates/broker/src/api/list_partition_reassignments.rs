//! ListPartitionReassignments (46), version 0: the moves under way (KIP-455).

use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::ListPartitionReassignmentsRequest;

use crate::controller;
use crate::quorum::Quorum;
use crate::reply::{Reply, respond};

/// Handles a request.
pub fn handle(quorum: &Quorum, request: ListPartitionReassignmentsRequest) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    respond(controller::list_reassignments(&active.image, &request))
}
