//! Files as chunks under keys, and the manifest over them.

use std::collections::BTreeMap;

use barnabas_kernel::{Disk, File, FilePath};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::port::{Batch, Port, StoreError};

/// Bytes of a chunk. An append rewrites the last chunk of its file, so they are kept well below the megabyte that
/// IndexedDB takes easily.
pub const CHUNK_SIZE: u64 = 256 * 1024;

/// The format of the manifest.
const VERSION: u32 = 1;

/// What a cluster is besides its disks.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Seed of the world.
    pub seed: u64,
    /// Virtual time of the commit, in microseconds.
    pub now: u64,
    /// Which brokers it has.
    #[serde(default)]
    pub members: Option<Members>,
}

/// Which brokers a cluster has.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Members {
    /// How many it began with: which of them are controllers follows from that.
    pub began_with: i32,
    /// The racks, where they have one, of those that are there now, by `node.id`.
    pub racks: BTreeMap<i32, Option<String>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    meta: Meta,
    files: BTreeMap<i32, BTreeMap<String, Entry>>,
}

/// Length and durable length of a file, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry(u64, u64);

impl Entry {
    fn chunks(self) -> u64 {
        self.0.div_ceil(CHUNK_SIZE)
    }
}

/// What was read back.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// What the cluster is besides its disks; `None` for one that is new.
    pub meta: Option<Meta>,
    /// The disks by node id.
    pub disks: BTreeMap<i32, Disk>,
    /// Files of which a chunk was missing, cut there.
    pub damaged: Vec<String>,
}

/// A commit that was put together and not yet done.
#[derive(Clone, Debug)]
pub struct PreparedCommit {
    /// What to write.
    pub batch: Batch,
    manifest: Manifest,
    bytes: u64,
}

impl PreparedCommit {
    /// Bytes of its chunks.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The mirror of all disks in one store.
#[derive(Clone, Debug)]
pub struct Mirror<P> {
    port: P,
    epoch: u64,
    manifest: Manifest,
}

impl<P: Port> Mirror<P> {
    /// Claims the store and reads everything back; `progress` is told bytes read and bytes in all.
    pub async fn open(
        port: P,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(Mirror<P>, Loaded), StoreError> {
        let epoch = port.claim().await?;
        let Some(text) = port.manifest().await? else {
            return Ok((
                Mirror { port, epoch, manifest: Manifest { version: VERSION, ..Manifest::default() } },
                Loaded::default(),
            ));
        };
        let mut manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| StoreError::Damaged(error.to_string()))?;
        if manifest.version != VERSION {
            let what = format!("its manifest is of version {}, this page reads {VERSION}", manifest.version);
            return Err(StoreError::Damaged(what));
        }
        let total = manifest.files.values().flat_map(BTreeMap::values).map(|entry| entry.0).sum();
        let (mut done, mut loaded) = (0, Loaded { meta: Some(manifest.meta.clone()), ..Loaded::default() });
        for (node, files) in &mut manifest.files {
            let disk = loaded.disks.entry(*node).or_default();
            for (path, entry) in files.iter_mut() {
                let keys: Vec<String> = (0..entry.chunks()).map(|chunk| key(*node, path, chunk)).collect();
                let (bytes, whole) = join(port.read(&keys).await?, entry.0);
                if !whole {
                    loaded.damaged.push(format!("{path}: {} of {} bytes are there", bytes.len(), entry.0));
                    *entry = Entry(bytes.len() as u64, entry.1.min(bytes.len() as u64));
                }
                done += entry.0;
                disk.insert(path.as_str().into(), File::new(bytes, entry.1));
                progress(done, total);
            }
        }
        Ok((Mirror { port, epoch, manifest }, loaded))
    }

