//! The configs of groups (org.apache.kafka.coordinator.group.GroupConfig) and of subscriptions to clients' metrics
//! (org.apache.kafka.server.metrics.ClientMetricsConfigs): kept and described, for what they are about is not here yet.

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;

use crate::metadata::ResourceType;
use crate::reply::ApiError;
use crate::topic_config::{ConfigKey, ConfigType, items, key, validate};

/// DYNAMIC_CLIENT_METRICS_CONFIG (DescribeConfigsResponse.ConfigSource).
const CLIENT_METRICS_SOURCE: i8 = 7;
/// DYNAMIC_GROUP_CONFIG.
const GROUP_SOURCE: i8 = 8;

const fn from(least: i64) -> ConfigType {
    ConfigType::Int(least, i32::MAX as i64)
}

const GROUP: [ConfigKey; 17] = [
    key("consumer.session.timeout.ms", from(1), "45000", "group.consumer.session.timeout.ms"),
    key("consumer.assignment.interval.ms", from(0), "1000", "group.consumer.assignment.interval.ms"),
    // Which values it has, `check_offset_reset` says.
    key("share.auto.offset.reset", ConfigType::String(&[]), "latest", "share.auto.offset.reset"),
    key("share.renew.acknowledge.enable", ConfigType::Boolean, "true", "share.renew.acknowledge.enable"),
    key("streams.initial.rebalance.delay.ms", from(0), "3000", "group.streams.initial.rebalance.delay.ms"),
    key("share.session.timeout.ms", from(1), "45000", "group.share.session.timeout.ms"),
    key("streams.assignment.interval.ms", from(0), "1000", "group.streams.assignment.interval.ms"),
    key("share.heartbeat.interval.ms", from(1), "5000", "group.share.heartbeat.interval.ms"),
    key("streams.heartbeat.interval.ms", from(1), "5000", "group.streams.heartbeat.interval.ms"),
    key("share.delivery.count.limit", from(2), "5", "group.share.delivery.count.limit"),
    key("consumer.heartbeat.interval.ms", from(1), "5000", "group.consumer.heartbeat.interval.ms"),
    key("share.record.lock.duration.ms", from(1000), "30000", "group.share.record.lock.duration.ms"),
    key("share.assignment.interval.ms", from(0), "1000", "group.share.assignment.interval.ms"),
    key(
        "share.isolation.level",
        ConfigType::String(&["read_committed", "read_uncommitted"]),
        "read_uncommitted",
        "share.isolation.level",
    ),
    key("streams.session.timeout.ms", from(1), "45000", "group.streams.session.timeout.ms"),
    key("share.partition.max.record.locks", from(100), "2000", "group.share.partition.max.record.locks"),
    key("streams.num.standby.replicas", from(0), "0", "group.streams.num.standby.replicas"),
];

/// A broker's config and its value.
type Limit = (&'static str, i64);

/// What a group may ask for within the limits of its brokers: the config, the broker's config of the least and its
/// value, and those of the most. Without a name there is no such limit.
const LIMITS: [(&str, Limit, Limit); 9] = [
    (
        "consumer.heartbeat.interval.ms",
        ("group.consumer.min.heartbeat.interval.ms", 5_000),
        ("group.consumer.max.heartbeat.interval.ms", 15_000),
    ),
    (
        "consumer.session.timeout.ms",
        ("group.consumer.min.session.timeout.ms", 45_000),
        ("group.consumer.max.session.timeout.ms", 60_000),
    ),
    (
        "share.heartbeat.interval.ms",
        ("group.share.min.heartbeat.interval.ms", 5_000),
        ("group.share.max.heartbeat.interval.ms", 15_000),
    ),
    (
        "share.session.timeout.ms",
        ("group.share.min.session.timeout.ms", 45_000),
        ("group.share.max.session.timeout.ms", 60_000),
    ),
    (
        "share.record.lock.duration.ms",
        ("group.share.min.record.lock.duration.ms", 15_000),
        ("group.share.max.record.lock.duration.ms", 60_000),
    ),
    (
        "share.delivery.count.limit",
        ("group.share.min.delivery.count.limit", 2),
        ("group.share.max.delivery.count.limit", 10),
    ),
    (
        "streams.heartbeat.interval.ms",
        ("group.streams.min.heartbeat.interval.ms", 5_000),
        ("group.streams.max.heartbeat.interval.ms", 15_000),
    ),
    (
        "streams.session.timeout.ms",
        ("group.streams.min.session.timeout.ms", 45_000),
        ("group.streams.max.session.timeout.ms", 60_000),
    ),
    ("streams.num.standby.replicas", ("", 0), ("group.streams.max.standby.replicas", 2)),
];

const CLIENT_METRICS: [ConfigKey; 3] = [
    key("interval.ms", ConfigType::Int(i32::MIN as i64, i32::MAX as i64), "300000", ""),
    key("match", ConfigType::List(&[]), "", ""),
    key("metrics", ConfigType::List(&[]), "", ""),
];

/// What a subscription can choose clients by (ClientMetricsConfigs.ClientMatchingParams).
const MATCHED: [&str; 6] = [
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

/// All configs of a resource of this type.
pub fn keys(kind: ResourceType) -> &'static [ConfigKey] {
    match kind {
        ResourceType::Group => &GROUP,
        ResourceType::ClientMetrics => &CLIENT_METRICS,
        ResourceType::Topic | ResourceType::Broker => &[],
    }
}

/// Where a value comes from that is set on a resource of this type.
pub fn source(kind: ResourceType) -> i8 {
    if kind == ResourceType::Group { GROUP_SOURCE } else { CLIENT_METRICS_SOURCE }
}

fn invalid_request(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::INVALID_REQUEST, message)
}

