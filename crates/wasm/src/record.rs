//! What was done to a world, so that it can be done again: the seed, the disks at the beginning, and every command with
//! the event after which it came.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use blumfeld_kernel::{Disk, DiskError, File, Instant};
use blumfeld_store::{Members, StoredClient};
use blumfeld_timeline::Deed;
use blumfeld_view::{Durability, Fault};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::boot::{Boot, Past};
use crate::engine::Engine;

/// Standard input and disks are kept up to so many bytes; a longer record says that it is cut.
const LIMIT: usize = 32 * 1024 * 1024;

/// The format of a record.
const VERSION: u32 = 2;

/// A file of a disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredFile {
    node: i32,
    path: String,
    durable: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dirty_since: Option<u64>,
    base64: String,
}

/// Why a disk, or the store behind it, took nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Problem {
    Full(String),
    Io(String),
}

impl From<&DiskError> for Problem {
    fn from(error: &DiskError) -> Problem {
        match error {
            DiskError::Full(text) => Problem::Full(text.to_string()),
            DiskError::Io(text) => Problem::Io(text.to_string()),
        }
    }
}

impl From<Problem> for DiskError {
    fn from(problem: Problem) -> DiskError {
        match problem {
            Problem::Full(text) => DiskError::Full(text.into()),
            Problem::Io(text) => DiskError::Io(text.into()),
        }
    }
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Done {
    AddFile {
        name: String,
        size: u64,
    },
    RemoveFile {
        name: String,
    },
    Console {
        id: u32,
        line: String,
    },
    Stdin {
        id: u32,
        #[serde(rename = "base64", with = "base64_text")]
        bytes: Bytes,
    },
    StdinClosed {
        id: u32,
    },
    Interrupt {
        id: u32,
    },
    SetDurability(Durability),
    Fault(Fault),
    Sync,
    TakeChanges,
    Stored {
        token: u64,
        error: Option<Problem>,
    },
    DiskError(Option<Problem>),
    Collect {
        id: u32,
    },
    BringBack,
    /// Chance has its way otherwise from here on.
    Reseed {
        seed: u32,
    },
}

impl Deed for Done {
    fn told(&self) -> Option<String> {
        match self {
            Done::Console { line, .. } => Some(line.clone()),
            Done::Stdin { .. } | Done::StdinClosed { .. } => Some("standard input".to_owned()),
            Done::Interrupt { .. } => Some("Ctrl-C".to_owned()),
            Done::Fault(_) => self.fault(),
            Done::SetDurability(Durability::Strict) => Some("durability strict".to_owned()),
            Done::SetDurability(Durability::Relaxed) => Some("durability relaxed".to_owned()),
            Done::BringBack => Some("workload start".to_owned()),
            Done::Reseed { seed } => Some(format!("--seed {seed}")),
            Done::AddFile { .. }
            | Done::RemoveFile { .. }
            | Done::Sync
            | Done::TakeChanges
            | Done::Stored { .. }
            | Done::DiskError(_)
            | Done::Collect { .. } => None,
        }
    }

    fn fault(&self) -> Option<String> {
        match self {
            Done::Console { line, .. } => line.trim().starts_with("fault ").then(|| line.trim().to_owned()),
            Done::Fault(Fault::Crash(node)) => Some(format!("fault crash {node}")),
            Done::Fault(Fault::PowerCut(node)) => Some(format!("fault power-cut {node}")),
            Done::Fault(Fault::Restart(node)) => Some(format!("fault restart {node}")),
            _ => None,
        }
    }

    fn weight(&self) -> u64 {
        match self {
            Done::Stdin { bytes, .. } => 64 + bytes.len() as u64,
            Done::Console { line, .. } => 64 + line.len() as u64,
            _ => 64,
        }
    }
}

/// Something that was done, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Events that the world had handled.
    pub events: u64,
    /// Virtual microseconds.
    pub now: u64,
    pub done: Done,
}

