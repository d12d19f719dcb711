//! What replicas are to the log cleaner: logs, and up to where each is clean
//! (org.apache.kafka.storage.internals.log.LogCleanerManager).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Context, DiskOp};
use blumfeld_log::LogSegment;
use blumfeld_log::checkpoint::{self, Offsets};
use blumfeld_log::cleaner::{CleanerConfig, CleaningError, CleaningPass, LogToClean, Slice};
use blumfeld_protocol::Uuid;

use super::manager::{ReplicaManager, TopicPartition};

/// `cleaner-offset-checkpoint`, as it is on disk.
#[derive(Clone, Debug, Default)]
pub(super) struct CleanerCheckpoints {
    offsets: BTreeMap<TopicPartition, i64>,
    /// Logs that were cut while they may have been under a pass.
    cut: BTreeSet<TopicPartition>,
}

impl CleanerCheckpoints {
    /// What an earlier run has written, of the logs that are `there`: a topic that was created again begins anew.
    pub(super) fn new(offsets: &Offsets, there: impl Fn(&TopicPartition) -> bool) -> CleanerCheckpoints {
        let offsets = offsets.iter().filter(|(key, _)| there(key));
        let offsets = offsets.map(|(key, offset)| (key.clone(), *offset)).collect();
        CleanerCheckpoints { offsets, cut: BTreeSet::new() }
    }

    fn write(&self, cx: &mut Context<'_>) {
        let offsets: Vec<(&str, i32, i64)> = (self.offsets.iter())
            .map(|((topic, number), offset)| (topic.as_str(), *number, *offset))
            .collect();
        let bytes = checkpoint::write_offsets(&offsets).into();
        cx.out.disk(DiskOp::Replace { file: checkpoint::CLEANER.into(), bytes });
    }

    /// A replica is gone.
    pub(super) fn forget(&mut self, cx: &mut Context<'_>, key: &TopicPartition) {
        self.cut.remove(key);
        if self.offsets.remove(key).is_some() {
            self.write(cx);
        }
    }
}

impl ReplicaManager {
    /// Up to where a log is clean, if a pass has ever ended there.
    pub fn cleaned_to(&self, key: &TopicPartition) -> Option<i64> {
        self.cleaned.offsets.get(key).copied()
    }

    /// The log that most of is dirty, among those that are compacted and worth a pass (grabFilthiestCompactedLog).
    /// Those that `skip` holds for are passed over. A checkpoint that is outside of its log is put right.
    pub fn filthiest(
        &mut self,
        cx: &mut Context<'_>,
        skip: impl Fn(&TopicPartition) -> bool,
    ) -> Option<(TopicPartition, Uuid, LogToClean)> {
        let now_ms = cx.unix_ms();
        let mut best: Option<(TopicPartition, Uuid, LogToClean)> = None;
        let mut corrected = Vec::new();
        for (key, partition) in self.partitions() {
            let log = partition.log();
            if !log.config().cleanup.compact || skip(key) {
                continue;
            }
            let to_clean = log.to_clean(self.cleaned_to(key), partition.last_stable_offset(), now_ms);
            if to_clean.checkpoint_was_invalid {
                corrected.push((key.clone(), to_clean.first_dirty));
            }
            let ratio = to_clean.cleanable_ratio();
            if to_clean.total_bytes() > 0
                && to_clean.is_dirty_enough(log.config().min_cleanable_ratio)
                && best.as_ref().is_none_or(|(.., best)| ratio > best.cleanable_ratio())
            {
                best = Some((key.clone(), partition.topic_id(), to_clean));
            }
        }
        if !corrected.is_empty() {
            self.cleaned.offsets.extend(corrected);
            self.cleaned.write(cx);
        }
        self.flush_closed_segments(cx);
        best
    }

    /// Has closed segments of compacted logs made durable that are not, as after a crash: they can be cleaned then.
    fn flush_closed_segments(&mut self, cx: &mut Context<'_>) {
        let behind: Vec<TopicPartition> = (self.partitions())
            .filter(|(_, partition)| {
                let log = partition.log();
                let active = log.segments().next_back().map_or(0, LogSegment::base_offset);
                log.config().cleanup.compact && log.recovery_point() < active
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in behind {
            self.flush(cx, &key);
        }
    }

    /// Begins a pass. What it takes is durable, and the checkpoint that says so is written before anything is replaced:
    /// recovery takes gaps behind it for losses.
    pub fn begin_cleaning(
        &mut self,
        cx: &mut Context<'_>,
        key: &TopicPartition,
        to_clean: LogToClean,
        config: CleanerConfig,
    ) -> Option<CleaningPass> {
        self.cleaned.cut.remove(key);
        self.checkpoint_logs(cx);
        let log = self.of(key)?.log();
        Some(CleaningPass::new(log, to_clean, config, cx.unix_ms()))
    }

    /// Goes on with a pass over a partition of the topic with this id.
    ///
    /// # Errors
    /// The replica is gone or was cut, or the pass failed.
    pub fn go_on_cleaning(
        &mut self,
        cx: &mut Context<'_>,
        key: &TopicPartition,
        topic_id: Uuid,
        pass: &mut CleaningPass,
    ) -> Result<Slice, CleaningError> {
        if self.cleaned.cut.contains(key) {
            return Err(CleaningError::Changed);
        }
        let partition = self.of_mut(key).filter(|partition| partition.topic_id() == topic_id);
        let log = partition.ok_or(CleaningError::Changed)?.log_mut();
        let slice = pass.go_on(cx, log)?;
        if let Slice::Replaced(files) = &slice {
            let delay = log.config().file_delete_delay_ms;
            self.delete_later(cx, files.clone(), delay);
        }
        Ok(slice)
    }

    /// A pass is over: the log is clean up to `end`.
    pub fn done_cleaning(&mut self, cx: &mut Context<'_>, key: &TopicPartition, end: i64) {
        self.cleaned.offsets.insert(key.clone(), end);
        self.cleaned.write(cx);
    }

    /// Deletes the old segments of compacted logs, which retention leaves to the cleaner: nobody deletes what is being
    /// cleaned (LogCleanerManager.deletableLogs).
    pub fn delete_old_segments_of_compacted(
        &mut self,
        cx: &mut Context<'_>,
        skip: impl Fn(&TopicPartition) -> bool,
    ) {
        self.delete_old_segments(cx, |key, log| log.config().cleanup.compact && !skip(key));
    }

    /// After a replica may have been cut: what was cleaned behind the cut is dirty again, and a pass over it is over
    /// (LogManager.maybeTruncateCleanerCheckpointToActiveSegmentBaseOffset).
    pub(super) fn note_cut(&mut self, cx: &mut Context<'_>, key: &TopicPartition) {
        let Some(cut) = self.of_mut(key).and_then(|partition| partition.log_mut().take_cut()) else { return };
        self.cleaned.cut.insert(key.clone());
        if let Some(offset) = self.cleaned.offsets.get_mut(key).filter(|offset| **offset > cut) {
            *offset = cut;
            self.cleaned.write(cx);
        }
    }

    /// Does to a replica what its leader would have it do.
    #[cfg(test)]
    pub fn follow_for_test(
        &mut self,
        cx: &mut Context<'_>,
        key: &TopicPartition,
        follow: impl FnOnce(&mut super::Partition, &mut Context<'_>),
    ) {
        if let Some(partition) = self.of_mut(key) {
            follow(partition, cx);
        }
        self.note_cut(cx, key);
    }
}
