//! A broker of the ZooKeeper era, as far as its control plane goes (`kafka.server.KafkaServer`): it has a session, is
//! registered, stands for controller, does what the controller tells it, and sees to the ISRs that it leads.

mod fetching;
mod link;
mod replicas;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, Context, DisconnectReason, Endpoint, Input, Instant, Node};
use blumfeld_protocol::ErrorCode;
use bytes::Bytes;

use crate::Asked;
use crate::client::{Client, ClientConfig, Event};
use crate::control::{
    AlterIsrPartition, AlterIsrRequest, ControlRequest, ControlResponse, ControlledShutdownRequest,
    LiveBroker, PartitionState, TopicPartition, UpdateMetadataRequest,
};
use crate::controller::{Controller, ControllerConfig, ControllerEvent, Outcome, ReplyTo};
use crate::jute::{Code, Create, CreateMode, Request, Response};
use crate::znodes::{self, LeaderAndIsr};

pub use fetching::Fetching;
use link::Link;
pub use replicas::{Became, Follower, IsrChange, Replica, ReplicaManager};

/// How leaders change ISRs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IsrUpdates {
    /// They write the state's znode, and tell the controller by a sequential one (until 2.6).
    ZooKeeper,
    /// They ask the controller (KIP-497, from 2.7 on).
    AlterIsr,
}

/// How a broker is set up.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// `broker.id`.
    pub id: i32,
    /// Where it listens, for clients, brokers and the controller.
    pub listener: Endpoint,
    /// Its session.
    pub zookeeper: ClientConfig,
    /// How it changes ISRs.
    pub isr_updates: IsrUpdates,
    /// `replica.lag.time.max.ms`.
    pub replica_lag_time_max: Duration,
    /// `auto.leader.rebalance.enable`.
    pub auto_leader_rebalance: bool,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election: bool,
    /// See [`ControllerConfig::registration_retry`].
    pub registration_retry: Duration,
}

impl BrokerConfig {
    /// A broker with Kafka's defaults.
    pub fn new(id: i32, listener: Endpoint, zookeeper: Endpoint) -> BrokerConfig {
        BrokerConfig {
            id,
            listener,
            zookeeper: ClientConfig::new(zookeeper),
            isr_updates: IsrUpdates::ZooKeeper,
            replica_lag_time_max: Duration::from_secs(30),
            auto_leader_rebalance: true,
            unclean_leader_election: false,
            registration_retry: Duration::from_secs(1),
        }
    }
}

/// `IsrChangePropagationInterval`: how often a leader looks whether it has to tell of ISRs.
const PROPAGATION_CHECK: Duration = Duration::from_millis(2_500);
/// `IsrChangePropagationBlackOut`: it waits until nothing has changed for so long.
const PROPAGATION_BLACKOUT: Duration = Duration::from_secs(5);
/// Or until it has told of nothing for so long (`IsrChangePropagationConfig.maxDelayMs`).
const PROPAGATION_MAX: Duration = Duration::from_secs(60);
/// `controlled.shutdown.max.retries`.
const SHUTDOWN_RETRIES: u32 = 3;
/// `controlled.shutdown.retry.backoff.ms`.
const SHUTDOWN_BACKOFF: Duration = Duration::from_secs(5);

/// Whether a broker runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Running,
    /// It asks the controller whether it may end; so many more times, the next one then at the earliest.
    ShuttingDown(u32, Option<Instant>),
    /// Its session is being closed.
    Closing,
    Ended,
}

/// What a broker tells clients (`kafka.server.MetadataCache`).
#[derive(Clone, Debug, Default)]
pub struct MetadataCache {
    /// The partitions.
    pub partitions: BTreeMap<TopicPartition, PartitionState>,
    /// The brokers that live.
    pub brokers: BTreeMap<i32, LiveBroker>,
    /// The controller that last told something.
    pub controller_id: Option<i32>,
    /// How often something was told.
    pub updates: u64,
}

impl MetadataCache {
    fn update(&mut self, request: UpdateMetadataRequest) {
        self.updates += 1;
        self.controller_id = Some(request.controller_id);
        self.brokers = request.live_brokers.into_iter().map(|broker| (broker.id, broker)).collect();
        for state in request.partition_states {
            if state.leader == LeaderAndIsr::LEADER_DURING_DELETE {
                self.partitions.remove(&state.partition);
            } else {
                self.partitions.insert(state.partition.clone(), state);
            }
        }
    }

