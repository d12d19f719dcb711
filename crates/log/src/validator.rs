//! What a leader checks of records from a producer, and what it changes in them
//! (org.apache.kafka.storage.internals.log.LogValidator).

use blumfeld_protocol::compression::CompressionError;
use blumfeld_protocol::record_batch::{
    Batch, BatchBuilder, BatchError, BatchOptions, HEADER_LEN, Header, LENGTH_PREFIX, Skipped, TimestampType,
};
use blumfeld_protocol::{Compression, CompressionLevels, ErrorCode};
use bytes::Bytes;

use crate::{AppendOrigin, LogConfig};

/// One record that was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordError {
    /// Which record of the batch, from 0.
    pub batch_index: i32,
    /// Why.
    pub message: String,
}

/// Why records were not appended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppendError {
    /// The code for the client.
    pub code: ErrorCode,
    /// The sentence for the client.
    pub message: String,
    /// The records at fault, if it was single ones.
    pub records: Vec<RecordError>,
    /// Whether the client is told the sentence too. Kafka tells few (`hasCustomErrorMessage` of ReplicaManager).
    pub told: bool,
}

impl AppendError {
    /// An error of the whole batch.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> AppendError {
        AppendError { code, message: message.into(), records: Vec::new(), told: false }
    }

    /// The same, with a sentence that the client is told.
    pub fn told(code: ErrorCode, message: impl Into<String>) -> AppendError {
        AppendError { told: true, ..AppendError::new(code, message) }
    }
}

/// A batch that may be appended, with its offsets set.
#[derive(Debug)]
pub(crate) struct Validated {
    pub batch: Batch,
    /// -1 where the producer's timestamps stand.
    pub log_append_time: i64,
}

/// A timestamp that says nothing (RecordBatch.NO_TIMESTAMP).
const NO_TIMESTAMP: i64 = -1;

/// A batch's bytes by their length field, and the magic in them: what stands first in `records`. `None` where no whole
/// one follows (ByteBufferLogInputStream).
fn first(records: &Bytes) -> Result<Option<(Bytes, i8)>, AppendError> {
    /// Bytes up to the magic, and the least that a length may count (LegacyRecord.RECORD_OVERHEAD_V0).
    const UP_TO_MAGIC: usize = 17;
    const LEAST: i32 = 14;
    let Some((&[_, _, _, _, _, _, _, _, a, b, c, d, _, _, _, _, magic], _)) =
        records.split_first_chunk::<UP_TO_MAGIC>()
    else {
        return Ok(None);
    };
    let (length, magic) = (i32::from_be_bytes([a, b, c, d]), i8::from_be_bytes([magic]));
    if length < LEAST {
        let message = format!("Record size {length} is less than the minimum record overhead ({LEAST})");
        return Err(AppendError::told(ErrorCode::CORRUPT_MESSAGE, message));
    }
    if !(0..=2).contains(&magic) {
        let message = format!("Invalid magic found in record: {magic}");
        return Err(AppendError::told(ErrorCode::CORRUPT_MESSAGE, message));
    }
    // The sum of both is more than Kafka's numbers hold, and it stumbles over that.
    let size = length
        .checked_add(LENGTH_PREFIX as i32)
        .ok_or_else(|| AppendError::new(ErrorCode::UNKNOWN_SERVER_ERROR, "the length overflows"))?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    Ok((records.len() >= size).then(|| (records.slice(..size), magic)))
}

/// The single batch that a produce request may hold for a partition (ProduceRequest.validateRecords). Bytes after it
/// that are no whole batch are passed over. `None` is a batch that is shorter than its header, which only a log finds.
/// `zstd` is whether the request's version knows that codec (KIP-110).
///
/// # Errors
/// There is none or more than one, or it cannot be what the request may hold; UNKNOWN_SERVER_ERROR where Kafka's broker
/// stumbles, and cannot handle the whole request.
pub fn single_batch(records: &Bytes, zstd: bool) -> Result<Option<Batch>, AppendError> {
    let invalid = |message: &str| AppendError::new(ErrorCode::INVALID_RECORD, message);
    let one = "Produce requests are only allowed to contain exactly one record batch per partition";
    let (bytes, magic) = first(records)?.ok_or_else(|| invalid(one))?;
    if magic != 2 {
        return Err(invalid(
            "Produce requests are only allowed to contain record batches with magic version 2",
        ));
    }
    let rest = records.slice(bytes.len()..);
    let batch = if bytes.len() < HEADER_LEN { None } else { Batch::parse(&bytes).ok() };
    match batch.as_ref().filter(|_| !zstd).map(Batch::compression) {
        Some(Ok(Compression::Zstd)) => {
            let message = "zstd needs Produce 7 or later";
            return Err(AppendError::new(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE, message));
        }
        Some(Err(error)) => return Err(AppendError::new(ErrorCode::UNKNOWN_SERVER_ERROR, error.to_string())),
        _ => {}
    }
    match first(&rest) {
        Ok(None) => Ok(batch),
        Ok(Some(_)) => Err(invalid(one)),
        Err(error) => Err(AppendError { told: false, ..error }),
    }
}

