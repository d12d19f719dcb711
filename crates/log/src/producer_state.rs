//! What is known of the producers that wrote to a log with sequence numbers (KIP-98;
//! org.apache.kafka.storage.internals.log.ProducerStateManager).
//!
//! The last five batches of each producer are remembered, so that one that comes again is recognised, and one that
//! comes too early or too late is refused. A `.snapshot` file beside each segment holds the state at the segment's base
//! offset.
//!
//! Transactions are known by where they began. Consumers of committed ones read no further than the first that is open,
//! nor past one whose marker is not replicated yet: a leader that loses the marker would have it open again, and what
//! was read could still be aborted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use blumfeld_kernel::{Disk, DiskOp, FilePath, Outbox};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::record_batch::{Batch, ControlRecord, checksum};
use bytes::Bytes;

use crate::AppendError;
use crate::segment::file_name;

/// So many batches of a producer are remembered (ProducerStateEntry.NUM_BATCHES_TO_RETAIN): as many as an idempotent
/// producer may have in flight.
const BATCHES_TO_RETAIN: usize = 5;
/// An epoch that no producer has.
const NO_EPOCH: i16 = -1;
/// Bytes of a snapshot before its entries: version, checksum, count.
const SNAPSHOT_HEADER: usize = 10;
/// Bytes of an entry of a snapshot.
const SNAPSHOT_ENTRY: usize = 46;

/// A batch that a producer wrote (BatchMetadata).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchMetadata {
    /// Sequence number of its last record.
    pub last_sequence: i32,
    /// Offset of its last record.
    pub last_offset: i64,
    /// Its number of records less one.
    pub offset_delta: i32,
    /// Its largest timestamp, in milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
}

impl BatchMetadata {
    fn of(batch: &Batch) -> BatchMetadata {
        BatchMetadata {
            last_sequence: batch.last_sequence(),
            last_offset: batch.last_offset(),
            offset_delta: batch.last_offset_delta(),
            timestamp: batch.max_timestamp(),
        }
    }

    /// Sequence number of its first record. Sequences wrap from 2³¹-1 to 0.
    pub fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        i32::try_from(first.rem_euclid(1 << 31)).unwrap_or(0)
    }

    /// Offset of its first record.
    pub fn first_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }
}

/// What is known of one producer (ProducerStateEntry).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProducerStateEntry {
    /// The epoch of its last batch.
    pub producer_epoch: i16,
    /// The epoch of the transaction coordinator that last wrote a marker for it; -1 for none.
    pub coordinator_epoch: i32,
    /// The timestamp of its last batch, in milliseconds since 1970-01-01 UTC.
    pub last_timestamp: i64,
    /// Where its transaction began; -1 for none.
    pub txn_first_offset: i64,
    /// Its last batches, oldest first; at most five.
    batches: VecDeque<BatchMetadata>,
}

impl ProducerStateEntry {
    fn new(epoch: i16) -> ProducerStateEntry {
        ProducerStateEntry {
            producer_epoch: epoch,
            coordinator_epoch: -1,
            last_timestamp: -1,
            txn_first_offset: -1,
            batches: VecDeque::new(),
        }
    }

    /// Its last batches, oldest first; at most five.
    pub fn batches(&self) -> impl DoubleEndedIterator<Item = &BatchMetadata> {
        self.batches.iter()
    }

    /// Sequence number of its last record, -1 for none.
    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(-1, |batch| batch.last_sequence)
    }

    fn add(&mut self, batch: &Batch) {
        if batch.producer_epoch() != self.producer_epoch {
            self.batches.clear();
            self.producer_epoch = batch.producer_epoch();
        }
        if self.batches.len() == BATCHES_TO_RETAIN {
            self.batches.pop_front();
        }
        self.batches.push_back(BatchMetadata::of(batch));
        self.last_timestamp = batch.max_timestamp();
    }

    /// Takes a marker; gives where the transaction that it ends began, if there was one.
    fn end(&mut self, batch: &Batch, marker: Marker) -> Option<i64> {
        if batch.producer_epoch() != self.producer_epoch {
            self.batches.clear();
            self.producer_epoch = batch.producer_epoch();
        }
        self.last_timestamp = batch.max_timestamp();
        self.coordinator_epoch = marker.coordinator_epoch;
        let began = std::mem::replace(&mut self.txn_first_offset, -1);
        (began >= 0).then_some(began)
    }

    /// The batch that is this one, if it was written already.
    fn duplicate_of(&self, batch: &Batch) -> Option<&BatchMetadata> {
        let same = |have: &&BatchMetadata| {
            have.first_sequence() == batch.base_sequence() && have.last_sequence == batch.last_sequence()
        };
        (self.producer_epoch == batch.producer_epoch()).then(|| self.batches.iter().find(same)).flatten()
    }
}

