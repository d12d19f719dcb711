//! Which part of a log is dirty, and how much of it can be cleaned
//! (org.apache.kafka.storage.internals.log.LogCleanerManager.cleanableOffsets, LogToClean).

use crate::{LogSegment, UnifiedLog};

/// A log with what can be cleaned of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogToClean {
    /// What is below was cleaned before.
    pub first_dirty: i64,
    /// What is at or above cannot be cleaned yet: the base offset of a segment.
    pub first_uncleanable: i64,
    /// Bytes of the segments that begin in the clean part.
    pub clean_bytes: u64,
    /// Bytes of the segments that can be cleaned.
    pub cleanable_bytes: u64,
    /// Whether something has been dirty for longer than `max.compaction.lag.ms`.
    pub is_overdue: bool,
    /// Whether the checkpoint was outside of the log, so that all of it counts as dirty.
    pub checkpoint_was_invalid: bool,
}

impl LogToClean {
    /// Bytes that a pass would read.
    pub fn total_bytes(&self) -> u64 {
        self.clean_bytes + self.cleanable_bytes
    }

    /// How much of it is dirty: what `min.cleanable.dirty.ratio` is compared with.
    pub fn cleanable_ratio(&self) -> f64 {
        match self.total_bytes() {
            0 => 0.0,
            total => self.cleanable_bytes as f64 / total as f64,
        }
    }

    /// Whether a pass is worth its while (LogCleanerManager.grabFilthiestCompactedLog).
    pub fn is_dirty_enough(&self, min_cleanable_ratio: f64) -> bool {
        (self.is_overdue && self.cleanable_bytes > 0) || self.cleanable_ratio() > min_cleanable_ratio
    }
}

impl UnifiedLog {
    /// What can be cleaned of the log now: from `checkpoint`, where the last pass ended, up to `last_stable`, but not
    /// the active segment, and nothing that is younger than `min.compaction.lag.ms`.
    pub fn to_clean(&self, checkpoint: Option<i64>, last_stable: i64, now_ms: i64) -> LogToClean {
        let (start, end) = (self.log_start(), self.log_end());
        let checkpoint_was_invalid = checkpoint.is_some_and(|offset| offset < start || offset > end);
        let first_dirty = checkpoint.filter(|_| !checkpoint_was_invalid).unwrap_or(start);
        let active = self.segments().next_back().map_or(end, LogSegment::base_offset);
        let config = self.config();
        let young = || {
            let youngest = now_ms.saturating_sub(config.min_compaction_lag_ms);
            let mut dirty = self.segments_from(first_dirty).filter(|segment| segment.base_offset() < active);
            dirty.find(|segment| segment.largest_timestamp() > youngest).map(LogSegment::base_offset)
        };
        let mut bound = last_stable.min(active);
        if config.min_compaction_lag_ms > 0 {
            bound = bound.min(young().unwrap_or(i64::MAX));
        }
        // Recovery takes a gap behind the recovery point for a loss. Kafka's does not look for gaps.
        bound = bound.min(self.recovery_point()).max(first_dirty);
        // A segment is cleaned whole or not at all.
        let first_uncleanable = if bound > active {
            active
        } else {
            let holds = self.segments().rev().find(|segment| segment.base_offset() <= bound);
            holds.map_or(active, LogSegment::base_offset)
        };
        let size = |segment: &LogSegment| u64::from(segment.size());
        let clean_bytes = self.segments().take_while(|s| s.base_offset() < first_dirty).map(size).sum();
        let cleanable_bytes = if first_dirty < first_uncleanable {
            (self.segments_from(first_dirty))
                .take_while(|segment| segment.base_offset() < first_uncleanable)
                .map(size)
                .sum()
        } else {
            0
        };
        LogToClean {
            first_dirty,
            first_uncleanable,
            clean_bytes,
            cleanable_bytes,
            is_overdue: self.is_overdue(first_dirty, active, now_ms),
            checkpoint_was_invalid,
        }
    }

    /// Whether the first batch of a closed dirty segment is older than `max.compaction.lag.ms` (maxCompactionDelay).
    fn is_overdue(&self, first_dirty: i64, active: i64, now_ms: i64) -> bool {
        let oldest = now_ms.saturating_sub(self.config().max_compaction_lag_ms.max(0));
        (self.segments_from(first_dirty))
            .filter(|segment| segment.base_offset() < active)
            .map(LogSegment::first_timestamp)
            .any(|timestamp| timestamp > 0 && timestamp < oldest)
    }

    /// The segments from the one on that holds `offset`.
    fn segments_from(&self, offset: i64) -> impl Iterator<Item = &LogSegment> {
        let floor = self.segments().rev().find(|segment| segment.base_offset() <= offset);
        let floor = floor.map_or(i64::MIN, LogSegment::base_offset);
        self.segments().filter(move |segment| segment.base_offset() >= floor)
    }
}
