//! What a consumer reads and from where (org.apache.kafka.clients.consumer.internals.SubscriptionState).

use std::collections::BTreeMap;

use crate::TopicPartition;

/// `auto.offset.reset`: where to begin without a position, or with one that the log no longer has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OffsetReset {
    /// At the log start.
    Earliest,
    /// At the end.
    #[default]
    Latest,
    /// Nowhere: it is an error.
    None,
}

/// Where a partition's reading stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Position {
    /// The next offset to give.
    At(i64),
    /// To be asked of the leader: the log start or the end.
    Reset(OffsetReset),
}

/// Assigned partitions with their positions.
#[derive(Clone, Debug, Default)]
pub(super) struct SubscriptionState {
    positions: BTreeMap<TopicPartition, Position>,
}

impl SubscriptionState {
    /// Replaces the assignment. Partitions that stay keep their position; new ones begin where `reset` says.
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = TopicPartition>, reset: OffsetReset) {
        let mut before = std::mem::take(&mut self.positions);
        for partition in partitions {
            let position = before.remove(&partition).unwrap_or(Position::Reset(reset));
            self.positions.insert(partition, position);
        }
    }

    pub fn assignment(&self) -> impl Iterator<Item = &TopicPartition> {
        self.positions.keys()
    }

    pub fn position(&self, of: &TopicPartition) -> Option<Position> {
        self.positions.get(of).copied()
    }

    /// Moves an assigned partition; others are left alone.
    pub fn set(&mut self, of: &TopicPartition, position: Position) {
        if let Some(at) = self.positions.get_mut(of) {
            *at = position;
        }
    }

    /// Partitions that wait for an offset, and which.
    pub fn to_reset(&self) -> impl Iterator<Item = (&TopicPartition, OffsetReset)> {
        self.positions.iter().filter_map(|(partition, position)| match position {
            Position::Reset(reset) => Some((partition, *reset)),
            Position::At(_) => None,
        })
    }

    /// Partitions that can be fetched, and from where.
    pub fn fetchable(&self) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.positions.iter().filter_map(|(partition, position)| match position {
            Position::At(offset) => Some((partition, *offset)),
            Position::Reset(_) => None,
        })
    }
}
