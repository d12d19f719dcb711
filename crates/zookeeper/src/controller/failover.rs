//! A new controller reads everything back (`KafkaController.onControllerFailover`), and what follows from brokers and
//! topics that come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use blumfeld_kernel::Context;

use crate::control::TopicPartition;
use crate::jute::{Op, Request, Response};
use crate::znodes::{self, LeaderAndIsr};

use super::context::{KnownBroker, KnownPartition, PartitionStatus, Strategy};
use super::{Controller, FIRST_REBALANCE, IMBALANCE_PERCENT, Outcome, Work};

impl Controller {
    pub(super) fn start_failover(&mut self, work: &Work) -> Vec<Request> {
        let exists = |path: &str| Request::Exists { path: path.to_owned(), watch: true };
        let list = |path: &str| vec![Request::GetChildren2 { path: path.to_owned(), watch: true }];
        let get = |path: String, watch: bool| Request::GetData { path, watch };
        match work {
            Work::WatchRequests => {
                vec![exists(znodes::PREFERRED_ELECTION), exists(znodes::REASSIGN_PARTITIONS)]
            }
            Work::ListLogDirEvents => list(znodes::LOG_DIR_EVENTS),
            Work::ListIsrChanges { .. } => list(znodes::ISR_CHANGES),
            Work::ReadIsrChanges { names } => {
                names.iter().map(|name| get(format!("{}/{name}", znodes::ISR_CHANGES), false)).collect()
            }
            Work::DeleteIsrChanges { names } => names
                .iter()
                .map(|name| {
                    self.guarded(Op::Delete { path: format!("{}/{name}", znodes::ISR_CHANGES), version: -1 })
                })
                .collect(),
            Work::ListBrokers { .. } => list(znodes::BROKER_IDS),
            Work::ReadBrokers { ids, .. } => {
                ids.iter().map(|id| get(znodes::broker_id(*id), false)).collect()
            }
            Work::WatchBrokers { ids } => ids.iter().map(|id| exists(&znodes::broker_id(*id))).collect(),
            Work::ListTopics { .. } => list(znodes::TOPICS),
            // Their handlers were registered before, so that each is watched from now on.
            Work::ReadTopics { topics, .. } => {
                topics.iter().map(|topic| get(znodes::topic(topic), true)).collect()
            }
            Work::ReadStates { partitions } => {
                partitions.iter().map(|partition| get(znodes::partition_state(partition), false)).collect()
            }
            Work::ReadPreferredElection => vec![get(znodes::PREFERRED_ELECTION.to_owned(), true)],
            _ => Vec::new(),
        }
    }

