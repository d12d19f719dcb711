//! A machine's page cache: which blocks of its files are in memory, and what reads found there.
//!
//! The block that was used longest ago goes first. Each use has a number: of a file's blocks the cache knows the last
//! use, and of each use the block, so that the oldest one is found at once.

use std::collections::BTreeMap;

use blumfeld_kernel::FilePath;

/// Bytes of a block: small enough that a cold batch does not warm a whole segment.
pub(crate) const BLOCK: u64 = 64 * 1024;

/// What reads found in a page cache since the machine was switched on.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CacheStats {
    /// Reads that found all their bytes in memory.
    pub hits: u64,
    /// Reads that waited for the disk.
    pub misses: u64,
    /// Bytes that the disk read for them.
    pub bytes_read: u64,
    /// Bytes that went because others needed the room.
    pub bytes_evicted: u64,
}

/// Blocks of files in memory, up to a size.
#[derive(Clone, Debug)]
pub(crate) struct PageCache {
    size: u64,
    /// Of each file's blocks in memory, which use was the last.
    files: BTreeMap<FilePath, BTreeMap<u64, u64>>,
    /// The same by use: the first is the oldest.
    uses: BTreeMap<u64, (FilePath, u64)>,
    next_use: u64,
    stats: CacheStats,
}

impl PageCache {
    /// An empty cache of so many bytes.
    pub(crate) fn new(size: u64) -> PageCache {
        let (files, uses, stats) = (BTreeMap::new(), BTreeMap::new(), CacheStats::default());
        PageCache { size, files, uses, next_use: 0, stats }
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Gives it another size. What does not fit goes.
    pub(crate) fn set_size(&mut self, size: u64) {
        self.size = size;
        self.evict();
    }

    /// What reads found.
    pub(crate) fn stats(&self) -> CacheStats {
        self.stats
    }

    /// Bytes of written blocks are in memory.
    pub(crate) fn written(&mut self, file: &FilePath, from: u64, len: u64) {
        self.touch(file, from, len);
    }

    /// Reads `len` bytes of a file of `end` bytes; gives how many the disk has to bring, in whole blocks.
    pub(crate) fn read(&mut self, file: &FilePath, from: u64, len: u64, end: u64) -> u64 {
        let cold = self.touch(file, from, len);
        let bytes = cold.iter().map(|block| BLOCK.min(end.saturating_sub(block * BLOCK))).sum();
        match cold.is_empty() {
            true => self.stats.hits += 1,
            false => self.stats.misses += 1,
        }
        self.stats.bytes_read += bytes;
        bytes
    }

    /// Marks blocks as used; gives those that were not in memory.
    fn touch(&mut self, file: &FilePath, from: u64, len: u64) -> Vec<u64> {
        let mut cold = Vec::new();
        for block in from / BLOCK..=from.saturating_add(len.saturating_sub(1)) / BLOCK {
            // Many appends go on where the last one ended, and what was used last stays the last.
            if self.uses.last_key_value().is_some_and(|(_, (last, at))| *at == block && last == file) {
                continue;
            }
            let blocks = self.files.entry(file.clone()).or_default();
            match blocks.insert(block, self.next_use) {
                Some(before) => drop(self.uses.remove(&before)),
                None => cold.push(block),
            }
            self.uses.insert(self.next_use, (file.clone(), block));
            self.next_use += 1;
        }
        self.evict();
        cold
    }

    fn evict(&mut self) {
        while self.bytes() > self.size {
            let Some((_, (file, block))) = self.uses.pop_first() else { return };
            self.stats.bytes_evicted += BLOCK;
            if let Some(blocks) = self.files.get_mut(&file) {
                blocks.remove(&block);
                if blocks.is_empty() {
                    self.files.remove(&file);
                }
            }
        }
    }

    /// A file, or what lies from a byte of it on, is gone. The block in which the byte lies stays.
    pub(crate) fn forget(&mut self, file: &FilePath, from: u64) {
        let Some(blocks) = self.files.get_mut(file) else { return };
        for (_, last_use) in blocks.split_off(&from.div_ceil(BLOCK)) {
            self.uses.remove(&last_use);
        }
        if blocks.is_empty() {
            self.files.remove(file);
        }
    }

    /// A file has another name. What stood there is gone.
    pub(crate) fn rename(&mut self, from: &FilePath, to: &FilePath) {
        self.forget(to, 0);
        let Some(blocks) = self.files.remove(from) else { return };
        for (block, last_use) in &blocks {
            self.uses.insert(*last_use, (to.clone(), *block));
        }
        self.files.insert(to.clone(), blocks);
    }

    /// Everything goes but what only memory has, as `/proc/sys/vm/drop_caches` does: `first_dirty(file)` is the first
    /// byte of a file that is not on the disk, or `u64::MAX`.
    pub(crate) fn drop_clean(&mut self, first_dirty: impl Fn(&FilePath) -> u64) {
        let dirty = |file: &FilePath, block: u64| (block + 1) * BLOCK > first_dirty(file);
        self.uses.retain(|_, (file, block)| dirty(file, *block));
        for (file, blocks) in &mut self.files {
            blocks.retain(|block, _| dirty(file, *block));
        }
        self.files.retain(|_, blocks| !blocks.is_empty());
    }

    /// Everything goes, as with the power.
    pub(crate) fn clear(&mut self) {
        *self = PageCache::new(self.size);
    }

    /// Bytes in memory, in whole blocks.
    pub(crate) fn bytes(&self) -> u64 {
        self.uses.len() as u64 * BLOCK
    }

    /// Bytes in memory of a file of `len` bytes.
    pub(crate) fn bytes_of(&self, file: &str, len: u64) -> u64 {
        let blocks = self.files.get(file).into_iter().flatten();
        blocks.map(|(block, _)| BLOCK.min(len.saturating_sub(block * BLOCK))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(cache: &PageCache) -> Vec<(String, Vec<u64>)> {
        for (last_use, (file, block)) in &cache.uses {
            assert_eq!(cache.files[file][block], *last_use);
        }
        assert_eq!(cache.files.values().map(BTreeMap::len).sum::<usize>(), cache.uses.len());
        cache
            .files
            .iter()
            .map(|(file, blocks)| (file.to_string(), blocks.keys().copied().collect()))
            .collect()
    }

    /// Each line is what is done, and then what is in memory.
    #[test]
    fn the_block_that_was_used_longest_ago_goes_first() {
        let mut cache = PageCache::new(3 * BLOCK);
        let (a, b): (FilePath, FilePath) = ("a".into(), "b".into());
        let of = |list: &[(&str, &[u64])]| -> Vec<(String, Vec<u64>)> {
            list.iter().map(|(file, blocks)| ((*file).to_owned(), blocks.to_vec())).collect()
        };
        cache.written(&a, 0, 2 * BLOCK);
        assert_eq!(blocks(&cache), of(&[("a", &[0, 1])]));
        // A block at a file's end is as long as the file is.
        assert_eq!(cache.read(&b, 0, 10, 100), 100);
        assert_eq!(cache.read(&a, 0, 1, 2 * BLOCK), 0);
        assert_eq!(cache.read(&b, BLOCK, BLOCK, 9 * BLOCK), BLOCK);
        assert_eq!(blocks(&cache), of(&[("a", &[0]), ("b", &[0, 1])]), "a's second block was the oldest");
        let stats = CacheStats { hits: 1, misses: 2, bytes_read: 100 + BLOCK, bytes_evicted: BLOCK };
        assert_eq!(cache.stats(), stats);
        cache.rename(&b, &a);
        assert_eq!(blocks(&cache), of(&[("a", &[0, 1])]), "what stood there is gone");
        cache.forget(&a, 1);
        assert_eq!(blocks(&cache), of(&[("a", &[0])]));
        cache.written(&a, BLOCK, BLOCK);
        cache.drop_clean(|_| BLOCK + 1);
        assert_eq!(blocks(&cache), of(&[("a", &[1])]), "its last block is not whole on the disk");
        cache.set_size(0);
        assert_eq!((blocks(&cache), cache.bytes()), (of(&[]), 0));
    }
}
