//! What the server does for the group coordinator: it finds the shard of a group, creates the topic, and hands over
//! what the coordinator stands on.

use blumfeld_kernel::{Context, FlushId};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::TopicName;
use blumfeld_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use blumfeld_protocol::record_batch::Batch;

use super::Server;
use crate::coordinator::{
    After, Env, GROUP_METADATA_TOPIC, GroupCoordinator, GroupShard, Host, partition_for,
};

impl Server {
    /// The partition of `__consumer_offsets` that a group belongs to.
    pub fn group_partition(&self, group_id: &str) -> i32 {
        let topic = self.image.topic(GROUP_METADATA_TOPIC);
        let partitions = topic.map_or(self.config.group.offsets_topic_partitions, |topic| {
            i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX)
        });
        partition_for(group_id, partitions)
    }

    /// Has the controller create `__consumer_offsets` (AutoTopicCreationManager).
    pub fn create_offsets_topic(&mut self, cx: &mut Context<'_>) {
        let config = &self.config.group;
        let configs = [
            ("cleanup.policy", "compact".to_owned()),
            ("compression.type", "producer".to_owned()),
            ("segment.bytes", config.offsets_topic_segment_bytes.to_string()),
        ];
        let configs = configs.into_iter().map(|(name, value)| {
            CreatableTopicConfig::default().with_name(name.to_owned().into()).with_value(Some(value.into()))
        });
        let topic = CreatableTopic::default()
            .with_name(TopicName(GROUP_METADATA_TOPIC.to_owned().into()))
            .with_num_partitions(config.offsets_topic_partitions)
            .with_replication_factor(config.offsets_topic_replication_factor)
            .with_configs(configs.collect());
        self.forwarding.create_topic(cx, topic);
    }

    /// The coordinator, and what it stands on.
    fn groups_on(&mut self) -> (&mut GroupCoordinator, Host<'_>) {
        let host = Host {
            replicas: &mut self.replicas,
            image: &self.image,
            config: &self.config.group,
            flush: self.config.flush_before_acknowledging,
            disk_failed: self.disk_error.is_some(),
        };
        (&mut self.groups, host)
    }

    /// Lets the shard of a group handle something.
    pub fn with_group<R>(
        &mut self,
        cx: &mut Context<'_>,
        group_id: &str,
        run: impl FnOnce(&mut GroupShard, &mut Env<'_, '_>) -> R,
    ) -> Result<R, ErrorCode> {
        let partition = self.group_partition(group_id);
        let (groups, mut host) = self.groups_on();
        groups.with_shard(cx, &mut host, partition, run).ok_or(ErrorCode::NOT_COORDINATOR)
    }

    /// A transaction has ended: the offsets that it has in a partition of `__consumer_offsets` count, or are gone.
    pub(super) fn end_group_transaction(
        &mut self,
        cx: &mut Context<'_>,
        partition: i32,
        ends: (&Batch, i64, bool),
        after: After<GroupShard>,
    ) {
        let (groups, mut host) = self.groups_on();
        groups.end_transaction(cx, &mut host, partition, ends, after);
    }

    /// Handles the next timer of the groups that is due, if there is one.
    pub(super) fn poll_groups(&mut self, cx: &mut Context<'_>) {
        let (groups, mut host) = self.groups_on();
        groups.poll(cx, &mut host);
    }

    /// Goes on with what waited for the high watermark of a partition.
    pub(super) fn complete_group_writes(&mut self, cx: &mut Context<'_>, partition: i32) {
        let (groups, mut host) = self.groups_on();
        groups.complete(cx, &mut host, partition);
    }

    /// A flush is over: what waited for it goes on, or fails.
    pub fn group_flush_is_over(&mut self, cx: &mut Context<'_>, flush: FlushId, ok: bool) {
        let (groups, mut host) = self.groups_on();
        groups.flush_is_over(cx, &mut host, flush, ok);
    }

    /// A partition of `__consumer_offsets` has another leader, or other replicas.
    pub fn follow_coordinator(&mut self, cx: &mut Context<'_>, partition: i32) {
        let (groups, mut host) = self.groups_on();
        groups.follow(cx, &mut host, partition);
    }

    /// A topic is gone, and with it what groups have committed of it.
    pub fn forget_offsets(&mut self, cx: &mut Context<'_>, topic: &str) {
        let partitions: Vec<i32> = self.groups.partitions().collect();
        let (groups, mut host) = self.groups_on();
        for partition in partitions {
            groups.with_shard(cx, &mut host, partition, |shard, env| shard.topic_deleted(env, topic));
        }
    }
}
