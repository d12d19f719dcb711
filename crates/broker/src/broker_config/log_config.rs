//! The configs of a log, from what is set on its topic and below it.

use std::collections::BTreeMap;

use blumfeld_log::{CleanupPolicy, LogConfig};
use blumfeld_protocol::record_batch::TimestampType;
use blumfeld_protocol::{Compression, CompressionLevels};

use super::DynamicConfigs;
use crate::topic_config::{items, topic_config};

/// The configs of a log: what was set on its topic (validated before), on its broker and for the cluster, Kafka's
/// defaults.
pub fn log_config(topic: &BTreeMap<String, String>, broker: &DynamicConfigs) -> LogConfig {
    let text = |name: &str| {
        let key = topic_config(name);
        let synonym = key.map_or("", |key| key.synonym);
        (topic.get(name).map(String::as_str).or_else(|| broker.get(synonym)))
            .or(key.map(|key| key.default))
            .unwrap_or_default()
    };
    let long = |name: &str| text(name).trim().parse::<i64>().unwrap_or_default();
    let int = |name: &str| u32::try_from(long(name)).unwrap_or(u32::MAX);
    let double = |name: &str| text(name).trim().parse::<f64>().unwrap_or_default();
    let level = |name: &str| i32::try_from(long(name)).unwrap_or_default();
    let policy: Vec<&str> = items(text("cleanup.policy")).collect();
    LogConfig {
        segment_bytes: int("segment.bytes"),
        segment_ms: long("segment.ms"),
        segment_index_bytes: int("segment.index.bytes"),
        index_interval_bytes: int("index.interval.bytes"),
        retention_ms: long("retention.ms"),
        retention_bytes: long("retention.bytes"),
        file_delete_delay_ms: long("file.delete.delay.ms"),
        flush_messages: long("flush.messages"),
        flush_ms: long("flush.ms"),
        max_message_bytes: int("max.message.bytes"),
        timestamp_type: match text("message.timestamp.type") {
            "LogAppendTime" => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        },
        timestamp_before_max_ms: long("message.timestamp.before.max.ms"),
        timestamp_after_max_ms: long("message.timestamp.after.max.ms"),
        compression: match text("compression.type") {
            "uncompressed" => Some(Compression::None),
            name => name.parse().ok(),
        },
        compression_levels: CompressionLevels {
            gzip: level("compression.gzip.level"),
            lz4: level("compression.lz4.level"),
            zstd: level("compression.zstd.level"),
        },
        cleanup: CleanupPolicy { delete: policy.contains(&"delete"), compact: policy.contains(&"compact") },
        min_cleanable_ratio: double("min.cleanable.dirty.ratio"),
        min_compaction_lag_ms: long("min.compaction.lag.ms"),
        max_compaction_lag_ms: long("max.compaction.lag.ms"),
        delete_retention_ms: long("delete.retention.ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic_config::{TOPIC_CONFIGS, validate};

    #[test]
    fn every_default_is_valid_and_the_logs_default() {
        for key in &TOPIC_CONFIGS {
            assert_eq!(validate(key, key.default), Ok(()), "{}", key.name);
        }
        assert_eq!(log_config(&BTreeMap::new(), &DynamicConfigs::default()), LogConfig::default());
    }

    #[test]
    fn levels_of_compression_come_from_the_topic_and_else_from_the_broker() {
        let configs = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let topic = configs(&[("compression.gzip.level", "9")]);
        let broker = configs(&[("compression.gzip.level", "1"), ("compression.zstd.level", "-5")]);
        let broker = DynamicConfigs { broker, ..DynamicConfigs::default() };
        let levels = log_config(&topic, &broker).compression_levels;
        assert_eq!(levels, CompressionLevels { gzip: 9, lz4: 9, zstd: -5 });
    }
}
