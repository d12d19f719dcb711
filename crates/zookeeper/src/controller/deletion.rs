//! Topics go (`TopicDeletionManager`): brokers are told that nobody leads them, replicas are stopped and their logs
//! deleted, and then the znodes are taken away. A topic with a replica on a broker that does not live waits for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::control::{PartitionError, TopicPartition};
use crate::jute::{Op, Request};
use crate::znodes;

use super::failover::children;
use super::{Controller, Outcome, Work};

/// How many steps [`Work::DeleteZnodes`] has.
const STAGES: u8 = 5;

impl Controller {
    pub(super) fn start_deletion(&mut self, work: &Work) -> Vec<Request> {
        let delete = |path: String| self.guarded(Op::Delete { path, version: -1 });
        match work {
            Work::ListDeletions { .. } => {
                vec![Request::GetChildren2 { path: znodes::DELETE_TOPICS.to_owned(), watch: true }]
            }
            Work::DropDeletions { topics } => {
                topics.iter().map(|topic| delete(znodes::delete_topic(topic))).collect()
            }
            Work::DeleteZnodes { topic, stage } => {
                let each = |path: fn(&TopicPartition) -> String| {
                    self.context.of_topic(topic).map(|(name, _)| delete(path(name))).collect()
                };
                match stage {
                    0 => each(znodes::partition_state),
                    1 => each(znodes::topic_partition),
                    2 => vec![delete(znodes::topic_partitions(topic))],
                    3 => vec![delete(znodes::topic(topic)), delete(znodes::topic_config(topic))],
                    _ => vec![delete(znodes::delete_topic(topic))],
                }
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn finish_deletion(&mut self, work: Work, answers: Vec<Outcome>) {
        match work {
            Work::ListDeletions { failover } => {
                let asked: Vec<Arc<str>> = children(answers).into_iter().map(Arc::from).collect();
                let (there, missing): (Vec<_>, Vec<_>) =
                    asked.into_iter().partition(|topic| self.context.topics.contains(topic));
                for topic in there {
                    self.context.deletions.entry(topic).or_insert(None);
                }
                let dropped = (!missing.is_empty()).then_some(Work::DropDeletions { topics: missing });
                let resume = (!failover).then_some(Work::ResumeDeletions);
                self.first(dropped.into_iter().chain(resume).collect::<Vec<_>>());
            }
            Work::DropDeletions { .. } => drop(self.writes(answers)),
            Work::ResumeDeletions => {
                let ready = (self.context.deletions.iter())
                    .filter(|(topic, begun)| begun.is_none() && self.is_deletable(topic))
                    .map(|(topic, _)| Work::DeleteReplicas { topic: topic.clone() });
                let ready: Vec<Work> = ready.collect();
                self.first(ready);
            }
            Work::DeleteReplicas { topic } => self.delete_replicas(&topic),
            Work::DeleteZnodes { topic, stage } => {
                // A znode that is not there needs no deletion.
                if self.writes(answers).is_none() {
                    return;
                }
                if stage + 1 < STAGES {
                    return self.first([Work::DeleteZnodes { topic, stage: stage + 1 }]);
                }
                self.context.partitions.retain(|partition, _| partition.topic != topic);
                self.context.topics.remove(&topic);
                self.context.deletions.remove(&topic);
            }
            _ => {}
        }
    }

    fn is_deletable(&self, topic: &str) -> bool {
        let mut replicas = self.context.of_topic(topic).flat_map(|(_, known)| &known.replicas);
        replicas.all(|broker| self.context.is_online(*broker))
    }

    fn delete_replicas(&mut self, topic: &Arc<str>) {
        let replicas: BTreeSet<(TopicPartition, i32)> = (self.context.of_topic(topic))
            .flat_map(|(name, known)| known.replicas.iter().map(|broker| (name.clone(), *broker)))
            .collect();
        let partitions: Vec<TopicPartition> =
            self.context.of_topic(topic).map(|(partition, _)| partition.clone()).collect();
        let brokers: BTreeSet<i32> = replicas.iter().map(|(_, broker)| *broker).collect();
        let mut works = vec![Work::UpdateMetadata { brokers: Vec::new(), partitions }];
        for broker in &brokers {
            let hosted =
                replicas.iter().filter(|(_, replica)| replica == broker).map(|(name, _)| name.clone());
            works.push(Work::Offline { replica: *broker, partitions: hosted.collect() });
        }
        works.push(Work::SendRequests);
        works.push(Work::StopForDeletion { replicas: replicas.iter().cloned().collect() });
        if replicas.is_empty() {
            works.push(Work::DeleteZnodes { topic: topic.clone(), stage: 0 });
        }
        self.context.deletions.insert(topic.clone(), Some(replicas));
        self.first(works);
    }

    /// A broker has deleted replicas (`processTopicDeletionStopReplicaResponseReceived`).
    pub(super) fn replicas_deleted(&mut self, broker: i32, errors: &[PartitionError]) {
        let mut done = BTreeSet::new();
        for (partition, code) in errors {
            let Some(begun) = self.context.deletions.get_mut(&partition.topic) else { continue };
            if *code != 0 {
                // It begins anew once a broker starts.
                *begun = None;
                continue;
            }
            if let Some(left) = begun {
                left.remove(&(partition.clone(), broker));
                if left.is_empty() {
                    done.insert(partition.topic.clone());
                }
            }
        }
        self.works.extend(done.into_iter().map(|topic| Work::DeleteZnodes { topic, stage: 0 }));
    }

    /// Brokers are gone that had not told of their replicas: those topics wait for them.
    pub(super) fn deletions_fail(&mut self, brokers: &[i32]) {
        for begun in self.context.deletions.values_mut() {
            if begun.as_ref().is_some_and(|left| left.iter().any(|(_, broker)| brokers.contains(broker))) {
                *begun = None;
            }
        }
    }
}
