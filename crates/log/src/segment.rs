//! One segment: a `.log` with its two indexes (org.apache.kafka.storage.internals.log.LogSegment).

use blumfeld_kernel::{Disk, DiskOp, FilePath, Outbox, Pile};
use blumfeld_protocol::record_batch::Batch;

use crate::file_records::{FileRecords, Placed};
use crate::{AbortedTxn, LogConfig, OffsetIndex, TimeIndex, TimestampOffset, TransactionIndex};

/// A segment.
#[derive(Clone, Debug)]
pub struct LogSegment {
    base_offset: i64,
    files: [FilePath; 3],
    pub(crate) records: FileRecords,
    pub(crate) offset_index: OffsetIndex,
    pub(crate) time_index: TimeIndex,
    pub(crate) txn_index: TransactionIndex,
    txn_file: FilePath,
    index_interval_bytes: u32,
    bytes_since_last_index_entry: u32,
    /// Largest timestamp so far and the last offset of the batch that has it; -1 and -1 while there is none.
    max_timestamp: (i64, i64),
    /// Largest timestamp of the first batch, which `segment.ms` counts from; -1 while there is none.
    first_timestamp: i64,
    /// Wall clock when it was made, for a segment without timestamps. In milliseconds.
    created_ms: i64,
}

/// The name of a segment's file: the base offset in 20 digits and a suffix.
pub fn file_name(dir: &str, base_offset: i64, suffix: &str) -> FilePath {
    format!("{dir}/{base_offset:020}.{suffix}").into()
}

fn file_names(dir: &str, base_offset: i64) -> [FilePath; 3] {
    ["log", "index", "timeindex"].map(|suffix| file_name(dir, base_offset, suffix))
}

impl LogSegment {
    /// An empty segment; its files begin to exist.
    pub fn create(
        out: &mut Outbox<'_>,
        dir: &str,
        base_offset: i64,
        config: &LogConfig,
        now_ms: i64,
    ) -> LogSegment {
        Self::create_with_suffix(out, dir, base_offset, config, now_ms, "")
    }

    /// The same under names that end with `suffix`, for a segment that is to replace others.
    pub(crate) fn create_with_suffix(
        out: &mut Outbox<'_>,
        dir: &str,
        base_offset: i64,
        config: &LogConfig,
        now_ms: i64,
        suffix: &str,
    ) -> LogSegment {
        let mut segment = Self::empty(dir, base_offset, config, now_ms);
        for file in &mut segment.files {
            *file = format!("{file}{suffix}").into();
            out.disk(DiskOp::Append { file: file.clone(), bytes: bytes::Bytes::new() });
        }
        segment.txn_file = format!("{}{suffix}", segment.txn_file).into();
        segment
    }

    /// An empty segment, not yet on disk.
    pub(crate) fn empty(dir: &str, base_offset: i64, config: &LogConfig, now_ms: i64) -> LogSegment {
        LogSegment {
            base_offset,
            files: file_names(dir, base_offset),
            records: FileRecords::default(),
            offset_index: OffsetIndex::new(base_offset, config.segment_index_bytes),
            time_index: TimeIndex::new(base_offset, config.segment_index_bytes),
            txn_index: TransactionIndex::default(),
            txn_file: file_name(dir, base_offset, "txnindex"),
            index_interval_bytes: config.index_interval_bytes,
            bytes_since_last_index_entry: 0,
            max_timestamp: (-1, -1),
            first_timestamp: -1,
            created_ms: now_ms,
        }
    }

    /// Its name: the offset that it was made for.
    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// The offset after its last record; the base offset if it is empty.
    pub fn next_offset(&self) -> i64 {
        self.records.all().last().map_or(self.base_offset, |placed| placed.batch.next_offset())
    }

    /// Bytes of its `.log`.
    pub fn size(&self) -> u32 {
        self.records.size()
    }

    /// Its files: `.log`, `.index`, `.timeindex`.
    pub fn files(&self) -> &[FilePath; 3] {
        &self.files
    }

    /// All files that there are of it: `.txnindex` exists once a transaction was aborted.
    pub fn all_files(&self) -> impl Iterator<Item = &FilePath> {
        self.files.iter().chain(Some(&self.txn_file).filter(|_| !self.txn_index.is_empty()))
    }

    /// The transactions that were aborted by a marker in it.
    pub fn txn_index(&self) -> &TransactionIndex {
        &self.txn_index
    }

    /// Notes a transaction that a marker of this segment has aborted (updateTxnIndex).
    pub(crate) fn note_aborted(&mut self, out: &mut Outbox<'_>, aborted: AbortedTxn) {
        self.txn_index.append(out, &self.txn_file, aborted);
    }

