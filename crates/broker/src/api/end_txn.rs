//! EndTxn (26), versions 0 to 5: a transaction is committed or aborted; from version 5 on its producer gets a new epoch
//! with it (KIP-890). Left out: nothing.

use blumfeld_kernel::Context;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::EndTxnRequest;

use crate::call::Call;
use crate::coordinator::TransactionAnswer;
use crate::reply::Reply;
use crate::server::Server;

/// The first version whose clients have an epoch for each transaction.
const EPOCH_BUMPS: i16 = 5;

/// Handles a request: answered once the decision is stored. The markers follow.
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: &EndTxnRequest,
) -> Result<Reply, FrameError> {
    let id = request.transactional_id.0.as_str();
    let producer = (request.producer_id.0, request.producer_epoch);
    let version = if call.header.version >= EPOCH_BUMPS { 2 } else { 0 };
    let needs = server.with_transaction(cx, id, |shard, _| {
        version == 2 && shard.transaction(id).is_some() && shard.needs_producer_id(id, None)
    });
    let fresh = match needs {
        Ok(true) => server.producer_ids.next_id().map(Some),
        Ok(false) => Ok(None),
        Err(code) => Err(code),
    };
    let ended = fresh.and_then(|fresh| {
        server.with_transaction(cx, id, |shard, env| {
            shard.end(env, call.clone(), (id, producer, request.committed), (version, fresh));
        })
    });
    if let Err(code) = ended {
        server.transactions.answer(call.clone(), TransactionAnswer::End(Err(code)));
    }
    Ok(Reply::Parked)
}
