//! Topic configs: their names, types, defaults and limits (LogConfig and TopicConfig of Kafka 4.3), in the order in
//! which Kafka lists them.

/// A config's type, with what its values must be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ConfigType {
    /// `true` or `false`.
    Boolean,
    /// One of these.
    String(&'static [&'static str]),
    /// 32 bits, from the first to the second limit.
    Int(i64, i64),
    /// 64 bits, from the first to the second limit.
    Long(i64, i64),
    /// A decimal from the first to the second limit.
    Double(f64, f64),
    /// Any of these, separated by commas; with none given, anything.
    List(&'static [&'static str]),
}

impl ConfigType {
    /// The number of the type in DescribeConfigs (DescribeConfigsResponse.ConfigType).
    pub const fn id(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::String(_) => 2,
            Self::Int(..) => 3,
            Self::Long(..) => 5,
            Self::Double(..) => 6,
            Self::List(_) => 7,
        }
    }
}

/// A topic config.
#[derive(Clone, Copy, Debug)]
pub struct ConfigKey {
    /// Its name.
    pub name: &'static str,
    /// Its type and limits.
    pub kind: ConfigType,
    /// Kafka's default.
    pub default: &'static str,
    /// The broker config that the default comes from; empty where there is none.
    pub synonym: &'static str,
}

/// A config of these.
pub(crate) const fn key(
    name: &'static str,
    kind: ConfigType,
    default: &'static str,
    synonym: &'static str,
) -> ConfigKey {
    ConfigKey { name, kind, default, synonym }
}

const INT: ConfigType = ConfigType::Int(0, i32::MAX as i64);
const LONG: ConfigType = ConfigType::Long(0, i64::MAX);
const MAX_LONG: &str = "9223372036854775807";
const ANY_LONG: ConfigType = ConfigType::Long(i64::MIN, i64::MAX);
const FROM_MINUS_TWO: ConfigType = ConfigType::Long(-2, i64::MAX);

/// All topic configs of Kafka 4.3.
pub const TOPIC_CONFIGS: [ConfigKey; 33] = [
    key(
        "compression.type",
        ConfigType::String(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        "producer",
        "compression.type",
    ),
    key("remote.log.delete.on.disable", ConfigType::Boolean, "false", ""),
    key("leader.replication.throttled.replicas", ConfigType::List(&[]), "", ""),
    key("remote.storage.enable", ConfigType::Boolean, "false", ""),
    key("min.insync.replicas", ConfigType::Int(1, i32::MAX as i64), "1", "min.insync.replicas"),
    key("segment.jitter.ms", LONG, "0", "log.roll.jitter.ms"),
    key("remote.log.copy.disable", ConfigType::Boolean, "false", ""),
    key("local.retention.ms", FROM_MINUS_TWO, "-2", "log.local.retention.ms"),
    key("cleanup.policy", ConfigType::List(&["compact", "delete"]), "delete", "log.cleanup.policy"),
    key("flush.ms", LONG, MAX_LONG, "log.flush.interval.ms"),
    key("follower.replication.throttled.replicas", ConfigType::List(&[]), "", ""),
    key("compression.lz4.level", ConfigType::Int(1, 17), "9", "compression.lz4.level"),
    key("segment.bytes", ConfigType::Int(1_048_576, i32::MAX as i64), "1073741824", "log.segment.bytes"),
    key("retention.ms", ConfigType::Long(-1, i64::MAX), "604800000", "log.retention.ms"),
    key("compression.gzip.level", ConfigType::Int(1, 9), "-1", "compression.gzip.level"),
    key("flush.messages", ConfigType::Long(1, i64::MAX), MAX_LONG, "log.flush.interval.messages"),
    key("compression.zstd.level", ConfigType::Int(-131_072, 22), "3", "compression.zstd.level"),
    key(
        "max.compaction.lag.ms",
        ConfigType::Long(1, i64::MAX),
        MAX_LONG,
        "log.cleaner.max.compaction.lag.ms",
    ),
    key("file.delete.delay.ms", LONG, "60000", "log.segment.delete.delay.ms"),
    key("max.message.bytes", INT, "1048588", "message.max.bytes"),
    key("min.compaction.lag.ms", LONG, "0", "log.cleaner.min.compaction.lag.ms"),
    key(
        "message.timestamp.type",
        ConfigType::String(&["CreateTime", "LogAppendTime"]),
        "CreateTime",
        "log.message.timestamp.type",
    ),
    key("local.retention.bytes", FROM_MINUS_TWO, "-2", "log.local.retention.bytes"),
    key("preallocate", ConfigType::Boolean, "false", "log.preallocate"),
    key("index.interval.bytes", INT, "4096", "log.index.interval.bytes"),
    key("min.cleanable.dirty.ratio", ConfigType::Double(0.0, 1.0), "0.5", "log.cleaner.min.cleanable.ratio"),
    key("unclean.leader.election.enable", ConfigType::Boolean, "false", "unclean.leader.election.enable"),
    key("retention.bytes", ANY_LONG, "-1", "log.retention.bytes"),
    key("delete.retention.ms", LONG, "86400000", "log.cleaner.delete.retention.ms"),
    key("message.timestamp.after.max.ms", LONG, "3600000", "log.message.timestamp.after.max.ms"),
    key("message.timestamp.before.max.ms", LONG, MAX_LONG, "log.message.timestamp.before.max.ms"),
    key("segment.ms", ConfigType::Long(1, i64::MAX), "604800000", "log.roll.ms"),
    key("segment.index.bytes", ConfigType::Int(4, i32::MAX as i64), "10485760", "log.index.size.max.bytes"),
];

/// The topic config of this name.
pub fn topic_config(name: &str) -> Option<&'static ConfigKey> {
    TOPIC_CONFIGS.iter().find(|key| key.name == name)
}

