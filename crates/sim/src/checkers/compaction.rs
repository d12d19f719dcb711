//! Compaction takes nothing that counts: of each key the last record stays, where it is and as it is.
//!
//! The history of a partition is what stood below a high watermark before anything was cleaned. Every replica is
//! compared with it: it may lack what a later record of the same key has superseded, what was aborted, markers, and
//! tombstones whose time is over (KIP-534), and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use blumfeld_kernel::NodeId;

/// What a record of a compacted log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordKind {
    /// It counts at once.
    Plain,
    /// It counts if its transaction is committed.
    Transactional,
    /// It ends a transaction.
    Marker {
        /// Whether as committed.
        commit: bool,
    },
}

/// A record of a compacted log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordSeen {
    /// Where it stands.
    pub offset: i64,
    /// Its key; empty of a marker.
    pub key: Arc<[u8]>,
    /// The number that its writer gave it, if it gave it one.
    pub number: Option<u64>,
    /// Whether it deletes its key.
    pub is_tombstone: bool,
    /// Of all that must not change.
    pub digest: u64,
    /// Who wrote it.
    pub producer_id: i64,
    /// What it is.
    pub kind: RecordKind,
}

/// A compacted log below its high watermark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompactedSeen {
    /// The node.
    pub node: NodeId,
    /// `table-0`
    pub partition: Arc<str>,
    /// Now, in milliseconds since 1970-01-01 UTC.
    pub now_ms: i64,
    /// Where it begins.
    pub log_start: i64,
    /// Where what is committed ends.
    pub high_watermark: i64,
    /// Up to where a pass has cleaned it; 0 if none has.
    pub cleaned_to: i64,
    /// Whether old segments are deleted too.
    pub deletes: bool,
    /// `delete.retention.ms`
    pub delete_retention_ms: i64,
    /// Its records in order.
    pub records: Vec<RecordSeen>,
}

/// What has become of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Its transaction is open.
    Open,
    Committed,
    Aborted,
}

#[derive(Clone, Debug)]
struct Entry {
    record: RecordSeen,
    end: End,
    /// When it was first seen, in milliseconds since 1970-01-01 UTC.
    seen_ms: i64,
    /// Where the marker stands that has ended its transaction.
    marker: Option<i64>,
}

/// The history of one partition.
#[derive(Clone, Debug, Default)]
struct History {
    entries: BTreeMap<i64, Entry>,
    end: i64,
    /// The offsets of each producer's open transaction.
    open: BTreeMap<i64, Vec<i64>>,
    /// Of each key the records that count.
    counting: BTreeMap<Arc<[u8]>, BTreeSet<i64>>,
    /// The highest log start that was seen.
    start: i64,
    /// Whether old segments are deleted: some records may be gone before anybody has seen them here.
    deletes: bool,
}

impl History {
    fn last(&self, key: &[u8]) -> Option<i64> {
        self.counting.get(key)?.last().copied()
    }

    /// Whether a later record of the key is in a transaction that is open here: one that has started again may know its
    /// marker already. Once it is known here too, what is missing is looked at again.
    fn may_be_superseded(&self, key: &[u8], offset: i64) -> bool {
        let later = self.open.values().flatten().filter(|open| **open > offset);
        let mut entries = later.filter_map(|open| self.entries.get(open));
        entries.any(|entry| *entry.record.key == *key)
    }

    /// Whether a record was aborted by a marker that some replica has taken out. One that was away for longer than
    /// delete.retention.ms, and had the record, never learns of that, and the producer's next marker commits it there,
    /// as in Kafka.
    fn may_seem_committed(&self, entry: &Entry, gone: &impl Fn(i64) -> bool) -> bool {
        entry.end == End::Aborted && entry.marker.is_some_and(gone)
    }

