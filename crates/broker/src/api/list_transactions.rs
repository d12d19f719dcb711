//! ListTransactions (66), versions 0 to 2 (KIP-664, KIP-1152). Left out: transactions, so there are none to list.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::{ListTransactionsRequest, ListTransactionsResponse};

use crate::reply::{Reply, respond};

/// The states that may be asked for (org.apache.kafka.coordinator.transaction.TransactionState).
const STATES: [&str; 8] = [
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "Empty",
    "Dead",
    "PrepareEpochFence",
];

/// Handles a request: names the states that are none, and refuses a pattern that is none
/// (TransactionStateManager.listTransactionStates).
pub fn handle(request: &ListTransactionsRequest) -> Result<Reply, FrameError> {
    let response = ListTransactionsResponse::default();
    let pattern = request.transactional_id_pattern.as_deref().unwrap_or("");
    if regex_lite::Regex::new(pattern).is_err() {
        return respond(response.with_error_code(ErrorCode::INVALID_REGULAR_EXPRESSION.0));
    }
    let unknown = request.state_filters.iter().filter(|state| !STATES.contains(&state.as_str()));
    respond(response.with_unknown_state_filters(unknown.cloned().collect()))
}