impl Done {
    /// The number of the line of the console that it is, if it is one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Done::Console { id, .. } => Some(*id),
            _ => None,
        }
    }
}

impl From<Step> for blumfeld_timeline::Step<Done> {
    fn from(step: Step) -> blumfeld_timeline::Step<Done> {
        blumfeld_timeline::Step { events: step.events, now: step.now, deed: step.done }
    }
}

impl From<blumfeld_timeline::Step<Done>> for Step {
    fn from(step: blumfeld_timeline::Step<Done>) -> Step {
        Step { events: step.events, now: step.now, done: step.deed }
    }
}

mod base64_text {
    use serde::de::Error as _;

    use super::*;

    pub fn serialize<S: serde::Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(bytes))
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(&text).map(Bytes::from).map_err(D::Error::custom)
    }
}

/// Everything that was done to a world.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    version: u32,
    cluster: String,
    seed: u64,
    boot: u64,
    epoch_ms: i64,
    now: u64,
    durability: Durability,
    brokers: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    members: Option<Members>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    clients: Vec<StoredClient>,
    disks: Vec<StoredFile>,
    steps: Vec<Step>,
    /// Whether something was too large to keep, so that a replay takes another course.
    cut: bool,
    bytes: usize,
    /// Whether the disks are all there.
    #[serde(skip, default = "yes")]
    whole: bool,
}

fn yes() -> bool {
    true
}

/// Why a record cannot be replayed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplayError {
    /// It is no record, or of another version.
    Format(String),
    /// Something in it was too large to be kept.
    Cut,
    /// The world took another course than the one that was recorded: another version of the program, or a changed file.
    Diverged {
        /// Events before the step that could not be done.
        events: u64,
        /// Its virtual time, in microseconds.
        now: u64,
    },
}

impl std::fmt::Display for ReplayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Format(what) => write!(f, "this is no replay file: {what}"),
            Self::Cut => {
                f.write_str("this replay file was cut because what was typed or stored is over 32 MiB")
            }
            Self::Diverged { events, now } => write!(
                f,
                "the replay took another course before event {events} at {now} us: the file was recorded by another \
                 version of this program, or was changed"
            ),
        }
    }
}

impl std::error::Error for ReplayError {}

impl Record {
    pub(crate) fn new(boot: &Boot) -> Record {
        let size: u64 = boot.disks.values().map(Disk::total_len).sum();
        let cut = size > LIMIT as u64;
        let files = boot
            .disks
            .iter()
            .flat_map(|(node, disk)| disk.files().map(move |(path, file)| (*node, path, file)));
        let disks = files.filter(|_| !cut).map(|(node, path, file)| StoredFile {
            node,
            path: path.to_string(),
            durable: file.durable(),
            dirty_since: file.dirty_since().map(Instant::as_micros),
            base64: BASE64.encode(file.read_all()),
        });
        Record {
            version: VERSION,
            cluster: boot.cluster.clone(),
            seed: boot.seed,
            boot: boot.boot,
            epoch_ms: boot.epoch_ms,
            now: boot.now,
            durability: boot.durability,
            brokers: boot.brokers,
            members: boot.members.clone(),
            clients: boot.clients.clone(),
            disks: disks.collect(),
            steps: Vec::new(),
            cut,
            bytes: usize::try_from(size).unwrap_or(LIMIT),
            whole: !cut,
        }
    }

    /// The steps are others from now on: another branch lives. Without all of its steps no replay finds it again.
    pub(crate) fn replace(&mut self, steps: Option<Vec<Step>>) {
        match steps {
            Some(steps) if !self.cut => self.steps = steps,
            _ => self.cut = true,
        }
    }

    /// It is of another life from now on, which began with this; of one of which that is not known it tells nothing.
    pub(crate) fn begin_with(&mut self, begun: Option<Record>) {
        match begun {
            Some(begun) => *self = begun,
            None => (self.cut, self.whole) = (true, false),
        }
    }

