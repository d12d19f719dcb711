//! ListTransactions (66), versions 0 to 2 (KIP-664, KIP-994, KIP-1152): the transactional ids that this broker
//! coordinates. Left out: nothing.

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::list_transactions_response::TransactionState as Listed;
use blumfeld_protocol::messages::{ListTransactionsRequest, ListTransactionsResponse, TransactionalId};

use crate::coordinator::{Transaction, TransactionState};
use crate::reply::{Reply, respond};
use crate::server::Server;

/// Handles a request: names the states that are none, and refuses a pattern that is none
/// (TransactionStateManager.listTransactionStates).
pub fn handle(
    server: &Server,
    cx: &Context<'_>,
    request: &ListTransactionsRequest,
) -> Result<Reply, FrameError> {
    let response = ListTransactionsResponse::default();
    let pattern = request.transactional_id_pattern.as_deref().unwrap_or("");
    // A pattern is of the whole id.
    let Ok(pattern) = regex_lite::Regex::new(&format!("^(?:{pattern})$")) else {
        return respond(response.with_error_code(ErrorCode::INVALID_REGULAR_EXPRESSION.0));
    };
    let names = request.transactional_id_pattern.as_deref().is_some_and(|pattern| !pattern.is_empty());
    let of = |name: &str| TransactionState::ALL.into_iter().find(|state| state.name() == name);
    let unknown = request.state_filters.iter().filter(|name| of(name).is_none()).cloned().collect();
    let states: Vec<TransactionState> = request.state_filters.iter().filter_map(|name| of(name)).collect();
    let now_ms = cx.unix_ms();
    let wanted = |(id, one): &(&str, &Transaction)| {
        let metadata = one.metadata();
        let lasted = now_ms.saturating_sub(metadata.start_ms);
        let by_state = request.state_filters.is_empty() || states.contains(&metadata.state);
        let by_producer = request.producer_id_filters.is_empty()
            || request.producer_id_filters.iter().any(|id| id.0 == metadata.producer_id);
        let by_time = request.duration_filter < 0 || lasted > request.duration_filter;
        metadata.state != TransactionState::Dead
            && by_state
            && by_producer
            && by_time
            && (!names || pattern.is_match(id))
    };
    let listed = server.transactions.transactions().filter(wanted).map(|(id, one)| {
        Listed::default()
            .with_transactional_id(TransactionalId(id.to_owned().into()))
            .with_producer_id(one.metadata().producer_id.into())
            .with_transaction_state(one.metadata().state.name().into())
    });
    respond(response.with_unknown_state_filters(unknown).with_transaction_states(listed.collect()))
}
