//! The broker configs of Kafka 4.3 that can change while a broker runs.

use crate::topic_config::{ConfigKey, ConfigType};

const INT: ConfigType = ConfigType::Int(0, i32::MAX as i64);
const POSITIVE_INT: ConfigType = ConfigType::Int(1, i32::MAX as i64);
const LONG: ConfigType = ConfigType::Long(0, i64::MAX);
const POSITIVE_LONG: ConfigType = ConfigType::Long(1, i64::MAX);
const ANY_LONG: ConfigType = ConfigType::Long(i64::MIN, i64::MAX);
const FROM_MINUS_TWO: ConfigType = ConfigType::Long(-2, i64::MAX);

const fn key(name: &'static str, kind: ConfigType, default: &'static str) -> ConfigKey {
    ConfigKey { name, kind, default, synonym: name }
}

/// A config without a default of its own: that of a coarser config stands in for it.
const fn alias(
    name: &'static str,
    kind: ConfigType,
    synonym: &'static str,
    default: &'static str,
) -> ConfigKey {
    ConfigKey { name, kind, default, synonym }
}

/// A limit that is shown only where it is set.
const fn quota(name: &'static str, kind: ConfigType) -> ConfigKey {
    ConfigKey { name, kind, default: "", synonym: "" }
}

/// Those that can be set while brokers run, for one or for the cluster, in the order in which Kafka lists them. The
/// synonym is the config that the default comes from; empty where there is none.
pub const DYNAMIC: [ConfigKey; 62] = [
    key("log.cleaner.min.compaction.lag.ms", LONG, "0"),
    key("log.flush.interval.messages", POSITIVE_LONG, "9223372036854775807"),
    alias("log.flush.interval.ms", ANY_LONG, "log.flush.scheduler.interval.ms", "9223372036854775807"),
    key("min.insync.replicas", POSITIVE_INT, "1"),
    key("num.recovery.threads.per.data.dir", POSITIVE_INT, "2"),
    key("message.max.bytes", INT, "1048588"),
    key("remote.log.manager.fetch.max.bytes.per.second", POSITIVE_LONG, "9223372036854775807"),
    key("max.connection.creation.rate", INT, "2147483647"),
    key("num.replica.fetchers", POSITIVE_INT, "1"),
    key("log.cleaner.delete.retention.ms", LONG, "86400000"),
    key("log.cleaner.threads", INT, "1"),
    key("log.message.timestamp.type", ConfigType::String(&["CreateTime", "LogAppendTime"]), "CreateTime"),
    key("max.connections", INT, "2147483647"),
    key("producer.id.expiration.ms", POSITIVE_INT, "86400000"),
    alias("log.roll.ms", ANY_LONG, "log.roll.hours", "168"),
    key("remote.log.manager.copy.max.bytes.per.second", POSITIVE_LONG, "9223372036854775807"),
    key("group.consumer.assignment.interval.ms", INT, "1000"),
    key("remote.fetch.max.wait.ms", POSITIVE_INT, "500"),
    key("log.local.retention.ms", FROM_MINUS_TWO, "-2"),
    key("remote.log.reader.threads", POSITIVE_INT, "10"),
    key("follower.fetch.last.tiered.offset.enable", ConfigType::Boolean, "false"),
    key("transaction.partition.verification.enable", ConfigType::Boolean, "true"),
    key("max.connections.per.ip", INT, "2147483647"),
    key("background.threads", POSITIVE_INT, "10"),
    key("remote.log.index.file.cache.total.size.bytes", POSITIVE_LONG, "1073741824"),
    key("log.segment.bytes", ConfigType::Int(1_048_576, i32::MAX as i64), "1073741824"),
    key("log.message.timestamp.after.max.ms", LONG, "3600000"),
    key("log.segment.delete.delay.ms", LONG, "60000"),
    key("log.message.timestamp.before.max.ms", LONG, "9223372036854775807"),
    key("remote.log.manager.copier.thread.pool.size", POSITIVE_INT, "10"),
    key(
        "log.cleaner.io.max.bytes.per.second",
        ConfigType::Double(f64::MIN, f64::MAX),
        "1.7976931348623157E308",
    ),
    key("log.cleaner.min.cleanable.ratio", ConfigType::Double(0.0, 1.0), "0.5"),
    key("num.network.threads", POSITIVE_INT, "3"),
    key("compression.gzip.level", ConfigType::Int(1, 9), "-1"),
    key("unclean.leader.election.enable", ConfigType::Boolean, "false"),
    key("group.share.assignment.interval.ms", INT, "1000"),
    key("log.preallocate", ConfigType::Boolean, "false"),
    key("num.io.threads", POSITIVE_INT, "8"),
    key("log.cleaner.max.compaction.lag.ms", POSITIVE_LONG, "9223372036854775807"),
    alias("log.retention.ms", ANY_LONG, "log.retention.hours", "168"),
    key("group.streams.assignment.interval.ms", INT, "1000"),
    key("log.local.retention.bytes", FROM_MINUS_TWO, "-2"),
    key("log.retention.bytes", ANY_LONG, "-1"),
    key("compression.zstd.level", ConfigType::Int(-131_072, 22), "3"),
    key("remote.log.manager.expiration.thread.pool.size", POSITIVE_INT, "10"),
    key("log.index.size.max.bytes", ConfigType::Int(4, i32::MAX as i64), "10485760"),
    key("share.coordinator.cached.buffer.max.bytes", ConfigType::Int(524_288, i32::MAX as i64), "1048588"),
    key("log.cleaner.dedupe.buffer.size", ANY_LONG, "134217728"),
    key("log.cleaner.io.buffer.size", INT, "524288"),
    key("compression.lz4.level", ConfigType::Int(1, 17), "9"),
    key("log.cleanup.policy", ConfigType::List(&["compact", "delete"]), "delete"),
    alias("log.roll.jitter.ms", ANY_LONG, "log.roll.jitter.hours", "0"),
    key("log.index.interval.bytes", INT, "4096"),
    key("log.cleaner.backoff.ms", LONG, "15000"),
    key(
        "compression.type",
        ConfigType::String(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        "producer",
    ),
    key("remote.log.manager.follower.thread.pool.size", POSITIVE_INT, "2"),
    key("remote.list.offsets.request.timeout.ms", POSITIVE_LONG, "30000"),
    key("log.cleaner.io.buffer.load.factor", ConfigType::Double(f64::MIN, f64::MAX), "0.9"),
    key("group.coordinator.cached.buffer.max.bytes", ConfigType::Int(524_288, i32::MAX as i64), "1048588"),
    quota("leader.replication.throttled.rate", LONG),
    quota("follower.replication.throttled.rate", LONG),
    quota("replica.alter.log.dirs.io.max.bytes.per.second", LONG),
];
