//! The mirror of all disks in a store of values under keys.
//!
//! The disks change by appends: every record makes eighteen files of a cluster grow a little, where three brokers hold
//! six partitions. Browsers' storage is the opposite: a value costs the same, be it short or long, and cannot be added
//! to. So a commit does not write files. It writes one value, an *extent*, with all bytes that are new since the last
//! commit, and in the same transaction a manifest that says of every file in which stretches of which extents its bytes
//! are. What is read back is always the disks as they were at one moment.
//!
//! Three things follow. Replicas hold the same bytes at the same places: what one has stored the others refer to.
//! Extents become many and small where little is written: eight of about one size are merged into one, so that a byte
//! is written again once for each eightfold growth, and never again once its extent has [`LARGE`] bytes. And bytes that
//! no file refers to stay in their extents: one without any live byte is deleted at once, one that is more than half
//! dead is rewritten.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use blumfeld_kernel::{Disk, File, FilePath};
use bytes::{Bytes, BytesMut};

use crate::manifest::{Entry, Manifest, Meta, Stretch};
use crate::port::{Batch, ManifestText, Port, StoreError};

/// An extent that has so many bytes is not merged with others. One commit cuts what it has to write into extents that
/// are not much larger than four times this.
pub const LARGE: u64 = 1024 * 1024;
/// So many extents of about one size are merged.
const MERGED: usize = 8;
/// Dead bytes are looked for with each commit of so many.
const SWEEP: u64 = 32;

/// What was read back.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// What the cluster is besides its disks; `None` for one that is new.
    pub meta: Option<Meta>,
    /// The disks by node id.
    pub disks: BTreeMap<i32, Disk>,
    /// Files of which bytes were missing, cut there.
    pub damaged: Vec<String>,
    /// The values of the time line's branches, by key; one that is missing is not there.
    pub past: BTreeMap<String, Bytes>,
}

/// A commit that was put together and not yet done.
#[derive(Clone, Debug)]
pub struct PreparedCommit {
    /// What to write.
    pub batch: Batch,
    manifest: Rc<Manifest>,
    extents: BTreeMap<u64, u64>,
    next: u64,
    bytes: u64,
}

impl PreparedCommit {
    /// Bytes of its extents and values.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes a value of the time line too, under a key that the past in the meta data names.
    pub fn put(&mut self, key: String, value: Bytes) {
        self.bytes += value.len() as u64;
        self.batch.puts.push((key, value));
    }
}

/// The mirror of all disks in one store.
#[derive(Clone, Debug)]
pub struct Mirror<P> {
    port: P,
    epoch: u64,
    manifest: Rc<Manifest>,
    /// The extents that are stored, with their lengths in bytes.
    extents: BTreeMap<u64, u64>,
    /// The next extent's number.
    next: u64,
    commits: u64,
}