    pub(super) fn finish_failover(&mut self, cx: &mut Context<'_>, work: Work, answers: Vec<Outcome>) {
        match work {
            Work::ListIsrChanges { drop_all } => {
                let names = children(answers);
                match (names.is_empty(), drop_all) {
                    (true, _) => {}
                    (false, true) => self.first([Work::DeleteIsrChanges { names }]),
                    (false, false) => self.first([Work::ReadIsrChanges { names }]),
                }
            }
            Work::ReadIsrChanges { names } => {
                let changed = answers.into_iter().flat_map(|answer| match answer {
                    Ok(Response::GetData { data, .. }) => znodes::decode_isr_change(data.as_ref()),
                    _ => Vec::new(),
                });
                // `processIsrChangeNotification`: the states are read, everybody is told, the notifications go.
                let partitions: Vec<TopicPartition> = changed.collect::<BTreeSet<_>>().into_iter().collect();
                self.first([
                    Work::ReadStates { partitions: partitions.clone() },
                    Work::UpdateMetadata { brokers: Vec::new(), partitions },
                    Work::DeleteIsrChanges { names },
                ]);
            }
            Work::DeleteIsrChanges { .. } => drop(self.writes(answers)),
            Work::ListBrokers { failover } => {
                let ids = children(answers).iter().filter_map(|name| name.parse().ok()).collect();
                self.first([Work::ReadBrokers { ids, failover }]);
            }
            Work::ReadBrokers { ids, failover } => self.brokers_read(cx, &ids, answers, failover),
            Work::ListTopics { failover } => self.topics_listed(children(answers), failover),
            Work::ReadTopics { topics, failover } => self.topics_read(&topics, answers, failover),
            Work::ReadStates { partitions } => {
                for (partition, answer) in partitions.iter().zip(answers) {
                    if let Some(known) = self.context.partitions.get_mut(partition) {
                        known.state = state(answer);
                    }
                }
            }
            Work::ContextReady => {
                self.milestones.read = Some(cx.now);
                let brokers: Vec<_> =
                    self.context.live.iter().map(|(id, known)| (*id, known.at.clone())).collect();
                brokers.into_iter().for_each(|(id, at)| self.channels.add(cx, id, at));
            }
            Work::StartStateMachines => {
                let offline: Vec<Work> = (self.context.dead().into_iter())
                    .map(|replica| Work::Offline { replica, partitions: self.hosted(replica) })
                    .collect();
                self.first(
                    [
                        // Brokers have to know who lives before they are told whom to follow.
                        Work::UpdateMetadata { brokers: Vec::new(), partitions: Vec::new() },
                        Work::OnlineReplicas { brokers: self.live_ids() },
                    ]
                    .into_iter()
                    .chain(offline)
                    .chain([Work::SendRequests, Work::StartPartitions])
                    .collect::<Vec<_>>(),
                );
            }
            Work::StartPartitions => {
                let online: BTreeSet<i32> = self.context.live.keys().copied().collect();
                for known in self.context.partitions.values_mut() {
                    known.status = match &known.state {
                        None => PartitionStatus::New,
                        Some(state) if online.contains(&state.leader) => PartitionStatus::Online,
                        Some(_) => PartitionStatus::Offline,
                    };
                }
                self.first([Work::TriggerOnline]);
            }
            Work::Ready => {
                self.milestones.ready = Some(cx.now);
                if self.config.auto_leader_rebalance {
                    self.rebalance_at = Some(cx.now + FIRST_REBALANCE);
                }
            }
            Work::AddBrokers { brokers } => self.context.live.extend(brokers),
            Work::RemoveBrokers { ids } => {
                for id in ids {
                    self.context.live.remove(&id);
                    self.context.shutting_down.remove(&id);
                }
            }
            Work::UpdateMetadata { brokers, partitions } => {
                let brokers = if brokers.is_empty() { self.live_ids() } else { brokers };
                self.requests.add_update_metadata(brokers, partitions);
                self.send_requests(cx);
            }
            Work::UpdateAllMetadata { brokers } => {
                let led = self.context.partitions.iter().filter(|(_, known)| known.state.is_some());
                let led: Vec<TopicPartition> = led.map(|(partition, _)| partition.clone()).collect();
                self.requests.add_update_metadata(brokers, led);
                self.send_requests(cx);
            }
            Work::OnlineReplicas { brokers } => {
                for broker in brokers {
                    for partition in self.hosted(broker) {
                        let known = self.context.partitions.get(&partition);
                        if known.is_some_and(|known| known.state.is_some())
                            && !self.context.is_deleting(&partition.topic)
                        {
                            self.requests.add_leader_and_isr(&self.context, &[broker], &partition, false);
                        }
                    }
                }
                self.send_requests(cx);
            }
            Work::OnReplicasBecomeOffline { brokers } => self.replicas_offline(&brokers),
            Work::StopFollowers { broker, partitions } => {
                for partition in partitions {
                    self.requests.add_stop_replica(&self.context, broker, &partition, false);
                }
                self.send_requests(cx);
            }
            Work::StopForDeletion { replicas } => {
                for (partition, broker) in replicas {
                    self.requests.add_stop_replica(&self.context, broker, &partition, true);
                }
                self.send_requests(cx);
            }
            Work::SendRequests => self.send_requests(cx),
            Work::ReplyShutdown { broker, to } => self.shutdown_done(broker, to),
            Work::Reply { response, to } => self.reply(to, response),
            _ => {}
        }
    }

