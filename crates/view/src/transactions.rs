//! Transactions: as their coordinators know them, and as they stand in the logs.

use serde::{Deserialize, Serialize};

/// A transactional id as its coordinator knows it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionView {
    /// `transactional.id`
    pub id: String,
    /// Kafka's name of its state: `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit`,
    /// `CompleteAbort`, `Dead`, `PrepareEpochFence`.
    pub state: String,
    /// The `node.id` of the broker that coordinates it.
    pub coordinator: i32,
    /// The producer id that it has.
    pub producer_id: i64,
    /// The epoch of the producer that may write; -1 for none yet.
    pub producer_epoch: i16,
    /// `transaction.timeout.ms`
    pub timeout_ms: i32,
    /// When the transaction began, in milliseconds since 1970-01-01 UTC; -1 without one.
    pub start_ms: f64,
    /// When its state last changed, in milliseconds since 1970-01-01 UTC.
    pub last_update_ms: f64,
    /// The partitions of the transaction, by topic and number.
    pub partitions: Vec<TransactionPartitionView>,
}

/// A partition of a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionPartitionView {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Whether it has its marker: it can be so only once the end is decided.
    pub marked: bool,
}

/// A transaction that is open in a log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenTransactionView {
    /// Whose.
    pub producer_id: i64,
    /// The epoch of that.
    pub producer_epoch: i16,
    /// Offset of its first record.
    pub first_offset: i64,
}

/// A transaction that was aborted, as a log's `.txnindex` has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AbortedTransactionView {
    /// Whose.
    pub producer_id: i64,
    /// Offset of its first record.
    pub first_offset: i64,
    /// Offset of its marker.
    pub last_offset: i64,
}
