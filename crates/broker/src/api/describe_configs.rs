//! DescribeConfigs (32), versions 1 to 4: topics, brokers, groups and client metrics. Left out: texts that explain
//! configs; there are no loggers.

use std::collections::BTreeSet;

use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::messages::describe_configs_request::DescribeConfigsResource;
use blumfeld_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use blumfeld_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use blumfeld_protocol::wire::StrBytes;

use super::LOG_DIR;
use crate::broker_config::{
    DEFAULT, DYNAMIC, DYNAMIC_BROKER, DYNAMIC_DEFAULT_BROKER, DynamicConfigs, STATIC, StaticConfig,
    StaticType, Update, dynamic, resources, shown,
};
use crate::call::Call;
use crate::config::{BrokerConfig, CLIENT_LISTENER, CONTROLLER_LISTENER};
use crate::metadata::{MetadataImage, ResourceType};
use crate::reply::{ApiError, Reply, respond};
use crate::server::Server;
use crate::topic_config::{ConfigKey, TOPIC_CONFIGS};
use crate::topic_name::validate_topic_name;

/// ConfigResource.Type.BROKER_LOGGER.
const BROKER_LOGGER: i8 = 8;

/// Where a value comes from (DescribeConfigsResponse.ConfigSource).
const TOPIC: i8 = 1;
const STATIC_BROKER: i8 = 4;

/// Handles a request.
pub fn handle(server: &Server, call: &Call, request: DescribeConfigsRequest) -> Result<Reply, FrameError> {
    // A kind that is none is an exception at Kafka, and refuses all (KafkaApis.handleDescribeConfigsRequest).
    let kind = |one: &DescribeConfigsResource| ResourceType::from_id(one.resource_type).is_some();
    let known = |one: &DescribeConfigsResource| kind(one) || one.resource_type == BROKER_LOGGER;
    let all_known = request.resources.iter().all(known);
    let results = request.resources.iter().map(|resource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        let described =
            if all_known { describe(server, resource, request.include_synonyms) } else { malformed() };
        match described {
            Ok(mut configs) => {
                // No keys are all keys, be the list null or empty (ConfigHelper.describeConfigs).
                if let Some(keys) = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty()) {
                    configs.retain(|config| keys.contains(&config.name));
                }
                // Texts are left out, and none is not the empty one.
                configs.iter_mut().for_each(|config| config.documentation = None);
                if call.header.version < 3 {
                    configs.iter_mut().for_each(|config| config.documentation = Some(StrBytes::default()));
                    configs.iter_mut().for_each(|config| config.config_type = 0);
                }
                result.with_configs(configs)
            }
            Err(error) => {
                result.with_error_code(error.code.0).with_error_message(error.message.map(Into::into))
            }
        }
    });
    respond(DescribeConfigsResponse::default().with_results(results.collect()))
}

/// The configs of a resource by its type and name, with all values that each could have.
pub(crate) fn described(
    server: &Server,
    kind: ResourceType,
    name: &str,
) -> Result<Vec<DescribeConfigsResourceResult>, ApiError> {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind.id())
        .with_resource_name(name.to_owned().into());
    describe(server, &resource, true)
}

fn describe(
    server: &Server,
    resource: &DescribeConfigsResource,
    synonyms: bool,
) -> Result<Vec<DescribeConfigsResourceResult>, ApiError> {
    let name = resource.resource_name.as_str();
    match ResourceType::from_id(resource.resource_type) {
        Some(ResourceType::Topic) => {
            validate_topic_name(name)
                .map_err(|error| ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, error.to_string()))?;
            if server.image.topic(name).is_none() {
                return Err(ApiError::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ""));
            }
            Ok(topic(&server.image, &server.config, name, synonyms))
        }
        Some(ResourceType::Broker) if name.is_empty() => Ok(cluster(&server.image, synonyms)),
        Some(ResourceType::Broker) => match name.parse::<i32>() {
            Ok(id) if id == server.config.node_id => Ok(node(&server.image, &server.config, synonyms)),
            Ok(id) => {
                let own = server.config.node_id;
                let message =
                    format!("Unexpected broker id, expected {own} or empty string, but received {id}");
                Err(ApiError::new(ErrorCode::INVALID_REQUEST, message))
            }
            Err(_) => {
                let message = format!("Broker id must be an integer, but it is: {name}");
                Err(ApiError::new(ErrorCode::INVALID_REQUEST, message))
            }
        },
        Some(ResourceType::Group) if name.is_empty() => {
            Err(ApiError::new(ErrorCode::INVALID_REQUEST, "Group name must not be empty"))
        }
        Some(ResourceType::ClientMetrics) if name.is_empty() => {
            let message = "Client metrics subscription name must not be empty";
            Err(ApiError::new(ErrorCode::INVALID_REQUEST, message))
        }
        Some(kind @ (ResourceType::Group | ResourceType::ClientMetrics)) => {
            Ok(other(&server.image, kind, name, synonyms))
        }
        None if resource.resource_type == BROKER_LOGGER => loggers(server.config.node_id, name),
        None => malformed(),
    }
}

