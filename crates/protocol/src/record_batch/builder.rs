//! Building batches, byte for byte as Kafka's clients do (MemoryRecordsBuilder, DefaultRecord).

use bytes::Bytes;

use super::{Batch, CRC_FROM, HEADER_LEN, Header, TimestampType};
use crate::varint::{put_i32, put_i64, size_i32, size_i64};
use crate::{Compression, CompressionLevels};

/// What a batch carries besides its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchOptions {
    /// Offset of the first record; a producer leaves it 0 and the broker sets it.
    pub base_offset: i64,
    /// Epoch of the leader; a producer leaves it -1 and the broker sets it.
    pub partition_leader_epoch: i32,
    /// How the records are compressed.
    pub compression: Compression,
    /// How hard the compression tries.
    pub compression_levels: CompressionLevels,
    /// Whose clock the timestamps are.
    pub timestamp_type: TimestampType,
    /// Idempotent producer's id, or -1.
    pub producer_id: i64,
    /// Idempotent producer's epoch, or -1.
    pub producer_epoch: i16,
    /// Sequence number of the first record, or -1.
    pub base_sequence: i32,
    /// Whether it belongs to a transaction.
    pub transactional: bool,
    /// Whether it is a control batch.
    pub control: bool,
}

impl Default for BatchOptions {
    fn default() -> BatchOptions {
        BatchOptions {
            base_offset: 0,
            partition_leader_epoch: -1,
            compression: Compression::None,
            compression_levels: CompressionLevels::default(),
            timestamp_type: TimestampType::CreateTime,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            transactional: false,
            control: false,
        }
    }
}

/// A batch being filled.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    options: BatchOptions,
    records: Vec<u8>,
    count: i32,
    base_timestamp: i64,
    max_timestamp: i64,
}

impl BatchBuilder {
    /// An empty one.
    pub fn new(options: BatchOptions) -> BatchBuilder {
        Self::with_capacity(options, 0)
    }

    /// An empty one with room for so many bytes of records.
    pub fn with_capacity(options: BatchOptions, bytes: usize) -> BatchBuilder {
        BatchBuilder {
            options,
            records: Vec::with_capacity(bytes),
            count: 0,
            base_timestamp: -1,
            max_timestamp: -1,
        }
    }

    /// Adds a record; its offset is one more than the last one's.
    pub fn append(&mut self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header]) {
        if self.count == 0 {
            self.base_timestamp = timestamp;
            self.max_timestamp = timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let timestamp_delta = timestamp.wrapping_sub(self.base_timestamp);
        let body = body_size(timestamp_delta, self.count, key, value, headers);
        let out = &mut self.records;
        put_i32(out, int(body));
        out.push(0);
        put_i64(out, timestamp_delta);
        put_i32(out, self.count);
        put_nullable(out, key);
        put_nullable(out, value);
        put_i32(out, int(headers.len()));
        for header in headers {
            put_nullable(out, Some(&header.key));
            put_nullable(out, header.value.as_deref());
        }
        self.count += 1;
    }

    /// Records so far.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// Whether it has no records.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes so far, header included and before compression.
    pub fn size(&self) -> usize {
        HEADER_LEN + self.records.len()
    }

    /// Bytes that one more record would add, before compression.
    pub fn record_size(
        &self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header],
    ) -> usize {
        let base = if self.count == 0 { timestamp } else { self.base_timestamp };
        let body = body_size(timestamp.wrapping_sub(base), self.count, key, value, headers);
        size_i32(int(body)) + body
    }

    /// Changes the producer's id, epoch and sequence: known only when the batch is sent.
    pub fn set_producer(&mut self, id: i64, epoch: i16, base_sequence: i32) {
        self.options.producer_id = id;
        self.options.producer_epoch = epoch;
        self.options.base_sequence = base_sequence;
    }

    /// The finished batch, compressed and with its checksum.
    pub fn build(&self) -> Batch {
        let options = &self.options;
        let compressed;
        let payload = match options.compression {
            Compression::None => &self.records,
            codec => {
                compressed = codec.compress_at(&self.records, options.compression_levels);
                &compressed
            }
        };
        let attributes = options.compression.id()
            | if options.timestamp_type == TimestampType::LogAppendTime { 0b1000 } else { 0 }
            | if options.transactional { 0b1_0000 } else { 0 }
            | if options.control { 0b10_0000 } else { 0 };
        let mut out = Vec::with_capacity(HEADER_LEN + payload.len());
        out.extend(options.base_offset.to_be_bytes());
        out.extend(int(HEADER_LEN - super::LENGTH_PREFIX + payload.len()).to_be_bytes());
        out.extend(options.partition_leader_epoch.to_be_bytes());
        out.push(2);
        out.extend([0; 4]);
        out.extend(attributes.to_be_bytes());
        out.extend((self.count - 1).to_be_bytes());
        out.extend(self.base_timestamp.to_be_bytes());
        out.extend(self.max_timestamp.to_be_bytes());
        out.extend(options.producer_id.to_be_bytes());
        out.extend(options.producer_epoch.to_be_bytes());
        out.extend(options.base_sequence.to_be_bytes());
        out.extend(self.count.to_be_bytes());
        out.extend(payload);
        let crc = super::checksum(&out[CRC_FROM..]);
        out[17..21].copy_from_slice(&crc.to_be_bytes());
        Batch { bytes: Bytes::from(out) }
    }
}

/// Upper bound of what a record takes in a batch of its own, in bytes (AbstractRecords.estimateSizeInBytesUpperBound).
pub fn record_size(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header]) -> usize {
    // Kafka's DefaultRecord.MAX_RECORD_OVERHEAD: length, attributes, timestamp delta and offset delta at their longest.
    const MAX_OVERHEAD: usize = 21;
    HEADER_LEN + MAX_OVERHEAD + parts_size(key, value, headers)
}

pub(super) fn body_size(
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header],
) -> usize {
    1 + size_i64(timestamp_delta) + size_i32(offset_delta) + parts_size(key, value, headers)
}

fn parts_size(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header]) -> usize {
    let of = |bytes: Option<&[u8]>| bytes.map_or(1, |bytes| size_i32(int(bytes.len())) + bytes.len());
    let headers_size: usize =
        headers.iter().map(|header| of(Some(&header.key)) + of(header.value.as_deref())).sum();
    of(key) + of(value) + size_i32(int(headers.len())) + headers_size
}

pub(super) fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => put_i32(out, -1),
        Some(bytes) => {
            put_i32(out, int(bytes.len()));
            out.extend_from_slice(bytes);
        }
    }
}

/// A length as the format's 32 bits. Longer ones are refused long before (max.request.size).
pub(super) fn int(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}