/// A transaction that has ended with a marker (CompletedTxn).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompletedTxn {
    /// Whose it was.
    pub producer_id: i64,
    /// Offset of its first record.
    pub first_offset: i64,
    /// Offset of its marker.
    pub last_offset: i64,
    /// Whether it was aborted.
    pub aborted: bool,
}

/// What a marker says of a producer's transaction (EndTransactionMarker).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Marker {
    /// Whether it commits.
    pub commits: bool,
    /// Epoch of the transaction coordinator that wrote it.
    pub coordinator_epoch: i32,
}

impl Marker {
    /// Reads the marker of a control batch; nothing if the batch has none.
    pub fn of(batch: &Batch) -> Option<Marker> {
        if !batch.is_control() {
            return None;
        }
        let record = batch.records().ok()?.next()?.ok()?;
        match ControlRecord::of(&record)? {
            ControlRecord::Abort { coordinator_epoch } => Some(Marker { commits: false, coordinator_epoch }),
            ControlRecord::Commit { coordinator_epoch } => Some(Marker { commits: true, coordinator_epoch }),
            _ => None,
        }
    }
}

/// Who wrote a batch that is appended here (AppendOrigin).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppendOrigin {
    /// A client: its sequence numbers count, and it may write no control records.
    Client,
    /// A coordinator of this broker.
    Coordinator,
}

/// The producers of one log.
#[derive(Clone, Debug)]
pub struct ProducerStateManager {
    name: Arc<str>,
    dir: String,
    producers: BTreeMap<i64, ProducerStateEntry>,
    /// The snapshots by the offset that they are of, as they are on disk.
    snapshots: BTreeMap<i64, Bytes>,
    /// The offset after the last batch that is counted in.
    map_end: i64,
    /// Open transactions: whose, by their first offsets.
    ongoing: BTreeMap<i64, i64>,
    /// Those that have ended behind the high watermark, by their first offsets: the offset of each one's marker.
    unreplicated: BTreeMap<i64, i64>,
}

impl ProducerStateManager {
    /// The state before anything is read, with the snapshots that are in the directory.
    pub(crate) fn load(disk: &Disk, name: &Arc<str>) -> ProducerStateManager {
        let prefix = format!("{name}/");
        let snapshots = (disk.files_below(&prefix))
            .filter_map(|(path, file)| {
                let offset: i64 = path[prefix.len()..].strip_suffix(".snapshot")?.parse().ok()?;
                Some((offset, file.read_all())).filter(|_| offset >= 0)
            })
            .collect();
        ProducerStateManager {
            name: name.clone(),
            dir: name.to_string(),
            producers: BTreeMap::new(),
            snapshots,
            map_end: 0,
            ongoing: BTreeMap::new(),
            unreplicated: BTreeMap::new(),
        }
    }

