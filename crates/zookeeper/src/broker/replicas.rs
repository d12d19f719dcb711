//! The replicas that a broker has (`kafka.server.ReplicaManager`, `kafka.cluster.Partition`). A log is a number here:
//! its end. Who leads, who is in sync, and in which epochs, is as in Kafka.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::Instant;
use blumfeld_protocol::ErrorCode;

use crate::control::{
    LeaderAndIsrRequest, PartitionError, PartitionState, StopReplicaPartition, TopicPartition,
};
use crate::znodes::LeaderAndIsr;

/// A follower, as its leader knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Follower {
    /// The end of its log; -1 before its first fetch of this epoch.
    pub log_end: i64,
    /// When it last had everything.
    pub caught_up: Instant,
}

/// A replica on this broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replica {
    /// The leader's broker id.
    pub leader: i32,
    /// How often leadership was decided.
    pub leader_epoch: i32,
    /// Epoch of the controller that told of it.
    pub controller_epoch: i32,
    /// The in-sync replicas.
    pub isr: Vec<i32>,
    /// Version of the state's znode, as far as this broker knows.
    pub zk_version: i32,
    /// All replicas.
    pub replicas: Vec<i32>,
    /// Whether it follows or leads; not after a StopReplica.
    pub running: bool,
    /// If it leads: the others.
    pub followers: BTreeMap<i32, Follower>,
    /// An ISR that was asked for and is not decided.
    pub wanted_isr: Option<Vec<i32>>,
}

/// A change of an ISR that a leader wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IsrChange {
    /// Which partition.
    pub partition: TopicPartition,
    /// The state with the new ISR; the version is the one that the znode must have.
    pub state: LeaderAndIsr,
}

/// What a LeaderAndIsr changed here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Became {
    /// How it went, by partition.
    pub errors: Vec<PartitionError>,
    /// Partitions that this broker leads from now on.
    pub leading: Vec<TopicPartition>,
    /// Partitions that it follows from now on, with their leaders.
    pub following: Vec<(TopicPartition, i32)>,
}

/// All replicas of a broker, and their logs.
#[derive(Clone, Debug, Default)]
pub struct ReplicaManager {
    id: i32,
    replicas: BTreeMap<TopicPartition, Replica>,
    logs: BTreeMap<TopicPartition, i64>,
    controller_epoch: i32,
    /// Followers that have everything and are out of the ISR: they are asked for with each of their fetches.
    outside: BTreeSet<(i32, TopicPartition)>,
}

impl ReplicaManager {
    /// The replicas of a broker that starts with these logs.
    pub fn new(id: i32, logs: BTreeMap<TopicPartition, i64>) -> ReplicaManager {
        ReplicaManager { id, logs, ..ReplicaManager::default() }
    }

    /// The replicas that it was told of.
    pub fn replicas(&self) -> &BTreeMap<TopicPartition, Replica> {
        &self.replicas
    }

    /// Its disk: each log's end.
    pub fn logs(&self) -> &BTreeMap<TopicPartition, i64> {
        &self.logs
    }

    /// The end of a log; 0 if there is none.
    pub fn log_end(&self, partition: &TopicPartition) -> i64 {
        self.logs.get(partition).copied().unwrap_or(0)
    }

    /// The newest controller's epoch that it was told.
    pub fn controller_epoch(&self) -> i32 {
        self.controller_epoch
    }

    /// Whether a controller's request is too old; a newer epoch is taken over.
    pub fn is_stale(&mut self, controller_epoch: i32) -> bool {
        if controller_epoch < self.controller_epoch {
            return true;
        }
        self.controller_epoch = controller_epoch;
        false
    }

    /// Whether this broker leads a partition, as far as it knows.
    pub fn leads(&self, partition: &TopicPartition) -> bool {
        self.replicas.get(partition).is_some_and(|replica| replica.leader == self.id && replica.running)
    }

