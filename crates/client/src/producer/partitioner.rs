//! Which partition a record goes to (org.apache.kafka.clients.producer.internals.BuiltInPartitioner, KIP-480, KIP-794).

use std::fmt;

use blumfeld_kernel::Prng;

use crate::TopicMetadata;

/// MurmurHash2 of 32 bits with the seed of Kafka's `Utils.murmur2`. The result is a Java int.
pub fn murmur2(bytes: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut tail = [0; 4];
        for (to, from) in tail.iter_mut().zip(rest) {
            *to = *from;
        }
        hash = (hash ^ u32::from_le_bytes(tail)).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    (hash ^ (hash >> 15)).cast_signed()
}

/// The partition of a key among `partitions`; 0 if there are none.
pub fn partition_for_key(key: &[u8], partitions: i32) -> i32 {
    if partitions <= 0 { 0 } else { (murmur2(key) & i32::MAX) % partitions }
}

/// A program's own choice of partitions (org.apache.kafka.clients.producer.Partitioner), for
/// [`Producer::with_partitioner`](super::Producer::with_partitioner).
pub trait Partitioner: fmt::Debug + Send {
    /// The partition of a record that names none; `key` and `value` are its bytes. It is asked once a record, when
    /// `topic` is known. A number that the topic does not have is taken, as in Kafka: the record waits for the
    /// partition to appear until `delivery.timeout.ms`.
    ///
    /// # Errors
    /// A text fails the record. So does a negative number.
    fn partition(
        &mut self,
        topic: &TopicMetadata,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<i32, String>;

    /// A copy, for copies of the producer.
    fn boxed_clone(&self) -> Box<dyn Partitioner>;
}

impl Clone for Box<dyn Partitioner> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}

/// `partitioner.class`: which of Kafka's own partitioners chooses the partition of a record that names none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PartitionerClass {
    /// Kafka's own: the key's hash, or for records without a key one partition until about `batch.size` bytes are
    /// there.
    #[default]
    BuiltIn,
    /// One partition after the other, whatever the key is (org.apache.kafka.clients.producer.RoundRobinPartitioner).
    RoundRobin,
    /// The built-in one without a look at keys (org.apache.kafka.clients.producer.UniformStickyPartitioner). Kafka 4.0
    /// removed the class for `partitioner.ignore.keys` (KIP-794), which is the same.
    UniformSticky,
}

impl PartitionerClass {
    /// The partitioner of a class that Kafka's configuration names; the built-in one has no class.
    pub fn parse(class: &str) -> Option<PartitionerClass> {
        match class.trim().strip_prefix("org.apache.kafka.clients.producer.")? {
            "RoundRobinPartitioner" => Some(Self::RoundRobin),
            "UniformStickyPartitioner" => Some(Self::UniformSticky),
            _ => None,
        }
    }
}

/// What the partitioner knows of one available partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionLoad {
    /// Its number.
    pub partition: i32,
    /// Batches that wait for it.
    pub queued: u32,
}

/// Records without a key stay with one partition until about `batch.size` bytes have gone there; then another is drawn,
/// the more likely the shorter its queue is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StickyPartitioner {
    current: Option<i32>,
    produced: usize,
}

impl StickyPartitioner {
    /// The partition that records stay with for now.
    pub fn current(&self) -> Option<i32> {
        self.current
    }

    /// The partition for the next record without a key. `loads` are the partitions that have a leader (or all, if none
    /// has); `None` only if it is empty.
    pub fn partition(&mut self, loads: &[PartitionLoad], rng: &mut Prng) -> Option<i32> {
        if let Some(current) = self.current
            && loads.iter().any(|load| load.partition == current)
        {
            return Some(current);
        }
        self.produced = 0;
        self.current = draw(loads, rng);
        self.current
    }

    /// Notes that `bytes` went to the current partition. A switch waits for the batch to be full, so that it does not
    /// leave half-filled batches behind; `batch_done` tells that the record ended one.
    pub fn produced(&mut self, bytes: usize, batch_size: usize, batch_done: bool) {
        self.produced = self.produced.saturating_add(bytes);
        if (self.produced >= batch_size && batch_done) || self.produced >= batch_size.saturating_mul(2) {
            self.current = None;
        }
    }
}

fn draw(loads: &[PartitionLoad], rng: &mut Prng) -> Option<i32> {
    let longest = loads.iter().map(|load| load.queued).max()?;
    // The weight of a partition is how much shorter its queue is than the longest, plus one.
    let weight = |load: &PartitionLoad| u64::from(longest - load.queued) + 1;
    let total = loads.iter().map(weight).sum();
    let mut ticket = rng.below(total);
    for load in loads {
        match ticket.checked_sub(weight(load)) {
            Some(rest) => ticket = rest,
            None => return Some(load.partition),
        }
    }
    loads.last().map(|load| load.partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_for_a_batch_and_prefers_short_queues() {
        let mut rng = Prng::new(3, "partitioner");
        let mut sticky = StickyPartitioner::default();
        let even: Vec<_> = (0..3).map(|partition| PartitionLoad { partition, queued: 0 }).collect();
        let mut seen = [0_u32; 3];
        for _ in 0..300 {
            let first = sticky.partition(&even, &mut rng).unwrap();
            for _ in 0..9 {
                sticky.produced(100, 1_000, false);
                assert_eq!(sticky.partition(&even, &mut rng), Some(first));
            }
            sticky.produced(100, 1_000, true);
            seen[usize::try_from(first).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&n| n > 60), "{seen:?}");

        let uneven = [PartitionLoad { partition: 4, queued: 99 }, PartitionLoad { partition: 9, queued: 0 }];
        let drawn = (0..200).filter(|_| draw(&uneven, &mut rng) == Some(9)).count();
        assert!(drawn > 180, "{drawn}");
        assert_eq!(sticky.partition(&[], &mut rng), None);
    }
}
