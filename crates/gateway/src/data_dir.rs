//! Real files under the virtual disks: `DIR/broker-N/` is broker N's log directory, as Kafka lays it out.
//!
//! Every operation of a broker is done to its files in the order in which the broker did it, before anything that
//! follows from it is sent to a client. So the directory is at every moment one that a killed Kafka could have left.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use blumfeld_kernel::{Disk, DiskError, DiskOp, File as DiskFile, NodeId};

/// So many files are kept open.
const OPEN_FILES: usize = 256;
/// What is written before it takes a file's place; one that is found was not finished.
const TEMPORARY: &str = ".tmp";
/// Kafka's name for the file that keeps a second process out.
const LOCK: &str = ".lock";
/// How often the directory was opened, in decimal digits.
const BOOTS: &str = ".boots";

/// The directory of one broker.
#[derive(Debug)]
struct BrokerDir {
    path: PathBuf,
    open: BTreeMap<PathBuf, File>,
    /// Files with bytes that may not be durable.
    dirty: BTreeSet<PathBuf>,
    /// Files and directories whose flush was asked for and is put off to the end of the turn.
    wanted: BTreeSet<PathBuf>,
    /// What could not be done, and what comes after it.
    failed: VecDeque<DiskOp>,
}

/// The data directory.
#[derive(Debug)]
pub struct DataDir {
    /// How often it was opened before.
    boot: u64,
    brokers: BTreeMap<NodeId, BrokerDir>,
    _lock: File,
}

impl DataDir {
    /// Opens or makes the directory; nobody else can until this is dropped.
    ///
    /// # Errors
    /// It cannot be made, or another process has it.
    pub fn open(path: &Path) -> io::Result<(DataDir, BTreeMap<NodeId, Disk>)> {
        fs::create_dir_all(path)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK))?;
        lock.try_lock().map_err(|_| io::Error::other("another process uses this directory"))?;
        let (mut brokers, mut disks) = (BTreeMap::new(), BTreeMap::new());
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(id) = name.strip_prefix("broker-").and_then(|id| id.parse().ok()) {
                let mut disk = Disk::default();
                load(&entry.path(), "", &mut disk)?;
                disks.insert(NodeId(id), disk);
                brokers.insert(NodeId(id), BrokerDir::new(entry.path()));
            }
        }
        let stored: BTreeMap<i32, Disk> = disks.iter().map(|(node, disk)| (node.0, disk.clone())).collect();
        blumfeld_logdirs::check_stored(&stored)
            .map_err(|problem| io::Error::new(io::ErrorKind::InvalidData, problem.to_string()))?;
        let boot = count_boot(path, !disks.is_empty())?;
        Ok((DataDir { boot, brokers, _lock: lock }, disks))
    }

    /// How often it was opened before, at least: what earlier lives of the cluster drew, this one must not draw.
    pub fn boot(&self) -> u64 {
        self.boot
    }

    /// Makes the directories of the brokers that have none.
    ///
    /// # Errors
    /// One cannot be made.
    pub fn make(&mut self, path: &Path, nodes: impl Iterator<Item = NodeId>) -> io::Result<()> {
        for node in nodes {
            let path = path.join(format!("broker-{}", node.0));
            fs::create_dir_all(&path)?;
            self.brokers.entry(node).or_insert_with(|| BrokerDir::new(path));
        }
        Ok(())
    }

    /// Does what the brokers did. Gives the brokers whose disk failed, each with why; what failed is tried again with
    /// the next call, before anything else.
    pub fn apply(&mut self, ops: Vec<(NodeId, DiskOp)>) -> Vec<(NodeId, DiskError)> {
        for (node, op) in ops {
            if let Some(broker) = self.brokers.get_mut(&node) {
                broker.failed.push_back(op);
            }
        }
        let mut failed = Vec::new();
        for (node, broker) in &mut self.brokers {
            if let Err(error) = broker.catch_up() {
                let full = error.kind() == io::ErrorKind::StorageFull;
                let text = format!("{}: {error}", broker.path.display()).into();
                failed.push((*node, if full { DiskError::Full(text) } else { DiskError::Io(text) }));
            }
        }
        failed
    }

    /// Whether a broker's files lack something.
    pub fn is_behind(&self) -> bool {
        self.brokers.values().any(|broker| !broker.failed.is_empty())
    }

    /// Makes every file durable.
    ///
    /// # Errors
    /// A file cannot be flushed.
    pub fn sync(&mut self) -> io::Result<()> {
        for broker in self.brokers.values_mut() {
            let dirty = std::mem::take(&mut broker.dirty);
            broker.wanted.extend(dirty);
            broker.flush()?;
        }
        Ok(())
    }
}

impl BrokerDir {
    fn new(path: PathBuf) -> BrokerDir {
        BrokerDir {
            path,
            open: BTreeMap::new(),
            dirty: BTreeSet::new(),
            wanted: BTreeSet::new(),
            failed: VecDeque::new(),
        }
    }