impl<P: Port> Mirror<P> {
    /// Claims the store and reads everything back; `progress` is told bytes read and bytes in all.
    pub async fn open(
        port: P,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(Mirror<P>, Loaded), StoreError> {
        let epoch = port.claim().await?;
        let Some(text) = port.manifest().await? else {
            return Ok((Mirror::fresh(port, epoch), Loaded::default()));
        };
        let mut manifest = Manifest::from_json(&text)?;
        let mut loaded = Loaded { meta: Some(manifest.meta.clone()), ..Loaded::default() };
        let wanted: BTreeSet<u64> = stretches(&manifest).map(|stretch| stretch.extent).collect();
        let (mut have, mut done) = (BTreeMap::new(), 0);
        // How long an extent is, the manifest says only as far as files refer to it.
        let total = stretches(&manifest).fold(BTreeMap::new(), |mut ends: BTreeMap<u64, u64>, stretch| {
            let end = ends.entry(stretch.extent).or_default();
            *end = (*end).max(stretch.from.saturating_add(stretch.len));
            ends
        });
        let all = total.values().sum();
        for extent in &wanted {
            let value = port.read(&[key(*extent)]).await?.pop().flatten();
            have.extend(value.map(|bytes| (*extent, bytes)));
            done += total.get(extent).copied().unwrap_or(0);
            progress(done, all);
        }
        let keys: Vec<String> = manifest.meta.past.values().into_keys().map(ToOwned::to_owned).collect();
        let values = if keys.is_empty() { Vec::new() } else { port.read(&keys).await? };
        loaded.past = keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect();
        // Replicas that are stored once are in memory once.
        let mut shared: BTreeMap<Vec<Stretch>, Bytes> = BTreeMap::new();
        for (node, files) in &mut manifest.files {
            let disk = loaded.disks.entry(*node).or_default();
            for (path, entry) in files.iter_mut() {
                let bytes = match shared.get(&entry.stretches) {
                    Some(bytes) => bytes.clone(),
                    None => join(&entry.stretches, &have),
                };
                let (len, want) = (bytes.len() as u64, entry.len());
                if len == want {
                    shared.insert(entry.stretches.clone(), bytes.clone());
                } else {
                    loaded.damaged.push(format!("{path}: {len} of {want} bytes are there"));
                    let mut cut = Entry { durable: entry.durable.min(len), ..Entry::default() };
                    cut.dirty_since = entry.dirty_since;
                    entry.slice(0, len).for_each(|stretch| cut.push(stretch));
                    *entry = Rc::new(cut);
                }
                let mut file = File::new(bytes, entry.durable);
                if let Some(since) = entry.dirty_since {
                    file.set_dirty_since(since);
                }
                disk.insert(path.clone(), file);
            }
        }
        let extents: BTreeMap<u64, u64> =
            have.iter().map(|(extent, bytes)| (*extent, bytes.len() as u64)).collect();
        let next = wanted.last().map_or(0, |last| last.saturating_add(1));
        Ok((Mirror { port, epoch, manifest: Rc::new(manifest), extents, next, commits: 0 }, loaded))
    }

    fn fresh(port: P, epoch: u64) -> Mirror<P> {
        let manifest = Rc::new(Manifest { began: epoch, ..Manifest::default() });
        Mirror { port, epoch, manifest, extents: BTreeMap::new(), next: 0, commits: 0 }
    }

    /// Which life of the cluster this is: 0 at its beginning, and after that a number that no earlier opening of the
    /// store had, whatever of that opening was committed.
    pub fn boot(&self) -> u64 {
        self.epoch.saturating_sub(self.manifest.began)
    }

    /// Puts together what brings the store to the state of the disks. `changes` names files with the first byte that
    /// may differ; `file` gives a file as it is now, `None` if it is gone.
    pub fn prepare<'a>(
        &self,
        meta: Meta,
        changes: impl IntoIterator<Item = (i32, &'a FilePath, u64)>,
        file: impl Fn(i32, &str) -> Option<&'a File>,
        durable: bool,
    ) -> PreparedCommit {
        let mut manifest = Manifest { meta, ..(*self.manifest).clone() };
        let mut writer = Writer::new(self.next);
        let mut changed: BTreeMap<(i32, FilePath), u64> = BTreeMap::new();
        for (node, path, from) in changes {
            let first = changed.entry((node, path.clone())).or_insert(from);
            *first = (*first).min(from);
        }
        while let Some(((node, path), from)) = changed.pop_first() {
            let Some(now) = file(node, &path) else {
                if let Some(files) = manifest.files.get_mut(&node) {
                    files.remove(&path);
                }
                continue;
            };
            let mut entry =
                Entry { durable: now.durable(), dirty_since: now.dirty_since(), ..Entry::default() };
            // What was stored beyond `from` is old.
            let before = manifest.files.get(&node).and_then(|files| files.get(&path));
            let kept = before.map_or(0, |before| before.len().min(from).min(now.len()));
            before.into_iter().flat_map(|before| before.slice(0, kept)).for_each(|one| entry.push(one));
            let at = refer(&manifest, &changed, &file, (node, &path, now), kept, &mut entry);
            writer.append(now, at, now.len(), &mut entry);
            manifest.files.entry(node).or_default().insert(path, Rc::new(entry));
        }
        self.compact(&mut manifest, &mut writer, &file);
        let (puts, next) = writer.finish();
        let mut extents = self.extents.clone();
        extents.extend(puts.iter().map(|(extent, bytes)| (*extent, bytes.len() as u64)));
        let mut live: Vec<u64> = stretches(&manifest).map(|stretch| stretch.extent).collect();
        live.sort_unstable();
        let dead: Vec<u64> = extents
            .extract_if(.., |extent, _| live.binary_search(extent).is_err())
            .map(|(extent, _)| extent)
            .collect();
        // Values of branches that are gone go too.
        let needed = manifest.meta.past.values();
        let had = self.manifest.meta.past.values().into_keys();
        let given_up: Vec<String> =
            had.filter(|key| !needed.contains_key(key)).map(ToOwned::to_owned).collect();
        drop(needed);
        let manifest = Rc::new(manifest);
        let bytes = puts.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        let batch = Batch {
            puts: puts.into_iter().map(|(extent, bytes)| (key(extent), bytes)).collect(),
            deletes: (dead.into_iter().filter(|extent| *extent < self.next).map(key))
                .chain(given_up)
                .collect(),
            manifest: ManifestText::of(&manifest),
            durable,
        };
        PreparedCommit { batch, manifest, extents, next, bytes }
    }

    /// Writes again what lies in many small extents, or among bytes that nothing refers to.
    fn compact<'a>(
        &self,
        manifest: &mut Manifest,
        writer: &mut Writer,
        file: &impl Fn(i32, &str) -> Option<&'a File>,
    ) {
        let mut moving = self.small();
        if self.commits % SWEEP == SWEEP - 1 {
            moving.extend(self.half_dead(manifest));
        }
        if moving.is_empty() {
            return;
        }
        let mut moved: BTreeMap<Stretch, Entry> = BTreeMap::new();
        for (node, files) in &mut manifest.files {
            for (path, entry) in files.iter_mut() {
                if !entry.stretches.iter().any(|stretch| moving.contains(&stretch.extent)) {
                    continue;
                }
                let Some(bytes) = file(*node, path) else { continue };
                let mut new =
                    Entry { durable: entry.durable, dirty_since: entry.dirty_since, ..Entry::default() };
                let mut at = 0;
                for stretch in &entry.stretches {
                    let end = at + stretch.len;
                    if !moving.contains(&stretch.extent) {
                        new.push(*stretch);
                    } else {
                        let to = moved.entry(*stretch).or_insert_with(|| {
                            let mut to = Entry::default();
                            writer.append(bytes, at, end, &mut to);
                            to
                        });
                        to.stretches.iter().for_each(|stretch| new.push(*stretch));
                    }
                    at = end;
                }
                *entry = Rc::new(new);
            }
        }
    }

