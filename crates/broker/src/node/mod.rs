//! The node itself: a broker, a controller, or both in one process (kafka.server.KafkaRaftServer).

mod groups;
mod metadata;
mod replication;
mod requests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use blumfeld_kernel::{
    ConnectionId, Context, DisconnectReason, Disk, DiskError, DiskOp, FilePath, FlushId, Frame, Input,
    Instant, Node, Peer, TraceEvent,
};
use blumfeld_log::UnifiedLog;
use blumfeld_protocol::{ErrorCode, Uuid, uuid_text};

use crate::broker_config::DynamicConfigs;
use crate::call::ListenerKind;
use crate::channel::Channels;
use crate::config::BrokerConfig;
use crate::connection::Connection;
use crate::controller::Active;
use crate::coordinator::{GroupCoordinator, GroupTimer};
use crate::fetch_session::FetchSessions;
use crate::lifecycle::{BrokerState, Lifecycle};
use crate::metadata::MetadataImage;
use crate::producer_ids::ProducerIds;
use crate::purgatory::{DelayedFetch, DelayedProduce};
use crate::raft::{EpochState, RaftClient};
use crate::replica::{Checkpoints, Fetchers, Partition, ReplicaManager, TopicPartition};
use crate::reply::Reply;
use replication::AlterPartitions;
use requests::Forwarded;

/// Numbers of a node since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerStats {
    /// Requests answered.
    pub requests: u64,
    /// Records appended for producers.
    pub records_in: u64,
    /// Records handed to consumers.
    pub records_out: u64,
    /// Connections that stand.
    pub connections: u32,
}

/// What a timer is for.
#[derive(Clone, Debug)]
enum Timer {
    Retention,
    LogCheckpoints,
    HighWatermarkCheckpoint,
    ShrinkIsr,
    ExpireProducerIds,
    FlushDue,
    DeleteFile(FilePath),
    FetchExpires(u64),
    ProduceExpires(u64),
    Group(i32, GroupTimer),
}

/// A node.
#[derive(Clone, Debug)]
pub struct Broker {
    pub(crate) config: BrokerConfig,
    pub(crate) cluster_id: Uuid,
    pub(crate) raft: RaftClient,
    /// What this node holds as the active controller.
    pub(crate) active: Option<Active>,
    /// Metadata up to the high watermark, which the broker serves.
    pub(crate) image: MetadataImage,
    applied: i64,
    lifecycle: Lifecycle,
    pub(crate) replicas: ReplicaManager,
    fetchers: Fetchers,
    pub(crate) sessions: FetchSessions,
    alter_partitions: AlterPartitions,
    pub(crate) channels: Channels,
    pub(crate) producer_ids: ProducerIds,
    connections: BTreeMap<ConnectionId, Connection>,
    forwarded: VecDeque<Forwarded>,
    /// Answers to requests that this node sent to itself.
    local_answers: VecDeque<(ConnectionId, Frame)>,
    delayed_fetches: BTreeMap<u64, DelayedFetch>,
    delayed_produces: BTreeMap<u64, DelayedProduce>,
    pub(crate) coordinator: GroupCoordinator,
    /// Followers that may join ISRs now though nothing else about them changes: their next fetch is looked at for that.
    pub(crate) recheck: BTreeSet<i32>,
    /// Partitions that grew or changed while the present input was handled.
    pub(crate) changed: BTreeSet<TopicPartition>,
    timers: BTreeMap<(Instant, u64), Timer>,
    next_number: u64,
    /// What the disk held at the start, until the logs are loaded from it.
    boot: Option<(Disk, Checkpoints)>,
    clean_start: bool,
    closed: bool,
    disk_error: Option<DiskError>,
    snapshot: SnapshotProgress,
    pub(crate) stats: BrokerStats,
}

/// How far the last snapshot is behind.
#[derive(Clone, Copy, Debug)]
struct SnapshotProgress {
    at: Instant,
    end_offset: i64,
    bytes: u64,
}

