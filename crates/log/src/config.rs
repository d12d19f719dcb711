//! The topic configs that a log obeys (org.apache.kafka.storage.internals.log.LogConfig).

use blumfeld_protocol::record_batch::TimestampType;
use blumfeld_protocol::{Compression, CompressionLevels};

/// What happens to old segments (`cleanup.policy`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CleanupPolicy {
    /// They are deleted.
    pub delete: bool,
    /// They are compacted by key.
    pub compact: bool,
}

/// The configs of one log, with Kafka's names and defaults.
#[derive(Clone, PartialEq, Debug)]
pub struct LogConfig {
    /// `segment.bytes`: a segment's `.log` grows no larger, in bytes.
    pub segment_bytes: u32,
    /// `segment.ms`: after so long a segment is closed even if it is not full, in milliseconds.
    pub segment_ms: i64,
    /// `segment.index.bytes`: an index grows no larger, in bytes.
    pub segment_index_bytes: u32,
    /// `index.interval.bytes`: so many bytes of batches between two index entries.
    pub index_interval_bytes: u32,
    /// `retention.ms`: older segments are deleted; -1 for never. In milliseconds.
    pub retention_ms: i64,
    /// `retention.bytes`: a larger log loses its oldest segments; -1 for no limit.
    pub retention_bytes: i64,
    /// `file.delete.delay.ms`: so long a deleted file stays under its `.deleted` name.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`: so many records are appended before a flush is forced.
    pub flush_messages: i64,
    /// `flush.ms`: so long a record waits for a flush, in milliseconds.
    pub flush_ms: i64,
    /// `max.message.bytes`: the largest batch, in bytes.
    pub max_message_bytes: u32,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: so far before the broker's clock a timestamp may be.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: so far after the broker's clock a timestamp may be.
    pub timestamp_after_max_ms: i64,
    /// `compression.type`; `None` is `producer`: keep what the producer chose.
    pub compression: Option<Compression>,
    /// `compression.gzip.level` and its like, for batches that the broker recompresses.
    pub compression_levels: CompressionLevels,
    /// `cleanup.policy`.
    pub cleanup: CleanupPolicy,
    /// `min.cleanable.dirty.ratio`: so much of the log has to be dirty before it is compacted.
    pub min_cleanable_ratio: f64,
    /// `min.compaction.lag.ms`: so long a record stays as it is, in milliseconds.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: after so long a record is compacted whatever the ratio, in milliseconds.
    pub max_compaction_lag_ms: i64,
    /// `delete.retention.ms`: so long a tombstone stays after it was first compacted, in milliseconds.
    pub delete_retention_ms: i64,
}

impl Default for LogConfig {
    fn default() -> LogConfig {
        const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
        LogConfig {
            segment_bytes: 1024 * 1024 * 1024,
            segment_ms: WEEK_MS,
            segment_index_bytes: 10 * 1024 * 1024,
            index_interval_bytes: 4096,
            retention_ms: WEEK_MS,
            retention_bytes: -1,
            file_delete_delay_ms: 60_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            max_message_bytes: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compression: None,
            compression_levels: CompressionLevels::default(),
            cleanup: CleanupPolicy { delete: true, compact: false },
            min_cleanable_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            delete_retention_ms: 24 * 60 * 60 * 1_000,
        }
    }
}
