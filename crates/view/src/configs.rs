//! Configs, as a broker describes them.

use serde::{Deserialize, Serialize};

/// What configs are of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigResource {
    /// A topic by name.
    Topic(String),
    /// A broker by id.
    Broker(i32),
    /// What counts for all brokers that have nothing else.
    Brokers,
}

/// A value that a config would have, and where it comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigSynonymView {
    /// The name under which it is set: a topic's `retention.ms` is a broker's `log.retention.ms`.
    pub name: String,
    /// The value; none for one that is kept back.
    pub value: Option<String>,
    /// Where it comes from, as Kafka names it: `DYNAMIC_TOPIC_CONFIG`.
    pub source: String,
}

/// A config (DescribeConfigs).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigView {
    /// Its name.
    pub name: String,
    /// Its value; none for one that has none, or is kept back.
    pub value: Option<String>,
    /// Where the value comes from, as Kafka names it: `DEFAULT_CONFIG`.
    pub source: String,
    /// Its type, as Kafka names it: `LONG`.
    pub kind: String,
    /// Whether it is fixed while the broker runs.
    pub read_only: bool,
    /// Whether its value is kept back.
    pub sensitive: bool,
    /// All values that it could have, in the order in which Kafka looks for one.
    pub synonyms: Vec<ConfigSynonymView>,
}

/// The configs of something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigsView {
    /// What they are of.
    pub resource: ConfigResource,
    /// The broker that answered; -1 if there was none.
    pub broker: i32,
    /// The configs by name; empty with an error.
    pub configs: Vec<ConfigView>,
    /// Why there are none: Kafka's error with its message, `UNKNOWN_TOPIC_OR_PARTITION`; empty if there are.
    pub error: String,
}