    fn at(&self, broker: i32) -> Option<Endpoint> {
        let known = self.brokers.get(&broker)?;
        Some(Endpoint::new(&known.host, u16::try_from(known.port).ok()?))
    }
}

/// A broker.
#[derive(Clone, Debug)]
pub struct Broker {
    config: BrokerConfig,
    client: Client<Asked>,
    controller: Controller,
    replicas: ReplicaManager,
    fetching: Fetching,
    metadata: MetadataCache,
    link: Link,
    phase: Phase,
    /// ISRs to be told of, when the last one changed, and when one was last told of.
    isr_changes: BTreeSet<TopicPartition>,
    last_isr_change: Instant,
    last_propagation: Instant,
    propagation_at: Option<Instant>,
    shrink_at: Instant,
    /// ISRs that the controller is to be asked for, and those that it was asked for.
    unasked: Vec<IsrChange>,
    asked: Vec<IsrChange>,
    /// ISRs that were changed, and changes that another was faster than.
    isr_updates: u64,
    isr_conflicts: u64,
    expirations: u64,
}

impl Broker {
    /// A broker that starts with these logs, each with its end.
    pub fn new(config: BrokerConfig, logs: BTreeMap<TopicPartition, i64>) -> Broker {
        let controller = Controller::new(ControllerConfig {
            id: config.id,
            listener: config.listener.clone(),
            auto_leader_rebalance: config.auto_leader_rebalance,
            unclean_leader_election: config.unclean_leader_election,
            registration_retry: config.registration_retry,
        });
        Broker {
            client: Client::new(config.zookeeper.clone()),
            controller,
            replicas: ReplicaManager::new(config.id, logs),
            fetching: Fetching::new(config.id),
            metadata: MetadataCache::default(),
            link: Link::default(),
            phase: Phase::Running,
            isr_changes: BTreeSet::new(),
            last_isr_change: Instant::ZERO,
            last_propagation: Instant::ZERO,
            propagation_at: None,
            shrink_at: Instant::ZERO,
            unasked: Vec::new(),
            asked: Vec::new(),
            isr_updates: 0,
            isr_conflicts: 0,
            expirations: 0,
            config,
        }
    }

    /// `broker.id`.
    pub fn id(&self) -> i32 {
        self.config.id
    }

    /// How it was set up.
    pub fn config(&self) -> &BrokerConfig {
        &self.config
    }

    /// Its session.
    pub fn client(&self) -> &Client<Asked> {
        &self.client
    }

    /// Its controller.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// Its replicas and logs.
    pub fn replicas(&self) -> &ReplicaManager {
        &self.replicas
    }

    /// What it tells clients.
    pub fn metadata(&self) -> &MetadataCache {
        &self.metadata
    }

    /// ISRs that it has changed, and changes that it dropped because a znode had another version.
    pub fn isr_updates(&self) -> (u64, u64) {
        (self.isr_updates, self.isr_conflicts)
    }

    /// How often its session has expired.
    pub fn expirations(&self) -> u64 {
        self.expirations
    }

    /// Whether its process has ended in order.
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Ends it in order (`controlledShutdown`).
    pub fn shut_down(&mut self, cx: &mut Context<'_>) {
        if self.phase == Phase::Running {
            self.ask_for_shutdown(cx, SHUTDOWN_RETRIES);
            self.pump(cx);
        }
    }

    fn ask_for_shutdown(&mut self, cx: &mut Context<'_>, left: u32) {
        // Who is not registered leads nothing.
        if self.controller.broker_epoch() < 0 {
            return self.close(cx);
        }
        self.phase = Phase::ShuttingDown(left, Some(cx.now + SHUTDOWN_BACKOFF));
        if !self.link.is_free() {
            return;
        }
        let request =
            ControlledShutdownRequest { broker_id: self.id(), broker_epoch: self.controller.broker_epoch() };
        self.link.send(ControlRequest::ControlledShutdown(request));
    }

    /// A producer writes so many records.
    ///
    /// # Errors
    /// This broker does not lead the partition.
    pub fn append(
        &mut self,
        cx: &mut Context<'_>,
        partition: &TopicPartition,
        records: i64,
    ) -> Result<i64, ErrorCode> {
        let end = self.replicas.append(partition, records, self.fetching.last_fetches())?;
        self.fetching.news(cx, [partition], &self.replicas);
        Ok(end)
    }