    /// Partitions with a replica on a broker.
    pub(super) fn hosted(&self, broker: i32) -> Vec<TopicPartition> {
        self.context.hosted_by(broker).map(|(partition, _)| partition.clone()).collect()
    }

    fn brokers_read(&mut self, cx: &mut Context<'_>, ids: &[i32], answers: Vec<Outcome>, failover: bool) {
        let found: BTreeMap<i32, KnownBroker> = (ids.iter().zip(answers))
            .filter_map(|(id, answer)| match answer {
                Ok(Response::GetData { data, stat }) => {
                    Some((*id, KnownBroker { at: znodes::decode_broker(data.as_ref())?, epoch: stat.czxid }))
                }
                _ => None,
            })
            .collect();
        if failover {
            self.context.live = found;
            self.first([Work::ListTopics { failover: true }]);
            return;
        }
        // `processBrokerChange`.
        let known = &self.context.live;
        let new: BTreeMap<_, _> =
            found.iter().filter(|(id, _)| !known.contains_key(id)).map(|(id, b)| (*id, b.clone())).collect();
        let dead: Vec<i32> = known.keys().copied().filter(|id| !found.contains_key(id)).collect();
        let bounced: BTreeMap<_, _> = (found.iter())
            .filter(|(id, broker)| known.get(id).is_some_and(|known| broker.epoch > known.epoch))
            .map(|(id, broker)| (*id, broker.clone()))
            .collect();
        for (id, broker) in new.iter().chain(&bounced) {
            self.channels.remove(cx, *id);
            self.channels.add(cx, *id, broker.at.clone());
        }
        dead.iter().for_each(|id| self.channels.remove(cx, *id));
        let mut works = Vec::new();
        let ids = |brokers: &BTreeMap<i32, KnownBroker>| brokers.keys().copied().collect::<Vec<_>>();
        if !new.is_empty() {
            works.extend(self.on_startup(&ids(&new), new));
        }
        if !bounced.is_empty() {
            let gone = ids(&bounced);
            works.push(Work::RemoveBrokers { ids: gone.clone() });
            works.push(Work::OnReplicasBecomeOffline { brokers: gone.clone() });
            works.extend(self.on_startup(&gone, bounced));
        }
        if !dead.is_empty() {
            works.push(Work::RemoveBrokers { ids: dead.clone() });
            works.push(Work::OnReplicasBecomeOffline { brokers: dead });
        }
        self.first(works);
    }

    /// `onBrokerStartup`.
    fn on_startup(&self, ids: &[i32], brokers: BTreeMap<i32, KnownBroker>) -> Vec<Work> {
        let existing: Vec<i32> = self.context.live.keys().copied().filter(|id| !ids.contains(id)).collect();
        let told = match existing.is_empty() {
            true => None,
            false => Some(Work::UpdateMetadata { brokers: existing, partitions: Vec::new() }),
        };
        let before = [Work::AddBrokers { brokers }].into_iter().chain(told);
        let after = [
            Work::UpdateAllMetadata { brokers: ids.to_vec() },
            Work::OnlineReplicas { brokers: ids.to_vec() },
            Work::TriggerOnline,
            Work::ResumeDeletions,
            Work::WatchBrokers { ids: ids.to_vec() },
        ];
        before.chain(after).collect()
    }

