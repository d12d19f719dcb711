//! Record batches of format v2 (magic 2; org.apache.kafka.common.record.DefaultRecordBatch).
//!
//! A [`Batch`] is a view of bytes as they stand on the wire and in segments. The header is read in place; records are
//! decoded only when they are asked for.

mod builder;
mod control;
mod records;
mod rewrite;

use std::ops::Range;

use bytes::{Bytes, BytesMut};

pub use builder::{BatchBuilder, BatchOptions, record_size};
pub use control::ControlRecord;
pub use records::{Header, KeyOnly, Record, Records, Skipped};

use crate::compression::{Compression, CompressionError};

/// Bytes of the header: everything before the first record.
pub const HEADER_LEN: usize = 61;
/// Bytes before those that `batchLength` counts: the base offset and the length itself.
pub const LENGTH_PREFIX: usize = 12;
/// First byte that the checksum covers.
const CRC_FROM: usize = 21;
/// What one batch may become when it is decompressed, in bytes: enough for any real batch, too little for a bomb.
pub const MAX_DECOMPRESSED: usize = 128 * 1024 * 1024;

/// Whose clock a batch's timestamps are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimestampType {
    /// The producer's, one a record.
    #[default]
    CreateTime,
    /// The broker's, one for the whole batch: its max timestamp.
    LogAppendTime,
}

impl TimestampType {
    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateTime => "CreateTime",
            Self::LogAppendTime => "LogAppendTime",
        }
    }
}

/// What is wrong with a batch.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BatchError {
    /// The bytes end inside the batch.
    #[error("the batch needs {needed} bytes, {have} are there")]
    Short {
        /// Bytes needed.
        needed: usize,
        /// Bytes there.
        have: usize,
    },
    /// The length field is below what a header needs.
    #[error("a batch length of {0} is less than a header")]
    Length(i32),
    /// Not format v2.
    #[error("magic {0} is not supported, only 2 is")]
    Magic(i8),
    /// The checksum does not fit the bytes.
    #[error("the checksum is {stored:08x} and should be {computed:08x}")]
    Crc {
        /// The one in the header.
        stored: u32,
        /// The one of the bytes.
        computed: u32,
    },
    /// An unknown codec.
    #[error("compression id {0} is not known")]
    CompressionId(i16),
    /// The records cannot be decompressed.
    #[error(transparent)]
    Compression(#[from] CompressionError),
    /// The number of records is negative, or not what the header's last offset says.
    #[error("the header counts {count} records up to offset delta {last_offset_delta}")]
    Count {
        /// Records counted.
        count: i32,
        /// Last offset delta.
        last_offset_delta: i32,
    },
    /// A record cannot be read.
    #[error("record {0} is malformed")]
    Record(i32),
    /// The length of a record is a number without an end.
    #[error("record {0} has no length")]
    RecordLength(i32),
    /// A record's offset delta is not one more than the one before.
    #[error("record {index} has offset delta {delta}")]
    OffsetDelta {
        /// Which record, from 0.
        index: i32,
        /// Its offset delta.
        delta: i32,
    },
    /// The largest timestamp of the records is not the header's.
    #[error("the header's max timestamp is {header}, the records' is {records}")]
    MaxTimestamp {
        /// In the header.
        header: i64,
        /// Of the records.
        records: i64,
    },
    /// Bytes are left over after the last record.
    #[error("{0} bytes are left over after the last record")]
    LeftOver(usize),
}

/// A record batch. Its length field is known to fit its bytes; nothing else is, until it is validated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    bytes: Bytes,
}

/// The header's fields by Kafka's names, and where they stand.
pub const FIELDS: [(&str, Range<usize>); 13] = [
    ("baseOffset", 0..8),
    ("batchLength", 8..12),
    ("partitionLeaderEpoch", 12..16),
    ("magic", 16..17),
    ("crc", 17..21),
    ("attributes", 21..23),
    ("lastOffsetDelta", 23..27),
    ("baseTimestamp", 27..35),
    ("maxTimestamp", 35..43),
    ("producerId", 43..51),
    ("producerEpoch", 51..53),
    ("baseSequence", 53..57),
    ("recordCount", 57..61),
];

impl Batch {
    /// The batch at the beginning of `bytes`, which may go on after it. Only the length and the magic are looked at.
    pub fn parse(bytes: &Bytes) -> Result<Batch, BatchError> {
        let have = bytes.len();
        if have < HEADER_LEN {
            return Err(BatchError::Short { needed: HEADER_LEN, have });
        }
        let batch = Batch { bytes: bytes.clone() };
        let length = batch.i32_at(8);
        let needed = usize::try_from(length).ok().and_then(|length| length.checked_add(LENGTH_PREFIX));
        match needed {
            Some(needed) if needed >= HEADER_LEN => {
                if batch.magic() != 2 {
                    return Err(BatchError::Magic(batch.magic()));
                }
                if needed > have {
                    return Err(BatchError::Short { needed, have });
                }
                Ok(Batch { bytes: bytes.slice(..needed) })
            }
            _ => Err(BatchError::Length(length)),
        }
    }

