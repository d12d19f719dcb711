//! `.timeindex`: timestamp to offset (org.apache.kafka.storage.internals.log.TimeIndex). Twelve bytes an entry: the
//! largest timestamp so far, and the offset that has it less the segment's base offset.

use blumfeld_kernel::Pile;
use bytes::Bytes;

/// Bytes of an entry.
pub const ENTRY_SIZE: u32 = 12;

/// A sparse index; entries go up in timestamp and in offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeIndex {
    base_offset: i64,
    entries: Pile<(i64, u32)>,
    max_entries: u32,
}

impl TimeIndex {
    /// An empty index of a segment that begins at `base_offset`, of at most `max_bytes`.
    pub fn new(base_offset: i64, max_bytes: u32) -> TimeIndex {
        TimeIndex { base_offset, entries: Pile::default(), max_entries: max_bytes / ENTRY_SIZE }
    }

    /// The index of a file. `None` where the file is no index: a length that is no multiple of twelve, or entries that
    /// go down.
    pub fn load(base_offset: i64, max_bytes: u32, file: &[u8]) -> Option<TimeIndex> {
        let mut index = TimeIndex::new(base_offset, max_bytes);
        let (entries, rest) = file.as_chunks::<12>();
        if !rest.is_empty() {
            return None;
        }
        for [a, b, c, d, e, f, g, h, i, j, k, l] in entries {
            let timestamp = i64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            let entry = (timestamp, u32::from_be_bytes([*i, *j, *k, *l]));
            if index.entries.last().is_some_and(|last| entry.0 < last.0 || entry.1 < last.1) {
                return None;
            }
            index.entries.push(entry);
        }
        Some(index)
    }

    /// Adds an entry if its timestamp is above the last one's, and gives its bytes. A full index takes one more only
    /// with `skip_full_check`: the entry that closes a segment, for which a place is always kept.
    pub fn maybe_append(&mut self, timestamp: i64, offset: i64, skip_full_check: bool) -> Option<Bytes> {
        let relative =
            u32::try_from(offset.checked_sub(self.base_offset)?).ok().filter(|r| *r <= i32::MAX as u32)?;
        if timestamp <= self.last_timestamp() || (self.is_full() && !skip_full_check) {
            return None;
        }
        self.entries.push((timestamp, relative));
        Some(encode((timestamp, relative)))
    }

    /// Whether no more entries fit but the one that closes the segment.
    pub fn is_full(&self) -> bool {
        self.len() + 1 >= self.max_entries
    }

    /// Number of entries.
    pub fn len(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries as timestamp and offset.
    pub fn entries(&self) -> impl Iterator<Item = (i64, i64)> {
        self.entries.iter().map(|(timestamp, relative)| (*timestamp, self.base_offset + i64::from(*relative)))
    }

    /// Timestamp of the last entry, -1 if there is none.
    pub fn last_timestamp(&self) -> i64 {
        self.entries.last().map_or(-1, |entry| entry.0)
    }

    /// Offset of the last entry whose timestamp is not above `timestamp`; the base offset if there is none. Every
    /// record before that offset is older than `timestamp`.
    pub fn lookup(&self, timestamp: i64) -> i64 {
        let after = self.entries.partition_point(|entry| entry.0 <= timestamp);
        let relative = after.checked_sub(1).and_then(|at| self.entries.get(at)).map_or(0, |entry| entry.1);
        self.base_offset + i64::from(relative)
    }

    /// Drops the entries at and above `offset`; gives the length of the file that is left.
    pub fn truncate_to(&mut self, offset: i64) -> u64 {
        let keep = self.entries.partition_point(|entry| self.base_offset + i64::from(entry.1) < offset);
        self.entries.truncate(keep);
        keep as u64 * u64::from(ENTRY_SIZE)
    }

    /// The whole file.
    pub fn to_bytes(&self) -> Bytes {
        self.entries.iter().flat_map(|&entry| encode(entry)).collect()
    }
}

fn encode((timestamp, relative): (i64, u32)) -> Bytes {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&timestamp.to_be_bytes());
    bytes[8..].copy_from_slice(&relative.to_be_bytes());
    Bytes::copy_from_slice(&bytes)
}
