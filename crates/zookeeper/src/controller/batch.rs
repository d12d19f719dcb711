//! Requests to brokers, gathered while states change and sent together (`ControllerBrokerRequestBatch`).

use std::collections::{BTreeMap, BTreeSet};

use crate::control::{
    ControlRequest, LeaderAndIsrRequest, LiveBroker, PartitionState, StopReplicaPartition,
    StopReplicaRequest, TopicPartition, UpdateMetadataRequest,
};
use crate::znodes::LeaderAndIsr;

use super::context::{ControllerContext, KnownPartition};

/// What is gathered.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestBatch {
    leader_and_isr: BTreeMap<i32, BTreeMap<TopicPartition, bool>>,
    update_metadata: BTreeSet<i32>,
    metadata_partitions: BTreeSet<TopicPartition>,
    stop_replica: BTreeMap<i32, BTreeMap<TopicPartition, (i32, bool)>>,
}

impl RequestBatch {
    pub fn clear(&mut self) {
        *self = RequestBatch::default();
    }

    /// Tells brokers who leads, and everybody what has changed.
    pub fn add_leader_and_isr(
        &mut self,
        context: &ControllerContext,
        brokers: &[i32],
        partition: &TopicPartition,
        is_new: bool,
    ) {
        for broker in brokers.iter().filter(|broker| **broker >= 0) {
            let states = self.leader_and_isr.entry(*broker).or_default();
            *states.entry(partition.clone()).or_default() |= is_new;
        }
        self.add_update_metadata(context.live.keys().copied(), [partition.clone()]);
    }

    pub fn add_update_metadata(
        &mut self,
        brokers: impl IntoIterator<Item = i32>,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) {
        self.update_metadata.extend(brokers);
        self.metadata_partitions.extend(partitions);
    }

    pub fn add_stop_replica(
        &mut self,
        context: &ControllerContext,
        broker: i32,
        partition: &TopicPartition,
        delete: bool,
    ) {
        let known = context.partitions.get(partition).and_then(|known| known.state.as_ref());
        let leader_epoch = match context.is_deleting(&partition.topic) {
            true => LeaderAndIsr::EPOCH_DURING_DELETE,
            false => known.map_or(LeaderAndIsr::NO_EPOCH, |state| state.leader_epoch),
        };
        let stopped = self.stop_replica.entry(broker).or_default();
        let entry = stopped.entry(partition.clone()).or_insert((leader_epoch, false));
        *entry = (leader_epoch, entry.1 || delete);
    }

    /// The requests, each with its broker: LeaderAndIsr for all, UpdateMetadata for all, StopReplica for all. Brokers
    /// that do not live get none.
    pub fn take(&mut self, context: &ControllerContext, id: i32, epoch: i32) -> Vec<(i32, ControlRequest)> {
        let RequestBatch { leader_and_isr, update_metadata, metadata_partitions, stop_replica } =
            std::mem::take(self);
        let mut requests = Vec::new();
        for (broker, partitions) in leader_and_isr {
            let Some(known) = context.live.get(&broker) else { continue };
            let states = partitions.iter().filter_map(|(partition, is_new)| {
                let found = state(partition, context.partitions.get(partition)?)?;
                Some(PartitionState { is_new: *is_new, ..found })
            });
            let partition_states: Vec<PartitionState> = states.collect();
            let leaders: BTreeSet<i32> = partition_states.iter().map(|state| state.leader).collect();
            let live_leaders = leaders.iter().filter_map(|leader| {
                let known = context.live.get(leader)?;
                Some((*leader, known.at.host.clone(), i32::from(known.at.port)))
            });
            let request = LeaderAndIsrRequest {
                controller_id: id,
                controller_epoch: epoch,
                broker_epoch: known.epoch,
                partition_states,
                live_leaders: live_leaders.collect(),
            };
            requests.push((broker, ControlRequest::LeaderAndIsr(request)));
        }
        let partition_states: Vec<PartitionState> = (metadata_partitions.iter())
            .filter_map(|partition| {
                let known = context.partitions.get(partition)?;
                let mut found = state(partition, known)?;
                if context.is_deleting(&partition.topic) {
                    // `LeaderAndIsr.duringDelete`.
                    found.leader = LeaderAndIsr::LEADER_DURING_DELETE;
                    found.leader_epoch = LeaderAndIsr::EPOCH_DURING_DELETE;
                }
                let offline = known.replicas.iter().copied().filter(|broker| !context.is_online(*broker));
                found.offline_replicas = offline.collect();
                Some(found)
            })
            .collect();
        let live_brokers: Vec<LiveBroker> = (context.live.iter())
            .map(|(id, known)| LiveBroker {
                id: *id,
                host: known.at.host.clone(),
                port: i32::from(known.at.port),
            })
            .collect();
        for broker in update_metadata {
            let Some(known) = context.live.get(&broker) else { continue };
            let request = UpdateMetadataRequest {
                controller_id: id,
                controller_epoch: epoch,
                broker_epoch: known.epoch,
                partition_states: partition_states.clone(),
                live_brokers: live_brokers.clone(),
            };
            requests.push((broker, ControlRequest::UpdateMetadata(request)));
        }
        for (broker, partitions) in stop_replica {
            let Some(known) = context.live.get(&broker) else { continue };
            let stopped = partitions.into_iter().map(|(partition, (leader_epoch, delete_partition))| {
                StopReplicaPartition { partition, leader_epoch, delete_partition }
            });
            let request = StopReplicaRequest {
                controller_id: id,
                controller_epoch: epoch,
                broker_epoch: known.epoch,
                partitions: stopped.collect(),
            };
            requests.push((broker, ControlRequest::StopReplica(request)));
        }
        requests
    }
}

fn state(partition: &TopicPartition, known: &KnownPartition) -> Option<PartitionState> {
    let state = known.state.as_ref()?;
    Some(PartitionState {
        partition: partition.clone(),
        controller_epoch: state.controller_epoch,
        leader: state.leader,
        leader_epoch: state.leader_epoch,
        isr: state.isr.clone(),
        zk_version: state.zk_version,
        replicas: known.replicas.clone(),
        is_new: false,
        offline_replicas: Vec::new(),
    })
}
