//! Batches that compaction has taken records from (org.apache.kafka.common.record.MemoryRecords.filterTo).

use bytes::Bytes;

use super::builder::{body_size, int, put_nullable};
use super::{Batch, BatchError, CRC_FROM, HEADER_LEN, LENGTH_PREFIX, Record, TimestampType};
use crate::CompressionLevels;
use crate::varint::{put_i32, put_i64};

/// The attribute bits that stay whatever is taken out: timestamp type, transaction, control.
const KEPT_ATTRIBUTES: i16 = 0b11_1000;
/// The attribute bits of the codec.
const CODEC: i16 = 0b111;
/// The attribute bit that says that the base timestamp is a delete horizon (KIP-534).
const DELETE_HORIZON: i16 = 0b100_0000;
/// A timestamp that says nothing (RecordBatch.NO_TIMESTAMP).
const NO_TIMESTAMP: i64 = -1;

impl Batch {
    /// From when on its tombstones, or its transaction's marker, may be taken out by compaction (KIP-534); `None` while
    /// that is open. In milliseconds since 1970-01-01 UTC.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        self.has_delete_horizon().then(|| self.base_timestamp())
    }

    /// The same batch with these of its records alone, each at its offset. Base and last offset, leader epoch, producer
    /// and codec stay: a producer's last sequence follows from the last offset. A delete horizon takes the place of the
    /// base timestamp.
    ///
    /// # Errors
    /// The codec is not known.
    pub fn with_records(
        &self,
        records: &[Record],
        delete_horizon_ms: Option<i64>,
    ) -> Result<Batch, BatchError> {
        let codec = self.compression()?;
        let first = records.first().map_or(NO_TIMESTAMP, |record| record.timestamp);
        let base_timestamp = delete_horizon_ms.unwrap_or(first);
        let mut payload = Vec::with_capacity(self.size());
        let mut max_timestamp = NO_TIMESTAMP;
        for record in records {
            max_timestamp = max_timestamp.max(record.timestamp);
            let timestamp_delta = record.timestamp.wrapping_sub(base_timestamp);
            // Its delta was read from 32 bits.
            let offset_delta = i32::try_from(record.offset - self.base_offset()).unwrap_or(i32::MAX);
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            let body = body_size(timestamp_delta, offset_delta, key, value, &record.headers);
            put_i32(&mut payload, int(body));
            payload.push(0);
            put_i64(&mut payload, timestamp_delta);
            put_i32(&mut payload, offset_delta);
            put_nullable(&mut payload, key);
            put_nullable(&mut payload, value);
            put_i32(&mut payload, int(record.headers.len()));
            for header in &record.headers {
                put_nullable(&mut payload, Some(&header.key));
                put_nullable(&mut payload, header.value.as_deref());
            }
        }
        if self.timestamp_type() == TimestampType::LogAppendTime {
            max_timestamp = self.max_timestamp();
        }
        if codec != crate::Compression::None {
            payload = codec.compress_at(&payload, CompressionLevels::default());
        }
        let horizon = if delete_horizon_ms.is_some() { DELETE_HORIZON } else { 0 };
        let attributes = self.attributes() & (KEPT_ATTRIBUTES | CODEC) | horizon;
        Ok(self.rebuilt(attributes, (base_timestamp, max_timestamp), int(records.len()), &payload))
    }

    /// The same batch without any records: what is kept of a producer's last batch, for its sequence, and of the last
    /// batch of what was cleaned, for its offset (DefaultRecordBatch.writeEmptyHeader).
    pub fn emptied(&self) -> Batch {
        let attributes = self.attributes() & KEPT_ATTRIBUTES;
        self.rebuilt(attributes, (NO_TIMESTAMP, self.max_timestamp()), 0, &[])
    }

    fn rebuilt(&self, attributes: i16, (base, max): (i64, i64), count: i32, payload: &[u8]) -> Batch {
        let mut out = Vec::with_capacity(HEADER_LEN + payload.len());
        out.extend_from_slice(&self.bytes[..HEADER_LEN]);
        out[8..12].copy_from_slice(&int(HEADER_LEN - LENGTH_PREFIX + payload.len()).to_be_bytes());
        out[21..23].copy_from_slice(&attributes.to_be_bytes());
        out[27..35].copy_from_slice(&base.to_be_bytes());
        out[35..43].copy_from_slice(&max.to_be_bytes());
        out[57..61].copy_from_slice(&count.to_be_bytes());
        out.extend_from_slice(payload);
        let crc = super::checksum(&out[CRC_FROM..]);
        out[17..21].copy_from_slice(&crc.to_be_bytes());
        Batch { bytes: Bytes::from(out) }
    }
}
