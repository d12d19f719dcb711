//! The node itself: a broker, a controller, or both in one process (kafka.server.KafkaRaftServer).

mod connection;
mod door;
mod metadata;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use blumfeld_kernel::{
    ConnectionId, Context, DisconnectReason, Disk, DiskError, DiskOp, Effect, Endpoint, FlushId, Frame,
    Input, Instant, Node, Peer,
};
use blumfeld_log::UnifiedLog;
use blumfeld_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use blumfeld_protocol::{ErrorCode, Uuid, uuid_text};

use crate::call::ListenerKind;
use crate::channel::Channels;
use crate::config::{BrokerConfig, CLIENT_LISTENER};
use crate::coordinator::{GroupCoordinator, TransactionCoordinator};
use crate::lifecycle::{BrokerState, Lifecycle};
use crate::metadata::{MetadataImage, ResourceType};
use crate::quorum::Quorum;
use crate::raft::RaftClient;
use crate::replica::{Checkpoints, Fetchers, ReplicaManager};
use crate::server::{BrokerStats, LogCleaner, Server};
use connection::Connection;

/// A node: what it serves with, its part in the quorum, and what ties both to the world.
#[derive(Clone, Debug)]
pub struct Broker {
    server: Server,
    quorum: Quorum,
    lifecycle: Lifecycle,
    fetchers: Fetchers,
    channels: Channels,
    connections: BTreeMap<ConnectionId, Connection>,
    /// When it next looks for connections that are idle.
    idle_at: Option<Instant>,
    /// Answers to requests that this node sent to itself.
    local_answers: VecDeque<(ConnectionId, Frame)>,
    /// Operations under way whose end no log waits for: a node with thousands of partitions does not ask each of them
    /// whether it was its own.
    no_flushes: BTreeSet<FlushId>,
    /// What the disk held at the start, until the logs are loaded from it.
    boot: Option<(Disk, Checkpoints)>,
    clean_start: bool,
    closed: bool,
}

impl Broker {
    /// Starts the process on what the machine's disk holds. A broker registers with the active controller, catches up
    /// with the metadata, loads and recovers its logs, and serves; a controller takes part in the quorum at once.
    pub fn start(cx: &mut Context<'_>, config: &BrokerConfig, disk: &Disk) -> Broker {
        let (cluster_id, directory_id) = load_meta_properties(cx, config, disk);
        let checkpoints = Checkpoints::load(cx, disk);
        let raft = RaftClient::start(cx, disk, config, (cluster_id, directory_id));
        let incarnation_id = uuid_text::random(|| cx.rng.bytes16());
        let lifecycle = Lifecycle::new(cx, incarnation_id, directory_id, checkpoints.previous_broker_epoch);
        let own = [
            config.roles.controller.then(|| config.controller_listener.clone()),
            config.roles.broker.then(|| config.advertised.clone()),
        ];
        let mut broker = Broker {
            server: Server::new(config, cluster_id),
            quorum: Quorum::new(cx, config, (cluster_id, raft)),
            lifecycle,
            fetchers: Fetchers::default(),
            channels: Channels::new(own),
            connections: BTreeMap::new(),
            idle_at: None,
            local_answers: VecDeque::new(),
            no_flushes: BTreeSet::new(),
            clean_start: checkpoints.clean,
            boot: config.roles.broker.then(|| (disk.clone(), checkpoints)),
            closed: false,
        };
        broker.load_snapshot();
        broker.pump(cx);
        broker
    }

    /// Asks the controller to take this broker's leaderships, and ends the process in order once it has
    /// (`controlled.shutdown.enable`). The end is an exit with code 0.
    pub fn begin_shutdown(&mut self, cx: &mut Context<'_>) {
        if self.server.config.roles.broker {
            self.lifecycle.begin_shutdown(cx.now);
        }
        self.pump(cx);
    }

    /// Ends the process at once: every log is closed and flushed, and the next start needs no recovery. The node must
    /// not be given further inputs; the disk has everything once its operations are done.
    pub fn shut_down(&mut self, cx: &mut Context<'_>) {
        self.quorum.raft.close(cx);
        if self.boot.is_none() && self.server.config.roles.broker {
            self.server.replicas.shut_down(cx, self.lifecycle.epoch());
        }
        self.closed = true;
    }

    // ---- what others may see

    /// `node.id`.
    pub fn id(&self) -> i32 {
        self.server.config.node_id
    }