    fn settle(&mut self, offset: i64, end: End) {
        if let Some(entry) = self.entries.get_mut(&offset) {
            entry.end = end;
            if end == End::Committed {
                self.counting.entry(entry.record.key.clone()).or_default().insert(offset);
            }
        }
    }

    fn add(&mut self, record: RecordSeen, seen_ms: i64) {
        let (offset, kind, producer) = (record.offset, record.kind, record.producer_id);
        self.end = offset + 1;
        self.entries.insert(offset, Entry { record, end: End::Open, seen_ms, marker: None });
        match kind {
            RecordKind::Plain => self.settle(offset, End::Committed),
            RecordKind::Transactional => self.open.entry(producer).or_default().push(offset),
            RecordKind::Marker { commit } => {
                for of in self.open.remove(&producer).unwrap_or_default() {
                    self.settle(of, if commit { End::Committed } else { End::Aborted });
                    if let Some(entry) = self.entries.get_mut(&of) {
                        entry.marker = Some(offset);
                    }
                }
            }
        }
    }

    /// Why a record must not be missing in a log; nothing if it may.
    fn misses(
        &self,
        offset: i64,
        entry: &Entry,
        log: &CompactedSeen,
        clocks_agree: bool,
        gone: &impl Fn(i64) -> bool,
        forgiven: &mut BTreeSet<(NodeId, Arc<str>, i64)>,
    ) -> Option<String> {
        // Where what seemed to supersede it was a tombstone, that has gone its way by now.
        let this = (log.node, log.partition.clone(), offset);
        if forgiven.contains(&this) {
            return None;
        }
        // A later record of its key that seems to be committed here, and is here.
        let seems_superseded = || {
            let later = log.records.iter().filter(|one| one.offset > offset && one.key == entry.record.key);
            let mut later = later.filter_map(|one| self.entries.get(&one.offset));
            later.any(|other| self.may_seem_committed(other, gone))
        };
        if matches!(entry.record.kind, RecordKind::Marker { .. }) {
            return None;
        }
        let what = match entry.end {
            End::Aborted => return None,
            // A replica that has started again may know a marker before the high watermark has come to it again. What
            // it took out is looked at once the transaction has come to its end here too.
            End::Open => return None,
            End::Committed if self.last(&entry.record.key) != Some(offset) => return None,
            End::Committed if self.may_be_superseded(&entry.record.key, offset) => return None,
            End::Committed if seems_superseded() => {
                forgiven.insert(this);
                return None;
            }
            End::Committed if entry.record.is_tombstone => {
                // The first pass that comes by it, of any replica, sets its horizon. That pass may not have been
                // seen: a process that was killed behind it is looked at when much more has happened.
                let due = entry.seen_ms.saturating_add(log.delete_retention_ms);
                if !clocks_agree || log.now_ms >= due {
                    return None;
                }
                format!("a tombstone that was to stay for {} ms more", due - log.now_ms)
            }
            End::Committed => "the last of its key".to_owned(),
        };
        let key = String::from_utf8_lossy(&entry.record.key).into_owned();
        Some(format!("{} at {} lacks offset {offset}, {what} ({key:?})", log.partition, log.node))
    }
}

/// Of each key where its last record stands.
type Lasts = BTreeMap<Arc<[u8]>, i64>;

/// The histories of all compacted partitions, and what readers saw of them.
#[derive(Clone, Debug, Default)]
pub struct Compaction {
    histories: BTreeMap<Arc<str>, History>,
    /// What each reader holds of each partition.
    read: BTreeMap<(i32, Arc<str>), Lasts>,
    /// Where the last record stands that each reader has read of each partition.
    last: BTreeMap<(i32, Arc<str>), i64>,
    missing: BTreeSet<(Arc<str>, i64)>,
    /// What a replica lacks because a record seemed to it to supersede what it has.
    forgiven: BTreeSet<(NodeId, Arc<str>, i64)>,
    /// What was read before the marker of its transaction was seen.
    early: BTreeSet<(Arc<str>, i64)>,
    /// What was read before it was seen to be written: by whom, where, and its digest.
    ahead: BTreeSet<(i32, Arc<str>, i64, u64)>,
    /// Whether a node went down in the very event in which it may have answered readers.
    blind: bool,
    /// Whether all nodes have one clock: else nobody can say how long a tombstone was to stay.
    clocks_agree: bool,
}