    /// Enough extents of about one size to be merged.
    fn small(&self) -> BTreeSet<u64> {
        let mut of_size: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
        for (extent, len) in self.extents.iter().filter(|(_, len)| **len < LARGE) {
            of_size.entry(len.max(&64).ilog2() / 3).or_default().insert(*extent);
        }
        of_size.into_values().find(|extents| extents.len() >= MERGED).unwrap_or_default()
    }

    /// Extents of which files refer to less than half, as many as one commit can well write again.
    fn half_dead(&self, manifest: &Manifest) -> BTreeSet<u64> {
        let mut all: Vec<Stretch> = stretches(manifest).copied().collect();
        all.sort_unstable();
        let mut live: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for stretch in all {
            let (end, bytes) = live.entry(stretch.extent).or_default();
            let to = stretch.from + stretch.len;
            *bytes += to.saturating_sub(stretch.from.max(*end));
            *end = (*end).max(to);
        }
        let mut room = 4 * LARGE;
        (live.into_iter())
            .filter(|(extent, (_, bytes))| self.extents.get(extent).is_some_and(|len| bytes * 2 < *len))
            .take_while(|(_, (_, bytes))| {
                let fits = room >= *bytes;
                room = room.saturating_sub(*bytes);
                fits
            })
            .map(|(extent, _)| extent)
            .collect()
    }

