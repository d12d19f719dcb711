//! What dropped files are: the disks of a cluster, or a sentence for each thing that is wrong.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Disk, File};
use blumfeld_log::checkpoint::{self, Offsets};
use blumfeld_protocol::{Uuid, uuid_text};

use crate::format::{NODE, Partitions, Taken, counts, format};
use crate::metadata::{self, Metadata};
use crate::partition::{Found, examine};
use crate::problem::Problem;
use crate::tree::{Files, LogDir, META_PROPERTIES, METADATA, is_aside, log_dirs, partition};

/// The ids that brokers can have.
const IDS: std::ops::RangeInclusive<i32> = 1..=9;
/// More partitions than this are no cluster that could be looked at.
const MOST_PARTITIONS: u64 = 5_000;

/// How the directories were opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum How {
    /// As they are: they are a whole cluster.
    AsItIs,
    /// Around the partitions that are there, one new broker was formatted.
    Formatted(
        /// Why they could not be opened as they are.
        Why,
    ),
}

/// Why directories are no cluster that can be opened as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// A directory has no metadata log, or no `meta.properties`.
    NoMetadata,
    /// Nothing says who the voters of the quorum are.
    NoVoters,
    /// Voters' directories are missing.
    Missing(
        /// Whose.
        Vec<i32>,
    ),
    /// The voters are others than a cluster can have here, or a node has an id that none can have.
    Voters(
        /// Who they are.
        Vec<i32>,
    ),
}

/// Something to know of what was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// The last bytes of a segment are no batches: recovery cuts them off.
    Cut {
        /// The segment.
        path: String,
        /// How many bytes.
        bytes: u64,
    },
    /// Brokers are registered whose directories are not there.
    Absent(
        /// Their ids.
        Vec<i32>,
    ),
    /// There are access control lists, which bind nobody here.
    Acls,
    /// Folders were left out, which were no partition's any more.
    Aside(
        /// Their names.
        Vec<String>,
    ),
    /// Topics whose `min.insync.replicas` was more than one broker can fulfil.
    MinInsync(
        /// Their names.
        Vec<String>,
    ),
    /// Of some topics nothing said how they are configured.
    NoConfigs,
}

/// A cluster that was found.
#[derive(Clone, PartialEq, Debug)]
pub struct Opened {
    /// Its id.
    pub cluster_id: Uuid,
    /// The brokers' disks.
    pub disks: BTreeMap<i32, Disk>,
    /// The brokers from 1 to this one are the quorum's voters.
    pub voters: i32,
    /// The rack of each broker that has one.
    pub racks: BTreeMap<i32, String>,
    /// How it was opened.
    pub how: How,
    /// How many topics there are, Kafka's own left out.
    pub topics: usize,
    /// How many partitions have a folder, Kafka's own left out.
    pub partitions: usize,
    /// How many records they hold, each counted once.
    pub records: u64,
    /// What else is to be known.
    pub notes: Vec<Note>,
}

/// What `meta.properties` says (org.apache.kafka.metadata.properties.MetaProperties).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Meta {
    cluster_id: Uuid,
    node_id: i32,
    directory_id: Option<Uuid>,
}

fn meta(text: &str, path: &str) -> Result<Meta, Problem> {
    let value = |key: &str| {
        // The last one counts, as with java.util.Properties.
        let mut lines = text.lines().rev().filter_map(|line| line.trim().split_once('='));
        lines.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
    };
    let wrong = |what| Problem::Meta { path: path.to_owned(), what };
    if value("version") != Some("1") {
        return Err(wrong("version=1"));
    }
    let cluster_id = value("cluster.id").and_then(uuid_text::from_text).ok_or_else(|| wrong("cluster.id"))?;
    let node_id = value("node.id").and_then(|id| id.parse().ok()).ok_or_else(|| wrong("node.id"))?;
    let directory_id = value("directory.id").and_then(uuid_text::from_text);
    Ok(Meta { cluster_id, node_id, directory_id })
}

