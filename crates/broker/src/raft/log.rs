//! The log of `__cluster_metadata-0` with its snapshots (org.apache.kafka.raft.internals.KafkaRaftLog).

use std::collections::{BTreeMap, VecDeque};

use blumfeld_kernel::{Context, Disk, DiskOp, FilePath, FlushId};
use blumfeld_log::{LoadOptions, LogConfig, Recovery, UnifiedLog};
use blumfeld_protocol::messages::{SnapshotFooterRecord, SnapshotHeaderRecord};
use blumfeld_protocol::record_batch::{BatchBuilder, BatchOptions, ControlRecord, batches};
use blumfeld_protocol::wire::Encodable;
use bytes::{Bytes, BytesMut};

/// The directory of the metadata log.
pub const METADATA_DIR: &str = "__cluster_metadata-0";

/// A snapshot's name: the offset after its last record, and the epoch of that record (OffsetAndEpoch).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SnapshotId {
    /// Offset after the last record that the snapshot stands for.
    pub end_offset: i64,
    /// Epoch of that record.
    pub epoch: i32,
}

/// Whether a replica's log goes on from where it says it does (ValidOffsetAndEpoch).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValidOffset {
    /// It does.
    Valid,
    /// It left this log at the end of this epoch.
    Diverging(i32, i64),
    /// What it needs next is only in a snapshot.
    Snapshot(SnapshotId),
}

/// The metadata log.
#[derive(Clone, Debug)]
pub struct RaftLog {
    log: UnifiedLog,
    /// Flushes under way, each with the log end that it makes durable.
    flushing: VecDeque<(FlushId, i64)>,
    durable_end: i64,
    snapshots: BTreeMap<SnapshotId, Bytes>,
}

impl RaftLog {
    /// Loads the log and its snapshots, and begins to make durable what was read.
    pub fn load(cx: &mut Context<'_>, disk: &Disk, config: LogConfig) -> (RaftLog, Recovery) {
        let mut snapshots = BTreeMap::new();
        for (path, file) in disk.files_below("__cluster_metadata-0/") {
            if let Some(id) = snapshot_id(path) {
                snapshots.insert(id, file.read_all());
            }
        }
        // The metadata log is scanned whole at each start: what it holds, everything else follows from.
        let now_ms = cx.unix_ms();
        let options = LoadOptions { now_ms, ..LoadOptions::default() };
        let (log, recovery) = UnifiedLog::load(&mut cx.out, disk, METADATA_DIR, config, options);
        let mut log = RaftLog { log, flushing: VecDeque::new(), durable_end: 0, snapshots };
        log.durable_end = log.log.log_start();
        // A snapshot that was fetched, and the log that was to begin behind it was not made: it is made now.
        if let Some(latest) = log.latest_snapshot()
            && log.log.log_end() < latest.end_offset
        {
            log.log.truncate_fully_and_start_at(cx, latest.end_offset);
            log.durable_end = latest.end_offset;
        }
        log.flush(cx);
        (log, recovery)
    }

    /// The log below.
    pub fn log(&self) -> &UnifiedLog {
        &self.log
    }

    /// The offset that the next record gets.
    pub fn end(&self) -> i64 {
        self.log.log_end()
    }

    /// First offset that is still in the log.
    pub fn start(&self) -> i64 {
        self.log.log_start()
    }

    /// Everything below is durable.
    pub fn durable_end(&self) -> i64 {
        self.durable_end
    }

    /// Epoch of the last record, of the latest snapshot where the log is empty, else 0.
    pub fn last_epoch(&self) -> i32 {
        match self.log.latest_epoch() {
            -1 => self.latest_snapshot().map_or(0, |id| id.epoch),
            epoch => epoch,
        }
    }

    /// The newest snapshot.
    pub fn latest_snapshot(&self) -> Option<SnapshotId> {
        self.snapshots.keys().next_back().copied()
    }

    /// A snapshot's bytes.
    pub fn snapshot(&self, id: SnapshotId) -> Option<&Bytes> {
        self.snapshots.get(&id)
    }

    /// Writes records as one batch: all are committed, or none. Gives the offset after them.
    pub fn append_records(&mut self, cx: &mut Context<'_>, epoch: i32, values: &[Vec<u8>]) -> i64 {
        let mut builder = BatchBuilder::new(self.options(epoch, false));
        for value in values {
            builder.append(cx.unix_ms(), None, Some(value), &[]);
        }
        self.log.append(cx, builder.build(), -1);
        self.flush(cx);
        self.end()
    }

    /// Writes a control record of this type (ControlRecordType).
    pub fn append_control(&mut self, cx: &mut Context<'_>, epoch: i32, kind: i16, value: &[u8]) {
        let mut builder = BatchBuilder::new(self.options(epoch, true));
        builder.append(cx.unix_ms(), Some(&ControlRecord::key(kind)), Some(value), &[]);
        self.log.append(cx, builder.build(), -1);
        self.flush(cx);
    }

