//! What is known of one transactional id, and how it may change (org.apache.kafka.coordinator.transaction.
//! TransactionMetadata).
//!
//! A change is computed here, stored by the shard, and taken once it is committed. Between the two the id has a pending
//! state, and whoever asks for another change is told to come again.

use std::collections::BTreeSet;

use blumfeld_protocol::ErrorCode;

/// No producer has this id.
pub const NO_PRODUCER_ID: i64 = -1;
/// No producer has this epoch.
pub const NO_PRODUCER_EPOCH: i16 = -1;

/// A partition by topic and number.
pub type TopicPartition = (String, i32);

/// The states (TransactionState).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TransactionState {
    /// No transaction has been.
    Empty,
    /// A transaction has begun.
    Ongoing,
    /// The commit is decided, and the markers are written.
    PrepareCommit,
    /// The abort is decided, and the markers are written.
    PrepareAbort,
    /// Every partition has its commit marker.
    CompleteCommit,
    /// Every partition has its abort marker.
    CompleteAbort,
    /// The id has expired.
    Dead,
    /// The producer is about to be fenced.
    PrepareEpochFence,
}

impl TransactionState {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Empty,
        Self::Ongoing,
        Self::PrepareCommit,
        Self::PrepareAbort,
        Self::CompleteCommit,
        Self::CompleteAbort,
        Self::Dead,
        Self::PrepareEpochFence,
    ];

    /// Kafka's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::PrepareCommit => "PrepareCommit",
            Self::PrepareAbort => "PrepareAbort",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
            Self::Dead => "Dead",
            Self::PrepareEpochFence => "PrepareEpochFence",
        }
    }

    /// Its number in `__transaction_state`.
    pub fn id(self) -> i8 {
        match self {
            Self::Empty => 0,
            Self::Ongoing => 1,
            Self::PrepareCommit => 2,
            Self::PrepareAbort => 3,
            Self::CompleteCommit => 4,
            Self::CompleteAbort => 5,
            Self::Dead => 6,
            Self::PrepareEpochFence => 7,
        }
    }

    /// The state of a number.
    pub fn of(id: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.id() == id)
    }

    /// Whether markers are being written.
    pub fn is_prepared(self) -> bool {
        matches!(self, Self::PrepareCommit | Self::PrepareAbort)
    }
}

/// What is stored of a transactional id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionMetadata {
    /// The producer id that its clients use.
    pub producer_id: i64,
    /// The one before it, where epochs ran out; or -1.
    pub prev_producer_id: i64,
    /// The one after it, while a transaction ends whose producer has no epoch left; or -1.
    pub next_producer_id: i64,
    /// The epoch of the producer that may write.
    pub producer_epoch: i16,
    /// The epoch before it, for a client that asks again; or -1.
    pub last_producer_epoch: i16,
    /// `transaction.timeout.ms` of the client.
    pub timeout_ms: i32,
    /// The state.
    pub state: TransactionState,
    /// The partitions of the transaction.
    pub partitions: BTreeSet<TopicPartition>,
    /// When the transaction began, in milliseconds since 1970-01-01 UTC; or -1.
    pub start_ms: i64,
    /// When it last changed, in milliseconds since 1970-01-01 UTC.
    pub last_update_ms: i64,
    /// The transaction version that its client speaks: 0, or 2 (KIP-890).
    pub client_version: i16,
}

/// The least transaction version in which each transaction has an epoch of its own (KIP-890).
const EPOCH_BUMPS: i16 = 2;

/// Whether a version of the protocol gives each transaction an epoch of its own (supportsEpochBump).
pub fn bumps_epochs(version: i16) -> bool {
    version >= EPOCH_BUMPS
}

/// Whether an epoch has none behind it that a client may get (isEpochExhausted).
pub fn is_exhausted(epoch: i16) -> bool {
    epoch >= i16::MAX - 1
}