/// A log directory that was looked at.
struct Looked {
    dir: LogDir,
    meta: Option<Meta>,
    found: BTreeMap<String, Found>,
    metadata: Metadata,
}

fn look(dir: LogDir, problems: &mut Vec<Problem>) -> Looked {
    let meta = match dir.text(META_PROPERTIES).map(|text| meta(&text, &dir.at(META_PROPERTIES))) {
        Some(Err(problem)) => {
            problems.push(problem);
            None
        }
        Some(Ok(meta)) => Some(meta),
        None => None,
    };
    let mut found = BTreeMap::new();
    for (folder, files) in dir.folders.iter().filter(|(folder, _)| !is_aside(folder)) {
        found.insert(folder.clone(), examine(&dir.at(folder), files, problems));
    }
    let metadata = dir.folders.get(METADATA).map(metadata::read).unwrap_or_default();
    Looked { dir, meta, found, metadata }
}

impl Looked {
    fn partitions(&self) -> impl Iterator<Item = (&str, i32, &str, &Found)> {
        let all = self.found.iter().filter(|(folder, _)| *folder != METADATA);
        all.filter_map(|(folder, found)| {
            let (topic, number) = partition(folder)?;
            Some((topic, number, folder.as_str(), found))
        })
    }

    fn disk(&self) -> Disk {
        let mut disk = Disk::default();
        let folders = self.dir.folders.iter().flat_map(|(folder, files)| {
            files.iter().map(move |(name, bytes)| (format!("{folder}/{name}"), bytes))
        });
        let files = self.dir.files.iter().filter(|(name, _)| *name != ".lock");
        for (path, bytes) in files.map(|(name, bytes)| (name.clone(), bytes)).chain(folders) {
            disk.insert(path.into(), File::new(bytes.clone(), u64::MAX));
        }
        disk
    }
}