fn invalid_config(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::INVALID_CONFIG, message)
}

/// Refuses the empty name.
pub fn check_name(kind: ResourceType, name: &str) -> Result<(), ApiError> {
    match kind {
        ResourceType::Group if name.is_empty() => {
            Err(invalid_request("Default group resources are not allowed."))
        }
        ResourceType::ClientMetrics if name.is_empty() => {
            Err(invalid_request("Subscription name can't be empty"))
        }
        _ => Ok(()),
    }
}

/// Checks what is to be set: names first, and then values.
pub fn check_configs(kind: ResourceType, configs: &[(&str, &str)]) -> Result<(), ApiError> {
    let find = |name: &str| keys(kind).iter().find(|key| key.name == name);
    if let Some((name, _)) = configs.iter().find(|(name, _)| find(name).is_none()) {
        return Err(match kind {
            ResourceType::ClientMetrics => {
                invalid_request(format!("Unknown client metrics configuration: {name}"))
            }
            _ => invalid_config(format!("Unknown group config name: {name}")),
        });
    }
    configs.iter().filter_map(|(name, value)| Some((find(name)?, *value))).try_for_each(check_value)
}

fn check_value((key, value): (&ConfigKey, &str)) -> Result<(), ApiError> {
    let name = key.name;
    if name == "share.auto.offset.reset" {
        return check_offset_reset(value);
    }
    validate(key, value).map_err(invalid_config)?;
    match name {
        "interval.ms" if !(100..=3_600_000).contains(&value.trim().parse().unwrap_or(0)) => {
            let value = value.trim();
            let message = format!(
                "Invalid value {value} for interval.ms, interval must be between 100 and 3600000 (1 hour)"
            );
            Err(invalid_request(message))
        }
        "match" => match items(value).find(|pattern| !is_pattern(pattern)) {
            Some(pattern) => Err(invalid_config(format!("Illegal client matching pattern: {pattern}"))),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn is_pattern(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, pattern)| {
        MATCHED.contains(&name.trim()) && regex_lite::Regex::new(pattern.trim()).is_ok()
    })
}

fn check_offset_reset(value: &str) -> Result<(), ApiError> {
    let lower = value.to_ascii_lowercase();
    // Of a duration only its beginning is looked at.
    if ["earliest", "latest"].contains(&lower.as_str()) || lower.starts_with("by_duration:p") {
        return Ok(());
    }
    let name = "share.auto.offset.reset";
    Err(invalid_config(format!(
        "Invalid value {value} for configuration {name}: Invalid value `{value}` for configuration {name}. The value \
         must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'."
    )))
}

/// What the configs of a group must be together, and within the limits of its brokers.
pub fn check_together(kind: ResourceType, configs: &BTreeMap<&str, &str>) -> Result<(), ApiError> {
    if kind != ResourceType::Group {
        return Ok(());
    }
    let number = |name: &str| -> i64 {
        let default = GROUP.iter().find(|key| key.name == name).map_or("", |key| key.default);
        configs.get(name).copied().unwrap_or(default).trim().parse().unwrap_or(0)
    };
    for (name, (least_name, least), (most_name, most)) in LIMITS {
        if !least_name.is_empty() && number(name) < least {
            return Err(invalid_config(format!("{name} must be greater than or equal to {least_name}")));
        }
        if number(name) > most {
            return Err(invalid_config(format!("{name} must be less than or equal to {most_name}")));
        }
    }
    Ok(())
}