impl TransactionMetadata {
    /// Of an id that nobody used before.
    pub fn new(producer_id: i64, timeout_ms: i32, now_ms: i64) -> TransactionMetadata {
        TransactionMetadata {
            producer_id,
            prev_producer_id: NO_PRODUCER_ID,
            next_producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            last_producer_epoch: NO_PRODUCER_EPOCH,
            timeout_ms,
            state: TransactionState::Empty,
            partitions: BTreeSet::new(),
            start_ms: -1,
            last_update_ms: now_ms,
            client_version: 0,
        }
    }

    /// A producer begins with the next epoch (prepareIncrementProducerEpoch). `expected` is the epoch that a client
    /// names which had one before.
    ///
    /// # Errors
    /// PRODUCER_FENCED for an epoch that is neither the present one nor the one before.
    pub fn increment_epoch(
        &self,
        timeout_ms: i32,
        expected: Option<i16>,
        now_ms: i64,
    ) -> Result<TransactionMetadata, ErrorCode> {
        let bumped = self.producer_epoch.saturating_add(1).max(0);
        let (epoch, last) = match expected {
            None => (bumped, NO_PRODUCER_EPOCH),
            Some(named) if self.producer_epoch == NO_PRODUCER_EPOCH || named == self.producer_epoch => {
                (bumped, self.producer_epoch)
            }
            // It did not hear the answer: it is told again.
            Some(named) if named == self.last_producer_epoch => {
                (self.producer_epoch, self.last_producer_epoch)
            }
            Some(_) => return Err(ErrorCode::PRODUCER_FENCED),
        };
        Ok(TransactionMetadata {
            producer_epoch: epoch,
            last_producer_epoch: last,
            timeout_ms,
            ..self.emptied(now_ms)
        })
    }

    /// A producer begins with a new id, as the epochs of the old one have run out (prepareProducerIdRotation).
    pub fn rotate_id(
        &self,
        producer_id: i64,
        timeout_ms: i32,
        names_epoch: bool,
        now_ms: i64,
    ) -> TransactionMetadata {
        TransactionMetadata {
            producer_id,
            prev_producer_id: self.producer_id,
            producer_epoch: 0,
            last_producer_epoch: if names_epoch { self.producer_epoch } else { NO_PRODUCER_EPOCH },
            timeout_ms,
            ..self.emptied(now_ms)
        }
    }

    fn emptied(&self, now_ms: i64) -> TransactionMetadata {
        TransactionMetadata {
            state: TransactionState::Empty,
            next_producer_id: NO_PRODUCER_ID,
            partitions: BTreeSet::new(),
            start_ms: -1,
            last_update_ms: now_ms,
            ..self.clone()
        }
    }

    /// Partitions join the transaction, which begins with the first (prepareAddPartitions).
    pub fn add_partitions(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
        client_version: i16,
        now_ms: i64,
    ) -> TransactionMetadata {
        let begins = self.state != TransactionState::Ongoing;
        let mut next = self.clone();
        if begins {
            (next.partitions, next.start_ms) = (BTreeSet::new(), now_ms);
        }
        next.partitions.extend(partitions);
        TransactionMetadata {
            state: TransactionState::Ongoing,
            last_update_ms: now_ms,
            client_version,
            ..next
        }
    }

    /// The commit or abort is decided (prepareAbortOrCommit). In version 2 the epoch goes up with it, so that nothing
    /// that the producer has sent before can come into the next transaction.
    pub fn prepare_end(
        &self,
        state: TransactionState,
        client_version: i16,
        (next_producer_id, nothing_added): (i64, bool),
        now_ms: i64,
    ) -> TransactionMetadata {
        let (epoch, last) = if bumps_epochs(client_version) {
            (self.producer_epoch.saturating_add(1), self.producer_epoch)
        } else {
            (self.producer_epoch, self.last_producer_epoch)
        };
        TransactionMetadata {
            state,
            next_producer_id,
            producer_epoch: epoch,
            last_producer_epoch: last,
            start_ms: if nothing_added { now_ms } else { self.start_ms },
            partitions: if nothing_added { BTreeSet::new() } else { self.partitions.clone() },
            last_update_ms: now_ms,
            client_version,
            ..self.clone()
        }
    }