    /// `becomeLeaderOrFollower`. A leader epoch that is not newer than the known one changes nothing.
    pub fn become_leader_or_follower(&mut self, now: Instant, request: &LeaderAndIsrRequest) -> Became {
        let mut became = Became::default();
        for state in &request.partition_states {
            let known = self.replicas.get(&state.partition);
            // A replica that was stopped and not deleted takes its epoch again.
            let newest = known.map_or(-1, |known| known.leader_epoch - i32::from(!known.running));
            let error = if state.leader_epoch <= newest {
                ErrorCode::STALE_CONTROLLER_EPOCH.0
            } else if state.replicas.contains(&self.id) {
                self.become_one(now, state, &mut became);
                0
            } else {
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0
            };
            became.errors.push((state.partition.clone(), error));
        }
        became
    }

    fn become_one(&mut self, now: Instant, state: &PartitionState, became: &mut Became) {
        self.logs.entry(state.partition.clone()).or_insert(0);
        let leads = state.leader == self.id;
        let others = state.replicas.iter().copied().filter(|id| leads && *id != self.id);
        let followers = others.map(|id| {
            let caught_up = if state.isr.contains(&id) { now } else { Instant::ZERO };
            (id, Follower { log_end: -1, caught_up })
        });
        let replica = Replica {
            leader: state.leader,
            leader_epoch: state.leader_epoch,
            controller_epoch: state.controller_epoch,
            isr: state.isr.clone(),
            zk_version: state.zk_version,
            replicas: state.replicas.clone(),
            running: true,
            followers: followers.collect(),
            wanted_isr: None,
        };
        self.replicas.insert(state.partition.clone(), replica);
        match leads {
            true => became.leading.push(state.partition.clone()),
            false => became.following.push((state.partition.clone(), state.leader)),
        }
    }

    /// `stopReplicas`: an error for each partition, and those that stopped.
    pub fn stop(
        &mut self,
        partitions: &[StopReplicaPartition],
    ) -> (Vec<PartitionError>, Vec<TopicPartition>) {
        let (mut errors, mut stopped) = (Vec::new(), Vec::new());
        for each in partitions {
            let known = self.replicas.get_mut(&each.partition);
            let fenced = known
                .as_ref()
                .is_some_and(|known| each.leader_epoch >= 0 && each.leader_epoch < known.leader_epoch);
            if fenced {
                errors.push((each.partition.clone(), ErrorCode::FENCED_LEADER_EPOCH.0));
                continue;
            }
            if let Some(known) = known {
                known.running = false;
                stopped.push(each.partition.clone());
            }
            if each.delete_partition {
                self.replicas.remove(&each.partition);
                self.logs.remove(&each.partition);
            }
            errors.push((each.partition.clone(), 0));
        }
        (errors, stopped)
    }

    /// A producer writes records; `last_fetches` says when each follower last asked.
    ///
    /// # Errors
    /// This broker does not lead the partition.
    pub fn append(
        &mut self,
        partition: &TopicPartition,
        records: i64,
        last_fetches: &BTreeMap<i32, Instant>,
    ) -> Result<i64, ErrorCode> {
        if !self.leads(partition) {
            return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        }
        let end = self.logs.entry(partition.clone()).or_insert(0);
        if let Some(replica) = self.replicas.get_mut(partition) {
            for (id, follower) in &mut replica.followers {
                // Until now it had everything with each of its fetches.
                if follower.log_end == *end
                    && let Some(at) = last_fetches.get(id)
                {
                    follower.caught_up = follower.caught_up.max(*at);
                }
            }
        }
        *end = end.saturating_add(records);
        Ok(*end)
    }

