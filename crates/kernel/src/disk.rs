//! A machine's disk with its page cache: what has been written, and how much of it is durable.
//!
//! An append is there at once, for this process and for the next one on the same machine (the page cache); a flush
//! makes it durable. A killed process loses nothing that it wrote; a power cut loses what was not flushed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::{Instant, Pile};

/// A file's path below the node's log directory: `orders-0/00000000000000000000.log`.
pub type FilePath = Arc<str>;

/// What a node can do to its disk.
#[derive(Clone, Debug)]
pub enum DiskOp {
    /// Write at the end of a file, which begins to exist if it did not. In the page cache at once.
    Append {
        /// The file.
        file: FilePath,
        /// What to write.
        bytes: Bytes,
    },
    /// Make everything written to these files so far durable (fsync).
    Flush {
        /// The files.
        files: Vec<FilePath>,
    },
    /// Replace a file's whole content at one stroke and durably: write a temporary file, fsync, rename.
    Replace {
        /// The file.
        file: FilePath,
        /// Its new content.
        bytes: Bytes,
    },
    /// Cut a file to a length, durably.
    Truncate {
        /// The file.
        file: FilePath,
        /// What is left, in bytes.
        len: u64,
    },
    /// Rename a file, or a directory with all that it holds, durably.
    Rename {
        /// From.
        from: FilePath,
        /// To.
        to: FilePath,
    },
    /// Delete a file, or a directory with all that it holds, durably.
    Delete {
        /// The file.
        path: FilePath,
    },
    /// Read bytes, which the disk has to bring unless they are in the page cache. A node has the bytes at hand already:
    /// this is what it costs.
    Read {
        /// The file.
        file: FilePath,
        /// First byte.
        from: u64,
        /// How many bytes.
        len: u64,
    },
}

/// Why a disk did not do what it was told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskError {
    /// No space is left; the text says what was full.
    Full(Arc<str>),
    /// The device failed; the text is its own.
    Io(Arc<str>),
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(what) => write!(f, "no space left on device: {what}"),
            Self::Io(what) => write!(f, "input/output error: {what}"),
        }
    }
}

impl std::error::Error for DiskError {}

/// A file: pieces as they were written, shared by all that hold them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Each with the place of its first byte. None is empty.
    pieces: Pile<(u64, Bytes)>,
    len: u64,
    durable: u64,
    /// Whether a power cut leaves the file itself, be it empty: it was flushed once.
    stays: bool,
    dirty_since: Option<Instant>,
}

impl File {
    /// A file of these bytes, of which the first `durable` are durable. An empty one stays.
    pub fn new(bytes: Bytes, durable: u64) -> File {
        let mut file = File::default();
        file.append(bytes);
        file.stays = durable > 0 || file.is_empty();
        file.make_up_to(durable);
        file
    }

    /// Its length in bytes, the page cache included.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many of its first bytes a power cut leaves.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// Since when it has had bytes that are not durable, if the writer keeps time; `None` while all are.
    pub fn dirty_since(&self) -> Option<Instant> {
        self.dirty_since.filter(|_| self.durable < self.len)
    }

    /// Notes since when it has had dirty bytes.
    pub fn set_dirty_since(&mut self, since: Instant) {
        self.dirty_since = Some(since);
    }