    /// The state at `offset`, from the newest snapshot at or below it and the batches behind that one.
    pub(crate) fn at<'a>(
        &self,
        offset: i64,
        batches: impl Iterator<Item = &'a Batch>,
    ) -> ProducerStateManager {
        let mut state = ProducerStateManager {
            name: self.name.clone(),
            dir: String::new(),
            producers: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            map_end: 0,
            ongoing: BTreeMap::new(),
            unreplicated: BTreeMap::new(),
        };
        let older = self.snapshots.range(..=offset).rev();
        if let Some((from, producers)) = older.filter_map(|(at, bytes)| Some((*at, decode(bytes)?))).next() {
            state.take(producers, from);
        }
        let from = state.map_end;
        for batch in batches.filter(|batch| (from..offset).contains(&batch.base_offset())) {
            state.update(batch);
        }
        state
    }

    /// Takes what a snapshot says.
    fn take(&mut self, producers: BTreeMap<i64, ProducerStateEntry>, map_end: i64) {
        let open = producers.iter().filter(|(_, entry)| entry.txn_first_offset >= 0);
        self.ongoing = open.map(|(id, entry)| (entry.txn_first_offset, *id)).collect();
        self.unreplicated.clear();
        (self.producers, self.map_end) = (producers, map_end);
    }

    /// The first offset that consumers of committed transactions must not read, if any is below `high_watermark`
    /// (firstUnstableOffset).
    pub fn first_unstable(&self, high_watermark: i64) -> Option<i64> {
        let open = self.ongoing.keys().next().copied();
        let ended = self.unreplicated.iter().find(|(_, marker)| **marker >= high_watermark);
        open.into_iter().chain(ended.map(|(first, _)| *first)).min()
    }

    /// The first offset of an open transaction.
    pub fn first_undecided(&self) -> Option<i64> {
        self.ongoing.keys().next().copied()
    }

    /// The open transactions in the order of their first offsets: that, the producer and its epoch.
    pub fn ongoing(&self) -> impl Iterator<Item = (i64, i64, i16)> {
        self.ongoing
            .iter()
            .map(|(first, id)| (*first, *id, self.producers.get(id).map_or(-1, |entry| entry.producer_epoch)))
    }

    /// Whether a producer has a transaction open here with this epoch (hasOngoingTransaction).
    pub fn has_ongoing(&self, producer_id: i64, epoch: i16) -> bool {
        (self.producers.get(&producer_id))
            .is_some_and(|entry| entry.txn_first_offset >= 0 && entry.producer_epoch == epoch)
    }

    /// Forgets ended transactions whose markers are replicated (onHighWatermarkUpdated).
    pub fn note_high_watermark(&mut self, high_watermark: i64) {
        self.unreplicated.retain(|_, marker| *marker >= high_watermark);
    }

    /// The last stable offset once a transaction is complete (ProducerStateManager.lastStableOffset).
    pub(crate) fn last_stable_after(&self, done: &CompletedTxn) -> i64 {
        let other = self.ongoing.iter().find(|(_, producer)| **producer != done.producer_id);
        other.map_or(done.last_offset + 1, |(first, _)| *first)
    }

    /// A transaction has ended (completeTxn).
    pub(crate) fn complete(&mut self, done: &CompletedTxn) {
        self.ongoing.remove(&done.first_offset);
        self.unreplicated.insert(done.first_offset, done.last_offset);
    }

    /// The producers by their ids.
    pub fn producers(&self) -> impl Iterator<Item = (i64, &ProducerStateEntry)> {
        self.producers.iter().map(|(id, entry)| (*id, entry))
    }

    /// The offsets that there is a snapshot of, in order.
    pub fn snapshots(&self) -> impl Iterator<Item = i64> {
        self.snapshots.keys().copied()
    }

    /// The batch that is this one, if its producer has sent it before and it is remembered.
    pub(crate) fn duplicate_of(&self, batch: &Batch) -> Option<BatchMetadata> {
        self.producers.get(&batch.producer_id())?.duplicate_of(batch).copied()
    }

    /// Whether a producer's batch may be appended now (ProducerAppendInfo.append). What is not known of a producer,
    /// since its records are gone or never were, speaks for it.
    pub(crate) fn check(&self, batch: &Batch, origin: AppendOrigin) -> Result<(), AppendError> {
        if batch.is_control() {
            return self.check_marker(batch);
        }
        self.check_data(batch, origin)?;
        let open = self.producers.get(&batch.producer_id()).is_some_and(|entry| entry.txn_first_offset >= 0);
        if open && !batch.is_transactional() {
            let message = format!(
                "Expected transactional write from producer {} at offset {} in partition {}",
                batch.producer_id(),
                batch.base_offset(),
                self.name
            );
            return Err(AppendError::new(ErrorCode::INVALID_TXN_STATE, message));
        }
        Ok(())
    }

    /// Whether a marker may be appended (appendEndTxnMarker).
    fn check_marker(&self, batch: &Batch) -> Result<(), AppendError> {
        let Some(entry) = self.producers.get(&batch.producer_id()) else { return Ok(()) };
        let (id, epoch) = (batch.producer_id(), batch.producer_epoch());
        if epoch < entry.producer_epoch {
            return Err(self.stale_epoch(batch, entry.producer_epoch));
        }
        let coordinator = Marker::of(batch).map_or(-1, |marker| marker.coordinator_epoch);
        if entry.coordinator_epoch > coordinator {
            let message = format!(
                "Invalid coordinator epoch for producerId {id} at offset {} in partition {}: {coordinator} \
                 (zombie), {} (current)",
                batch.base_offset(),
                self.name,
                entry.coordinator_epoch
            );
            return Err(AppendError::new(ErrorCode::TRANSACTION_COORDINATOR_FENCED, message));
        }
        Ok(())
    }

    fn stale_epoch(&self, batch: &Batch, known: i16) -> AppendError {
        let (id, epoch, offset) = (batch.producer_id(), batch.producer_epoch(), batch.base_offset());
        AppendError::new(
            ErrorCode::INVALID_PRODUCER_EPOCH,
            format!(
                "Epoch of producer {id} at offset {offset} in {} is {epoch}, which is smaller than the last seen \
                 epoch {known}",
                self.name
            ),
        )
    }

    fn check_data(&self, batch: &Batch, origin: AppendOrigin) -> Result<(), AppendError> {
        let (id, epoch, first) = (batch.producer_id(), batch.producer_epoch(), batch.base_sequence());
        let offset = batch.base_offset();
        let entry = self.producers.get(&id);
        let known = entry.map_or(NO_EPOCH, |entry| entry.producer_epoch);
        if epoch < known {
            return Err(self.stale_epoch(batch, known));
        }
        // A coordinator's batches have no sequence numbers.
        let Some(entry) = entry.filter(|_| origin == AppendOrigin::Client) else { return Ok(()) };
        if epoch > known {
            if first == 0 || known == NO_EPOCH {
                return Ok(());
            }
            return Err(AppendError::new(
                ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
                format!(
                    "Invalid sequence number for new epoch of producer {id} at offset {offset} in partition {}: {epoch} \
                     (request epoch), {first} (seq. number), {known} (current producer epoch)",
                    self.name
                ),
            ));
        }
        let last = entry.last_sequence();
        if follows(last, first) {
            return Ok(());
        }
        Err(AppendError::new(
            ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
            format!(
                "Out of order sequence number for producer {id} at offset {offset} in partition {}: {first} (incoming seq. \
                 number), {last} (current end sequence number)",
                self.name
            ),
        ))
    }

    /// Counts a batch in that stands in the log. Gives the transaction that it ends, which is open still.
    fn count_in(&mut self, batch: &Batch) -> Option<CompletedTxn> {
        self.map_end = batch.next_offset();
        let id = batch.producer_id();
        if id < 0 {
            return None;
        }
        if batch.is_control() {
            let marker = Marker::of(batch)?;
            let entry =
                self.producers.entry(id).or_insert_with(|| ProducerStateEntry::new(batch.producer_epoch()));
            return entry.end(batch, marker).map(|first_offset| CompletedTxn {
                producer_id: id,
                first_offset,
                last_offset: batch.base_offset(),
                aborted: !marker.commits,
            });
        }
        let entry =
            self.producers.entry(id).or_insert_with(|| ProducerStateEntry::new(batch.producer_epoch()));
        entry.add(batch);
        if batch.is_transactional() && entry.txn_first_offset < 0 {
            entry.txn_first_offset = batch.base_offset();
            self.ongoing.insert(batch.base_offset(), id);
        }
        None
    }

    /// The same; gives the transaction that has ended by it, with the last stable offset that follows
    /// (UnifiedLog.updateProducers, completeTxn).
    pub(crate) fn update(&mut self, batch: &Batch) -> Option<(CompletedTxn, i64)> {
        let done = self.count_in(batch)?;
        let last_stable = self.last_stable_after(&done);
        self.complete(&done);
        Some((done, last_stable))
    }

    /// Forgets the producers that have not written for `expiration_ms` (`producer.id.expiration.ms`). Gives how many.
    pub fn remove_expired(&mut self, now_ms: i64, expiration_ms: i64) -> usize {
        let before = self.producers.len();
        self.producers.retain(|_, entry| {
            entry.txn_first_offset >= 0 || now_ms.saturating_sub(entry.last_timestamp) < expiration_ms
        });
        before - self.producers.len()
    }

    /// Writes a snapshot of the state as it is, named by the offset after the last batch, unless there is one.
    pub(crate) fn take_snapshot(&mut self, out: &mut Outbox<'_>) {
        let newest = self.snapshots.keys().next_back().copied().unwrap_or(0);
        if self.map_end > newest {
            let bytes: Bytes = self.encode().into();
            let file = file_name(&self.dir, self.map_end, "snapshot");
            self.snapshots.insert(self.map_end, bytes.clone());
            out.disk(DiskOp::Replace { file, bytes });
        }
    }

    /// Brings the state to where the log ends: from the newest snapshot that can be read, and the batches behind it
    /// (truncateAndReload, and what follows it in UnifiedLog.rebuildProducerState).
    pub(crate) fn rebuild<'a>(
        &mut self,
        out: &mut Outbox<'_>,
        log_end: i64,
        batches: impl Iterator<Item = &'a Batch>,
    ) {
        for offset in self.snapshots.split_off(&log_end.saturating_add(1)).into_keys() {
            self.delete(out, offset);
        }
        self.take(BTreeMap::new(), 0);
        while let Some((offset, bytes)) = self.snapshots.last_key_value() {
            let offset = *offset;
            if let Some(producers) = decode(bytes) {
                self.take(producers, offset);
                break;
            }
            self.snapshots.remove(&offset);
            self.delete(out, offset);
        }
        let from = self.map_end;
        for batch in batches.filter(|batch| batch.base_offset() >= from) {
            self.update(batch);
        }
        self.map_end = log_end;
    }

    /// Starts over at `offset`.
    pub(crate) fn truncate_fully_and_start_at(&mut self, out: &mut Outbox<'_>, offset: i64) {
        for offset in std::mem::take(&mut self.snapshots).into_keys() {
            self.delete(out, offset);
        }
        self.take(BTreeMap::new(), offset);
    }

    /// The segment of this base offset is deleted: renames its snapshot along with it. Gives the new name.
    pub(crate) fn condemn(&mut self, out: &mut Outbox<'_>, base_offset: i64) -> Option<FilePath> {
        self.snapshots.remove(&base_offset).map(|_| {
            let from = file_name(&self.dir, base_offset, "snapshot");
            let to: FilePath = format!("{from}.deleted").into();
            out.disk(DiskOp::Rename { from, to: to.clone() });
            to
        })
    }

    /// Deletes the snapshots that belong to no segment, but the newest (removeStraySnapshots).
    pub(crate) fn remove_strays(&mut self, out: &mut Outbox<'_>, is_segment: impl Fn(i64) -> bool) {
        let newest = self.snapshots.keys().next_back().copied();
        let strays: Vec<i64> = (self.snapshots.keys().copied())
            .filter(|offset| Some(*offset) != newest && !is_segment(*offset))
            .collect();
        for offset in strays {
            self.snapshots.remove(&offset);
            self.delete(out, offset);
        }
    }

    pub(crate) fn move_to(&mut self, dir: &str) {
        dir.clone_into(&mut self.dir);
    }

    fn delete(&self, out: &mut Outbox<'_>, offset: i64) {
        out.disk(DiskOp::Delete { path: file_name(&self.dir, offset, "snapshot") });
    }

    /// The bytes of a snapshot, version 1: a checksum of what follows it, the number of producers, and each of them
    /// (ProducerSnapshot).
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SNAPSHOT_HEADER + SNAPSHOT_ENTRY * self.producers.len());
        out.extend(1_i16.to_be_bytes());
        out.extend([0; 4]);
        out.extend(u32::try_from(self.producers.len()).unwrap_or(u32::MAX).to_be_bytes());
        for (id, entry) in &self.producers {
            let last = entry.batches.back();
            out.extend(id.to_be_bytes());
            out.extend(entry.producer_epoch.to_be_bytes());
            out.extend(entry.last_sequence().to_be_bytes());
            out.extend(last.map_or(-1, |batch| batch.last_offset).to_be_bytes());
            out.extend(last.map_or(0, |batch| batch.offset_delta).to_be_bytes());
            out.extend(entry.last_timestamp.to_be_bytes());
            out.extend(entry.coordinator_epoch.to_be_bytes());
            out.extend(entry.txn_first_offset.to_be_bytes());
        }
        let crc = checksum(&out[6..]);
        out[2..6].copy_from_slice(&crc.to_be_bytes());
        out
    }
}

