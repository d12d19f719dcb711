//! The broker's side of replication: fetched records, and ISR changes that the controller confirms
//! (org.apache.kafka.server.partition.AlterPartitionManager).

use std::collections::BTreeMap;

use blumfeld_kernel::{Context, Endpoint, Frame};
use blumfeld_protocol::frame::decode_response;
use blumfeld_protocol::messages::alter_partition_request::{
    BrokerState as WireState, PartitionData, TopicData,
};
use blumfeld_protocol::messages::{AlterPartitionRequest, AlterPartitionResponse};
use blumfeld_protocol::{ApiKey, ErrorCode, Uuid};
use bytes::Bytes;

use super::Broker;
use crate::channel::{InFlight, Purpose};
use crate::replica::{Proposal, TopicPartition};

/// ISR changes on their way to the controller.
#[derive(Clone, Debug, Default)]
pub(super) struct AlterPartitions {
    waiting: BTreeMap<(Uuid, i32), (TopicPartition, Proposal)>,
    under_way: BTreeMap<(Uuid, i32), (TopicPartition, Proposal)>,
}

/// An AlterPartition request is given up after so long, in milliseconds.
const TIMEOUT_MS: i64 = 30_000;

impl Broker {
    /// Takes what a leader sent.
    pub(super) fn on_fetched(&mut self, cx: &mut Context<'_>, leader: i32, request: &InFlight, frame: Frame) {
        let about = (leader, &self.config);
        let outcome =
            self.fetchers.on_response(cx, &mut self.channels, &mut self.replicas, about, (request, frame));
        self.changed.extend(outcome.changed);
        self.delete_later(cx, outcome.files, 60_000);
    }

    /// Lets a follower into the ISR if it has caught up.
    pub(crate) fn maybe_expand_isr(&mut self, key: &TopicPartition, follower: i32) {
        let image = &self.image;
        let Some(partition) = self.replicas.of_mut(key) else { return };
        if let Some(proposal) = partition.expand(follower, image) {
            let id = (partition.topic_id(), key.1);
            self.alter_partitions.waiting.insert(id, (key.clone(), proposal));
        }
    }

    /// Takes those out of the ISRs that have not caught up for too long.
    pub(super) fn shrink_isrs(&mut self, cx: &mut Context<'_>) {
        for (key, partition) in self.replicas.partitions_mut() {
            if let Some(proposal) = partition.shrink(cx) {
                let id = (partition.topic_id(), key.1);
                self.alter_partitions.waiting.insert(id, (key.clone(), proposal));
            }
        }
    }

    /// What the controller has committed overtakes what was proposed.
    pub(super) fn forget_proposal(&mut self, key: &TopicPartition) {
        self.alter_partitions.waiting.retain(|_, (of, _)| of != key);
    }

    pub(super) fn poll_alter_partitions(&mut self, cx: &mut Context<'_>, controller: Option<&Endpoint>) {
        let Some(endpoint) = controller else { return };
        if self.alter_partitions.waiting.is_empty() || !self.channels.idle(Purpose::AlterPartition) {
            return;
        }
        let under_way = std::mem::take(&mut self.alter_partitions.waiting);
        let mut topics: Vec<TopicData> = Vec::new();
        for ((topic_id, number), (_, proposal)) in &under_way {
            let isr = proposal.isr.iter().map(|(id, epoch)| {
                let own = *id == self.config.node_id;
                let epoch = if own { self.lifecycle.epoch() } else { *epoch };
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
        self.alter_partitions.under_way = under_way;
        let request = AlterPartitionRequest::default()
            .with_broker_id(self.config.node_id.into())
            .with_broker_epoch(self.lifecycle.epoch())
            .with_topics(topics);
        let api = (ApiKey::AlterPartition, 3);
        self.channels.send(cx, Purpose::AlterPartition, endpoint, api, &request, TIMEOUT_MS, None);
    }

    pub(super) fn on_alter_partition(&mut self, cx: &mut Context<'_>, answer: Option<(&InFlight, Bytes)>) {
        let under_way = std::mem::take(&mut self.alter_partitions.under_way);
        let response = answer.and_then(|(request, frame)| {
            decode_response::<AlterPartitionResponse>(request.api_key, request.version, frame).ok()
        });
        let Some(response) = response.filter(|response| response.error_code == 0) else {
            // The controller is another one, or this broker's epoch is not known there yet: it is proposed again, unless
            // the partition has changed since.
            for (id, one) in under_way {
                self.alter_partitions.waiting.entry(id).or_insert(one);
            }
            self.channels.pause(Purpose::AlterPartition, cx.after_ms(50));
            return;
        };
        for topic in &response.topics {
            for data in &topic.partitions {
                let Some((key, proposal)) = under_way.get(&(topic.topic_id, data.partition_index)) else {
                    continue;
                };
                let Some(partition) = self.replicas.of_mut(key) else { continue };
                if partition.registration().leader_epoch != proposal.leader_epoch {
                    continue;
                }
                match ErrorCode(data.error_code) {
                    ErrorCode::NONE if data.leader_epoch == proposal.leader_epoch => {
                        let isr = data.isr.iter().map(|id| id.0).collect();
                        partition.on_isr_committed(cx, isr, data.partition_epoch);
                    }
                    // The ISR is what it was; a follower that still has everything is proposed with its next fetch.
                    _ => partition.on_isr_refused(),
                }
                self.recheck.extend(partition.out_of_sync());
                self.changed.insert(key.clone());
            }
        }
    }
}
