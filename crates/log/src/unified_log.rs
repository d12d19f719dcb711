//! The log of one partition (org.apache.kafka.storage.internals.log.UnifiedLog).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use blumfeld_kernel::{Context, Disk, DiskOp, FilePath, FlushId, Outbox, TraceEvent};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::record_batch::{Batch, batches};
use bytes::Bytes;

use crate::producer_state::BatchMetadata;
use crate::validator::validate;
use crate::{
    AbortedTxn, AppendError, AppendOrigin, CompletedTxn, LeaderEpochCache, LoadOptions, LogConfig,
    LogSegment, ProducerStateManager, Recovery,
};

/// What an append did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendInfo {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Offset of the last record.
    pub last_offset: i64,
    /// The broker's timestamp where the topic wants it, else -1. In milliseconds.
    pub log_append_time: i64,
    /// Bytes appended.
    pub bytes: u32,
    /// Records appended.
    pub records: i32,
    /// Whether nothing was appended: the batch stands in the log already, at these offsets.
    pub duplicate: bool,
}

/// The offset is below the log start or above what may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetOutOfRange {
    /// The offset asked for.
    pub offset: i64,
    /// First that can be read.
    pub log_start: i64,
    /// The offset after the last.
    pub log_end: i64,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct FetchData {
    /// Whole batches in order.
    pub batches: Vec<Batch>,
    /// The file that they are in, with the first byte and the number of bytes: what a disk would have to bring.
    pub place: Option<(FilePath, u64, u64)>,
    /// Bytes of all batches.
    pub size: usize,
    /// The segment that they are in, and where in it they begin.
    from: Option<(i64, u32)>,
}

/// A record found by its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// Its timestamp in milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Its offset.
    pub offset: i64,
    /// The leader epoch it was written in.
    pub leader_epoch: i32,
}

/// A log.
#[derive(Clone, Debug)]
pub struct UnifiedLog {
    name: Arc<str>,
    dir: String,
    config: LogConfig,
    pub(crate) segments: BTreeMap<i64, LogSegment>,
    log_start: i64,
    recovery_point: i64,
    epochs: LeaderEpochCache,
    pub(crate) producers: ProducerStateManager,
    /// Flushes under way, each with the offset that becomes durable.
    flushing: VecDeque<(FlushId, i64)>,
    flushed_up_to: i64,
    last_flush_ms: i64,
    /// Where the active segment began each time that closed segments were cut, or became active again: the lowest since
    /// it was taken.
    cut_to: Option<i64>,
}

impl UnifiedLog {
    /// Loads the log of the partition `name` (`orders-0`) from its directory, which begins to exist if it did not.
    pub fn load(
        out: &mut Outbox<'_>,
        disk: &Disk,
        name: &str,
        config: LogConfig,
        options: LoadOptions,
    ) -> (UnifiedLog, Recovery) {
        let finished = crate::cleaner::finish_replacements(out, disk, name);
        let disk = finished.as_ref().unwrap_or(disk);
        let crate::loader::Loaded { segments, recovered, recovery } =
            crate::loader::load_segments(out, disk, name, &config, options);
        let segments: BTreeMap<i64, LogSegment> =
            segments.into_iter().map(|segment| (segment.base_offset(), segment)).collect();
        let first = segments.keys().next().copied().unwrap_or(0);
        let checkpoint = disk.read(&format!("{name}/leader-epoch-checkpoint"));
        let text = checkpoint.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        let recovery_point =
            if recovery.clean { recovery.log_end } else { options.recovery_point.min(recovery.log_end) };
        let name: Arc<str> = name.into();
        let mut log = UnifiedLog {
            producers: ProducerStateManager::load(disk, &name),
            name: name.clone(),
            dir: name.to_string(),
            config,
            segments,
            log_start: options.log_start.max(first),
            recovery_point,
            epochs: LeaderEpochCache::load(&name, text),
            flushing: VecDeque::new(),
            flushed_up_to: recovery_point,
            last_flush_ms: options.now_ms,
            cut_to: None,
        };
        log.epochs.truncate_from_end(out, recovery.log_end);
        // Entries that a recovered log should have and its checkpoint lacks are in its batches.
        let missing: Vec<(i32, i64)> = (log.segments.values())
            .flat_map(|segment| segment.batches().iter())
            .map(|placed| (placed.batch.partition_leader_epoch(), placed.batch.base_offset()))
            .collect();
        for (epoch, start) in missing {
            log.epochs.assign(out, epoch, start);
        }
        let segments = &log.segments;
        log.producers.remove_strays(out, |offset| segments.contains_key(&offset));
        log.recover_txn_indexes(out, disk, &recovered);
        log.rebuild_producers(out);
        (log, recovery)
    }

