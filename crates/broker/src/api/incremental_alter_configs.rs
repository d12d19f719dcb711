//! IncrementalAlterConfigs (44), versions 0 and 1. Left out: loggers, of which there are none.

use std::collections::BTreeSet;

use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::{FrameError, encode_request};
use blumfeld_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use blumfeld_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use blumfeld_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use crate::broker_config::{self, DELETE, DynamicConfigs};
use crate::call::Call;
use crate::controller;
use crate::metadata::ResourceType;
use crate::quorum::Quorum;
use crate::reply::{ApiError, Refused, RefusedParts, Reply, respond};
use crate::server::Server;

/// ConfigResource.Type.BROKER_LOGGER.
const BROKER_LOGGER: i8 = 8;

/// Handles a request as the controller: answered once the configs are committed.
pub fn handle(
    quorum: &mut Quorum,
    cx: &mut Context<'_>,
    call: &Call,
    request: IncrementalAlterConfigsRequest,
) -> Result<Reply, FrameError> {
    let Some(active) = &quorum.active else { return Ok(Reply::NotController) };
    let result = controller::incremental_alter_configs(&active.image, &request);
    quorum.committed(cx, call, result)
}

/// Handles a client's request as a broker: checks what a broker knows better than the controller, and forwards what it
/// lets through (ConfigAdminManager.preprocess).
pub(crate) fn preprocess(
    server: &Server,
    call: &Call,
    mut request: IncrementalAlterConfigsRequest,
) -> Result<Reply, FrameError> {
    let mut once = BTreeSet::new();
    let mut twice = BTreeSet::new();
    for resource in &request.resources {
        let id = (resource.resource_type, resource.resource_name.clone());
        if !once.insert(id.clone()) {
            twice.insert(id);
        }
    }
    let have = DynamicConfigs::new(&server.image, server.config.node_id);
    let mut responses = Vec::new();
    let mut rest = Vec::new();
    for (place, resource) in std::mem::take(&mut request.resources).into_iter().enumerate() {
        let checked = if twice.contains(&(resource.resource_type, resource.resource_name.clone())) {
            Err(invalid("Each resource must appear at most once."))
        } else {
            check(&have, server.config.node_id, &resource)
        };
        match checked {
            Ok(()) => rest.push(resource),
            Err(error) => responses.push((
                place,
                AlterConfigsResourceResponse::default()
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(resource.resource_name)
                    .with_error_code(error.code.0)
                    .with_error_message(error.message.map(Into::into)),
            )),
        }
    }
    if responses.is_empty() {
        return Ok(Reply::Forward);
    }
    if rest.is_empty() {
        let responses = responses.into_iter().map(|(_, response)| response).collect();
        return respond(IncrementalAlterConfigsResponse::default().with_responses(responses));
    }
    let header = &call.header;
    let client = header.client_id.clone();
    let request = request.with_resources(rest);
    let frame = encode_request(header.api_key, header.version, header.correlation_id, client, &request)?;
    let parts = RefusedParts::IncrementalAlterConfigs(responses);
    Ok(Reply::ForwardPart(frame, Box::new(Refused { header: header.clone(), parts })))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::INVALID_REQUEST, message)
}

/// Checks what is asked of one resource, be it of a type that is known or not.
pub(crate) fn check_keys(resource: &AlterConfigsResource) -> Result<(), ApiError> {
    let mut names = BTreeSet::new();
    if !resource.configs.iter().all(|config| names.insert(config.name.as_str())) {
        return Err(invalid("Error due to duplicate config keys"));
    }
    let null: Vec<&str> = (resource.configs.iter())
        .filter(|config| config.config_operation != DELETE && config.value.is_none())
        .map(|config| config.name.as_str())
        .collect();
    if !null.is_empty() {
        return Err(invalid(format!("Null value not supported for : {}", null.join(","))));
    }
    Ok(())
}

/// Checks one resource before it is forwarded.
pub(crate) fn check(
    have: &DynamicConfigs,
    node_id: i32,
    resource: &AlterConfigsResource,
) -> Result<(), ApiError> {
    check_keys(resource)?;
    match ResourceType::from_id(resource.resource_type) {
        // The controller knows as much of these.
        Some(ResourceType::Topic | ResourceType::ClientMetrics | ResourceType::Group) => Ok(()),
        Some(ResourceType::Broker) => {
            let name = resource.resource_name.as_str();
            if !name.is_empty() {
                match name.parse::<i32>() {
                    Err(_) => return Err(invalid(format!("Node id must be an integer, but it is: {name}"))),
                    Ok(id) if id != node_id => {
                        let message = format!("Unexpected broker id, expected {node_id}, but received {id}");
                        return Err(invalid(message));
                    }
                    Ok(_) => {}
                }
            }
            let changes = (resource.configs.iter())
                .map(|config| (config.name.as_str(), config.config_operation, config.value.as_deref()));
            broker_config::check(have, !name.is_empty(), changes)
        }
        None if resource.resource_type == BROKER_LOGGER => Err(check_loggers(node_id, resource)),
        None => Err(controller::unsupported(resource.resource_type)),
    }
}

/// Why loggers cannot be changed: the node has none (BrokerLoggerManager's words).
fn check_loggers(node_id: i32, resource: &AlterConfigsResource) -> ApiError {
    match resource.resource_name.parse::<i32>() {
        Err(_) => invalid(format!("Node id must be an integer, but it is: {}", resource.resource_name)),
        Ok(id) if id != node_id => {
            invalid(format!("Unexpected node id. Expected {node_id}, but received {id}"))
        }
        Ok(_) => {
            let logger = resource.configs.first().map_or("root", |config| config.name.as_str());
            ApiError::new(ErrorCode::INVALID_CONFIG, format!("Logger {logger} does not exist!"))
        }
    }
}