    fn catch_up(&mut self) -> io::Result<()> {
        while let Some(op) = self.failed.pop_front() {
            if let Err(error) = self.apply(&op) {
                self.failed.push_front(op);
                return Err(error);
            }
        }
        self.flush()
    }

    /// Does the flushes that were put off. Until then nothing leaves the process that knows of them.
    fn flush(&mut self) -> io::Result<()> {
        while let Some(path) = self.wanted.first().cloned() {
            let result = match self.open.get(&path) {
                Some(file) => file.sync_data(),
                None => File::open(&path).and_then(|file| file.sync_all()),
            };
            match result {
                // Deleted or renamed since: there is nothing to flush.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
            self.wanted.remove(&path);
            self.dirty.remove(&path);
        }
        Ok(())
    }

    fn apply(&mut self, op: &DiskOp) -> io::Result<()> {
        match op {
            DiskOp::Append { file, bytes } => {
                let path = self.path.join(&**file);
                let file = self.file(&path)?;
                let before = file.metadata()?.len();
                if let Err(error) = file.write_all(bytes) {
                    // The whole piece is written again later.
                    let _ = file.set_len(before);
                    return Err(error);
                }
                self.dirty.insert(path);
            }
            DiskOp::Flush { files } => self.wanted.extend(files.iter().map(|file| self.path.join(&**file))),
            DiskOp::Replace { file, bytes } => {
                // A checkpoint must not be durable before what it speaks of.
                self.flush()?;
                let path = self.path.join(&**file);
                self.parent(&path)?;
                let temporary = PathBuf::from(format!("{}{TEMPORARY}", path.display()));
                let mut new = File::create(&temporary)?;
                new.write_all(bytes)?;
                new.sync_data()?;
                self.forget(&path);
                fs::rename(&temporary, &path)?;
                self.wanted.extend(path.parent().map(Path::to_path_buf));
            }
            DiskOp::Truncate { file, len } => {
                let path = self.path.join(&**file);
                self.file(&path)?.set_len(*len)?;
                self.wanted.insert(path);
            }
            DiskOp::Rename { from, to } => {
                self.flush()?;
                let (from, to) = (self.path.join(&**from), self.path.join(&**to));
                self.forget(&from);
                self.forget(&to);
                self.parent(&to)?;
                match fs::rename(&from, &to) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    result => result?,
                }
                self.wanted.extend(to.parent().map(Path::to_path_buf));
            }
            DiskOp::Delete { path } => {
                let path = self.path.join(&**path);
                self.forget(&path);
                let result = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                match result {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    result => result?,
                }
            }
            DiskOp::Read { .. } => {}
        }
        Ok(())
    }

    fn parent(&mut self, path: &Path) -> io::Result<()> {
        if let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) {
            fs::create_dir_all(parent)?;
            self.wanted.extend(parent.parent().map(Path::to_path_buf));
        }
        Ok(())
    }

    /// The file, open for writing at its end.
    fn file(&mut self, path: &Path) -> io::Result<&mut File> {
        if !self.open.contains_key(path) {
            self.parent(path)?;
            if !path.exists() {
                self.wanted.extend(path.parent().map(Path::to_path_buf));
            }
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            if self.open.len() >= OPEN_FILES {
                self.open.pop_first();
            }
            self.open.insert(path.to_path_buf(), file);
        }
        self.open.get_mut(path).ok_or_else(|| io::Error::other("the file was not kept open"))
    }

    /// Lets go of a file, or of all below a directory.
    fn forget(&mut self, path: &Path) {
        self.open.retain(|open, _| !open.starts_with(path));
        self.dirty.retain(|dirty| !dirty.starts_with(path));
        self.wanted.retain(|wanted| !wanted.starts_with(path));
    }
}

/// How often the directory was opened before; that it was opened now is durable before anything is drawn. Without a
/// count a directory that holds a cluster was opened at least once.
fn count_boot(path: &Path, holds: bool) -> io::Result<u64> {
    let file = path.join(BOOTS);
    let boot = match fs::read_to_string(&file) {
        Ok(text) => text.trim().parse().map_err(|_| {
            let what =
                format!("{BOOTS} holds \"{}\", which is no number of starts", text.trim().escape_debug());
            io::Error::new(io::ErrorKind::InvalidData, what)
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => u64::from(holds),
        Err(error) => return Err(error),
    };
    let temporary = path.join(format!("{BOOTS}{TEMPORARY}"));
    let mut new = File::create(&temporary)?;
    writeln!(new, "{}", boot.saturating_add(1))?;
    new.sync_data()?;
    fs::rename(&temporary, &file)?;
    File::open(path)?.sync_all()?;
    Ok(boot)
}

/// Reads the files below a directory. All count as durable: what the machine lost before is not in them.
fn load(dir: &Path, prefix: &str, disk: &mut Disk) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            load(&entry.path(), &format!("{name}/"), disk)?;
        } else if name.ends_with(TEMPORARY) {
            fs::remove_file(entry.path())?;
        } else if name != LOCK {
            let bytes = fs::read(entry.path())?;
            disk.insert(name.into(), DiskFile::new(bytes.into(), u64::MAX));
        }
    }
    Ok(())
}
