//! The controller that each broker has, and that one of them is (`kafka.controller.KafkaController`).
//!
//! Kafka's controller is one thread that takes one event after the other and waits for ZooKeeper in between. Here an
//! event becomes a list of [`Work`]: each asks ZooKeeper for something, all of it pipelined, and goes on once every
//! answer is there. The next event waits meanwhile, as it does in Kafka.
//!
//! Everything that a controller writes carries a check of `/controller_epoch`'s version (KAFKA-6082), so that one that
//! was replaced and does not know it cannot write. Brokers compare the controller's epoch in each request.

mod batch;
mod channels;
mod context;
mod deletion;
mod election;
mod failover;
mod partitions;
mod work;

use std::collections::VecDeque;
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Context, Endpoint, Input, Instant};
use blumfeld_protocol::ErrorCode;

use crate::client::Client;
use crate::control::{
    AlterIsrRequest, ControlRequest, ControlResponse, ControlledShutdownRequest, PartitionError,
    TopicPartition,
};
use crate::jute::{Code, EventType, Op, OpResult, Request, Response, WatcherEvent};
use crate::znodes;

use batch::RequestBatch;
use channels::Channels;
pub use context::{ControllerContext, KnownBroker, KnownPartition, PartitionStatus, Strategy, elect};
pub use work::Work;

/// What requests to ZooKeeper are given with: the batch, and the place in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The batch.
    pub batch: u64,
    /// Which request of it, from 0.
    pub index: usize,
}

/// How a request went.
pub type Outcome = Result<Response, Code>;

/// Whom an answer belongs to, once there is one: a connection of a broker's, and the request's number on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplyTo {
    /// The connection.
    pub conn: ConnectionId,
    /// The request's number.
    pub correlation_id: i32,
}

/// What the controller does one after the other (`kafka.controller.ControllerEvent`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ControllerEvent {
    /// The broker has begun: it makes its paths, is registered, and stands for controller.
    Startup,
    /// A new session after one that had expired.
    RegisterBrokerAndReelect,
    /// `/controller` is gone.
    Reelect,
    /// `/controller` was made or written.
    ControllerChange,
    /// A broker came or went.
    BrokerChange,
    /// A topic came or went.
    TopicChange,
    /// A topic is to go.
    TopicDeletion,
    /// Leaders have changed ISRs.
    IsrChangeNotification,
    /// A broker is to end.
    ControlledShutdown(
        /// What it asks.
        ControlledShutdownRequest,
        /// Whom to answer.
        ReplyTo,
    ),
    /// A leader would like other ISRs.
    AlterIsrReceived(
        /// What it asks.
        AlterIsrRequest,
        /// Whom to answer.
        ReplyTo,
    ),
    /// A broker has stopped replicas of topics that are to go.
    TopicDeletionStopReplicaResponseReceived {
        /// The broker.
        broker: i32,
        /// How it went, by partition.
        errors: Vec<PartitionError>,
    },
    /// It is time to look whether leaders are the preferred ones.
    AutoPreferredReplicaLeaderElection,
}

/// How a broker's controller is set up.
#[derive(Clone, Debug)]
pub struct ControllerConfig {
    /// The broker.
    pub id: i32,
    /// Where it listens.
    pub listener: Endpoint,
    /// `auto.leader.rebalance.enable`.
    pub auto_leader_rebalance: bool,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election: bool,
    /// A broker whose id another session still has ends in Kafka (`NodeExistsException`), and whoever looks after it
    /// starts it again; here it tries again after this.
    pub registration_retry: Duration,
}

/// When what happened on the way to being the controller, in virtual time. Kept until the next election is won.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Milestones {
    /// It has `/controller`.
    pub elected: Option<Instant>,
    /// It has read brokers, topics and the state of each partition.
    pub read: Option<Instant>,
    /// It has gone through all partitions and replicas: what has to be told to brokers is on its way.
    pub ready: Option<Instant>,
}

/// A batch of requests to ZooKeeper, and what goes on once all are answered.
#[derive(Clone, Debug)]
struct Waiting {
    batch: u64,
    work: Work,
    answers: Vec<Option<Outcome>>,
    missing: usize,
}

