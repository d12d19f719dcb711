//! ListPartitionReassignments (46), version 0: the moves under way (KIP-455).

use blumfeld_protocol::frame::{FrameError, Header};
use blumfeld_protocol::messages::ListPartitionReassignmentsRequest;

use super::{Reply, respond};
use crate::controller;
use crate::node::Broker;

/// Handles a request.
pub fn handle(
    broker: &Broker,
    header: &Header,
    request: ListPartitionReassignmentsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &broker.active else { return Ok(Reply::NotController) };
    respond(header, &controller::list_reassignments(&active.image, &request))
}
