//! The transaction coordinator (org.apache.kafka.coordinator.transaction.TransactionCoordinator): which producer may
//! write under a transactional id, and what becomes of its transaction (KIP-98, KIP-890).

mod answer;
mod metadata;
mod record;
mod shard;
#[cfg(test)]
mod tests;

use super::runtime::{self, Runtime};
pub use answer::Answer;
pub use metadata::{TransactionMetadata, TransactionState};
pub use record::{TransactionRecord, TransactionRecordError};
pub use shard::{Init, MarkersOf, Transaction, TransactionShard};

/// The transactions that a broker coordinates.
pub type TransactionCoordinator = Runtime<TransactionShard>;
/// What a transaction's handler has at hand.
pub type Env<'a, 'b> = runtime::Env<'a, 'b, TransactionShard>;
/// What the coordinator stands on.
pub type Host<'a> = runtime::Host<'a, TransactionShard>;
type After = runtime::After<TransactionShard>;
type Write = runtime::Write<TransactionShard>;

/// The topic that transactions are stored in.
pub const TRANSACTION_STATE_TOPIC: &str = "__transaction_state";

/// The code of a partition that is not answered yet: none of Kafka's.
pub const PENDING: i16 = i16::MIN;

/// What a timer of transactions is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TransactionTimer {
    /// Transactions are looked at for their age.
    TimeOut,
    /// Transactional ids are looked at for their age.
    Expiration,
    /// That a transaction is complete is stored again, after it could not be.
    Complete(String),
}

impl TransactionCoordinator {
    /// Every transactional id that this broker coordinates.
    pub fn transactions(&self) -> impl Iterator<Item = (&str, &Transaction)> {
        self.shards().flat_map(TransactionShard::transactions)
    }
}
