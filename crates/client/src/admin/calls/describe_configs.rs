//! `DescribeConfigs`: configurations of topics and brokers.

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::describe_configs_request::DescribeConfigsResource;
use blumfeld_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use blumfeld_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use blumfeld_protocol::wire::StrBytes;

use super::super::AdminResponse;
use super::super::types::{ConfigEntry, ConfigResource, ConfigSource};
use super::{Sender, text};
use crate::{ApiError, Completed};

/// Sends the call.
pub fn send(mut to: Sender<'_, '_>, resources: &[ConfigResource], synonyms: bool) -> Result<i32, ApiError> {
    let version = to.version::<DescribeConfigsRequest>()?;
    let resource = |resource: &ConfigResource| {
        DescribeConfigsResource::default()
            .with_resource_type(resource.kind())
            .with_resource_name(text(resource.name()))
            .with_configuration_keys(None)
    };
    let body = DescribeConfigsRequest::default()
        .with_resources(resources.iter().map(resource).collect())
        .with_include_synonyms(synonyms);
    to.send(version, &body)
}

/// Takes the answer.
pub fn answered(resources: &[ConfigResource], completed: &Completed) -> Result<AdminResponse, ApiError> {
    let response: DescribeConfigsResponse = completed.decode()?;
    let answer = |resource: &ConfigResource| {
        let found = response.results.iter().find(|result| {
            result.resource_type == resource.kind() && result.resource_name.as_str() == resource.name()
        });
        let result = match found {
            None => Err(ErrorCode::UNKNOWN_SERVER_ERROR.into()),
            Some(result) => ApiError::check(result.error_code, result.error_message.as_ref())
                .map(|()| result.configs.iter().map(entry).collect()),
        };
        (resource.clone(), result)
    };
    Ok(AdminResponse::Configs(resources.iter().map(answer).collect()))
}

fn entry(config: &DescribeConfigsResourceResult) -> ConfigEntry {
    let owned = |value: &Option<StrBytes>| value.as_ref().map(|value| value.to_string());
    ConfigEntry {
        name: config.name.to_string(),
        value: owned(&config.value),
        source: ConfigSource::from_id(config.config_source),
        sensitive: config.is_sensitive,
        read_only: config.read_only,
        synonyms: config
            .synonyms
            .iter()
            .map(|of| (of.name.to_string(), owned(&of.value), ConfigSource::from_id(of.source)))
            .collect(),
    }
}
