//! `IncrementalAlterConfigs`: change configurations, or only see whether that would work.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use blumfeld_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use super::super::AdminResponse;
use super::super::types::{AlterConfigOp, ConfigResource};
use super::{Sender, again, text};
use crate::{ApiError, Completed};

/// The changes of each resource.
type Changes = (ConfigResource, Vec<(String, AlterConfigOp)>);

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>, resources: &[Changes], validate_only: bool) -> Result<i32, ApiError> {
    let version = to.version::<IncrementalAlterConfigsRequest>()?;
    let config = |(config, op): &(String, AlterConfigOp)| {
        AlterableConfig::default()
            .with_name(text(config))
            .with_config_operation(op.id())
            .with_value(op.value().map(text))
    };
    let resource = |(resource, configs): &Changes| {
        AlterConfigsResource::default()
            .with_resource_type(resource.kind())
            .with_resource_name(text(resource.name()))
            .with_configs(configs.iter().map(config).collect())
    };
    let body = IncrementalAlterConfigsRequest::default()
        .with_resources(resources.iter().map(resource).collect())
        .with_validate_only(validate_only);
    to.send(version, &body)
}

/// Takes the answer.
pub fn answered(resources: &[Changes], completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: IncrementalAlterConfigsResponse = completed.decode()?;
    let mut results = Vec::new();
    for (resource, _) in resources {
        let found = response.responses.iter().find(|result| {
            result.resource_type == resource.kind() && result.resource_name.as_str() == resource.name()
        });
        let result = match found {
            None => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
            Some(result) => {
                again(result.error_code)?;
                ApiError::check(result.error_code, result.error_message.as_ref())
            }
        };
        results.push((resource.clone(), result));
    }
    Ok(AdminResponse::Altered(results))
}