/// Opens what was dropped. Ids that have to be made up follow from `seed`; `now_ms` is the time of new records, in
/// milliseconds since 1970-01-01 UTC.
///
/// # Errors
/// Everything that is wrong.
pub fn open(files: &Files, seed: u64, now_ms: i64) -> Result<Opened, Vec<Problem>> {
    let mut problems = Vec::new();
    let dirs: Vec<Looked> =
        log_dirs(files, &mut problems).into_iter().map(|dir| look(dir, &mut problems)).collect();
    problems.extend(contradictions(&dirs));
    let partitions =
        || dirs.iter().flat_map(Looked::partitions).filter(|(topic, ..)| !topic.starts_with("__"));
    let distinct: BTreeSet<(&str, i32)> = partitions().map(|(topic, number, ..)| (topic, number)).collect();
    if problems.is_empty() && (dirs.iter().all(|dir| dir.found.is_empty()) || files.is_empty()) {
        problems.push(Problem::Nothing);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut records: BTreeMap<(&str, i32), u64> = BTreeMap::new();
    for (topic, number, _, found) in partitions() {
        let most = records.entry((topic, number)).or_default();
        *most = found.records.max(*most);
    }
    let topics: BTreeSet<&str> = distinct.iter().map(|(topic, _)| *topic).collect();
    let counted = (topics.len(), distinct.len(), records.values().sum());
    let mut notes: Vec<Note> = (dirs.iter().flat_map(|dir| dir.found.values()))
        .flat_map(|found| &found.cut)
        .map(|(path, bytes)| Note::Cut { path: path.clone(), bytes: *bytes })
        .collect();
    if dirs.iter().any(|dir| dir.metadata.acls) {
        notes.push(Note::Acls);
    }
    let racks = (dirs.iter().flat_map(|dir| dir.metadata.image.brokers().values()))
        .filter_map(|broker| Some((broker.id, broker.rack.clone()?)))
        .collect();
    let (how, (cluster_id, voters, disks)) = match whole(&dirs, &mut notes) {
        Ok(cluster) => (How::AsItIs, cluster),
        Err(why) => {
            let (cluster_id, disk) =
                around(&dirs, (seed, now_ms), &mut notes).map_err(|problem| vec![problem])?;
            (How::Formatted(why), (cluster_id, NODE, BTreeMap::from([(NODE, disk)])))
        }
    };
    let (topics, partitions, records) = counted;
    Ok(Opened { cluster_id, disks, voters, racks, how, topics, partitions, records, notes })
}

/// What directories say against each other.
fn contradictions(dirs: &[Looked]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut nodes: BTreeMap<i32, &str> = BTreeMap::new();
    let mut cluster: Option<(Uuid, &str)> = None;
    let mut topics: BTreeMap<&str, Uuid> = BTreeMap::new();
    let mut mixed = BTreeSet::new();
    for dir in dirs {
        let path = dir.dir.path.as_str();
        if let Some(meta) = dir.meta {
            if let Some(one) = nodes.insert(meta.node_id, path) {
                let (one, other) = (one.to_owned(), path.to_owned());
                problems.push(Problem::SameNode { id: meta.node_id, one, other });
            }
            match cluster {
                Some((id, one)) if id != meta.cluster_id => {
                    problems.push(Problem::Clusters { one: one.to_owned(), other: path.to_owned() });
                }
                _ => cluster = Some((meta.cluster_id, path)),
            }
        }
        for (topic, _, _, found) in dir.partitions() {
            if let Some(id) = found.topic_id
                && *topics.entry(topic).or_insert(id) != id
                && mixed.insert(topic)
            {
                problems.push(Problem::TopicIds { topic: topic.to_owned() });
            }
        }
    }
    problems
}

type Cluster = (Uuid, i32, BTreeMap<i32, Disk>);

/// How many voters a cluster of so many brokers can have here: the brokers from 1 on.
fn can_vote(voters: &[i32]) -> bool {
    matches!(voters, [1] | [1, 2, 3] | [1, 2, 3, 4, 5])
}

/// The directories as a whole cluster, if they are one.
fn whole(dirs: &[Looked], notes: &mut Vec<Note>) -> Result<Cluster, Why> {
    let metas: Vec<Meta> = (dirs.iter())
        .map(|dir| dir.meta.filter(|meta| meta.directory_id.is_some() && dir.metadata.records > 0))
        .collect::<Option<_>>()
        .ok_or(Why::NoMetadata)?;
    let first = metas.first().ok_or(Why::NoMetadata)?;
    let ids: BTreeSet<i32> = metas.iter().map(|meta| meta.node_id).collect();
    // Who has come furthest knows best.
    let best = dirs.iter().max_by_key(|dir| dir.found.get(METADATA).map_or(0, |found| found.end));
    let metadata = best.map(|dir| &dir.metadata).ok_or(Why::NoMetadata)?;
    let voters: BTreeSet<i32> = metadata.voters.iter().flatten().copied().collect();
    let voters: Vec<i32> = voters.into_iter().collect();
    if voters.is_empty() {
        return Err(Why::NoVoters);
    }
    let missing: Vec<i32> = voters.iter().filter(|id| !ids.contains(id)).copied().collect();
    if !missing.is_empty() {
        return Err(Why::Missing(missing));
    }
    if !can_vote(&voters) || ids.iter().any(|id| !IDS.contains(id)) {
        return Err(Why::Voters(voters));
    }
    let absent: Vec<i32> = metadata.image.brokers().keys().filter(|id| !ids.contains(id)).copied().collect();
    if !absent.is_empty() {
        notes.push(Note::Absent(absent));
    }
    let disks = metas.iter().zip(dirs).map(|(meta, dir)| (meta.node_id, dir.disk())).collect();
    Ok((first.cluster_id, i32::try_from(voters.len()).unwrap_or(1), disks))
}

/// A new cluster around the partitions that are there. Of a partition that is there twice, the replica that has come
/// furthest is taken.
fn around(dirs: &[Looked], made: (u64, i64), notes: &mut Vec<Note>) -> Result<(Uuid, Disk), Problem> {
    let mut taken = Partitions::new();
    for dir in dirs {
        let offsets = |name: &str| {
            let text = dir.dir.text(name)?;
            checkpoint::read_offsets(&text).ok()
        };
        let high_watermarks: Offsets = offsets(checkpoint::HIGH_WATERMARK).unwrap_or_default();
        let log_starts: Offsets = offsets(checkpoint::LOG_START).unwrap_or_default();
        for (topic, number, folder, found) in dir.partitions() {
            let key = (topic.to_owned(), number);
            let one = Taken {
                files: dir.dir.folders[folder].clone(),
                found: found.clone(),
                high_watermark: high_watermarks.get(&key).copied(),
                log_start: log_starts.get(&key).copied(),
            };
            let have = taken.entry(key.0).or_default();
            let further = have
                .get(&number)
                .is_none_or(|have| (have.found.epoch, have.found.end) < (one.found.epoch, one.found.end));
            if further {
                have.insert(number, one);
            }
        }
    }
    if taken.is_empty() {
        return Err(Problem::Nothing);
    }
    let aside: Vec<String> = dirs
        .iter()
        .flat_map(|dir| dir.dir.folders.keys())
        .filter(|folder| is_aside(folder))
        .cloned()
        .collect();
    if !aside.is_empty() {
        notes.push(Note::Aside(aside));
    }
    let none = Metadata::default();
    let metadata =
        (dirs.iter().map(|dir| &dir.metadata)).max_by_key(|metadata| metadata.records).unwrap_or(&none);
    let count = counts(&taken, metadata).values().map(|count| u64::try_from(*count).unwrap_or(0)).sum();
    if count > MOST_PARTITIONS {
        return Err(Problem::Partitions { count, limit: MOST_PARTITIONS });
    }
    let cluster_id = dirs.iter().find_map(|dir| dir.meta).map(|meta| meta.cluster_id);
    Ok(format(taken, metadata, cluster_id, made, notes))
}

/// Whether directories that a gateway keeps are those of one cluster that it can run, by the numbers of their folders.
///
/// # Errors
/// What is wrong with them.
pub fn check_stored(disks: &BTreeMap<i32, Disk>) -> Result<(), Problem> {
    let mut cluster: Option<(Uuid, i32)> = None;
    let folder = |id: i32| format!("broker-{id}");
    let mut voters: Option<Vec<i32>> = None;
    for (id, disk) in disks {
        // A broker that was added and stopped at once has nothing yet.
        let Some(text) = disk.read(META_PROPERTIES) else { continue };
        let path = format!("{}/{META_PROPERTIES}", folder(*id));
        let meta = meta(&String::from_utf8_lossy(&text), &path)?;
        if meta.node_id != *id {
            return Err(Problem::OtherNode { folder: *id, id: meta.node_id });
        }
        match cluster {
            Some((known, one)) if known != meta.cluster_id => {
                return Err(Problem::Clusters { one: folder(one), other: folder(*id) });
            }
            _ => cluster = Some((meta.cluster_id, *id)),
        }
        let of_log = (disk.files_below("__cluster_metadata-0/"))
            .filter_map(|(path, file)| Some((path.split_once('/')?.1.to_owned(), file.read_all())));
        let said = metadata::read(&of_log.collect()).voters;
        voters = voters.or(said);
    }
    let count = i32::try_from(disks.len()).unwrap_or(i32::MAX);
    let wanted: Vec<i32> = (1..=5).filter(|id| *id <= count - (count + 1) % 2).collect();
    match voters.map(|voters| voters.into_iter().collect::<BTreeSet<i32>>()) {
        Some(voters) if voters.iter().any(|id| !wanted.contains(id)) => {
            Err(Problem::Voters { voters: voters.into_iter().collect(), wanted })
        }
        _ => Ok(()),
    }
}