/// After so long a new controller looks for the first time whether leaders are the preferred ones.
const FIRST_REBALANCE: Duration = Duration::from_secs(5);
/// `leader.imbalance.check.interval.seconds`.
const REBALANCE: Duration = Duration::from_secs(300);
/// Leadership is moved where more than this share of a broker's partitions is led by others
/// (`leader.imbalance.per.broker.percentage`).
const IMBALANCE_PERCENT: usize = 10;

/// A broker's controller.
#[derive(Clone, Debug)]
pub struct Controller {
    config: ControllerConfig,
    /// The broker that is the controller as far as this one knows; -1 if there is none.
    active_id: i32,
    epoch: i32,
    epoch_zk_version: i32,
    broker_epoch: i64,
    context: ControllerContext,
    channels: Channels,
    requests: RequestBatch,
    queue: VecDeque<ControllerEvent>,
    works: VecDeque<Work>,
    waiting: Option<Waiting>,
    batches: u64,
    rebalance_at: Option<Instant>,
    register_again_at: Option<Instant>,
    milestones: Milestones,
    /// Answers of brokers that know a newer controller.
    fenced: u64,
    /// Writes that were not done because the controller had moved.
    moved: u64,
    replies: Vec<(ReplyTo, ControlResponse)>,
    has_paths: bool,
}

impl Controller {
    /// One that has not begun.
    pub fn new(config: ControllerConfig) -> Controller {
        Controller {
            channels: Channels::named(config.id),
            config,
            active_id: -1,
            epoch: 0,
            epoch_zk_version: 0,
            broker_epoch: -1,
            context: ControllerContext::default(),
            requests: RequestBatch::default(),
            queue: VecDeque::new(),
            works: VecDeque::new(),
            waiting: None,
            batches: 0,
            rebalance_at: None,
            register_again_at: None,
            milestones: Milestones::default(),
            fenced: 0,
            moved: 0,
            replies: Vec::new(),
            has_paths: false,
        }
    }

    /// Whether the paths that every cluster has are there, as far as this broker has seen to it.
    pub fn has_paths(&self) -> bool {
        self.has_paths
    }

    /// Whether this broker is the controller, as far as it knows.
    pub fn is_active(&self) -> bool {
        self.active_id == self.config.id
    }

    /// The controller's broker id as far as this broker knows; -1 if there is none.
    pub fn active_id(&self) -> i32 {
        self.active_id
    }

    /// The epoch in which this broker was the controller last; 0 if it never was.
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// czxid of this broker's registration; -1 while it is not registered.
    pub fn broker_epoch(&self) -> i64 {
        self.broker_epoch
    }

    /// What it knows of the cluster; nothing while it is not active.
    pub fn context(&self) -> &ControllerContext {
        &self.context
    }

    /// When what happened after its last election.
    pub fn milestones(&self) -> Milestones {
        self.milestones
    }

    /// Answers of brokers to which its epoch was too old.
    pub fn fenced(&self) -> u64 {
        self.fenced
    }

