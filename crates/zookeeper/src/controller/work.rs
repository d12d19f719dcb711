//! What an event of the controller's consists of.

use std::collections::BTreeMap;
use std::sync::Arc;

use blumfeld_kernel::Context;

use crate::client::Client;
use crate::control::{AlterIsrResult, ControlResponse, TopicPartition};
use crate::jute::Request;
use crate::znodes::LeaderAndIsr;

use super::{Controller, KnownBroker, Outcome, ReplyTo, Strategy};

/// A state that is to be written, and the brokers that are to hear of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Update {
    /// Which partition.
    pub partition: TopicPartition,
    /// Its state; the version is the one that the znode must have.
    pub state: LeaderAndIsr,
    /// Brokers that get a LeaderAndIsr.
    pub recipients: Vec<i32>,
}

/// A step: what ZooKeeper is asked for, and what goes on with the answers. Steps that ask for nothing go on at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Work {
    /// Makes the paths that every cluster has.
    CreatePaths,
    /// Makes this broker's ephemeral znode.
    RegisterBroker,
    /// Looks whose znode it is that is there already.
    ReadRegistration,
    /// Watches `/controller`.
    WatchController,
    /// Reads `/controller`.
    ReadController {
        /// Whether to stand for controller if there is none.
        elect: bool,
    },
    /// Reads `/controller_epoch`.
    ReadEpoch,
    /// Makes `/controller_epoch`.
    CreateEpoch,
    /// Makes `/controller` and writes `/controller_epoch`, both or none.
    Claim {
        /// The epoch that was read.
        epoch: i32,
        /// The version of its znode.
        version: i32,
    },
    /// The claim failed: whether it is this broker's own all the same.
    CheckClaim {
        /// The epoch that was claimed.
        epoch: i32,
    },
    /// Watches what people ask of a controller by znodes.
    WatchRequests,
    /// Lists what brokers lost of their directories.
    ListLogDirEvents,
    /// Lists ISRs that leaders have changed.
    ListIsrChanges {
        /// A new controller reads all states anyway, and drops the notifications.
        drop_all: bool,
    },
    /// Reads notifications of changed ISRs.
    ReadIsrChanges {
        /// Names of the znodes.
        names: Vec<String>,
    },
    /// Takes notifications away.
    DeleteIsrChanges {
        /// Names of the znodes.
        names: Vec<String>,
    },
    /// Lists brokers.
    ListBrokers {
        /// Whether all is being read for the first time.
        failover: bool,
    },
    /// Reads brokers.
    ReadBrokers {
        /// Their ids.
        ids: Vec<i32>,
        /// Whether all is being read for the first time.
        failover: bool,
    },
    /// Watches the brokers' znodes.
    WatchBrokers {
        /// Their ids.
        ids: Vec<i32>,
    },
    /// Lists topics.
    ListTopics {
        /// Whether all is being read for the first time.
        failover: bool,
    },
    /// Reads topics' assignments.
    ReadTopics {
        /// Their names.
        topics: Vec<Arc<str>>,
        /// Whether all is being read for the first time.
        failover: bool,
    },
    /// Reads partitions' states into what is known.
    ReadStates {
        /// Which.
        partitions: Vec<TopicPartition>,
    },
    /// Everything was read: connects to the brokers.
    ContextReady,
    /// Tells the state machines what was read.
    StartStateMachines,
    /// Sees how each partition is, once replicas that are offline are out of the ISRs.
    StartPartitions,
    /// Reads partitions whose preferred leader was asked for.
    ReadPreferredElection,
    /// The new controller serves.
    Ready,
    /// Brokers are alive.
    AddBrokers {
        /// They.
        brokers: BTreeMap<i32, KnownBroker>,
    },
    /// Brokers are alive no more.
    RemoveBrokers {
        /// They.
        ids: Vec<i32>,
    },
    /// Tells brokers about partitions, or only about the brokers.
    UpdateMetadata {
        /// The brokers that are told; none stands for all.
        brokers: Vec<i32>,
        /// The partitions.
        partitions: Vec<TopicPartition>,
    },
    /// Tells brokers about partitions that have leaders.
    UpdateAllMetadata {
        /// The brokers that are told.
        brokers: Vec<i32>,
    },
    /// Tells brokers which partitions they lead and follow.
    OnlineReplicas {
        /// The brokers.
        brokers: Vec<i32>,
    },
    /// Brokers' replicas are offline: elects leaders, and takes them out of ISRs.
    OnReplicasBecomeOffline {
        /// The brokers.
        brokers: Vec<i32>,
    },
    /// Elects leaders for partitions that have none, and tells.
    TriggerOnline,
    /// Reads the state of partitions, and chooses leaders.
    Elect {
        /// Which.
        partitions: Vec<TopicPartition>,
        /// How.
        strategy: Strategy,
    },
    /// Writes who was chosen.
    ElectWrite {
        /// What.
        updates: Vec<Update>,
        /// How they were chosen.
        strategy: Strategy,
    },
    /// Makes the znodes `partitions` of topics.
    CreateTopicPartitions {
        /// The partitions that are new.
        partitions: Vec<TopicPartition>,
    },
    /// Makes the znodes of partitions.
    CreatePartitions {
        /// The partitions that are new.
        partitions: Vec<TopicPartition>,
    },
    /// Makes the first state of partitions.
    CreateStates {
        /// What.
        updates: Vec<Update>,
    },
    /// Stops a broker's replicas, and reads the states from which they are to go.
    Offline {
        /// The broker.
        replica: i32,
        /// Which partitions.
        partitions: Vec<TopicPartition>,
    },
    /// Writes ISRs without the broker.
    OfflineWrite {
        /// The broker.
        replica: i32,
        /// What.
        updates: Vec<Update>,
    },
    /// Stops followers on a broker that ends.
    StopFollowers {
        /// The broker.
        broker: i32,
        /// Which partitions.
        partitions: Vec<TopicPartition>,
    },
    /// Stops replicas of a topic that is to go, and has their logs deleted.
    StopForDeletion {
        /// Each partition with a broker.
        replicas: Vec<(TopicPartition, i32)>,
    },
    /// Sends what was gathered.
    SendRequests,
    /// Answers a broker that ends.
    ReplyShutdown {
        /// The broker.
        broker: i32,
        /// Whom to answer.
        to: ReplyTo,
    },
    /// Writes ISRs that a leader asked for.
    AlterIsrWrite {
        /// What.
        updates: Vec<Update>,
        /// How the others went.
        results: Vec<AlterIsrResult>,
        /// All that were asked for.
        asked: Vec<TopicPartition>,
        /// Whom to answer.
        to: ReplyTo,
    },
    /// Answers a broker.
    Reply {
        /// What.
        response: ControlResponse,
        /// Whom.
        to: ReplyTo,
    },
    /// Lists topics that are to go.
    ListDeletions {
        /// Whether all is being read for the first time.
        failover: bool,
    },
    /// Takes away wishes to delete topics that are not there.
    DropDeletions {
        /// The topics.
        topics: Vec<Arc<str>>,
    },
    /// Begins what deletions can begin.
    ResumeDeletions,
    /// Stops a topic's replicas and deletes their logs.
    DeleteReplicas {
        /// The topic.
        topic: Arc<str>,
    },
    /// Takes away a topic's znodes, the innermost first: states, partitions, the rest.
    DeleteZnodes {
        /// The topic.
        topic: Arc<str>,
        /// 0 to 4.
        stage: u8,
    },
}

