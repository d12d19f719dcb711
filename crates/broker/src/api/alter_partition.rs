//! AlterPartition (56), versions 2 and 3: a leader changes its ISR (KIP-497, KIP-903).

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::{FrameError, Header};
use blumfeld_protocol::messages::AlterPartitionRequest;

use super::{Reply, committed};
use crate::controller;
use crate::node::Broker;

/// Handles a request: answered once the change is committed.
pub fn handle(
    broker: &mut Broker,
    cx: &mut Context<'_>,
    header: &Header,
    request: AlterPartitionRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &broker.active else { return Ok(Reply::NotController) };
    let result = controller::alter_partition(&active.image, header.version, &request);
    committed(broker, cx, header, result)
}