    /// The offset behind what `size` bytes from `position` on can hold, as far as the index says; nothing at the end of
    /// the segment (fetchUpperBoundOffset).
    pub(crate) fn upper_bound(&self, position: u32, size: usize) -> Option<i64> {
        let end = u64::from(position) + size as u64;
        self.offset_index.entries().find(|(_, at)| u64::from(*at) >= end).map(|(offset, _)| offset)
    }

    /// The offset index.
    pub fn offset_index(&self) -> &OffsetIndex {
        &self.offset_index
    }

    /// The time index.
    pub fn time_index(&self) -> &TimeIndex {
        &self.time_index
    }

    /// Its batches with their positions.
    pub fn batches(&self) -> &Pile<Placed> {
        self.records.all()
    }

    /// Largest timestamp in it, -1 if it has none. In milliseconds.
    pub fn max_timestamp(&self) -> i64 {
        self.max_timestamp.0
    }

    /// Largest timestamp, or when it was made if it has none. What `retention.ms` looks at.
    pub fn largest_timestamp(&self) -> i64 {
        if self.max_timestamp.0 >= 0 { self.max_timestamp.0 } else { self.created_ms }
    }

    /// Largest timestamp of its first batch, which it is as old as; -1 if it has none. In milliseconds.
    pub fn first_timestamp(&self) -> i64 {
        self.first_timestamp
    }

    /// Wall clock when it was made, in milliseconds.
    pub(crate) fn created_ms(&self) -> i64 {
        self.created_ms
    }

    /// Takes a batch that was read back, without writing anything.
    pub(crate) fn take_back(&mut self, batch: Batch) {
        self.note(&batch);
        self.records.append(batch);
    }

    fn note(&mut self, batch: &Batch) {
        if self.records.size() == 0 {
            self.first_timestamp = batch.max_timestamp();
        }
        if batch.max_timestamp() > self.max_timestamp.0 {
            self.max_timestamp = (batch.max_timestamp(), batch.last_offset());
        }
    }

    /// The entries that a batch at the segment's end gives the two indexes, when one is due.
    fn index(&mut self, batch: &Batch) -> [Option<bytes::Bytes>; 2] {
        let mut entries = [None, None];
        if self.bytes_since_last_index_entry > self.index_interval_bytes {
            entries = [
                self.offset_index.append(batch.last_offset(), self.records.size()),
                self.time_index.maybe_append(self.max_timestamp.0, self.max_timestamp.1, false),
            ];
            self.bytes_since_last_index_entry = 0;
        }
        self.bytes_since_last_index_entry += u32::try_from(batch.size()).unwrap_or(u32::MAX);
        entries
    }

    /// Writes a batch at the end, and index entries when `index.interval.bytes` have passed.
    pub fn append(&mut self, out: &mut Outbox<'_>, batch: Batch) {
        self.note(&batch);
        let [offset_entry, time_entry] = self.index(&batch);
        out.disk(DiskOp::Append { file: self.files[0].clone(), bytes: batch.bytes().clone() });
        for (file, entry) in [(1, offset_entry), (2, time_entry)] {
            if let Some(bytes) = entry {
                out.disk(DiskOp::Append { file: self.files[file].clone(), bytes });
            }
        }
        self.records.append(batch);
    }

    /// Takes a batch during recovery: as [`append`](Self::append), with the indexes built in memory alone.
    pub(crate) fn recover_batch(&mut self, batch: Batch) {
        self.note(&batch);
        self.index(&batch);
        self.records.append(batch);
    }

    /// Notes the largest timestamp in the time index, as a closing segment does.
    pub fn close(&mut self, out: &mut Outbox<'_>) {
        if let Some(bytes) = self.closing_entry() {
            out.disk(DiskOp::Append { file: self.files[2].clone(), bytes });
        }
    }

    /// The last entry of a closed segment's time index.
    pub(crate) fn closing_entry(&mut self) -> Option<bytes::Bytes> {
        let (timestamp, offset) = self.max_timestamp;
        if timestamp < 0 {
            return None;
        }
        self.time_index.maybe_append(timestamp, offset, true)
    }

    /// Writes both indexes again.
    pub(crate) fn write_indexes(&self, out: &mut Outbox<'_>) {
        out.disk(DiskOp::Replace { file: self.files[1].clone(), bytes: self.offset_index.to_bytes() });
        out.disk(DiskOp::Replace { file: self.files[2].clone(), bytes: self.time_index.to_bytes() });
    }

    /// Writes the transaction index again, or takes away a file that has nothing in it any more.
    pub(crate) fn write_txn_index(&self, out: &mut Outbox<'_>, disk: &Disk) {
        let file = self.txn_file.clone();
        if !self.txn_index.is_empty() {
            out.disk(DiskOp::Replace { file, bytes: self.txn_index.to_bytes() });
        } else if disk.file(&file).is_some() {
            out.disk(DiskOp::Delete { path: file });
        }
    }