impl Compaction {
    /// Nothing is known yet.
    pub fn new(clocks_agree: bool) -> Compaction {
        Compaction { clocks_agree, ..Compaction::default() }
    }

    /// Up to where the history of a partition is known.
    pub fn known_to(&self, partition: &str) -> i64 {
        self.histories.get(partition).map_or(0, |history| history.end)
    }

    /// How many records there were, and how many of them were missing in some replica.
    pub fn counts(&self) -> [u64; 2] {
        let all = self.histories.values().map(|history| history.entries.len() as u64).sum();
        [all, self.missing.len() as u64]
    }

    /// Whether the record at a place counts: it is of no transaction, or of one that is committed. Nothing where
    /// records were deleted: one may have stood there that was gone before it was seen, or, on a replica that had been
    /// away, one that is none of the history. Whoever sends it again is told there, as in Kafka, that it stands.
    pub fn counts_at(&self, partition: &str, offset: i64) -> Option<bool> {
        let Some(history) = self.histories.get(partition) else { return Some(false) };
        match history.entries.get(&offset).map(|entry| entry.end == End::Committed) {
            Some(true) => Some(true),
            None if history.deletes => None,
            _ if history.deletes && offset < history.start => None,
            _ => Some(false),
        }
    }

    /// Whether a transaction that is open at an offset of some replica came to its end by a marker that the replica
    /// lacks although its log goes on behind it: it was away for longer than delete.retention.ms, and the marker was
    /// taken out elsewhere meanwhile. In Kafka, too, such a transaction hangs there until somebody aborts it by a
    /// tool (KIP-664).
    pub fn missed_the_end(
        &self,
        partition: &str,
        offset: i64,
        log_end: i64,
        has: impl Fn(i64) -> bool,
    ) -> bool {
        let entry = self.histories.get(partition).and_then(|history| history.entries.get(&offset));
        let marker = entry.filter(|entry| entry.end != End::Open).and_then(|entry| entry.marker);
        marker.is_some_and(|marker| marker < log_end && !has(marker))
    }

    /// A node went down in the event in which it last acted: nobody saw how far its high watermarks had come by then.
    pub fn lost_sight(&mut self) {
        self.blind = true;
    }

    /// Takes what stands below a log's high watermark and was not known; nothing of it can have been cleaned.
    ///
    /// # Errors
    /// It does not follow what is known.
    pub fn written(&mut self, log: CompactedSeen) -> Result<(), String> {
        let history = self.histories.entry(log.partition.clone()).or_default();
        history.deletes |= log.deletes;
        if log.deletes {
            history.end = history.end.max(log.log_start);
        }
        for record in log.records {
            if record.offset < history.end {
                continue;
            }
            if record.offset > history.end {
                let (at, end) = (record.offset, history.end);
                return Err(format!(
                    "{} at {}: {at} follows {end}, and was not cleaned",
                    log.partition, log.node
                ));
            }
            history.add(record, log.now_ms);
        }
        let known = |ahead: &&(i32, Arc<str>, i64, u64)| ahead.1 == log.partition && ahead.2 < history.end;
        for seen in self.ahead.iter().filter(known).cloned().collect::<Vec<_>>() {
            self.ahead.remove(&seen);
            let (reader, partition, offset, digest) = seen;
            let is_it = |entry: &&Entry| {
                entry.record.digest == digest && !matches!(entry.record.kind, RecordKind::Marker { .. })
            };
            let Some(entry) = history.entries.get(&offset).filter(is_it) else {
                return Err(format!("client{reader} read {partition}@{offset}, which nobody wrote"));
            };
            self.early.insert((partition.clone(), offset));
            let last = self.read.entry((reader, partition)).or_default().entry(entry.record.key.clone());
            last.and_modify(|last| *last = offset.max(*last)).or_insert(offset);
        }
        let early = self.early.iter().filter(|(partition, _)| *partition == log.partition);
        let of = |offset: &i64| history.entries.get(offset).map(|entry| entry.end);
        match early.into_iter().find(|(_, offset)| of(offset) == Some(End::Aborted)) {
            Some((_, offset)) => Err(format!("{}@{offset} was read, and is aborted", log.partition)),
            None => Ok(()),
        }
    }

