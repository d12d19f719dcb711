//! DescribeTransactions (65), version 0 (KIP-664). Left out: transactions, so no id is known.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::describe_transactions_response::TransactionState;
use blumfeld_protocol::messages::{DescribeTransactionsRequest, DescribeTransactionsResponse};

use crate::reply::{Reply, respond};

/// Handles a request. What Kafka's coordinator says of an id that it does not know is final; NOT_COORDINATOR, which its
/// brokers say while nobody coordinates, would be tried again.
pub fn handle(request: DescribeTransactionsRequest) -> Result<Reply, FrameError> {
    let states = request.transactional_ids.into_iter().map(|id| {
        let code =
            if id.is_empty() { ErrorCode::INVALID_REQUEST } else { ErrorCode::TRANSACTIONAL_ID_NOT_FOUND };
        TransactionState::default().with_transactional_id(id).with_error_code(code.0)
    });
    respond(DescribeTransactionsResponse::default().with_transaction_states(states.collect()))
}
