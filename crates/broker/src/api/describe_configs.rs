//! DescribeConfigs (32), versions 1 to 4: topics, and of a broker the configs that this node has and those that can be
//! set while it runs; groups and client metrics. Left out: the other broker configs, documentation texts; there are no
//! loggers.

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
    DEFAULT, DYNAMIC, DYNAMIC_BROKER, DYNAMIC_DEFAULT_BROKER, DynamicConfigs, dynamic, resources, shown,
};
use crate::call::Call;
use crate::config::BrokerConfig;
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

/// The static configs of this node, and its dynamic ones.
pub(crate) fn node(
    image: &MetadataImage,
    config: &BrokerConfig,
    synonyms: bool,
) -> Vec<DescribeConfigsResourceResult> {
    let (int, long, boolean, list) = (3, 5, 1, 7);
    let default = BrokerConfig::new(config.node_id, config.advertised.clone(), config.cluster_id);
    let fixed = |name: &str, value: String, kind: i8| {
        let shown = if synonyms { vec![(name.to_owned(), value.clone(), STATIC_BROKER)] } else { Vec::new() };
        entry(name, &value, STATIC_BROKER, true, kind, shown)
    };
    // What is as Kafka has it by itself stands in no file, and says so.
    let defaulted = |name: &str, of: &dyn Fn(&BrokerConfig) -> String, kind: i8| {
        let (value, default) = (of(config), of(&default));
        let mut sources = vec![(name.to_owned(), default.clone(), DEFAULT)];
        if value != default {
            sources.insert(0, (name.to_owned(), value.clone(), STATIC_BROKER));
        }
        let source = sources.first().map_or(DEFAULT, |(.., source)| *source);
        entry(name, &value, source, true, kind, if synonyms { sources } else { Vec::new() })
    };
    let roles = if config.roles.controller { "broker,controller" } else { "broker" };
    let mut entries = vec![
        fixed("node.id", config.node_id.to_string(), int),
        fixed("process.roles", roles.to_owned(), list),
        fixed("advertised.listeners", format!("PLAINTEXT://{}", config.advertised), list),
        defaulted("num.partitions", &|of| of.num_partitions.to_string(), int),
        defaulted("default.replication.factor", &|of| of.default_replication_factor.to_string(), int),
        defaulted("auto.create.topics.enable", &|of| of.auto_create_topics.to_string(), boolean),
        defaulted("socket.request.max.bytes", &|of| of.socket_request_max_bytes.to_string(), int),
        defaulted("connections.max.idle.ms", &|of| of.connections_max_idle_ms.to_string(), long),
        defaulted("max.incremental.fetch.session.cache.slots", &|of| of.fetch_session_slots.to_string(), int),
        defaulted("log.retention.check.interval.ms", &|of| of.retention_check_interval_ms.to_string(), long),
        defaulted(
            "log.flush.offset.checkpoint.interval.ms",
            &|of| of.flush_offset_checkpoint_interval_ms.to_string(),
            int,
        ),
        defaulted(
            "replica.high.watermark.checkpoint.interval.ms",
            &|of| of.high_watermark_checkpoint_interval_ms.to_string(),
            long,
        ),
        fixed("log.dirs", LOG_DIR.to_owned(), list),
    ];
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