    /// Compares a log with the history.
    ///
    /// # Errors
    /// What must be in it and is not, or is in it and must not be.
    pub fn look(&mut self, log: &CompactedSeen) -> Result<(), String> {
        let Some(history) = self.histories.get_mut(&log.partition) else { return Ok(()) };
        let at = |offset: i64| format!("{}@{offset} at {}", log.partition, log.node);
        if log.log_start > 0 && !log.deletes {
            return Err(format!("{} begins there, and nothing was deleted", at(log.log_start)));
        }
        history.start = history.start.max(log.log_start);
        let mut next = log.log_start;
        let mut gone = Vec::new();
        for record in &log.records {
            if record.offset < next {
                return Err(format!("{} comes after {}", at(record.offset), next - 1));
            }
            gone.extend(history.entries.range(next..record.offset).map(|(offset, _)| *offset));
            next = record.offset + 1;
            let Some(entry) = history.entries.get(&record.offset) else {
                return Err(format!("{} was never written", at(record.offset)));
            };
            if entry.record != *record {
                let (place, was) = (at(record.offset), &entry.record);
                return Err(format!("{place} is {record:?}, and was written as {was:?}"));
            }
        }
        let upto = log.high_watermark.max(next);
        gone.extend(history.entries.range(next..upto).map(|(offset, _)| *offset));
        for offset in gone {
            let Some(entry) = history.entries.get(&offset) else { continue };
            let lacked = |offset: i64| self.missing.contains(&(log.partition.clone(), offset));
            if let Some(why) =
                history.misses(offset, entry, log, self.clocks_agree, &lacked, &mut self.forgiven)
            {
                return Err(why);
            }
            self.missing.insert((log.partition.clone(), offset));
        }
        Self::is_clean(history, log)
    }

    /// Below a cleaner's checkpoint a log has no two records of one key that count. (One that was superseded by a
    /// record which the leader had taken out before this replica came to it stays until there is a later one.)
    fn is_clean(history: &History, log: &CompactedSeen) -> Result<(), String> {
        let mut seen: BTreeMap<&[u8], i64> = BTreeMap::new();
        // A replica that was killed may have a checkpoint that followed its log start, and not the log start.
        let clean = history.start..log.cleaned_to;
        for record in log.records.iter().filter(|record| clean.contains(&record.offset)) {
            let entry = history.entries.get(&record.offset);
            let is_marker = matches!(record.kind, RecordKind::Marker { .. });
            if is_marker || entry.is_none_or(|entry| entry.end != End::Committed) {
                continue;
            }
            if let Some(earlier) = seen.insert(&record.key, record.offset) {
                return Err(format!(
                    "{} at {} is clean up to {}, and has offset {earlier} though {} has the same key",
                    log.partition, log.node, log.cleaned_to, record.offset
                ));
            }
        }
        Ok(())
    }

