//! `UnregisterBroker`: take a broker out of the cluster's list.

use blumfeld_protocol::messages::{BrokerId, UnregisterBrokerRequest, UnregisterBrokerResponse};

use super::super::AdminResponse;
use super::Sender;
use crate::{ApiError, Completed};

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>, broker: i32) -> Result<i32, ApiError> {
    let version = to.version::<UnregisterBrokerRequest>()?;
    let body = UnregisterBrokerRequest::default().with_broker_id(BrokerId(broker));
    to.send(version, &body)
}

/// Takes the answer.
pub fn answered(completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: UnregisterBrokerResponse = completed.decode()?;
    ApiError::check(response.error_code, response.error_message.as_ref())?;
    Ok(AdminResponse::Unregistered)
}
