//! What a consumer reads and from where (org.apache.kafka.clients.consumer.internals.SubscriptionState).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{OffsetAndMetadata, OffsetReset, TopicPattern};
use crate::TopicPartition;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(super) enum Subscription {
    /// Nothing.
    #[default]
    None,
    /// Partitions by name: the program assigns.
    Assigned,
    /// Topics: the group assigns.
    Topics(BTreeSet<Arc<str>>),
    /// Topics that fit a pattern, with those that did last: the group assigns.
    Pattern(TopicPattern, BTreeSet<Arc<str>>),
}

impl Subscription {
    /// Whether the group assigns.
    pub fn is_automatic(&self) -> bool {
        matches!(self, Self::Topics(_) | Self::Pattern(..))
    }

    /// The topics; empty where the program assigns.
    pub fn topics(&self) -> &BTreeSet<Arc<str>> {
        static NONE: BTreeSet<Arc<str>> = BTreeSet::new();
        match self {
            Self::Topics(topics) | Self::Pattern(_, topics) => topics,
            Self::None | Self::Assigned => &NONE,
        }
    }
}

/// Where a partition's reading stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Position {
    /// Where the group left off: to be asked of its coordinator.
    Committed,
    /// The next offset to give.
    At(i64),
    /// To be asked of the leader: the log start or the end.
    Reset(OffsetReset),
}

/// An assigned partition.
#[derive(Clone, Debug)]
struct State {
    position: Position,
    /// The leader epoch of the last record that was given, -1 for none.
    epoch: i32,
    /// The epoch of the leader that the position counts for, -1 for none.
    leader_epoch: i32,
    /// Another leader has come: it is to be asked whether what was read is still there (AWAIT_VALIDATION).
    validating: bool,
    paused: bool,
    /// It is about to be given away: nothing more is read of it.
    revoking: bool,
}

/// The subscription, and assigned partitions with their positions.
#[derive(Clone, Debug, Default)]
pub(super) struct SubscriptionState {
    pub subscription: Subscription,
    partitions: BTreeMap<TopicPartition, State>,
}

impl SubscriptionState {
    /// Replaces the assignment. Partitions that stay keep their position; new ones begin at `position`.
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = TopicPartition>, position: Position) {
        let mut before = std::mem::take(&mut self.partitions);
        for partition in partitions {
            let fresh = || State {
                position,
                epoch: -1,
                leader_epoch: -1,
                validating: false,
                paused: false,
                revoking: false,
            };
            let state = before.remove(&partition).unwrap_or_else(fresh);
            self.partitions.insert(partition, state);
        }
    }

    pub fn assignment(&self) -> impl Iterator<Item = &TopicPartition> {
        self.partitions.keys()
    }

    pub fn is_assigned(&self, partition: &TopicPartition) -> bool {
        self.partitions.contains_key(partition)
    }

    pub fn position(&self, of: &TopicPartition) -> Option<Position> {
        self.partitions.get(of).map(|state| state.position)
    }

    /// Moves an assigned partition; others are left alone.
    pub fn set(&mut self, of: &TopicPartition, position: Position) {
        if let Some(state) = self.partitions.get_mut(of) {
            state.position = position;
            (state.epoch, state.validating) = (-1, false);
        }
    }

    /// A committed position, which is to be validated where it has an epoch (seekUnvalidated).
    pub fn set_committed(&mut self, of: &TopicPartition, offset: i64, epoch: Option<i32>) {
        self.set_with_epoch(of, offset, epoch);
        if let Some(state) = self.partitions.get_mut(of) {
            state.validating = state.epoch >= 0;
        }
    }

    /// Tells of each partition's leader epoch. What was read under an older one is to be validated
    /// (maybeValidatePositionForCurrentLeader).
    pub fn note_leaders(&mut self, epoch: impl Fn(&TopicPartition) -> i32) {
        for (of, state) in &mut self.partitions {
            let now = epoch(of);
            if now > state.leader_epoch {
                let known = state.leader_epoch >= 0;
                state.leader_epoch = now;
                let read = matches!(state.position, Position::At(_)) && state.epoch >= 0;
                state.validating |= known && read;
            }
        }
    }

    /// Partitions that are to be validated, with their offset and the epoch of what stands before it.
    pub fn to_validate(&self) -> impl Iterator<Item = (&TopicPartition, i64, i32)> {
        self.partitions.iter().filter_map(|(of, state)| match state.position {
            Position::At(offset) if state.validating => Some((of, offset, state.epoch)),
            _ => None,
        })
    }

    /// A position counts for the leader of now.
    pub fn validated(&mut self, of: &TopicPartition) {
        if let Some(state) = self.partitions.get_mut(of) {
            state.validating = false;
        }
    }

    /// The same with the leader epoch of what stands before the position.
    pub fn set_with_epoch(&mut self, of: &TopicPartition, offset: i64, epoch: Option<i32>) {
        if let Some(state) = self.partitions.get_mut(of) {
            state.position = Position::At(offset);
            state.epoch = epoch.unwrap_or(-1);
        }
    }

    pub fn pause(&mut self, of: &TopicPartition, paused: bool) {
        if let Some(state) = self.partitions.get_mut(of) {
            state.paused = paused;
        }
    }

    pub fn paused(&self) -> impl Iterator<Item = &TopicPartition> {
        self.partitions.iter().filter(|(_, state)| state.paused).map(|(partition, _)| partition)
    }

    /// Reads nothing more of what is about to be given away.
    pub fn mark_revoking(&mut self, revoking: bool) {
        self.partitions.values_mut().for_each(|state| state.revoking = revoking);
    }

    /// Whether records of a partition may be given out.
    pub fn is_fetchable(&self, of: &TopicPartition) -> bool {
        self.partitions.get(of).is_some_and(|state| !state.paused && !state.revoking && !state.validating)
    }

    /// Everything that was given out so far, as it is committed (SubscriptionState.allConsumed).
    pub fn all_consumed(&self) -> BTreeMap<TopicPartition, OffsetAndMetadata> {
        let consumed = |(partition, state): (&TopicPartition, &State)| match state.position {
            Position::At(offset) => {
                let leader_epoch = (state.epoch >= 0).then_some(state.epoch);
                let metadata = String::new();
                Some((partition.clone(), OffsetAndMetadata { offset, leader_epoch, metadata }))
            }
            Position::Committed | Position::Reset(_) => None,
        };
        self.partitions.iter().filter_map(consumed).collect()
    }

    /// Partitions that wait for an offset, and which.
    pub fn to_reset(&self) -> impl Iterator<Item = (&TopicPartition, OffsetReset)> {
        self.partitions.iter().filter_map(|(partition, state)| match state.position {
            Position::Reset(reset) => Some((partition, reset)),
            Position::At(_) | Position::Committed => None,
        })
    }

    /// Partitions that wait for the group's offset.
    pub fn uninitialized(&self) -> impl Iterator<Item = &TopicPartition> {
        let waits = |state: &State| state.position == Position::Committed;
        self.partitions.iter().filter(move |(_, state)| waits(state)).map(|(partition, _)| partition)
    }

    /// Partitions that can be fetched, and from where.
    pub fn fetchable(&self) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.partitions.iter().filter_map(|(partition, state)| match state.position {
            Position::At(offset) if !state.paused && !state.revoking && !state.validating => {
                Some((partition, offset))
            }
            _ => None,
        })
    }
}
