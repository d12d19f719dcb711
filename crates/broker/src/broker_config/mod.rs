//! Dynamic broker configs (KIP-226): which there are, what they are on a node, and which changes a broker lets through
//! (DynamicBrokerConfig and KafkaConfig of Kafka 4.3).

mod log_config;
mod names;
pub mod resources;
mod static_configs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;

pub use log_config::log_config;
pub use names::DYNAMIC;
use static_configs::update_of;
pub use static_configs::{STATIC, StaticConfig, StaticType, Update};

use crate::metadata::{MetadataImage, ResourceType};
use crate::reply::ApiError;
use crate::topic_config::{ConfigKey, ConfigType, items, validate};

/// SET, DELETE, APPEND and SUBTRACT (AlterConfigOp.OpType).
pub const SET: i8 = 0;
/// Takes a value away.
pub const DELETE: i8 = 1;
/// Adds items to a list.
pub const APPEND: i8 = 2;
/// Takes items from a list.
pub const SUBTRACT: i8 = 3;

/// DYNAMIC_BROKER_CONFIG (DescribeConfigsResponse.ConfigSource).
pub const DYNAMIC_BROKER: i8 = 2;
/// DYNAMIC_DEFAULT_BROKER_CONFIG.
pub const DYNAMIC_DEFAULT_BROKER: i8 = 3;
/// DEFAULT_CONFIG.
pub const DEFAULT: i8 = 5;

/// The sizes of thread pools, which may at most double or halve in one step (DynamicThreadPool).
const THREADS: [&str; 5] = [
    "num.io.threads",
    "num.network.threads",
    "num.replica.fetchers",
    "num.recovery.threads.per.data.dir",
    "background.threads",
];

/// The dynamic broker config of this name.
pub fn dynamic(name: &str) -> Option<&'static ConfigKey> {
    DYNAMIC.iter().find(|key| key.name == name)
}

/// What is set on a broker and, below it, for the cluster.
#[derive(Clone, Debug, Default)]
pub struct DynamicConfigs {
    /// Of this broker.
    pub broker: BTreeMap<String, String>,
    /// The cluster's default.
    pub cluster: BTreeMap<String, String>,
}

impl DynamicConfigs {
    /// Of the broker `node_id`.
    pub fn new(image: &MetadataImage, node_id: i32) -> DynamicConfigs {
        DynamicConfigs {
            broker: image.configs(ResourceType::Broker, &node_id.to_string()),
            cluster: image.configs(ResourceType::Broker, ""),
        }
    }

    /// The values of a name with their sources, the strongest first; Kafka's default is the last.
    pub fn sources(&self, name: &str) -> Vec<(&'static str, String, i8)> {
        let Some(key) = dynamic(name) else { return Vec::new() };
        let set = [(&self.broker, DYNAMIC_BROKER), (&self.cluster, DYNAMIC_DEFAULT_BROKER)];
        let mut sources: Vec<_> = (set.into_iter())
            .filter_map(|(configs, source)| Some((key.name, configs.get(name)?.clone(), source)))
            .collect();
        // The coarser config says how a finer one came to be only where the finer one is in use.
        if key.synonym == key.name || !(key.synonym.is_empty() || sources.is_empty()) {
            sources.push((key.synonym, key.default.to_owned(), DEFAULT));
        }
        sources
    }

    /// The value that holds, if it is set. One that cannot be is passed over: a controller can be asked without a
    /// broker.
    pub fn get(&self, name: &str) -> Option<&str> {
        let key = dynamic(name)?;
        [&self.broker, &self.cluster]
            .into_iter()
            .filter_map(|configs| configs.get(name).map(String::as_str))
            .find(|value| validate(key, value).is_ok())
    }

    /// The number that holds: what is set, or Kafka's default.
    pub fn long(&self, name: &str) -> i64 {
        let default = dynamic(name).map_or("", |key| key.default);
        let value = self.get(name).unwrap_or(default).trim();
        value.parse().unwrap_or(0)
    }