    /// Lets each part do what has become possible.
    fn pump(&mut self, cx: &mut Context<'_>) {
        self.controller.pump(cx, &mut self.client);
        for (to, response) in self.controller.take_replies() {
            cx.out.send(to.conn, response.encode(to.correlation_id));
        }
        self.fetching.pump(cx, &self.replicas);
        self.ask_for_isrs();
        let active = Some(self.controller.active_id()).filter(|id| *id >= 0).or(self.metadata.controller_id);
        let controller = active.and_then(|id| Some((id, self.metadata.at(id)?)));
        let name = self.config.id.to_string();
        self.link.pump(cx, controller, &name);
    }

    fn session(&mut self, cx: &mut Context<'_>, event: Event<Asked>) {
        match event {
            Event::Connected { new: true } if self.phase == Phase::Running => {
                self.controller.put(match self.controller.has_paths() {
                    true => ControllerEvent::RegisterBrokerAndReelect,
                    false => ControllerEvent::Startup,
                });
            }
            Event::Connected { .. } => {}
            Event::Disconnected if self.phase == Phase::Closing => self.phase = Phase::Ended,
            Event::Disconnected => {}
            Event::Expired if self.phase != Phase::Running => self.phase = Phase::Ended,
            Event::Expired => {
                self.expirations += 1;
                self.controller.expire(cx);
                self.isr_changes.clear();
                self.replicas.forget_wishes();
                self.client.start(cx);
            }
            Event::Changed(event) => self.controller.changed(&event),
            Event::Answered { context: Asked::Controller(place), answer } => {
                self.controller.answered(cx, &mut self.client, place, answer);
            }
            Event::Answered { context: Asked::Isr(change), answer } => self.isr_written(cx, change, answer),
            Event::Answered { context: Asked::IsrCheck(change), answer } => {
                // The own write may have been done by a request whose answer was lost (`checkLeaderAndIsrZkData`).
                let version = match answer {
                    Ok(Response::GetData { data, stat }) => LeaderAndIsr::decode(data.as_ref(), stat.version)
                        .filter(|found| {
                            LeaderAndIsr { zk_version: change.state.zk_version, ..found.clone() }
                                == change.state
                        })
                        .map(|found| found.zk_version),
                    _ => None,
                };
                self.isr_decided(cx, &change, version);
            }
            Event::Answered { context: Asked::Nothing, .. } => {}
            Event::Closed => {
                self.phase = Phase::Ended;
            }
        }
    }

    // ---- ISRs

    fn want_isrs(&mut self, cx: &mut Context<'_>, changes: Vec<IsrChange>) {
        for change in changes {
            match self.config.isr_updates {
                IsrUpdates::ZooKeeper => {
                    let request = Request::SetData {
                        path: znodes::partition_state(&change.partition),
                        data: Some(change.state.encode()),
                        version: change.state.zk_version,
                    };
                    self.client.submit(cx, request, Asked::Isr(change));
                }
                IsrUpdates::AlterIsr => self.unasked.push(change),
            }
        }
    }

    fn isr_written(&mut self, cx: &mut Context<'_>, change: IsrChange, answer: Outcome) {
        match answer {
            Ok(Response::SetData { stat }) => self.isr_decided(cx, &change, Some(stat.version)),
            Err(Code::BadVersion) => {
                let path = znodes::partition_state(&change.partition);
                self.client.submit(cx, Request::GetData { path, watch: false }, Asked::IsrCheck(change));
            }
            _ => self.isr_decided(cx, &change, None),
        }
    }

    fn isr_decided(&mut self, cx: &Context<'_>, change: &IsrChange, version: Option<i32>) {
        if version.is_none() {
            self.isr_conflicts += 1;
        }
        if self.replicas.decided(change, version) {
            self.isr_updates += 1;
            if self.config.isr_updates == IsrUpdates::ZooKeeper {
                self.isr_changes.insert(change.partition.clone());
                self.last_isr_change = cx.now;
                self.propagation_at.get_or_insert(cx.now + PROPAGATION_CHECK);
            }
        }
    }