    /// Sets whether what is written from now on is flushed before it is acknowledged.
    pub fn set_flush_before_acknowledging(&mut self, flush: bool) {
        self.server.config.flush_before_acknowledging = flush;
    }

    /// What it was started with.
    pub fn config(&self) -> &BrokerConfig {
        &self.server.config
    }

    /// The metadata that it serves.
    pub fn image(&self) -> &MetadataImage {
        &self.server.image
    }

    /// The offset after the last metadata record that it has replayed.
    pub fn metadata_offset(&self) -> i64 {
        self.server.applied
    }

    /// Its replicas.
    pub fn replicas(&self) -> &ReplicaManager {
        &self.server.replicas
    }

    /// What compacts its logs.
    pub fn cleaner(&self) -> &LogCleaner {
        &self.server.cleaner
    }

    /// The groups that this broker coordinates.
    pub fn groups(&self) -> &GroupCoordinator {
        &self.server.groups
    }

    /// The transactions that this broker coordinates.
    pub fn transactions(&self) -> &TransactionCoordinator {
        &self.server.transactions
    }

    /// The partition of `__consumer_offsets` that a group belongs to.
    pub fn group_partition(&self, group_id: &str) -> i32 {
        self.server.group_partition(group_id)
    }

    /// Its part in the quorum.
    pub fn raft(&self) -> &RaftClient {
        &self.quorum.raft
    }

    /// The log of `__cluster_metadata-0`.
    pub fn metadata_log(&self) -> &UnifiedLog {
        self.quorum.raft.log().log()
    }

    /// The configs of a resource, with all values that each could have: what it answers to DescribeConfigs. An error is
    /// Kafka's code, with its sentence if it has one.
    pub fn describe_configs(
        &self,
        kind: ResourceType,
        name: &str,
    ) -> Result<Vec<DescribeConfigsResourceResult>, (ErrorCode, Option<String>)> {
        crate::api::describe_configs::described(&self.server, kind, name)
            .map_err(|error| (error.code, error.message))
    }

    /// Epoch of the metadata quorum.
    pub fn controller_epoch(&self) -> i32 {
        self.quorum.raft.epoch()
    }

    /// Whether it is the active controller.
    pub fn is_active_controller(&self) -> bool {
        self.quorum.active.is_some()
    }

    /// Where the broker is in its life.
    pub fn state(&self) -> BrokerState {
        self.lifecycle.state()
    }

    /// Whether it was told to end in order, and has not yet.
    pub fn is_ending(&self) -> bool {
        matches!(self.lifecycle.state(), BrokerState::PendingControlledShutdown | BrokerState::ShuttingDown)
    }

    /// Its epoch as a broker, -1 before it is registered.
    pub fn broker_epoch(&self) -> i64 {
        self.lifecycle.epoch()
    }

    /// Whether clients are served: it is registered, its logs are loaded and it is not fenced. Of a node that is no
    /// broker, whether it has found the quorum's leader.
    pub fn is_serving(&self) -> bool {
        if self.server.config.roles.broker {
            self.lifecycle.state() == BrokerState::Running
        } else {
            self.quorum.raft.leader().is_some()
        }
    }

    /// Its numbers.
    pub fn stats(&self) -> BrokerStats {
        BrokerStats {
            connections: u32::try_from(self.connections.len()).unwrap_or(u32::MAX),
            ..self.server.stats
        }
    }

    /// Why the disk takes nothing, if it does not.
    pub fn disk_error(&self) -> Option<&DiskError> {
        self.server.disk_error.as_ref()
    }

    // ---- the machine

    /// Does everything that has become possible, until nothing more has. Each round goes from what is known first to
    /// what follows from it:
    ///
    /// 1. Channels whose answer is overdue: who asked is told before anything new is sent on them.
    /// 2. The quorum, and the answers that it parked: it decides how far the metadata is committed.
    /// 3. The metadata: what is committed is replayed, and replicas, coordinators and the active controller follow it.
    /// 4. What a broker sends by itself, which names the metadata and the replicas that step 3 left.
    /// 5. Answers that waited for what has changed, by now all that did in this round.
    /// 6. One frame of this node to itself. It is handled as one of another node would be, and begins the next round;
    ///    one at a time, so that what follows from it is done before the next one is looked at.
    ///
    /// Timers of the server are no part of it: they go off with [`Input::Timeout`] alone, before it, so that an input
    /// that comes at the same instant finds the node as it was.
    fn pump(&mut self, cx: &mut Context<'_>) {
        if self.closed {
            return;
        }
        loop {
            for (purpose, _) in self.channels.expire(cx) {
                self.on_no_answer(cx, purpose);
            }
            self.quorum.raft.poll(cx, &mut self.channels);
            for (conn, frame) in self.quorum.raft.take_answers() {
                self.answer(cx, conn, frame.into());
            }
            self.follow_metadata(cx);
            self.poll_broker(cx);
            self.resume_verified(cx);
            while let Some(answered) = self.server.next_answer(cx) {
                self.deliver(cx, answered);
            }
            if let Some((conn, frame)) = self.channels.next_loopback() {
                let connection = self.connections.entry(conn).or_default();
                connection.listener = self.channels.listener(conn);
                self.on_frame(cx, conn, frame);
            } else if let Some((conn, frame)) = self.local_answers.pop_front() {
                self.on_answer(cx, conn, frame);
            } else {
                break;
            }
        }
        self.finish_shutdown(cx);
    }

