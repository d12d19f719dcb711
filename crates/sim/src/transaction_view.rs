//! What is drawn of transactions: as their coordinators know them, and as they stand in the logs.

use blumfeld_broker::Broker;
use blumfeld_kernel::NodeId;
use blumfeld_log::UnifiedLog;
use blumfeld_view::{AbortedTransactionView, OpenTransactionView, TransactionPartitionView, TransactionView};

use crate::view::number;
use crate::world::World;

/// Of a log so many aborted transactions are shown: the last ones.
const SHOWN: usize = 50;

impl World {
    /// The transactional ids by id.
    pub fn transaction_views(&self) -> Vec<TransactionView> {
        let mut views: Vec<TransactionView> = (self.nodes())
            .filter_map(|node| Some((node, self.broker(node)?)))
            .flat_map(|(node, broker)| of_broker(node, broker))
            .collect();
        views.sort_by(|a, b| a.id.cmp(&b.id));
        views
    }
}

fn of_broker(node: NodeId, broker: &Broker) -> impl Iterator<Item = TransactionView> {
    broker.transactions().transactions().map(move |(id, transaction)| {
        let metadata = transaction.metadata();
        let decided = metadata.state.is_prepared();
        let partitions = metadata.partitions.iter().map(|partition| TransactionPartitionView {
            topic: partition.0.clone(),
            partition: partition.1,
            marked: decided && !transaction.unmarked().contains(partition),
        });
        TransactionView {
            id: id.to_owned(),
            state: metadata.state.name().to_owned(),
            coordinator: node.0,
            producer_id: metadata.producer_id,
            producer_epoch: metadata.producer_epoch,
            timeout_ms: metadata.timeout_ms,
            start_ms: number(metadata.start_ms),
            last_update_ms: number(metadata.last_update_ms),
            partitions: partitions.collect(),
        }
    })
}

/// The transactions that are open in a log, by their first offsets.
pub(crate) fn open_transactions(log: &UnifiedLog) -> Vec<OpenTransactionView> {
    let open = log.producers().ongoing().map(|(first_offset, producer_id, producer_epoch)| {
        OpenTransactionView { producer_id, producer_epoch, first_offset }
    });
    open.collect()
}

/// The last transactions of a log that were aborted, in the order of their markers.
pub(crate) fn aborted_transactions(log: &UnifiedLog) -> Vec<AbortedTransactionView> {
    let newest_first = log.segments().rev().flat_map(|segment| segment.txn_index().entries().iter().rev());
    let mut shown: Vec<AbortedTransactionView> = newest_first
        .take(SHOWN)
        .map(|aborted| AbortedTransactionView {
            producer_id: aborted.producer_id,
            first_offset: aborted.first_offset,
            last_offset: aborted.last_offset,
        })
        .collect();
    shown.reverse();
    shown
}
