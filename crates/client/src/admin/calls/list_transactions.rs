//! `ListTransactions`: the transactional ids that each broker coordinates.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{ListTransactionsRequest, ListTransactionsResponse};

use super::{Sender, text};
use crate::{ApiError, Completed};

/// Which transactions are listed (org.apache.kafka.clients.admin.ListTransactionsOptions).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TransactionFilter {
    /// Only those in these states, by Kafka's names; all if empty.
    pub states: Vec<String>,
    /// Only those of these producers; all if empty.
    pub producers: Vec<i64>,
    /// Only those that have been open for longer, in milliseconds.
    pub longer_than_ms: Option<i64>,
    /// Only those whose id fits this regular expression.
    pub pattern: Option<String>,
}

/// A transactional id among others (org.apache.kafka.clients.admin.TransactionListing).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionListing {
    /// The id.
    pub id: String,
    /// The producer that has it.
    pub producer: i64,
    /// Its state, by Kafka's name.
    pub state: String,
}

/// Asks a broker.
pub fn send(mut to: Sender<'_, '_>, filter: &TransactionFilter) -> Result<i32, ApiError> {
    let version = to.version::<ListTransactionsRequest>()?;
    let states = filter.states.iter().map(|state| text(state)).collect();
    let producers = filter.producers.iter().map(|&id| id.into()).collect();
    let mut body =
        ListTransactionsRequest::default().with_state_filters(states).with_producer_id_filters(producers);
    let unsupported = |text: &str| Err(ApiError::new(ErrorCode::UNSUPPORTED_VERSION, text));
    match filter.longer_than_ms {
        Some(_) if version < 1 => {
            return unsupported(
                "Duration filter can be set only when using API version 1 or higher. If client is connected to an older broker, do not specify duration filter or set duration filter to -1.",
            );
        }
        Some(ms) => body.duration_filter = ms,
        None => {}
    }
    match &filter.pattern {
        Some(_) if version < 2 => {
            return unsupported(
                "Transactional ID pattern filter can be set only when using API version 2 or higher. If client is connected to an older broker, do not specify the pattern filter.",
            );
        }
        Some(pattern) => body.transactional_id_pattern = Some(text(pattern)),
        None => {}
    }
    to.send(version, &body)
}

/// Takes a broker's answer.
pub fn answered(completed: &Completed, broker: i32) -> Result<Vec<TransactionListing>, ApiError> {
    let response: ListTransactionsResponse = completed.decode()?;
    let failed = |code, why: &str| {
        ApiError::new(code, format!("ListTransactions request sent to broker {broker} failed {why}"))
    };
    match ErrorCode(response.error_code) {
        ErrorCode::NONE => {}
        code @ ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => return Err(code.into()),
        code @ ErrorCode::COORDINATOR_NOT_AVAILABLE => {
            return Err(failed(code, "because the coordinator is shutting down"));
        }
        code => return Err(failed(code, "with an unexpected exception")),
    }
    let listing =
        |one: blumfeld_protocol::messages::list_transactions_response::TransactionState| TransactionListing {
            id: one.transactional_id.to_string(),
            producer: one.producer_id.0,
            state: one.transaction_state.to_string(),
        };
    Ok(response.transaction_states.into_iter().map(listing).collect())
}
