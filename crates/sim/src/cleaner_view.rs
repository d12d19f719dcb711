//! What is drawn of compaction: a broker's cleaner, and what becomes of a log's records.
//!
//! What the next pass would do is not worked out by rules of this file: a pass of the cleaner's own goes over a copy of
//! the log, whose bytes are shared, and what it leaves is compared with what there is.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_broker::{Broker, CleanerStatus, Partition};
use blumfeld_kernel::{Context, Instant, NodeId, Outbox, Prng};
use blumfeld_log::UnifiedLog;
use blumfeld_log::cleaner::{CleanerConfig, CleaningPass, CleaningPhase, LogToClean, Slice};
use blumfeld_view::{CleanerView, CompactedView, CompactionView, Fate, PassView};

use crate::world::World;

/// A pass is tried on a log of so many bytes at most.
const TRIED_BYTES: u64 = 1024 * 1024;
/// Offsets of a window.
const WINDOW: i64 = 400;
/// Offsets of a window above what can be cleaned, where nothing else is asked for.
const ABOVE: i64 = 100;
/// Of a key so many characters are shown.
const KEY_CHARS: usize = 40;

/// A broker's cleaner.
pub(crate) fn cleaner_view(broker: &Broker) -> CleanerView {
    let cleaner = broker.cleaner();
    CleanerView {
        running: cleaner.status().as_ref().map(pass_view),
        last: cleaner.last().map(pass_view),
        uncleanable: cleaner.uncleanable().map(|(topic, number)| format!("{topic}-{number}")).collect(),
    }
}

fn pass_view(status: &CleanerStatus) -> PassView {
    let (stats, records) = (&status.stats, &status.stats.records);
    PassView {
        topic: status.partition.0.clone(),
        partition: status.partition.1,
        phase: match status.phase {
            CleaningPhase::Indexing => "indexing",
            CleaningPhase::Cleaning => "cleaning",
            CleaningPhase::Flushing => "flushing",
            CleaningPhase::Done => "done",
        }
        .to_owned(),
        first_dirty: status.to_clean.first_dirty,
        first_uncleanable: status.to_clean.first_uncleanable,
        mapped_to: status.mapped_to,
        map_keys: status.map_keys,
        map_capacity: status.map_capacity,
        total_bytes: status.to_clean.total_bytes(),
        bytes_read: stats.bytes_read,
        bytes_written: stats.bytes_written,
        kept: records.kept,
        superseded: records.superseded,
        tombstones: records.tombstones,
        aborted: records.aborted,
        markers: records.markers,
    }
}

impl World {
    /// What compaction makes of a partition's log, in a window of offsets that begins at `from`, or without that where
    /// the next pass ends. Nothing if no broker that runs has the log, or it is not compacted.
    pub fn compaction_view(&self, topic: &str, number: i32, from: Option<i64>) -> Option<CompactionView> {
        let node = self.holder_of(topic, number)?;
        let broker = self.broker(node)?;
        let skew = self.machines.get(&node).map_or(0, |machine| machine.slot.skew_ms);
        let now_ms = self.unix_ms().saturating_add(skew);
        let partition = broker.replicas().get(topic, number)?;
        let log = partition.log();
        if !log.config().cleanup.compact {
            return None;
        }
        let cleaned_to = broker.replicas().cleaned_to(&(topic.to_owned(), number));
        let to_clean = log.to_clean(cleaned_to, partition.last_stable_offset(), now_ms);
        let (start, end) = (log.log_start(), log.log_end());
        let usual = to_clean.first_uncleanable.saturating_add(ABOVE).min(end).saturating_sub(WINDOW);
        let from = from.unwrap_or(usual).min(end.saturating_sub(1)).max(start);
        let to = from.saturating_add(WINDOW).min(end);
        let left =
            (to_clean.total_bytes() <= TRIED_BYTES).then(|| tried(partition, to_clean, now_ms)).flatten();
        Some(CompactionView {
            topic: topic.to_owned(),
            partition: number,
            broker: node.0,
            log_start: start,
            first_dirty: to_clean.first_dirty,
            first_uncleanable: to_clean.first_uncleanable,
            log_end: end,
            dirty_ratio: to_clean.cleanable_ratio(),
            min_ratio: log.config().min_cleanable_ratio,
            records: records(log, &to_clean, left.as_ref(), (from, to)),
            from,
            to,
            untried: left.is_none(),
        })
    }
}