fn malformed<T>() -> Result<T, ApiError> {
    let message = "This most likely occurs because of a request being malformed by the client library or the message was \
                   sent to an incompatible broker. See the broker logs for more details.";
    Err(ApiError::new(ErrorCode::INVALID_REQUEST, message))
}

/// The loggers of a broker: none, for its trace has no levels.
fn loggers(node_id: i32, name: &str) -> Result<Vec<DescribeConfigsResourceResult>, ApiError> {
    let invalid = |message: String| ApiError::new(ErrorCode::INVALID_REQUEST, message);
    match name.parse::<i32>() {
        Ok(id) if id == node_id => Ok(Vec::new()),
        Ok(id) => Err(invalid(format!("Unexpected broker id, expected {node_id} but received {id}"))),
        Err(_) if name.is_empty() => Err(invalid("Broker id must not be empty".to_owned())),
        Err(_) => Err(invalid(format!("Broker id must be an integer, but it is: {name}"))),
    }
}

/// All configs of a group or of a subscription to clients' metrics, be there one of this name or not.
fn other(
    image: &MetadataImage,
    kind: ResourceType,
    name: &str,
    synonyms: bool,
) -> Vec<DescribeConfigsResourceResult> {
    let set = image.configs(kind, name);
    (resources::keys(kind).iter())
        .map(|key| {
            let own =
                set.get(key.name).map(|value| (key.name.to_owned(), value.clone(), resources::source(kind)));
            let below =
                (!key.synonym.is_empty()).then(|| (key.synonym.to_owned(), key.default.to_owned(), DEFAULT));
            of_sources(key, own.into_iter().chain(below).collect(), Some(key.default), synonyms)
        })
        .collect()
}

fn entry(
    name: &str,
    value: &str,
    source: i8,
    read_only: bool,
    kind: i8,
    synonyms: Vec<(String, String, i8)>,
) -> DescribeConfigsResourceResult {
    let synonyms = synonyms.into_iter().map(|(name, value, source)| {
        DescribeConfigsSynonym::default()
            .with_name(name.into())
            .with_value(Some(value.into()))
            .with_source(source)
    });
    DescribeConfigsResourceResult::default()
        .with_name(name.to_owned().into())
        .with_value(Some(value.to_owned().into()))
        .with_read_only(read_only)
        .with_config_source(source)
        .with_config_type(kind)
        .with_synonyms(synonyms.collect())
}

/// A config whose meaning nobody knows: its value is kept back, as it could be a secret.
fn unknown(name: &str, sources: &[i8], synonyms: bool) -> DescribeConfigsResourceResult {
    let shown = sources.iter().filter(|_| synonyms).map(|source| {
        DescribeConfigsSynonym::default()
            .with_name(name.to_owned().into())
            .with_value(None)
            .with_source(*source)
    });
    DescribeConfigsResourceResult::default()
        .with_name(name.to_owned().into())
        .with_value(None)
        .with_read_only(true)
        .with_is_sensitive(true)
        .with_config_source(sources.first().copied().unwrap_or(DEFAULT))
        .with_synonyms(shown.collect())
}

/// What is set on a resource and below it, as an entry; with nothing set, Kafka's default.
fn of_sources(
    key: &ConfigKey,
    sources: Vec<(String, String, i8)>,
    default: Option<&str>,
    synonyms: bool,
) -> DescribeConfigsResourceResult {
    let first = sources.first().map(|(_, value, source)| (shown(key.kind, value), *source));
    let (value, source) = match first {
        Some((value, source)) if source != DEFAULT => (Some(value), source),
        _ => (default.map(str::to_owned), DEFAULT),
    };
    let listed = if synonyms { sources } else { Vec::new() };
    let result = entry(key.name, "", source, false, key.kind.id(), listed);
    result.with_value(value.map(Into::into))
}