/// Whether a batch of a transaction stands first (RequestUtils.hasTransactionalRecords).
///
/// # Errors
/// The records are damaged where the first batch begins: Kafka's broker cannot handle the whole request then, for it
/// looks here before anything else.
pub fn is_transactional(records: &Bytes) -> Result<bool, AppendError> {
    let transactional = |bytes: &Bytes| Batch::parse(bytes).is_ok_and(|batch| batch.is_transactional());
    Ok(first(records)?.is_some_and(|(bytes, magic)| magic == 2 && transactional(&bytes)))
}

/// Checks a producer's batch and gives it its offsets, leader epoch and, where the topic wants it, another timestamp or
/// compression. The producer's bytes stay as they are wherever nothing behind the checksum has to change.
pub(crate) fn validate(
    batch: &Batch,
    config: &LogConfig,
    partition: &str,
    (base_offset, leader_epoch): (i64, i32),
    origin: AppendOrigin,
    now_ms: i64,
) -> Result<Validated, AppendError> {
    let source = check(batch, partition, origin)?;
    let target = config.compression.unwrap_or(source);
    let records = check_records(batch, config, partition, now_ms, source == target)?;
    let timestamp_type = config.timestamp_type;
    let batch = if source == target {
        // Kafka finds that it has to write the records anew, and has not kept their keys and values.
        if source != Compression::None && !records.counted {
            return Err(AppendError::new(ErrorCode::UNKNOWN_SERVER_ERROR, "offset deltas do not count up"));
        }
        batch.clone()
    } else {
        if records.negative {
            return Err(AppendError::new(
                ErrorCode::UNKNOWN_SERVER_ERROR,
                "a record's timestamp is negative",
            ));
        }
        recompress(batch, target, config.compression_levels)
    };
    let (timestamp, log_append_time) = match timestamp_type {
        TimestampType::LogAppendTime => (now_ms, now_ms),
        TimestampType::CreateTime => (records.max_timestamp, -1),
    };
    let batch = batch.with_max_timestamp(timestamp_type, timestamp);
    Ok(Validated { batch: batch.with_offset_and_epoch(base_offset, leader_epoch), log_append_time })
}

/// What the header says of the batch, in Kafka's order (UnifiedLog.analyzeAndValidateRecords, then
/// LogValidator.validateBatch). Gives how it is compressed.
fn check(batch: &Batch, partition: &str, origin: AppendOrigin) -> Result<Compression, AppendError> {
    let invalid = |message: String| AppendError::new(ErrorCode::INVALID_RECORD, message);
    let (stored, computed) = (batch.crc(), batch.computed_crc());
    if stored != computed {
        let error = BatchError::Crc { stored, computed };
        return Err(AppendError::new(ErrorCode::CORRUPT_MESSAGE, error.to_string()));
    }
    let compression = batch
        .compression()
        .map_err(|error| AppendError::new(ErrorCode::UNKNOWN_SERVER_ERROR, error.to_string()))?;
    let (count, last_offset_delta) = (batch.records_count(), batch.last_offset_delta());
    if count <= 0 || i64::from(last_offset_delta) + 1 != i64::from(count) {
        return Err(invalid(BatchError::Count { count, last_offset_delta }.to_string()));
    }
    if origin != AppendOrigin::Client {
        return Ok(compression);
    }
    if batch.is_control() {
        return Err(invalid(format!(
            "Clients are not allowed to write control records to topic partition {partition}."
        )));
    }
    if batch.producer_id() >= 0 && batch.base_sequence() < 0 {
        return Err(invalid(format!(
            "Invalid sequence number {} in record batch with producerId {}",
            batch.base_sequence(),
            batch.producer_id()
        )));
    }
    Ok(compression)
}

/// What is known of a batch's records when all were read.
struct Seen {
    max_timestamp: i64,
    /// Whether their offset deltas count up from 0.
    counted: bool,
    /// Whether a timestamp is below 0 and yet one.
    negative: bool,
}

fn check_records(
    batch: &Batch,
    config: &LogConfig,
    partition: &str,
    now_ms: i64,
    in_place: bool,
) -> Result<Seen, AppendError> {
    let mut records = batch.records().map_err(unreadable)?;
    let mut seen = Seen { max_timestamp: NO_TIMESTAMP, counted: true, negative: false };
    let (mut errors, mut untimely) = (Vec::new(), false);
    // Kafka's names of records as it reads them: without keys and values where it need not write them anew.
    let partial = in_place && batch.compression() != Ok(Compression::None);
    let kind = if partial { "PartialDefaultRecord" } else { "DefaultRecord" };
    let allowed = allowed_times(batch, config, now_ms);
    for index in 0..batch.records_count() {
        let record = records.skip_record(index).map_err(unreadable)?;
        seen.counted &= record.offset_delta == index;
        seen.max_timestamp = seen.max_timestamp.max(record.timestamp);
        seen.negative |= record.timestamp < 0 && record.timestamp != NO_TIMESTAMP;
        if config.cleanup.compact && record.key.is_none() {
            let message =
                format!("Compacted topic cannot accept message without key in topic partition {partition}");
            errors.push(RecordError { batch_index: index, message });
        } else if !allowed.as_ref().is_some_and(|allowed| allowed.holds(record.timestamp)) {
            let message = wrong_time(batch, record, allowed.as_ref(), kind);
            errors.push(RecordError { batch_index: index, message });
            untimely = true;
        }
    }
    if records.remaining() > 0 {
        return Err(unreadable(BatchError::LeftOver(records.remaining())));
    }
    if errors.is_empty() { Ok(seen) } else { Err(rejected(errors, untimely)) }
}