    pub(crate) fn push(&mut self, events: u64, now: Instant, done: Done) {
        if let Done::Stdin { bytes, .. } = &done {
            self.bytes += bytes.len();
            self.cut |= self.bytes > LIMIT;
        }
        // Once cut, the rest is of no use.
        if !self.cut {
            self.steps.push(Step { events, now: now.as_micros(), done });
        }
    }

    /// What the world began with, as [`beginning`](Self::beginning) reads it; nothing if that was too large.
    pub(crate) fn begun(&mut self) -> Option<String> {
        let (steps, cut) = (std::mem::take(&mut self.steps), std::mem::take(&mut self.cut));
        let text = self.whole.then(|| self.to_json());
        (self.steps, self.cut) = (steps, cut);
        text
    }

    /// Reads a record; that of a beginning has no steps.
    pub(crate) fn beginning(text: &[u8]) -> Result<Record, ReplayError> {
        let record: Record =
            serde_json::from_slice(text).map_err(|error| ReplayError::Format(error.to_string()))?;
        if record.version != VERSION {
            let what = format!("its version is {}, this program reads {VERSION}", record.version);
            return Err(ReplayError::Format(what));
        }
        if record.cut { Err(ReplayError::Cut) } else { Ok(record) }
    }

    /// What an engine begins with to do the same again.
    pub(crate) fn boot(self) -> Result<Boot, ReplayError> {
        let mut disks: BTreeMap<i32, Disk> = BTreeMap::new();
        for file in self.disks {
            let wrong = |error| ReplayError::Format(format!("{}: {error}", file.path));
            let bytes = BASE64.decode(&file.base64).map_err(wrong)?;
            let mut restored = File::new(bytes.into(), file.durable);
            if let Some(since) = file.dirty_since {
                restored.set_dirty_since(Instant::from_micros(since));
            }
            disks.entry(file.node).or_default().insert(file.path.into(), restored);
        }
        Ok(Boot {
            cluster: self.cluster,
            seed: self.seed,
            boot: self.boot,
            epoch_ms: self.epoch_ms,
            now: self.now,
            durability: self.durability,
            brokers: self.brokers,
            members: self.members,
            clients: self.clients,
            // They were over when this life began: nothing that happens follows from them.
            faults: Vec::new(),
            disks,
            past: Past::default(),
        })
    }

    /// The record as a file.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Does again what a record says, up to its end; gives the engine as it is then.
///
/// # Errors
/// [`ReplayError`] if the text is no record, or was cut.
pub fn replay(text: &str) -> Result<Engine, ReplayError> {
    let mut record = Record::beginning(text.as_bytes())?;
    let steps = std::mem::take(&mut record.steps);
    let mut engine = Engine::new(record.boot()?);
    for step in steps {
        if !engine.go_to(step.events, Instant::from_micros(step.now)) {
            return Err(ReplayError::Diverged { events: step.events, now: step.now });
        }
        match step.done {
            Done::Stdin { id, bytes } => engine.stdin(id, bytes),
            Done::Console { id, line } => {
                engine.console(id, &line);
            }
            Done::AddFile { name, size } => engine.add_file(&name, size),
            Done::RemoveFile { name } => engine.remove_file(&name),
            Done::StdinClosed { id } => engine.close_stdin(id),
            Done::Interrupt { id } => engine.interrupt(id),
            Done::SetDurability(durability) => engine.set_durability(durability),
            Done::Fault(fault) => engine.fault(fault),
            Done::Sync => engine.sync(),
            Done::TakeChanges => drop(engine.take_changes()),
            Done::Stored { token, error } => {
                engine.stored(token, error.map_or(Ok(()), |error| Err(error.into())));
            }
            Done::DiskError(error) => engine.set_disk_error(error.map(Into::into)),
            Done::Collect { id } => engine.collect(id),
            Done::BringBack => drop(engine.bring_back()),
            Done::Reseed { seed } => engine.reseed(seed),
        }
    }
    Ok(engine)
}
