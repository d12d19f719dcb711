//! Settings of a consumer (org.apache.kafka.clients.consumer.ConsumerConfig).

use super::Assignor;
use crate::ClientConfig;

/// `isolation.level`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IsolationLevel {
    /// Everything up to the high watermark.
    #[default]
    ReadUncommitted,
    /// Without aborted and open transactions.
    ReadCommitted,
}

impl IsolationLevel {
    /// The number in requests.
    pub const fn id(self) -> i8 {
        self as i8
    }

    /// The level of Kafka's name.
    pub fn parse(text: &str) -> Option<IsolationLevel> {
        match text {
            "read_uncommitted" => Some(Self::ReadUncommitted),
            "read_committed" => Some(Self::ReadCommitted),
            _ => None,
        }
    }
}

/// `auto.offset.reset`: where to begin without a position, or with one that the log no longer has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OffsetReset {
    /// At the log start.
    Earliest,
    /// At the end.
    #[default]
    Latest,
    /// Nowhere: it is an error.
    None,
    /// At the first record of the last so many milliseconds (KIP-1106).
    ByDuration(
        /// How many.
        i64,
    ),
}

/// Settings of a consumer. Defaults are those of Kafka 4.x.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerConfig {
    /// What all clients have.
    pub client: ClientConfig,
    /// `auto.offset.reset`
    pub auto_offset_reset: OffsetReset,
    /// `isolation.level`
    pub isolation_level: IsolationLevel,
    /// `fetch.min.bytes`
    pub fetch_min_bytes: i32,
    /// `fetch.max.bytes`
    pub fetch_max_bytes: i32,
    /// `fetch.max.wait.ms`
    pub fetch_max_wait_ms: i32,
    /// `max.partition.fetch.bytes`
    pub max_partition_fetch_bytes: i32,
    /// `max.poll.records`
    pub max_poll_records: usize,
    /// `allow.auto.create.topics`
    pub allow_auto_create_topics: bool,
    /// `group.id`
    pub group_id: Option<String>,
    /// `group.instance.id`: a static member (KIP-345).
    pub group_instance_id: Option<String>,
    /// `client.rack`; empty for none.
    pub client_rack: String,
    /// `session.timeout.ms`
    pub session_timeout_ms: i32,
    /// `heartbeat.interval.ms`
    pub heartbeat_interval_ms: i64,
    /// `max.poll.interval.ms`
    pub max_poll_interval_ms: i32,
    /// `enable.auto.commit`; without a group nothing is committed.
    pub enable_auto_commit: bool,
    /// `auto.commit.interval.ms`
    pub auto_commit_interval_ms: i64,
    /// `partition.assignment.strategy`
    pub assignors: Vec<Assignor>,
    /// `exclude.internal.topics`
    pub exclude_internal_topics: bool,
}

impl ConsumerConfig {
    /// Kafka's defaults.
    pub fn new(client: ClientConfig) -> ConsumerConfig {
        ConsumerConfig {
            client,
            auto_offset_reset: OffsetReset::Latest,
            isolation_level: IsolationLevel::ReadUncommitted,
            fetch_min_bytes: 1,
            fetch_max_bytes: 50 * 1024 * 1024,
            fetch_max_wait_ms: 500,
            max_partition_fetch_bytes: 1024 * 1024,
            max_poll_records: 500,
            allow_auto_create_topics: true,
            group_id: None,
            group_instance_id: None,
            client_rack: String::new(),
            session_timeout_ms: 45_000,
            heartbeat_interval_ms: 3_000,
            max_poll_interval_ms: 300_000,
            enable_auto_commit: true,
            auto_commit_interval_ms: 5_000,
            assignors: vec![Assignor::Range, Assignor::CooperativeSticky],
            exclude_internal_topics: true,
        }
    }

    /// Whether offsets are committed by themselves.
    pub(super) fn auto_commits(&self) -> bool {
        self.enable_auto_commit && self.group_id.is_some()
    }
}
