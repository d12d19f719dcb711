//! Following the metadata log: replay, the active controller's coming and going, and what changes on this node.

use std::collections::BTreeSet;

use blumfeld_kernel::{Context, TraceEvent};
use bytes::Bytes;

use super::Broker;
use crate::api;
use crate::controller::Waiting;
use crate::coordinator::{GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC};
use crate::lifecycle::BrokerState;
use crate::metadata::{MetadataImage, MetadataRecord, ResourceType};
use crate::replica::{ReplicaManager, TopicPartition};

/// What a run of records touched (MetadataDelta).
#[derive(Default)]
struct Delta {
    topics: BTreeSet<String>,
    configs: BTreeSet<String>,
    cluster_configs: bool,
    /// A broker has come, gone, or is fenced or not.
    brokers: bool,
}

impl Broker {
    /// Replays the newest snapshot, where the log begins behind one.
    pub(super) fn load_snapshot(&mut self) {
        let Some((id, values)) = self.quorum.raft.log().read_snapshot() else { return };
        if id.end_offset <= self.server.applied {
            return;
        }
        self.server.image = MetadataImage::default();
        for value in values {
            if let Ok(record) = MetadataRecord::decode(&value) {
                self.server.image.replay(&record);
            }
        }
        self.server.applied = id.end_offset;
        self.quorum.note_snapshot(id.end_offset);
    }

    /// Takes whatever the quorum has brought since the last time.
    pub(super) fn follow_metadata(&mut self, cx: &mut Context<'_>) {
        self.resign_controller(cx);
        let high_watermark = self.quorum.raft.high_watermark().unwrap_or(0);
        if high_watermark > self.server.applied {
            self.apply_committed(cx, high_watermark);
        }
        if self.boot.is_some() && self.lifecycle.state() == BrokerState::Recovery {
            self.load_logs(cx);
        }
        self.quorum.claim(cx, (&self.server.image, self.server.applied));
        self.quorum.poll(cx);
    }

    fn apply_committed(&mut self, cx: &mut Context<'_>, upto: i64) {
        let mut delta = Delta::default();
        if self.server.applied < self.quorum.raft.log().start() {
            let before: Vec<String> = self.server.image.topics().keys().cloned().collect();
            self.load_snapshot();
            delta.topics.extend(before);
            delta.topics.extend(self.server.image.topics().keys().cloned());
            delta.configs.extend(self.server.image.topics().keys().cloned());
        }
        let records: Vec<Bytes> = self
            .quorum
            .raft
            .log()
            .read(self.server.applied, upto)
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        for value in records {
            // A record that a newer version wrote is passed over, as its meaning is not known here.
            let Ok(record) = MetadataRecord::decode(&value) else { continue };
            self.note(cx, &record, &mut delta);
            if let MetadataRecord::BrokerRegistrationChange { broker_id, .. } = &record {
                self.server.isr.recheck.insert(*broker_id);
            }
            delta.brokers |= matches!(
                record,
                MetadataRecord::RegisterBroker { .. }
                    | MetadataRecord::BrokerRegistrationChange { .. }
                    | MetadataRecord::UnregisterBroker { .. }
            );
            self.server.image.replay(&record);
        }
        self.server.applied = upto;
        if self.boot.is_none() && self.server.config.roles.broker {
            self.publish(cx, delta);
        }
        self.answer_committed(cx, upto);
        self.quorum.maybe_snapshot(cx, (&self.server.image, upto));
    }

    /// Notes what a record is about to change, and says it in the trace, once in the cluster: at the active controller.
    fn note(&self, cx: &mut Context<'_>, record: &MetadataRecord, delta: &mut Delta) {
        let tell = self.quorum.active.is_some();
        let mut topic_of = |id: &blumfeld_protocol::Uuid| {
            let name = self.server.image.topic_by_id(*id).map(|topic| topic.name.clone());
            delta.topics.extend(name.clone());
            name
        };
        match record {
            MetadataRecord::Topic { name, topic_id } => {
                delta.topics.insert(name.clone());
                if let (true, Some(active)) = (tell, &self.quorum.active) {
                    let partitions =
                        active.image.topic_by_id(*topic_id).map_or(0, |topic| topic.partitions.len());
                    let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
                    cx.out.trace(TraceEvent::TopicCreated { topic: name.as_str().into(), partitions });
                }
            }
            MetadataRecord::Partition { topic_id, .. } => {
                topic_of(topic_id);
            }
            MetadataRecord::PartitionChange(change) => {
                if let (Some(name), true) = (topic_of(&change.topic_id), tell) {
                    self.trace_change(cx, &name, change);
                }
            }
            MetadataRecord::RemoveTopic { topic_id } => {
                if let (Some(name), true) = (topic_of(topic_id), tell) {
                    cx.out.trace(TraceEvent::TopicDeleted { topic: name.as_str().into() });
                }
            }
            MetadataRecord::Config { resource_type, resource_name, name, .. } => {
                match resource_type {
                    ResourceType::Topic => drop(delta.configs.insert(resource_name.clone())),
                    ResourceType::Broker => delta.cluster_configs = true,
                    // Whoever needs them asks for them.
                    ResourceType::ClientMetrics | ResourceType::Group => {}
                }
                if tell && !resource_name.is_empty() {
                    let (resource, name) = (resource_name.as_str().into(), name.as_str().into());
                    cx.out.trace(TraceEvent::ConfigAltered { resource, name });
                }
            }
            MetadataRecord::BrokerRegistrationChange {
                broker_id, fenced, in_controlled_shutdown, ..
            } if tell => {
                let broker = *broker_id;
                match (fenced, in_controlled_shutdown) {
                    (1, _) => cx.out.trace(TraceEvent::BrokerFenced { broker }),
                    (-1, _) => cx.out.trace(TraceEvent::BrokerUnfenced { broker }),
                    (_, 1) => cx.out.trace(TraceEvent::BrokerShuttingDown { broker }),
                    _ => {}
                }
            }
            MetadataRecord::UnregisterBroker { broker_id, .. } if tell => {
                cx.out.trace(TraceEvent::BrokerUnregistered { broker: *broker_id });
            }
            _ => {}
        }
    }