    /// Finds the aborted transactions of segments that were recovered again, from the batches that they kept
    /// (LogSegment.recover).
    fn recover_txn_indexes(&mut self, out: &mut Outbox<'_>, disk: &Disk, recovered: &[i64]) {
        for base in recovered {
            let batches = self
                .segments
                .values()
                .flat_map(|segment| segment.batches().iter())
                .map(|placed| &placed.batch);
            let mut state = self.producers.at(*base, batches);
            let Some(segment) = self.segments.get_mut(base) else { continue };
            let batches: Vec<Batch> = segment.batches().iter().map(|placed| placed.batch.clone()).collect();
            for batch in &batches {
                if let Some((done, last_stable)) = state.update(batch).filter(|(done, _)| done.aborted) {
                    segment.txn_index.recover(aborted(&done, last_stable));
                }
            }
            segment.write_txn_index(out, disk);
        }
    }

    /// `orders-0`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its directory.
    pub(crate) fn dir(&self) -> &str {
        &self.dir
    }

    /// Takes where the log was cut, if that concerned closed segments: what was cleaned behind it is dirty again, and
    /// what is being cleaned may be written to.
    pub fn take_cut(&mut self) -> Option<i64> {
        self.cut_to.take()
    }

    /// Closed segments were cut, or are active again.
    fn note_cut(&mut self) {
        let active = self.active().map_or(self.log_start, LogSegment::base_offset);
        self.cut_to = Some(self.cut_to.map_or(active, |cut| cut.min(active)));
    }

    /// Its configs.
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Changes its configs. Segments keep the index size that they were made with.
    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// First offset that can be read.
    pub fn log_start(&self) -> i64 {
        self.log_start
    }

    /// The offset that the next record gets.
    pub fn log_end(&self) -> i64 {
        self.active().map_or(self.log_start, LogSegment::next_offset)
    }

    /// Up to which offset the log is known to be durable.
    pub fn recovery_point(&self) -> i64 {
        self.recovery_point
    }

    /// Which leader epoch began where.
    pub fn epochs(&self) -> &LeaderEpochCache {
        &self.epochs
    }

    /// The producers that wrote to it with sequence numbers.
    pub fn producers(&self) -> &ProducerStateManager {
        &self.producers
    }

    /// The same, to let them expire.
    pub fn producers_mut(&mut self) -> &mut ProducerStateManager {
        &mut self.producers
    }

    /// Consumers of committed transactions read up to here: no further than the first transaction that is open, or
    /// ended with a marker at or above the high watermark (fetchLastStableOffsetMetadata).
    pub fn last_stable_offset(&self, high_watermark: i64) -> i64 {
        let unstable = self.producers.first_unstable(high_watermark);
        unstable.map_or(high_watermark, |first| first.max(self.log_start).min(high_watermark))
    }

    /// The transactions that were aborted and have records between `from` and the end of what was read
    /// (addAbortedTransactions).
    pub fn aborted_txns(&self, from: i64, data: &FetchData) -> Vec<AbortedTxn> {
        let mut found = Vec::new();
        let Some((base, position)) = data.from else { return found };
        let bound = self.segments.get(&base).and_then(|segment| segment.upper_bound(position, data.size));
        let next = || self.segments.range(base + 1..).next().map(|(base, _)| *base);
        let upper = bound.or_else(next).unwrap_or_else(|| self.log_end());
        for segment in self.segments.range(base..).map(|(_, segment)| segment) {
            if segment.txn_index().collect(from, upper, &mut found) {
                break;
            }
        }
        found
    }

