//! What of a batch stays (Cleaner.cleanInto, MemoryRecords.filterTo).

use std::collections::BTreeMap;

use blumfeld_protocol::record_batch::{Batch, BatchError, Record};

use super::transactions::CleanedTransactions;
use super::{KEYS_AT_ONCE, KeyHash, OffsetMap};
use crate::ProducerStateManager;
use crate::bug::{Bug, planted};

/// What became of the records that a pass has read, with the reason of each that is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Read.
    pub read: u64,
    /// They stay.
    pub kept: u64,
    /// A later record has the same key.
    pub superseded: u64,
    /// Tombstones whose time has come.
    pub tombstones: u64,
    /// They belong to an aborted transaction.
    pub aborted: u64,
    /// Markers of transactions of which nothing is left.
    pub markers: u64,
    /// They have no key, as records had that were written before the topic was compacted.
    pub keyless: u64,
}

impl RecordCounts {
    /// How many are gone.
    pub fn removed(&self) -> u64 {
        self.superseded + self.tombstones + self.aborted + self.markers + self.keyless
    }
}

/// What a producer wrote last (org.apache.kafka.storage.internals.log.LastRecord).
#[derive(Clone, Copy, Debug)]
struct LastRecord {
    /// The last data; `None` if it is a marker.
    offset: Option<i64>,
    epoch: i16,
}

/// What a filter goes by beside the batch.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    now_ms: i64,
    delete_retention_ms: i64,
    /// The last records of the producers that are known.
    last: BTreeMap<i64, LastRecord>,
    /// Where what is cleaned ends.
    upper: i64,
}

/// What is left of a batch.
#[derive(Clone, Debug)]
pub(crate) enum Filtered {
    /// Nothing.
    Gone,
    /// All of it, byte for byte.
    Same,
    /// Something, in other bytes.
    Other(Batch),
}

/// Why a record goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Kept { tombstone: bool },
    Superseded,
    Tombstone,
    Keyless,
}

impl Filter {
    /// A filter at this moment of a pass up to `upper`.
    pub(crate) fn new(
        producers: &ProducerStateManager,
        (now_ms, delete_retention_ms): (i64, i64),
        upper: i64,
    ) -> Filter {
        let last = (producers.producers())
            .map(|(id, entry)| {
                let offset = entry.batches().next_back().map(|batch| batch.last_offset);
                (id, LastRecord { offset, epoch: entry.producer_epoch })
            })
            .collect();
        Filter { now_ms, delete_retention_ms, last, upper }
    }

    /// Whether the batch holds what its producer wrote last: were it gone, so would be the producer's sequence number,
    /// or with a marker its epoch.
    fn is_last_of_producer(&self, batch: &Batch) -> bool {
        let id = batch.producer_id();
        id >= 0
            && self.last.get(&id).is_some_and(|last| match last.offset {
                Some(offset) => batch.last_offset() == offset,
                None => batch.is_control() && batch.producer_epoch() == last.epoch,
            })
    }

    /// What stays of a batch.
    ///
    /// # Errors
    /// The batch cannot be read.
    pub(crate) fn apply(
        &self,
        batch: &Batch,
        map: &OffsetMap,
        transactions: &mut CleanedTransactions,
        counts: &mut RecordCounts,
    ) -> Result<Filtered, BatchError> {
        let horizon = batch.delete_horizon_ms();
        let over =
            horizon.is_some_and(|horizon| horizon <= self.now_ms) || planted(Bug::TombstoneDroppedEarly);
        let useless = transactions.on_batch(batch)?;
        let discard = useless && (!batch.is_control() || over);
        // The last batch of what is cleaned stays for its offset.
        let keep_empty = self.is_last_of_producer(batch) || batch.next_offset() == self.upper;
        let count = u64::try_from(batch.records_count()).unwrap_or(0);
        counts.read += count;
        if discard {
            if batch.is_control() {
                counts.markers += count;
            } else {
                counts.aborted += count;
            }
            return Ok(if !keep_empty {
                Filtered::Gone
            } else if count == 0 {
                Filtered::Same
            } else {
                Filtered::Other(batch.emptied())
            });
        }
        if count == 0 {
            return Ok(if keep_empty { Filtered::Same } else { Filtered::Gone });
        }
        let control = batch.is_control();
        let judged = if control { None } else { Some(self.judge(batch, map, over)?) };
        let mut kept: Vec<Record> = Vec::new();
        let mut tombstones = false;
        for verdict in judged.iter().flatten() {
            match verdict {
                Verdict::Kept { tombstone } => tombstones |= *tombstone,
                Verdict::Superseded => counts.superseded += 1,
                Verdict::Tombstone => counts.tombstones += 1,
                Verdict::Keyless => counts.keyless += 1,
            }
        }
        let stays = |verdict: &Verdict| matches!(verdict, Verdict::Kept { .. });
        let staying =
            judged.as_ref().map_or(count, |judged| judged.iter().filter(|v| stays(v)).count() as u64);
        counts.kept += staying;
        // From now on the time counts after which its tombstones, or its marker, may go.
        let new_horizon = horizon.is_none() && (tombstones || (control && useless));
        if staying == count && !new_horizon {
            return Ok(Filtered::Same);
        }
        if staying == 0 {
            return Ok(if keep_empty { Filtered::Other(batch.emptied()) } else { Filtered::Gone });
        }
        let mut records = batch.records()?;
        match &judged {
            None => kept = records.collect::<Result<_, _>>()?,
            Some(judged) => {
                for verdict in judged {
                    // What goes is only read past.
                    if stays(verdict) {
                        kept.extend(records.next().transpose()?);
                    } else {
                        records.next_key().transpose()?;
                    }
                }
            }
        }
        let horizon =
            if new_horizon { Some(self.now_ms.saturating_add(self.delete_retention_ms)) } else { horizon };
        Ok(Filtered::Other(batch.with_records(&kept, horizon)?))
    }

    /// What becomes of each record (Cleaner.shouldRetainRecord). `over` is whether the batch's tombstones may go.
    fn judge(&self, batch: &Batch, map: &OffsetMap, over: bool) -> Result<Vec<Verdict>, BatchError> {
        let mut records = batch.records()?;
        let count = usize::try_from(batch.records_count()).unwrap_or(0).min(1024);
        // Of each record its offset, its key, and whether it is a tombstone.
        let mut looked_at: Vec<(i64, Option<KeyHash>, bool)> = Vec::with_capacity(count);
        while let Some(record) = records.next_key() {
            let record = record?;
            looked_at.push((record.offset, record.key.map(KeyHash::of), !record.has_value));
        }
        let mut judged = Vec::with_capacity(looked_at.len());
        for some in looked_at.chunks(KEYS_AT_ONCE) {
            map.approach(some.iter().filter_map(|(_, key, _)| *key));
            judged.extend(some.iter().map(|(offset, key, tombstone)| {
                let kept = Verdict::Kept { tombstone: *tombstone };
                if *offset > map.latest_offset() {
                    return kept;
                }
                match key {
                    None => Verdict::Keyless,
                    Some(key) if map.get(*key).is_some_and(|last| last > *offset) => Verdict::Superseded,
                    Some(_) if *tombstone && over => Verdict::Tombstone,
                    Some(_) => kept,
                }
            }));
        }
        Ok(judged)
    }
}