/// Checks a value as Kafka does; the sentence of a refusal is Kafka's (ConfigDef).
pub fn validate(key: &ConfigKey, value: &str) -> Result<(), String> {
    let invalid = |shown: &str, what: String| {
        Err(format!("Invalid value {shown} for configuration {}: {what}", key.name))
    };
    match key.kind {
        ConfigType::Boolean => match value.trim().to_ascii_lowercase().as_str() {
            "true" | "false" => Ok(()),
            _ => invalid(value, "Expected value to be either true or false".into()),
        },
        ConfigType::String(allowed) if allowed.contains(&value) => Ok(()),
        ConfigType::String(allowed) => {
            invalid(value, format!("String must be one of: {}", allowed.join(", ")))
        }
        ConfigType::Int(..) if value.trim().parse::<i32>().is_err() => {
            invalid(value, "Not a number of type INT".into())
        }
        // gzip's default level is written -1 and lies below its range.
        ConfigType::Int(min, max) if key.name == "compression.gzip.level" => {
            match value.trim().parse::<i64>() {
                Ok(level) if (min..=max).contains(&level) || level == -1 => Ok(()),
                _ => invalid(value.trim(), format!("Value must be between {min} and {max} or equal to -1")),
            }
        }
        ConfigType::Int(min, max) | ConfigType::Long(min, max) => match value.trim().parse::<i64>() {
            Err(_) => invalid(value, "Not a number of type LONG".into()),
            Ok(number) if number < min => invalid(value.trim(), format!("Value must be at least {min}")),
            Ok(number) if number > max => invalid(value.trim(), format!("Value must be no more than {max}")),
            Ok(_) => Ok(()),
        },
        ConfigType::Double(min, max) => match value.trim().parse::<f64>() {
            Err(_) => invalid(value, "Not a number of type DOUBLE".into()),
            Ok(number) if number < min => {
                invalid(&java_double(number), format!("Value must be at least {min}"))
            }
            Ok(number) if number > max => {
                invalid(&java_double(number), format!("Value must be no more than {max}"))
            }
            Ok(_) => Ok(()),
        },
        ConfigType::List(_) if key.name.ends_with(".replication.throttled.replicas") => {
            let list: Vec<&str> = items(value).collect();
            if list == ["*"] || list.iter().all(|item| is_replica(item)) {
                return Ok(());
            }
            let what = "must be the literal '*' or a list of replicas in the following format: \
                        [partitionId]:[brokerId],[partitionId]:[brokerId],...";
            invalid(&format!("[{}]", list.join(", ")), format!("{} {what}", key.name))
        }
        ConfigType::List(allowed) => {
            match items(value).find(|item| !allowed.is_empty() && !allowed.contains(item)) {
                Some(item) => invalid(item, format!("String must be one of: {}", allowed.join(", "))),
                None => Ok(()),
            }
        }
    }
}

/// Checks what a topic's configs are together (LogConfig.validate); `value` gives those that are set. Each must be
/// valid by itself.
pub fn validate_together<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Result<(), String> {
    if value("remote.storage.enable").is_some_and(|text| text.trim().eq_ignore_ascii_case("true")) {
        let message = "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote \
                       log storage.";
        return Err(message.to_owned());
    }
    let number = |name: &str| -> i64 {
        let text = value(name).or_else(|| topic_config(name).map(|key| key.default));
        text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    };
    let (min, max) = (number("min.compaction.lag.ms"), number("max.compaction.lag.ms"));
    if min > max {
        return Err(format!(
            "conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})"
        ));
    }
    Ok(())
}

/// Whether a text is a partition and a broker, as in `0:1`.
fn is_replica(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(':').is_some_and(|(partition, broker)| number(partition) && number(broker))
}

/// Java writes a whole double with `.0`.
fn java_double(number: f64) -> String {
    format!("{number:?}")
}

/// The items of a list config.
pub fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_judged_with_kafkas_words() {
        for (name, value, want) in [
            (
                "retention.ms",
                "x",
                "Invalid value x for configuration retention.ms: Not a number of type LONG",
            ),
            (
                "retention.ms",
                "-2",
                "Invalid value -2 for configuration retention.ms: Value must be at least -1",
            ),
            ("retention.ms", "", "Invalid value  for configuration retention.ms: Not a number of type LONG"),
            ("retention.bytes", "-5", ""),
            (
                "segment.bytes",
                "13",
                "Invalid value 13 for configuration segment.bytes: Value must be at least 1048576",
            ),
            (
                "segment.bytes",
                "1.5",
                "Invalid value 1.5 for configuration segment.bytes: Not a number of type INT",
            ),
            (
                "cleanup.policy",
                "foo",
                "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete",
            ),
            ("cleanup.policy", "compact,delete", ""),
            (
                "compression.gzip.level",
                "77",
                "Invalid value 77 for configuration compression.gzip.level: Value must be between 1 and 9 or equal \
                 to -1",
            ),
            ("compression.gzip.level", "-1", ""),
            (
                "min.cleanable.dirty.ratio",
                "2",
                "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
            ),
            (
                "unclean.leader.election.enable",
                "maybe",
                "Invalid value maybe for configuration unclean.leader.election.enable: Expected value to be either \
                 true or false",
            ),
            (
                "message.timestamp.type",
                "foo",
                "Invalid value foo for configuration message.timestamp.type: String must be one of: CreateTime, \
                 LogAppendTime",
            ),
        ] {
            let key = topic_config(name).unwrap();
            assert_eq!(validate(key, value).err().unwrap_or_default(), want, "{name}={value}");
        }
    }
}
