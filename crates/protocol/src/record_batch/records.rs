//! The records of a batch, decoded one by one.

use bytes::Bytes;

use super::{Batch, BatchError, HEADER_LEN, TimestampType};
use crate::Compression;
use crate::varint::Reader;

/// A header of a record. A record may carry several of one key, and their order counts (KIP-82).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// UTF-8 by contract; kept as it came.
    pub key: Bytes,
    /// Absent is not the same as empty.
    pub value: Option<Bytes>,
}

/// A record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Sequence number of an idempotent producer, or -1.
    pub sequence: i32,
    /// Absent is not the same as empty.
    pub key: Option<Bytes>,
    /// Absent is a tombstone where the topic is compacted.
    pub value: Option<Bytes>,
    /// In order, with duplicates.
    pub headers: Vec<Header>,
    /// Where the record stands in the batch's bytes, its length included; `None` in a compressed batch.
    pub range: Option<(usize, usize)>,
}

/// Iterator over a batch's records. Ends after the first error. Keys and values share the batch's bytes, or those that
/// it was decompressed to.
#[derive(Clone, Debug)]
pub struct Records {
    payload: Bytes,
    at: usize,
    index: i32,
    count: i32,
    base_offset: i64,
    base_timestamp: i64,
    base_sequence: i32,
    append_time: Option<i64>,
    compressed: bool,
}

/// What is known of a record that was read past.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// Its offset less the batch's base offset.
    pub offset_delta: i32,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Bytes of its key, if it has one.
    pub key: Option<usize>,
    /// Bytes of its value, if it has one.
    pub value: Option<usize>,
}

/// What compaction looks at in a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyOnly<'a> {
    /// Its offset in the partition.
    pub offset: i64,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Whether it has a value: one without is a tombstone.
    pub has_value: bool,
}

/// A record's fields as positions in the payload.
struct Raw<'a> {
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<(usize, usize)>,
    value: Option<(usize, usize)>,
    headers: i32,
    rest: Reader<'a>,
    end: usize,
}

impl Records {
    pub(super) fn new(batch: &Batch, payload: Bytes) -> Records {
        Records {
            payload,
            at: 0,
            index: 0,
            count: batch.records_count(),
            base_offset: batch.base_offset(),
            base_timestamp: batch.base_timestamp(),
            base_sequence: batch.base_sequence(),
            append_time: (batch.timestamp_type() == TimestampType::LogAppendTime)
                .then(|| batch.max_timestamp()),
            compressed: batch.compression() != Ok(Compression::None),
        }
    }

    /// Bytes after the last record that was read.
    pub fn remaining(&self) -> usize {
        self.payload.len() - self.at
    }

    /// Reads past the next record, which is the batch's `index`th.
    ///
    /// # Errors
    /// It is not whole, or its fields do not fill it.
    #[inline]
    pub fn skip_record(&mut self, index: i32) -> Result<Skipped, BatchError> {
        let malformed = BatchError::Record(index);
        let Some(mut raw) = raw(&self.payload, self.at) else {
            // Kafka reads the length of a record that is not compressed outside of what it catches.
            let length = self.payload.get(self.at..self.at + 5).unwrap_or_default();
            let endless = !self.compressed && length.len() == 5 && length.iter().all(|byte| byte & 0x80 != 0);
            return Err(if endless { BatchError::RecordLength(index) } else { malformed });
        };
        for _ in 0..raw.headers {
            header(&mut raw.rest).ok_or(BatchError::Record(index))?;
        }
        if raw.rest.remaining() > 0 {
            return Err(malformed);
        }
        self.at = raw.end;
        Ok(Skipped {
            offset_delta: raw.offset_delta,
            timestamp: self.append_time.unwrap_or(self.base_timestamp.wrapping_add(raw.timestamp_delta)),
            key: raw.key.map(|(from, to)| to - from),
            value: raw.value.map(|(from, to)| to - from),
        })
    }