    /// `maybePropagateIsrChanges`.
    fn propagate(&mut self, cx: &mut Context<'_>) {
        let calm = self.last_isr_change + PROPAGATION_BLACKOUT < cx.now;
        let late = self.last_propagation + PROPAGATION_MAX < cx.now;
        self.propagation_at = None;
        if self.isr_changes.is_empty() {
            return;
        }
        if !calm && !late {
            self.propagation_at = Some(cx.now + PROPAGATION_CHECK);
            return;
        }
        let data = Some(znodes::encode_isr_change(&std::mem::take(&mut self.isr_changes)));
        let create = Create::new(znodes::isr_change(), data, CreateMode::PersistentSequential);
        self.client.submit(cx, Request::Create(create), Asked::Nothing);
        self.last_propagation = cx.now;
    }

    /// All ISRs that are wanted go to the controller in one request (`AlterIsrManager`).
    fn ask_for_isrs(&mut self) {
        if self.unasked.is_empty() || !self.link.is_free() || !self.asked.is_empty() {
            return;
        }
        self.asked = std::mem::take(&mut self.unasked);
        self.asked.sort_by(|a, b| a.partition.cmp(&b.partition));
        let partitions = self.asked.iter().map(|change| AlterIsrPartition {
            partition: change.partition.clone(),
            leader_epoch: change.state.leader_epoch,
            new_isr: change.state.isr.clone(),
            current_isr_version: change.state.zk_version,
        });
        self.link.send(ControlRequest::AlterIsr(AlterIsrRequest {
            broker_id: self.config.id,
            broker_epoch: self.controller.broker_epoch(),
            partitions: partitions.collect(),
        }));
    }

