//! A cluster of the ZooKeeper era in virtual time: an ensemble, brokers, somebody who makes topics, and a network
//! between them. Everything that happens is an event in one queue, in the order of its time and then of its cause, so
//! that one seed is one run.

mod checker;
mod exchange;
mod network;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blumfeld_kernel::{
    ConnectionId, Context, DisconnectReason, Effect, Endpoint, Input, Instant, Node, NodeId, Outbox, Prng,
};
use blumfeld_protocol::ErrorCode;

use crate::admin::Admin;
use crate::broker::{Broker, BrokerConfig, IsrUpdates};
use crate::client::ClientConfig;
use crate::control::TopicPartition;
use crate::ensemble::{Ensemble, EnsembleConfig};

pub use checker::Checker;
pub use exchange::{Channel, Counted, Exchange, Log, Sort};
pub use view::{BrokerView, ClusterView, PartitionView, SessionView, ZnodeView};

use network::{Link, Network};

/// The ensemble's node.
pub const ENSEMBLE: NodeId = NodeId(999);
/// The node of whoever makes topics.
pub const ADMIN: NodeId = NodeId::FIRST_CLIENT;

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// Seed of every random choice.
    pub seed: u64,
    /// How many brokers; their ids count from 1.
    pub brokers: i32,
    /// Wall clock at the beginning, in milliseconds since 1970-01-01 UTC.
    pub epoch_ms: i64,
    /// The ensemble.
    pub ensemble: EnsembleConfig,
    /// `zookeeper.session.timeout.ms`.
    pub session_timeout: Duration,
    /// `zookeeper.max.in.flight.requests`.
    pub max_in_flight: usize,
    /// How leaders change ISRs.
    pub isr_updates: IsrUpdates,
    /// `auto.leader.rebalance.enable`.
    pub auto_leader_rebalance: bool,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election: bool,
    /// A message takes this one way, at least.
    pub latency: Duration,
    /// And at most so much more, drawn for each message.
    pub jitter: Duration,
    /// Bandwidth of a connection, in bytes a second, above 0.
    pub bytes_per_second: u64,
    /// How many exchanges are kept to look at; counts are of all.
    pub keep: usize,
}

impl ClusterConfig {
    /// A cluster with Kafka's defaults, and a network as fast as the world's.
    pub fn new(seed: u64, brokers: i32) -> ClusterConfig {
        ClusterConfig {
            seed,
            brokers,
            epoch_ms: 1_600_000_000_000,
            ensemble: EnsembleConfig::default(),
            session_timeout: Duration::from_secs(18),
            max_in_flight: 10,
            isr_updates: IsrUpdates::ZooKeeper,
            auto_leader_rebalance: true,
            unclean_leader_election: false,
            latency: Duration::from_micros(250),
            jitter: Duration::from_micros(100),
            bytes_per_second: 1_250_000_000,
            keep: 2_000,
        }
    }
}

/// A process.
#[derive(Clone, Debug)]
enum Member {
    Ensemble(Box<Ensemble>),
    Broker(Box<Broker>),
    Admin(Box<Admin>),
}

impl Member {
    fn node(&mut self) -> &mut dyn Handles {
        match self {
            Member::Ensemble(node) => &mut **node,
            Member::Broker(node) => &mut **node,
            Member::Admin(node) => &mut **node,
        }
    }
}

/// A node whose type does not matter.
trait Handles {
    fn take(&mut self, cx: &mut Context<'_>, input: Input);
    fn wakes(&self) -> Option<Instant>;
}

impl<T: Node> Handles for T {
    fn take(&mut self, cx: &mut Context<'_>, input: Input) {
        self.handle(cx, input);
    }
    fn wakes(&self) -> Option<Instant> {
        self.next_timeout()
    }
}

/// A machine and its process.
#[derive(Clone, Debug)]
struct Slot {
    member: Option<Member>,
    rng: Prng,
    run: u64,
    timer: Option<Instant>,
    /// What waits while the process stands still.
    paused: Option<Vec<Input>>,
    flushes: u64,
}

/// What is to happen.
#[derive(Clone, Debug)]
enum Event {
    Deliver {
        to: NodeId,
        run: u64,
        input: Input,
    },
    /// A message of a connection arrives at one of its ends.
    Arrive {
        conn: ConnectionId,
        end: usize,
        input: Input,
    },
    Connect {
        conn: ConnectionId,
    },
    Timer {
        node: NodeId,
        at: Instant,
    },
}

/// A cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    config: ClusterConfig,
    now: Instant,
    sequence: u64,
    queue: BTreeMap<(Instant, u64), Event>,
    slots: BTreeMap<NodeId, Slot>,
    /// Logs of brokers that do not run.
    disks: BTreeMap<NodeId, BTreeMap<TopicPartition, i64>>,
    network: Network,
    log: Log,
    connections: u64,
    events: u64,
}