    /// Puts together what brings the store to the state of the disks. `changes` names files with the first byte that may
    /// differ; `file` gives a file as it is now, `None` if it is gone.
    pub fn prepare<'a>(
        &self,
        meta: Meta,
        changes: impl IntoIterator<Item = (i32, &'a FilePath, u64)>,
        file: impl Fn(i32, &str) -> Option<&'a File>,
        durable: bool,
    ) -> PreparedCommit {
        let mut manifest = Manifest { meta, ..self.manifest.clone() };
        let mut batch = Batch { durable, ..Batch::default() };
        let mut bytes = 0;
        for (node, path, from) in changes {
            let files = manifest.files.entry(node).or_default();
            let before = files.get(&**path).copied().unwrap_or_default();
            let after = match file(node, path) {
                Some(file) => {
                    let entry = Entry(file.len(), file.durable());
                    // What was stored beyond `from` is old; a file that grew from there keeps its earlier chunks.
                    let mut chunk = from.min(before.0) / CHUNK_SIZE;
                    let grew = entry.0 != before.0 || from < entry.0;
                    while grew && chunk < entry.chunks() {
                        let piece = file.read(chunk * CHUNK_SIZE, CHUNK_SIZE);
                        bytes += piece.len() as u64;
                        batch.puts.push((key(node, path, chunk), piece));
                        chunk += 1;
                    }
                    files.insert(path.to_string(), entry);
                    entry
                }
                None => {
                    files.remove(&**path);
                    Entry::default()
                }
            };
            batch.deletes.extend((after.chunks()..before.chunks()).map(|chunk| key(node, path, chunk)));
        }
        // Only maps with text keys and numbers: they can always be written.
        batch.manifest = serde_json::to_vec(&manifest).unwrap_or_default().into();
        PreparedCommit { batch, manifest, bytes }
    }

    /// Does a commit. Where it fails nothing has changed, and its changes have to be prepared again.
    pub async fn commit(&mut self, prepared: PreparedCommit) -> Result<(), StoreError> {
        self.port.commit(self.epoch, prepared.batch).await?;
        self.manifest = prepared.manifest;
        Ok(())
    }

    /// Deletes everything that is stored.
    pub async fn clear(&mut self) -> Result<(), StoreError> {
        self.port.clear(self.epoch).await?;
        self.manifest = Manifest { version: VERSION, ..Manifest::default() };
        Ok(())
    }