fn owned(sources: Vec<(&'static str, String, i8)>) -> impl Iterator<Item = (String, String, i8)> {
    sources.into_iter().map(|(name, value, source)| (name.to_owned(), value, source))
}

pub(crate) fn topic(
    image: &MetadataImage,
    config: &BrokerConfig,
    name: &str,
    synonyms: bool,
) -> Vec<DescribeConfigsResourceResult> {
    let set = image.configs(ResourceType::Topic, name);
    let below = DynamicConfigs::new(image, config.node_id);
    (TOPIC_CONFIGS.iter())
        .map(|key| {
            let own = set.get(key.name).map(|value| (key.name.to_owned(), value.clone(), TOPIC));
            let sources = own.into_iter().chain(owned(below.sources(key.synonym)));
            of_sources(key, sources.collect(), Some(key.default), synonyms)
        })
        .collect()
}

/// What is set for the whole cluster.
pub(crate) fn cluster(image: &MetadataImage, synonyms: bool) -> Vec<DescribeConfigsResourceResult> {
    let set = image.configs(ResourceType::Broker, "");
    set.iter()
        .map(|(name, value)| match dynamic(name) {
            Some(key) => {
                let sources = vec![(name.clone(), value.clone(), DYNAMIC_DEFAULT_BROKER)];
                of_sources(key, sources, None, synonyms)
            }
            None => unknown(name, &[DYNAMIC_DEFAULT_BROKER], synonyms),
        })
        .collect()
}

/// The value of a static config that every node has, if this is one.
fn of_every_node(config: &BrokerConfig, name: &str) -> Option<String> {
    let client = || format!("{CLIENT_LISTENER}://{}", config.advertised);
    Some(match name {
        // The old name is kept the same (KafkaConfig).
        "broker.id" | "node.id" => config.node_id.to_string(),
        "process.roles" if config.roles.controller => "broker,controller".to_owned(),
        "process.roles" => "broker".to_owned(),
        "advertised.listeners" => client(),
        "listeners" if config.roles.controller => {
            format!("{},{CONTROLLER_LISTENER}://{}", client(), config.controller_listener)
        }
        "listeners" => client(),
        "listener.security.protocol.map" => {
            format!("{CONTROLLER_LISTENER}:PLAINTEXT,{CLIENT_LISTENER}:PLAINTEXT")
        }
        "controller.listener.names" => CONTROLLER_LISTENER.to_owned(),
        "controller.quorum.voters" => {
            let voters = config.quorum_voters();
            voters.iter().map(|(id, at)| format!("{id}@{at}")).collect::<Vec<_>>().join(",")
        }
        "log.dirs" => LOG_DIR.to_owned(),
        _ => return None,
    })
}

/// A static config of this node.
fn fixed(config: &BrokerConfig, of: &StaticConfig, synonyms: bool) -> DescribeConfigsResourceResult {
    let of_node = of_every_node(config, of.name);
    let (value, is_set) = match (of_node, config.get(of.name)) {
        (Some(value), _) => (Some(value), true),
        // What is not as Kafka has it by itself was given at the start in some way.
        (None, Some((value, given))) => {
            let is_set = given || (value.is_some() && value.as_deref() != of.default);
            (value, is_set)
        }
        (None, None) => (None, false),
    };
    let source = if is_set { STATIC_BROKER } else { DEFAULT };
    let value = if is_set { value } else { of.default.map(str::to_owned) };
    let set = value.clone().filter(|_| is_set).map(|value| (of.name.to_owned(), value, STATIC_BROKER));
    let default = of.default.map(|value| (of.name.to_owned(), value.to_owned(), DEFAULT));
    let sources = set.into_iter().chain(default).filter(|_| synonyms).collect();
    entry(of.name, "", source, of.update == Update::ReadOnly, of.kind as i8, sources)
        .with_value(value.map(Into::into))
        .with_is_sensitive(of.kind == StaticType::Password)
}

/// The static configs of this node, and its dynamic ones.
pub(crate) fn node(
    image: &MetadataImage,
    config: &BrokerConfig,
    synonyms: bool,
) -> Vec<DescribeConfigsResourceResult> {
    let mut entries: Vec<_> = STATIC.iter().map(|of| fixed(config, of, synonyms)).collect();
    let set = DynamicConfigs::new(image, config.node_id);
    for key in &DYNAMIC {
        let sources: Vec<_> = owned(set.sources(key.name)).collect();
        // A quota is no config of the broker where it is not set.
        if sources.is_empty() && key.synonym.is_empty() {
            continue;
        }
        let default = (key.synonym == key.name).then_some(key.default);
        entries.push(of_sources(key, sources, default, synonyms));
    }
    let names: BTreeSet<&String> = set.broker.keys().chain(set.cluster.keys()).collect();
    for name in names.into_iter().filter(|name| dynamic(name).is_none()) {
        let mut sources = Vec::new();
        sources.extend(set.broker.contains_key(name).then_some(DYNAMIC_BROKER));
        sources.extend(set.cluster.contains_key(name).then_some(DYNAMIC_DEFAULT_BROKER));
        entries.push(unknown(name, &sources, synonyms));
    }
    entries
}