    /// The decimal that holds: what is set, or Kafka's default.
    pub fn double(&self, name: &str) -> f64 {
        let default = dynamic(name).map_or("", |key| key.default);
        let value = self.get(name).unwrap_or(default).trim();
        value.parse().unwrap_or(0.0)
    }
}

/// The value as Kafka shows it once it is read.
pub fn shown(kind: ConfigType, value: &str) -> String {
    match kind {
        ConfigType::Boolean => value.trim().to_ascii_lowercase(),
        ConfigType::Int(..) | ConfigType::Long(..) | ConfigType::Double(..) => value.trim().to_owned(),
        ConfigType::List(_) => items(value).collect::<Vec<_>>().join(","),
        ConfigType::String(_) => value.to_owned(),
    }
}

/// The value that an operation leaves of a list (ConfigAdminManager.prepareIncrementalConfigs).
pub fn change_list(have: &str, operation: i8, value: &str) -> String {
    let mut list: Vec<&str> = items(have).collect();
    match operation {
        APPEND => list.extend(items(value).filter(|item| !items(have).any(|old| old == *item))),
        _ => list.retain(|item| !items(value).any(|gone| gone == *item)),
    }
    list.join(",")
}

fn invalid_request(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::INVALID_REQUEST, message)
}

/// Checks what a broker checks before it forwards a change to the controller: `changes` are a name, an operation and a
/// value each, of this broker or, if not `per_broker`, of the cluster's default.
pub fn check<'a>(
    have: &DynamicConfigs,
    per_broker: bool,
    changes: impl Iterator<Item = (&'a str, i8, Option<&'a str>)>,
) -> Result<(), ApiError> {
    let mut new = have.clone();
    let props = if per_broker { &mut new.broker } else { &mut new.cluster };
    let mut names = Vec::new();
    for (name, operation, value) in changes {
        match (operation, value) {
            (DELETE, _) => drop(props.remove(name)),
            (SET, Some(value)) => drop(props.insert(name.to_owned(), value.to_owned())),
            (APPEND | SUBTRACT, Some(value)) => {
                let list = changed_list(props, name, operation, value)?;
                props.insert(name.to_owned(), list);
            }
            (SET | APPEND | SUBTRACT, None) => {
                return Err(invalid_request(format!("Null value not supported for : {name}")));
            }
            _ => return Err(invalid_request(format!("Unknown operations type {operation}"))),
        }
        if operation != DELETE {
            names.push(name);
        }
    }
    check_names(&names)?;
    let props = if per_broker { &new.broker } else { &new.cluster };
    for key in &DYNAMIC {
        if let Some(value) = props.get(key.name) {
            validate(key, value).map_err(invalid_request)?;
        }
    }
    refuse(
        &names,
        |name| per_broker_only(name) && !per_broker,
        |names| {
            format!(
                "Cannot update these configs at default cluster level, broker id must be specified: [{names}]"
            )
        },
    )?;
    refuse(
        &names,
        |name| per_broker_only(name) || update_of(name) == Some(Update::Cluster),
        |names| format!("These configs cannot be changed while a broker of this kind runs: [{names}]"),
    )?;
    check_together(have, &new).map_err(invalid_request)
}

fn changed_list(
    props: &BTreeMap<String, String>,
    name: &str,
    operation: i8,
    value: &str,
) -> Result<String, ApiError> {
    let error = |message: String| ApiError::new(ErrorCode::INVALID_CONFIG, message);
    match dynamic(name) {
        Some(key) if matches!(key.kind, ConfigType::List(_)) => {
            let have = props.get(name).map_or(key.default, String::as_str);
            Ok(change_list(have, operation, value))
        }
        None if update_of(name).is_none() => Err(error(format!("Unknown config name: {name}"))),
        _ => {
            let verb = if operation == APPEND { "append" } else { "subtract" };
            Err(error(format!("Config value {verb} is not allowed for config key: {name}")))
        }
    }
}

