//! Two runs of the same seed next to each other.

use serde::{Deserialize, Serialize};

/// What differs between the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Batches fetched and records polled one at a time, or many.
    Fetch,
    /// `acks=1` or `acks=all`.
    Acks,
    /// `linger.ms` 0 or 20, with a `batch.size` to match.
    Linger,
    /// One consumer of a group or three.
    Consumers,
}

impl Preset {
    /// All, in their order.
    pub const ALL: [Preset; 4] = [Preset::Fetch, Preset::Acks, Preset::Linger, Preset::Consumers];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Acks => "acks",
            Self::Linger => "linger",
            Self::Consumers => "consumers",
        }
    }
}

/// How far a comparison is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum CompareUpdate {
    /// It goes on.
    Progress {
        /// What is compared.
        preset: Preset,
        /// Thousandths of it that are done.
        done: u32,
    },
    /// It is over.
    Done(Box<CompareView>),
    /// It was stopped.
    Stopped,
    /// It could not be made; the sentence says why, in English.
    Failed(String),
}

/// What came of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompareView {
    /// What was compared.
    pub preset: Preset,
    /// The seed of both.
    pub seed: u64,
    /// Virtual seconds that were measured.
    pub seconds: u32,
    /// The two.
    pub sides: [CompareSide; 2],
}

/// One of the two: what was run, and what was measured, in virtual time.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompareSide {
    /// The lines that are not those of the other side.
    pub lines: Vec<String>,
    /// The words of them that make the difference.
    pub marks: Vec<String>,
    /// Records that were acknowledged.
    pub written: u64,
    /// Records that consumers' programs were given.
    pub read: u64,
    /// Records that the group had not read at the end.
    pub behind: u64,
    /// Half of the records were acknowledged within so many microseconds after `send`.
    pub median_us: Option<u64>,
    /// 99 of 100 were.
    pub percentile99_us: Option<u64>,
    /// Requests of clients, by Kafka's name of the API.
    pub requests: Vec<(String, u64)>,
    /// Bytes between clients and brokers, in both directions.
    pub client_bytes: u64,
    /// Bytes between brokers.
    pub broker_bytes: u64,
    /// Batches that producers sent.
    pub batches: u64,
    /// Records in them.
    pub batch_records: u64,
    /// Their bytes, before compression.
    pub batch_bytes: u64,
}

impl CompareSide {
    /// Requests of an API.
    pub fn of_api(&self, api: &str) -> u64 {
        self.requests.iter().find(|(name, _)| name == api).map_or(0, |(_, count)| *count)
    }
}