    /// Reads the next record no further than compaction needs to; nothing of it is copied. `None` after the last one.
    ///
    /// # Errors
    /// The record cannot be read.
    #[inline]
    pub fn next_key(&mut self) -> Option<Result<KeyOnly<'_>, BatchError>> {
        if self.index >= self.count {
            return None;
        }
        let index = self.index;
        let Some(raw) = raw(&self.payload, self.at) else {
            self.index = self.count;
            return Some(Err(BatchError::Record(index)));
        };
        self.index += 1;
        self.at = raw.end;
        Some(Ok(KeyOnly {
            offset: self.base_offset.saturating_add(i64::from(raw.offset_delta)),
            key: raw.key.and_then(|(from, to)| self.payload.get(from..to)),
            has_value: raw.value.is_some(),
        }))
    }

    fn read(&mut self) -> Option<Record> {
        let from = self.at;
        let mut raw = raw(&self.payload, from)?;
        let slice = |(from, to): (usize, usize)| self.payload.slice(from..to);
        // A header is at least two bytes: what the record does not hold, it cannot have.
        let mut headers =
            Vec::with_capacity(usize::try_from(raw.headers).ok()?.min(raw.rest.remaining() / 2));
        // The reader counts from the record's first byte.
        let base = raw.end - raw.rest.position() - raw.rest.remaining();
        for _ in 0..raw.headers {
            let (key, value) = header(&mut raw.rest)?;
            let shift = |(from, to): (usize, usize)| (base + from, base + to);
            headers.push(Header { key: slice(shift(key)), value: value.map(|value| slice(shift(value))) });
        }
        if raw.rest.remaining() > 0 {
            return None;
        }
        let record = Record {
            offset: self.base_offset.saturating_add(i64::from(raw.offset_delta)),
            timestamp: self.append_time.unwrap_or(self.base_timestamp.wrapping_add(raw.timestamp_delta)),
            sequence: match self.base_sequence {
                -1 => -1,
                base => base.wrapping_add(raw.offset_delta) & i32::MAX,
            },
            key: raw.key.map(slice),
            value: raw.value.map(slice),
            headers,
            range: (!self.compressed).then_some((HEADER_LEN + from, HEADER_LEN + raw.end)),
        };
        self.at = raw.end;
        Some(record)
    }
}

/// Reads a record's length and the fields before its headers.
fn raw(payload: &[u8], at: usize) -> Option<Raw<'_>> {
    let mut outer = Reader::new(payload.get(at..)?);
    let length = usize::try_from(outer.varint()?).ok()?;
    let start = at + outer.position();
    let end = start.checked_add(length)?;
    let mut reader = Reader::new(payload.get(start..end)?);
    reader.u8()?; // attributes, unused so far
    let timestamp_delta = reader.varlong()?;
    let offset_delta = reader.varint()?;
    let shift = |(from, to): (usize, usize)| (start + from, start + to);
    let key = nullable(&mut reader)?.map(shift);
    let value = nullable(&mut reader)?.map(shift);
    let headers = reader.varint()?;
    (headers >= 0).then_some(Raw { timestamp_delta, offset_delta, key, value, headers, rest: reader, end })
}

/// Reads a varint length, below 0 for none, and skips so many bytes; gives where they are.
#[allow(clippy::option_option, reason = "the outer None is malformed, the inner one null")]
fn nullable(reader: &mut Reader<'_>) -> Option<Option<(usize, usize)>> {
    match reader.varint()? {
        len if len < 0 => Some(None),
        len => {
            let len = usize::try_from(len).ok()?;
            let from = reader.position();
            reader.take(len)?;
            Some(Some((from, from + len)))
        }
    }
}

type Place = (usize, usize);

fn header(reader: &mut Reader<'_>) -> Option<(Place, Option<Place>)> {
    let key = nullable(reader)??;
    Some((key, nullable(reader)?))
}

impl Iterator for Records {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.index >= self.count {
            return None;
        }
        let index = self.index;
        match self.read() {
            Some(record) => {
                self.index += 1;
                Some(Ok(record))
            }
            None => {
                self.index = self.count;
                Some(Err(BatchError::Record(index)))
            }
        }
    }
}