    /// Bytes of all files that are stored.
    pub fn stored_bytes(&self) -> u64 {
        self.manifest.files.values().flat_map(BTreeMap::values).map(|entry| entry.0).sum()
    }
}

/// `1/orders-0/00000000000000000000.log#00000003`
fn key(node: i32, path: &str, chunk: u64) -> String {
    format!("{node}/{path}#{chunk:08}")
}

/// Puts a file together; false if a chunk is missing or of another length than it should be.
fn join(chunks: Vec<Option<Bytes>>, len: u64) -> (Bytes, bool) {
    if let [Some(one)] = &chunks[..]
        && one.len() as u64 == len
    {
        return (one.clone(), true);
    }
    let mut bytes = BytesMut::new();
    for chunk in chunks {
        let Some(chunk) = chunk else { return (bytes.freeze(), false) };
        let room = len - bytes.len() as u64;
        let short = (chunk.len() as u64) < room.min(CHUNK_SIZE);
        bytes.extend_from_slice(&chunk[..chunk.len().min(usize::try_from(room).unwrap_or(usize::MAX))]);
        if short {
            return (bytes.freeze(), false);
        }
    }
    let whole = bytes.len() as u64 == len;
    (bytes.freeze(), whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;
    use futures_executor::block_on;

    fn open(memory: &Memory) -> (Mirror<Memory>, Loaded) {
        block_on(Mirror::open(memory.clone(), |_, _| {})).unwrap()
    }

    /// Commits every file of `disk` that `changes` names.
    fn commit(
        mirror: &mut Mirror<Memory>,
        disk: &Disk,
        changes: &[(&str, u64)],
    ) -> Result<usize, StoreError> {
        let paths: Vec<(FilePath, u64)> =
            changes.iter().map(|(path, from)| ((*path).into(), *from)).collect();
        let changes = paths.iter().map(|(path, from)| (1, path, *from));
        let prepared = mirror.prepare(
            Meta { seed: 3, now: 4, members: None },
            changes,
            |_, path| disk.file(path),
            false,
        );
        let puts = prepared.batch.puts.len();
        block_on(mirror.commit(prepared)).map(|()| puts)
    }

    fn bytes(len: u64, fill: u8) -> Bytes {
        vec![fill; usize::try_from(len).unwrap()].into()
    }

    #[test]
    fn only_changed_chunks_are_written_and_everything_comes_back() {
        let memory = Memory::new();
        let (mut mirror, loaded) = open(&memory);
        assert_eq!(loaded.meta, None);
        let mut disk = Disk::default();
        let log: FilePath = "t-0/0.log".into();
        disk.insert(log.clone(), File::new(bytes(CHUNK_SIZE * 2 + 10, 1), 5));
        disk.insert("empty".into(), File::new(Bytes::new(), 0));
        assert_eq!(commit(&mut mirror, &disk, &[("t-0/0.log", 0), ("empty", 0)]), Ok(3));
        let from = disk.file(&log).unwrap().len();
        disk.file_mut(&log).append(bytes(CHUNK_SIZE, 2));
        assert_eq!(
            commit(&mut mirror, &disk, &[("t-0/0.log", from)]),
            Ok(2),
            "the last chunk and the new one"
        );
        disk.file_mut(&log).make_durable(CHUNK_SIZE);
        let end = disk.file(&log).unwrap().len();
        assert_eq!(
            commit(&mut mirror, &disk, &[("t-0/0.log", end)]),
            Ok(0),
            "durability is in the manifest alone"
        );

        let (_, loaded) = open(&memory);
        assert_eq!((loaded.meta, loaded.damaged.len()), (Some(Meta { seed: 3, now: 4, members: None }), 0));
        let back = &loaded.disks[&1];
        assert_eq!(back.read("t-0/0.log"), disk.read("t-0/0.log"));
        assert_eq!(back.file(&log).unwrap().durable(), CHUNK_SIZE);
        assert!(back.file("empty").unwrap().is_empty());
    }

    #[test]
    fn what_shrinks_or_goes_leaves_no_chunks() {
        let memory = Memory::new();
        let (mut mirror, _) = open(&memory);
        let mut disk = Disk::default();
        let log: FilePath = "t-0/0.log".into();
        disk.insert(log.clone(), File::new(bytes(CHUNK_SIZE * 3, 1), 0));
        commit(&mut mirror, &disk, &[("t-0/0.log", 0)]).unwrap();
        disk.file_mut(&log).truncate(CHUNK_SIZE + 1);
        commit(&mut mirror, &disk, &[("t-0/0.log", CHUNK_SIZE + 1)]).unwrap();
        assert_eq!(memory.keys(), ["1/t-0/0.log#00000000", "1/t-0/0.log#00000001"]);
        assert_eq!(open(&memory).1.disks[&1].read("t-0/0.log"), disk.read("t-0/0.log"));
        let (mut mirror, _) = open(&memory);
        disk.delete("t-0/0.log");
        commit(&mut mirror, &disk, &[("t-0/0.log", 0)]).unwrap();
        assert_eq!(memory.keys(), [""; 0]);
    }

    #[test]
    fn a_newer_writer_fences_off_the_older_one() {
        let memory = Memory::new();
        let (mut old, _) = open(&memory);
        let mut disk = Disk::default();
        disk.insert("a".into(), File::new(bytes(1, 1), 0));
        commit(&mut old, &disk, &[("a", 0)]).unwrap();
        let (mut new, _) = open(&memory);
        disk.insert("a".into(), File::new(bytes(2, 2), 0));
        assert_eq!(commit(&mut old, &disk, &[("a", 0)]), Err(StoreError::Fenced { ours: 1, theirs: 2 }));
        assert_eq!(open(&memory).1.disks[&1].read("a"), Some(bytes(1, 1)));
        drop(commit(&mut new, &disk, &[("a", 0)]));
    }

    #[test]
    fn a_full_store_keeps_what_it_had_and_takes_it_later() {
        let memory = Memory::new();
        let (mut mirror, _) = open(&memory);
        let mut disk = Disk::default();
        disk.insert("a".into(), File::new(bytes(100, 1), 0));
        commit(&mut mirror, &disk, &[("a", 0)]).unwrap();
        memory.set_limit(Some(150));
        disk.insert("a".into(), File::new(bytes(200, 2), 0));
        assert!(matches!(commit(&mut mirror, &disk, &[("a", 0)]), Err(StoreError::Quota(_))));
        memory.set_limit(None);
        assert_eq!(commit(&mut mirror, &disk, &[("a", 0)]), Ok(1));
        assert_eq!(open(&memory).1.disks[&1].read("a"), Some(bytes(200, 2)));
    }

    #[test]
    fn a_missing_chunk_cuts_its_file_and_is_named() {
        let memory = Memory::new();
        let (mut mirror, _) = open(&memory);
        let mut disk = Disk::default();
        disk.insert("a".into(), File::new(bytes(CHUNK_SIZE * 2, 1), 0));
        commit(&mut mirror, &disk, &[("a", 0)]).unwrap();
        let damage = Batch {
            deletes: vec!["1/a#00000001".into()],
            manifest: block_on(memory.manifest()).unwrap().unwrap(),
            ..Batch::default()
        };
        block_on(memory.commit(1, damage)).unwrap();
        let (_, loaded) = open(&memory);
        assert_eq!(loaded.damaged, ["a: 262144 of 524288 bytes are there"]);
        assert_eq!(loaded.disks[&1].file("a").unwrap().len(), CHUNK_SIZE);
    }
}
