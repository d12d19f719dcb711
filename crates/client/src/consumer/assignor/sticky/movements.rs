//! What moved from whom to whom in one rebalance, so that nothing moves one way while its like moves the other
//! (AbstractStickyAssignor.PartitionMovements).

use std::collections::BTreeMap;

use super::super::java::{bucket, grown};
use super::{Consumer, Part};

/// From whom, and to whom.
type Pair = (Consumer, Consumer);

/// Partitions of one topic in the order of a Java hash set, which never shrinks.
#[derive(Clone, PartialEq, Eq, Default)]
struct HashSet {
    arrived: Vec<Part>,
    most: usize,
}

impl HashSet {
    fn insert(&mut self, part: Part) {
        self.arrived.push(part);
        self.most = self.most.max(self.arrived.len());
    }

    /// The first that an iterator would give.
    fn first(&self, topic_hash: i32) -> Option<Part> {
        let table = grown(self.most);
        let hash = |part: &Part| part.number.wrapping_add(31).wrapping_mul(31).wrapping_add(topic_hash);
        self.arrived.iter().copied().min_by_key(|part| bucket(hash(part), table))
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Movements {
    by_topic: BTreeMap<usize, BTreeMap<Pair, HashSet>>,
    moved: BTreeMap<Part, Pair>,
}

impl Movements {
    fn add(&mut self, part: Part, pair: Pair) {
        self.moved.insert(part, pair);
        self.by_topic.entry(part.topic).or_default().entry(pair).or_default().insert(part);
    }

    fn remove(&mut self, part: Part) -> Option<Pair> {
        let pair = self.moved.remove(&part)?;
        let pairs = self.by_topic.get_mut(&part.topic)?;
        let set = pairs.get_mut(&pair)?;
        set.arrived.retain(|one| *one != part);
        if set.arrived.is_empty() {
            pairs.remove(&pair);
        }
        if pairs.is_empty() {
            self.by_topic.remove(&part.topic);
        }
        Some(pair)
    }

    /// Notes a move; one there and back is none.
    pub fn note(&mut self, part: Part, from: Consumer, to: Consumer) {
        match self.remove(part) {
            None => self.add(part, (from, to)),
            Some((source, _)) if source != to => self.add(part, (source, to)),
            Some(_) => {}
        }
    }

    /// What to move instead of a partition: one of the same topic that came the other way.
    pub fn instead_of(&self, part: Part, from: Consumer, to: Consumer, topic_hash: i32) -> Part {
        let Some(pairs) = self.by_topic.get(&part.topic) else { return part };
        let from = self.moved.get(&part).map_or(from, |(source, _)| *source);
        pairs.get(&(to, from)).and_then(|set| set.first(topic_hash)).unwrap_or(part)
    }
}
