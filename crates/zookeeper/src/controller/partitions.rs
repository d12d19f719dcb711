//! Partitions and replicas change their states (`ZkPartitionStateMachine`, `ZkReplicaStateMachine`), brokers end in
//! order, and leaders ask for other ISRs.

use blumfeld_protocol::ErrorCode;

use crate::control::{
    AlterIsrRequest, AlterIsrResult, ControlResponse, ControlledShutdownRequest, TopicPartition,
};
use crate::jute::{Code, Create, CreateMode, Op, OpResult, Request};
use crate::znodes::{self, LeaderAndIsr};

use super::context::{PartitionStatus, Strategy, elect};
use super::failover::state;
use super::work::Update;
use super::{Controller, Outcome, ReplyTo, Work};

impl Controller {
    pub(super) fn start_partitions(&mut self, work: &Work) -> Vec<Request> {
        let read = |partitions: &[TopicPartition]| -> Vec<Request> {
            let paths = partitions.iter().map(znodes::partition_state);
            paths.map(|path| Request::GetData { path, watch: false }).collect()
        };
        let write = |this: &Controller, updates: &[Update]| -> Vec<Request> {
            let ops = updates.iter().map(|update| Op::SetData {
                path: znodes::partition_state(&update.partition),
                data: Some(update.state.encode()),
                version: update.state.zk_version,
            });
            ops.map(|op| this.guarded(op)).collect()
        };
        let create = |this: &Controller, path: String, data| {
            this.guarded(Op::Create(Create::new(path, data, CreateMode::Persistent)))
        };
        match work {
            Work::Elect { partitions, .. } => read(partitions),
            Work::Offline { replica, partitions } => {
                for partition in partitions {
                    self.requests.add_stop_replica(&self.context, *replica, partition, false);
                }
                let led = partitions.iter().filter(|partition| self.state_of(partition).is_some());
                read(&led.cloned().collect::<Vec<_>>())
            }
            Work::ElectWrite { updates, .. }
            | Work::OfflineWrite { updates, .. }
            | Work::AlterIsrWrite { updates, .. } => write(self, updates),
            Work::CreateTopicPartitions { partitions } => {
                let topics = partitions.chunk_by(|a, b| a.topic == b.topic).filter_map(<[_]>::first);
                topics.map(|first| create(self, znodes::topic_partitions(&first.topic), None)).collect()
            }
            Work::CreatePartitions { partitions } => {
                partitions.iter().map(|each| create(self, znodes::topic_partition(each), None)).collect()
            }
            Work::CreateStates { updates } => (updates.iter())
                .map(|update| {
                    create(self, znodes::partition_state(&update.partition), Some(update.state.encode()))
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn state_of(&self, partition: &TopicPartition) -> Option<&LeaderAndIsr> {
        self.context.partitions.get(partition)?.state.as_ref()
    }

    fn set_state(&mut self, partition: &TopicPartition, state: LeaderAndIsr, status: PartitionStatus) {
        if let Some(known) = self.context.partitions.get_mut(partition) {
            known.state = Some(state);
            known.status = status;
        }
    }

    pub(super) fn finish_partitions(&mut self, work: Work, answers: Vec<Outcome>) {
        match work {
            Work::TriggerOnline => self.trigger_online(),
            Work::Elect { partitions, strategy } => self.choose(&partitions, answers, strategy),
            Work::ElectWrite { updates, strategy } => {
                let again = self.written(updates, answers, true);
                if !again.is_empty() {
                    self.first([Work::Elect { partitions: again, strategy }]);
                }
            }
            Work::CreateTopicPartitions { partitions } => {
                let Some(_) = self.writes(answers) else { return };
                self.first([Work::CreatePartitions { partitions }]);
            }
            Work::CreatePartitions { partitions } => {
                let Some(_) = self.writes(answers) else { return };
                let updates = partitions.iter().filter_map(|partition| self.first_state(partition)).collect();
                self.first([Work::CreateStates { updates }, Work::SendRequests]);
            }
            Work::CreateStates { updates } => {
                let Some(results) = self.writes(answers) else { return };
                for (update, result) in updates.into_iter().zip(results) {
                    if result.is_ok() {
                        self.set_state(&update.partition, update.state, PartitionStatus::Online);
                        self.requests.add_leader_and_isr(
                            &self.context,
                            &update.recipients,
                            &update.partition,
                            true,
                        );
                    }
                }
            }
            Work::Offline { replica, partitions } => self.take_out(replica, partitions, answers),
            Work::OfflineWrite { replica, updates } => {
                let again = self.written(updates, answers, false);
                if !again.is_empty() {
                    self.first([Work::Offline { replica, partitions: again }]);
                }
            }
            Work::AlterIsrWrite { updates, results, asked, to } => {
                self.isrs_altered(updates, results, asked, to, answers);
            }
            _ => {}
        }
    }

    /// `triggerOnlinePartitionStateChange`: partitions that are new or offline.
    fn trigger_online(&mut self) {
        let (mut new, mut offline) = (Vec::new(), Vec::new());
        for (partition, known) in &self.context.partitions {
            if self.context.is_deleting(&partition.topic) {
                continue;
            }
            match known.status {
                PartitionStatus::New => new.push(partition.clone()),
                PartitionStatus::Offline => offline.push(partition.clone()),
                PartitionStatus::Online => {}
            }
        }
        let strategy = Strategy::Offline { unclean: self.config.unclean_leader_election };
        let initialize = (!new.is_empty()).then_some(Work::CreateTopicPartitions { partitions: new });
        let elect = (!offline.is_empty()).then_some(Work::Elect { partitions: offline, strategy });
        self.first(initialize.into_iter().chain(elect).chain([Work::SendRequests]).collect::<Vec<_>>());
    }

    /// The first leader is the first replica that lives, and all that live are in sync
    /// (`initializeLeaderAndIsrForPartitions`).
    fn first_state(&self, partition: &TopicPartition) -> Option<Update> {
        let known = self.context.partitions.get(partition)?;
        let isr: Vec<i32> = known.replicas.iter().copied().filter(|id| self.context.is_online(*id)).collect();
        let state = LeaderAndIsr {
            leader: *isr.first()?,
            leader_epoch: 0,
            isr: isr.clone(),
            zk_version: 0,
            controller_epoch: self.epoch,
        };
        Some(Update { partition: partition.clone(), state, recipients: isr })
    }

    fn choose(&mut self, partitions: &[TopicPartition], answers: Vec<Outcome>, strategy: Strategy) {
        let mut updates = Vec::new();
        for (partition, answer) in partitions.iter().zip(answers) {
            let (Some(found), Some(known)) = (state(answer), self.context.partitions.get(partition)) else {
                continue;
            };
            // A newer controller was here: this one was replaced and will hear of it.
            if found.controller_epoch > self.epoch {
                continue;
            }
            let Some(chosen) = elect(&self.context, &known.replicas, &found, strategy) else { continue };
            let recipients = match strategy {
                Strategy::ControlledShutdown => {
                    known.replicas.iter().copied().filter(|id| self.context.live.contains_key(id)).collect()
                }
                _ => known.replicas.iter().copied().filter(|id| self.context.is_online(*id)).collect(),
            };
            let state = LeaderAndIsr { controller_epoch: self.epoch, ..chosen };
            updates.push(Update { partition: partition.clone(), state, recipients });
        }
        if !updates.is_empty() {
            self.first([Work::ElectWrite { updates, strategy }]);
        }
    }

    /// What was written is known and told from now on. Gives those whose znode had another version: a leader was
    /// faster, and they are read again.
    fn written(&mut self, updates: Vec<Update>, answers: Vec<Outcome>, elected: bool) -> Vec<TopicPartition> {
        let Some(results) = self.writes(answers) else { return Vec::new() };
        let mut again = Vec::new();
        for (update, result) in updates.into_iter().zip(results) {
            match result {
                Ok(OpResult::SetData { stat }) => {
                    let state = LeaderAndIsr { zk_version: stat.version, ..update.state };
                    let status = (self.context.partitions.get(&update.partition)).map(|known| known.status);
                    let status = match elected {
                        true => PartitionStatus::Online,
                        false => status.unwrap_or(PartitionStatus::Offline),
                    };
                    self.set_state(&update.partition, state, status);
                    if !self.context.is_deleting(&update.partition.topic) {
                        self.requests.add_leader_and_isr(
                            &self.context,
                            &update.recipients,
                            &update.partition,
                            false,
                        );
                    }
                }
                Err(Code::BadVersion) => again.push(update.partition),
                _ => {}
            }
        }
        again
    }

    /// Takes a broker out of the ISRs that were read (`doRemoveReplicasFromIsr`). The last one stays in.
    fn take_out(&mut self, replica: i32, partitions: Vec<TopicPartition>, answers: Vec<Outcome>) {
        let led = partitions.into_iter().filter(|partition| self.state_of(partition).is_some());
        let led: Vec<TopicPartition> = led.collect();
        let mut updates = Vec::new();
        for (partition, answer) in led.into_iter().zip(answers) {
            let Some(found) = state(answer).filter(|found| found.controller_epoch <= self.epoch) else {
                continue;
            };
            let Some(known) = self.context.partitions.get(&partition) else { continue };
            let recipients: Vec<i32> = known.replicas.iter().copied().filter(|id| *id != replica).collect();
            if !found.isr.contains(&replica) {
                // It is out already; what was read is the truth all the same, and is told.
                let (found, status) = (LeaderAndIsr { controller_epoch: self.epoch, ..found }, known.status);
                self.set_state(&partition, found, status);
                if !self.context.is_deleting(&partition.topic) {
                    self.requests.add_leader_and_isr(&self.context, &recipients, &partition, false);
                }
                continue;
            }
            let isr = match found.isr.len() {
                1 => found.isr.clone(),
                _ => found.isr.iter().copied().filter(|id| *id != replica).collect(),
            };
            let leader = if found.leader == replica { LeaderAndIsr::NO_LEADER } else { found.leader };
            let leader_epoch = found.leader_epoch + 1;
            let state = LeaderAndIsr {
                leader,
                isr,
                leader_epoch,
                controller_epoch: self.epoch,
                zk_version: found.zk_version,
            };
            updates.push(Update { partition, state, recipients });
        }
        if !updates.is_empty() {
            self.first([Work::OfflineWrite { replica, updates }]);
        }
    }

    /// `doControlledShutdown`.
    pub(super) fn controlled_shutdown(&mut self, request: &ControlledShutdownRequest, to: ReplyTo) {
        let id = request.broker_id;
        let refuse = match self.context.live.get(&id) {
            _ if !self.is_active() => Some(ErrorCode::NOT_CONTROLLER),
            None => Some(ErrorCode::BROKER_NOT_AVAILABLE),
            Some(known) if request.broker_epoch < known.epoch => Some(ErrorCode::STALE_BROKER_EPOCH),
            Some(_) => None,
        };
        if let Some(error) = refuse {
            return self.reply(to, ControlResponse::ControlledShutdown(error.0, Vec::new()));
        }
        self.context.shutting_down.insert(id);
        let movable = self.context.hosted_by(id).filter(|(partition, known)| {
            known.replicas.len() > 1 && known.state.is_some() && !self.context.is_deleting(&partition.topic)
        });
        let (led, followed): (Vec<_>, Vec<_>) =
            movable.partition(|(_, known)| known.state.as_ref().is_some_and(|state| state.leader == id));
        let names =
            |found: Vec<(&TopicPartition, _)>| found.into_iter().map(|(name, _)| name.clone()).collect();
        let (led, followed): (Vec<TopicPartition>, Vec<TopicPartition>) = (names(led), names(followed));
        let mut works = Vec::new();
        if !led.is_empty() {
            works.push(Work::Elect { partitions: led, strategy: Strategy::ControlledShutdown });
            works.push(Work::SendRequests);
        }
        if !followed.is_empty() {
            works.push(Work::StopFollowers { broker: id, partitions: followed.clone() });
            works.push(Work::Offline { replica: id, partitions: followed });
            works.push(Work::SendRequests);
        }
        works.push(Work::ReplyShutdown { broker: id, to });
        self.works.extend(works);
    }

    pub(super) fn shutdown_done(&mut self, id: i32, to: ReplyTo) {
        let leads = self.context.partitions.iter().filter(|(_, known)| {
            known.replicas.len() > 1 && known.state.as_ref().is_some_and(|state| state.leader == id)
        });
        let remaining = leads.map(|(partition, _)| partition.clone()).collect();
        self.reply(to, ControlResponse::ControlledShutdown(0, remaining));
    }

    /// `processAlterIsr` (KIP-497).
    pub(super) fn alter_isr(&mut self, request: &AlterIsrRequest, to: ReplyTo) {
        let refuse = match self.context.live.get(&request.broker_id) {
            _ if !self.is_active() => Some(ErrorCode::NOT_CONTROLLER),
            Some(known) if known.epoch == request.broker_epoch => None,
            _ => Some(ErrorCode::STALE_BROKER_EPOCH),
        };
        if let Some(error) = refuse {
            return self.reply(to, ControlResponse::AlterIsr(error.0, Vec::new()));
        }
        let (mut updates, mut results) = (Vec::new(), Vec::new());
        for each in &request.partitions {
            let Some(known) = self.state_of(&each.partition) else {
                results.push(failed(&each.partition, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
                continue;
            };
            if each.leader_epoch < known.leader_epoch {
                results.push(failed(&each.partition, ErrorCode::FENCED_LEADER_EPOCH));
                continue;
            }
            let state = LeaderAndIsr {
                leader: request.broker_id,
                leader_epoch: each.leader_epoch,
                isr: each.new_isr.clone(),
                zk_version: each.current_isr_version,
                controller_epoch: self.epoch,
            };
            if state.leader == known.leader
                && state.leader_epoch == known.leader_epoch
                && state.isr == known.isr
            {
                results.push(done(&each.partition, known));
                continue;
            }
            updates.push(Update { partition: each.partition.clone(), state, recipients: Vec::new() });
        }
        let asked = request.partitions.iter().map(|each| each.partition.clone()).collect();
        self.works.push_back(Work::AlterIsrWrite { updates, results, asked, to });
    }

    fn isrs_altered(
        &mut self,
        updates: Vec<Update>,
        mut results: Vec<AlterIsrResult>,
        asked: Vec<TopicPartition>,
        to: ReplyTo,
        answers: Vec<Outcome>,
    ) {
        let Some(written) = self.writes(answers) else {
            return self.reply(to, ControlResponse::AlterIsr(ErrorCode::NOT_CONTROLLER.0, Vec::new()));
        };
        let mut changed = Vec::new();
        for (update, result) in updates.into_iter().zip(written) {
            match result {
                Ok(OpResult::SetData { stat }) => {
                    let state = LeaderAndIsr { zk_version: stat.version, ..update.state };
                    results.push(done(&update.partition, &state));
                    changed.push(update.partition);
                }
                Err(Code::BadVersion) => {
                    results.push(failed(&update.partition, ErrorCode::INVALID_UPDATE_VERSION))
                }
                _ => results.push(failed(&update.partition, ErrorCode::UNKNOWN_SERVER_ERROR)),
            }
        }
        // One topic after the other, as the wire groups them.
        results.sort_by(|a, b| a.partition.cmp(&b.partition));
        self.first([
            Work::ReadStates { partitions: changed },
            Work::UpdateMetadata { brokers: Vec::new(), partitions: asked },
            Work::Reply { response: ControlResponse::AlterIsr(0, results), to },
        ]);
    }
}

fn failed(partition: &TopicPartition, error: ErrorCode) -> AlterIsrResult {
    AlterIsrResult {
        partition: partition.clone(),
        error_code: error.0,
        leader_id: 0,
        leader_epoch: 0,
        isr: Vec::new(),
        current_isr_version: 0,
    }
}

fn done(partition: &TopicPartition, state: &LeaderAndIsr) -> AlterIsrResult {
    AlterIsrResult {
        partition: partition.clone(),
        error_code: 0,
        leader_id: state.leader,
        leader_epoch: state.leader_epoch,
        isr: state.isr.clone(),
        current_isr_version: state.zk_version,
    }
}
