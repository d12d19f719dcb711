//! `.log` files, batch by batch.

use std::fmt::Write;

use bytes::Bytes;

use blumfeld_protocol::messages::LeaderChangeMessage;
use blumfeld_protocol::messages::leader_change_message::Voter;
use blumfeld_protocol::record_batch::{Batch, ControlRecord, Record, TimestampType};
use blumfeld_protocol::uuid_text;
use blumfeld_protocol::wire::Decodable;

use super::{Findings, Settings, absolute};

/// Bytes of a batch up to and with its magic (Records.HEADER_SIZE_UP_TO_MAGIC).
const HEADER_UP_TO_MAGIC: usize = 17;
/// Offset and length field (Records.LOG_OVERHEAD).
const LOG_OVERHEAD: usize = 12;
/// Less than this no record of any format needs (LegacyRecord.RECORD_OVERHEAD_V0).
const MIN_RECORD: i32 = 14;

/// Reads batches as org.apache.kafka.common.record.FileLogInputStream does: `None` where the file ends, be it in the
/// middle of a batch.
pub fn next_batch(bytes: &Bytes, at: usize, end: usize, path: &str) -> Result<Option<Batch>, String> {
    if at.saturating_add(HEADER_UP_TO_MAGIC) >= end {
        return Ok(None);
    }
    let Some(size) = bytes.get(at + 8..at + 12).and_then(|size| size.try_into().ok()).map(i32::from_be_bytes)
    else {
        return Ok(None);
    };
    if size < MIN_RECORD {
        return Err(format!(
            "org.apache.kafka.common.errors.CorruptRecordException: Found record size {size} smaller than minimum record overhead ({MIN_RECORD}) in file {path}."
        ));
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if at > end.saturating_sub(LOG_OVERHEAD).saturating_sub(size) || end < LOG_OVERHEAD.saturating_add(size) {
        return Ok(None);
    }
    Batch::parse(&bytes.slice(at..end)).map(Some).map_err(|error| {
        format!("org.apache.kafka.common.errors.CorruptRecordException: {error} in file {path}.")
    })
}

/// A segment on its way to the console.
#[derive(Clone, Debug)]
pub struct SegmentDump {
    path: String,
    bytes: Bytes,
    at: usize,
    last_offset: i64,
}

impl SegmentDump {
    /// The dump of a file.
    pub fn new(path: &str, bytes: Bytes) -> SegmentDump {
        SegmentDump { path: path.to_owned(), bytes, at: 0, last_offset: -1 }
    }

    /// Shows the next batch, or what follows the last one; gives whether there is more.
    pub(super) fn next(
        &mut self,
        out: &mut String,
        settings: &Settings,
        findings: &mut Findings,
    ) -> Result<bool, String> {
        let limit = usize::try_from(settings.max_bytes).unwrap_or(0);
        let end = self.bytes.len().min(limit);
        let Some(batch) = next_batch(&self.bytes, self.at, end, &self.path)? else {
            let trailing = self.bytes.len() - self.at;
            if trailing > 0 && settings.max_bytes == i32::MAX {
                let name = self.path.rsplit('/').next().unwrap_or_default();
                let _ = writeln!(out, "Found {trailing} invalid bytes at the end of {name}");
            }
            return Ok(false);
        };
        header(out, &batch, self.at);
        if settings.deep {
            let records = batch
                .records()
                .map_err(|error| format!("org.apache.kafka.common.KafkaException: {error}"))?;
            for record in records {
                let record = record.map_err(|error| {
                    format!("org.apache.kafka.common.errors.InvalidRecordException: {error}")
                })?;
                // Kafka begins at -1 in every segment, so all but the first of a log are reported.
                if record.offset != self.last_offset.saturating_add(1) {
                    let pairs = findings.non_consecutive.entry(absolute(&self.path)).or_default();
                    pairs.push((self.last_offset, record.offset));
                }
                self.last_offset = record.offset;
                line(out, &batch, &record, settings)?;
            }
        }
        self.at += batch.size();
        Ok(true)
    }
}

fn header(out: &mut String, batch: &Batch, position: usize) {
    let horizon = if batch.has_delete_horizon() {
        format!("OptionalLong[{}]", batch.base_timestamp())
    } else {
        "OptionalLong.empty".to_owned()
    };
    let codec = batch.compression().map_or("unknown", |codec| codec.name());
    let _ = writeln!(
        out,
        "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} producerEpoch: {} partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: {horizon} position: {position} {}: {} size: {} magic: {} compresscodec: {codec} crc: {} isvalid: {}",
        batch.base_offset(),
        batch.last_offset(),
        batch.records_count(),
        batch.base_sequence(),
        batch.last_sequence(),
        batch.producer_id(),
        batch.producer_epoch(),
        batch.partition_leader_epoch(),
        batch.is_transactional(),
        batch.is_control(),
        batch.timestamp_type().name(),
        batch.max_timestamp(),
        batch.size(),
        batch.magic(),
        batch.crc(),
        batch.crc() == batch.computed_crc(),
    );
}

fn line(out: &mut String, batch: &Batch, record: &Record, settings: &Settings) -> Result<(), String> {
    let mut prefix = "| ";
    if !settings.skip_metadata {
        let size = |bytes: &Option<Bytes>| {
            bytes.as_ref().map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX))
        };
        let keys: Vec<String> =
            record.headers.iter().map(|header| String::from_utf8_lossy(&header.key).into_owned()).collect();
        let timestamp = match batch.timestamp_type() {
            TimestampType::LogAppendTime => batch.max_timestamp(),
            TimestampType::CreateTime => record.timestamp,
        };
        let _ = write!(
            out,
            "{prefix}offset: {} {}: {timestamp} keySize: {} valueSize: {} sequence: {} headerKeys: [{}]",
            record.offset,
            batch.timestamp_type().name(),
            size(&record.key),
            size(&record.value),
            record.sequence,
            keys.join(","),
        );
        prefix = " ";
        if batch.is_control() {
            control(out, record);
        }
    }
    if let Some(decoder) = settings.decoder.filter(|_| !batch.is_control()) {
        let decoded = decoder.decode(record)?;
        for (name, text) in [("key", decoded.key), ("payload", decoded.payload)] {
            if let Some(text) = text {
                let _ = write!(out, "{prefix}{name}: {text}");
                prefix = " ";
            }
        }
    } else if settings.print_data && !batch.is_control() {
        for (name, bytes) in [("key", &record.key), ("payload", &record.value)] {
            if let Some(bytes) = bytes {
                let _ = write!(out, "{prefix}{name}: {}", String::from_utf8_lossy(bytes));
                prefix = " ";
            }
        }
    }
    out.push('\n');
    Ok(())
}