impl Cluster {
    /// A cluster whose brokers start at once.
    pub fn new(config: ClusterConfig) -> Cluster {
        let mut cluster = Cluster {
            network: Network::new(&config),
            log: Log::new(config.keep),
            now: Instant::ZERO,
            sequence: 0,
            queue: BTreeMap::new(),
            slots: BTreeMap::new(),
            disks: BTreeMap::new(),
            connections: 0,
            events: 0,
            config,
        };
        let ensemble = Ensemble::new(cluster.config.ensemble.clone());
        cluster.install(ENSEMBLE, Member::Ensemble(Box::new(ensemble)));
        cluster.network.listen(Self::zookeeper(), ENSEMBLE);
        let admin = Admin::new(cluster.client_config());
        cluster.install(ADMIN, Member::Admin(Box::new(admin)));
        for id in 1..=cluster.config.brokers {
            cluster.network.listen(Self::listener(id), NodeId(id));
            cluster.start(id);
        }
        cluster
    }

    fn zookeeper() -> Endpoint {
        Endpoint::new("zookeeper", 2181)
    }

    /// Where a broker listens.
    pub fn listener(id: i32) -> Endpoint {
        Endpoint::new(&format!("kafka-{id}"), 9092)
    }

    fn client_config(&self) -> ClientConfig {
        ClientConfig {
            session_timeout: self.config.session_timeout,
            max_in_flight: self.config.max_in_flight,
            ..ClientConfig::new(Self::zookeeper())
        }
    }

    fn install(&mut self, node: NodeId, member: Member) {
        let seed = self.config.seed;
        let slot = self.slots.entry(node).or_insert_with(|| Slot {
            member: None,
            rng: Prng::new(seed, &Self::name(node)),
            run: 0,
            timer: None,
            paused: None,
            flushes: 0,
        });
        slot.member = Some(member);
        slot.run += 1;
        slot.paused = None;
        slot.timer = None;
        let run = slot.run;
        self.schedule(self.now, Event::Deliver { to: node, run, input: Input::Started });
    }

    /// What a node is called: `zookeeper`, `broker-1`, `kafka-topics`.
    pub fn name(node: NodeId) -> String {
        match node {
            ENSEMBLE => "zookeeper".to_owned(),
            ADMIN => "kafka-topics".to_owned(),
            broker => broker.to_string(),
        }
    }

    // ---- what it is

    /// What it was made of.
    pub fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// Virtual now.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The ids of all brokers, those that do not run too.
    pub fn broker_ids(&self) -> impl Iterator<Item = i32> + use<> {
        1..=self.config.brokers
    }

    /// A broker, if its process runs.
    pub fn broker(&self, id: i32) -> Option<&Broker> {
        match self.slots.get(&NodeId(id))?.member.as_ref()? {
            Member::Broker(broker) => Some(broker),
            _ => None,
        }
    }

    /// The brokers whose processes run, those that stand still too.
    pub fn brokers(&self) -> impl Iterator<Item = &Broker> {
        self.broker_ids().filter_map(|id| self.broker(id))
    }

    /// Whether a broker's process stands still.
    pub fn is_paused(&self, id: i32) -> bool {
        self.slots.get(&NodeId(id)).is_some_and(|slot| slot.paused.is_some())
    }

    /// The ensemble.
    pub fn ensemble(&self) -> &Ensemble {
        match self.slots.get(&ENSEMBLE).and_then(|slot| slot.member.as_ref()) {
            Some(Member::Ensemble(ensemble)) => ensemble,
            // It is installed first, and nobody can stop it.
            _ => unreachable!("a cluster has an ensemble"),
        }
    }

    /// Whoever makes topics.
    pub fn admin(&self) -> Option<&Admin> {
        match self.slots.get(&ADMIN)?.member.as_ref()? {
            Member::Admin(admin) => Some(admin),
            _ => None,
        }
    }

    /// What went over the network.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Begins to count anew.
    pub fn reset_counts(&mut self) {
        self.log.reset_counts();
    }

