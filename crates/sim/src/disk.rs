//! A machine's disk in time: operations queue up, flushes take a while, a page cache decides what a read costs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::{Disk, DiskError, DiskOp, File, FilePath, FlushId, Instant, Prng};

use crate::DiskConfig;
use crate::page_cache::{CacheStats, PageCache};

/// A file that changed since changes were last taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskChange {
    /// The file.
    pub path: FilePath,
    /// The first byte that may differ; 0 for a file that is new, was replaced, or is gone.
    pub from: u64,
}

/// What was done to a disk on purpose.
#[derive(Clone, Debug)]
pub(crate) struct DiskFault {
    /// What operations fail with.
    pub error: DiskError,
    /// So many operations still fail; `None` is all.
    pub left: Option<u32>,
}

/// A disk with its page cache and the operations under way.
#[derive(Clone, Debug)]
pub struct MachineDisk {
    disk: Disk,
    config: DiskConfig,
    busy_until: Instant,
    /// Flushes under way, with the length of each file when they began; other operations that are reported, with none.
    flushing: BTreeMap<FlushId, Vec<(FilePath, u64)>>,
    /// Replacements under way, with what stood there before: a power cut leaves that.
    replacing: Vec<(FlushId, FilePath, Option<File>)>,
    /// Operations that are not done: what is held back waits for these.
    pending: BTreeSet<FlushId>,
    cache: PageCache,
    /// Since when each file has had dirty bytes.
    dirty_since: BTreeMap<FilePath, Instant>,
    changes: BTreeMap<FilePath, u64>,
    /// Why the storage outside takes nothing.
    error: Option<DiskError>,
    fault: Option<DiskFault>,
    /// So many times as long as by its configuration everything takes.
    slow: u32,
}

impl MachineDisk {
    /// A disk that goes on with these files: what an earlier life left dirty is still to be written back.
    pub(crate) fn new(disk: Disk, config: DiskConfig) -> MachineDisk {
        let dirty = disk.files().filter(|(_, file)| file.durable() < file.len());
        let dirty_since =
            dirty.map(|(path, file)| (path.clone(), file.dirty_since().unwrap_or(Instant::ZERO))).collect();
        MachineDisk {
            disk,
            config,
            busy_until: Instant::ZERO,
            flushing: BTreeMap::new(),
            replacing: Vec::new(),
            pending: BTreeSet::new(),
            cache: PageCache::new(config.cache_size),
            dirty_since,
            changes: BTreeMap::new(),
            error: None,
            fault: None,
            slow: 1,
        }
    }

    /// The files.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Why the storage outside takes nothing, if it does not.
    pub fn error(&self) -> Option<&DiskError> {
        self.error.as_ref()
    }

    /// Why every operation fails, for whichever reason.
    pub fn failure(&self) -> Option<&DiskError> {
        let fault = self.fault.as_ref().filter(|fault| fault.left.is_none()).map(|fault| &fault.error);
        fault.or(self.error.as_ref())
    }

    pub(crate) fn fault(&self) -> Option<&DiskFault> {
        self.fault.as_ref()
    }

    pub(crate) fn set_fault(&mut self, fault: Option<DiskFault>) {
        self.fault = fault;
    }

    pub(crate) fn slow(&self) -> u32 {
        self.slow
    }

    pub(crate) fn set_slow(&mut self, factor: u32) {
        self.slow = factor.max(1);
    }

    pub(crate) fn set_error(&mut self, error: Option<DiskError>) {
        self.error = error;
    }