    /// Its bytes with the header.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its length with the header, in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    fn array_at<const N: usize>(&self, at: usize) -> [u8; N] {
        // `parse` saw to it that a whole header is there.
        self.bytes.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
    }

    fn i16_at(&self, at: usize) -> i16 {
        i16::from_be_bytes(self.array_at(at))
    }

    fn i32_at(&self, at: usize) -> i32 {
        i32::from_be_bytes(self.array_at(at))
    }

    fn i64_at(&self, at: usize) -> i64 {
        i64::from_be_bytes(self.array_at(at))
    }

    /// Offset of the first record as the producer made it (compaction may have removed that record since).
    pub fn base_offset(&self) -> i64 {
        self.i64_at(0)
    }

    /// Epoch of the leader that appended it.
    pub fn partition_leader_epoch(&self) -> i32 {
        self.i32_at(12)
    }

    /// Format version, 2.
    pub fn magic(&self) -> i8 {
        i8::from_be_bytes(self.array_at(16))
    }

    /// The checksum in the header.
    pub fn crc(&self) -> u32 {
        u32::from_be_bytes(self.array_at(17))
    }

    /// The checksum that the bytes have: CRC-32C from the attributes on.
    pub fn computed_crc(&self) -> u32 {
        checksum(&self.bytes[CRC_FROM..])
    }

    /// The attribute bits.
    pub fn attributes(&self) -> i16 {
        self.i16_at(21)
    }

    /// Offset of the last record less the base offset.
    pub fn last_offset_delta(&self) -> i32 {
        self.i32_at(23)
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset().saturating_add(i64::from(self.last_offset_delta()))
    }

    /// The offset after the last record.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// Timestamp that the records' deltas count from, in milliseconds since 1970-01-01 UTC.
    pub fn base_timestamp(&self) -> i64 {
        self.i64_at(27)
    }

    /// Largest timestamp of the records, or the append time, in milliseconds since 1970-01-01 UTC.
    pub fn max_timestamp(&self) -> i64 {
        self.i64_at(35)
    }

    /// The idempotent producer's id, or -1.
    pub fn producer_id(&self) -> i64 {
        self.i64_at(43)
    }

    /// The idempotent producer's epoch, or -1.
    pub fn producer_epoch(&self) -> i16 {
        self.i16_at(51)
    }

    /// Sequence number of the first record, or -1.
    pub fn base_sequence(&self) -> i32 {
        self.i32_at(53)
    }

    /// Sequence number of the last record, or -1. Sequences wrap from 2³¹-1 to 0.
    pub fn last_sequence(&self) -> i32 {
        match self.base_sequence() {
            -1 => -1,
            base => {
                i32::try_from((i64::from(base) + i64::from(self.last_offset_delta())) & i64::from(i32::MAX))
                    .unwrap_or(-1)
            }
        }
    }

    /// Number of records.
    pub fn records_count(&self) -> i32 {
        self.i32_at(57)
    }

    /// How the records are compressed.
    pub fn compression(&self) -> Result<Compression, BatchError> {
        let id = self.attributes() & 0b111;
        Compression::from_id(id).ok_or(BatchError::CompressionId(id))
    }

    /// Whose clock the timestamps are.
    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes() & 0b1000 == 0 { TimestampType::CreateTime } else { TimestampType::LogAppendTime }
    }

    /// Whether it belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes() & 0b1_0000 != 0
    }

    /// Whether it is a control batch: a transaction marker, or one of KRaft's control records.
    pub fn is_control(&self) -> bool {
        self.attributes() & 0b10_0000 != 0
    }

    /// Whether compaction has noted in the base timestamp when its tombstones may go (KIP-534).
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes() & 0b100_0000 != 0
    }

    /// The records' bytes as they stand, compressed or not.
    pub fn payload(&self) -> Bytes {
        self.bytes.slice(HEADER_LEN..)
    }

    /// The records, decompressed if need be.
    pub fn records(&self) -> Result<Records, BatchError> {
        let payload = match self.compression()? {
            Compression::None => self.payload(),
            codec => codec.decompress(&self.payload(), MAX_DECOMPRESSED)?.into(),
        };
        Ok(Records::new(self, payload))
    }

    /// The same batch with its base offset and leader epoch set. They stand before the checksummed part, so the
    /// checksum stays; the bytes are copied once.
    pub fn with_offset_and_epoch(&self, base_offset: i64, leader_epoch: i32) -> Batch {
        let mut bytes = BytesMut::from(&self.bytes[..]);
        bytes[0..8].copy_from_slice(&base_offset.to_be_bytes());
        bytes[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
        Batch { bytes: bytes.freeze() }
    }

    /// The same batch stamped by the broker (message.timestamp.type=LogAppendTime).
    pub fn with_log_append_time(&self, timestamp: i64) -> Batch {
        self.with_max_timestamp(TimestampType::LogAppendTime, timestamp)
    }

    /// The same batch with another max timestamp of this type and a new checksum. As in Kafka, attribute bits without a
    /// meaning are cleared where something changes (DefaultRecordBatch.setMaxTimestamp).
    pub fn with_max_timestamp(&self, timestamp_type: TimestampType, timestamp: i64) -> Batch {
        if self.timestamp_type() == timestamp_type && self.max_timestamp() == timestamp {
            return self.clone();
        }
        let append_time = if timestamp_type == TimestampType::LogAppendTime { 0b1000 } else { 0 };
        let attributes = self.attributes() & 0b111_0111 | append_time;
        let mut bytes = BytesMut::from(&self.bytes[..]);
        bytes[21..23].copy_from_slice(&attributes.to_be_bytes());
        bytes[35..43].copy_from_slice(&timestamp.to_be_bytes());
        let crc = checksum(&bytes[CRC_FROM..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        Batch { bytes: bytes.freeze() }
    }

    /// Checks what can be checked without decoding records: the checksum, the codec, and that the count and the last
    /// offset delta can be true.
    pub fn validate_header(&self) -> Result<(), BatchError> {
        let (stored, computed) = (self.crc(), self.computed_crc());
        if stored != computed {
            return Err(BatchError::Crc { stored, computed });
        }
        self.compression()?;
        let (count, last_offset_delta) = (self.records_count(), self.last_offset_delta());
        if count < 0 || last_offset_delta < 0 || i64::from(count) > i64::from(last_offset_delta) + 1 {
            return Err(BatchError::Count { count, last_offset_delta });
        }
        Ok(())
    }

    /// Checks everything that is true of a batch as clients make them: the header, that every record can be read, that
    /// offsets go up by one, that the count and the largest timestamp are the header's. A broker asks for less
    /// (LogValidator).
    pub fn validate(&self) -> Result<(), BatchError> {
        self.validate_header()?;
        let (count, last_offset_delta) = (self.records_count(), self.last_offset_delta());
        if count != last_offset_delta.saturating_add(1) || count == 0 {
            return Err(BatchError::Count { count, last_offset_delta });
        }
        let mut records = self.records()?;
        let mut max_timestamp = i64::MIN;
        for index in 0..count {
            let record = records.skip_record(index)?;
            if record.offset_delta != index {
                return Err(BatchError::OffsetDelta { index, delta: record.offset_delta });
            }
            max_timestamp = max_timestamp.max(record.timestamp);
        }
        if records.remaining() > 0 {
            return Err(BatchError::LeftOver(records.remaining()));
        }
        if self.timestamp_type() == TimestampType::CreateTime && max_timestamp != self.max_timestamp() {
            return Err(BatchError::MaxTimestamp { header: self.max_timestamp(), records: max_timestamp });
        }
        Ok(())
    }
}

/// CRC-32C of bytes, the checksum of record batches.
#[cfg(not(target_arch = "wasm32"))]
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// CRC-32C of bytes, the checksum of record batches. A browser gives no instruction for it: this looks sixteen bytes up
/// at a time, twice as many as the other crate.
#[cfg(target_arch = "wasm32")]
pub fn checksum(bytes: &[u8]) -> u32 {
    TABLES.checksum(bytes)
}

#[cfg(any(test, target_arch = "wasm32"))]
static TABLES: crc::Crc<u32, crc::Table<16>> = crc::Crc::<u32, crc::Table<16>>::new(&ISCSI);

/// CRC-32C, which the catalogue of checksums names after iSCSI (RFC 3720).
#[cfg(any(test, target_arch = "wasm32"))]
const ISCSI: crc::Algorithm<u32> = crc::Algorithm {
    width: 32,
    poly: 0x1edc_6f41,
    init: 0xffff_ffff,
    refin: true,
    refout: true,
    xorout: 0xffff_ffff,
    check: 0xe306_9283,
    residue: 0xb798_b438,
};

/// The batches that stand one after the other in `bytes`. Ends after the first error.
pub fn batches(bytes: &Bytes) -> Batches {
    Batches { rest: bytes.clone(), more: Vec::new().into_iter() }
}

/// The same of several pieces; no batch is in more than one of them.
pub fn batches_of(pieces: Vec<Bytes>) -> Batches {
    Batches { rest: Bytes::new(), more: pieces.into_iter() }
}

/// Iterator of [`batches`].
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
    more: std::vec::IntoIter<Bytes>,
}

impl Iterator for Batches {
    type Item = Result<Batch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.rest.is_empty() {
            self.rest = self.more.next()?;
        }
        match Batch::parse(&self.rest) {
            Ok(batch) => {
                self.rest = self.rest.slice(batch.size()..);
                Some(Ok(batch))
            }
            Err(error) => {
                self.rest = Bytes::new();
                self.more = Vec::new().into_iter();
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests;
