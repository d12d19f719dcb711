//! What the message browser shows: batches, their records, their bytes.

use serde::{Deserialize, Serialize};

/// The batches of a partition around an offset.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrowseView {
    /// Topic name.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
    /// Batches in the order of their offsets.
    pub batches: Vec<BatchView>,
    /// The offset to ask for next, if there are more.
    pub next_offset: Option<i64>,
    /// The offset to ask for to see the batches before these, if there are any.
    pub previous_offset: Option<i64>,
}

/// A batch, without its records.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchView {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Offset of its last record.
    pub last_offset: i64,
    /// Base offset of the segment that it is in.
    pub segment: i64,
    /// Where it begins in the segment's `.log`.
    pub position: u64,
    /// Its length with the header.
    pub size: u32,
    /// Records in it.
    pub records: u32,
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub compression: String,
    /// Largest timestamp, milliseconds since 1970-01-01 UTC.
    pub max_timestamp: f64,
    /// Whether a power cut would leave it.
    pub durable: bool,
}

/// A field of the batch header, and where it stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldView {
    /// Kafka's name of it: `partitionLeaderEpoch`.
    pub name: String,
    /// Its value, as text.
    pub value: String,
    /// First byte of it in the batch.
    pub from: u32,
    /// The byte after its last.
    pub to: u32,
}

/// A record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordView {
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: f64,
    /// Its key, if it has one; cut after 4 KiB.
    pub key: Option<serde_bytes::ByteBuf>,
    /// Its value, if it has one; cut after 4 KiB.
    pub value: Option<serde_bytes::ByteBuf>,
    /// Whole length of the key, -1 if it has none.
    pub key_size: i32,
    /// Whole length of the value, -1 if it has none.
    pub value_size: i32,
    /// Headers in order, with duplicates.
    pub headers: Vec<(String, Option<serde_bytes::ByteBuf>)>,
    /// Where it begins in the batch's bytes; absent when the batch is compressed.
    pub from: Option<u32>,
    /// The byte after its last; absent when the batch is compressed.
    pub to: Option<u32>,
}

/// A batch with its records and bytes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchDetail {
    /// Topic name.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
    /// The batch.
    pub batch: BatchView,
    /// The fields of its header, in the order of their bytes.
    pub fields: Vec<FieldView>,
    /// Its records, at most 1000.
    pub records: Vec<RecordView>,
    /// Its bytes, at most 64 KiB.
    pub bytes: serde_bytes::ByteBuf,
    /// What was wrong with it, if anything.
    pub error: Option<String>,
}