    /// Does a commit. Where it fails nothing has changed, and its changes have to be prepared again.
    pub async fn commit(&mut self, prepared: PreparedCommit) -> Result<(), StoreError> {
        self.port.commit(self.epoch, prepared.batch).await?;
        self.manifest = prepared.manifest;
        self.extents = prepared.extents;
        self.next = prepared.next;
        self.commits += 1;
        Ok(())
    }

    /// Deletes everything that is stored: what follows is another cluster.
    pub async fn clear(&mut self) -> Result<(), StoreError> {
        self.port.clear(self.epoch).await?;
        (self.manifest, self.extents) =
            (Rc::new(Manifest { began: self.epoch, ..Manifest::default() }), BTreeMap::new());
        Ok(())
    }

    /// Bytes that are stored of all files and of the time line. What replicas share is counted once.
    pub fn stored_bytes(&self) -> u64 {
        self.extents.values().sum::<u64>() + self.manifest.meta.past.values().values().sum::<u64>()
    }
}

fn stretches(manifest: &Manifest) -> impl Iterator<Item = &Stretch> {
    manifest.files.values().flat_map(BTreeMap::values).flat_map(|entry| &entry.stretches)
}

/// Lets a file refer to what other nodes have stored of the same file, from `at` on. Gives up to where.
fn refer<'a>(
    manifest: &Manifest,
    changed: &BTreeMap<(i32, FilePath), u64>,
    file: &impl Fn(i32, &str) -> Option<&'a File>,
    (node, path, now): (i32, &FilePath, &File),
    mut at: u64,
    entry: &mut Entry,
) -> u64 {
    for (other, files) in &manifest.files {
        let twin = files.get(path).filter(|_| *other != node);
        let (Some(twin), Some(theirs)) = (twin, file(*other, path)) else { continue };
        // Of one that changed, and whose turn has not come, only what lies before its change is stored as it is now.
        let first = changed.get(&(*other, path.clone())).copied().unwrap_or(u64::MAX);
        let same = now.shared_with(theirs, at, twin.len().min(first));
        twin.slice(at, at + same).for_each(|stretch| entry.push(stretch));
        at += same;
    }
    at
}

/// `0000002a`
fn key(extent: u64) -> String {
    format!("{extent:08x}")
}

/// New extents.
struct Writer {
    next: u64,
    open: BytesMut,
    done: Vec<(u64, Bytes)>,
}

impl Writer {
    fn new(next: u64) -> Writer {
        Writer { next, open: BytesMut::new(), done: Vec::new() }
    }

    /// Writes the bytes of a file from `from` up to `to` and notes where they are.
    fn append(&mut self, file: &File, from: u64, to: u64, entry: &mut Entry) {
        for piece in file.pieces(from, to) {
            entry.push(Stretch { extent: self.next, from: self.open.len() as u64, len: piece.len() as u64 });
            self.open.extend_from_slice(&piece);
            if self.open.len() as u64 >= 4 * LARGE {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.done.push((self.next, self.open.split().freeze()));
        self.next += 1;
    }

    fn finish(mut self) -> (Vec<(u64, Bytes)>, u64) {
        if !self.open.is_empty() {
            self.close();
        }
        (self.done, self.next)
    }
}

/// Puts a file together, up to the first byte that is missing.
fn join(stretches: &[Stretch], extents: &BTreeMap<u64, Bytes>) -> Bytes {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let part = |stretch: &Stretch| {
        let extent = extents.get(&stretch.extent)?;
        let from = place(stretch.from).min(extent.len());
        Some(extent.slice(from..place(stretch.from.saturating_add(stretch.len)).clamp(from, extent.len())))
    };
    // A file that is one whole extent needs no copy. One that is a part of it would hold the whole in memory.
    if let [only] = stretches
        && let Some(whole) = part(only)
        && extents.get(&only.extent).is_some_and(|extent| extent.len() == whole.len())
    {
        return whole;
    }
    let mut bytes = BytesMut::new();
    for stretch in stretches {
        let part = part(stretch).unwrap_or_default();
        bytes.extend_from_slice(&part);
        if (part.len() as u64) < stretch.len {
            break;
        }
    }
    bytes.freeze()
}

#[cfg(test)]
#[path = "mirror_tests.rs"]
mod tests;