/// What Kafka's decoders throw is an unknown error; what they find missing makes a record invalid.
fn unreadable(error: BatchError) -> AppendError {
    let code = match error {
        BatchError::Compression(CompressionError::TooLarge { .. }) => ErrorCode::CORRUPT_MESSAGE,
        BatchError::Compression(_) | BatchError::CompressionId(_) | BatchError::RecordLength(_) => {
            ErrorCode::UNKNOWN_SERVER_ERROR
        }
        _ => ErrorCode::INVALID_RECORD,
    };
    AppendError::new(code, error.to_string())
}

/// Which timestamps a batch's records may have.
struct Allowed {
    from: i64,
    to: i64,
}

impl Allowed {
    fn holds(&self, timestamp: i64) -> bool {
        (self.from..=self.to).contains(&timestamp) || timestamp == NO_TIMESTAMP
    }
}

/// `None` if none may be there at all (LogValidator.validateTimestamp).
fn allowed_times(batch: &Batch, config: &LogConfig, now_ms: i64) -> Option<Allowed> {
    match (config.timestamp_type, batch.timestamp_type()) {
        (TimestampType::LogAppendTime, TimestampType::LogAppendTime) => None,
        (TimestampType::LogAppendTime, TimestampType::CreateTime) => {
            Some(Allowed { from: i64::MIN, to: i64::MAX })
        }
        (TimestampType::CreateTime, _) => Some(Allowed {
            from: now_ms.saturating_sub(config.timestamp_before_max_ms),
            to: now_ms.saturating_add(config.timestamp_after_max_ms),
        }),
    }
}

/// What is wrong with the timestamp of a record that is not allowed.
#[cold]
fn wrong_time(batch: &Batch, record: Skipped, allowed: Option<&Allowed>, kind: &str) -> String {
    let (timestamp, offset) =
        (record.timestamp, batch.base_offset().saturating_add(i64::from(record.offset_delta)));
    let Some(Allowed { from, to }) = allowed else {
        let size = |size: Option<usize>| size.map_or(-1, |size| i64::try_from(size).unwrap_or(i64::MAX));
        return format!(
            "Invalid timestamp type in message {kind}(offset={offset}, timestamp={timestamp}, key={} bytes, \
             value={} bytes). Producer should not set timestamp type to LogAppendTime.",
            size(record.key),
            size(record.value)
        );
    };
    format!(
        "Timestamp {timestamp} of message with offset {offset} is out of range. The timestamp should be within \
         [{from}, {to}]"
    )
}

/// The whole batch is refused for some of its records (LogValidator.processRecordErrors).
fn rejected(records: Vec<RecordError>, untimely: bool) -> AppendError {
    let (code, message) = if untimely {
        let message = "One or more records have been rejected due to invalid timestamp";
        (ErrorCode::INVALID_TIMESTAMP, message.to_owned())
    } else {
        let shown: Vec<String> = (records.iter().take(3))
            .map(|error| {
                format!("RecordError(batchIndex={}, message='{}')", error.batch_index, error.message)
            })
            .collect();
        let message = format!(
            "One or more records have been rejected due to {} record errors in total, and only showing the first \
             three errors at most: [{}]",
            records.len(),
            shown.join(", ")
        );
        (ErrorCode::INVALID_RECORD, message)
    };
    AppendError { code, message, records, told: true }
}

/// The same records in another compression (`compression.type` of the topic), with offsets that count up.
fn recompress(batch: &Batch, compression: Compression, compression_levels: CompressionLevels) -> Batch {
    let mut builder = BatchBuilder::new(BatchOptions {
        compression,
        compression_levels,
        producer_id: batch.producer_id(),
        producer_epoch: batch.producer_epoch(),
        base_sequence: batch.base_sequence(),
        transactional: batch.is_transactional(),
        ..BatchOptions::default()
    });
    // The batch was validated, so every record can be read.
    for mut record in batch.records().into_iter().flatten().flatten() {
        for header in &mut record.headers {
            text(header);
        }
        builder.append(record.timestamp, record.key.as_deref(), record.value.as_deref(), &record.headers);
    }
    builder.build()
}

/// A header's key is a text once Kafka has read it.
fn text(header: &mut Header) {
    if let std::borrow::Cow::Owned(key) = String::from_utf8_lossy(&header.key) {
        header.key = key.into();
    }
}