impl Work {
    /// Its name, for a look.
    pub fn name(&self) -> String {
        let text = format!("{self:?}");
        text.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
    }
}

impl Controller {
    /// What a step asks ZooKeeper for.
    pub(super) fn start(&mut self, cx: &mut Context<'_>, work: &Work) -> Vec<Request> {
        match work {
            Work::CreatePaths
            | Work::RegisterBroker
            | Work::ReadRegistration
            | Work::WatchController
            | Work::ReadController { .. }
            | Work::ReadEpoch
            | Work::CreateEpoch
            | Work::Claim { .. }
            | Work::CheckClaim { .. } => self.start_election(cx, work),
            Work::ListDeletions { .. }
            | Work::DropDeletions { .. }
            | Work::ResumeDeletions
            | Work::DeleteReplicas { .. }
            | Work::DeleteZnodes { .. } => self.start_deletion(work),
            Work::TriggerOnline
            | Work::Elect { .. }
            | Work::ElectWrite { .. }
            | Work::CreateTopicPartitions { .. }
            | Work::CreatePartitions { .. }
            | Work::CreateStates { .. }
            | Work::Offline { .. }
            | Work::OfflineWrite { .. }
            | Work::AlterIsrWrite { .. } => self.start_partitions(work),
            _ => self.start_failover(work),
        }
    }

    /// Goes on with the answers.
    pub(super) fn finish(
        &mut self,
        cx: &mut Context<'_>,
        client: &Client<crate::Asked>,
        work: Work,
        answers: Vec<Outcome>,
    ) {
        match work {
            Work::CreatePaths
            | Work::RegisterBroker
            | Work::ReadRegistration
            | Work::WatchController
            | Work::ReadController { .. }
            | Work::ReadEpoch
            | Work::CreateEpoch
            | Work::Claim { .. }
            | Work::CheckClaim { .. } => self.finish_election(cx, client, work, answers),
            Work::ListDeletions { .. }
            | Work::DropDeletions { .. }
            | Work::ResumeDeletions
            | Work::DeleteReplicas { .. }
            | Work::DeleteZnodes { .. } => self.finish_deletion(work, answers),
            Work::TriggerOnline
            | Work::Elect { .. }
            | Work::ElectWrite { .. }
            | Work::CreateTopicPartitions { .. }
            | Work::CreatePartitions { .. }
            | Work::CreateStates { .. }
            | Work::Offline { .. }
            | Work::OfflineWrite { .. }
            | Work::AlterIsrWrite { .. } => self.finish_partitions(work, answers),
            work => self.finish_failover(cx, work, answers),
        }
    }
}