    /// Writes that ZooKeeper refused because `/controller_epoch` had another version.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// Whether it waits for nothing: neither for ZooKeeper nor for a broker.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_none()
            && self.works.is_empty()
            && self.queue.is_empty()
            && self.channels.unanswered() == 0
    }

    /// Requests to brokers that were not answered.
    pub fn unanswered(&self) -> usize {
        self.channels.unanswered()
    }

    /// What it is doing, and what waits behind that; for a look.
    pub fn standing(&self) -> (Option<&Work>, usize, usize) {
        (self.waiting.as_ref().map(|waiting| &waiting.work), self.works.len(), self.queue.len())
    }

    /// Answers for brokers that have come to be since the last call.
    pub fn take_replies(&mut self) -> Vec<(ReplyTo, ControlResponse)> {
        std::mem::take(&mut self.replies)
    }

    /// Lets something happen after what happens now.
    pub fn put(&mut self, event: ControllerEvent) {
        // A change that waits will see this one too.
        let again = matches!(
            event,
            ControllerEvent::BrokerChange | ControllerEvent::TopicChange | ControllerEvent::TopicDeletion
        );
        if !(again && self.queue.contains(&event)) {
            self.queue.push_back(event);
        }
    }

    /// The session is over: whatever it was doing, it is the controller no more (`processExpire`).
    pub fn expire(&mut self, cx: &mut Context<'_>) {
        self.queue.clear();
        self.works.clear();
        self.waiting = None;
        self.active_id = -1;
        self.broker_epoch = -1;
        self.resign(cx);
    }

    /// Something that was watched has changed. True if it was for the controller.
    pub fn changed(&mut self, event: &WatcherEvent) {
        let what = match (event.path.as_str(), event.event) {
            (znodes::CONTROLLER, EventType::NodeDeleted) => ControllerEvent::Reelect,
            (znodes::CONTROLLER, _) => ControllerEvent::ControllerChange,
            (znodes::BROKER_IDS, EventType::NodeChildrenChanged) => ControllerEvent::BrokerChange,
            (znodes::TOPICS, EventType::NodeChildrenChanged) => ControllerEvent::TopicChange,
            (znodes::DELETE_TOPICS, EventType::NodeChildrenChanged) => ControllerEvent::TopicDeletion,
            (znodes::ISR_CHANGES, EventType::NodeChildrenChanged) => ControllerEvent::IsrChangeNotification,
            _ => return,
        };
        self.put(what);
    }

    /// An answer of ZooKeeper's.
    pub fn answered(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client<crate::Asked>,
        place: Place,
        answer: Outcome,
    ) {
        let Some(waiting) = self.waiting.as_mut().filter(|waiting| waiting.batch == place.batch) else {
            return;
        };
        let Some(slot) = waiting.answers.get_mut(place.index).filter(|slot| slot.is_none()) else { return };
        *slot = Some(answer);
        waiting.missing -= 1;
        if waiting.missing == 0 {
            if let Some(Waiting { work, answers, .. }) = self.waiting.take() {
                let answers = answers.into_iter().map(|answer| answer.unwrap_or(Err(Code::SystemError)));
                self.finish(cx, client, work, answers.collect());
            }
            self.pump(cx, client);
        }
    }

    /// Goes on until it has to wait.
    pub fn pump(&mut self, cx: &mut Context<'_>, client: &mut Client<crate::Asked>) {
        while self.waiting.is_none() {
            if let Some(work) = self.works.pop_front() {
                let asked = self.start(cx, &work);
                if asked.is_empty() {
                    self.finish(cx, client, work, Vec::new());
                    continue;
                }
                self.batches += 1;
                let batch = self.batches;
                let missing = asked.len();
                self.waiting = Some(Waiting { batch, work, answers: vec![None; missing], missing });
                for (index, request) in asked.into_iter().enumerate() {
                    client.submit(cx, request, crate::Asked::Controller(Place { batch, index }));
                }
            } else if let Some(event) = self.queue.pop_front() {
                self.begin(event);
            } else {
                return;
            }
        }
    }

    fn begin(&mut self, event: ControllerEvent) {
        let active = self.is_active();
        let works: Vec<Work> = match event {
            ControllerEvent::Startup => vec![
                Work::CreatePaths,
                Work::RegisterBroker,
                Work::WatchController,
                Work::ReadController { elect: true },
            ],
            ControllerEvent::RegisterBrokerAndReelect => {
                vec![Work::RegisterBroker, Work::WatchController, Work::ReadController { elect: true }]
            }
            ControllerEvent::Reelect => vec![Work::WatchController, Work::ReadController { elect: true }],
            ControllerEvent::ControllerChange => {
                vec![Work::WatchController, Work::ReadController { elect: false }]
            }
            ControllerEvent::ControlledShutdown(request, to) => {
                return self.controlled_shutdown(&request, to);
            }
            ControllerEvent::AlterIsrReceived(request, to) => return self.alter_isr(&request, to),
            _ if !active => return,
            ControllerEvent::BrokerChange => vec![Work::ListBrokers { failover: false }],
            ControllerEvent::TopicChange => vec![Work::ListTopics { failover: false }],
            ControllerEvent::TopicDeletion => vec![Work::ListDeletions { failover: false }],
            ControllerEvent::IsrChangeNotification => vec![Work::ListIsrChanges { drop_all: false }],
            ControllerEvent::TopicDeletionStopReplicaResponseReceived { broker, errors } => {
                return self.replicas_deleted(broker, &errors);
            }
            ControllerEvent::AutoPreferredReplicaLeaderElection => self.imbalanced(),
        };
        self.works.extend(works);
    }

    /// Works that come before those that wait.
    fn first(&mut self, works: impl IntoIterator<Item = Work, IntoIter: DoubleEndedIterator>) {
        works.into_iter().rev().for_each(|work| self.works.push_front(work));
    }

    /// A write of a controller's: it is done only in the epoch in which this broker was elected.
    fn guarded(&self, op: Op) -> Request {
        let version = self.epoch_zk_version;
        Request::Multi(vec![Op::Check { path: znodes::CONTROLLER_EPOCH.to_owned(), version }, op])
    }

    /// How the writes went. `None` if the controller has moved: then it sees whether it resigns (`maybeResign`).
    fn writes(&mut self, answers: Vec<Outcome>) -> Option<Vec<Result<OpResult, Code>>> {
        let each: Option<Vec<_>> = answers.into_iter().map(written).collect();
        if each.is_none() {
            self.moved += 1;
            self.works.clear();
            self.requests.clear();
            self.first([Work::WatchController, Work::ReadController { elect: false }]);
        }
        each
    }

    fn reply(&mut self, to: ReplyTo, response: ControlResponse) {
        self.replies.push((to, response));
    }

    fn send_requests(&mut self, cx: &mut Context<'_>) {
        for (broker, request) in self.requests.take(&self.context, self.config.id, self.epoch) {
            self.channels.send(cx, broker, request);
        }
    }

    /// Forgets everything (`onControllerResignation`).
    fn resign(&mut self, cx: &mut Context<'_>) {
        self.context = ControllerContext::default();
        self.requests.clear();
        self.channels.clear(cx);
        self.rebalance_at = None;
    }

    /// Whether an input is of a connection to a broker that the controller keeps.
    pub fn owns(&self, conn: ConnectionId) -> bool {
        self.channels.owns(conn)
    }

    /// Takes an input of a connection that it [owns](Self::owns).
    pub fn handle(&mut self, cx: &mut Context<'_>, conn: ConnectionId, input: Input) {
        let Some((broker, request, response)) = self.channels.handle(cx, conn, input) else { return };
        if response.error_code() == ErrorCode::STALE_CONTROLLER_EPOCH.0 {
            self.fenced += 1;
        }
        let (ControlRequest::StopReplica(request), ControlResponse::StopReplica(code, errors)) =
            (request, response)
        else {
            return;
        };
        let deleted = |partition: &TopicPartition| {
            (request.partitions.iter()).any(|each| each.delete_partition && each.partition == *partition)
        };
        let errors: Vec<PartitionError> = match code {
            0 => errors.into_iter().filter(|(partition, _)| deleted(partition)).collect(),
            code => request
                .partitions
                .iter()
                .filter(|each| each.delete_partition)
                .map(|each| (each.partition.clone(), code))
                .collect(),
        };
        if !errors.is_empty() {
            self.put(ControllerEvent::TopicDeletionStopReplicaResponseReceived { broker, errors });
        }
    }

    /// When [`timeout`](Self::timeout) has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        [self.channels.next_timeout(), self.rebalance_at, self.register_again_at].into_iter().flatten().min()
    }

    /// Does what its time has come for.
    pub fn timeout(&mut self, cx: &mut Context<'_>) {
        self.channels.timeout(cx);
        if self.rebalance_at.take_if(|at| *at <= cx.now).is_some() {
            self.rebalance_at = Some(cx.now + REBALANCE);
            self.put(ControllerEvent::AutoPreferredReplicaLeaderElection);
        }
        if self.register_again_at.take_if(|at| *at <= cx.now).is_some() {
            self.put(ControllerEvent::RegisterBrokerAndReelect);
        }
    }

    fn live_ids(&self) -> Vec<i32> {
        self.context.live.keys().copied().collect()
    }
}

/// How a guarded write went; `None` if its guard failed.
fn written(answer: Outcome) -> Option<Result<OpResult, Code>> {
    let results = match answer {
        Ok(Response::Multi(results)) => results,
        Ok(_) => return Some(Err(Code::SystemError)),
        Err(code) => return Some(Err(code)),
    };
    let mut results = results.into_iter();
    match (results.next(), results.next()) {
        (Some(OpResult::Error { err }), _) if err != 0 => None,
        (_, Some(OpResult::Error { err })) => Some(Err(Code::of(err).unwrap_or(Code::SystemError))),
        (_, Some(result)) => Some(Ok(result)),
        (_, None) => Some(Err(Code::SystemError)),
    }
}