    /// A follower has fetched up to `log_end`. If that brings it into the ISR, the change.
    pub fn fetched(
        &mut self,
        now: Instant,
        partition: &TopicPartition,
        follower: i32,
        log_end: i64,
    ) -> Option<IsrChange> {
        let end = self.log_end(partition);
        let id = self.id;
        let replica = self.replicas.get_mut(partition).filter(|known| known.leader == id && known.running)?;
        let known = replica.followers.get_mut(&follower)?;
        known.log_end = log_end;
        if log_end < end {
            return None;
        }
        known.caught_up = now;
        let place = (follower, partition.clone());
        if replica.isr.contains(&follower) {
            self.outside.remove(&place);
            return None;
        }
        self.outside.insert(place);
        if replica.wanted_isr.is_some() {
            return None;
        }
        let isr = replica.isr.iter().copied().chain([follower]).collect();
        Some(want(partition, replica, isr))
    }

    /// A follower has fetched, and said nothing new of partitions of which it has everything and is out of the ISR
    /// (`maybeExpandIsr`, which Kafka calls for every partition of every fetch).
    pub fn fetched_again(&mut self, now: Instant, follower: i32) -> Vec<IsrChange> {
        let own = self.outside.iter().filter(|(id, _)| *id == follower);
        let own: Vec<TopicPartition> = own.map(|(_, partition)| partition.clone()).collect();
        let mut changes = Vec::new();
        for partition in own {
            let known = self.replicas.get(&partition).and_then(|replica| replica.followers.get(&follower));
            let Some(log_end) = known.map(|known| known.log_end).filter(|_| self.leads(&partition)) else {
                self.outside.remove(&(follower, partition));
                continue;
            };
            changes.extend(self.fetched(now, &partition, follower, log_end));
        }
        changes
    }

    /// The session is over, and with it every answer to a wish.
    pub fn forget_wishes(&mut self) {
        self.replicas.values_mut().for_each(|replica| replica.wanted_isr = None);
    }

    /// A follower's log is as long as its leader's, or the leader's was shorter.
    pub fn set_log_end(&mut self, partition: &TopicPartition, log_end: i64) {
        self.logs.insert(partition.clone(), log_end);
    }

    /// ISRs without followers that lack something and have not had everything for so long (`maybeShrinkIsr`). One that
    /// has everything stays, even if it is silent.
    pub fn shrink(&mut self, now: Instant, lag: Duration) -> Vec<IsrChange> {
        let mut changes = Vec::new();
        for (partition, replica) in &mut self.replicas {
            if replica.leader != self.id || !replica.running || replica.wanted_isr.is_some() {
                continue;
            }
            let end = self.logs.get(partition).copied().unwrap_or(0);
            let behind = |id: &i32| {
                let known = replica.followers.get(id);
                known.is_some_and(|known| known.log_end != end && now.since(known.caught_up) > lag)
            };
            let isr: Vec<i32> = replica.isr.iter().copied().filter(|id| !behind(id)).collect();
            if isr.len() < replica.isr.len() {
                changes.push(want(partition, replica, isr));
            }
        }
        changes
    }

    /// An ISR that was asked for is decided: by the new version of its znode, or not.
    pub fn decided(&mut self, change: &IsrChange, zk_version: Option<i32>) -> bool {
        let state = &change.state;
        let Some(replica) = self.replicas.get_mut(&change.partition) else { return false };
        // In between it may have become another's.
        if replica.leader_epoch != state.leader_epoch || replica.wanted_isr.take().is_none() {
            return false;
        }
        let Some(zk_version) = zk_version else { return false };
        replica.isr = state.isr.clone();
        replica.zk_version = zk_version;
        true
    }
}

fn want(partition: &TopicPartition, replica: &mut Replica, isr: Vec<i32>) -> IsrChange {
    replica.wanted_isr = Some(isr.clone());
    let state = LeaderAndIsr {
        leader: replica.leader,
        leader_epoch: replica.leader_epoch,
        isr,
        zk_version: replica.zk_version,
        controller_epoch: replica.controller_epoch,
    };
    IsrChange { partition: partition.clone(), state }
}
