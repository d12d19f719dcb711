//! Which offset is the last of each key (org.apache.kafka.storage.internals.log.SkimpyOffsetMap).
//!
//! Keys are known by a hash of 128 bits, so that an entry takes 24 bytes whatever its key is. Kafka takes MD5; nobody
//! sees which hash it is, for the map lives as long as one pass.

use twox_hash::XxHash64;

/// Bytes of an entry: a hash and an offset.
pub const ENTRY_SIZE: u64 = 24;
/// The two halves of a hash are those of one function with two seeds.
const SEEDS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f];
/// So many entries there is room for at first: most topics have few keys, and the memory is taken when it is needed.
const FIRST_SLOTS: u64 = 1024;
/// A slot without an entry.
const FREE: i64 = -1;

/// An entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    hash: KeyHash,
    offset: i64,
}

/// What a key is known by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KeyHash([u64; 2]);

impl KeyHash {
    /// Of a key.
    pub fn of(key: &[u8]) -> KeyHash {
        KeyHash(SEEDS.map(|seed| XxHash64::oneshot(seed, key)))
    }
}

/// The last offset of each key, in a bounded memory.
#[derive(Clone, Debug)]
pub struct OffsetMap {
    table: Vec<Slot>,
    /// How many slots the memory has room for.
    slots: u64,
    /// No more than so many of them are taken.
    most: u64,
    entries: u64,
    latest: i64,
}

impl OffsetMap {
    /// An empty map in `memory` bytes (`log.cleaner.dedupe.buffer.size` by `log.cleaner.threads`), of which no more
    /// than the part `load_factor` is used (`log.cleaner.io.buffer.load.factor`).
    pub fn new(memory: u64, load_factor: f64) -> OffsetMap {
        // A Java array has no more.
        let slots = memory.min(i32::MAX as u64) / ENTRY_SIZE;
        let most = (slots as f64 * load_factor.clamp(0.0, 1.0)) as u64;
        OffsetMap { table: Vec::new(), slots, most, entries: 0, latest: -1 }
    }

    /// How many keys it may hold.
    pub fn capacity(&self) -> u64 {
        self.most
    }

    /// Memory that it has taken so far, in bytes.
    pub fn bytes(&self) -> u64 {
        self.table.len() as u64 * ENTRY_SIZE
    }

    /// How many keys it holds.
    pub fn len(&self) -> u64 {
        self.entries
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The last offset that it knows of; -1 before the first.
    pub fn latest_offset(&self) -> i64 {
        self.latest
    }

    /// Notes that everything up to `offset` has been looked at.
    pub fn update_latest_offset(&mut self, offset: i64) {
        self.latest = offset;
    }

    /// Notes that a record with this key stands at `offset`. False if the map is full; then nothing is noted, be the
    /// key there or not, as in Kafka.
    pub fn put(&mut self, key: KeyHash, offset: i64) -> bool {
        if self.entries >= self.most {
            return false;
        }
        // A quarter stays free while the table may grow.
        if 4 * (self.entries + 1) > 3 * self.table.len() as u64 {
            self.grow();
        }
        let at = self.find(key);
        if let Some(slot) = self.table.get_mut(at) {
            self.entries += u64::from(slot.offset == FREE);
            *slot = Slot { hash: key, offset };
        }
        self.latest = offset;
        true
    }

    /// The last offset of a key.
    pub fn get(&self, key: KeyHash) -> Option<i64> {
        self.table.get(self.find(key)).map(|slot| slot.offset).filter(|offset| *offset != FREE)
    }

    /// Looks at the places of keys that are asked for next. A large map is in no cache, and its places lie anywhere:
    /// asked for together, they come in the time of one.
    pub fn approach(&self, keys: impl Iterator<Item = KeyHash>) {
        let seen = keys.filter_map(|key| self.table.get(self.place(key)));
        std::hint::black_box(seen.fold(0, |all, slot| all ^ slot.offset));
    }

    /// Where the search for a key begins.
    fn place(&self, key: KeyHash) -> usize {
        ((u128::from(key.0[0]) * self.table.len() as u128) >> 64) as usize
    }

    /// Where an entry with this hash is, or would be.
    fn find(&self, hash: KeyHash) -> usize {
        let len = self.table.len();
        let mut at = self.place(hash);
        // A slot is always free: fewer are taken than there are.
        while let Some(slot) = self.table.get(at) {
            if slot.offset == FREE || slot.hash == hash {
                break;
            }
            at = if at + 1 == len { 0 } else { at + 1 };
        }
        at
    }

    fn grow(&mut self) {
        let len = self.table.len() as u64;
        // One slot more than entries: a search ends at a free one.
        let new = (2 * len).max(FIRST_SLOTS).min(self.slots + 1);
        if new <= len {
            return;
        }
        let free = Slot { hash: KeyHash::default(), offset: FREE };
        let old = std::mem::replace(&mut self.table, vec![free; usize::try_from(new).unwrap_or(usize::MAX)]);
        for slot in old.into_iter().filter(|slot| slot.offset != FREE) {
            let at = self.find(slot.hash);
            self.table[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: i64) -> KeyHash {
        KeyHash::of(format!("key-{number}").as_bytes())
    }

    #[test]
    fn the_last_offset_of_each_key_is_found_however_full_the_map_is() {
        for (memory, load_factor, want) in [
            (24_000, 0.9, 900),
            (24_000, 1.0, 1_000),
            (24 * 5_000 + 23, 0.5, 2_500),
            (24, 1.0, 1),
            (23, 1.0, 0),
            (0, 0.9, 0),
        ] {
            let mut map = OffsetMap::new(memory, load_factor);
            assert_eq!(map.capacity(), want);
            let mut taken = 0;
            while map.put(key(taken / 2), taken) {
                taken += 1;
            }
            assert_eq!((map.len(), map.latest_offset()), (want, taken - 1), "{memory} {load_factor}");
            map.approach((0..taken).map(key));
            for number in 0..want as i64 {
                // The last key that fitted was not written a second time.
                let offset = (2 * number + 1).min(taken - 1);
                assert_eq!(map.get(key(number)), Some(offset));
            }
            assert_eq!(map.get(key(-1)), None);
            assert!(!map.put(key(0), 1_000_000), "a full map takes no key again");
        }
    }
}