    /// Writes at the end.
    pub fn append(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            let at = self.len;
            self.len += bytes.len() as u64;
            self.pieces.push((at, bytes));
        }
    }

    /// Makes the first `len` bytes durable, and that there is a file.
    pub fn make_durable(&mut self, len: u64) {
        self.stays = true;
        self.make_up_to(len);
    }

    fn make_up_to(&mut self, len: u64) {
        self.durable = self.durable.max(len.min(self.len));
        self.dirty_since = self.dirty_since();
    }

    /// Cuts it to `len` bytes.
    pub fn truncate(&mut self, len: u64) {
        while self.len > len {
            let Some((at, mut last)) = self.pieces.pop() else { break };
            self.len = at;
            if at < len {
                last.truncate(usize::try_from(len - at).unwrap_or(usize::MAX));
                self.append(last);
            }
        }
        self.durable = self.durable.min(self.len);
        self.dirty_since = self.dirty_since();
    }

    /// Makes the last `len` bytes zero, as sectors are that the device had no time to write.
    pub fn zero_tail(&mut self, len: u64) {
        let kept = self.len.saturating_sub(len);
        let mut bytes = BytesMut::from(&self.read_all()[..]);
        let kept = usize::try_from(kept).unwrap_or(usize::MAX).min(bytes.len());
        bytes[kept..].fill(0);
        self.pieces = Pile::from_iter([(0, bytes.freeze())]);
    }

    /// Changes one byte, as a torn or rotten sector does. Nothing happens past the end.
    pub fn corrupt(&mut self, at: u64, flip: u8) {
        let mut bytes = BytesMut::from(&self.read_all()[..]);
        if let Some(byte) = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at)) {
            *byte ^= flip;
        }
        self.pieces = Pile::from_iter([(0, bytes.freeze())]);
    }

    /// Its whole content; copied only if it was written in more than one piece.
    pub fn read_all(&self) -> Bytes {
        self.read(0, self.len)
    }

    /// Up to `len` bytes from `from` on; fewer at the end of the file.
    pub fn read(&self, from: u64, len: u64) -> Bytes {
        let end = from.saturating_add(len).min(self.len);
        if from >= end {
            return Bytes::new();
        }
        let mut parts: Vec<Bytes> = self.pieces(from, end).collect();
        match parts.len() {
            1 => parts.remove(0),
            _ => parts.concat().into(),
        }
    }

    /// The bytes from `from` up to and without `to`, or to the end of the file, in the pieces in which they were
    /// written.
    pub fn pieces(&self, from: u64, to: u64) -> impl Iterator<Item = Bytes> {
        let first = match to > from {
            true => self.pieces.partition_point(|(at, piece)| at + piece.len() as u64 <= from),
            false => self.pieces.len(),
        };
        let within = self.pieces.iter_from(first).take_while(move |(at, _)| *at < to);
        within.map(move |(at, piece)| {
            let place =
                |byte: u64| usize::try_from(byte.saturating_sub(*at)).unwrap_or(usize::MAX).min(piece.len());
            if from <= *at && to >= at + piece.len() as u64 {
                return piece.clone();
            }
            piece.slice(place(from)..place(to))
        })
    }

    /// How many bytes from `from` on, up to `to`, another file has at the same place. Pieces that are the same memory
    /// are not looked at byte by byte.
    pub fn shared_with(&self, other: &File, from: u64, to: u64) -> u64 {
        let (mut ours, mut theirs) = (self.pieces(from, to), other.pieces(from, to));
        let (mut one, mut two, mut same) = (Bytes::new(), Bytes::new(), 0);
        loop {
            if one.is_empty() {
                let Some(next) = ours.next() else { return same };
                one = next;
            }
            if two.is_empty() {
                let Some(next) = theirs.next() else { return same };
                two = next;
            }
            let len = one.len().min(two.len());
            let (left, right) = (one.split_to(len), two.split_to(len));
            if left.as_ptr() != right.as_ptr() && left != right {
                let equal = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
                return same + equal as u64;
            }
            same += len as u64;
        }
    }
}

/// The files of one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    files: BTreeMap<FilePath, File>,
}

impl Disk {
    /// The file at `path`.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// The file at `path`, to change it; it begins to exist if it did not.
    pub fn file_mut(&mut self, path: &FilePath) -> &mut File {
        self.files.entry(path.clone()).or_default()
    }

    /// The whole content of the file at `path`.
    pub fn read(&self, path: &str) -> Option<Bytes> {
        self.files.get(path).map(File::read_all)
    }

    /// All files in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&FilePath, &File)> {
        self.files.iter()
    }

    /// The files whose path begins with `prefix`, in order.
    pub fn files_below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a FilePath, &'a File)> {
        self.files
            .range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(prefix))
    }

    /// Puts a file.
    pub fn insert(&mut self, path: FilePath, file: File) {
        self.files.insert(path, file);
    }

    /// Deletes a file, or a directory with all that it holds.
    pub fn delete(&mut self, path: &str) {
        if self.files.remove(path).is_none() {
            self.files.retain(|file, _| !is_below(file, path));
        }
    }

    /// Renames a file, or a directory with all that it holds. What stood at the new place is replaced.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(file) = self.files.remove(from) {
            self.files.insert(to.into(), file);
            return;
        }
        let moved: Vec<FilePath> = self.files.keys().filter(|path| is_below(path, from)).cloned().collect();
        for path in moved {
            if let Some(file) = self.files.remove(&path) {
                self.files.insert(format!("{to}{}", &path[from.len()..]).into(), file);
            }
        }
    }

    /// Does one operation at once, as the page cache sees it. A flush makes all that was written so far durable;
    /// a caller that wants it to take time makes files durable itself.
    pub fn apply(&mut self, op: &DiskOp) {
        match op {
            DiskOp::Append { file, bytes } => self.file_mut(file).append(bytes.clone()),
            DiskOp::Flush { files } => {
                for file in files {
                    if let Some(file) = self.files.get_mut(file) {
                        file.make_durable(u64::MAX);
                    }
                }
            }
            DiskOp::Replace { file, bytes } => {
                self.files.insert(file.clone(), File::new(bytes.clone(), u64::MAX));
            }
            DiskOp::Truncate { file, len } => self.file_mut(file).truncate(*len),
            DiskOp::Rename { from, to } => self.rename(from, to),
            DiskOp::Delete { path } => self.delete(path),
            DiskOp::Read { .. } => {}
        }
    }

    /// The power goes: every file keeps its durable bytes alone. A file that was never flushed is gone.
    pub fn power_cut(&mut self) {
        self.files.retain(|_, file| {
            file.truncate(file.durable);
            file.stays
        });
    }

    /// Bytes of all files, the page cache included.
    pub fn total_len(&self) -> u64 {
        self.files.values().map(File::len).sum()
    }
}

