//! Log compaction: of each key the last record stays (org.apache.kafka.storage.internals.log.Cleaner).
//!
//! A pass reads the dirty part of a log and notes the last offset of each key, as far as the map has room. Then it
//! reads everything up to there, group of segments by group, writes what stays into a new segment, and puts that in the
//! place of the old ones. Offsets stay what they were, so a log has gaps afterwards.
//!
//! A pass is a value that goes on in slices, since nothing here may take long. The log goes on meanwhile: what is
//! appended lies behind the pass. Who cuts the log, or takes segments away, ends the pass.

mod filter;
mod groups;
mod offset_map;
mod range;
mod swap;
mod transactions;

use std::collections::VecDeque;
use std::fmt;

use blumfeld_kernel::{Context, DiskOp, FilePath, FlushId, Outbox};
use blumfeld_protocol::record_batch::{Batch, BatchError};

pub use self::filter::RecordCounts;
use self::filter::{Filter, Filtered};
pub use self::groups::{SegmentSize, group_segments};
pub use self::offset_map::{ENTRY_SIZE, KeyHash, OffsetMap};
pub use self::range::LogToClean;
pub(crate) use self::swap::finish_replacements;
use self::transactions::CleanedTransactions;
use crate::file_records::Placed;
use crate::{AbortedTxn, LogSegment, UnifiedLog};

/// So many keys are looked up together.
const KEYS_AT_ONCE: usize = 128;

/// What a pass may take (org.apache.kafka.storage.internals.log.CleanerConfig).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CleanerConfig {
    /// `log.cleaner.dedupe.buffer.size` by `log.cleaner.threads`: memory of the offset map, in bytes.
    pub dedupe_buffer_size: u64,
    /// `log.cleaner.io.buffer.load.factor`: how full the map may be.
    pub dedupe_buffer_load_factor: f64,
    /// `log.cleaner.io.buffer.size` by `log.cleaner.threads`: the buffers of reading and of writing, in bytes.
    pub io_buffer_size: u64,
}

impl Default for CleanerConfig {
    fn default() -> CleanerConfig {
        CleanerConfig {
            dedupe_buffer_size: 128 * 1024 * 1024,
            dedupe_buffer_load_factor: 0.9,
            io_buffer_size: 512 * 1024,
        }
    }
}

/// Where a pass is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CleaningPhase {
    /// It notes the last offset of each key of the dirty part.
    Indexing,
    /// It reads a group of segments, and writes what stays.
    Cleaning,
    /// It waits until what it wrote is durable.
    Flushing,
    /// It is at its end.
    Done,
}

/// What a pass has done so far (org.apache.kafka.storage.internals.log.CleanerStats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanerStats {
    /// Bytes read for the map.
    pub indexed_bytes: u64,
    /// Records read for the map.
    pub indexed_records: u64,
    /// Bytes read to be cleaned.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// What became of the records.
    pub records: RecordCounts,
    /// Segments that were replaced.
    pub segments_before: u64,
    /// Segments that took their place.
    pub segments_after: u64,
}

/// Why a pass could not go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CleaningError {
    /// Segments that it was to read are gone. The next pass finds the log as it is.
    Changed,
    /// What it wrote could not be made durable.
    Flush,
    /// A batch at this offset cannot be read.
    Unreadable(i64, BatchError),
}

impl fmt::Display for CleaningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("its segments have changed"),
            Self::Flush => f.write_str("what was written could not be flushed"),
            Self::Unreadable(offset, error) => {
                write!(f, "the batch at offset {offset} cannot be read: {error}")
            }
        }
    }
}

impl std::error::Error for CleaningError {}

/// What a slice of a pass did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Slice {
    /// It read and wrote so many bytes, and there is more to do.
    More(u64),
    /// It waits for this flush; [`CleaningPass::on_flushed`] is told of its end.
    Flushing(FlushId),
    /// A segment has taken the place of others, whose files are to be deleted after a while.
    Replaced(Vec<FilePath>),
    /// It is done: the log is clean up to this offset.
    Done(i64),
}

/// What is done next.
#[derive(Clone, Debug)]
enum Stage {
    /// Of each segment its base offset, and where the next one begins.
    Index {
        segments: VecDeque<(i64, i64)>,
        at: usize,
        transactions: CleanedTransactions,
    },
    Clean {
        groups: VecDeque<VecDeque<i64>>,
        transactions: CleanedTransactions,
        group: Option<Box<Group>>,
    },
    Done,
}