impl Broker {
    /// Starts the process on what the machine's disk holds. A broker registers with the active controller, catches up with
    /// the metadata, loads and recovers its logs, and serves; a controller takes part in the quorum at once.
    pub fn start(cx: &mut Context<'_>, config: &BrokerConfig, disk: &Disk) -> Broker {
        let (cluster_id, directory_id) = load_meta_properties(cx, config, disk);
        let checkpoints = Checkpoints::load(cx, disk);
        let raft = RaftClient::start(cx, disk, config, (cluster_id, directory_id));
        let incarnation_id = uuid_text::random(|| cx.rng.bytes16());
        let lifecycle = Lifecycle::new(cx, incarnation_id, directory_id, checkpoints.previous_broker_epoch);
        let mut broker = Broker {
            config: config.clone(),
            cluster_id,
            active: None,
            image: MetadataImage::default(),
            applied: 0,
            lifecycle,
            replicas: ReplicaManager::new(config),
            fetchers: Fetchers::default(),
            sessions: FetchSessions::default(),
            alter_partitions: AlterPartitions::default(),
            channels: Channels::new(config.roles.controller.then(|| config.controller_listener.clone())),
            producer_ids: ProducerIds::default(),
            connections: BTreeMap::new(),
            forwarded: VecDeque::new(),
            local_answers: VecDeque::new(),
            delayed_fetches: BTreeMap::new(),
            delayed_produces: BTreeMap::new(),
            coordinator: GroupCoordinator::default(),
            recheck: BTreeSet::new(),
            changed: BTreeSet::new(),
            timers: BTreeMap::new(),
            next_number: 0,
            clean_start: checkpoints.clean,
            boot: config.roles.broker.then(|| (disk.clone(), checkpoints)),
            closed: false,
            disk_error: None,
            snapshot: SnapshotProgress { at: cx.now, end_offset: 0, bytes: 0 },
            stats: BrokerStats::default(),
            raft,
        };
        broker.load_snapshot();
        broker.pump(cx);
        broker
    }

    /// Asks the controller to take this broker's leaderships, and ends the process in order once it has
    /// (`controlled.shutdown.enable`). The end is an exit with code 0.
    pub fn begin_shutdown(&mut self, cx: &mut Context<'_>) {
        if self.config.roles.broker {
            self.lifecycle.begin_shutdown(cx.now);
        }
        self.pump(cx);
    }

    /// Ends the process at once: every log is closed and flushed, and the next start needs no recovery. The node must not
    /// be given further inputs; the disk has everything once its operations are done.
    pub fn shut_down(&mut self, cx: &mut Context<'_>) {
        self.raft.close(cx);
        if self.boot.is_none() && self.config.roles.broker {
            self.replicas.shut_down(cx, self.lifecycle.epoch());
        }
        self.closed = true;
    }

    // ---- what others may see

    /// `node.id`.
    pub fn id(&self) -> i32 {
        self.config.node_id
    }

    /// Sets whether what is written from now on is flushed before it is acknowledged.
    pub fn set_flush_before_acknowledging(&mut self, flush: bool) {
        self.config.flush_before_acknowledging = flush;
    }

    /// What it was started with.
    pub fn config(&self) -> &BrokerConfig {
        &self.config
    }

    /// The metadata that it serves.
    pub fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// The offset after the last metadata record that it has replayed.
    pub fn metadata_offset(&self) -> i64 {
        self.applied
    }

    /// Its replicas.
    pub fn replicas(&self) -> &ReplicaManager {
        &self.replicas
    }

    /// Its part in the quorum.
    pub fn raft(&self) -> &RaftClient {
        &self.raft
    }

    /// The log of `__cluster_metadata-0`.
    pub fn metadata_log(&self) -> &UnifiedLog {
        self.raft.log().log()
    }

    /// Epoch of the metadata quorum.
    pub fn controller_epoch(&self) -> i32 {
        self.raft.epoch()
    }

    /// Whether it is the active controller.
    pub fn is_active_controller(&self) -> bool {
        self.active.is_some()
    }

    /// Where the broker is in its life.
    pub fn state(&self) -> BrokerState {
        self.lifecycle.state()
    }

