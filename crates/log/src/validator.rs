//! What a leader checks of records from a producer, and what it changes in them
//! (org.apache.kafka.storage.internals.log.LogValidator).

use blumfeld_protocol::record_batch::{
    Batch, BatchBuilder, BatchError, BatchOptions, TimestampType, batches,
};
use blumfeld_protocol::{Compression, CompressionLevels, ErrorCode};
use bytes::Bytes;

use crate::LogConfig;

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
}

impl AppendError {
    /// An error of the whole batch.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> AppendError {
        AppendError { code, message: message.into(), records: Vec::new() }
    }
}

/// A batch that may be appended, with its offsets set.
#[derive(Debug)]
pub(crate) struct Validated {
    pub batch: Batch,
    /// -1 where the producer's timestamps stand.
    pub log_append_time: i64,
}

/// The single batch that a produce request may hold for a partition (ProduceRequest.validateRecords).
pub(crate) fn single_batch(records: &Bytes) -> Result<Batch, AppendError> {
    let one = || {
        AppendError::new(
            ErrorCode::INVALID_RECORD,
            "Produce requests are only allowed to contain exactly one record batch per partition",
        )
    };
    let mut all = batches(records);
    let batch = match all.next() {
        None => return Err(one()),
        Some(Err(BatchError::Magic(magic))) => {
            return Err(AppendError::new(
                ErrorCode::INVALID_RECORD,
                format!(
                    "Produce requests are only allowed to contain record batches with magic version 2, not {magic}"
                ),
            ));
        }
        Some(Err(error)) => return Err(AppendError::new(ErrorCode::CORRUPT_MESSAGE, error.to_string())),
        Some(Ok(batch)) => batch,
    };
    if all.next().is_some() { Err(one()) } else { Ok(batch) }
}

/// Checks a producer's batch and gives it its offsets, leader epoch and, where the topic wants it, another timestamp or
/// compression. The producer's bytes stay as they are wherever nothing behind the checksum has to change.
pub(crate) fn validate(
    batch: &Batch,
    config: &LogConfig,
    partition: &str,
    base_offset: i64,
    leader_epoch: i32,
    now_ms: i64,
) -> Result<Validated, AppendError> {
    let batch = check(batch)?;
    if batch.is_control() {
        return Err(AppendError::new(
            ErrorCode::INVALID_RECORD,
            format!("Clients are not allowed to write control records to topic partition {partition}."),
        ));
    }
    if batch.producer_id() >= 0 && batch.base_sequence() < 0 {
        return Err(AppendError::new(
            ErrorCode::INVALID_RECORD,
            format!(
                "Invalid sequence number {} in record batch with producerId {}",
                batch.base_sequence(),
                batch.producer_id()
            ),
        ));
    }
    let append_time = config.timestamp_type == TimestampType::LogAppendTime;
    let bounds = !append_time
        && (config.timestamp_before_max_ms != i64::MAX || config.timestamp_after_max_ms != i64::MAX);
    // The largest timestamp is in the header, so records are decoded for the upper bound only where it is broken.
    let too_new = |timestamp: i64| timestamp.saturating_sub(now_ms) > config.timestamp_after_max_ms;
    let suspicious = bounds && (config.timestamp_before_max_ms != i64::MAX || too_new(batch.max_timestamp()));
    if config.cleanup.compact || suspicious {
        check_records(&batch, config, partition, now_ms, bounds)?;
    }
    let source = batch.compression().unwrap_or_default();
    let target = config.compression.unwrap_or(source);
    let batch = if source == target { batch } else { recompress(&batch, target, config.compression_levels) };
    let (batch, log_append_time) =
        if append_time { (batch.with_log_append_time(now_ms), now_ms) } else { (batch, -1) };
    Ok(Validated { batch: batch.with_offset_and_epoch(base_offset, leader_epoch), log_append_time })
}

/// The whole of what the batch says of itself. A wrong max timestamp is mended, as Kafka does; the rest is refused.
fn check(batch: &Batch) -> Result<Batch, AppendError> {
    match batch.validate() {
        Ok(()) if batch.timestamp_type() == TimestampType::LogAppendTime => Err(AppendError::new(
            ErrorCode::INVALID_TIMESTAMP,
            "Invalid timestamp type LogAppendTime of a batch from a producer: the broker sets it",
        )),
        Ok(()) => Ok(batch.clone()),
        Err(BatchError::MaxTimestamp { records, .. }) => Ok(batch.with_max_timestamp(records)),
        Err(error @ (BatchError::Crc { .. } | BatchError::Short { .. } | BatchError::Compression(_))) => {
            Err(AppendError::new(ErrorCode::CORRUPT_MESSAGE, error.to_string()))
        }
        Err(error) => Err(AppendError::new(ErrorCode::INVALID_RECORD, error.to_string())),
    }
}

fn check_records(
    batch: &Batch,
    config: &LogConfig,
    partition: &str,
    now_ms: i64,
    bounds: bool,
) -> Result<(), AppendError> {
    let fail = |error: BatchError| AppendError::new(ErrorCode::CORRUPT_MESSAGE, error.to_string());
    let (mut keyless, mut untimely) = (Vec::new(), Vec::new());
    for (index, record) in batch.records().map_err(fail)?.enumerate() {
        let record = record.map_err(fail)?;
        let batch_index = i32::try_from(index).unwrap_or(i32::MAX);
        if config.cleanup.compact && record.key.is_none() {
            let message =
                format!("Compacted topic cannot accept message without key in topic partition {partition}.");
            keyless.push(RecordError { batch_index, message });
        }
        let late = now_ms.saturating_sub(record.timestamp) > config.timestamp_before_max_ms;
        let early = record.timestamp.saturating_sub(now_ms) > config.timestamp_after_max_ms;
        if bounds && (late || early) {
            let message = format!(
                "Timestamp {} of message with offset {} is out of range. The timestamp should be within [{}, {}]",
                record.timestamp,
                record.offset,
                now_ms.saturating_sub(config.timestamp_before_max_ms),
                now_ms.saturating_add(config.timestamp_after_max_ms),
            );
            untimely.push(RecordError { batch_index, message });
        }
    }
    for (code, records) in [(ErrorCode::INVALID_RECORD, keyless), (ErrorCode::INVALID_TIMESTAMP, untimely)] {
        if !records.is_empty() {
            let message = if code == ErrorCode::INVALID_TIMESTAMP {
                "One or more records have been rejected due to invalid timestamp".to_owned()
            } else {
                format!(
                    "One or more records have been rejected due to {} record errors in total",
                    records.len()
                )
            };
            return Err(AppendError { code, message, records });
        }
    }
    Ok(())
}

/// The same records in another compression (`compression.type` of the topic).
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
    for record in batch.records().into_iter().flatten().flatten() {
        builder.append(record.timestamp, record.key.as_deref(), record.value.as_deref(), &record.headers);
    }
    builder.build()
}
