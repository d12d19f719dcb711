//! The log cleaner of a broker, and what compaction makes of a log.

use serde::{Deserialize, Serialize};

/// The log cleaner of a broker.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CleanerView {
    /// The pass under way.
    pub running: Option<PassView>,
    /// The last pass that came to its end.
    pub last: Option<PassView>,
    /// Partitions that could not be cleaned, as `orders-0`: they are left alone until the broker starts anew.
    pub uncleanable: Vec<String>,
}

/// A pass over a log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassView {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Where it is: `indexing`, `cleaning`, `flushing`, `done`.
    pub phase: String,
    /// Where the dirty part begins.
    pub first_dirty: i64,
    /// What is at or above cannot be cleaned yet.
    pub first_uncleanable: i64,
    /// Up to where the offset map knows every key.
    pub mapped_to: i64,
    /// Keys in the offset map.
    pub map_keys: u64,
    /// Keys that the offset map has room for.
    pub map_capacity: u64,
    /// Bytes that it is to read to clean.
    pub total_bytes: u64,
    /// Bytes read to be cleaned.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Records that stayed.
    pub kept: u64,
    /// Records whose key has a later one.
    pub superseded: u64,
    /// Tombstones whose time was over.
    pub tombstones: u64,
    /// Records of aborted transactions.
    pub aborted: u64,
    /// Markers of transactions that nothing is left of.
    pub markers: u64,
}

/// What compaction makes of a log, record by record. What a pass would do now is what one over a copy of the log did.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactionView {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The broker whose log this is: the leader, if it runs.
    pub broker: i32,
    /// First offset of the log.
    pub log_start: i64,
    /// Up to here it was cleaned.
    pub first_dirty: i64,
    /// What is at or above cannot be cleaned yet: the active segment, or what is too young or not stable.
    pub first_uncleanable: i64,
    /// Log end offset.
    pub log_end: i64,
    /// How much of it is dirty, 0 to 1.
    pub dirty_ratio: f64,
    /// From which on it is cleaned: `min.cleanable.dirty.ratio`.
    pub min_ratio: f64,
    /// The records of a window, oldest first, those that are gone included.
    pub records: Vec<CompactedView>,
    /// The window's first offset.
    pub from: i64,
    /// The offset after the window.
    pub to: i64,
    /// Whether what a pass would do is not known: the log is too large to try it.
    pub untried: bool,
}

/// What becomes of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is gone: a pass took it.
    Gone,
    /// The next pass keeps it, or it lies where none goes.
    Stays,
    /// The next pass takes it: its key has a later record.
    Superseded,
    /// The next pass takes it: a tombstone whose time is over, a record of an aborted transaction, a marker of one that
    /// nothing is left of.
    Expired,
}

/// A record, or the place of one that is gone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactedView {
    /// Its offset.
    pub offset: i64,
    /// Its key, as text; nothing for a control record or one that is gone.
    pub key: Option<String>,
    /// Whether it is a tombstone: it has no value.
    pub tombstone: bool,
    /// Whether it is a marker of a transaction, or a record of an aborted one.
    pub control: bool,
    /// What becomes of it.
    pub fate: Fate,
}