    /// Its epoch as a broker, -1 before it is registered.
    pub fn broker_epoch(&self) -> i64 {
        self.lifecycle.epoch()
    }

    /// Whether clients are served: it is registered, its logs are loaded and it is not fenced. Of a node that is no broker,
    /// whether it has found the quorum's leader.
    pub fn is_serving(&self) -> bool {
        if self.config.roles.broker {
            self.lifecycle.state() == BrokerState::Running
        } else {
            self.raft.leader().is_some()
        }
    }

    /// Its numbers.
    pub fn stats(&self) -> BrokerStats {
        BrokerStats { connections: u32::try_from(self.connections.len()).unwrap_or(u32::MAX), ..self.stats }
    }

    /// Why the disk takes nothing, if it does not.
    pub fn disk_error(&self) -> Option<&DiskError> {
        self.disk_error.as_ref()
    }

    pub(crate) fn applied_offset(&self) -> i64 {
        self.applied - 1
    }

    /// A broker that is up, drawn at random: what a client that asks for the controller is told (KRaftMetadataCache.
    /// getRandomAliveBrokerId).
    pub(crate) fn any_broker(&self, cx: &mut Context<'_>) -> i32 {
        let up: Vec<i32> = self.image.brokers().values().filter(|b| !b.fenced).map(|b| b.id).collect();
        let at = usize::try_from(cx.rng.below(up.len() as u64)).unwrap_or(0);
        up.get(at).copied().unwrap_or(-1)
    }

    /// The replica of a partition, if this node leads it in the epoch that a client believes in; -1 is none.
    pub(crate) fn leader(&self, topic: &str, number: i32, epoch: i32) -> Result<&Partition, ErrorCode> {
        let Some(partition) = self.replicas.get(topic, number) else {
            let elsewhere = self.image.partition(topic, number).is_some();
            return Err(if elsewhere {
                ErrorCode::NOT_LEADER_OR_FOLLOWER
            } else {
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            });
        };
        partition.check_leader(epoch)?;
        Ok(partition)
    }

    // ---- the machine