/// A group of segments on its way into one.
#[derive(Clone, Debug)]
struct Group {
    /// The segments that are not read through, by their base offsets.
    sources: VecDeque<i64>,
    /// The next batch of the first of them.
    at: usize,
    /// All of them.
    all: Vec<i64>,
    cleaned: LogSegment,
    filter: Filter,
    /// The flush of what was written, and whether it is over.
    flush: Option<(FlushId, bool)>,
}

/// A pass over one log.
#[derive(Clone, Debug)]
pub struct CleaningPass {
    to_clean: LogToClean,
    aborted: Vec<AbortedTxn>,
    map: OffsetMap,
    /// A slice reads or writes about so many bytes.
    slice: u64,
    started_ms: i64,
    stage: Stage,
    stats: CleanerStats,
}

impl CleaningPass {
    /// Begins a pass over what can be cleaned of a log.
    pub fn new(log: &UnifiedLog, to_clean: LogToClean, config: CleanerConfig, now_ms: i64) -> CleaningPass {
        // What is aborted from now on lies behind the last stable offset, and with it behind the pass.
        let aborted: Vec<AbortedTxn> =
            log.segments().flat_map(|segment| segment.txn_index().entries()).copied().collect();
        let (from, to) = (to_clean.first_dirty, to_clean.first_uncleanable);
        let floor = log.segments.range(..=from).next_back().map_or(i64::MIN, |(base, _)| *base);
        let dirty: Vec<i64> = log.segments.range(floor..to.max(floor)).map(|(base, _)| *base).collect();
        let next = dirty.iter().skip(1).copied().chain([to]);
        let segments = dirty.iter().copied().zip(next).collect();
        let transactions = transactions_from(&aborted, from);
        CleaningPass {
            to_clean,
            aborted,
            map: OffsetMap::new(config.dedupe_buffer_size, config.dedupe_buffer_load_factor),
            slice: (config.io_buffer_size / 2).max(1),
            started_ms: now_ms,
            stage: Stage::Index { segments, at: 0, transactions },
            stats: CleanerStats::default(),
        }
    }

    /// What it was begun for.
    pub fn to_clean(&self) -> &LogToClean {
        &self.to_clean
    }

    /// What it has done so far.
    pub fn stats(&self) -> &CleanerStats {
        &self.stats
    }

    /// When it was begun, in milliseconds since 1970-01-01 UTC.
    pub fn started_ms(&self) -> i64 {
        self.started_ms
    }

    /// How many keys its map holds, and how many it may hold.
    pub fn map_fill(&self) -> (u64, u64) {
        (self.map.len(), self.map.capacity())
    }

    /// Memory that its map has taken so far, in bytes.
    pub fn map_bytes(&self) -> u64 {
        self.map.bytes()
    }

    /// Up to where the map knows the last offset of each key: where the pass will have cleaned to.
    pub fn mapped_to(&self) -> i64 {
        self.map.latest_offset() + 1
    }

    /// Where it is.
    pub fn phase(&self) -> CleaningPhase {
        match &self.stage {
            Stage::Index { .. } => CleaningPhase::Indexing,
            Stage::Clean { group: Some(group), .. } if matches!(group.flush, Some((_, false))) => {
                CleaningPhase::Flushing
            }
            Stage::Clean { .. } => CleaningPhase::Cleaning,
            Stage::Done => CleaningPhase::Done,
        }
    }