    /// `onReplicasBecomeOffline`.
    fn replicas_offline(&mut self, brokers: &[i32]) {
        let led = self.context.with_offline_leader();
        for partition in &led {
            if let Some(known) = self.context.partitions.get_mut(partition) {
                known.status = PartitionStatus::Offline;
            }
        }
        let mut works = vec![Work::TriggerOnline];
        for replica in brokers {
            let partitions = self.hosted(*replica);
            let kept = partitions.into_iter().filter(|partition| !self.context.is_deleting(&partition.topic));
            works.push(Work::Offline { replica: *replica, partitions: kept.collect() });
        }
        works.push(Work::SendRequests);
        if led.is_empty() {
            works.push(Work::UpdateMetadata { brokers: Vec::new(), partitions: Vec::new() });
        }
        self.deletions_fail(brokers);
        self.first(works);
    }

    fn topics_listed(&mut self, names: Vec<String>, failover: bool) {
        let found: BTreeSet<Arc<str>> = names.into_iter().map(Arc::from).collect();
        let new: Vec<Arc<str>> = found.difference(&self.context.topics).cloned().collect();
        self.context.partitions.retain(|partition, _| found.contains(&partition.topic));
        self.context.topics = found;
        if failover || !new.is_empty() {
            self.first([Work::ReadTopics { topics: new, failover }]);
        }
    }

    fn topics_read(&mut self, topics: &[Arc<str>], answers: Vec<Outcome>, failover: bool) {
        let mut added = Vec::new();
        for (topic, answer) in topics.iter().zip(answers) {
            let Ok(Response::GetData { data, .. }) = answer else { continue };
            for (partition, replicas) in znodes::decode_topic(data.as_ref()).unwrap_or_default() {
                let partition = TopicPartition::new(topic, partition);
                let known = KnownPartition { replicas, state: None, status: PartitionStatus::New };
                self.context.partitions.insert(partition.clone(), known);
                added.push(partition);
            }
        }
        if failover {
            self.first([
                Work::WatchBrokers { ids: self.live_ids() },
                Work::ReadStates { partitions: added },
                Work::ContextReady,
                Work::ListDeletions { failover: true },
                Work::StartStateMachines,
                Work::ResumeDeletions,
                Work::ReadPreferredElection,
                Work::Ready,
            ]);
        } else if !added.is_empty() {
            // `onNewPartitionCreation`.
            self.first([Work::CreateTopicPartitions { partitions: added }]);
        }
    }

    /// Partitions whose preferred leader lives, is in sync and does not lead, of brokers for which they are more than
    /// a tenth (`checkAndTriggerAutoLeaderRebalance`).
    pub(super) fn imbalanced(&self) -> Vec<Work> {
        let mut preferred: BTreeMap<i32, (usize, Vec<TopicPartition>)> = BTreeMap::new();
        for (partition, known) in &self.context.partitions {
            let (Some(first), Some(state)) = (known.replicas.first(), &known.state) else { continue };
            if self.context.is_deleting(&partition.topic) || !self.context.is_online(*first) {
                continue;
            }
            let (all, others) = preferred.entry(*first).or_default();
            *all += 1;
            if state.leader != *first && state.isr.contains(first) {
                others.push(partition.clone());
            }
        }
        let moved =
            preferred.into_values().filter(|(all, others)| others.len() * 100 > all * IMBALANCE_PERCENT);
        let partitions: Vec<TopicPartition> = moved.flat_map(|(_, others)| others).collect();
        match partitions.is_empty() {
            true => Vec::new(),
            false => {
                vec![Work::Elect { partitions, strategy: Strategy::PreferredReplica }, Work::SendRequests]
            }
        }
    }
}

/// The names in the answer to a list; none if there is no such znode.
pub(super) fn children(answers: Vec<Outcome>) -> Vec<String> {
    match answers.into_iter().next() {
        Some(Ok(Response::GetChildren2 { children, .. })) => children,
        _ => Vec::new(),
    }
}

/// The state in an answer.
pub(super) fn state(answer: Outcome) -> Option<LeaderAndIsr> {
    match answer {
        Ok(Response::GetData { data, stat }) => LeaderAndIsr::decode(data.as_ref(), stat.version),
        _ => None,
    }
}
