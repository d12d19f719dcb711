//! What the server does for the transaction coordinator: it finds the shard of an id, creates the topic, and hands over
//! what the coordinator stands on.

use blumfeld_kernel::{Context, FlushId};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::TopicName;
use blumfeld_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};

use super::Server;
use crate::coordinator::{
    TRANSACTION_STATE_TOPIC, TransactionCoordinator, TransactionEnv, TransactionHost, TransactionShard,
    partition_for,
};

impl Server {
    /// The partition of `__transaction_state` that a transactional id belongs to.
    pub fn transaction_partition(&self, id: &str) -> i32 {
        let topic = self.image.topic(TRANSACTION_STATE_TOPIC);
        let partitions = topic.map_or(self.config.transaction.topic_partitions, |topic| {
            i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX)
        });
        partition_for(id, partitions)
    }

    /// Has the controller create `__transaction_state` (AutoTopicCreationManager).
    pub fn create_transaction_topic(&mut self, cx: &mut Context<'_>) {
        let config = &self.config.transaction;
        let configs = [
            ("unclean.leader.election.enable", "false".to_owned()),
            ("compression.type", "uncompressed".to_owned()),
            ("cleanup.policy", "compact".to_owned()),
            ("min.insync.replicas", config.topic_min_isr.to_string()),
            ("segment.bytes", config.topic_segment_bytes.to_string()),
        ];
        let configs = configs.into_iter().map(|(name, value)| {
            CreatableTopicConfig::default().with_name(name.to_owned().into()).with_value(Some(value.into()))
        });
        let topic = CreatableTopic::default()
            .with_name(TopicName(TRANSACTION_STATE_TOPIC.to_owned().into()))
            .with_num_partitions(config.topic_partitions)
            .with_replication_factor(config.topic_replication_factor)
            .with_configs(configs.collect());
        self.forwarding.create_topic(cx, topic);
    }

    /// The coordinator, and what it stands on.
    fn transactions_on(&mut self) -> (&mut TransactionCoordinator, TransactionHost<'_>) {
        let host = TransactionHost {
            replicas: &mut self.replicas,
            image: &self.image,
            config: &self.config.transaction,
            flush: self.config.flush_before_acknowledging,
            disk_failed: self.disk_error.is_some(),
        };
        (&mut self.transactions, host)
    }

    /// Lets the shard of a transactional id handle something.
    pub fn with_transaction<R>(
        &mut self,
        cx: &mut Context<'_>,
        id: &str,
        run: impl FnOnce(&mut TransactionShard, &mut TransactionEnv<'_, '_>) -> R,
    ) -> Result<R, ErrorCode> {
        let partition = self.transaction_partition(id);
        self.with_transactions_of(cx, partition, run).ok_or(ErrorCode::NOT_COORDINATOR)
    }

    /// The same by the partition of `__transaction_state`; nothing if this broker does not coordinate it.
    pub(super) fn with_transactions_of<R>(
        &mut self,
        cx: &mut Context<'_>,
        partition: i32,
        run: impl FnOnce(&mut TransactionShard, &mut TransactionEnv<'_, '_>) -> R,
    ) -> Option<R> {
        let (transactions, mut host) = self.transactions_on();
        transactions.with_shard(cx, &mut host, partition, run)
    }

    /// Handles the next timer of the transactions that is due, if there is one.
    pub(super) fn poll_transactions(&mut self, cx: &mut Context<'_>) {
        let (transactions, mut host) = self.transactions_on();
        transactions.poll(cx, &mut host);
    }

    /// Goes on with what waited for the high watermark of a partition.
    pub(super) fn complete_transaction_writes(&mut self, cx: &mut Context<'_>, partition: i32) {
        let (transactions, mut host) = self.transactions_on();
        transactions.complete(cx, &mut host, partition);
    }

    /// A flush is over: what waited for it goes on, or fails.
    pub fn transaction_flush_is_over(&mut self, cx: &mut Context<'_>, flush: FlushId, ok: bool) {
        let (transactions, mut host) = self.transactions_on();
        transactions.flush_is_over(cx, &mut host, flush, ok);
    }

    /// A partition of `__transaction_state` has another leader, or other replicas.
    pub fn follow_transactions(&mut self, cx: &mut Context<'_>, partition: i32) {
        let (transactions, mut host) = self.transactions_on();
        transactions.follow(cx, &mut host, partition);
    }
}