    /// Begins an operation; gives when it is done, or `None` if it already is.
    pub(crate) fn begin(&mut self, now: Instant, id: FlushId, op: &DiskOp) -> Option<Instant> {
        match op {
            DiskOp::Flush { files } => {
                let lens: Vec<(FilePath, u64)> = files
                    .iter()
                    .filter_map(|path| Some((path.clone(), self.disk.file(path)?.len())))
                    .collect();
                let dirty: u64 = (lens.iter())
                    .map(|(path, len)| len - self.disk.file(path).map_or(0, File::durable).min(*len))
                    .sum();
                self.flushing.insert(id, lens);
                Some(self.queue(now, id, self.config.flush_latency, dirty))
            }
            DiskOp::Read { file, from, len } => {
                let end = self.disk.file(file).map_or(0, File::len);
                let cold = self.cache.read(file, *from, *len, end);
                (cold > 0).then(|| self.queue(now, id, self.config.read_latency, cold))
            }
            DiskOp::Append { file, bytes } => {
                let from = self.disk.file(file).map_or(0, File::len);
                self.change(file, from);
                self.disk.apply(op);
                if !bytes.is_empty() {
                    let written = self.disk.file_mut(file);
                    if written.dirty_since().is_none() {
                        written.set_dirty_since(now);
                        self.dirty_since.insert(file.clone(), now);
                    }
                    self.cache.written(file, from, bytes.len() as u64);
                }
                None
            }
            DiskOp::Replace { file, bytes } => {
                self.change(file, 0);
                self.replacing.push((id, file.clone(), self.disk.file(file).cloned()));
                self.flushing.insert(id, Vec::new());
                self.disk.apply(op);
                Some(self.queue(now, id, self.config.flush_latency, bytes.len() as u64))
            }
            DiskOp::Truncate { file, len } => {
                self.change(file, *len);
                self.cache.forget(file, *len);
                self.flushing.insert(id, Vec::new());
                self.disk.apply(op);
                Some(self.queue(now, id, self.config.flush_latency, 0))
            }
            DiskOp::Rename { from, to } => {
                let moved = self.change_below(from);
                self.disk.apply(op);
                for file in self.change_below(to) {
                    self.note_dirty(&file);
                }
                for file in moved {
                    self.cache.rename(&file, &format!("{to}{}", &file[from.len()..]).into());
                }
                None
            }
            DiskOp::Delete { path } => {
                for file in self.change_below(path) {
                    self.cache.forget(&file, 0);
                }
                self.disk.apply(op);
                None
            }
        }
    }

    /// One device does one thing after the other.
    fn queue(&mut self, now: Instant, id: FlushId, latency: Duration, bytes: u64) -> Instant {
        let transfer =
            Duration::from_micros(bytes.saturating_mul(1_000_000) / self.config.bytes_per_second.max(1));
        self.busy_until = self.busy_until.max(now) + (latency + transfer).saturating_mul(self.slow);
        self.pending.insert(id);
        self.busy_until
    }

    fn change(&mut self, path: &FilePath, from: u64) {
        let have = self.changes.entry(path.clone()).or_insert(from);
        *have = (*have).min(from);
    }

    /// Keeps in mind when the operating system is to write a file back: dirty bytes stay dirty where the file is
    /// renamed.
    fn note_dirty(&mut self, path: &FilePath) {
        if let Some(since) = self.disk.file(path).and_then(File::dirty_since) {
            self.dirty_since.insert(path.clone(), since);
        }
    }

    /// Every file there counts as changed, and as one that is not there any more. Gives them.
    fn change_below(&mut self, path: &str) -> Vec<FilePath> {
        let prefix = format!("{path}/");
        let files: Vec<FilePath> = (self.disk.files_below(path))
            .map(|(file, _)| file.clone())
            .filter(|file| &**file == path || file.starts_with(&prefix))
            .collect();
        for file in &files {
            self.change(file, 0);
            self.dirty_since.remove(file);
        }
        files
    }

    /// Bytes of a file in the page cache.
    pub fn cached_bytes_of(&self, file: &str) -> u64 {
        self.cache.bytes_of(file, self.disk.file(file).map_or(0, File::len))
    }

    /// Bytes in the page cache, in whole blocks.
    pub fn cached_bytes(&self) -> u64 {
        self.cache.bytes()
    }

    /// Size of the page cache, in bytes.
    pub fn cache_size(&self) -> u64 {
        self.cache.size()
    }

    /// What reads found in the page cache.
    pub fn cache_stats(&self) -> CacheStats {
        self.cache.stats()
    }

    /// The size of the page cache, if it is not the configured one.
    pub(crate) fn changed_cache_size(&self) -> Option<u64> {
        Some(self.cache.size()).filter(|size| *size != self.config.cache_size)
    }

    /// Gives the page cache another size, or with `None` the configured one.
    pub(crate) fn set_cache_size(&mut self, size: Option<u64>) {
        self.cache.set_size(size.unwrap_or(self.config.cache_size));
    }

    /// Empties the page cache of what is on the device.
    pub(crate) fn drop_cache(&mut self) {
        self.cache.drop_clean(|file| {
            let dirty = self.disk.file(file).filter(|file| file.durable() < file.len());
            dirty.map_or(u64::MAX, File::durable)
        });
    }

    /// Bytes that are not durable yet.
    pub fn dirty_bytes(&self) -> u64 {
        (self.dirty_since.keys())
            .filter_map(|path| self.disk.file(path))
            .map(|file| file.len() - file.durable())
            .sum()
    }

    /// Whether an operation is still under way.
    pub(crate) fn is_pending(&self, id: FlushId) -> bool {
        self.pending.contains(&id)
    }