    fn controller_answered(&mut self, cx: &mut Context<'_>, response: ControlResponse) {
        match response {
            ControlResponse::ControlledShutdown(0, remaining) if remaining.is_empty() => self.close(cx),
            // Some partitions have nobody else who could lead them, or the controller is another: once more.
            ControlResponse::ControlledShutdown(..) => {}
            ControlResponse::AlterIsr(code, results) => {
                for change in std::mem::take(&mut self.asked) {
                    let result = results.iter().find(|result| result.partition == change.partition);
                    let done = result.filter(|result| code == 0 && result.error_code == 0);
                    self.isr_decided(cx, &change, done.map(|result| result.current_isr_version));
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.phase, Phase::Closing | Phase::Ended) {
            // Without a connection nobody can be told; the session ends by itself.
            self.phase = if self.client.is_connected() { Phase::Closing } else { Phase::Ended };
            self.client.close(cx, Asked::Nothing);
        }
    }

    // ---- what the controller and others ask

    fn asked(&mut self, cx: &mut Context<'_>, conn: ConnectionId, frame: Bytes) -> Result<(), String> {
        // Fetch is Kafka's to this day.
        if frame.first_chunk::<2>() == Some(&[0, 1]) {
            let changes = self.fetching.asked(cx, conn, frame, &mut self.replicas)?;
            self.want_isrs(cx, changes);
            return Ok(());
        }
        let (header, request) = ControlRequest::decode(&frame).map_err(|error| error.to_string())?;
        let to = ReplyTo { conn, correlation_id: header.correlation_id };
        let response = match request {
            ControlRequest::LeaderAndIsr(request) => {
                match self.refusal(request.broker_epoch, request.controller_epoch) {
                    Some(error) => ControlResponse::LeaderAndIsr(error.0, Vec::new()),
                    None => {
                        let became = self.replicas.become_leader_or_follower(cx.now, &request);
                        self.became(cx, &became, &request.live_leaders);
                        ControlResponse::LeaderAndIsr(0, became.errors)
                    }
                }
            }
            ControlRequest::StopReplica(request) => {
                match self.refusal(request.broker_epoch, request.controller_epoch) {
                    Some(error) => ControlResponse::StopReplica(error.0, Vec::new()),
                    None => {
                        let (errors, stopped) = self.replicas.stop(&request.partitions);
                        stopped.iter().for_each(|partition| self.fetching.unfollow(partition));
                        self.fetching.news(cx, &stopped, &self.replicas);
                        ControlResponse::StopReplica(0, errors)
                    }
                }
            }
            ControlRequest::UpdateMetadata(request) => {
                match self.refusal(request.broker_epoch, request.controller_epoch) {
                    Some(error) => ControlResponse::UpdateMetadata(error.0),
                    None => {
                        self.metadata.update(request);
                        ControlResponse::UpdateMetadata(0)
                    }
                }
            }
            ControlRequest::ControlledShutdown(request) => {
                self.controller.put(ControllerEvent::ControlledShutdown(request, to));
                return Ok(());
            }
            ControlRequest::AlterIsr(request) => {
                self.controller.put(ControllerEvent::AlterIsrReceived(request, to));
                return Ok(());
            }
        };
        cx.out.send(conn, response.encode(header.correlation_id));
        Ok(())
    }

    /// Why a request of a controller's is not done: it is meant for an earlier registration of this broker, or a newer
    /// controller has spoken.
    fn refusal(&mut self, broker_epoch: i64, controller_epoch: i32) -> Option<ErrorCode> {
        if broker_epoch < self.controller.broker_epoch() {
            return Some(ErrorCode::STALE_BROKER_EPOCH);
        }
        self.replicas.is_stale(controller_epoch).then_some(ErrorCode::STALE_CONTROLLER_EPOCH)
    }

    fn became(&mut self, cx: &mut Context<'_>, became: &Became, leaders: &[(i32, std::sync::Arc<str>, i32)]) {
        for partition in &became.leading {
            self.fetching.unfollow(partition);
        }
        for (partition, leader) in &became.following {
            let named = leaders.iter().find(|(id, ..)| id == leader);
            let named =
                named.and_then(|(_, host, port)| Some(Endpoint::new(host, u16::try_from(*port).ok()?)));
            match named.or_else(|| self.metadata.at(*leader)) {
                Some(at) => self.fetching.follow(cx, partition.clone(), *leader, &at),
                None => self.fetching.unfollow(partition),
            }
        }
        let changed = became.leading.iter().chain(became.following.iter().map(|(partition, _)| partition));
        self.fetching.news(cx, changed, &self.replicas);
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        for event in self.client.timeout(cx) {
            self.session(cx, event);
        }
        self.controller.timeout(cx);
        self.fetching.timeout(cx, &self.replicas);
        self.link.timeout(cx);
        if self.propagation_at.is_some_and(|at| at <= cx.now) {
            self.propagate(cx);
        }
        if self.shrink_at <= cx.now {
            self.shrink_at = cx.now + self.config.replica_lag_time_max / 2;
            let changes = self.replicas.shrink(cx.now, self.config.replica_lag_time_max);
            self.want_isrs(cx, changes);
        }
        if let Phase::ShuttingDown(left, Some(at)) = self.phase
            && at <= cx.now
        {
            match left.checked_sub(1) {
                _ if self.link.is_waiting() => {
                    self.phase = Phase::ShuttingDown(left, Some(cx.now + SHUTDOWN_BACKOFF))
                }
                Some(left) => self.ask_for_shutdown(cx, left),
                None => self.close(cx),
            }
        }
    }
}

impl Node for Broker {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.phase == Phase::Ended {
            return;
        }
        match input {
            Input::Started => {
                self.shrink_at = cx.now + self.config.replica_lag_time_max / 2;
                self.client.start(cx);
            }
            Input::Timeout => self.timeout(cx),
            input if self.client.owns(&input) => {
                for event in self.client.handle(cx, input) {
                    self.session(cx, event);
                }
            }
            Input::Connected { conn, .. } | Input::Frame { conn, .. } | Input::Disconnected { conn, .. } => {
                if self.controller.owns(conn) {
                    self.controller.handle(cx, conn, input);
                } else if self.link.owns(conn) {
                    if let Some(response) = self.link.handle(cx, input) {
                        self.controller_answered(cx, response);
                    }
                } else if self.fetching.owns(conn) {
                    self.fetching.handle(cx, conn, input, &mut self.replicas);
                } else if let Input::Frame { frame, .. } = input {
                    if let Err(what) = self.asked(cx, conn, frame.into_bytes()) {
                        cx.out.disconnect(conn, DisconnectReason::Malformed(what.into()));
                        self.fetching.gone(conn);
                    }
                } else if let Input::Disconnected { .. } = input {
                    self.fetching.gone(conn);
                }
            }
            // It has no disk of the world's and no console.
            Input::Flushed { .. } | Input::Stdin { .. } | Input::StdinClosed | Input::Interrupt => {}
        }
        self.pump(cx);
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.phase == Phase::Ended {
            return None;
        }
        let shutdown = match self.phase {
            Phase::ShuttingDown(_, at) => at,
            _ => None,
        };
        let parts = [
            self.client.next_timeout(),
            self.controller.next_timeout(),
            self.fetching.next_timeout(),
            self.link.next_timeout(),
            self.propagation_at,
            Some(self.shrink_at),
            shutdown,
        ];
        parts.into_iter().flatten().min()
    }
}
