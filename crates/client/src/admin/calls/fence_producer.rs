//! `InitProducerId` on a transactional id's behalf: whoever has it is fenced off, and what it left open is aborted
//! (KIP-618).

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, TransactionalId};

use super::super::AdminResponse;
use super::super::groups::{GroupResult, Learnt};
use super::{Sender, text};
use crate::producer::ProducerIdAndEpoch;
use crate::{ApiError, Completed};

/// Sends the call to the coordinator.
pub fn send(mut to: Sender<'_, '_>, id: &str) -> Result<i32, ApiError> {
    let version = to.version::<InitProducerIdRequest>()?;
    let body = InitProducerIdRequest::default()
        .with_transactional_id(Some(TransactionalId(text(id))))
        .with_transaction_timeout_ms(to.timeout_ms())
        .with_producer_id((-1).into())
        .with_producer_epoch(-1);
    to.send(version, &body)
}

/// Takes the coordinator's answer.
pub fn answered(completed: &Completed, id: &str) -> Result<GroupResult, ApiError> {
    let response: InitProducerIdResponse = completed.decode()?;
    let failed = |code, why: &str| {
        let text = format!("InitProducerId request for transactionalId `{id}` failed due to {why}");
        Err(ApiError::new(code, text))
    };
    Ok(match ErrorCode(response.error_code) {
        ErrorCode::NONE => Ok(Learnt::Fenced(ProducerIdAndEpoch {
            id: response.producer_id.0,
            epoch: response.producer_epoch,
        })),
        code if code.is_retriable() => Err(code.into()),
        code @ ErrorCode::CLUSTER_AUTHORIZATION_FAILED => failed(code, "cluster authorization failure"),
        code @ ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED => {
            failed(code, "transactional ID authorization failure")
        }
        code => failed(code, "unexpected error"),
    })
}

/// The whole answer.
pub fn gathered(result: GroupResult) -> AdminResponse {
    AdminResponse::ProducerFenced(result.and_then(|learnt| match learnt {
        Learnt::Fenced(producer) => Ok(producer),
        Learnt::Description(_)
        | Learnt::Offsets(_)
        | Learnt::Partitions(_)
        | Learnt::Deleted
        | Learnt::Transaction(_) => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
    }))
}
