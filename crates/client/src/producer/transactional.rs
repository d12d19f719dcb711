//! A producer's transactional methods (KafkaProducer, KIP-98). In Java they wait; here what became of them is an event.

use std::collections::BTreeMap;

use blumfeld_kernel::Context;

use super::transaction_manager::Transaction;
use super::{Producer, ProducerIdAndEpoch, Thrown, TransactionError, TransactionEvent, TransactionState};
use crate::TopicPartition;
use crate::consumer::{ConsumerGroupMetadata, OffsetAndMetadata};

const NO_TRANSACTION_MANAGER: &str = "Cannot use transactional methods without enabling transactions by setting the transactional.id configuration property";
const NOT_TRANSACTIONAL: &str = "Transactional method invoked on a non-transactional producer.";

type Transactional<'a> = Result<(&'a mut Transaction, Option<ProducerIdAndEpoch>), TransactionError>;

impl Producer {
    fn transactional(&mut self) -> Transactional<'_> {
        let illegal = |text: &str| TransactionError::new(Thrown::IllegalState, text);
        match &mut self.transactions {
            None => Err(illegal(NO_TRANSACTION_MANAGER)),
            Some(manager) => manager.transaction_mut().ok_or_else(|| illegal(NOT_TRANSACTIONAL)),
        }
    }

    /// `initTransactions`: gets the producer's id and epoch, and fences off older producers with this
    /// `transactional.id`. This, and each other method that waits in Java, goes on with `poll` and ends with a
    /// [`TransactionEvent`], `max.block.ms` later at the latest.
    ///
    /// # Errors
    /// Those that Java throws before it waits.
    pub fn init_transactions(&mut self, cx: &Context<'_>) -> Result<(), TransactionError> {
        self.transactional()?.0.init(cx)
    }

    /// `beginTransaction`: at once. Records that are sent from now on belong to it.
    ///
    /// # Errors
    /// Those that Java throws.
    pub fn begin_transaction(&mut self) -> Result<(), TransactionError> {
        let (transaction, producer) = self.transactional()?;
        transaction.begin(producer)
    }

    /// `sendOffsetsToTransaction`: offsets of a group that are committed if the transaction is.
    ///
    /// # Errors
    /// Those that Java throws before it waits.
    pub fn send_offsets_to_transaction(
        &mut self,
        cx: &Context<'_>,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        group: ConsumerGroupMetadata,
    ) -> Result<(), TransactionError> {
        let (transaction, producer) = self.transactional()?;
        transaction.send_offsets(cx, offsets, group, producer)
    }

    /// `commitTransaction`: once all records are acknowledged.
    ///
    /// # Errors
    /// Those that Java throws before it waits.
    pub fn commit_transaction(&mut self, cx: &Context<'_>) -> Result<(), TransactionError> {
        self.complete_transaction(cx, true)
    }

    /// `abortTransaction`: records that were not sent are given up.
    ///
    /// # Errors
    /// Those that Java throws before it waits.
    pub fn abort_transaction(&mut self, cx: &Context<'_>) -> Result<(), TransactionError> {
        self.complete_transaction(cx, false)
    }

    fn complete_transaction(&mut self, cx: &Context<'_>, commit: bool) -> Result<(), TransactionError> {
        self.transactional()?;
        // A record that was refused before is not offered any more.
        self.refused_since = None;
        let Some(manager) = &mut self.transactions else { return Ok(()) };
        let Some((transaction, producer)) = manager.transaction_mut() else { return Ok(()) };
        transaction.complete(cx, commit, producer, self.net.features())
    }

    /// Transactional methods that came to their end since the last call.
    pub fn take_transaction_events(&mut self) -> Vec<TransactionEvent> {
        self.transactional().map(|(transaction, _)| transaction.take_events()).unwrap_or_default()
    }

    fn transaction(&self) -> Option<&Transaction> {
        self.transactions.as_ref()?.transaction()
    }

    /// `transactional.id`, if it has one.
    pub fn transactional_id(&self) -> Option<&str> {
        self.transaction().map(Transaction::id)
    }

    /// Its `transactional.id` and Java's name of the state, as views have them.
    pub fn transaction_view(&self) -> Option<(String, &'static str)> {
        self.transaction().map(|transaction| (transaction.id().to_owned(), transaction.state().name()))
    }

    /// Where its transactions stand; nothing of a producer without.
    pub fn transaction_state(&self) -> Option<TransactionState> {
        self.transaction().map(Transaction::state)
    }

    /// What went wrong, in a state of error.
    pub fn transaction_error(&self) -> Option<&TransactionError> {
        self.transaction()?.last_error()
    }

    /// Whether a record may be written to a partition now, as far as transactions are concerned.
    pub(super) fn check_send(&self, to: &TopicPartition) -> Result<(), TransactionError> {
        match self.transaction() {
            Some(transaction) => transaction.check_send(to, self.producer_id()),
            None => Ok(()),
        }
    }

    /// A record was taken that goes there.
    pub(super) fn add_to_transaction(&mut self, to: &TopicPartition) {
        if let Ok((transaction, producer)) = self.transactional() {
            // It was asked before the record was taken.
            let _ = transaction.add_partition(to, producer);
        }
    }
}