    /// Brings the producers' state to the log end, and keeps it as a snapshot.
    fn rebuild_producers(&mut self, out: &mut Outbox<'_>) {
        let end = self.log_end();
        let batches =
            self.segments.values().flat_map(|segment| segment.batches().iter()).map(|placed| &placed.batch);
        self.producers.rebuild(out, end, batches);
        self.producers.take_snapshot(out);
    }

    /// Its segments, oldest first; the last is the active one.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &LogSegment> {
        self.segments.values()
    }

    /// Bytes of all its batches.
    pub fn size(&self) -> u64 {
        self.segments.values().map(|segment| u64::from(segment.size())).sum()
    }

    fn active(&self) -> Option<&LogSegment> {
        self.segments.values().next_back()
    }

    /// Notes that this node leads the partition in `epoch` from the log end on.
    pub fn become_leader(&mut self, out: &mut Outbox<'_>, epoch: i32) {
        let end = self.log_end();
        self.epochs.assign(out, epoch, end);
    }

    /// Appends what a producer or a coordinator sent for this partition: one batch. Checks it, gives it offsets and the
    /// leader's epoch.
    pub fn append_as_leader(
        &mut self,
        cx: &mut Context<'_>,
        batch: &Batch,
        leader_epoch: i32,
        origin: AppendOrigin,
    ) -> Result<AppendInfo, AppendError> {
        let now_ms = cx.unix_ms();
        if batch.base_offset() != 0 {
            let message = format!(
                "The baseOffset of the record batch in the append to {} should be 0, but it is {}",
                self.name,
                batch.base_offset()
            );
            return Err(AppendError::new(ErrorCode::INVALID_RECORD, message));
        }
        self.check_message_size(batch)?;
        let at = (self.log_end(), leader_epoch);
        let valid = validate(batch, &self.config, &self.name, at, origin, now_ms)?;
        self.check_size(&valid.batch)?;
        if valid.batch.producer_id() >= 0 {
            let client = origin == AppendOrigin::Client;
            if let Some(written) = self.producers.duplicate_of(&valid.batch).filter(|_| client) {
                return Ok(self.duplicate(cx, &valid.batch, written));
            }
            self.producers.check(&valid.batch, origin)?;
        }
        Ok(self.append(cx, valid.batch, valid.log_append_time))
    }

    /// A batch that was appended before is answered as it was then (UnifiedLog.append).
    fn duplicate(&self, cx: &mut Context<'_>, batch: &Batch, written: BatchMetadata) -> AppendInfo {
        let info = AppendInfo {
            base_offset: written.first_offset(),
            last_offset: written.last_offset,
            log_append_time: written.timestamp,
            bytes: 0,
            records: 0,
            duplicate: true,
        };
        cx.out.trace(TraceEvent::DuplicateBatch {
            partition: self.name.clone(),
            producer_id: batch.producer_id(),
            base_sequence: batch.base_sequence(),
            last_sequence: batch.last_sequence(),
            base_offset: info.base_offset,
        });
        info
    }

    fn check_message_size(&self, batch: &Batch) -> Result<(), AppendError> {
        let size = batch.size();
        if size > self.config.max_message_bytes as usize {
            return Err(AppendError::new(
                ErrorCode::MESSAGE_TOO_LARGE,
                format!(
                    "The record batch size in the append to {} is {size} bytes which exceeds the maximum configured \
                     value of {}.",
                    self.name, self.config.max_message_bytes
                ),
            ));
        }
        Ok(())
    }

    fn check_size(&self, batch: &Batch) -> Result<(), AppendError> {
        self.check_message_size(batch)?;
        let size = batch.size();
        if size > self.config.segment_bytes as usize {
            return Err(AppendError::new(
                ErrorCode::RECORD_LIST_TOO_LARGE,
                format!(
                    "Message batch size is {size} bytes in append to partition {}, which exceeds the maximum \
                     configured segment size of {}.",
                    self.name, self.config.segment_bytes
                ),
            ));
        }
        Ok(())
    }

    /// Appends a batch whose offsets and epoch are set and follow the log end: the controller's, or a leader's.
    pub fn append(&mut self, cx: &mut Context<'_>, batch: Batch, log_append_time: i64) -> AppendInfo {
        let now_ms = cx.unix_ms();
        let end = self.log_end();
        self.epochs.assign(&mut cx.out, batch.partition_leader_epoch(), batch.base_offset());
        let (config, last) = (&self.config, batch.last_offset());
        if self.active().is_none_or(|segment| segment.should_roll(config, &batch, last, now_ms)) {
            self.roll(cx, end);
        }
        let info = AppendInfo {
            base_offset: batch.base_offset(),
            last_offset: last,
            log_append_time,
            bytes: u32::try_from(batch.size()).unwrap_or(u32::MAX),
            records: batch.records_count(),
            duplicate: false,
        };
        let done = self.producers.update(&batch);
        if let Some(mut active) = self.segments.last_entry() {
            active.get_mut().append(&mut cx.out, batch);
            if let Some((done, last_stable)) = done.filter(|(done, _)| done.aborted) {
                active.get_mut().note_aborted(&mut cx.out, aborted(&done, last_stable));
            }
        }
        cx.out.trace(TraceEvent::Appended {
            partition: self.name.clone(),
            base_offset: info.base_offset,
            last_offset: info.last_offset,
            bytes: info.bytes,
        });
        if self.log_end() - self.flushed_up_to >= self.config.flush_messages {
            self.flush(cx);
        }
        info
    }

    /// Appends what a leader sent: whole batches with their offsets and epochs. Batches below the log end are passed
    /// over, as a fetch may begin inside a batch. Gives how many records were appended.
    ///
    /// # Errors
    /// A batch that is damaged, or does not follow the log end; what came before it is appended.
    pub fn append_as_follower(
        &mut self,
        cx: &mut Context<'_>,
        records: &[Bytes],
    ) -> Result<i64, AppendError> {
        let corrupt = |what: String| AppendError::new(ErrorCode::CORRUPT_MESSAGE, what);
        let mut appended = 0;
        for batch in records.iter().flat_map(batches) {
            let batch = batch.map_err(|error| corrupt(error.to_string()))?;
            let end = self.log_end();
            if batch.last_offset() < end {
                continue;
            }
            if batch.base_offset() < end || batch.last_offset() < batch.base_offset() {
                let what = format!("{}: a batch at {} does not follow {end}", self.name, batch.base_offset());
                return Err(AppendError::new(ErrorCode::OFFSET_OUT_OF_RANGE, what));
            }
            batch.validate_header().map_err(|error| corrupt(error.to_string()))?;
            appended += batch.last_offset() - batch.base_offset() + 1;
            self.append(cx, batch, -1);
        }
        Ok(appended)
    }

    /// Drops everything and goes on at `offset`: what came before is gone at the leader too, or is in a snapshot.
    pub fn truncate_fully_and_start_at(&mut self, cx: &mut Context<'_>, offset: i64) {
        let now_ms = cx.unix_ms();
        while let Some((_, segment)) = self.segments.pop_last() {
            for file in segment.all_files() {
                cx.out.disk(DiskOp::Delete { path: file.clone() });
            }
        }
        let segment = LogSegment::create(&mut cx.out, &self.dir, offset, &self.config, now_ms);
        self.segments.insert(offset, segment);
        self.log_start = offset;
        self.recovery_point = offset;
        self.flushed_up_to = offset;
        self.flushing.clear();
        self.epochs.clear(&mut cx.out);
        self.producers.truncate_fully_and_start_at(&mut cx.out, offset);
        self.note_cut();
    }

    /// The epoch of the last record, or the newest one known for a log that was emptied from its start; -1 for none.
    pub fn latest_epoch(&self) -> i32 {
        self.epochs.latest().unwrap_or(-1)
    }

    /// Closes the active segment and begins one at `offset`. What was written so far is flushed, as Kafka does in the
    /// background.
    fn roll(&mut self, cx: &mut Context<'_>, offset: i64) {
        let now_ms = cx.unix_ms();
        if let Some(mut active) = self.segments.last_entry() {
            if active.get().base_offset() == offset {
                return;
            }
            active.get_mut().close(&mut cx.out);
        }
        self.producers.take_snapshot(&mut cx.out);
        self.flush(cx);
        let segment = LogSegment::create(&mut cx.out, &self.dir, offset, &self.config, now_ms);
        self.segments.insert(offset, segment);
        cx.out.trace(TraceEvent::SegmentRolled { partition: self.name.clone(), base_offset: offset });
    }

    /// Begins to make everything durable that is not; gives the operation to wait for, or `None` if there is nothing.
    pub fn flush(&mut self, cx: &mut Context<'_>) -> Option<FlushId> {
        let (end, from) = (self.log_end(), self.flushed_up_to);
        self.last_flush_ms = cx.unix_ms();
        if end <= from {
            return self.flushing.back().map(|(id, _)| *id);
        }
        // Flushes may end in another order than they began: each takes along what is not known to be durable, so that
        // its end says so of everything below.
        let files = (self.segments.values().rev())
            .take_while(|segment| segment.next_offset() > self.recovery_point)
            .flat_map(|segment| segment.all_files().cloned())
            .collect();
        let id = cx.out.disk(DiskOp::Flush { files });
        self.flushing.push_back((id, end));
        self.flushed_up_to = end;
        Some(id)
    }

    /// A flush failed: what is not known to be durable counts as not flushed, so that the next flush takes it along.
    pub fn forget_flushes(&mut self) {
        self.flushing.clear();
        self.flushed_up_to = self.recovery_point;
    }

    /// Whether records have waited longer than `flush.ms`.
    pub fn flush_is_due(&self, now_ms: i64) -> bool {
        self.log_end() > self.flushed_up_to
            && now_ms.saturating_sub(self.last_flush_ms) >= self.config.flush_ms
    }

    /// A disk operation is done. Gives whether it was one of this log's flushes.
    pub fn on_flushed(&mut self, id: FlushId) -> bool {
        let Some(at) = self.flushing.iter().position(|(flush, _)| *flush == id) else { return false };
        if let Some((_, offset)) = self.flushing.remove(at) {
            self.recovery_point = self.recovery_point.max(offset);
        }
        true
    }

    /// Reads whole batches from `offset` on, below `upper` (the high watermark for a consumer, the log end for a
    /// replica), at most `max_bytes`; with `min_one` the first batch comes even if it is larger. A read ends with its
    /// segment, as in Kafka.
    pub fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        upper: i64,
        min_one: bool,
    ) -> Result<FetchData, OffsetOutOfRange> {
        let end = self.log_end();
        if offset < self.log_start || offset > end {
            return Err(OffsetOutOfRange { offset, log_start: self.log_start, log_end: end });
        }
        let mut data = FetchData::default();
        let floor = self.segments.range(..=offset).next_back().map_or(offset, |(base, _)| *base);
        for segment in self.segments.range(floor..).map(|(_, segment)| segment) {
            for placed in segment.batches_from(offset) {
                let size = placed.batch.size();
                let fits = data.size + size <= max_bytes || (min_one && data.batches.is_empty());
                if placed.batch.last_offset() >= upper || !fits {
                    return Ok(data);
                }
                data.from.get_or_insert((segment.base_offset(), placed.position));
                data.size += size;
                data.batches.push(placed.batch.clone());
                match &mut data.place {
                    None => {
                        data.place =
                            Some((segment.files()[0].clone(), u64::from(placed.position), size as u64))
                    }
                    Some(place) => place.2 += size as u64,
                }
            }
            if !data.batches.is_empty() {
                break;
            }
        }
        Ok(data)
    }

    /// The first record whose timestamp is at or above `timestamp`, below `upper`.
    pub fn find_by_timestamp(&self, timestamp: i64, upper: i64) -> Option<TimestampOffset> {
        (self.segments.values())
            .filter(|segment| segment.max_timestamp() >= timestamp)
            .find_map(|segment| segment.find_by_timestamp(timestamp, self.log_start))
            .filter(|found| found.offset < upper)
    }

    /// The first record with the largest timestamp of all (KIP-734).
    pub fn find_max_timestamp(&self) -> Option<TimestampOffset> {
        let mut newest: Option<&LogSegment> = None;
        for segment in self.segments.values().filter(|segment| segment.max_timestamp() >= 0) {
            if newest.is_none_or(|have| segment.max_timestamp() > have.max_timestamp()) {
                newest = Some(segment);
            }
        }
        newest?.find_max_timestamp()
    }

    /// The batch that holds `offset`, or the next one after it, and those behind it, with the base offset of the
    /// segment and the position of each.
    pub fn browse(&self, offset: i64) -> impl Iterator<Item = (i64, u32, &Batch)> {
        let floor = self.segments.range(..=offset).next_back().map_or(0, |(base, _)| *base);
        self.segments.range(floor..).flat_map(move |(base, segment)| {
            segment.batches_from(offset).map(move |placed| (*base, placed.position, &placed.batch))
        })
    }

    /// Moves the log start up to `offset` (DeleteRecords); segments that end below it are deleted. Gives the files that
    /// wait for deletion.
    pub fn advance_log_start(&mut self, cx: &mut Context<'_>, offset: i64) -> Vec<FilePath> {
        if offset <= self.log_start {
            return Vec::new();
        }
        self.log_start = offset;
        self.epochs.truncate_from_start(&mut cx.out, offset);
        cx.out.trace(TraceEvent::LogStartAdvanced { partition: self.name.clone(), to: offset });
        self.delete_oldest(cx, |log, segment| segment.next_offset() <= log.log_start)
    }

    /// Deletes segments by `retention.ms`, `retention.bytes` and log start, oldest first, none at or above `upper` (the
    /// high watermark). Gives the files that wait for deletion.
    pub fn delete_old_segments(&mut self, cx: &mut Context<'_>, upper: i64) -> Vec<FilePath> {
        let now_ms = cx.unix_ms();
        let mut files = self.delete_oldest(cx, |log, segment| segment.next_offset() <= log.log_start);
        if !self.config.cleanup.delete {
            return files;
        }
        let (retention_ms, retention_bytes) = (self.config.retention_ms, self.config.retention_bytes);
        if retention_ms >= 0 {
            files.extend(self.delete_oldest(cx, |_, segment| {
                segment.next_offset() <= upper
                    && now_ms.saturating_sub(segment.largest_timestamp()) > retention_ms
            }));
        }
        if let Ok(limit) = u64::try_from(retention_bytes) {
            files.extend(self.delete_oldest(cx, |log, segment| {
                segment.next_offset() <= upper
                    && log.size().saturating_sub(u64::from(segment.size())) >= limit
            }));
        }
        files
    }

    /// Deletes segments from the oldest on while `condemned` holds. If that takes the active one too, a new one is
    /// begun first; an empty active segment stays.
    fn delete_oldest(
        &mut self,
        cx: &mut Context<'_>,
        condemned: impl Fn(&UnifiedLog, &LogSegment) -> bool,
    ) -> Vec<FilePath> {
        let (mut files, mut count) = (Vec::new(), 0);
        while let Some(first) = self.segments.values().next() {
            if !condemned(self, first) {
                break;
            }
            if self.segments.len() == 1 {
                if first.size() == 0 {
                    break;
                }
                let end = self.log_end();
                self.roll(cx, end);
            }
            let Some((_, segment)) = self.segments.pop_first() else { break };
            files.extend(segment.change_suffix(&mut cx.out, ".deleted"));
            files.extend(self.producers.condemn(&mut cx.out, segment.base_offset()));
            count += 1;
        }
        if count > 0 {
            let first = self.segments.keys().next().copied().unwrap_or(self.log_start);
            self.log_start = self.log_start.max(first);
            let log_start = self.log_start;
            self.epochs.truncate_from_start(&mut cx.out, log_start);
            cx.out.trace(TraceEvent::SegmentsDeleted { partition: self.name.clone(), count, log_start });
        }
        files
    }

    /// Drops every record at and above `offset`, and with it the whole batch that holds it. Gives the bytes cut.
    pub fn truncate_to(&mut self, out: &mut Outbox<'_>, offset: i64, now_ms: i64) -> u64 {
        if offset >= self.log_end() {
            // An epoch in which this replica led and appended nothing may stand at the end, unknown to the leader.
            let end = self.log_end();
            self.epochs.truncate_from_end(out, end);
            return 0;
        }
        let mut cut = 0;
        let active = self.active().map(LogSegment::base_offset);
        while let Some((base, segment)) = self.segments.pop_last() {
            if base > offset || (base == offset && !self.segments.is_empty()) {
                cut += u64::from(segment.size());
                for file in segment.all_files() {
                    out.disk(DiskOp::Delete { path: file.clone() });
                }
                continue;
            }
            let mut segment = segment;
            cut += u64::from(segment.truncate_to(out, offset));
            self.segments.insert(base, segment);
            break;
        }
        if self.segments.is_empty() {
            let segment = LogSegment::create(out, &self.dir, offset, &self.config, now_ms);
            self.segments.insert(offset, segment);
        }
        let end = self.log_end();
        self.log_start = self.log_start.min(end);
        self.recovery_point = self.recovery_point.min(end);
        self.flushed_up_to = self.flushed_up_to.min(end);
        for (_, upto) in &mut self.flushing {
            *upto = (*upto).min(end);
        }
        self.epochs.truncate_from_end(out, end);
        self.rebuild_producers(out);
        if self.active().map(LogSegment::base_offset) < active {
            self.note_cut();
        }
        cut
    }

    /// Closes the log for a clean shutdown: notes the last timestamp and flushes. Gives the operation to wait for.
    pub fn close(&mut self, cx: &mut Context<'_>) -> Option<FlushId> {
        if let Some(mut active) = self.segments.last_entry() {
            active.get_mut().close(&mut cx.out);
        }
        self.producers.take_snapshot(&mut cx.out);
        self.flush(cx)
    }

    /// Renames the directory for deletion, as Kafka does: `orders-0.<32 hex digits>-delete`. Gives the new name.
    pub fn rename_for_deletion(&mut self, cx: &mut Context<'_>) -> FilePath {
        let to = unique_directory(cx, &self.dir, DELETED);
        cx.out.disk(DiskOp::Rename { from: self.dir.as_str().into(), to: to.clone() });
        self.dir = to.to_string();
        self.epochs.move_to(&to);
        self.producers.move_to(&to);
        for segment in self.segments.values_mut() {
            segment.move_to(&to);
        }
        to
    }

    /// What must always be true of a log; the first thing that is not.
    pub fn invariants(&self) -> Result<(), String> {
        let mut next = i64::MIN;
        for (base, segment) in &self.segments {
            if *base != segment.base_offset() || *base < next || segment.next_offset() < *base {
                return Err(format!("{}: segment {base} does not follow offset {next}", self.name));
            }
            next = segment.next_offset();
        }
        if self.log_start > self.log_end() || self.recovery_point > self.log_end() {
            return Err(format!(
                "{}: log start {} or recovery point {} past log end {}",
                self.name,
                self.log_start,
                self.recovery_point,
                self.log_end()
            ));
        }
        Ok(())
    }
}

/// The entry of a transaction that was aborted.
fn aborted(done: &CompletedTxn, last_stable_offset: i64) -> AbortedTxn {
    let CompletedTxn { producer_id, first_offset, last_offset, .. } = *done;
    AbortedTxn { producer_id, first_offset, last_offset, last_stable_offset }
}

/// What the directory of a partition that is being deleted ends with (LogFileUtils).
pub const DELETED: &str = "-delete";

/// A name for a partition's directory that is put out of the way, with a suffix that says why: `orders-0.<id>-delete`.
/// It is at most 255 bytes long, for which the topic is cut (UnifiedLog.logDirNameWithSuffixCappedLength).
pub fn unique_directory(cx: &mut Context<'_>, dir: &str, suffix: &str) -> FilePath {
    const LONGEST: usize = 255;
    let id: String = cx.rng.bytes16().iter().map(|byte| format!("{byte:02x}")).collect();
    let (topic, partition) = dir.rsplit_once('-').unwrap_or((dir, "0"));
    let rest = format!("-{partition}.{id}{suffix}");
    let kept: String = topic.chars().take(LONGEST.saturating_sub(rest.len())).collect();
    format!("{kept}{rest}").into()
}
