//! `import` and `export`: data directories out of log directories of Apache Kafka's, and back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use blumfeld_broker::BrokerConfig;
use blumfeld_kernel::Disk;
use blumfeld_logdirs::{Files, Limits, Problem, open, unpack};

use crate::args::{Export, Import};
use crate::clock::{entropy, unix_ms};
use crate::data_dir::DataDir;
use crate::server::ServeError;

/// A disk has more room than a page.
const LIMITS: Limits = Limits { bytes: 64 * 1024 * 1024 * 1024, files: 1_000_000 };
/// What is written before it becomes the brokers' folders; one that is found was not finished.
const UNFINISHED: &str = ".import";

fn folder(id: i32) -> String {
    format!("broker-{id}")
}

/// Makes a data directory of what lies at some paths, and says what was done. Either all of it is there afterwards, or
/// nothing.
///
/// # Errors
/// What is wrong with the files, one line each; or they cannot be read or written.
pub fn import(args: &Import) -> Result<(), ServeError> {
    let dir = &args.data_dir;
    let in_dir = |error| ServeError::DataDir(dir.display().to_string(), error);
    let (data, stored) = DataDir::open(dir).map_err(in_dir)?;
    if !stored.is_empty() {
        return Err(in_dir(io::Error::other("a cluster is in it already")));
    }
    let mut files = Files::new(LIMITS);
    for path in &args.paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        gather(path, &name, &mut files)?;
    }
    let opened = open(&files, entropy(), unix_ms()).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        ServeError::Usage(lines.join("\n"))
    })?;
    let unfinished = dir.join(UNFINISHED);
    write_all(&unfinished, &opened.disks)
        .and_then(|()| {
            let mut ids = opened.disks.keys();
            ids.try_for_each(|id| fs::rename(unfinished.join(folder(*id)), dir.join(folder(*id))))
        })
        .and_then(|()| fs::remove_dir(&unfinished))
        .and_then(|()| fs::File::open(dir)?.sync_all())
        .map_err(in_dir)?;
    drop(data);
    opened.sentences().iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// Adds a file, an archive, or all that a folder holds.
fn gather(path: &Path, name: &str, files: &mut Files) -> Result<(), ServeError> {
    let said = |problem: Problem| ServeError::Usage(problem.to_string());
    let failed = |error| ServeError::Io(io::Error::other(format!("{}: {error}", path.display())));
    if !path.is_dir() {
        let bytes = fs::read(path).map_err(failed)?;
        return unpack(name, bytes.into(), files).map_err(said);
    }
    let mut below: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        below.push(entry.map_err(failed)?.path());
    }
    below.sort();
    for path in below {
        let name = format!("{name}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            gather(&path, &name, files)?;
        } else {
            files.add(&name, fs::read(&path).map_err(failed)?.into()).map_err(said)?;
        }
    }
    Ok(())
}

fn write_all(dir: &Path, disks: &BTreeMap<i32, Disk>) -> io::Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    for (id, disk) in disks {
        for (path, file) in disk.files() {
            let path = dir.join(folder(*id)).join(&**path);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&path, file.read_all())?;
            fs::File::open(&path)?.sync_all()?;
        }
    }
    Ok(())
}

/// Packs log directories.
///
/// # Errors
/// The data directory cannot be opened, a broker is not in it, or the archive cannot be written.
pub fn export(args: &Export) -> Result<(), ServeError> {
    let in_dir = |error| ServeError::DataDir(args.data_dir.display().to_string(), error);
    let (_lock, disks) = DataDir::open(&args.data_dir).map_err(in_dir)?;
    let brokers = BrokerConfig::combined(i32::try_from(disks.len()).unwrap_or(i32::MAX), 0);
    let chosen: BTreeMap<i32, &Disk> = (disks.iter())
        .map(|(node, disk)| (node.0, disk))
        .filter(|(id, _)| args.broker.is_none_or(|broker| broker == *id))
        .collect();
    if chosen.is_empty() {
        let what = args
            .broker
            .map_or_else(|| "no broker is in it".to_owned(), |id| format!("broker {id} is not in it"));
        return Err(in_dir(io::Error::other(what)));
    }
    let exported = blumfeld_logdirs::export(&brokers, &chosen, unix_ms())?;
    fs::write(&args.out, exported.bytes)?;
    Ok(())
}