    /// Goes on for one slice. Nothing is done while it waits for a flush.
    ///
    /// # Errors
    /// The pass is over; its files are taken away by [`abandon`](Self::abandon).
    pub fn go_on(&mut self, cx: &mut Context<'_>, log: &mut UnifiedLog) -> Result<Slice, CleaningError> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Index { segments, at, transactions } => self.index(cx, log, segments, at, transactions),
            Stage::Clean { groups, transactions, group: None } => {
                Ok(self.next_group(cx, log, groups, transactions))
            }
            Stage::Clean { groups, mut transactions, group: Some(mut group) } => {
                let result = self.clean(cx, log, &mut group, &mut transactions);
                let group = match &result {
                    Ok(Slice::Replaced(_)) => None,
                    // A pass that fails knows its files until it is abandoned.
                    _ => Some(group),
                };
                self.stage = Stage::Clean { groups, transactions, group };
                result
            }
            Stage::Done => Ok(Slice::Done(self.mapped_to())),
        }
    }

    /// A flush is over. Gives whether it is the one that the pass waits for.
    ///
    /// # Errors
    /// It failed, and so has the pass.
    pub fn on_flushed(&mut self, id: FlushId, ok: bool) -> Result<bool, CleaningError> {
        let Stage::Clean { group: Some(group), .. } = &mut self.stage else { return Ok(false) };
        match &mut group.flush {
            Some((flush, done)) if *flush == id => {
                *done = true;
                if ok { Ok(true) } else { Err(CleaningError::Flush) }
            }
            _ => Ok(false),
        }
    }

    /// Ends it before its end: what it wrote and did not put in place is deleted.
    pub fn abandon(&mut self, out: &mut Outbox<'_>) {
        if let Stage::Clean { group: Some(group), .. } = std::mem::replace(&mut self.stage, Stage::Done) {
            for file in group.cleaned.all_files() {
                out.disk(DiskOp::Delete { path: file.clone() });
            }
        }
    }

    /// Reads on for the map.
    fn index(
        &mut self,
        cx: &mut Context<'_>,
        log: &UnifiedLog,
        mut segments: VecDeque<(i64, i64)>,
        mut at: usize,
        mut transactions: CleanedTransactions,
    ) -> Result<Slice, CleaningError> {
        let mut read = 0;
        let mut full = false;
        while let Some((base, next)) = segments.front().copied() {
            let segment = log.segments.get(&base).ok_or(CleaningError::Changed)?;
            let batches = segment.batches_from(self.to_clean.first_dirty);
            let from = at;
            let mut more = false;
            for placed in batches.clone().skip(from) {
                if read >= self.slice {
                    more = true;
                    break;
                }
                full = !self.index_batch(&placed.batch, &mut transactions)?;
                if full {
                    break;
                }
                at += 1;
                read += placed.batch.size() as u64;
            }
            note_read(cx, segment, batches.skip(from).take(at - from));
            if full {
                break;
            }
            if more {
                self.stats.indexed_bytes += read;
                self.stage = Stage::Index { segments, at, transactions };
                return Ok(Slice::More(read));
            }
            // Where offsets are missing at the end of the segment, they have been looked at too.
            self.map.update_latest_offset(next - 1);
            segments.pop_front();
            at = 0;
        }
        self.stats.indexed_bytes += read;
        let end = self.mapped_to();
        let sizes: Vec<SegmentSize> =
            (log.segments.range(..end)).map(|(_, one)| SegmentSize::of(one)).collect();
        let groups = group_segments(&sizes, log.config(), self.to_clean.first_uncleanable);
        let start = groups.front().and_then(|group| group.front()).copied().unwrap_or(end);
        let transactions = transactions_from(&self.aborted, start);
        self.stage = Stage::Clean { groups, transactions, group: None };
        Ok(Slice::More(read))
    }

    /// Notes the keys of a batch. False if the map is full.
    fn index_batch(
        &mut self,
        batch: &Batch,
        transactions: &mut CleanedTransactions,
    ) -> Result<bool, CleaningError> {
        let unreadable = |error| CleaningError::Unreadable(batch.base_offset(), error);
        // What an aborted transaction wrote supersedes nothing.
        let useless = transactions.on_batch(batch).map_err(unreadable)?;
        if !batch.is_control() && !useless {
            let mut records = batch.records().map_err(unreadable)?;
            let mut keys: Vec<(KeyHash, i64)> = Vec::with_capacity(KEYS_AT_ONCE);
            loop {
                let record = records.next_key().transpose().map_err(unreadable)?;
                let is_last = record.is_none();
                if let Some(record) = record.filter(|record| record.offset >= self.to_clean.first_dirty)
                    && let Some(key) = record.key
                {
                    keys.push((KeyHash::of(key), record.offset));
                }
                if is_last || keys.len() == KEYS_AT_ONCE {
                    self.map.approach(keys.iter().map(|(key, _)| *key));
                    if keys.drain(..).any(|(key, offset)| !self.map.put(key, offset)) {
                        return Ok(false);
                    }
                }
                if is_last {
                    break;
                }
            }
        }
        self.stats.indexed_records += u64::try_from(batch.records_count()).unwrap_or(0);
        if batch.last_offset() >= self.to_clean.first_dirty {
            self.map.update_latest_offset(batch.last_offset());
        }
        Ok(true)
    }

    /// Begins the next group, or ends the pass.
    fn next_group(
        &mut self,
        cx: &mut Context<'_>,
        log: &UnifiedLog,
        mut groups: VecDeque<VecDeque<i64>>,
        transactions: CleanedTransactions,
    ) -> Slice {
        let Some(sources) = groups.pop_front() else { return Slice::Done(self.mapped_to()) };
        let all: Vec<i64> = sources.iter().copied().collect();
        let base = all.first().copied().unwrap_or(0);
        // A segment without timestamps is as old as what it was made of.
        let created = all.last().and_then(|last| log.segments.get(last)).map_or(0, LogSegment::created_ms);
        let cleaned = LogSegment::create_with_suffix(
            &mut cx.out,
            log.dir(),
            base,
            log.config(),
            created,
            swap::CLEANED,
        );
        let times = (self.started_ms, log.config().delete_retention_ms);
        let filter = Filter::new(log.producers(), times, self.to_clean.first_uncleanable);
        let group = Some(Box::new(Group { sources, at: 0, all, cleaned, filter, flush: None }));
        self.stage = Stage::Clean { groups, transactions, group };
        Slice::More(0)
    }

    /// Goes on with a group.
    fn clean(
        &mut self,
        cx: &mut Context<'_>,
        log: &mut UnifiedLog,
        group: &mut Group,
        transactions: &mut CleanedTransactions,
    ) -> Result<Slice, CleaningError> {
        match group.flush {
            Some((flush, false)) => return Ok(Slice::Flushing(flush)),
            Some((_, true)) => {
                if group.all.iter().any(|base| !log.segments.contains_key(base)) {
                    return Err(CleaningError::Changed);
                }
                self.stats.segments_before += group.all.len() as u64;
                self.stats.segments_after += 1;
                let files = log.replace_segments(&mut cx.out, group.cleaned.clone(), &group.all);
                return Ok(Slice::Replaced(files));
            }
            None => {}
        }
        if group.sources.is_empty() {
            for aborted in transactions.take_retained() {
                group.cleaned.note_aborted(&mut cx.out, aborted);
            }
            group.cleaned.close(&mut cx.out);
            let flush = cx.out.disk(DiskOp::Flush { files: group.cleaned.all_files().cloned().collect() });
            group.flush = Some((flush, false));
            return Ok(Slice::Flushing(flush));
        }
        let (mut read, mut written) = (0, 0);
        while let Some(base) = group.sources.front().copied() {
            let source = log.segments.get(&base).ok_or(CleaningError::Changed)?;
            let from = group.at;
            for placed in source.batches().iter_from(from) {
                if read >= self.slice {
                    break;
                }
                let batch = &placed.batch;
                let counts = &mut self.stats.records;
                let left = (group.filter.apply(batch, &self.map, transactions, counts))
                    .map_err(|error| CleaningError::Unreadable(batch.base_offset(), error))?;
                let kept = match left {
                    Filtered::Gone => None,
                    Filtered::Same => Some(batch.clone()),
                    Filtered::Other(batch) => Some(batch),
                };
                if let Some(kept) = kept {
                    written += kept.size() as u64;
                    group.cleaned.append(&mut cx.out, kept);
                }
                group.at += 1;
                read += batch.size() as u64;
            }
            note_read(cx, source, source.batches().iter_from(from).take(group.at - from));
            if group.at < source.batches().len() {
                break;
            }
            group.sources.pop_front();
            group.at = 0;
        }
        self.stats.bytes_read += read;
        self.stats.bytes_written += written;
        Ok(Slice::More(read + written))
    }
}

/// These batches of a segment were read: what the disk has to bring of them it is asked for.
fn note_read<'a>(
    cx: &mut Context<'_>,
    segment: &LogSegment,
    mut batches: impl Iterator<Item = &'a Placed> + Clone,
) {
    if let (Some(last), Some(first)) = (batches.clone().last(), batches.next()) {
        let from = u64::from(first.position);
        let len = u64::from(last.position) + last.batch.size() as u64 - from;
        cx.out.disk(DiskOp::Read { file: segment.files()[0].clone(), from, len });
    }
}

/// The transactions before a pass from `offset` on. One that ended below it says nothing of what is read.
fn transactions_from(aborted: &[AbortedTxn], offset: i64) -> CleanedTransactions {
    let aborted: Vec<AbortedTxn> = aborted.iter().filter(|txn| txn.last_offset >= offset).copied().collect();
    CleanedTransactions::new(&aborted)
}
