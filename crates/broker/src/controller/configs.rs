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
    let responses = (request.resources.iter())
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

fn alter_resource(
    image: &MetadataImage,
    resource: &AlterConfigsResource,
) -> Result<Vec<MetadataRecord>, ApiError> {
    let name = resource.resource_name.as_str();
    let resource_type = match ResourceType::from_id(resource.resource_type) {
        Some(ResourceType::Topic) if name.is_empty() => {
            let message = "Default topic resources are not allowed.";
            return Err(ApiError::new(ErrorCode::INVALID_REQUEST, message));
        }
        Some(ResourceType::Topic) => {
            validate_topic_name(name)
                .map_err(|error| ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, error.to_string()))?;
            if image.topic(name).is_none() {
                let message = format!("The topic '{name}' does not exist.");
                return Err(ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message));
            }
            ResourceType::Topic
        }
        Some(ResourceType::Broker) => {
            check_broker(image, name)?;
            ResourceType::Broker
        }
        Some(kind @ (ResourceType::ClientMetrics | ResourceType::Group)) => {
            resources::check_name(kind, name)?;
            kind
        }
        None => return Err(unsupported(resource.resource_type)),
    };
    let current = image.configs(resource_type, name);
    let mut changes: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for config in &resource.configs {
        let key = config.name.as_str();
        let (operation, value) = (config.config_operation, config.value.as_deref());
        let value = match resource_type {
            ResourceType::Topic => change(&current, key, operation, value)?,
            ResourceType::Broker => change_broker(image, name, &current, (key, operation, value))?,
            kind => resources::change(kind, (key, operation, value))?,
        };
        if changes.insert(key, value).is_some() {
            return Err(ApiError::new(ErrorCode::INVALID_REQUEST, "Error due to duplicate config keys"));
        }
    }
    let value = |key: &str| match changes.get(key) {
        Some(changed) => changed.as_deref(),
        None => current.get(key).map(String::as_str),
    };
    if resource_type == ResourceType::Topic {
        validate_together(value).map_err(|message| ApiError::new(ErrorCode::INVALID_CONFIG, message))?;
    }
    let left: BTreeMap<&str, &str> = (current.keys().map(String::as_str).chain(changes.keys().copied()))
        .filter_map(|key| Some((key, value(key)?)))
        .collect();
    resources::check_together(resource_type, &left)?;
    // A broker's config is written even if it stays the same, so that brokers read it again (KAFKA-14136).
    Ok((changes.into_iter())
        .filter(|(key, value)| resource_type == ResourceType::Broker || current.get(*key) != value.as_ref())
        .map(|(key, value)| MetadataRecord::Config {
            resource_type,
            resource_name: name.to_owned(),
            name: key.to_owned(),
            value,
        })
        .collect())
}

/// The value that one operation leaves: SET (0), DELETE (1), APPEND (2), SUBTRACT (3).
fn change(
    current: &BTreeMap<String, String>,
    name: &str,
    operation: i8,
    value: Option<&str>,
) -> Result<Option<String>, ApiError> {
    if operation == DELETE {
        return Ok(None);
    }
    let value = value.ok_or_else(|| {
        ApiError::new(ErrorCode::INVALID_REQUEST, format!("Null value not supported for : {name}"))
    })?;
    let key = topic_config(name).ok_or_else(|| {
        ApiError::new(ErrorCode::INVALID_CONFIG, format!("Unknown topic config name: {name}"))
    })?;
    let have = current.get(name).map_or(key.default, String::as_str);
    let new = match (operation, key.kind) {
        (SET, _) => value.to_owned(),
        (APPEND | SUBTRACT, ConfigType::List(_)) => change_list(have, operation, value),
        (APPEND | SUBTRACT, _) => return Err(not_a_list(operation, name)),
        // An exception at Kafka (AlterConfigOp.OpType.forId).
        _ => return Err(ApiError::code(ErrorCode::UNKNOWN_SERVER_ERROR)),
    };
    validate(key, &new).map_err(|message| ApiError::new(ErrorCode::INVALID_CONFIG, message))?;
    Ok(Some(new))
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

/// The value that one operation leaves of a broker's config. What the value must be, the broker that was asked has
/// judged.
fn change_broker(
    image: &MetadataImage,
    broker: &str,
    current: &BTreeMap<String, String>,
    (name, operation, value): (&str, i8, Option<&str>),
) -> Result<Option<String>, ApiError> {
    let elr = image.feature("eligible.leader.replicas.version").is_some_and(|level| level > 0);
    if elr && name == "min.insync.replicas" {
        // What is eligible to lead hangs on it (KIP-966).
        let refused = match (broker, operation) {
            ("", DELETE) => Some("Cluster-level min.insync.replicas cannot be removed while ELR is enabled."),
            ("", _) => None,
            _ => Some("Broker-level min.insync.replicas cannot be altered while ELR is enabled."),
        };
        if let Some(message) = refused {
            return Err(ApiError::new(ErrorCode::INVALID_CONFIG, message));
        }
    }
    if operation == DELETE {
        return Ok(None);
    }
    let value = value.ok_or_else(|| {
        ApiError::new(ErrorCode::INVALID_REQUEST, format!("Null value not supported for : {name}"))
    })?;
    match (operation, dynamic(name)) {
        (SET, _) => Ok(Some(value.to_owned())),
        (APPEND | SUBTRACT, Some(key)) if matches!(key.kind, ConfigType::List(_)) => {
            let have = current.get(name).map_or(key.default, String::as_str);
            Ok(Some(change_list(have, operation, value)))
        }
        (APPEND | SUBTRACT, _) => Err(not_a_list(operation, name)),
        _ => Err(ApiError::code(ErrorCode::UNKNOWN_SERVER_ERROR)),
    }
}
