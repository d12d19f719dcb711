//! Client processes that make load, built on the real clients: what the checkers, the tests and the benchmarks run.
//!
//! A workload tells what happened to it as [`Fact`]s on its standard output, so that a copy of the world has its own.

mod bench;
mod cleaning;
mod consumer;
mod member;
mod producer;
mod topics;
mod transactions;

use blumfeld_kernel::Endpoint;
use bytes::Bytes;

pub use bench::Bench;
pub use cleaning::{Cleaned, CleaningBench, CleaningLoad};
pub use consumer::LoadConsumer;
pub use member::{LoadMember, MemberLoad};
pub use producer::{LoadProducer, ProducerLoad};
pub use topics::{LoadDeletion, LoadTopics};
pub use transactions::LoadTransactions;

/// Something that a load saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fact {
    /// The broker acknowledged a record.
    Acknowledged {
        /// Its partition.
        partition: i32,
        /// Its offset; -1 with acks=0.
        offset: i64,
        /// Which value it has.
        value: u64,
    },
    /// A consumer read a record.
    Read {
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// Which value it has.
        value: u64,
    },
    /// A consumer read a record whose value no producer wrote.
    Foreign {
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
    },
    /// The broker acknowledged that a topic stands; its number at its load.
    Created(u64),
    /// A record, a topic or a read failed for good.
    Failed(u64),
    /// An idempotent producer began another epoch, for it could not keep its order: what was under way may come to
    /// stand twice (KIP-360). One of its values.
    EpochBumped(u64),
    /// A member of a group was given a partition, which it reads from where the group left off.
    Assigned {
        /// The partition, from 0.
        partition: i32,
    },
    /// A partition belongs to a member in a generation of its group.
    Owned {
        /// The partition, from 0.
        partition: i32,
        /// In which.
        generation: i32,
    },
    /// The coordinator acknowledged a group's offset.
    Committed {
        /// Of which partition.
        partition: i32,
        /// The next one to process.
        offset: i64,
    },
}

/// Bytes of a fact in the output.
const FACT: usize = 21;

impl Fact {
    fn encode(self, out: &mut Vec<u8>) {
        let (kind, partition, offset, value) = match self {
            Self::Acknowledged { partition, offset, value } => (0, partition, offset, value),
            Self::Read { partition, offset, value } => (1, partition, offset, value),
            Self::Foreign { partition, offset } => (2, partition, offset, 0),
            Self::Created(value) => (3, 0, 0, value),
            Self::Failed(value) => (4, 0, 0, value),
            Self::EpochBumped(value) => (5, 0, 0, value),
            Self::Assigned { partition } => (6, partition, 0, 0),
            Self::Owned { partition, generation } => (7, partition, generation.into(), 0),
            Self::Committed { partition, offset } => (8, partition, offset, 0),
        };
        out.push(kind);
        out.extend_from_slice(&partition.to_be_bytes());
        out.extend_from_slice(&offset.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }

    /// The facts that a load's output holds; what is no fact is passed over.
    pub fn decode(bytes: &[u8]) -> impl Iterator<Item = Fact> {
        bytes.chunks_exact(FACT).filter_map(|one| {
            let (kind, rest) = one.split_first()?;
            let (partition, rest) = rest.split_first_chunk::<4>()?;
            let (offset, rest) = rest.split_first_chunk::<8>()?;
            let value = u64::from_be_bytes(*rest.first_chunk::<8>()?);
            let (partition, offset) = (i32::from_be_bytes(*partition), i64::from_be_bytes(*offset));
            Some(match kind {
                0 => Self::Acknowledged { partition, offset, value },
                1 => Self::Read { partition, offset, value },
                2 => Self::Foreign { partition, offset },
                3 => Self::Created(value),
                4 => Self::Failed(value),
                5 => Self::EpochBumped(value),
                6 => Self::Assigned { partition },
                7 => Self::Owned { partition, generation: i32::try_from(offset).ok()? },
                8 => Self::Committed { partition, offset },
                _ => return None,
            })
        })
    }
}

/// Where the first broker of a load's world listens.
pub fn bootstrap() -> Vec<Endpoint> {
    vec![Endpoint::new("localhost", 9092)]
}

/// The bytes of a value: its number, and what follows from the number up to `size`.
pub fn value(number: u64, size: usize) -> Bytes {
    let size = size.max(8);
    // Not of zeros, for which an allocator brings memory that nobody has used.
    let mut bytes = vec![u8::MAX; size.next_multiple_of(8)];
    let mut word = number;
    for place in bytes.chunks_exact_mut(8) {
        place.copy_from_slice(&word.to_be_bytes());
        word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
    bytes.truncate(size);
    bytes.into()
}

/// The number of a value, if the bytes are those of [`value`].
pub fn number(bytes: &[u8]) -> Option<u64> {
    let number = u64::from_be_bytes(*bytes.first_chunk::<8>()?);
    (value(number, bytes.len()) == bytes).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_and_values_come_back() {
        let facts = [
            Fact::Acknowledged { partition: 1, offset: -1, value: 7 },
            Fact::Read { partition: 2, offset: 3, value: u64::MAX },
            Fact::Foreign { partition: 0, offset: 9 },
            Fact::Created(4),
            Fact::Failed(5),
            Fact::EpochBumped(6),
            Fact::Assigned { partition: 3 },
            Fact::Owned { partition: 1, generation: 8 },
            Fact::Committed { partition: 2, offset: 5 },
        ];
        let mut bytes = Vec::new();
        facts.iter().for_each(|fact| fact.encode(&mut bytes));
        assert_eq!(Fact::decode(&bytes).collect::<Vec<_>>(), facts);
        let mut bytes = value(77, 30).to_vec();
        assert_eq!((bytes.len(), number(&bytes)), (30, Some(77)));
        bytes[20] ^= 1;
        assert_eq!(number(&bytes), None);
    }
}
