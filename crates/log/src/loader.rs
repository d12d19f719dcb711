//! Loading a log at start, and its recovery after a crash (org.apache.kafka.storage.internals.log.LogLoader).

use blumfeld_kernel::{Disk, DiskOp, FilePath, Outbox};
use blumfeld_protocol::record_batch::{Batch, batches};
use bytes::Bytes;

use crate::segment::{LogSegment, file_name};
use crate::{LogConfig, OffsetIndex, TimeIndex, TransactionIndex};

/// What is known of a log before it is loaded.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadOptions {
    /// Whether the broker was shut down cleanly, so that nothing has to be scanned.
    pub clean: bool,
    /// Up to which offset the log was durable, from `recovery-point-offset-checkpoint`.
    pub recovery_point: i64,
    /// The log start offset, from `log-start-offset-checkpoint`.
    pub log_start: i64,
    /// Up to where it was cleaned, from `cleaner-offset-checkpoint`.
    pub cleaned_to: i64,
    /// Wall clock, in milliseconds since 1970-01-01 UTC.
    pub now_ms: i64,
}

/// What loading found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Whether nothing had to be scanned.
    pub clean: bool,
    /// Bytes of batches whose checksums were computed.
    pub scanned: u64,
    /// Bytes that were cut: a torn tail, and whole segments behind it.
    pub truncated: u64,
    /// Log end offset after it.
    pub log_end: i64,
}

/// The segments of a log.
pub(crate) struct Loaded {
    pub segments: Vec<LogSegment>,
    /// Base offsets of those whose indexes were built again; their transaction indexes are still empty.
    pub recovered: Vec<i64>,
    pub recovery: Recovery,
}

/// Loads the segments in `dir`, where nothing is left of deletion or cleaning. What cannot be trusted is cut on disk
/// too.
pub(crate) fn load_segments(
    out: &mut Outbox<'_>,
    disk: &Disk,
    dir: &str,
    config: &LogConfig,
    options: LoadOptions,
) -> Loaded {
    let mut recovery = Recovery { clean: options.clean, ..Recovery::default() };
    let prefix = format!("{dir}/");
    let mut bases = Vec::new();
    for (path, _) in disk.files_below(&prefix) {
        let name = &path[prefix.len()..];
        if let Some(base) = name.strip_suffix(".log").and_then(|base| base.parse::<i64>().ok())
            && (0..=i64::MAX - 2 * i64::from(i32::MAX)).contains(&base)
        {
            bases.push(base);
        }
    }
    bases.sort_unstable();
    // Recovery begins with the segment that holds the recovery point (LogSegments.values from its floor).
    let recover_from =
        bases.iter().rev().find(|base| **base <= options.recovery_point).copied().unwrap_or(i64::MIN);
    let mut segments: Vec<LogSegment> = Vec::new();
    let mut recovered = Vec::new();
    let mut bases = bases.into_iter().peekable();
    // A segment that begins inside the one before it is of no log: it is cut like a torn tail.
    // What was written last and not flushed may lack the end of one segment and have the beginning of the next. Only
    // compaction leaves such gaps, and it takes no segment that is not flushed. (Kafka goes on behind every gap.)
    let gaps = |base: i64| options.clean || base <= recover_from.max(options.cleaned_to);
    // So may the first segment be lost and the second one kept. Where nothing is deleted by age or size, a log begins
    // where it began.
    let begins = |base: i64| {
        let known = options.log_start.max(options.recovery_point).max(options.cleaned_to);
        options.clean || config.cleanup.delete || base <= known
    };
    while let Some(base) = bases.next_if(|base| match segments.last() {
        None => begins(*base),
        Some(last) => *base == last.next_offset() || (*base > last.next_offset() && gaps(*base)),
    }) {
        let bytes = disk.read(&file_name(dir, base, "log")).unwrap_or_default();
        let trusted = options.clean || base < recover_from;
        let expected = segments.last().map_or(i64::MIN, LogSegment::next_offset);
        let mut one =
            LoadedSegment { segment: LogSegment::empty(dir, base, config, options.now_ms), valid: 0 };
        if !trusted || !one.read_back(disk, dir, config, &bytes) {
            recovery.scanned += bytes.len() as u64;
            recovery.clean = false;
            one.recover(dir, base, config, options.now_ms, &bytes, expected);
            one.segment.write_indexes(out);
            recovered.push(base);
        }
        let cut = bytes.len() as u64 - one.valid;
        segments.push(one.segment);
        if cut > 0 {
            recovery.truncated += cut;
            out.disk(DiskOp::Truncate { file: file_name(dir, base, "log"), len: one.valid });
            break;
        }
    }
    // Behind a torn segment, or one that overlaps, nothing can follow (LogLoader.recoverLog deletes it).
    for base in bases {
        for suffix in ["log", "index", "timeindex", "txnindex"] {
            let path: FilePath = file_name(dir, base, suffix);
            let there = disk.file(&path).map(blumfeld_kernel::File::len);
            if suffix == "log" {
                recovery.truncated += there.unwrap_or(0);
            }
            if there.is_some() || suffix != "txnindex" {
                out.disk(DiskOp::Delete { path });
            }
        }
    }
    if segments.last().is_some_and(|last| last.next_offset() < options.log_start) {
        for segment in segments.drain(..) {
            for file in segment.all_files() {
                out.disk(DiskOp::Delete { path: file.clone() });
            }
        }
    }
    if segments.is_empty() {
        segments.push(LogSegment::create(out, dir, options.log_start, config, options.now_ms));
    }
    recovery.log_end = segments.last().map_or(0, LogSegment::next_offset);
    Loaded { segments, recovered, recovery }
}

