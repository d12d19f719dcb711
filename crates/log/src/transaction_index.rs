//! The aborted transactions of one segment: its `.txnindex` (org.apache.kafka.storage.internals.log.TransactionIndex).
//!
//! A consumer of committed transactions reads aborted records too, for they stand among the others, and has to be told
//! which ones to pass over. A transaction's entry stands in the segment of its marker. Each has the last stable offset
//! as it was with the marker: nothing below that offset is aborted later, so a search that meets one at or above the
//! end of what is read is complete, and goes no further.

use blumfeld_kernel::{DiskOp, FilePath, Outbox};
use bytes::Bytes;

/// Bytes of an entry.
const ENTRY: usize = 34;
/// The version of entries.
const VERSION: i16 = 0;

/// A transaction that was aborted (AbortedTxn).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AbortedTxn {
    /// Who began it.
    pub producer_id: i64,
    /// Offset of its first record.
    pub first_offset: i64,
    /// Offset of its marker.
    pub last_offset: i64,
    /// The last stable offset once it was aborted.
    pub last_stable_offset: i64,
}

impl AbortedTxn {
    fn encode(&self) -> [u8; ENTRY] {
        let mut out = [0; ENTRY];
        out[..2].copy_from_slice(&VERSION.to_be_bytes());
        let fields = [self.producer_id, self.first_offset, self.last_offset, self.last_stable_offset];
        for (place, field) in out[2..].chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_be_bytes());
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<AbortedTxn> {
        let (version, rest) = bytes.split_first_chunk::<2>()?;
        if i16::from_be_bytes(*version) != VERSION {
            return None;
        }
        let mut fields = rest.chunks_exact(8).map(|field| field.try_into().map(i64::from_be_bytes));
        let mut next = || fields.next()?.ok();
        Some(AbortedTxn {
            producer_id: next()?,
            first_offset: next()?,
            last_offset: next()?,
            last_stable_offset: next()?,
        })
    }
}

/// A segment's aborted transactions in the order of their markers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionIndex {
    entries: Vec<AbortedTxn>,
}

impl TransactionIndex {
    /// Reads the file of a segment that begins at `base_offset`; nothing if it is damaged (sanityCheck).
    pub fn load(base_offset: i64, bytes: &[u8]) -> Option<TransactionIndex> {
        let chunks = bytes.chunks_exact(ENTRY);
        if !chunks.remainder().is_empty() {
            return None;
        }
        let entries: Vec<AbortedTxn> = chunks.map(AbortedTxn::decode).collect::<Option<_>>()?;
        let ordered = entries.is_sorted_by_key(|entry| entry.last_offset);
        (ordered && entries.iter().all(|entry| entry.last_offset >= base_offset))
            .then_some(TransactionIndex { entries })
    }

    /// Its entries, in the order of their markers.
    pub fn entries(&self) -> &[AbortedTxn] {
        &self.entries
    }

    /// Whether there are none. Such an index has no file.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Bytes {
        self.entries.iter().flat_map(AbortedTxn::encode).collect()
    }

    /// Adds an entry. The file begins to exist with the first.
    pub(crate) fn append(&mut self, out: &mut Outbox<'_>, file: &FilePath, entry: AbortedTxn) {
        self.entries.push(entry);
        out.disk(DiskOp::Append { file: file.clone(), bytes: Bytes::copy_from_slice(&entry.encode()) });
    }

    /// The same in memory alone.
    pub(crate) fn recover(&mut self, entry: AbortedTxn) {
        self.entries.push(entry);
    }

    /// Drops what was aborted at or above `offset`.
    pub(crate) fn truncate_to(&mut self, out: &mut Outbox<'_>, file: &FilePath, offset: i64) {
        let kept = self.entries.partition_point(|entry| entry.last_offset < offset);
        if kept < self.entries.len() {
            self.entries.truncate(kept);
            out.disk(DiskOp::Truncate { file: file.clone(), len: (kept * ENTRY) as u64 });
        }
    }

    /// Adds the transactions that have records between `from` and `upper` to `found`. Gives whether none of a later
    /// segment can have (collectAbortedTxns).
    pub(crate) fn collect(&self, from: i64, upper: i64, found: &mut Vec<AbortedTxn>) -> bool {
        for entry in &self.entries {
            if entry.last_offset >= from && entry.first_offset < upper {
                found.push(*entry);
            }
            if entry.last_stable_offset >= upper {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aborted(producer_id: i64, first_offset: i64, last_offset: i64, last_stable_offset: i64) -> AbortedTxn {
        AbortedTxn { producer_id, first_offset, last_offset, last_stable_offset }
    }

    #[test]
    fn a_file_is_read_back_and_one_that_is_damaged_is_none() {
        let index = TransactionIndex { entries: vec![aborted(1, 0, 10, 11), aborted(2, 5, 20, 21)] };
        let bytes = index.to_bytes();
        assert_eq!(bytes.len(), 68);
        assert_eq!(TransactionIndex::load(0, &bytes), Some(index.clone()));
        assert_eq!(TransactionIndex::load(10, &bytes), Some(index));
        assert_eq!(TransactionIndex::load(11, &bytes), None, "before its segment");
        assert_eq!(TransactionIndex::load(0, &bytes[1..]), None, "cut");
        let mut newer = bytes.to_vec();
        newer[1] = 1;
        assert_eq!(TransactionIndex::load(0, &newer), None, "a version that is not known");
        let back = [&bytes[34..], &bytes[..34]].concat();
        assert_eq!(TransactionIndex::load(0, &back), None, "out of order");
    }

    #[test]
    fn a_search_finds_what_overlaps_and_ends_where_nothing_more_can() {
        let index = TransactionIndex {
            entries: vec![aborted(1, 0, 10, 5), aborted(2, 5, 20, 12), aborted(3, 12, 30, 31)],
        };
        for (from, upper, want, complete) in [
            (0, 100, vec![1, 2, 3], false),
            (0, 6, vec![1, 2], true),
            (0, 5, vec![1], true),
            (11, 12, vec![2], true),
            (21, 31, vec![3], true),
            (31, 40, vec![], false),
        ] {
            let mut found = Vec::new();
            let whole = index.collect(from, upper, &mut found);
            let ids: Vec<i64> = found.iter().map(|one| one.producer_id).collect();
            assert_eq!((ids, whole), (want, complete), "{from}..{upper}");
        }
    }
}
