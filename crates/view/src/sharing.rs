//! A session as others can do it again.

use serde::{Deserialize, Serialize};

/// A line of the console, and when it was run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedDeed {
    /// Virtual microseconds.
    pub at: u64,
    /// Events that the world had handled; nothing where that is not known.
    pub events: Option<u64>,
    /// The line.
    pub line: String,
}

/// What was done to the cluster since it began.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedView {
    /// The cluster's seed.
    pub seed: u64,
    /// Brokers at its beginning.
    pub brokers: i32,
    /// Its lines, oldest first.
    pub deeds: Vec<SharedDeed>,
    /// The moment that is shown, in virtual microseconds.
    pub now: u64,
    /// Deeds that are no lines and cannot be shared: what was typed into a tool, dropped files.
    pub left_out: u32,
    /// Whether it can be done again from its beginning: not if the cluster was opened from storage, or the beginning is
    /// not kept any more.
    pub whole: bool,
}