struct LoadedSegment {
    segment: LogSegment,
    /// Bytes of the file that are batches.
    valid: u64,
}

impl LoadedSegment {
    /// Takes a segment as it is, with the indexes in its files. False if a batch does not follow the one before, or an
    /// index is missing, none, or of another log: then the segment has to be recovered.
    fn read_back(&mut self, disk: &Disk, dir: &str, config: &LogConfig, bytes: &Bytes) -> bool {
        let base = self.segment.base_offset();
        let file = |suffix| disk.read(&file_name(dir, base, suffix));
        let indexes = (|| {
            let offsets = OffsetIndex::load(base, config.segment_index_bytes, &file("index")?)?;
            Some((offsets, TimeIndex::load(base, config.segment_index_bytes, &file("timeindex")?)?))
        })();
        let Some((offset_index, time_index)) = indexes else { return false };
        let mut next = base;
        for batch in batches(bytes) {
            match batch {
                Ok(batch) if follows(&batch, base, next) => {
                    next = batch.next_offset();
                    self.segment.take_back(batch);
                }
                _ => return false,
            }
        }
        // An index leads to a batch that does not begin behind its offset; a time entry to a record that is there.
        let leads = |(offset, position): (i64, u32)| {
            self.segment.records.starting_at(position).next().is_some_and(|placed| {
                placed.position == position && placed.batch.base_offset() <= offset && offset < next
            })
        };
        if !offset_index.entries().all(leads) || !time_index.entries().all(|(_, offset)| offset < next) {
            return false;
        }
        // There is no file where nothing was aborted.
        let Some(txn_index) = file("txnindex")
            .map_or(Some(TransactionIndex::default()), |bytes| TransactionIndex::load(base, &bytes))
        else {
            return false;
        };
        (self.segment.offset_index, self.segment.time_index) = (offset_index, time_index);
        self.segment.txn_index = txn_index;
        self.valid = bytes.len() as u64;
        true
    }

    /// Takes the batches up to the first that is torn, corrupt or out of order, and builds the indexes from them.
    fn recover(
        &mut self,
        dir: &str,
        base: i64,
        config: &LogConfig,
        now_ms: i64,
        bytes: &Bytes,
        expected: i64,
    ) {
        self.segment = LogSegment::empty(dir, base, config, now_ms);
        let mut next = base.max(expected);
        for batch in batches(bytes) {
            match batch {
                Ok(batch) if follows(&batch, base, next) && batch.validate_header().is_ok() => {
                    next = batch.next_offset();
                    self.segment.recover_batch(batch);
                }
                _ => break,
            }
        }
        self.segment.closing_entry();
        self.valid = u64::from(self.segment.size());
    }
}

/// Offsets go up, and stay within what the indexes can count from the segment's base offset. Gaps are what compaction
/// leaves.
fn follows(batch: &Batch, segment: i64, next: i64) -> bool {
    let relative = batch.last_offset().checked_sub(segment);
    batch.base_offset() >= next
        && batch.last_offset_delta() >= 0
        && relative.is_some_and(|relative| relative <= i64::from(i32::MAX))
}