/// The offsets that a pass leaves of the part that it cleans.
fn tried(partition: &Partition, to_clean: LogToClean, now_ms: i64) -> Option<BTreeSet<i64>> {
    let mut log = partition.log().clone();
    let (mut effects, mut events, mut rng) = (Vec::new(), Vec::new(), Prng::new(0, "tried"));
    let (mut connections, mut flushes) = (0, 0);
    let mut cx = Context {
        node: NodeId::WORLD,
        now: Instant::ZERO,
        epoch_ms: now_ms,
        rng: &mut rng,
        out: Outbox {
            effects: &mut effects,
            events: &mut events,
            connections: &mut connections,
            flushes: &mut flushes,
        },
    };
    let mut pass = CleaningPass::new(&log, to_clean, CleanerConfig::default(), now_ms);
    loop {
        match pass.go_on(&mut cx, &mut log).ok()? {
            Slice::More(_) | Slice::Replaced(_) => {}
            Slice::Flushing(id) => drop(pass.on_flushed(id, true).ok()?),
            Slice::Done(_) => break,
        }
    }
    let batches = log.browse(log.log_start()).map(|(.., batch)| batch);
    let below = batches.take_while(|batch| batch.base_offset() < to_clean.first_uncleanable);
    Some(
        below
            .flat_map(|batch| batch.records().into_iter().flatten().flatten())
            .map(|record| record.offset)
            .collect(),
    )
}

/// The records of a window, and the places of those that are gone.
fn records(
    log: &UnifiedLog,
    to_clean: &LogToClean,
    left: Option<&BTreeSet<i64>>,
    (from, to): (i64, i64),
) -> Vec<CompactedView> {
    // The last offset of each key below what cannot be cleaned: a record that goes and is not it is superseded.
    let mut last: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    let mut found: BTreeMap<i64, (CompactedView, Option<Vec<u8>>)> = BTreeMap::new();
    let begin = if left.is_some() { log.log_start() } else { from };
    for (.., batch) in log.browse(begin).take_while(|(.., batch)| batch.base_offset() < to) {
        for record in batch.records().into_iter().flatten().flatten() {
            let key = record.key.as_deref().filter(|_| !batch.is_control()).map(<[u8]>::to_vec);
            if let Some(key) = key.clone().filter(|_| record.offset < to_clean.first_uncleanable) {
                last.insert(key, record.offset);
            }
            if (from..to).contains(&record.offset) {
                let text = |key: &Vec<u8>| String::from_utf8_lossy(key).chars().take(KEY_CHARS).collect();
                let view = CompactedView {
                    offset: record.offset,
                    key: key.as_ref().map(text),
                    tombstone: record.value.is_none() && !batch.is_control(),
                    control: batch.is_control(),
                    fate: Fate::Stays,
                };
                found.insert(record.offset, (view, key));
            }
        }
    }
    (from..to)
        .map(|offset| {
            let Some((mut view, key)) = found.remove(&offset) else {
                let fate = Fate::Gone;
                return CompactedView { offset, key: None, tombstone: false, control: false, fate };
            };
            let goes =
                offset < to_clean.first_uncleanable && left.is_some_and(|left| !left.contains(&offset));
            if goes {
                let later = key.and_then(|key| last.get(&key).copied()).is_some_and(|last| last > offset);
                view.fate = if later { Fate::Superseded } else { Fate::Expired };
            }
            view
        })
        .collect()
}