    /// What a broker sends by itself: heartbeats, ISR proposals, forwarded requests, fetches.
    fn poll_broker(&mut self, cx: &mut Context<'_>) {
        if !self.server.config.roles.broker {
            return;
        }
        let controller = self.quorum.raft.leader_endpoint().cloned();
        let controller = controller.as_ref();
        let Broker { server, lifecycle, fetchers, channels, .. } = self;
        let about = (controller, server.applied - 1);
        lifecycle.poll(cx, channels, &server.config, server.cluster_id, about);
        let who = (&server.config, lifecycle.epoch());
        server.isr.poll(cx, channels, who, controller);
        for conn in server.forwarding.expire(cx.now) {
            cx.out.disconnect(conn, DisconnectReason::RequestTimedOut);
            self.connections.remove(&conn);
        }
        server.forwarding.poll(cx, channels, controller);
        server.producer_ids.poll(cx, channels, who, controller);
        if self.boot.is_none() {
            let image = &server.image;
            let endpoint = |id: i32| {
                let listener = image.endpoint(id, CLIENT_LISTENER)?;
                Some(Endpoint::new(&listener.host, listener.port))
            };
            fetchers.poll(cx, channels, &server.replicas, who, endpoint);
            server.send_markers(cx, channels);
            server.verify_transactions(cx, channels);
        }
    }

    fn finish_shutdown(&mut self, cx: &mut Context<'_>) {
        if self.lifecycle.state() != BrokerState::ShuttingDown || self.closed {
            return;
        }
        self.quorum.raft.shut_down(cx);
        self.resign_controller(cx);
        self.quorum.raft.poll(cx, &mut self.channels);
        if self.quorum.raft.can_shut_down() {
            self.shut_down(cx);
            cx.out.exit(0);
        }
    }

    fn on_flushed(&mut self, cx: &mut Context<'_>, id: FlushId, result: &Result<(), DiskError>) {
        let ok = result.is_ok();
        self.server.note_disk(cx, result);
        self.quorum.raft.on_flushed(cx, id, ok);
        let is_flush = !self.no_flushes.remove(&id);
        if ok {
            if is_flush {
                self.server.replicas.on_flushed(id);
            }
            self.fetchers.on_flushed(id);
        } else {
            let again = self.server.replicas.on_flush_failed(cx, id);
            self.fetchers.on_flushed_again(id, again);
        }
        self.server.flush_is_over(id, ok);
        while let Some(answered) = self.server.next_completed(cx) {
            self.deliver(cx, answered);
        }
        self.server.group_flush_is_over(cx, id, ok);
        self.server.transaction_flush_is_over(cx, id, ok);
        self.server.cleaner_flush_is_over(cx, id, ok);
    }

    /// What must always be true of a node; the first thing that is not.
    pub fn invariants(&self) -> Result<(), String> {
        self.quorum.invariants()?;
        self.server.invariants()?;
        let applied = self.server.applied;
        if self.quorum.raft.high_watermark().is_some_and(|at| applied > at) {
            return Err(format!("metadata applied up to {applied} past the high watermark"));
        }
        self.answers_owed()
    }

    /// Each connection that is busy is owed exactly one answer: with none it would wait for ever and hold up what is
    /// behind it, with two its client would take the second for that of its next request.
    fn answers_owed(&self) -> Result<(), String> {
        // Those whose connection is gone are answered to nobody.
        let stands = |conn: &ConnectionId| self.connections.contains_key(conn);
        let mut owed: Vec<_> = self.server.owed().chain(self.quorum.owed()).filter(stands).collect();
        owed.sort_unstable();
        let busy = self.connections.iter().filter(|(_, connection)| connection.busy).map(|(conn, _)| *conn);
        if busy.clone().eq(owed.iter().copied()) {
            return Ok(());
        }
        Err(format!("connections {:?} are busy, and {owed:?} are owed answers", busy.collect::<Vec<_>>()))
    }
}

