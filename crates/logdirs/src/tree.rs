//! Files by their paths, and what in them looks like log directories.

use std::collections::BTreeMap;

use blumfeld_broker::validate_topic_name;
use bytes::Bytes;

use crate::archive::Limits;
use crate::problem::Problem;

/// The directory of the metadata log.
pub(crate) const METADATA: &str = "__cluster_metadata-0";
/// Its file of ids.
pub(crate) const META_PROPERTIES: &str = "meta.properties";

/// Files that were dropped, archives unpacked.
#[derive(Clone, Debug, Default)]
pub struct Files {
    limits: Limits,
    bytes: u64,
    all: BTreeMap<String, Bytes>,
}

impl Files {
    /// None yet.
    pub fn new(limits: Limits) -> Files {
        Files { limits, ..Files::default() }
    }

    /// How many more bytes are taken.
    pub(crate) fn room(&self) -> u64 {
        self.limits.bytes - self.bytes
    }

    /// Adds a file as it is. One of the same path takes the place of an earlier one.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn add(&mut self, path: &str, bytes: Bytes) -> Result<(), Problem> {
        if bytes.len() as u64 > self.room() {
            return Err(Problem::TooLarge { limit: self.limits.bytes });
        }
        if self.all.len() >= self.limits.files {
            return Err(Problem::TooMany { limit: self.limits.files });
        }
        self.bytes += bytes.len() as u64;
        self.all.insert(path.to_owned(), bytes);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// What looks like one log directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogDir {
    /// The folder that it is, for sentences; empty if it is what was dropped itself.
    pub path: String,
    /// Files directly in it, by name.
    pub files: BTreeMap<String, Bytes>,
    /// Its partitions' folders, by name, each with its files by name.
    pub folders: BTreeMap<String, BTreeMap<String, Bytes>>,
}

impl LogDir {
    /// A file directly in it, as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.files.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A path in it, as it was dropped.
    pub fn at(&self, below: &str) -> String {
        if self.path.is_empty() { below.to_owned() } else { format!("{}/{below}", self.path) }
    }
}

/// Files directly in a log directory that Kafka's broker or this one keeps there.
const KEPT: [&str; 8] = [
    META_PROPERTIES,
    "bootstrap.checkpoint",
    "recovery-point-offset-checkpoint",
    "replication-offset-checkpoint",
    "log-start-offset-checkpoint",
    "cleaner-offset-checkpoint",
    ".kafka_cleanshutdown",
    ".lock",
];
/// What operating systems leave everywhere.
const LITTER: [&str; 4] = [".DS_Store", "Thumbs.db", "desktop.ini", "lost+found"];
/// Folders in a log directory that are no partition's any more: they wait for deletion, belong to nobody, or are the
/// copy for another directory that was not finished (LogManager).
const ASIDE: [&str; 3] = ["-delete", "-stray", "-future"];

/// Whether a folder is one of those that are left out.
pub(crate) fn is_aside(folder: &str) -> bool {
    ASIDE.iter().any(|end| folder.ends_with(end))
}

/// Topic and number of a partition's folder (UnifiedLog.parseTopicPartitionName).
pub(crate) fn partition(folder: &str) -> Option<(&str, i32)> {
    let (topic, number) = folder.rsplit_once('-')?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|_| plain)?;
    validate_topic_name(topic).ok().map(|()| (topic, number))
}

/// A file of a partition's folder, or of the metadata log's.
fn is_of_a_log(name: &str) -> bool {
    const ENDS: [&str; 10] = [
        ".log",
        ".index",
        ".timeindex",
        ".txnindex",
        ".snapshot",
        ".deleted",
        ".cleaned",
        ".swap",
        ".checkpoint",
        ".part",
    ];
    const NAMES: [&str; 3] = ["leader-epoch-checkpoint", "partition.metadata", "quorum-state"];
    NAMES.contains(&name) || ENDS.iter().any(|end| name.ends_with(end))
}

/// Puts files into log directories. What is none of one is said.
pub(crate) fn log_dirs(files: &Files, problems: &mut Vec<Problem>) -> Vec<LogDir> {
    let mut dirs: BTreeMap<&str, LogDir> = BTreeMap::new();
    for (path, bytes) in &files.all {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let litter = path.split('/').any(|part| LITTER.contains(&part) || part == "__MACOSX");
        if litter
            || name.starts_with("._")
            || name.ends_with(".tmp")
            || name.ends_with(".properties") && name != META_PROPERTIES
        {
            continue;
        }
        let (root, folder) = parent.rsplit_once('/').unwrap_or(("", parent));
        // First these: a log directory may be called broker-1, as a partition could.
        if KEPT.contains(&name) {
            dirs.entry(parent).or_default().files.insert(name.to_owned(), bytes.clone());
        } else if !is_of_a_log(name) {
            problems.push(Problem::Unknown { path: path.clone() });
        } else if partition(folder).is_some() || is_aside(folder) {
            let dir = dirs.entry(root).or_default();
            dir.folders.entry(folder.to_owned()).or_default().insert(name.to_owned(), bytes.clone());
        } else {
            problems.push(Problem::NoFolder { path: path.clone() });
        }
    }
    let dirs = dirs.into_iter().map(|(path, dir)| LogDir { path: path.to_owned(), ..dir });
    dirs.filter(|dir| !dir.folders.is_empty() || dir.files.contains_key(META_PROPERTIES)).collect()
}