    /// A reader of committed records, from the beginning, has read one.
    ///
    /// # Errors
    /// It does not stand there, or must not be read.
    pub fn read(
        &mut self,
        reader: i32,
        partition: &Arc<str>,
        offset: i64,
        digest: u64,
    ) -> Result<(), String> {
        let what = format!("client{reader} read {partition}@{offset}");
        let of = (reader, partition.clone());
        let before = self.last.insert(of.clone(), offset);
        let history = self.histories.get(partition);
        // A leader that had deleted what comes next sends the reader back to the beginning, which is an earlier one
        // with another leader.
        let was_deleted =
            |before: i64| history.is_some_and(|history| history.deletes && before < history.start);
        if before.is_some_and(|before| before >= offset && !was_deleted(before)) {
            return Err(format!("{what} after {before:?}"));
        }
        let Some(history) = history else {
            return Err(format!("{what}, and the partition has nothing"));
        };
        let Some(entry) = history.entries.get(&offset) else {
            if self.blind && offset >= history.end {
                self.ahead.insert((reader, partition.clone(), offset, digest));
                return Ok(());
            }
            return if history.deletes { Ok(()) } else { Err(format!("{what}, which nobody wrote")) };
        };
        if entry.record.digest != digest || matches!(entry.record.kind, RecordKind::Marker { .. }) {
            return Err(format!("{what}, and another record was written there"));
        }
        let lacked = |offset: i64| self.missing.contains(&(partition.clone(), offset));
        match entry.end {
            End::Committed => {}
            End::Aborted if history.may_seem_committed(entry, &lacked) => {}
            End::Aborted => return Err(format!("{what}, whose transaction was aborted")),
            // A leader that has started again knows the marker before the high watermark has come to it again.
            End::Open => drop(self.early.insert((partition.clone(), offset))),
        }
        self.read.entry(of).or_default().insert(entry.record.key.clone(), offset);
        Ok(())
    }

