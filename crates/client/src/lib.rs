//! Kafka's clients as state machines: what the Java clients are made of, under their names.
//!
//! A client is a part of a program (a command-line tool, a load). The program passes every
//! [`Input`](blumfeld_kernel::Input) on to `handle`, asks `next_timeout` when to come back, and gets what became of its
//! requests as plain values; nothing here waits or calls back.

pub mod admin;
mod backoff;
mod config;
pub mod consumer;
mod error;
mod metadata;
mod network_client;
mod offset_fetch;
pub mod producer;
mod serialization;

pub use backoff::ExponentialBackoff;
pub use config::{ClientConfig, ConfigError, parse_bootstrap};
pub use error::{ApiError, exception_name};
pub use metadata::{Broker, Metadata, MetadataIssue, PartitionMetadata, TopicMetadata};
pub use network_client::{Completed, NetworkClient, Outcome};
pub use serialization::{Serde, SerializationError};

use std::fmt;
use std::sync::Arc;

/// A partition of a topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Partition `partition` of `topic`.
    pub fn new(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition { topic: topic.into(), partition }
    }
}

/// `orders-0`
impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}
