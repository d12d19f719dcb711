//! How a cleaned segment takes the place of those that it was made of, so that a crash at any moment leaves either
//! (LocalLog.replaceSegments), and what a start makes of what a crash has left (LogLoader.load).
//!
//! 1. The new segment is written under `.cleaned` names and flushed. Until the next step a start takes such files away.
//! 2. It gets `.swap` names, the `.log` first. With that it counts: a start finishes what follows.
//! 3. The old segments get `.deleted` names.
//! 4. The new one loses its `.swap`.

use std::collections::BTreeMap;

use blumfeld_kernel::{Disk, DiskOp, FilePath, Outbox};
use blumfeld_protocol::record_batch::batches;

use crate::bug::{Bug, planted};
use crate::{LogSegment, UnifiedLog};

/// What the files of a segment end with that is being written.
pub(crate) const CLEANED: &str = ".cleaned";
/// What the files of a segment end with that replaces others.
pub(crate) const SWAP: &str = ".swap";
/// What the files of a segment end with that waits for its deletion.
const DELETED: &str = ".deleted";

impl UnifiedLog {
    /// Puts a segment in the place of those that begin at `old`, as far as they are still there. Its files are written,
    /// flushed, and named `.cleaned`. Gives the files that wait for their deletion.
    pub(crate) fn replace_segments(
        &mut self,
        out: &mut Outbox<'_>,
        mut new: LogSegment,
        old: &[i64],
    ) -> Vec<FilePath> {
        let base_offset = new.base_offset();
        new.rename_files(out, SWAP);
        let mut files = Vec::new();
        for base in old {
            let Some(segment) = self.segments.remove(base) else { continue };
            files.extend(segment.change_suffix(out, DELETED));
            if *base != base_offset {
                files.extend(self.producers.condemn(out, *base));
            }
        }
        new.rename_files(out, "");
        self.segments.insert(base_offset, new);
        files
    }
}

/// Finishes, before a log is loaded, the replacements that a crash has interrupted, and takes away what was not yet to
/// replace anything. Gives the directory as it is then; `None` if there was nothing to do.
pub(crate) fn finish_replacements(out: &mut Outbox<'_>, disk: &Disk, dir: &str) -> Option<Disk> {
    let prefix = format!("{dir}/");
    let files = || disk.files_below(&prefix);
    let temporary = |path: &str| [CLEANED, SWAP, DELETED].iter().any(|suffix| path.ends_with(suffix));
    if !files().any(|(path, _)| temporary(path)) {
        return None;
    }
    let mut local = Disk::default();
    for (path, file) in files() {
        local.insert(path.clone(), file.clone());
    }
    let offset =
        |path: &str| path[prefix.len()..].split('.').next().and_then(|name| name.parse::<i64>().ok());
    // A segment whose files are in part `.cleaned` and in part `.swap` was not to replace anything yet.
    let unfinished = (files().filter(|(path, _)| path.ends_with(CLEANED)))
        .filter_map(|(path, _)| offset(path))
        .min()
        .unwrap_or(i64::MAX);
    let mut ops = Vec::new();
    let mut swaps: BTreeMap<FilePath, i64> = BTreeMap::new();
    for (path, _) in files().filter(|(path, _)| temporary(path)) {
        match offset(path).filter(|base| path.ends_with(SWAP) && *base < unfinished) {
            Some(base) => drop(swaps.insert(path.clone(), base)),
            None => ops.push(DiskOp::Delete { path: path.clone() }),
        }
    }
    // What lies in their range was read into them, and has not been put out of the way.
    let range = (swaps.iter().filter(|(path, _)| path.ends_with(".log.swap")))
        .map(|(path, base)| {
            let bytes = disk.read(path).unwrap_or_default();
            let last = batches(&bytes).map_while(Result::ok).last();
            (*base, last.map_or(*base, |batch| batch.next_offset()))
        })
        .reduce(|one, two| (one.0.min(two.0), one.1.max(two.1)))
        .filter(|_| !planted(Bug::SwapTakenTwice));
    if let Some((from, to)) = range {
        for (path, _) in files().filter(|(path, _)| !temporary(path)) {
            if offset(path).is_some_and(|base| base >= from && base < to) {
                ops.push(DiskOp::Delete { path: path.clone() });
            }
        }
    }
    for path in swaps.into_keys() {
        if let Some(to) = path.strip_suffix(SWAP) {
            ops.push(DiskOp::Rename { to: to.into(), from: path });
        }
    }
    for op in ops {
        local.apply(&op);
        out.disk(op);
    }
    Some(local)
}