fn is_below(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_cut_leaves_what_was_flushed() {
        let mut disk = Disk::default();
        let path: FilePath = "t-0/0.log".into();
        disk.file_mut(&path).append(Bytes::from_static(b"abc"));
        disk.file_mut(&path).make_durable(3);
        disk.file_mut(&path).append(Bytes::from_static(b"defg"));
        disk.file_mut(&"t-1/0.log".into()).append(Bytes::from_static(b"never"));
        disk.file_mut(&"t-2/0.log".into()).make_durable(u64::MAX);
        assert_eq!(disk.read("t-0/0.log").unwrap(), "abcdefg");
        assert_eq!(disk.file(&path).unwrap().read(2, 3), "cde");
        disk.power_cut();
        assert_eq!(disk.read("t-0/0.log").unwrap(), "abc");
        assert_eq!(disk.file("t-1/0.log"), None);
        assert_eq!(disk.read("t-2/0.log").unwrap(), "", "it was flushed, though nothing stood in it");
    }

    #[test]
    fn directories_move_and_go_whole() {
        let mut disk = Disk::default();
        for path in ["a-0/x", "a-0/y", "a-01/x"] {
            disk.insert(path.into(), File::new(Bytes::from_static(b"1"), 0));
        }
        disk.rename("a-0", "a-0.deleted");
        assert_eq!(
            disk.files().map(|(p, _)| &**p).collect::<Vec<_>>(),
            ["a-0.deleted/x", "a-0.deleted/y", "a-01/x"]
        );
        disk.delete("a-0.deleted");
        assert_eq!(disk.files_below("a-0").count(), 1);
    }

    #[test]
    fn a_file_that_was_durable_is_dirty_from_its_next_byte_on() {
        let mut file = File::new(Bytes::from_static(b"abc"), 0);
        file.set_dirty_since(Instant::from_micros(5));
        file.make_durable(2);
        assert_eq!(file.dirty_since(), Some(Instant::from_micros(5)));
        file.make_durable(3);
        file.append(Bytes::from_static(b"d"));
        assert_eq!(file.dirty_since(), None, "nobody has said since when");
    }

    #[test]
    fn files_share_what_is_the_same_from_a_place_on() {
        let whole = File::new(Bytes::from_static(b"abcdefgh"), 0);
        let mut pieces = File::default();
        for piece in [&b"ab"[..], b"cde", b"fxh"] {
            pieces.append(Bytes::from_static(piece));
        }
        for (from, to, same) in [(0, 8, 6), (1, 4, 3), (6, 8, 0), (7, 8, 1), (5, 5, 0), (9, 20, 0)] {
            assert_eq!(whole.shared_with(&pieces, from, to), same, "{from}..{to}");
            assert_eq!(pieces.shared_with(&whole, from, to), same, "{from}..{to}");
            assert_eq!(whole.shared_with(&whole.clone(), from, to), to.min(8).saturating_sub(from));
        }
        assert_eq!(pieces.pieces(1, 7).collect::<Vec<_>>(), ["b", "cde", "fx"]);
    }

    #[test]
    fn truncate_cuts_inside_a_piece() {
        let mut file = File::new(Bytes::from_static(b"abc"), 3);
        file.append(Bytes::from_static(b"def"));
        file.truncate(4);
        assert_eq!((file.read_all(), file.len(), file.durable()), (Bytes::from_static(b"abcd"), 4, 3));
        file.truncate(1);
        assert_eq!((file.read_all(), file.durable()), (Bytes::from_static(b"a"), 1));
    }
}
