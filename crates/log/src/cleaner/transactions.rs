//! The transactions that a pass comes by on its way through a log
//! (org.apache.kafka.storage.internals.log.CleanedTransactionMetadata).
//!
//! What an aborted transaction wrote is never read, so it may go at once. A marker may go when nothing of its
//! transaction is left before it, and then only after `delete.retention.ms`: a reader that has seen some of the
//! transaction must still come to its marker.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use blumfeld_protocol::record_batch::{Batch, BatchError, ControlRecord};

use crate::AbortedTxn;

/// The transactions under way at a place in the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct CleanedTransactions {
    /// Those that the pass has not come to, by their first offset.
    aborted: VecDeque<AbortedTxn>,
    /// Producers with a transaction that was not aborted, of which something was seen.
    committed: BTreeSet<i64>,
    /// By producer: the transaction, and whether something of it was seen.
    ongoing: BTreeMap<i64, (AbortedTxn, bool)>,
    /// Aborted transactions whose marker stays: what the transaction index of the cleaned segment holds.
    retained: Vec<AbortedTxn>,
}

impl CleanedTransactions {
    /// Before a pass over a log in which these transactions were aborted.
    pub(crate) fn new(aborted: &[AbortedTxn]) -> CleanedTransactions {
        let mut aborted = aborted.to_vec();
        aborted.sort_by_key(|txn| txn.first_offset);
        CleanedTransactions { aborted: aborted.into(), ..CleanedTransactions::default() }
    }

    /// Comes by a batch. Gives whether its transaction has no more use for it: it was aborted, or it is the marker of
    /// one of which nothing is left.
    ///
    /// # Errors
    /// The marker cannot be read.
    pub(crate) fn on_batch(&mut self, batch: &Batch) -> Result<bool, BatchError> {
        while let Some(txn) = self.aborted.pop_front_if(|txn| txn.first_offset <= batch.last_offset()) {
            self.ongoing.entry(txn.producer_id).or_insert((txn, false));
        }
        let producer = batch.producer_id();
        // Should the marker of one be gone already, it must not stand for what its producer wrote later.
        if self.ongoing.get(&producer).is_some_and(|(txn, _)| txn.last_offset < batch.base_offset()) {
            self.ongoing.remove(&producer);
        }
        if batch.is_control() {
            return self.on_marker(batch, producer);
        }
        if !batch.is_transactional() {
            return Ok(false);
        }
        if let Some((_, seen)) = self.ongoing.get_mut(&producer) {
            *seen = true;
            return Ok(true);
        }
        self.committed.insert(producer);
        Ok(false)
    }

    fn on_marker(&mut self, batch: &Batch, producer: i64) -> Result<bool, BatchError> {
        // One without its record was cleaned before.
        let Some(record) = batch.records()?.next().transpose()? else { return Ok(true) };
        Ok(match ControlRecord::of(&record) {
            Some(ControlRecord::Abort { .. }) => match self.ongoing.remove(&producer) {
                Some((txn, true)) => {
                    self.retained.push(txn);
                    false
                }
                _ => true,
            },
            Some(ControlRecord::Commit { .. }) => !self.committed.remove(&producer),
            _ => false,
        })
    }

    /// Takes the aborted transactions whose markers stay, of the batches since the last call.
    pub(crate) fn take_retained(&mut self) -> Vec<AbortedTxn> {
        std::mem::take(&mut self.retained)
    }
}
