//! Changing configs (ConfigurationControlManager).

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::IncrementalAlterConfigsRequest;
use blumfeld_protocol::messages::IncrementalAlterConfigsResponse;
use blumfeld_protocol::messages::alter_configs_response::AlterConfigsResourceResponse as LegacyResponse;
use blumfeld_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use blumfeld_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use blumfeld_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};

use super::ControllerResult;
use crate::broker_config::{APPEND, DELETE, SET, SUBTRACT, change_list, dynamic, resources};
use crate::metadata::{MetadataImage, MetadataRecord, ResourceType};
use crate::reply::ApiError;
use crate::topic_config::{ConfigType, topic_config, validate, validate_together};
use crate::topic_name::validate_topic_name;

/// Changes single configs of resources; each resource succeeds or fails whole (KIP-339).
pub fn incremental_alter_configs(
    image: &MetadataImage,
    request: &IncrementalAlterConfigsRequest,
) -> ControllerResult<IncrementalAlterConfigsResponse> {
    let mut records = Vec::new();
    let mut responses: Vec<AlterConfigsResourceResponse> = (request.resources.iter())
        .map(|resource| {
            let response = AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_message(None);
            match alter_resource(image, resource) {
                Ok(changes) => {
                    records.extend(changes);
                    response
                }
                Err(error) => {
                    response.with_error_code(error.code.0).with_error_message(error.message.map(Into::into))
                }
            }
        })
        .collect();
    // An exception is one of the whole request.
    if responses.iter().any(|response| response.error_code == ErrorCode::UNKNOWN_SERVER_ERROR.0) {
        records.clear();
        for response in &mut responses {
            response.error_code = ErrorCode::UNKNOWN_SERVER_ERROR.0;
            response.error_message = None;
        }
    }
    let response = IncrementalAlterConfigsResponse::default().with_responses(responses);
    ControllerResult { records: if request.validate_only { Vec::new() } else { records }, response }
}

/// Sets all configs of resources: what is not named goes back to its default
/// (ConfigurationControlManager.legacyAlterConfigs). It is what single changes would make of each.
pub fn legacy_alter_configs(
    image: &MetadataImage,
    request: &AlterConfigsRequest,
) -> ControllerResult<AlterConfigsResponse> {
    let mut records = Vec::new();
    let mut responses = Vec::new();
    for resource in &request.resources {
        let mut configs: Vec<AlterableConfig> = (resource.configs.iter())
            .map(|config| {
                AlterableConfig::default().with_name(config.name.clone()).with_value(config.value.clone())
            })
            .collect();
        if let Some(kind) = ResourceType::from_id(resource.resource_type) {
            let current = image.configs(kind, &resource.resource_name);
            let gone = current
                .into_keys()
                .filter(|name| !resource.configs.iter().any(|one| one.name.as_str() == name));
            configs.extend(
                gone.map(|name| {
                    AlterableConfig::default().with_name(name.into()).with_config_operation(DELETE)
                }),
            );
        }
        let changes = AlterConfigsResource::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_configs(configs);
        let response = LegacyResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_error_message(None);
        responses.push(match alter_resource(image, &changes) {
            Ok(changes) => {
                records.extend(changes);
                response
            }
            Err(error) => {
                response.with_error_code(error.code.0).with_error_message(error.message.map(Into::into))
            }
        });
    }
    let response = AlterConfigsResponse::default().with_responses(responses);
    ControllerResult { records: if request.validate_only { Vec::new() } else { records }, response }
}

/// In Kafka's order: what the operations are, whether there can be such a resource, what is to be set, and whether the
/// topic exists (ConfigurationControlManager.incrementalAlterConfigResource).
fn alter_resource(
    image: &MetadataImage,
    resource: &AlterConfigsResource,
) -> Result<Vec<MetadataRecord>, ApiError> {
    let name = resource.resource_name.as_str();
    let kind =
        ResourceType::from_id(resource.resource_type).ok_or_else(|| unsupported(resource.resource_type))?;
    let current = image.configs(kind, name);
    let mut changes: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for config in &resource.configs {
        let key = config.name.as_str();
        let value = change(image, (kind, name), &current, config)?;
        if changes.insert(key, value).is_some() {
            return Err(ApiError::new(ErrorCode::INVALID_REQUEST, "Error due to duplicate config keys"));
        }
    }
    check_resource(image, kind, name)?;
    // As they stand in the request.
    let set: Vec<(&str, &str)> = (resource.configs.iter())
        .filter_map(|config| Some((config.name.as_str(), changes.get(config.name.as_str())?.as_deref()?)))
        .collect();
    match kind {
        ResourceType::Topic => check_topic_configs(&set)?,
        // The broker that was asked has judged them.
        ResourceType::Broker => {}
        kind => resources::check_configs(kind, &set)?,
    }
    let value = |key: &str| match changes.get(key) {
        Some(changed) => changed.as_deref(),
        None => current.get(key).map(String::as_str),
    };
    if kind == ResourceType::Topic {
        validate_together(value).map_err(|message| ApiError::new(ErrorCode::INVALID_CONFIG, message))?;
    }
    let left: BTreeMap<&str, &str> = (current.keys().map(String::as_str).chain(changes.keys().copied()))
        .filter_map(|key| Some((key, value(key)?)))
        .collect();
    resources::check_together(kind, &left)?;
    if kind == ResourceType::Topic && image.topic(name).is_none() {
        let message = format!("The topic '{name}' does not exist.");
        return Err(ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message));
    }
    // A broker's config is written even if it stays the same, so that brokers read it again (KAFKA-14136).
    Ok((changes.into_iter())
        .filter(|(key, value)| kind == ResourceType::Broker || current.get(*key) != value.as_ref())
        .map(|(key, value)| MetadataRecord::Config {
            resource_type: kind,
            resource_name: name.to_owned(),
            name: key.to_owned(),
            value,
        })
        .collect())
}

