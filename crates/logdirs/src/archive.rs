//! Archives as files: `.tar`, `.tar.gz` and `.zip`, told by their bytes and not by their names.
//!
//! An archive says of itself how much comes out of it, and may lie. So what comes out is counted as it comes, and
//! stops at a limit; names that would leave their folder are refused, links are not followed, and an archive in an
//! archive stays a file.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use rawzip::{CompressionMethod, ZipArchive};

use crate::problem::Problem;
use crate::tree::Files;

/// How much may come out of what was dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of all files.
    pub bytes: u64,
    /// Files.
    pub files: usize,
}

impl Default for Limits {
    /// What a page has room for.
    fn default() -> Limits {
        Limits { bytes: 512 * 1024 * 1024, files: 50_000 }
    }
}

/// Where `ustar` stands in the first header of a tar.
const USTAR: std::ops::Range<usize> = 257..262;

/// Adds a file that was dropped, or what is in it if it is an archive: below a folder of the archive's name.
///
/// # Errors
/// The archive is damaged, or something of it cannot be taken.
pub fn unpack(path: &str, bytes: Bytes, files: &mut Files) -> Result<(), Problem> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return unzip(path, &bytes, files);
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return untar(path, MultiGzDecoder::new(&bytes[..]), files);
    }
    if bytes.get(USTAR).is_some_and(|magic| magic == b"ustar") {
        return untar(path, &bytes[..], files);
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if [".tar", ".tar.gz", ".tgz", ".zip"].iter().any(|end| name.ends_with(end)) {
        return Err(Problem::NotAnArchive { name: path.to_owned() });
    }
    files.add(path, bytes)
}

fn damaged(archive: &str, what: impl ToString) -> Problem {
    Problem::Damaged { archive: archive.to_owned(), what: what.to_string() }
}

fn untar(archive: &str, reader: impl Read, files: &mut Files) -> Result<(), Problem> {
    let mut tar = tar::Archive::new(reader);
    for entry in tar.entries().map_err(|error| damaged(archive, error))? {
        let mut entry = entry.map_err(|error| damaged(archive, error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        let path = below(archive, &name)?;
        if !kind.is_file() && !kind.is_contiguous() && !kind.is_gnu_sparse() {
            return Err(Problem::Link { archive: archive.to_owned(), path: name });
        }
        let size = entry.size();
        let bytes = take(&mut entry, files.room()).map_err(|error| damaged(archive, error))?;
        // The reader of an archive that was cut ends early and says nothing.
        if bytes.len() as u64 != size && bytes.len() as u64 <= files.room() {
            return Err(Problem::Truncated { archive: archive.to_owned(), path: name });
        }
        files.add(&path, bytes)?;
    }
    Ok(())
}

fn unzip(archive: &str, bytes: &Bytes, files: &mut Files) -> Result<(), Problem> {
    let zip = ZipArchive::from_slice(&bytes[..]).map_err(|error| damaged(archive, error))?;
    let (mut entries, mut seen) = (zip.entries(), 0_u64);
    while let Some(entry) = entries.next_entry().map_err(|error| damaged(archive, error))? {
        seen += 1;
        let name = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
        if entry.is_dir() {
            continue;
        }
        let path = below(archive, &name)?;
        let method = entry.compression_method();
        let local = zip.get_entry(entry.wayfinder()).map_err(|error| damaged(archive, error))?;
        let room = files.room();
        let content = match method {
            CompressionMethod::STORE => take(&mut local.verifying_reader(local.data()), room),
            CompressionMethod::DEFLATE => {
                take(&mut local.verifying_reader(DeflateDecoder::new(local.data())), room)
            }
            _ => return Err(Problem::Method { archive: archive.to_owned(), path: name }),
        };
        files.add(&path, content.map_err(|error| damaged(archive, error))?)?;
    }
    if seen < zip.entries_hint() {
        return Err(Problem::Truncated { archive: archive.to_owned(), path: String::new() });
    }
    Ok(())
}

/// Reads to the end, or to one byte more than there is room for.
fn take(reader: &mut impl Read, room: u64) -> io::Result<Bytes> {
    let mut bytes = Vec::new();
    reader.take(room.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// A name of an archive as a path below the archive; one that leads elsewhere is refused.
fn below(archive: &str, name: &str) -> Result<String, Problem> {
    let wrong = || Problem::BadName { archive: archive.to_owned(), path: name.to_owned() };
    if name.starts_with('/') || name.contains(['\\', '\0']) {
        return Err(wrong());
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() || parts.contains(&"..") {
        return Err(wrong());
    }
    Ok(format!("{archive}/{}", parts.join("/")))
}
