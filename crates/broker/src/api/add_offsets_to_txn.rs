//! AddOffsetsToTxn (25), versions 0 to 4: the partition of `__consumer_offsets` that a group's offsets go to joins a
//! transaction. Left out: nothing.

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::AddOffsetsToTxnRequest;

use crate::call::Call;
use crate::coordinator::{GROUP_METADATA_TOPIC, TransactionAnswer};
use crate::reply::Reply;
use crate::server::Server;

/// Handles a request: answered once the partition is in the transaction.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: &AddOffsetsToTxnRequest,
) -> Result<Reply, FrameError> {
    let id = request.transactional_id.0.as_str();
    let producer = (request.producer_id.0, request.producer_epoch);
    let partition = (GROUP_METADATA_TOPIC.to_owned(), server.group_partition(&request.group_id));
    let answer = TransactionAnswer::Offsets(ErrorCode::NONE);
    let added = server.with_transaction(cx, id, |shard, env| {
        shard.add(env, (call.clone(), answer.clone()), (id, producer), &[partition]);
    });
    if let Err(code) = added {
        server.transactions.answer(call.clone(), answer.fail(code));
    }
    Ok(Reply::Parked)
}
