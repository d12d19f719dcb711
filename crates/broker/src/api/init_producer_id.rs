//! InitProducerId (22), versions 0 to 5: a producer gets its id, and a transactional one its epoch. Left out: two-phase
//! commit (KIP-939).

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::call::Call;
use crate::coordinator::{Init, TransactionAnswer};
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request. Without a transactional id it gets a new producer id whatever it says of an older one
/// (TransactionCoordinator.handleInitProducerId).
pub fn handle(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    request: &InitProducerIdRequest,
) -> Result<Reply, FrameError> {
    // Both or none of an older id.
    let older = (request.producer_id.0, request.producer_epoch);
    let halved = (older.0 == -1) != (older.1 == -1);
    let timeout = i64::from(request.transaction_timeout_ms);
    let id = match request.transactional_id.as_ref().map(|id| id.0.as_str()) {
        _ if halved && call.header.version >= 3 => Err(ErrorCode::INVALID_REQUEST),
        Some("") => Err(ErrorCode::INVALID_REQUEST),
        Some(_) if !(1..=server.config.transaction.max_timeout_ms).contains(&timeout) => {
            Err(ErrorCode::INVALID_TRANSACTION_TIMEOUT)
        }
        Some(id) => {
            let expected = (call.header.version >= 3 && older != (-1, -1)).then_some(older);
            let timeout_ms = request.transaction_timeout_ms;
            return transactional(server, cx, call, Init { id: id.to_owned(), timeout_ms, expected });
        }
        None => server.producer_ids.next_id(),
    };
    let response = match id {
        Ok(id) => InitProducerIdResponse::default().with_producer_id(id.into()).with_producer_epoch(0),
        Err(code) => InitProducerIdResponse::default()
            .with_error_code(code.0)
            .with_producer_id((-1).into())
            .with_producer_epoch(-1),
    };
    respond(response)
}

/// A transactional producer begins: the coordinator of its id answers.
fn transactional(
    server: &mut Server,
    cx: &mut Context<'_>,
    call: &Call,
    init: Init,
) -> Result<Reply, FrameError> {
    let named = init.expected.map(|(_, epoch)| epoch);
    let needs = server.with_transaction(cx, &init.id, |shard, _| shard.needs_producer_id(&init.id, named));
    let fresh = match needs {
        Ok(true) => server.producer_ids.next_id().map(Some),
        Ok(false) => Ok(None),
        Err(code) => Err(code),
    };
    let begun = fresh.and_then(|fresh| {
        server.with_transaction(cx, &init.id, |shard, env| shard.init(env, call.clone(), &init, fresh))
    });
    if let Err(code) = begun {
        server.transactions.answer(call.clone(), TransactionAnswer::Init(Err(code)));
    }
    Ok(Reply::Parked)
}
