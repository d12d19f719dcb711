//! `.index`: offset to position (org.apache.kafka.storage.internals.log.OffsetIndex). Eight bytes an entry: the offset
//! less the segment's base offset, and the position in the `.log` of the batch that holds it.

use blumfeld_kernel::Pile;
use bytes::Bytes;

/// Bytes of an entry.
pub const ENTRY_SIZE: u32 = 8;

/// A sparse index; entries go up in offset and in position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetIndex {
    base_offset: i64,
    entries: Pile<(u32, u32)>,
    max_entries: u32,
}

impl OffsetIndex {
    /// An empty index of a segment that begins at `base_offset`, of at most `max_bytes`.
    pub fn new(base_offset: i64, max_bytes: u32) -> OffsetIndex {
        OffsetIndex { base_offset, entries: Pile::default(), max_entries: max_bytes / ENTRY_SIZE }
    }

    /// The index of a file. `None` where the file is no index: a length that is no multiple of eight, or entries that
    /// do not go up.
    pub fn load(base_offset: i64, max_bytes: u32, file: &[u8]) -> Option<OffsetIndex> {
        let mut index = OffsetIndex::new(base_offset, max_bytes);
        let (entries, rest) = file.as_chunks::<8>();
        if !rest.is_empty() {
            return None;
        }
        for [a, b, c, d, e, f, g, h] in entries {
            let entry = (u32::from_be_bytes([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h]));
            if index.entries.last().is_some_and(|last| entry.0 <= last.0 || entry.1 <= last.1) {
                return None;
            }
            index.entries.push(entry);
        }
        Some(index)
    }

    /// Adds an entry and gives its bytes; `None` if the index is full, the offset is not above the last one, or it is
    /// more than 2³¹ past the base offset.
    pub fn append(&mut self, offset: i64, position: u32) -> Option<Bytes> {
        let relative =
            u32::try_from(offset.checked_sub(self.base_offset)?).ok().filter(|r| *r <= i32::MAX as u32)?;
        if self.is_full() || self.entries.last().is_some_and(|last| relative <= last.0) {
            return None;
        }
        self.entries.push((relative, position));
        Some(encode((relative, position)))
    }

    /// Whether no more entries fit.
    pub fn is_full(&self) -> bool {
        self.len() >= self.max_entries
    }

    /// Number of entries.
    pub fn len(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Position of the last entry whose offset is not above `offset`; 0 if there is none.
    pub fn lookup(&self, offset: i64) -> u32 {
        let after = self.entries.partition_point(|entry| self.base_offset + i64::from(entry.0) <= offset);
        after.checked_sub(1).and_then(|at| self.entries.get(at)).map_or(0, |entry| entry.1)
    }

    /// Drops the entries at and above `offset`; gives the length of the file that is left.
    pub fn truncate_to(&mut self, offset: i64) -> u64 {
        let keep = self.entries.partition_point(|entry| self.base_offset + i64::from(entry.0) < offset);
        self.entries.truncate(keep);
        keep as u64 * u64::from(ENTRY_SIZE)
    }

    /// Entries as offset and position.
    pub fn entries(&self) -> impl Iterator<Item = (i64, u32)> {
        self.entries.iter().map(|(relative, position)| (self.base_offset + i64::from(*relative), *position))
    }

    /// The whole file.
    pub fn to_bytes(&self) -> Bytes {
        self.entries.iter().flat_map(|&entry| encode(entry)).collect()
    }
}

fn encode((relative, position): (u32, u32)) -> Bytes {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&relative.to_be_bytes());
    bytes[4..].copy_from_slice(&position.to_be_bytes());
    Bytes::copy_from_slice(&bytes)
}
