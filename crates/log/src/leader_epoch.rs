//! Which leader epoch began at which offset (org.apache.kafka.storage.internals.epoch.LeaderEpochFileCache).

use blumfeld_kernel::{DiskOp, FilePath, Outbox};

use crate::checkpoint;

/// Epochs with the offset of their first record, both going up. Kept in `leader-epoch-checkpoint`.
#[derive(Clone, Debug)]
pub struct LeaderEpochCache {
    file: FilePath,
    epochs: Vec<(i32, i64)>,
}

impl LeaderEpochCache {
    /// The cache of the log in `dir`, with what its checkpoint holds; a checkpoint that cannot be read counts as empty.
    pub fn load(dir: &str, checkpoint: Option<&str>) -> LeaderEpochCache {
        let epochs = checkpoint.and_then(|text| checkpoint::read_epochs(text).ok()).unwrap_or_default();
        LeaderEpochCache { file: format!("{dir}/leader-epoch-checkpoint").into(), epochs }
    }

    /// Notes that `epoch` begins at `start`, if it is newer than the last one.
    pub fn assign(&mut self, out: &mut Outbox<'_>, epoch: i32, start: i64) {
        if epoch >= 0 && self.latest().is_none_or(|latest| epoch > latest) {
            // An epoch in which nothing was written gives way to the next.
            while self.epochs.last().is_some_and(|last| last.1 >= start) {
                self.epochs.pop();
            }
            self.epochs.push((epoch, start));
            self.write(out);
        }
    }

    /// The newest epoch.
    pub fn latest(&self) -> Option<i32> {
        self.epochs.last().map(|last| last.0)
    }

    /// The epoch of the record at `offset`.
    pub fn epoch_for_offset(&self, offset: i64) -> Option<i32> {
        let after = self.epochs.partition_point(|entry| entry.1 <= offset);
        after.checked_sub(1).and_then(|at| self.epochs.get(at)).map(|entry| entry.0)
    }

    /// The largest known epoch at or below `epoch`, and the offset where it ended: where the next one began, or the log
    /// end (`endOffsetFor`). `None` if no epoch at or below it is known, or `epoch` is newer than all.
    pub fn end_offset_for(&self, epoch: i32, log_end: i64) -> Option<(i32, i64)> {
        // -1 is no epoch, and nothing ends with it.
        if epoch == -1 {
            return None;
        }
        if self.latest() == Some(epoch) {
            return Some((epoch, log_end));
        }
        let after = self.epochs.partition_point(|entry| entry.0 <= epoch);
        let end = self.epochs.get(after)?.1;
        match after.checked_sub(1).and_then(|at| self.epochs.get(at)) {
            Some(found) => Some((found.0, end)),
            // All that is known begins later: what was written in `epoch` ends where the log now begins.
            None => Some((epoch, end)),
        }
    }

    /// Forgets everything: the log starts over somewhere else.
    pub fn clear(&mut self, out: &mut Outbox<'_>) {
        if !self.epochs.is_empty() {
            self.epochs.clear();
            self.write(out);
        }
    }

    /// Forgets the epochs that begin at `offset` or after it.
    pub fn truncate_from_end(&mut self, out: &mut Outbox<'_>, offset: i64) {
        if self.epochs.last().is_some_and(|last| last.1 >= offset) {
            self.epochs.retain(|entry| entry.1 < offset);
            self.write(out);
        }
    }

    /// Moves the first epochs up to a new log start.
    pub fn truncate_from_start(&mut self, out: &mut Outbox<'_>, log_start: i64) {
        let keep = self.epochs.partition_point(|entry| entry.1 <= log_start).saturating_sub(1);
        if self.epochs.first().is_some_and(|first| first.1 < log_start) {
            self.epochs.drain(..keep);
            if let Some(first) = self.epochs.first_mut() {
                first.1 = first.1.max(log_start);
            }
            self.write(out);
        }
    }

    /// All entries.
    pub fn entries(&self) -> &[(i32, i64)] {
        &self.epochs
    }

    pub(crate) fn move_to(&mut self, dir: &str) {
        self.file = format!("{dir}/leader-epoch-checkpoint").into();
    }

    fn write(&self, out: &mut Outbox<'_>) {
        let bytes = checkpoint::write_epochs(&self.epochs).into();
        out.disk(DiskOp::Replace { file: self.file.clone(), bytes });
    }
}