fn control(out: &mut String, record: &Record) {
    let _ = match ControlRecord::of(record) {
        Some(ControlRecord::Abort { coordinator_epoch }) => {
            write!(out, " endTxnMarker: ABORT coordinatorEpoch: {coordinator_epoch}")
        }
        Some(ControlRecord::Commit { coordinator_epoch }) => {
            write!(out, " endTxnMarker: COMMIT coordinatorEpoch: {coordinator_epoch}")
        }
        Some(ControlRecord::LeaderChange) => write!(out, " LeaderChange: {}", leader_change(record)),
        Some(ControlRecord::SnapshotHeader) => write!(out, " controlType: SNAPSHOT_HEADER(3)"),
        Some(ControlRecord::SnapshotFooter) => write!(out, " controlType: SNAPSHOT_FOOTER(4)"),
        Some(ControlRecord::KRaftVersion) => write!(out, " controlType: KRAFT_VERSION(5)"),
        Some(ControlRecord::KRaftVoters) => write!(out, " controlType: KRAFT_VOTERS(6)"),
        Some(ControlRecord::Unknown(kind)) => write!(out, " controlType: UNKNOWN({kind})"),
        None => Ok(()),
    };
}

/// The message of a new leader of the metadata quorum, as Kafka's JSON converter writes it.
fn leader_change(record: &Record) -> String {
    let mut value = record.value.clone().unwrap_or_default();
    let version = value.get(..2).and_then(|two| two.try_into().ok()).map_or(0, i16::from_be_bytes);
    let Ok(message) = LeaderChangeMessage::decode(&mut value, version.clamp(0, 1)) else {
        return "null".to_owned();
    };
    let voters = |voters: &[Voter]| {
        let voter = |voter: &Voter| match version {
            0 => format!("{{\"voterId\":{}}}", voter.voter_id),
            _ => format!(
                "{{\"voterId\":{},\"voterDirectoryId\":\"{}\"}}",
                voter.voter_id,
                uuid_text::to_text(voter.voter_directory_id)
            ),
        };
        voters.iter().map(voter).collect::<Vec<_>>().join(",")
    };
    format!(
        "{{\"version\":{version},\"leaderId\":{},\"voters\":[{}],\"grantingVoters\":[{}]}}",
        message.leader_id.0,
        voters(&message.voters),
        voters(&message.granting_voters)
    )
}