    /// An operation is done. Gives whether it is one whose end the node is told, and how it went.
    pub(crate) fn finish(&mut self, id: FlushId) -> Option<Result<(), DiskError>> {
        if !self.pending.remove(&id) {
            return None;
        }
        let lens = self.flushing.remove(&id);
        self.replacing.retain(|(replacing, ..)| *replacing != id);
        if let Some(fault) = &mut self.fault {
            let error = fault.error.clone();
            if let Some(left) = &mut fault.left {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.fault = None;
                }
            }
            return Some(Err(error));
        }
        if let Some(error) = &self.error {
            return Some(Err(error.clone()));
        }
        for (path, len) in lens? {
            self.make_durable(&path, len);
        }
        Some(Ok(()))
    }

    fn make_durable(&mut self, path: &FilePath, len: u64) {
        // A file that is gone by now needs no durability.
        if self.disk.file(path).is_none() {
            return;
        }
        let file = self.disk.file_mut(path);
        let end = file.len();
        file.make_durable(len);
        if file.durable() == end {
            self.dirty_since.remove(path);
        }
        self.change(path, end);
    }

    /// When the operating system next has something to write back.
    pub(crate) fn next_writeback(&self) -> Option<Instant> {
        self.dirty_since.values().min().map(|since| *since + self.config.writeback_after)
    }

    /// Writes back what has been dirty for too long.
    pub(crate) fn write_back(&mut self, now: Instant) {
        let old: Vec<FilePath> = (self.dirty_since.iter())
            .filter(|(_, since)| **since + self.config.writeback_after <= now)
            .map(|(path, _)| path.clone())
            .collect();
        for path in old {
            self.make_durable(&path, u64::MAX);
        }
    }

    /// Everything is made durable at once, as by `sync`.
    pub(crate) fn sync(&mut self) {
        let dirty: Vec<FilePath> = self.dirty_since.keys().cloned().collect();
        for path in dirty {
            self.make_durable(&path, u64::MAX);
        }
    }

    /// The power goes. What was not flushed is lost; of some files the device had written a part, of which the last
    /// sector may be empty.
    pub(crate) fn power_cut(&mut self, rng: &mut Prng) {
        let before: Vec<FilePath> = self.disk.files().map(|(path, _)| path.clone()).collect();
        for (_, path, old) in std::mem::take(&mut self.replacing).into_iter().rev() {
            match old {
                Some(old) => self.disk.insert(path.clone(), old),
                None => self.disk.delete(&path),
            }
            self.change(&path, 0);
        }
        let dirty: Vec<FilePath> = self.dirty_since.keys().cloned().collect();
        for path in &dirty {
            let file = self.disk.file_mut(path);
            let (len, durable) = (file.len(), file.durable());
            if len > durable && rng.chance(1, 2) {
                let kept = durable + rng.below(len - durable + 1);
                file.truncate(kept);
                if kept > durable && rng.chance(1, 2) {
                    file.zero_tail(1 + rng.below((kept - durable).min(512)));
                }
                if kept > durable {
                    file.make_durable(kept);
                }
            }
        }
        self.disk.power_cut();
        for path in before {
            self.change(&path, 0);
        }
        self.busy_until = Instant::ZERO;
        self.flushing.clear();
        self.pending.clear();
        self.cache.clear();
        self.dirty_since.clear();
    }

    /// The files that changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<DiskChange> {
        std::mem::take(&mut self.changes).into_iter().map(|(path, from)| DiskChange { path, from }).collect()
    }

    /// The store has what another disk holds, but for that one's changes: what is otherwise here has changed.
    pub(crate) fn take_the_place_of(&mut self, other: Option<&MachineDisk>) {
        self.changes.clear();
        let none = Disk::default();
        let stored = other.map_or(&none, |other| &other.disk);
        let mut changes: Vec<(FilePath, u64)> = Vec::new();
        for (path, file) in self.disk.files() {
            let from = stored.file(path).map_or(0, |old| file.shared_with(old, 0, file.len().min(old.len())));
            if stored.file(path) != Some(file) {
                changes.push((path.clone(), from));
            }
        }
        let gone = stored.files().filter(|(path, _)| self.disk.file(path).is_none());
        changes.extend(gone.map(|(path, _)| (path.clone(), 0)));
        changes.extend(other.into_iter().flat_map(|other| other.changes.clone()));
        for (path, from) in changes {
            self.change(&path, from);
        }
    }

    /// The files that the store has of it, or may have.
    pub(crate) fn stored_paths(&self) -> Vec<FilePath> {
        let now = self.disk.files().map(|(path, _)| path.clone());
        now.chain(self.changes.keys().cloned()).collect()
    }

    /// Whether anything changed since changes were last taken.
    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Changes that could not be stored count again.
    pub(crate) fn put_back_changes(&mut self, changes: &[DiskChange]) {
        for change in changes {
            self.change(&change.path, change.from);
        }
    }
}