    /// The broker that `/controller` names, if its process runs.
    pub fn controller(&self) -> Option<i32> {
        let node = self.ensemble().tree().get(crate::znodes::CONTROLLER)?;
        crate::znodes::decode_controller(node.data.as_ref()).filter(|id| self.broker(*id).is_some())
    }

    // ---- what people do

    fn with<R>(&mut self, node: NodeId, act: impl FnOnce(&mut Member, &mut Context<'_>) -> R) -> Option<R> {
        let (now, epoch_ms) = (self.now, self.config.epoch_ms);
        let slot = self.slots.get_mut(&node)?;
        let (mut effects, mut events) = (Vec::new(), Vec::new());
        let mut cx = Context {
            node,
            now,
            epoch_ms,
            rng: &mut slot.rng,
            out: Outbox {
                effects: &mut effects,
                events: &mut events,
                connections: &mut self.connections,
                flushes: &mut slot.flushes,
            },
        };
        let result = act(slot.member.as_mut()?, &mut cx);
        effects.into_iter().for_each(|effect| self.effect(node, effect));
        self.after(node);
        Some(result)
    }

    /// Makes a topic with these replicas for each partition, the preferred leader first.
    pub fn create_topic(&mut self, topic: &str, assignment: &BTreeMap<i32, Vec<i32>>) {
        self.with(ADMIN, |member, cx| {
            if let Member::Admin(admin) = member {
                admin.create_topic(cx, topic, assignment);
            }
        });
    }

    /// Makes a topic whose replicas are spread over all brokers, one after the other.
    pub fn create_spread_topic(&mut self, topic: &str, partitions: i32, replication_factor: i32) {
        let brokers = self.config.brokers.max(1);
        let replicas =
            |first: i32| (0..replication_factor.min(brokers)).map(move |n| (first + n) % brokers + 1);
        let assignment =
            (0..partitions).map(|partition| (partition, replicas(partition).collect())).collect();
        self.create_topic(topic, &assignment);
    }

    /// Asks for a topic to be deleted.
    pub fn delete_topic(&mut self, topic: &str) {
        self.with(ADMIN, |member, cx| {
            if let Member::Admin(admin) = member {
                admin.delete_topic(cx, topic);
            }
        });
    }

    /// Takes a znode away by hand: `/controller`, to have another one elected.
    pub fn delete_znode(&mut self, path: &str) {
        self.with(ADMIN, |member, cx| {
            if let Member::Admin(admin) = member {
                admin.delete_znode(cx, path);
            }
        });
    }

    /// A producer writes so many records to the broker, which says the log's new end.
    ///
    /// # Errors
    /// The broker does not run, stands still, or does not lead the partition.
    pub fn append(
        &mut self,
        broker: i32,
        partition: &TopicPartition,
        records: i64,
    ) -> Result<i64, ErrorCode> {
        if self.is_paused(broker) {
            return Err(ErrorCode::REQUEST_TIMED_OUT);
        }
        let appended = self.with(NodeId(broker), |member, cx| match member {
            Member::Broker(broker) => broker.append(cx, partition, records),
            _ => Err(ErrorCode::BROKER_NOT_AVAILABLE),
        });
        appended.unwrap_or(Err(ErrorCode::BROKER_NOT_AVAILABLE))
    }

    /// Starts a broker whose process does not run.
    pub fn start(&mut self, id: i32) {
        if self.broker(id).is_some() {
            return;
        }
        let config = BrokerConfig {
            zookeeper: self.client_config(),
            isr_updates: self.config.isr_updates,
            auto_leader_rebalance: self.config.auto_leader_rebalance,
            unclean_leader_election: self.config.unclean_leader_election,
            ..BrokerConfig::new(id, Self::listener(id), Self::zookeeper())
        };
        let logs = self.disks.remove(&NodeId(id)).unwrap_or_default();
        self.install(NodeId(id), Member::Broker(Box::new(Broker::new(config, logs))));
    }

    /// Kills a broker's process, as `kill -9` does. Its machine closes its connections; its session lives on.
    pub fn crash(&mut self, id: i32) {
        self.end(NodeId(id));
    }

    /// Asks a broker to end in order.
    pub fn shut_down(&mut self, id: i32) {
        self.with(NodeId(id), |member, cx| {
            if let Member::Broker(broker) = member {
                broker.shut_down(cx);
            }
        });
    }

    fn end(&mut self, node: NodeId) {
        let Some(slot) = self.slots.get_mut(&node) else { return };
        let Some(member) = slot.member.take() else { return };
        (slot.paused, slot.timer) = (None, None);
        slot.run += 1;
        if let Member::Broker(broker) = &member {
            self.disks.insert(node, broker.replicas().logs().clone());
        }
        for (conn, end) in self.network.open_ends(node) {
            self.close(conn, end, DisconnectReason::PeerDown);
        }
    }

    /// Lets a broker's process stand still: a long pause of its garbage collector.
    pub fn pause(&mut self, id: i32) {
        if let Some(slot) = self.slots.get_mut(&NodeId(id)).filter(|slot| slot.member.is_some()) {
            slot.paused.get_or_insert_default();
        }
    }

    /// Lets it go on.
    pub fn resume(&mut self, id: i32) {
        let node = NodeId(id);
        let Some(slot) = self.slots.get_mut(&node) else { return };
        let Some(waiting) = slot.paused.take() else { return };
        let run = slot.run;
        for input in waiting {
            self.schedule(self.now, Event::Deliver { to: node, run, input });
        }
        self.after(node);
    }

    /// Lets nothing through between two nodes: what is sent waits, and new connections are not made.
    pub fn cut(&mut self, one: NodeId, other: NodeId) {
        self.network.cuts.insert((one.min(other), one.max(other)));
    }

    /// Cuts a broker from ZooKeeper.
    pub fn cut_from_zookeeper(&mut self, id: i32) {
        self.cut(NodeId(id), ENSEMBLE);
    }

    /// Lets everything through again; what waited goes on.
    pub fn heal(&mut self, one: NodeId, other: NodeId) {
        if !self.network.cuts.remove(&(one.min(other), one.max(other))) {
            return;
        }
        for (conn, end, input) in self.network.stalled(one, other) {
            self.carry(conn, end, input);
        }
    }

    /// Heals every cut and lets every process go on.
    pub fn heal_all(&mut self) {
        let cuts: BTreeSet<(NodeId, NodeId)> = self.network.cuts.clone();
        cuts.into_iter().for_each(|(one, other)| self.heal(one, other));
        self.broker_ids().for_each(|id| self.resume(id));
    }

    // ---- time

    fn schedule(&mut self, at: Instant, event: Event) {
        self.sequence += 1;
        self.queue.insert((at.max(self.now), self.sequence), event);
    }

    /// When the next event is.
    pub fn next_event(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Handles the next event, and gives the node that did. `None` if there is no event; some are nobody's.
    pub fn step(&mut self) -> Option<Option<NodeId>> {
        let ((at, _), event) = self.queue.pop_first()?;
        self.now = at;
        self.events += 1;
        Some(match event {
            Event::Deliver { to, run, input } => self.deliver(to, Some(run), input),
            Event::Arrive { conn, end, input } => self.arrive(conn, end, input),
            Event::Connect { conn } => self.accept(conn),
            Event::Timer { node, at } => {
                let due = self.slots.get_mut(&node).is_some_and(|slot| {
                    slot.paused.is_none() && slot.timer.take_if(|timer| *timer == at).is_some()
                });
                if due { self.deliver(node, None, Input::Timeout) } else { None }
            }
        })
    }

    /// Handles every event up to and with `until`, and goes there.
    pub fn run_until(&mut self, until: Instant) {
        while self.next_event().is_some_and(|at| at <= until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    /// Handles every event of the next `span`.
    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.now + span);
    }

    /// Handles events until something is so, and says when; `None` if it is not within `span`. It is asked after every
    /// event of a broker or the ensemble.
    pub fn run_while(
        &mut self,
        span: Duration,
        mut done: impl FnMut(&Cluster, Option<NodeId>) -> bool,
    ) -> Option<Instant> {
        let until = self.now + span;
        if done(self, None) {
            return Some(self.now);
        }
        while self.next_event().is_some_and(|at| at <= until) {
            if let Some(Some(acted)) = self.step()
                && done(self, Some(acted))
            {
                return Some(self.now);
            }
        }
        None
    }

    fn deliver(&mut self, to: NodeId, run: Option<u64>, input: Input) -> Option<NodeId> {
        let slot = self.slots.get_mut(&to)?;
        if run.is_some_and(|run| run != slot.run) {
            return None;
        }
        if let Some(waiting) = &mut slot.paused {
            waiting.push(input);
            return None;
        }
        self.with(to, |member, cx| member.node().take(cx, input)).map(|()| to)
    }

    /// Arms the node's timer, and sees whether its process has ended.
    fn after(&mut self, node: NodeId) {
        let Some(slot) = self.slots.get_mut(&node) else { return };
        let Some(member) = slot.member.as_mut().filter(|_| slot.paused.is_none()) else { return };
        let ended = matches!(member, Member::Broker(broker) if broker.has_ended());
        let at = member.node().wakes().map(|at| at.max(self.now));
        if ended {
            self.end(node);
        } else if let Some(at) = at.filter(|at| slot.timer != Some(*at)) {
            slot.timer = Some(at);
            self.schedule(at, Event::Timer { node, at });
        }
    }

    // ---- the network

    fn effect(&mut self, node: NodeId, effect: Effect) {
        match effect {
            Effect::Connect { conn, to } => {
                let run = self.slots.get(&node).map_or(0, |slot| slot.run);
                let at = self.now + self.network.delay(0);
                self.network.open(conn, node, run, to);
                self.schedule(at, Event::Connect { conn });
            }
            Effect::Send { conn, frame, .. } => {
                let Some((conn, end)) = self.network.meant(conn, node) else { return };
                let frame = frame.into_bytes();
                if let Some(link) = self.network.link(conn) {
                    self.log.sent(self.now, conn, link.ends, end, &frame);
                }
                self.carry(conn, end, Input::Frame { conn, frame: frame.into() });
            }
            Effect::Disconnect { conn, reason } => {
                if let Some((conn, end)) = self.network.meant(conn, node) {
                    self.close(conn, end, reason);
                }
            }
            // Nobody here has a disk or a console.
            Effect::Disk { .. }
            | Effect::ReadStdin
            | Effect::Stdout(_)
            | Effect::Stderr(_)
            | Effect::Exit(_) => {}
        }
    }

    /// Brings something from one end of a connection to the other.
    fn carry(&mut self, conn: ConnectionId, from: usize, input: Input) {
        if let Some((at, input)) = self.network.send(self.now, conn, from, input) {
            self.schedule(at, Event::Arrive { conn, end: 1 - from, input });
        }
    }

    fn close(&mut self, conn: ConnectionId, end: usize, reason: DisconnectReason) {
        if self.network.close(conn, end) {
            self.carry(conn, end, Input::Disconnected { conn, reason });
        }
    }

    fn forget(&mut self, conn: ConnectionId) {
        self.network.forget(conn);
        self.log.closed(conn);
    }

    /// Somebody wants to connect: the listener hears of it, or it is refused.
    fn accept(&mut self, conn: ConnectionId) -> Option<NodeId> {
        let Link { ends: [from, _], listener, closed, .. } = self.network.link(conn)?.clone();
        if closed[0] {
            return None;
        }
        let to = self.network.listener(&listener);
        let cut = to.is_some_and(|to| self.network.is_cut(from, to));
        let run =
            to.and_then(|to| self.slots.get(&to).filter(|slot| slot.member.is_some())).map(|slot| slot.run);
        let (Some(to), Some(run), false) = (to, run, cut) else {
            let (reason, after) = match cut {
                true => (DisconnectReason::Unreachable, network::UNREACHABLE),
                false => (DisconnectReason::Refused, self.network.delay(0)),
            };
            self.network.close(conn, 1);
            let input = Input::Disconnected { conn, reason };
            self.schedule(self.now + after, Event::Arrive { conn, end: 0, input });
            return None;
        };
        self.network.accepted(conn, to, run);
        self.carry(
            conn,
            1,
            Input::Connected { conn, peer: blumfeld_kernel::Peer::Listener(listener.clone()) },
        );
        let peer = blumfeld_kernel::Peer::Node { node: from, listener };
        let conn = self.network.name_at(conn, 1);
        self.deliver(to, Some(run), Input::Connected { conn, peer })
    }

    fn arrive(&mut self, conn: ConnectionId, end: usize, input: Input) -> Option<NodeId> {
        let link = self.network.link(conn)?;
        let (to, run) = (*link.ends.get(end)?, *link.runs.get(end)?);
        let gone = matches!(input, Input::Disconnected { .. });
        let conn_there = self.network.name_at(conn, end);
        let input = match input {
            Input::Connected { peer, .. } => Input::Connected { conn: conn_there, peer },
            Input::Frame { frame, .. } => Input::Frame { conn: conn_there, frame },
            Input::Disconnected { reason, .. } => Input::Disconnected { conn: conn_there, reason },
            other => other,
        };
        if *link.closed.get(end)? {
            if gone {
                self.forget(conn);
            }
            return None;
        }
        if gone {
            // The last message: the connection is no more.
            self.forget(conn);
        }
        self.deliver(to, Some(run), input)
    }
}
