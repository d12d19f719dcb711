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
    /// Where the log began when they were read.
    pub log_start: i64,
    /// Where it ended then: the offset that the next record gets.
    pub log_end: i64,
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
    /// What it says, where it is one of Kafka's own.
    #[serde(default)]
    pub meaning: Option<Box<MeaningView>>,
}

/// What a record of an internal topic says, in the fields of Kafka's schemas.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeaningView {
    /// The key's schema and version: `OffsetCommitKey v1`.
    pub key_schema: String,
    /// The key's fields: Kafka's names, and values as text.
    pub key: Vec<(String, String)>,
    /// The value's schema and version: `OffsetCommitValue v4`; absent for a tombstone.
    pub value_schema: Option<String>,
    /// The value's fields.
    pub value: Vec<(String, String)>,
    /// The fields of each member of a group.
    pub members: Vec<Vec<(String, String)>>,
    /// Why the bytes cannot be read so.
    pub error: Option<String>,
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
    /// Of its records those that are shown, at most 1000.
    pub records: Vec<RecordView>,
    /// How many of its records stand before them.
    #[serde(default)]
    pub skipped: u32,
    /// Its bytes, at most 64 KiB.
    pub bytes: serde_bytes::ByteBuf,
    /// What was wrong with it, if anything.
    pub error: Option<String>,
}

/// In which order records are looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SearchOrder {
    /// The newest record first.
    #[default]
    Newest,
    /// The oldest one first.
    Oldest,
    /// As they become readable, from the offsets of `from` on: below the high watermark. Without any, from it on.
    Arriving,
}

/// Which records of a topic are looked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchQuery {
    /// A number that the page chose; the answer carries it.
    pub id: u32,
    /// Topic name.
    pub topic: String,
    /// One partition of it alone.
    pub partition: Option<i32>,
    /// What a record must fulfil, in the language of filters; empty for all.
    pub filter: String,
    /// How far the reader's clocks are before UTC, in minutes, for times in the filter.
    pub zone_minutes: i32,
    /// In which order.
    pub order: SearchOrder,
    /// At most so many records in an answer, 1 to 500.
    pub limit: u32,
    /// Where to go on: partitions and offsets, as the answer before said.
    pub from: Vec<(i32, i64)>,
}

/// A record that was found.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundRecord {
    /// Its partition.
    pub partition: i32,
    /// The record, with key and value cut after 256 bytes.
    pub record: RecordView,
}

/// Records that were found by one look at a topic, which is short.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchView {
    /// The question's number.
    pub id: u32,
    /// What was found, in the order that was asked for.
    pub found: Vec<FoundRecord>,
    /// Records that were looked at.
    pub looked: u64,
    /// Records that arrived too fast to be looked at, and those that were gone before that.
    pub left_out: u64,
    /// Where to go on: each partition with an offset that may have more behind it, or before it if the
    /// newest come first.
    pub from: Vec<(i32, i64)>,
    /// Whether there may be more now.
    pub more: bool,
    /// Offsets that are still to be looked at.
    pub left: u64,
    /// Partitions whose log nobody who runs has.
    pub unread: Vec<i32>,
    /// Batches that cannot be read: the sentence names the first.
    pub error: Option<String>,
}

/// The first record of a partition that is not older than a moment (ListOffsets).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MomentView {
    /// Topic name.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
    /// The moment, in milliseconds since 1970-01-01 UTC.
    pub moment: f64,
    /// Its offset and timestamp; absent if every record is older.
    pub found: Option<(i64, f64)>,
    /// The newest record that can be read: its offset and timestamp; absent if there is none.
    pub newest: Option<(i64, f64)>,
}