    /// Appends what the leader sent. A batch that does not follow is left out with those after it: the next fetch asks
    /// again from where the log ends.
    pub fn append_as_follower(&mut self, cx: &mut Context<'_>, records: &Bytes) {
        let before = self.end();
        let _ = self.log.append_as_follower(cx, std::slice::from_ref(records));
        if self.end() > before {
            self.flush(cx);
        }
    }

    fn options(&self, epoch: i32, control: bool) -> BatchOptions {
        BatchOptions {
            base_offset: self.end(),
            partition_leader_epoch: epoch,
            control,
            ..BatchOptions::default()
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        if let Some(flush) = self.log.flush(cx) {
            self.flushing.push_back((flush, self.log.log_end()));
        } else {
            self.durable_end = self.log.log_end();
        }
    }

    /// A disk operation is done. Gives whether more is durable now.
    pub fn on_flushed(&mut self, id: FlushId) -> bool {
        self.log.on_flushed(id);
        let Some(at) = self.flushing.iter().position(|(flush, _)| *flush == id) else { return false };
        let Some((_, end)) = self.flushing.remove(at) else { return false };
        let moved = end > self.durable_end;
        self.durable_end = self.durable_end.max(end);
        moved
    }

    /// A flush failed: everything that is not durable is flushed again.
    pub fn flush_again(&mut self, cx: &mut Context<'_>, id: FlushId) {
        if self.flushing.iter().any(|(flush, _)| *flush == id) {
            self.flushing.clear();
            self.log.forget_flushes();
            self.flush(cx);
        }
    }

    /// Where the largest epoch at or below `epoch` ends in this log (endOffsetForEpoch).
    pub fn end_offset_for_epoch(&self, epoch: i32) -> (i32, i64) {
        let found = self.log.epochs().end_offset_for(epoch, self.end());
        match (found, self.snapshots.keys().next()) {
            // All that the log still has is newer: the snapshot before it is of that epoch.
            (Some((found, end)), Some(oldest)) if found == epoch && end == oldest.end_offset => {
                (oldest.epoch, oldest.end_offset)
            }
            (Some(found), _) => found,
            (None, _) => (self.last_epoch(), self.end()),
        }
    }

    /// Whether a replica whose log ends at `offset`, with a last record of `epoch`, can go on from there
    /// (ReplicatedLog.validateOffsetAndEpoch).
    pub fn validate(&self, offset: i64, epoch: i32) -> ValidOffset {
        let start = self.start();
        if start == 0 && offset == 0 && epoch == 0 {
            return ValidOffset::Valid;
        }
        if let (Some(oldest), Some(latest)) = (self.snapshots.keys().next(), self.latest_snapshot()) {
            let at_start = offset == start && start > 0;
            if offset < start || (at_start && (start != oldest.end_offset || epoch != oldest.epoch)) {
                return ValidOffset::Snapshot(latest);
            }
        }
        let (found, end) = self.end_offset_for_epoch(epoch);
        if found != epoch || end < offset { ValidOffset::Diverging(found, end) } else { ValidOffset::Valid }
    }

    /// Cuts the log to where it agrees with the leader's, which left it at the end of `epoch` at `end`
    /// (truncateToEndOffset). Gives the new end.
    pub fn truncate_to_end_of(&mut self, cx: &mut Context<'_>, epoch: i32, end: i64) -> i64 {
        let (have_epoch, have_end) = self.end_offset_for_epoch(epoch);
        let to = if have_epoch == epoch { have_end.min(end) } else { have_end };
        self.truncate_to(cx, to);
        self.end()
    }

    fn truncate_to(&mut self, cx: &mut Context<'_>, to: i64) {
        let now_ms = cx.unix_ms();
        self.log.truncate_to(&mut cx.out, to, now_ms);
        let end = self.end();
        self.durable_end = self.durable_end.min(end);
        for (_, upto) in &mut self.flushing {
            *upto = (*upto).min(end);
        }
    }

    /// Whole batches from `offset` on, below `upper`.
    pub fn read_bytes(&self, offset: i64, max_bytes: usize, upper: i64) -> Bytes {
        let Ok(data) = self.log.read(offset, max_bytes, upper, true) else { return Bytes::new() };
        join(data.batches.iter().map(|batch| batch.bytes()), data.size)
    }

    /// The values of the records from `from` up to and without `to`, control records left out.
    pub fn read(&self, from: i64, to: i64) -> Vec<(i64, Bytes)> {
        let mut values = Vec::new();
        for (_, _, batch) in self.log.browse(from) {
            if batch.base_offset() >= to {
                break;
            }
            if !batch.is_control() {
                let records = batch.records().into_iter().flatten().flatten();
                values.extend(
                    records
                        .filter(|record| (from..to).contains(&record.offset))
                        .filter_map(|record| record.value.map(|value| (record.offset, value))),
                );
            }
        }
        values
    }

    /// Writes a snapshot of these records, which stand for everything below `id.end_offset`.
    pub fn write_snapshot(&mut self, cx: &mut Context<'_>, id: SnapshotId, values: &[Vec<u8>]) {
        if self.snapshots.contains_key(&id) {
            return;
        }
        let now = cx.unix_ms();
        let (mut header, mut footer) = (Vec::new(), Vec::new());
        // Version 0 has every field that is set, so they can be written.
        let _ = SnapshotHeaderRecord::default().with_last_contained_log_timestamp(now).encode(&mut header, 0);
        let _ = SnapshotFooterRecord::default().encode(&mut footer, 0);
        let mut bytes = BytesMut::new();
        let mut offset = 0;
        let mut write = |control: bool, records: &mut dyn Iterator<Item = (Option<[u8; 4]>, &[u8])>| {
            let mut builder = BatchBuilder::new(BatchOptions {
                base_offset: offset,
                partition_leader_epoch: id.epoch,
                control,
                ..BatchOptions::default()
            });
            for (key, value) in records {
                builder.append(now, key.as_ref().map(|key| &key[..]), Some(value), &[]);
            }
            if !builder.is_empty() {
                offset += i64::from(builder.count());
                bytes.extend_from_slice(builder.build().bytes());
            }
        };
        write(true, &mut std::iter::once((Some(ControlRecord::key(3)), &header[..])));
        for chunk in values.chunks(500) {
            write(false, &mut chunk.iter().map(|value| (None, &value[..])));
        }
        write(true, &mut std::iter::once((Some(ControlRecord::key(4)), &footer[..])));
        self.store_snapshot(cx, id, bytes.freeze());
    }

    /// Takes a snapshot that the leader sent; the log goes on behind it.
    pub fn install_snapshot(&mut self, cx: &mut Context<'_>, id: SnapshotId, bytes: Bytes) {
        self.store_snapshot(cx, id, bytes);
        if self.end() < id.end_offset || self.validate(id.end_offset, id.epoch) != ValidOffset::Valid {
            self.log.truncate_fully_and_start_at(cx, id.end_offset);
            self.flushing.clear();
            self.durable_end = id.end_offset;
        }
    }

    fn store_snapshot(&mut self, cx: &mut Context<'_>, id: SnapshotId, bytes: Bytes) {
        cx.out.disk(DiskOp::Replace { file: snapshot_file(id), bytes: bytes.clone() });
        self.snapshots.insert(id, bytes);
    }

    /// The values of the records of the newest snapshot.
    pub fn read_snapshot(&self) -> Option<(SnapshotId, Vec<Bytes>)> {
        let (id, bytes) = self.snapshots.iter().next_back()?;
        let mut values = Vec::new();
        for batch in batches(bytes).flatten().filter(|batch| !batch.is_control()) {
            let records = batch.records().into_iter().flatten().flatten();
            values.extend(records.filter_map(|record| record.value));
        }
        Some((*id, values))
    }

    /// Deletes what the newest snapshot stands for, once the log is larger than `retention_bytes`
    /// (`metadata.max.retention.bytes`). Gives the files that wait for deletion.
    pub fn clean(&mut self, cx: &mut Context<'_>, retention_bytes: u64) -> Vec<FilePath> {
        let Some(latest) = self.latest_snapshot() else { return Vec::new() };
        if self.log.size() <= retention_bytes || latest.end_offset <= self.start() {
            return Vec::new();
        }
        let mut files = self.log.advance_log_start(cx, latest.end_offset);
        while let Some((id, _)) = self.snapshots.first_key_value() {
            if *id == latest {
                break;
            }
            files.push(snapshot_file(*id));
            self.snapshots.pop_first();
        }
        files
    }

    /// Notes the last timestamp and flushes, for a clean shutdown.
    pub fn close(&mut self, cx: &mut Context<'_>) {
        self.log.close(cx);
    }

    /// What must always be true.
    pub fn invariants(&self) -> Result<(), String> {
        if self.durable_end > self.end() {
            return Err(format!(
                "{METADATA_DIR}: durable up to {} past log end {}",
                self.durable_end,
                self.end()
            ));
        }
        self.log.invariants()
    }
}

/// Pieces as one; copied only if there are several.
fn join<'a>(mut pieces: impl Iterator<Item = &'a Bytes>, size: usize) -> Bytes {
    let Some(first) = pieces.next() else { return Bytes::new() };
    if first.len() == size {
        return first.clone();
    }
    let mut bytes = BytesMut::with_capacity(size);
    bytes.extend_from_slice(first);
    pieces.for_each(|piece| bytes.extend_from_slice(piece));
    bytes.freeze()
}

/// `__cluster_metadata-0/00000000000000000042-0000000003.checkpoint` (org.apache.kafka.snapshot.Snapshots).
fn snapshot_file(id: SnapshotId) -> FilePath {
    format!("{METADATA_DIR}/{:020}-{:010}.checkpoint", id.end_offset, id.epoch).into()
}

fn snapshot_id(path: &str) -> Option<SnapshotId> {
    let name = path.strip_prefix(METADATA_DIR)?.strip_prefix('/')?.strip_suffix(".checkpoint")?;
    let (offset, epoch) = name.split_once('-')?;
    Some(SnapshotId { end_offset: offset.parse().ok()?, epoch: epoch.parse().ok()? })
}
