//! ISR changes that a leader proposes and the controller confirms
//! (org.apache.kafka.server.partition.AlterPartitionManager, KIP-497). One request is under way at a time; what is
//! proposed meanwhile goes with the next one.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Context, Endpoint, Instant};
use blumfeld_protocol::frame::decode_response;
use blumfeld_protocol::messages::alter_partition_request::{
    BrokerState as WireState, PartitionData, TopicData,
};
use blumfeld_protocol::messages::{AlterPartitionRequest, AlterPartitionResponse};
use blumfeld_protocol::{ApiKey, Uuid};
use bytes::Bytes;

use super::Server;
use crate::channel::{Channels, InFlight, Purpose};
use crate::config::BrokerConfig;
use crate::replica::{Proposal, TopicPartition};

/// ISR changes on their way to the controller.
#[derive(Clone, Debug, Default)]
pub struct AlterPartitionManager {
    waiting: BTreeMap<(Uuid, i32), (TopicPartition, Proposal)>,
    under_way: BTreeMap<(Uuid, i32), (TopicPartition, Proposal)>,
    /// Followers that may join ISRs now though nothing else about them changes: their next fetch is looked at for that.
    pub recheck: BTreeSet<i32>,
    /// When ISRs are next looked at for those that have not caught up; never before the logs are loaded.
    shrink_at: Option<Instant>,
}

/// An AlterPartition request is given up after so long, in milliseconds.
const TIMEOUT_MS: i64 = 30_000;

impl AlterPartitionManager {
    /// The logs are loaded: from here on ISRs are looked at for those that have not caught up.
    pub fn start_timers(&mut self, cx: &Context<'_>, config: &BrokerConfig) {
        self.shrink_at = Some(cx.after_ms(config.replica_lag_time_max_ms / 2));
    }

    /// When ISRs are next looked at.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.shrink_at
    }

    /// What the controller has committed overtakes what was proposed.
    pub fn forget(&mut self, key: &TopicPartition) {
        self.waiting.retain(|_, (of, _)| of != key);
    }

    /// Sends what waits, if nothing is under way.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        channels: &mut Channels,
        (config, broker_epoch): (&BrokerConfig, i64),
        controller: Option<&Endpoint>,
    ) {
        let Some(endpoint) = controller else { return };
        if self.waiting.is_empty() || !channels.idle(Purpose::AlterPartition) {
            return;
        }
        let under_way = std::mem::take(&mut self.waiting);
        let mut topics: Vec<TopicData> = Vec::new();
        for ((topic_id, number), (_, proposal)) in &under_way {
            let isr = proposal.isr.iter().map(|(id, epoch)| {
                let own = *id == config.node_id;
                let epoch = if own { broker_epoch } else { *epoch };
                WireState::default().with_broker_id((*id).into()).with_broker_epoch(epoch)
            });
            let partition = PartitionData::default()
                .with_partition_index(*number)
                .with_leader_epoch(proposal.leader_epoch)
                .with_new_isr_with_epochs(isr.collect())
                // A leader that was elected uncleanly has recovered when it says so: it goes on with what it has.
                .with_leader_recovery_state(0)
                .with_partition_epoch(proposal.partition_epoch);
            match topics.last_mut().filter(|topic| topic.topic_id == *topic_id) {
                Some(topic) => topic.partitions.push(partition),
                None => topics
                    .push(TopicData::default().with_topic_id(*topic_id).with_partitions(vec![partition])),
            }
        }
        self.under_way = under_way;
        let request = AlterPartitionRequest::default()
            .with_broker_id(config.node_id.into())
            .with_broker_epoch(broker_epoch)
            .with_topics(topics);
        let api = (ApiKey::AlterPartition, 3);
        channels.send(cx, Purpose::AlterPartition, endpoint, api, &request, TIMEOUT_MS, None);
    }
}

impl Server {
    /// Lets a follower into the ISR if it has caught up.
    pub fn maybe_expand_isr(&mut self, key: &TopicPartition, follower: i32) {
        if let Some((topic_id, proposal)) = self.replicas.expand(key, follower, &self.image) {
            self.isr.waiting.insert((topic_id, key.1), (key.clone(), proposal));
        }
    }

    /// Takes those out of the ISRs that have not caught up for too long.
    pub(super) fn shrink_isrs(&mut self, cx: &Context<'_>) {
        self.isr.start_timers(cx, &self.config);
        for (key, topic_id, proposal) in self.replicas.shrink(cx) {
            self.isr.waiting.insert((topic_id, key.1), (key, proposal));
        }
    }

    /// Takes the controller's answer; `None` for one that did not come.
    pub fn on_alter_partition(
        &mut self,
        cx: &mut Context<'_>,
        channels: &mut Channels,
        answer: Option<(&InFlight, Bytes)>,
    ) {
        let under_way = std::mem::take(&mut self.isr.under_way);
        let response = answer.and_then(|(request, frame)| {
            decode_response::<AlterPartitionResponse>(request.api_key, request.version, frame).ok()
        });
        let Some(response) = response.filter(|response| response.error_code == 0) else {
            // The controller is another one, or this broker's epoch is not known there yet: it is proposed again,
            // unless the partition has changed since.
            for (id, one) in under_way {
                self.isr.waiting.entry(id).or_insert(one);
            }
            channels.pause(Purpose::AlterPartition, cx.after_ms(50));
            return;
        };
        for topic in &response.topics {
            for data in &topic.partitions {
                let Some((key, proposal)) = under_way.get(&(topic.topic_id, data.partition_index)) else {
                    continue;
                };
                let committed = data.error_code == 0 && data.leader_epoch == proposal.leader_epoch;
                let committed =
                    committed.then(|| (data.isr.iter().map(|id| id.0).collect(), data.partition_epoch));
                let out = self.replicas.on_isr_answer(cx, key, proposal.leader_epoch, committed);
                self.isr.recheck.extend(out);
            }
        }
    }
}