    /// Whether the next batch belongs into a new segment.
    pub fn should_roll(&self, config: &LogConfig, batch: &Batch, last_offset: i64, now_ms: i64) -> bool {
        let too_large = u64::from(self.size()) + batch.size() as u64 > u64::from(config.segment_bytes);
        let waited = if self.first_timestamp >= 0 {
            batch.max_timestamp().saturating_sub(self.first_timestamp)
        } else {
            now_ms.saturating_sub(self.created_ms)
        };
        let too_old = self.size() > 0 && waited > config.segment_ms;
        let too_far = last_offset.saturating_sub(self.base_offset) > i64::from(i32::MAX);
        (too_large && self.size() > 0)
            || too_old
            || self.offset_index.is_full()
            || self.time_index.is_full()
            || too_far
    }

    /// The first batch whose last offset is at or above `offset`, and those after it.
    pub fn batches_from(&self, offset: i64) -> impl Iterator<Item = &Placed> + Clone {
        self.records.reaching(self.offset_index.lookup(offset), offset)
    }

    /// The first record at or above `from_offset` whose timestamp is at or above `timestamp`.
    pub fn find_by_timestamp(&self, timestamp: i64, from_offset: i64) -> Option<TimestampOffset> {
        let start = self.time_index.lookup(timestamp).max(from_offset);
        for placed in self.batches_from(start) {
            let batch = &placed.batch;
            if batch.max_timestamp() < timestamp {
                continue;
            }
            // A batch that cannot be decoded was never accepted; were it so, its records are passed over.
            for record in batch.records().into_iter().flatten().flatten() {
                if record.timestamp >= timestamp && record.offset >= from_offset {
                    return Some(TimestampOffset {
                        timestamp: record.timestamp,
                        offset: record.offset,
                        leader_epoch: batch.partition_leader_epoch(),
                    });
                }
            }
        }
        None
    }

    /// The first record that has the segment's largest timestamp.
    pub fn find_max_timestamp(&self) -> Option<TimestampOffset> {
        let placed =
            self.records.all().iter().find(|placed| placed.batch.max_timestamp() == self.max_timestamp.0)?;
        self.find_by_timestamp(self.max_timestamp.0, placed.batch.base_offset())
    }

    /// Drops every batch that reaches `offset` or goes past it, in memory and on disk. Gives the bytes that were cut.
    pub fn truncate_to(&mut self, out: &mut Outbox<'_>, offset: i64) -> u32 {
        let before = self.size();
        let len = u64::from(self.records.truncate_to(offset));
        let cut = before - self.size();
        if cut > 0 {
            let (index_len, time_len) =
                (self.offset_index.truncate_to(offset), self.time_index.truncate_to(offset));
            for (file, len) in self.files.iter().zip([len, index_len, time_len]) {
                out.disk(DiskOp::Truncate { file: file.clone(), len });
            }
            self.txn_index.truncate_to(out, &self.txn_file, offset);
            self.bytes_since_last_index_entry = 0;
            self.max_timestamp = (-1, -1);
            self.first_timestamp = -1;
            for placed in std::mem::take(&mut self.records).all().iter() {
                self.take_back(placed.batch.clone());
            }
        }
        cut
    }

    /// Renames its files with a further suffix, as Kafka does before it deletes them.
    pub fn change_suffix(&self, out: &mut Outbox<'_>, suffix: &str) -> Vec<FilePath> {
        self.all_files()
            .map(|from| {
                let to: FilePath = format!("{from}{suffix}").into();
                out.disk(DiskOp::Rename { from: from.clone(), to: to.clone() });
                to
            })
            .collect()
    }

    /// Gives its files their plain names with another suffix than they have, or none.
    pub(crate) fn rename_files(&mut self, out: &mut Outbox<'_>, suffix: &str) {
        let txn_exists = !self.txn_index.is_empty();
        let files = self.files.iter_mut().map(|file| (file, true)).chain([(&mut self.txn_file, txn_exists)]);
        for (file, exists) in files {
            // `00000000000000000000.log`, and what was behind it.
            let name = file.rfind('/').map_or(0, |at| at + 1);
            let end = file[name..].match_indices('.').nth(1).map_or(file.len(), |(at, _)| name + at);
            let to: FilePath = format!("{}{suffix}", &file[..end]).into();
            if exists {
                out.disk(DiskOp::Rename { from: file.clone(), to: to.clone() });
            }
            *file = to;
        }
    }

    /// Its files are in another directory now.
    pub(crate) fn move_to(&mut self, dir: &str) {
        self.files = file_names(dir, self.base_offset);
        self.txn_file = file_name(dir, self.base_offset, "txnindex");
    }
}