fn per_broker_only(name: &str) -> bool {
    update_of(name) == Some(Update::PerBroker) || name.starts_with("listener.name.")
}

fn check_names(names: &[&str]) -> Result<(), ApiError> {
    refuse(
        names,
        |name| update_of(name) == Some(Update::ReadOnly),
        |names| format!("Cannot update these configs dynamically: [{names}]"),
    )?;
    refuse(
        names,
        |name| update_of(name) == Some(Update::PerListener),
        |names| {
            format!(
                "These security configs can be dynamically updated only per-listener using the listener prefix: \
                 [{names}]"
            )
        },
    )
}

fn refuse(
    names: &[&str],
    which: impl Fn(&str) -> bool,
    message: impl Fn(&str) -> String,
) -> Result<(), ApiError> {
    let refused: Vec<&str> = names.iter().copied().filter(|name| which(name)).collect();
    if refused.is_empty() { Ok(()) } else { Err(invalid_request(message(&refused.join(", ")))) }
}

/// What the configs of a broker must be together, and how far one may be from what it was.
fn check_together(have: &DynamicConfigs, new: &DynamicConfigs) -> Result<(), String> {
    let dynamic_error = |message: String| {
        Err(format!(
            "Invalid value org.apache.kafka.common.config.ConfigException: {message} for configuration Invalid dynamic \
             configuration"
        ))
    };
    if new.get("log.roll.ms").is_some() && new.long("log.roll.ms") < 1 {
        return Err("requirement failed: log.roll.ms must be greater than or equal to 1".to_owned());
    }
    if new.get("log.retention.ms").is_some() && new.long("log.retention.ms") == 0 {
        let message =
            "requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1";
        return Err(message.to_owned());
    }
    let cleaners = new.long("log.cleaner.threads");
    match new.long("log.cleaner.dedupe.buffer.size").checked_div(cleaners) {
        // Kafka's own word for no threads.
        None => return Err("/ by zero".to_owned()),
        Some(bytes) if bytes <= 1024 * 1024 => {
            let message =
                "requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.";
            return Err(message.to_owned());
        }
        Some(_) => {}
    }
    if new.long("max.connections.per.ip") == 0 {
        let message = "requirement failed: max.connections.per.ip can be set to zero only if \
                       max.connections.per.ip.overrides property is set.";
        return Err(message.to_owned());
    }
    for name in THREADS {
        let (old, new) = (have.long(name), new.long(name));
        let limit = if new < old / 2 {
            "be at least half"
        } else if new > old * 2 {
            "not be greater than double"
        } else {
            continue;
        };
        return dynamic_error(format!(
            "Dynamic thread count update validation failed for {name}={new}, value should {limit} the current value \
             {old}"
        ));
    }
    let old = have.long("log.cleaner.threads");
    let limit = if cleaners < old / 2 {
        Some(("reduced to less than half", old))
    } else if cleaners > old * 2 {
        Some(("increased to more than double", old))
    } else {
        None
    };
    if let Some((limit, old)) = limit {
        return dynamic_error(format!("Log cleaner threads cannot be {limit} the current value {old}"));
    }
    let retention_ms = match new.get("log.retention.ms") {
        Some(_) => new.long("log.retention.ms"),
        None => 604_800_000,
    };
    for (local, name, whole) in [
        ("log.local.retention.ms", "log.retention.ms", retention_ms),
        ("log.local.retention.bytes", "log.retention.bytes", new.long("log.retention.bytes")),
    ] {
        let part = new.long(local);
        if whole >= 0 && part > whole {
            return dynamic_error(format!(
                "Invalid value {part} for configuration {local}: Value must not be more than {name} property value: \
                 {whole}"
            ));
        }
    }
    Ok(())
}