    fn trace_change(&self, cx: &mut Context<'_>, topic: &str, change: &crate::metadata::PartitionChange) {
        let Some(before) = self.server.image.partition(topic, change.partition) else { return };
        let mut after = before.clone();
        after.merge(change);
        let partition = format!("{topic}-{}", change.partition).into();
        if before.leader != after.leader {
            cx.out.trace(TraceEvent::LeaderElected {
                partition,
                leader: after.leader,
                epoch: after.leader_epoch,
                isr: after.isr.clone().into(),
                unclean: after.recovering && change.leader_recovery_state == Some(1),
            });
        } else if before.replicas != after.replicas {
            cx.out.trace(TraceEvent::ReplicasAssigned { partition, replicas: after.replicas.clone().into() });
        }
    }

    /// Brings this broker in line with what has changed (BrokerMetadataPublisher).
    fn publish(&mut self, cx: &mut Context<'_>, delta: Delta) {
        let image = std::mem::take(&mut self.server.image);
        let mut configs = delta.configs;
        if delta.cluster_configs {
            configs.extend(image.topics().keys().cloned());
        }
        let changed = self.server.replicas.apply(
            cx,
            &image,
            self.server.config.node_id,
            delta.topics.iter().map(String::as_str),
            None,
        );
        for topic in &configs {
            self.server.replicas.update_configs(cx, &image, topic);
        }
        if delta.brokers {
            self.server.replicas.note_brokers(cx, &image);
        }
        self.server.image = image;
        self.after_apply(cx, changed);
        for topic in delta
            .topics
            .iter()
            .filter(|topic| self.server.image.topic(topic).is_none())
            .cloned()
            .collect::<Vec<_>>()
        {
            self.server.forget_offsets(cx, &topic);
        }
    }

    /// What follows from replicas that came, changed or went.
    fn after_apply(&mut self, cx: &mut Context<'_>, changed: Vec<TopicPartition>) {
        // Most metadata is about nothing that this node has.
        let any = !changed.is_empty();
        for key in changed {
            let id = match self.server.replicas.of(&key) {
                Some(partition) => Some(partition.topic_id()),
                None => self.server.image.topic(&key.0).map(|topic| topic.id),
            };
            if let Some(id) = id {
                self.fetchers.update(cx, &mut self.channels, &self.server.replicas, (&key, (id, key.1)));
            }
            if let Some(partition) = self.server.replicas.of(&key) {
                self.server.isr.recheck.extend(partition.out_of_sync());
            }
            self.server.isr.forget(&key);
            if key.0 == GROUP_METADATA_TOPIC {
                self.server.follow_coordinator(cx, key.1);
            } else if key.0 == TRANSACTION_STATE_TOPIC {
                self.server.follow_transactions(cx, key.1);
            }
        }
        if any {
            self.fetchers.drop_gone(cx, &mut self.channels, &self.server.replicas);
        }
        self.server.replicas.arm_flush_timer(cx);
    }

    /// Loads and recovers every log, once the metadata is known: from here on the broker serves.
    fn load_logs(&mut self, cx: &mut Context<'_>) {
        let Some((mut disk, checkpoints)) = self.boot.take() else { return };
        let image = std::mem::take(&mut self.server.image);
        ReplicaManager::set_strays_aside(cx, &mut disk, &image, self.server.config.node_id);
        let topics: Vec<String> = image.topics().keys().cloned().collect();
        let changed = self.server.replicas.apply(
            cx,
            &image,
            self.server.config.node_id,
            topics.iter().map(String::as_str),
            Some((&disk, &checkpoints)),
        );
        self.server.image = image;
        self.after_apply(cx, changed);
        self.server.start_timers(cx);
        cx.out.trace(TraceEvent::BrokerStarted { clean: self.clean_start });
        self.lifecycle.ready(cx.now);
        self.drain_all(cx);
    }

    // ---- the active controller

    /// Another epoch has begun: a request that waits for this controller is told to ask another one.
    pub(super) fn resign_controller(&mut self, cx: &mut Context<'_>) {
        for Waiting { call, .. } in self.quorum.resign() {
            let reply = api::not_controller(&call.header);
            self.deliver(cx, (call, reply));
        }
    }

    fn answer_committed(&mut self, cx: &mut Context<'_>, upto: i64) {
        while let Some(Waiting { call, frame, .. }) = self.quorum.next_committed(upto) {
            self.answer(cx, call.conn, frame.into());
        }
    }
}