/// Whether there can be a resource of this name.
fn check_resource(image: &MetadataImage, kind: ResourceType, name: &str) -> Result<(), ApiError> {
    match kind {
        ResourceType::Topic if name.is_empty() => {
            let message = "Default topic resources are not allowed.";
            Err(ApiError::new(ErrorCode::INVALID_REQUEST, message))
        }
        ResourceType::Topic => validate_topic_name(name)
            .map_err(|error| ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, error.to_string())),
        ResourceType::Broker => check_broker(image, name),
        kind => resources::check_name(kind, name),
    }
}

/// Checks what is to be set on a topic: names first, and then values (LogConfig.validate).
pub(super) fn check_topic_configs(configs: &[(&str, &str)]) -> Result<(), ApiError> {
    let fail = |message: String| Err(ApiError::new(ErrorCode::INVALID_CONFIG, message));
    if let Some((unknown, _)) = configs.iter().find(|(name, _)| topic_config(name).is_none()) {
        return fail(format!("Unknown topic config name: {unknown}"));
    }
    for (name, value) in configs {
        if let Some(Err(message)) = topic_config(name).map(|key| validate(key, value)) {
            return fail(message);
        }
    }
    Ok(())
}

/// The value that one operation leaves: SET (0), DELETE (1), APPEND (2), SUBTRACT (3).
fn change(
    image: &MetadataImage,
    (kind, resource): (ResourceType, &str),
    current: &BTreeMap<String, String>,
    config: &AlterableConfig,
) -> Result<Option<String>, ApiError> {
    let (name, operation) = (config.name.as_str(), config.config_operation);
    if kind == ResourceType::Broker {
        check_eligible(image, resource, (name, operation))?;
    }
    if operation == DELETE {
        return Ok(None);
    }
    let value = config.value.as_deref().ok_or_else(|| {
        ApiError::new(ErrorCode::INVALID_REQUEST, format!("Null value not supported for : {name}"))
    })?;
    let key = match kind {
        ResourceType::Topic => topic_config(name),
        ResourceType::Broker => dynamic(name),
        _ => None,
    };
    match (operation, key) {
        (SET, _) => Ok(Some(value.to_owned())),
        (APPEND | SUBTRACT, Some(key)) if matches!(key.kind, ConfigType::List(_)) => {
            let have = current.get(name).map_or(key.default, String::as_str);
            Ok(Some(change_list(have, operation, value)))
        }
        (APPEND | SUBTRACT, _) => Err(not_a_list(operation, name)),
        // An exception at Kafka (AlterConfigOp.OpType.forId).
        _ => Err(ApiError::code(ErrorCode::UNKNOWN_SERVER_ERROR)),
    }
}

fn not_a_list(operation: i8, name: &str) -> ApiError {
    let verb = if operation == APPEND { "APPEND" } else { "SUBTRACT" };
    let message = format!("Can't {verb} to key {name} because its type is not LIST.");
    ApiError::new(ErrorCode::INVALID_CONFIG, message)
}

/// What becomes of a resource whose type nobody can change so.
pub fn unsupported(resource_type: i8) -> ApiError {
    ApiError::new(ErrorCode::INVALID_REQUEST, format!("Unknown resource type {resource_type}"))
}

/// A broker's id, or the empty name of the cluster's default.
fn check_broker(image: &MetadataImage, name: &str) -> Result<(), ApiError> {
    if name.is_empty() {
        return Ok(());
    }
    let id: i32 = name.parse().map_err(|_| {
        let message = "Unable to parse broker name as a base 10 number.";
        ApiError::new(ErrorCode::INVALID_REQUEST, message)
    })?;
    if image.brokers().contains_key(&id) {
        return Ok(());
    }
    let message = format!("No broker with id {id} found.");
    Err(ApiError::new(ErrorCode::BROKER_ID_NOT_REGISTERED, message))
}

/// What is eligible to lead hangs on the cluster's min.insync.replicas (KIP-966): it is changed for all brokers alone.
fn check_eligible(
    image: &MetadataImage,
    broker: &str,
    (name, operation): (&str, i8),
) -> Result<(), ApiError> {
    let elr = image.feature("eligible.leader.replicas.version").is_some_and(|level| level > 0);
    let message = match (broker, operation) {
        _ if !elr || name != "min.insync.replicas" => return Ok(()),
        ("", DELETE) => "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.",
        ("", _) => return Ok(()),
        _ => "Broker-level min.insync.replicas cannot be altered while ELR is enabled.",
    };
    Err(ApiError::new(ErrorCode::INVALID_CONFIG, message))
}