impl Node for Broker {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.closed {
            return;
        }
        let effects = cx.out.effects.len();
        match input {
            Input::Connected { conn, peer: Peer::Node { listener, .. } } => {
                let here = if listener == self.server.config.controller_listener
                    && self.server.config.roles.controller
                {
                    ListenerKind::Controller
                } else {
                    ListenerKind::Broker
                };
                self.connected(cx, conn, here);
            }
            Input::Connected { conn, peer: Peer::Outside(_) } => {
                self.connected(cx, conn, ListenerKind::default());
            }
            Input::Connected { peer: Peer::Listener(_), .. } => {}
            Input::Frame { conn, frame } => {
                if self.channels.owns(conn) {
                    self.on_answer(cx, conn, frame);
                } else {
                    self.on_frame(cx, conn, frame.into_bytes());
                }
            }
            Input::Disconnected { conn, .. } => self.on_disconnected(cx, conn),
            Input::Timeout => {
                self.close_idle(cx);
                self.quorum.poll_files(cx);
                while let Some(answered) = self.server.poll(cx) {
                    self.deliver(cx, answered);
                }
            }
            Input::Flushed { id, result } => self.on_flushed(cx, id, &result),
            Input::Started | Input::Stdin { .. } | Input::StdinClosed | Input::Interrupt => {}
        }
        self.pump(cx);
        // A log waits for its flushes alone (`UnifiedLog::flush`).
        let others = cx.out.effects.iter().skip(effects).filter_map(|effect| match effect {
            Effect::Disk { id, op: DiskOp::Replace { .. } | DiskOp::Truncate { .. } } => Some(*id),
            _ => None,
        });
        self.no_flushes.extend(others);
        debug_assert_eq!(self.invariants(), Ok(()));
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let broker = if self.server.config.roles.broker {
            let controller = self.quorum.raft.leader_endpoint();
            let life = self.lifecycle.next_timeout(&self.channels, controller);
            life.into_iter().chain(self.fetchers.next_timeout(&self.channels)).min()
        } else {
            None
        };
        [
            self.server.next_timeout(),
            broker,
            self.quorum.next_timeout(),
            self.channels.next_timeout(),
            self.server.forwarding.next_timeout(),
            self.idle_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

impl Broker {
    fn on_disconnected(&mut self, cx: &mut Context<'_>, conn: ConnectionId) {
        if let Some((purpose, request)) = self.channels.on_disconnected(cx.now, conn) {
            if request.is_some() {
                self.on_no_answer(cx, purpose);
            }
            return;
        }
        self.forget(conn);
    }
}

/// The file of a log directory's ids (org.apache.kafka.metadata.properties.MetaPropertiesEnsemble).
const META_PROPERTIES: &str = "meta.properties";

/// An id that `meta.properties` has.
fn stored_id(disk: &Disk, name: &str) -> Option<Uuid> {
    let text = String::from_utf8_lossy(&disk.read(META_PROPERTIES)?).into_owned();
    text.lines().find_map(|line| uuid_text::from_text(line.strip_prefix(name)?.strip_prefix('=')?))
}

/// The id of the cluster that a disk belongs to, once a node of it has started there.
pub fn stored_cluster_id(disk: &Disk) -> Option<Uuid> {
    stored_id(disk, "cluster.id")
}

/// `meta.properties`: the ids of cluster, node and directory. Written on an empty disk.
fn load_meta_properties(cx: &mut Context<'_>, config: &BrokerConfig, disk: &Disk) -> (Uuid, Uuid) {
    if let (Some(cluster_id), Some(directory_id)) = (stored_cluster_id(disk), stored_id(disk, "directory.id"))
    {
        return (cluster_id, directory_id);
    }
    let directory_id = uuid_text::random(|| cx.rng.bytes16());
    let text = format!(
        "#\ncluster.id={}\ndirectory.id={}\nnode.id={}\nversion=1\n",
        uuid_text::to_text(config.cluster_id),
        uuid_text::to_text(directory_id),
        config.node_id
    );
    cx.out.disk(DiskOp::Replace { file: META_PROPERTIES.into(), bytes: text.into() });
    (config.cluster_id, directory_id)
}