    /// Every partition has its marker (prepareComplete).
    pub fn complete(&self, now_ms: i64) -> TransactionMetadata {
        let state = match self.state {
            TransactionState::PrepareCommit => TransactionState::CompleteCommit,
            _ => TransactionState::CompleteAbort,
        };
        let rotates = bumps_epochs(self.client_version) && self.next_producer_id != NO_PRODUCER_ID;
        let (id, prev, epoch) = if rotates {
            (self.next_producer_id, self.producer_id, 0)
        } else {
            (self.producer_id, self.prev_producer_id, self.producer_epoch)
        };
        TransactionMetadata {
            producer_id: id,
            prev_producer_id: prev,
            next_producer_id: NO_PRODUCER_ID,
            producer_epoch: epoch,
            state,
            partitions: BTreeSet::new(),
            last_update_ms: now_ms,
            ..self.clone()
        }
    }

    /// The producer id and epoch that a client goes on with after it has ended a transaction.
    pub fn after_end(&self) -> (i64, i16) {
        if self.next_producer_id == NO_PRODUCER_ID {
            (self.producer_id, self.producer_epoch)
        } else {
            (self.next_producer_id, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(epoch: i16, last: i16) -> TransactionMetadata {
        TransactionMetadata {
            producer_epoch: epoch,
            last_producer_epoch: last,
            ..TransactionMetadata::new(7, 60_000, 1)
        }
    }

    #[test]
    fn a_producer_that_begins_gets_the_next_epoch_or_is_told_again() {
        for (epoch, last, expected, want) in [
            (-1, -1, None, Ok((0, -1))),
            (-1, -1, Some(5), Ok((0, -1))),
            (3, 2, None, Ok((4, -1))),
            (3, 2, Some(3), Ok((4, 3))),
            (3, 2, Some(2), Ok((3, 2))),
            (3, 2, Some(1), Err(ErrorCode::PRODUCER_FENCED)),
        ] {
            let next = metadata(epoch, last).increment_epoch(1_000, expected, 9);
            let have = next.map(|next| (next.producer_epoch, next.last_producer_epoch));
            assert_eq!(have, want, "{epoch} {last} {expected:?}");
        }
    }

    #[test]
    fn in_version_2_an_end_bumps_the_epoch_and_rotates_an_id_whose_epochs_have_run_out() {
        let begun = metadata(3, 2).add_partitions([("t".to_owned(), 0)], 2, 10);
        assert_eq!((begun.state, begun.start_ms), (TransactionState::Ongoing, 10));
        let prepared = begun.prepare_end(TransactionState::PrepareCommit, 2, (NO_PRODUCER_ID, false), 11);
        assert_eq!((prepared.producer_epoch, prepared.after_end()), (4, (7, 4)));
        assert_eq!(prepared.partitions.len(), 1);
        let done = prepared.complete(12);
        assert_eq!((done.state, done.producer_id), (TransactionState::CompleteCommit, 7));
        assert!(done.partitions.is_empty());
        let last = metadata(i16::MAX - 1, -1).add_partitions([("t".to_owned(), 0)], 2, 10);
        assert!(is_exhausted(last.producer_epoch));
        let prepared = last.prepare_end(TransactionState::PrepareAbort, 2, (8, false), 11);
        assert_eq!((prepared.producer_epoch, prepared.after_end()), (i16::MAX, (8, 0)));
        let done = prepared.complete(12);
        assert_eq!((done.producer_id, done.prev_producer_id, done.producer_epoch), (8, 7, 0));
        // In older versions the epoch stays.
        let begun = metadata(3, 2).add_partitions([("t".to_owned(), 0)], 0, 10);
        let prepared = begun.prepare_end(TransactionState::PrepareAbort, 0, (NO_PRODUCER_ID, false), 11);
        assert_eq!((prepared.producer_epoch, prepared.last_producer_epoch), (3, 2));
    }
}
