//! The batches of one `.log` file, with where each stands.

use blumfeld_kernel::Pile;
use blumfeld_protocol::record_batch::Batch;

/// A batch at its place.
#[derive(Clone, Debug)]
pub struct Placed {
    /// First byte in the file.
    pub position: u32,
    /// The batch.
    pub batch: Batch,
}

/// The batches of a file, one after the other. Their bytes are shared with the page cache that wrote or read them.
#[derive(Clone, Debug, Default)]
pub struct FileRecords {
    batches: Pile<Placed>,
    size: u32,
}

impl FileRecords {
    /// Bytes of all batches.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Adds a batch at the end; gives its position.
    pub fn append(&mut self, batch: Batch) -> u32 {
        let position = self.size;
        self.size += u32::try_from(batch.size()).unwrap_or(u32::MAX);
        self.batches.push(Placed { position, batch });
        position
    }

    /// The batches that begin at `position` or after it.
    pub fn starting_at(&self, position: u32) -> impl DoubleEndedIterator<Item = &Placed> + Clone {
        self.batches.iter_from(self.batches.partition_point(|placed| placed.position < position))
    }

    /// Those of them whose last offset is at or above `offset`.
    pub fn reaching(&self, position: u32, offset: i64) -> impl DoubleEndedIterator<Item = &Placed> + Clone {
        let within = |placed: &Placed| placed.position < position || placed.batch.last_offset() < offset;
        self.batches.iter_from(self.batches.partition_point(within))
    }

    /// All batches.
    pub fn all(&self) -> &Pile<Placed> {
        &self.batches
    }

    /// Drops the batches whose last offset is at or above `offset`; gives the length that is left. A batch goes whole:
    /// its bytes are under one checksum.
    pub fn truncate_to(&mut self, offset: i64) -> u32 {
        let keep = self.batches.partition_point(|placed| placed.batch.last_offset() < offset);
        if let Some(first_cut) = self.batches.get(keep) {
            self.size = first_cut.position;
            self.batches.truncate(keep);
        }
        self.size
    }
}