    /// A reader has come to the end of a partition: what it holds of each key is what was written last.
    ///
    /// # Errors
    /// A key with something else.
    pub fn complete(&self, reader: i32, partition: &Arc<str>) -> Result<(), String> {
        let Some(history) = self.histories.get(partition) else { return Ok(()) };
        if let Some((reader, _, offset, _)) = self.ahead.iter().find(|ahead| ahead.1 == *partition) {
            return Err(format!("client{reader} read {partition}@{offset}, which nobody wrote"));
        }
        let none = BTreeMap::new();
        let read = self.read.get(&(reader, partition.clone())).unwrap_or(&none);
        let lacked = |offset: i64| self.missing.contains(&(partition.clone(), offset));
        for (key, counting) in &history.counting {
            let Some(last) = counting.last() else { continue };
            let found = read.get(key);
            let is_tombstone = history.entries.get(last).is_some_and(|entry| entry.record.is_tombstone);
            // What retention took from the beginning the reader may not have come to, but to an earlier one of the key.
            if *last < history.start {
                continue;
            }
            // A replica that was away for longer than delete.retention.ms may have missed the tombstone, as in Kafka.
            let is_over = is_tombstone && lacked(*last);
            // So may one have missed that what seemed to supersede it was aborted.
            let is_over = is_over || self.forgiven.iter().any(|(_, of, at)| *of == *partition && at == last);
            let found_entry = found.and_then(|found| history.entries.get(found));
            if found_entry.is_some_and(|entry| history.may_seem_committed(entry, &lacked)) {
                continue;
            }
            // What a key had before its tombstone went before it.
            if found != Some(last) && !(found.is_none() && is_tombstone) && !is_over {
                let key = String::from_utf8_lossy(key);
                return Err(format!(
                    "client{reader} ends with {found:?} for {key:?} of {partition}, and {last} was written last"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `offset:key` with `-` for a tombstone, `t` for a transaction's record of producer 7, `c` and `a` for its
    /// markers: `3:ft-`.
    fn record(text: &str) -> RecordSeen {
        let (offset, what) = text.split_once(':').unwrap();
        let kind = match what {
            "c" | "a" => RecordKind::Marker { commit: what == "c" },
            _ if what.contains('t') => RecordKind::Transactional,
            _ => RecordKind::Plain,
        };
        let offset = offset.parse().unwrap();
        RecordSeen {
            offset,
            key: what.as_bytes()[..1].into(),
            number: None,
            is_tombstone: what.ends_with('-'),
            digest: u64::try_from(offset).unwrap(),
            producer_id: if kind == RecordKind::Plain { -1 } else { 7 },
            kind,
        }
    }

    fn log(records: &str, now_ms: i64) -> CompactedSeen {
        CompactedSeen {
            node: NodeId(1),
            partition: "table-0".into(),
            now_ms,
            log_start: 0,
            high_watermark: 8,
            cleaned_to: 0,
            deletes: false,
            delete_retention_ms: 100,
            records: records.split_whitespace().map(record).collect(),
        }
    }

    /// Keys x, y and z; y was deleted, and what an aborted transaction wrote of x does not count.
    const ALL: &str = "0:x 1:y 2:xt 3:a 4:y- 5:zt 6:c 7:zt";

    fn begun() -> Compaction {
        let mut compaction = Compaction::new(true);
        assert_eq!(compaction.written(log(ALL, 1_000)), Ok(()));
        compaction
    }

    #[test]
    fn a_log_lacks_what_is_superseded_and_nothing_else() {
        for (records, now_ms, want) in [
            (ALL, 1_000, ""),
            ("0:x 4:y- 5:zt 7:zt", 1_000, ""),
            ("0:x 4:y- 5:zt 7:zt", 1_000, ""),
            ("0:x 5:zt 7:zt", 1_100, ""),
            ("0:x 5:zt 7:zt", 1_099, "table-0 at broker-1 lacks offset 4, a tombstone"),
            ("2:xt 4:y- 5:zt 7:zt", 1_000, "table-0 at broker-1 lacks offset 0, the last of its key"),
            ("0:x 4:y- 7:zt", 1_000, ""),
            ("0:x 4:y- 5:zt", 1_000, ""),
            ("0:x 4:y 5:zt 7:zt", 1_000, "table-0@4 at broker-1 is"),
            ("0:x 4:y- 4:y- 5:zt 7:zt", 1_000, "table-0@4 at broker-1 comes after 4"),
            ("0:x 4:y- 5:zt 7:zt 9:z", 1_000, "table-0@9 at broker-1 was never written"),
        ] {
            let error = begun().look(&log(records, now_ms)).err().unwrap_or_default();
            assert!(error.starts_with(want) && error.is_empty() == want.is_empty(), "{records}: {error}");
        }
    }

    #[test]
    fn a_log_begins_where_it_began_and_goes_on_where_it_ended() {
        let mut compaction = begun();
        let from = |log_start| CompactedSeen { log_start, ..log("4:y- 5:zt 7:zt", 1_000) };
        assert!(compaction.look(&from(1)).is_err(), "nothing was deleted");
        assert_eq!(compaction.look(&CompactedSeen { deletes: true, ..from(1) }), Ok(()));
        assert!(compaction.look(&CompactedSeen { deletes: true, ..from(0) }).is_err(), "it has no x");
        assert!(compaction.written(log("9:x", 1_000)).is_err(), "8 is missing");
        assert_eq!(compaction.written(log("7:zt 8:x", 1_000)), Ok(()));
        assert_eq!((compaction.known_to("table-0"), compaction.counts()), (9, [9, 4]));
    }

    #[test]
    fn who_was_away_may_not_know_that_a_transaction_was_aborted() {
        let mut compaction = begun();
        assert!(compaction.look(&log("2:xt 3:a 4:y- 5:zt 7:zt", 1_000)).is_err(), "its marker is there");
        assert_eq!(compaction.look(&log("0:x 2:xt 4:y- 5:zt 7:zt", 1_000)), Ok(()));
        assert_eq!(compaction.look(&log("2:xt 4:y- 5:zt 7:zt", 1_000)), Ok(()));
    }

    #[test]
    fn below_a_checkpoint_each_key_is_there_once() {
        let clean = |cleaned_to| CompactedSeen { cleaned_to, ..log("0:x 1:y 4:y- 5:zt 7:zt", 1_000) };
        assert_eq!(begun().look(&clean(4)), Ok(()), "what supersedes it is not cleaned yet");
        assert!(begun().look(&clean(5)).is_err());
        let missed = CompactedSeen { cleaned_to: 5, ..log("0:x 1:y 5:zt 7:zt", 2_000) };
        assert_eq!(begun().look(&missed), Ok(()), "what superseded it was gone when this replica came to it");
    }

    #[test]
    fn what_is_missing_of_an_open_transaction_is_looked_at_when_it_is_committed() {
        for (marker, want) in [("8:a", true), ("8:c", false)] {
            let mut compaction = begun();
            assert_eq!(compaction.look(&log("0:x 4:y- 5:zt", 1_000)), Ok(()));
            assert_eq!(compaction.written(log(marker, 1_000)), Ok(()));
            let later = CompactedSeen { high_watermark: 9, ..log(&format!("0:x 4:y- 5:zt {marker}"), 1_000) };
            assert_eq!(compaction.look(&later).is_ok(), want, "{marker}");
        }
    }

    #[test]
    fn what_an_open_transaction_may_supersede_is_looked_at_when_it_is_aborted() {
        // 5 and 7 are of one key, and 7 is of a transaction that is open.
        for (marker, want) in [("8:c", true), ("8:a", false)] {
            let mut compaction = begun();
            assert_eq!(compaction.look(&log("0:x 4:y- 7:zt", 1_000)), Ok(()));
            assert_eq!(compaction.written(log(marker, 1_000)), Ok(()));
            let later = CompactedSeen { high_watermark: 9, ..log(&format!("0:x 4:y- 7:zt {marker}"), 1_000) };
            assert_eq!(compaction.look(&later).is_ok(), want, "{marker}");
        }
    }

    #[test]
    fn what_was_read_out_of_sight_is_looked_at_when_it_is_seen() {
        let of: Arc<str> = "table-0".into();
        assert!(begun().read(1, &of, 8, 8).is_err(), "every node was in sight");
        for (written, digest, want) in [("8:x", 8, true), ("8:x", 7, false), ("8:a", 8, false)] {
            let mut compaction = begun();
            compaction.lost_sight();
            assert_eq!(compaction.read(1, &of, 8, digest), Ok(()));
            assert!(compaction.complete(1, &of).is_err(), "nobody wrote it");
            assert_eq!(compaction.written(log(written, 1_000)).is_ok(), want, "{written} {digest}");
        }
    }

    #[test]
    fn who_reads_from_the_beginning_ends_with_what_was_written_last() {
        let of: Arc<str> = "table-0".into();
        for (offsets, complete) in [
            (vec![0, 1, 4, 5], true),
            (vec![0, 5], true),
            (vec![0, 1, 5], false),
            (vec![0, 4], false),
            (vec![4, 5], false),
        ] {
            let mut compaction = begun();
            for offset in &offsets {
                assert_eq!(compaction.read(1, &of, *offset, *offset as u64), Ok(()));
            }
            assert_eq!(compaction.complete(1, &of).is_ok(), complete, "{offsets:?}");
        }
        assert!(begun().read(1, &of, 0, 7).is_err(), "another record");
        assert!(begun().read(1, &of, 2, 2).is_err(), "it is aborted");
        for (marker, want) in [("8:c", true), ("8:a", false)] {
            let mut compaction = begun();
            assert_eq!(
                compaction.read(1, &of, 7, 7),
                Ok(()),
                "a leader may know the marker before it is committed"
            );
            assert_eq!(compaction.written(log(marker, 1_000)).is_ok(), want);
        }
        assert!(begun().read(1, &of, 3, 3).is_err(), "a marker");
    }
}