/// Whether `next` is the sequence number after `last`. Sequences wrap from 2³¹-1 to 0.
fn follows(last: i32, next: i32) -> bool {
    next == last.checked_add(1).unwrap_or(0)
}

/// Reads a snapshot; `None` if it is none, or damaged.
fn decode(bytes: &[u8]) -> Option<BTreeMap<i64, ProducerStateEntry>> {
    let (version, rest) = bytes.split_first_chunk::<2>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    if i16::from_be_bytes(*version) != 1 || u32::from_be_bytes(*crc) != checksum(rest) {
        return None;
    }
    let (count, entries) = rest.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
    if entries.len() != count.checked_mul(SNAPSHOT_ENTRY)? {
        return None;
    }
    entries.chunks_exact(SNAPSHOT_ENTRY).map(entry).collect()
}

fn entry(bytes: &[u8]) -> Option<(i64, ProducerStateEntry)> {
    let long = |at: usize| Some(i64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let int = |at: usize| Some(i32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let batch = BatchMetadata {
        last_sequence: int(10)?,
        last_offset: long(14)?,
        offset_delta: int(22)?,
        timestamp: long(26)?,
    };
    let mut entry = ProducerStateEntry {
        coordinator_epoch: int(34)?,
        last_timestamp: batch.timestamp,
        txn_first_offset: long(38)?,
        ..ProducerStateEntry::new(i16::from_be_bytes(bytes.get(8..10)?.try_into().ok()?))
    };
    if batch.last_sequence >= 0 && batch.offset_delta >= 0 && batch.last_offset >= 0 {
        entry.batches.push_back(batch);
    }
    Some((long(0)?, entry))
}
