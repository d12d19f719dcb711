//! `.index` and `.timeindex` files (org.apache.kafka.storage.internals.log.OffsetIndex, TimeIndex).

use std::fmt::Write;

use bytes::Bytes;

use super::segment::next_batch;
use super::{File, Findings, Settings, absolute, base_offset};

/// Bytes of an entry of an offset index: the offset less the base offset, and the position.
const OFFSET_ENTRY: usize = 8;
/// Bytes of an entry of a time index: the timestamp, and the offset less the base offset.
const TIME_ENTRY: usize = 12;

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, i32::from_be_bytes)
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, i64::from_be_bytes)
}

/// Offsets and positions.
fn offset_entries(
    bytes: &[u8],
    base: i64,
) -> impl DoubleEndedIterator<Item = (i64, i32)> + ExactSizeIterator {
    let (entries, _) = bytes.as_chunks::<OFFSET_ENTRY>();
    entries.iter().map(move |entry| (base.saturating_add(i64::from(i32_at(entry, 0))), i32_at(entry, 4)))
}

/// Timestamps and offsets.
fn time_entries(bytes: &[u8], base: i64) -> impl DoubleEndedIterator<Item = (i64, i64)> + ExactSizeIterator {
    let (entries, _) = bytes.as_chunks::<TIME_ENTRY>();
    entries.iter().map(move |entry| (i64_at(entry, 0), base.saturating_add(i64::from(i32_at(entry, 8)))))
}

fn corrupt(text: &str) -> String {
    format!("org.apache.kafka.storage.internals.log.CorruptIndexException: {text}")
}

fn needed<'a>(bytes: &'a Option<Bytes>, file: &File, suffix: &str) -> Result<&'a Bytes, String> {
    bytes.as_ref().ok_or_else(|| {
        let stem = file.path.rsplit_once('.').map_or(file.path.as_str(), |(stem, _)| stem);
        format!("java.nio.file.NoSuchFileException: {stem}.{suffix}")
    })
}

/// Shows or checks an offset index.
pub(super) fn dump(
    file: &File,
    settings: &Settings,
    out: &mut String,
    findings: &mut Findings,
) -> Result<(), String> {
    let base = base_offset(&file.path)?;
    let log = needed(&file.log, file, "log")?;
    let bytes = file.bytes.clone().unwrap_or_default();
    let entries = offset_entries(&bytes, base);
    if entries.len() == 0 {
        let _ = writeln!(out, "{} is empty.", file.path);
        return Ok(());
    }
    if settings.sanity_only {
        let last = offset_entries(&bytes, base).next_back().map_or(base, |(offset, _)| offset);
        if last < base {
            return Err(corrupt(&format!(
                "Corrupt index found, index file ({}) has non-zero size but the last offset is {last} which is less than the base offset {base}",
                file.path
            )));
        }
        if !bytes.len().is_multiple_of(OFFSET_ENTRY) {
            return Err(corrupt(&format!(
                "Corrupt index found, index file ({}) has {} bytes which is not a multiple of 8",
                file.path,
                bytes.len()
            )));
        }
        let _ = writeln!(out, "{} passed sanity check.", file.path);
        return Ok(());
    }
    for (offset, position) in entries {
        // A preallocated index ends in zeros.
        if offset <= base {
            return Ok(());
        }
        let at = usize::try_from(position).unwrap_or(usize::MAX);
        let size = usize::try_from(settings.max_message_size).unwrap_or(0);
        let end = log.len().min(at.saturating_add(size));
        let Some(batch) = next_batch(log, at, end, &file.path)? else {
            return Err("java.util.NoSuchElementException".to_owned());
        };
        if batch.last_offset() != offset {
            findings.mismatches.entry(absolute(&file.path)).or_default().push((offset, batch.last_offset()));
        }
        if !settings.verify_only {
            let _ = writeln!(out, "offset: {offset} position: {position}");
        }
    }
    Ok(())
}

/// Shows or checks a time index.
pub(super) fn dump_time(
    file: &File,
    settings: &Settings,
    out: &mut String,
    findings: &mut Findings,
) -> Result<(), String> {
    let base = base_offset(&file.path)?;
    let log = needed(&file.log, file, "log")?;
    let index = file.index.clone().unwrap_or_default();
    let bytes = file.bytes.clone().unwrap_or_default();
    if settings.sanity_only {
        sanity(file, &bytes, base)?;
        let _ = writeln!(out, "{} passed sanity check.", file.path);
        return Ok(());
    }
    let mut previous = -1;
    for (nth, (timestamp, offset)) in time_entries(&bytes, base).enumerate() {
        // A preallocated index ends in zeros.
        if offset == base && nth > 0 {
            return Ok(());
        }
        check_time(file, log, &index, base, (timestamp, offset), previous, findings)?;
        if !settings.verify_only {
            let _ = writeln!(out, "timestamp: {timestamp} offset: {offset}");
        }
        previous = timestamp;
    }
    Ok(())
}

fn sanity(file: &File, bytes: &[u8], base: i64) -> Result<(), String> {
    let first = time_entries(bytes, base).next();
    let last = time_entries(bytes, base).next_back();
    let (Some((first, _)), Some((timestamp, offset))) = (first, last) else { return Ok(()) };
    if timestamp < first {
        return Err(corrupt(&format!(
            "Corrupt time index found, time index file ({}) has non-zero size but the last timestamp is {timestamp} which is less than the first timestamp {first}",
            file.path
        )));
    }
    if offset < base {
        return Err(corrupt(&format!(
            "Corrupt time index found, time index file ({}) has non-zero size but the last offset is {offset} which is less than the first offset {base}",
            file.path
        )));
    }
    if !bytes.len().is_multiple_of(TIME_ENTRY) {
        return Err(corrupt(&format!(
            "Time index file {} is corrupt, found {} bytes which is neither positive nor a multiple of 12",
            file.path,
            bytes.len()
        )));
    }
    Ok(())
}

/// Looks whether the log has an entry's timestamp at its offset.
fn check_time(
    file: &File,
    log: &Bytes,
    index: &Bytes,
    base: i64,
    (timestamp, offset): (i64, i64),
    previous: i64,
    findings: &mut Findings,
) -> Result<(), String> {
    let from = offset_entries(index, base)
        .take_while(|(at, _)| *at <= offset)
        .last()
        .map_or(0, |(_, position)| usize::try_from(position).unwrap_or(0));
    let mut at = from;
    let found = loop {
        match next_batch(log, at, log.len(), &file.path)? {
            Some(batch) if batch.last_offset() >= offset => break Some(batch),
            Some(batch) => at += batch.size(),
            None => break None,
        }
    };
    let path = absolute(&file.path);
    match found {
        None => findings.not_found.entry(path).or_default().push((offset, -1)),
        Some(batch) if batch.last_offset() != offset => {
            findings.not_found.entry(path).or_default().push((offset, batch.last_offset()));
        }
        Some(batch) => {
            let records = batch
                .records()
                .map_err(|error| format!("org.apache.kafka.common.KafkaException: {error}"))?;
            let largest = records.flatten().map(|record| record.timestamp).max().unwrap_or(-1);
            if largest != timestamp {
                findings.timestamp_mismatches.entry(path.clone()).or_default().push((timestamp, largest));
            }
            if previous >= timestamp {
                findings.out_of_order.entry(path).or_default().push((timestamp, previous));
            }
        }
    }
    Ok(())
}