    /// Does everything that has become possible, until nothing more has.
    fn pump(&mut self, cx: &mut Context<'_>) {
        if self.closed {
            return;
        }
        loop {
            for (purpose, _) in self.channels.expire(cx) {
                self.on_no_answer(cx, purpose);
            }
            self.raft.poll(cx, &mut self.channels);
            for (conn, frame) in self.raft.take_answers() {
                self.answer(cx, conn, Reply::Now(frame.into()));
            }
            self.follow_metadata(cx);
            self.poll_broker(cx);
            self.complete_changed(cx);
            if let Some((conn, frame)) = self.channels.next_loopback() {
                let connection = self.connections.entry(conn).or_default();
                connection.listener = ListenerKind::Controller;
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
        if !self.config.roles.broker {
            return;
        }
        let controller = self.raft.leader_endpoint().cloned();
        let about = (controller.as_ref(), self.applied - 1);
        self.lifecycle.poll(cx, &mut self.channels, &self.config, self.cluster_id, about);
        self.poll_alter_partitions(cx, controller.as_ref());
        self.poll_forwarded(cx, controller.as_ref());
        self.poll_producer_ids(cx, controller.as_ref());
        if self.boot.is_none() {
            let image = &self.image;
            let endpoint = |id: i32| {
                let listener = image.brokers().get(&id)?.listeners.first()?;
                Some(blumfeld_kernel::Endpoint::new(&listener.host, listener.port))
            };
            let about = (&self.config, self.lifecycle.epoch());
            self.fetchers.poll(cx, &mut self.channels, &self.replicas, about, endpoint);
        }
    }

    fn finish_shutdown(&mut self, cx: &mut Context<'_>) {
        if self.lifecycle.state() != BrokerState::ShuttingDown || self.closed {
            return;
        }
        self.raft.shut_down(cx);
        self.resign_controller(cx);
        self.raft.poll(cx, &mut self.channels);
        if self.raft.can_shut_down() {
            self.shut_down(cx);
            cx.out.exit(0);
        }
    }

    fn timer(&mut self, at: Instant, timer: Timer) {
        self.next_number += 1;
        self.timers.insert((at, self.next_number), timer);
    }

    fn start_timers(&mut self, cx: &Context<'_>) {
        let config = &self.config;
        for (after, timer) in [
            (config.retention_check_interval_ms, Timer::Retention),
            (config.flush_offset_checkpoint_interval_ms, Timer::LogCheckpoints),
            (config.high_watermark_checkpoint_interval_ms, Timer::HighWatermarkCheckpoint),
            (config.replica_lag_time_max_ms / 2, Timer::ShrinkIsr),
            (config.producer_id_expiration_check_interval_ms, Timer::ExpireProducerIds),
        ] {
            self.timer(cx.after_ms(after), timer);
        }
    }

    fn arm_flush_timer(&mut self, cx: &Context<'_>) {
        let armed = self.timers.values().any(|timer| matches!(timer, Timer::FlushDue));
        if let Some(ms) = self.replicas.shortest_flush_ms().filter(|_| !armed) {
            self.timer(cx.after_ms(ms.max(1)), Timer::FlushDue);
        }
    }

    fn on_timer(&mut self, cx: &mut Context<'_>, timer: Timer) {
        let config = &self.config;
        match timer {
            Timer::Retention => {
                let again = cx.after_ms(config.retention_check_interval_ms);
                for (file, delay) in self.replicas.delete_old_segments(cx) {
                    self.timer(cx.after_ms(delay), Timer::DeleteFile(file));
                }
                self.timer(again, Timer::Retention);
            }
            Timer::LogCheckpoints => {
                self.replicas.checkpoint_logs(cx);
                let again = cx.after_ms(config.flush_offset_checkpoint_interval_ms);
                self.timer(again, Timer::LogCheckpoints);
            }
            Timer::HighWatermarkCheckpoint => {
                self.replicas.checkpoint_high_watermarks(cx);
                let again = cx.after_ms(config.high_watermark_checkpoint_interval_ms);
                self.timer(again, Timer::HighWatermarkCheckpoint);
            }
            Timer::ShrinkIsr => {
                let again = cx.after_ms(config.replica_lag_time_max_ms / 2);
                self.shrink_isrs(cx);
                self.timer(again, Timer::ShrinkIsr);
            }
            Timer::ExpireProducerIds => {
                let again = cx.after_ms(config.producer_id_expiration_check_interval_ms);
                let expiration =
                    DynamicConfigs::new(&self.image, config.node_id).long("producer.id.expiration.ms");
                self.replicas.expire_producers(cx, expiration);
                self.timer(again, Timer::ExpireProducerIds);
            }
            Timer::FlushDue => {
                self.replicas.flush_due(cx);
                self.arm_flush_timer(cx);
            }
            Timer::DeleteFile(path) => {
                cx.out.disk(DiskOp::Delete { path });
            }
            Timer::FetchExpires(id) => self.complete_fetch(cx, id, true),
            Timer::ProduceExpires(id) => self.complete_produce(cx, id, true),
            Timer::Group(partition, timer) => self.on_group_timer(cx, partition, &timer),
        }
    }

    /// Files that wait for their deletion.
    pub(crate) fn delete_later(&mut self, cx: &Context<'_>, files: Vec<FilePath>, delay_ms: i64) {
        for file in files {
            self.timer(cx.after_ms(delay_ms), Timer::DeleteFile(file));
        }
    }

    fn on_flushed(&mut self, cx: &mut Context<'_>, id: FlushId, result: Result<(), DiskError>) {
        if let Err(error) = &result {
            if self.disk_error.as_ref() != Some(error) {
                cx.out.trace(TraceEvent::DiskFailed { reason: error.to_string().into() });
            }
            self.disk_error = Some(error.clone());
        } else {
            self.disk_error = None;
        }
        self.raft.on_flushed(cx, id, result.is_ok());
        if result.is_ok() {
            self.replicas.on_flushed(id);
            self.fetchers.on_flushed(id);
        } else {
            let again = self.replicas.on_flush_failed(cx, id);
            self.fetchers.on_flushed_again(id, again);
        }
        self.flush_is_over(cx, id, result.is_ok());
        self.group_flush_is_over(cx, id, result.is_ok());
    }

    /// What must always be true of a node; the first thing that is not.
    pub fn invariants(&self) -> Result<(), String> {
        self.raft.invariants()?;
        self.replicas.invariants()?;
        if self.raft.high_watermark().is_some_and(|at| self.applied > at) {
            return Err(format!("metadata applied up to {} past the high watermark", self.applied));
        }
        if self.active.is_some() && !matches!(self.raft.state(), EpochState::Leader(_)) {
            return Err("active controller without leading the quorum".to_owned());
        }
        Ok(())
    }
}

impl Node for Broker {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.closed {
            return;
        }
        match input {
            Input::Connected { conn, peer: Peer::Node { listener, .. } } => {
                let here = if listener == self.config.controller_listener && self.config.roles.controller {
                    ListenerKind::Controller
                } else {
                    ListenerKind::Broker
                };
                self.connections.insert(conn, Connection { listener: here, ..Connection::default() });
            }
            Input::Connected { conn, peer: Peer::Outside(_) } => {
                self.connections.insert(conn, Connection::default());
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
                while let Some(due) = self.timers.first_entry().filter(|entry| entry.key().0 <= cx.now) {
                    let timer = due.remove();
                    self.on_timer(cx, timer);
                }
            }
            Input::Flushed { id, result } => self.on_flushed(cx, id, result),
            Input::Started | Input::Stdin { .. } | Input::StdinClosed | Input::Interrupt => {}
        }
        self.pump(cx);
        debug_assert_eq!(self.invariants(), Ok(()));
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let timer = self.timers.keys().next().map(|(at, _)| *at);
        let active = self.active.as_ref().and_then(Active::next_timeout);
        let broker = if self.config.roles.broker {
            let controller = self.raft.leader_endpoint();
            let life = self.lifecycle.next_timeout(&self.channels, controller);
            life.into_iter().chain(self.fetchers.next_timeout(&self.channels)).min()
        } else {
            None
        };
        [
            timer,
            active,
            broker,
            self.raft.next_timeout(),
            self.channels.next_timeout(),
            self.forward_timeout(),
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
        self.connections.remove(&conn);
        self.raft.forget(conn);
        let gone = self.delayed_fetches.extract_if(.., |_, fetch| fetch.call.conn == conn);
        gone.for_each(|(id, fetch)| drop(self.timers.remove(&(fetch.expires, id))));
    }

    /// Closes a connection whose request was not one.
    fn close_malformed(&mut self, cx: &mut Context<'_>, conn: ConnectionId, about: (i16, i16), what: &str) {
        let reason: std::sync::Arc<str> = what.into();
        cx.out.trace(TraceEvent::RequestRejected {
            api_key: about.0,
            version: about.1,
            reason: reason.clone(),
        });
        cx.out.disconnect(conn, DisconnectReason::Malformed(reason));
        self.connections.remove(&conn);
    }
}

/// `meta.properties`: the ids of cluster, node and directory. Written on an empty disk.
fn load_meta_properties(cx: &mut Context<'_>, config: &BrokerConfig, disk: &Disk) -> (Uuid, Uuid) {
    const FILE: &str = "meta.properties";
    let text = disk.read(FILE).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let value = |name: &str| {
        text.lines().find_map(|line| uuid_text::from_text(line.strip_prefix(name)?.strip_prefix('=')?))
    };
    if let (Some(cluster_id), Some(directory_id)) = (value("cluster.id"), value("directory.id")) {
        return (cluster_id, directory_id);
    }
    let directory_id = uuid_text::random(|| cx.rng.bytes16());
    let text = format!(
        "#\ncluster.id={}\ndirectory.id={}\nnode.id={}\nversion=1\n",
        uuid_text::to_text(config.cluster_id),
        uuid_text::to_text(directory_id),
        config.node_id
    );
    cx.out.disk(DiskOp::Replace { file: FILE.into(), bytes: text.into() });
    (config.cluster_id, directory_id)
}
