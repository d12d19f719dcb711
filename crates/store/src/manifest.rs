//! What is stored: the cluster's facts, and of every file where its bytes are.

use std::collections::BTreeMap;
use std::rc::Rc;

use blumfeld_kernel::{FilePath, Instant};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Serialize, Serializer};

use crate::port::StoreError;

/// The format of the manifest.
pub(crate) const VERSION: u32 = 2;

/// What a cluster is besides its disks.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Seed of the world.
    pub seed: u64,
    /// Virtual time of the commit, in microseconds.
    pub now: u64,
    /// Wall clock of the machines at the commit, in milliseconds since 1970-01-01 UTC.
    #[serde(default)]
    pub unix_ms: i64,
    /// Whether acknowledgements wait for the store; `None` for a cluster that was stored without saying it.
    #[serde(default)]
    pub strict: Option<bool>,
    /// Which brokers it has.
    #[serde(default)]
    pub members: Option<Members>,
    /// The clients that ran.
    #[serde(default)]
    pub clients: Vec<StoredClient>,
    /// The faults that were in force, in the console's words.
    #[serde(default)]
    pub faults: Vec<String>,
    /// The branches of its time line that do not live.
    #[serde(default, skip_serializing_if = "StoredPast::is_empty")]
    pub past: StoredPast,
}

/// What is known of the time line: the branches, of each of which [`StoredBranch::values`] holds the deeds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredPast {
    /// The living branch's name.
    pub living: String,
    /// The branch and the moment that the living one goes on from, if that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<(u32, StoredMark)>,
    /// The branches.
    pub branches: Vec<StoredBranch>,
    /// How many were given up for want of room.
    #[serde(default)]
    pub forgotten: u32,
    /// Bytes that it may take in memory, if that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<u64>,
}

impl StoredPast {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.branches.is_empty() && self.forgotten == 0 && self.cap.is_none()
    }

    /// The keys of the values that it needs, with their lengths in bytes.
    pub fn values(&self) -> BTreeMap<&str, u64> {
        let values = self.branches.iter().flat_map(|branch| &branch.values);
        values.map(|(key, bytes)| (key.as_str(), *bytes)).collect()
    }
}

/// A moment of a branch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredMark {
    /// Events that the world had handled.
    pub events: u64,
    /// Virtual time, in microseconds.
    pub now: u64,
    /// Deeds of the branch that were done.
    pub steps: u64,
}

/// A branch of the time line.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredBranch {
    /// Its number, which no other branch of the cluster ever had.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The branch that it forks from, and where; nothing where a life of the cluster begins with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<(u32, StoredMark)>,
    /// Of the first branch of a life: what it goes on from, as the store had it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<(u32, StoredMark)>,
    /// Where it ends.
    pub end: StoredMark,
    /// The world's digest there: whether another version of the program finds the same.
    pub digest: u64,
    /// The keys of its values with their lengths in bytes: its deeds, and what the life begins with that begins with
    /// it.
    pub values: BTreeMap<String, u64>,
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

/// A client that ran when the cluster was stored. Its process is gone with the page.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredClient {
    /// The line of the console that began it; empty for one that is over, whose member has not left yet.
    pub line: String,
    /// Its name, if it ran in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `group.id` and member id, if it was a dynamic member of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<(String, String)>,
}

/// A stretch of an extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stretch {
    pub extent: u64,
    pub from: u64,
    pub len: u64,
}

/// A file: how much of it is durable, since when the rest has been dirty, and where its bytes are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub durable: u64,
    pub dirty_since: Option<Instant>,
    pub stretches: Vec<Stretch>,
}

impl Entry {
    /// Bytes of the file.
    pub fn len(&self) -> u64 {
        self.stretches.iter().map(|stretch| stretch.len).sum()
    }

    /// Adds what comes behind; what continues the last stretch becomes part of it.
    pub fn push(&mut self, stretch: Stretch) {
        if stretch.len == 0 {
            return;
        }
        match self.stretches.last_mut() {
            Some(last) if last.extent == stretch.extent && last.from + last.len == stretch.from => {
                last.len += stretch.len;
            }
            _ => self.stretches.push(stretch),
        }
    }

    /// The stretches of the bytes from `from` up to and without `to`.
    pub fn slice(&self, from: u64, to: u64) -> impl Iterator<Item = Stretch> {
        let mut at = 0;
        self.stretches.iter().filter_map(move |stretch| {
            let begin = at;
            at += stretch.len;
            let (start, end) = (from.max(begin), to.min(at));
            (start < end).then(|| Stretch {
                from: stretch.from + (start - begin),
                len: end - start,
                ..*stretch
            })
        })
    }
}

/// All files of all nodes. Entries are shared between one manifest and the next.
pub(crate) type Files = BTreeMap<i32, BTreeMap<FilePath, Rc<Entry>>>;

/// The manifest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifest {
    pub meta: Meta,
    /// The writer's epoch when the cluster began: what has been claimed since is a later life of it.
    pub began: u64,
    pub files: Files,
}

/// An entry as it is read: durable bytes, since when it is dirty, and the numbers of its stretches in a row.
#[derive(Deserialize)]
struct StoredEntry(u64, Option<u64>, Vec<u64>);

/// With each commit all entries are written, so nothing is put together for it.
impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(3)?;
        tuple.serialize_element(&self.durable)?;
        tuple.serialize_element(&self.dirty_since.map(Instant::as_micros))?;
        tuple.serialize_element(&Numbers(&self.stretches))?;
        tuple.end()
    }
}

struct Numbers<'a>(&'a [Stretch]);

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flat_map(|one| [one.extent, one.from, one.len]))
    }
}

struct NodeFiles<'a>(&'a BTreeMap<FilePath, Rc<Entry>>);

impl Serialize for NodeFiles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(path, entry)| (&**path, &**entry)))
    }
}

#[derive(Serialize)]
struct Stored<'a> {
    version: u32,
    began: u64,
    meta: &'a Meta,
    files: BTreeMap<i32, NodeFiles<'a>>,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
struct Read {
    began: u64,
    meta: Meta,
    files: BTreeMap<i32, BTreeMap<String, StoredEntry>>,
}

impl Manifest {
    pub fn to_json(&self) -> Vec<u8> {
        let files = self.files.iter().map(|(node, files)| (*node, NodeFiles(files))).collect();
        let stored = Stored { version: VERSION, began: self.began, meta: &self.meta, files };
        // Only maps with text keys and numbers: they can always be written.
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    pub fn from_json(text: &[u8]) -> Result<Manifest, StoreError> {
        let damaged = |error: serde_json::Error| StoreError::Damaged(error.to_string());
        let Version { version } = serde_json::from_slice(text).map_err(damaged)?;
        if version != VERSION {
            let what = format!("its manifest is of version {version}, this page reads {VERSION}");
            return Err(StoreError::Damaged(what));
        }
        let read: Read = serde_json::from_slice(text).map_err(damaged)?;
        let entry = |StoredEntry(durable, dirty_since, numbers): StoredEntry| {
            let mut entry =
                Entry { durable, dirty_since: dirty_since.map(Instant::from_micros), stretches: Vec::new() };
            for numbers in numbers.chunks_exact(3) {
                entry.push(Stretch { extent: numbers[0], from: numbers[1], len: numbers[2] });
            }
            Rc::new(entry)
        };
        let files = (read.files.into_iter())
            .map(|(node, files)| {
                (node, files.into_iter().map(|(path, of)| (path.into(), entry(of))).collect())
            })
            .collect();
        Ok(Manifest { meta: read.meta, began: read.began, files })
    }
}
