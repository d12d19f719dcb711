//! What a broker serves its clients with: all that the handler of a request may touch. What only the process needs (its
//! connections, its channels to other nodes, its part in the quorum) is the node's, and no handler has it.

mod delayed_fetch;
mod fetch_session;
mod forwarding;
mod groups;
mod isr;
mod producer_ids;
mod purgatory;

use std::collections::BTreeMap;

use blumfeld_kernel::{Context, DiskError, DiskOp, FilePath, Instant, TraceEvent};
use blumfeld_protocol::{ErrorCode, Uuid};

use crate::broker_config::DynamicConfigs;
use crate::config::BrokerConfig;
use crate::coordinator::GroupCoordinator;
use crate::metadata::MetadataImage;
use crate::replica::{Partition, ReplicaManager, TopicPartition};
pub use delayed_fetch::{divergence, is_of_earlier_life};
pub use fetch_session::FetchSessions;
pub use forwarding::Forwarding;
pub use isr::AlterPartitionManager;
pub use producer_ids::ProducerIds;
pub use purgatory::{Answered, DelayedFetch, DelayedProduce, FetchContext, Purgatory, Unsafe};

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
}

/// A broker's half of a node.
#[derive(Clone, Debug)]
pub struct Server {
    /// What the node was started with.
    pub config: BrokerConfig,
    /// Which cluster it belongs to.
    pub cluster_id: Uuid,
    /// Metadata up to the quorum's high watermark, which clients are told.
    pub image: MetadataImage,
    /// The offset after the last metadata record that `image` has replayed.
    pub applied: i64,
    /// The partitions that this broker has, with their logs.
    pub replicas: ReplicaManager,
    /// What the fetch sessions of consumers and followers have been told.
    pub sessions: FetchSessions,
    /// Requests that wait for records or for flushes.
    pub purgatory: Purgatory,
    /// ISR changes on their way to the controller.
    pub isr: AlterPartitionManager,
    /// Requests on their way to the controller.
    pub forwarding: Forwarding,
    /// Producer ids that may be given out.
    pub producer_ids: ProducerIds,
    /// The groups that this broker coordinates.
    pub groups: GroupCoordinator,
    /// Counts of what was served.
    pub stats: BrokerStats,
    /// Why the disk takes nothing, if it does not.
    pub disk_error: Option<DiskError>,
    timers: BTreeMap<(Instant, u64), Timer>,
    next_number: u64,
}

impl Server {
    /// A broker that serves nothing yet.
    pub fn new(config: &BrokerConfig, cluster_id: Uuid) -> Server {
        Server {
            config: config.clone(),
            cluster_id,
            image: MetadataImage::default(),
            applied: 0,
            replicas: ReplicaManager::new(config),
            sessions: FetchSessions::default(),
            purgatory: Purgatory::default(),
            isr: AlterPartitionManager::default(),
            forwarding: Forwarding::default(),
            producer_ids: ProducerIds::default(),
            groups: GroupCoordinator::default(),
            stats: BrokerStats::default(),
            disk_error: None,
            timers: BTreeMap::new(),
            next_number: 0,
        }
    }

    /// A broker that is up, drawn at random: what a client that asks for the controller is told (KRaftMetadataCache.
    /// getRandomAliveBrokerId).
    pub fn any_broker(&self, cx: &mut Context<'_>) -> i32 {
        let up: Vec<i32> = self.image.brokers().values().filter(|b| !b.fenced).map(|b| b.id).collect();
        let at = usize::try_from(cx.rng.below(up.len() as u64)).unwrap_or(0);
        up.get(at).copied().unwrap_or(-1)
    }

    /// The replica of a partition, or what a client is told that asks here for one: it is elsewhere, or there is none.
    pub fn replica(&self, key: &TopicPartition) -> Result<&Partition, ErrorCode> {
        self.replicas.of(key).ok_or_else(|| match self.image.partition(&key.0, key.1) {
            Some(_) => ErrorCode::NOT_LEADER_OR_FOLLOWER,
            None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        })
    }

    /// The replica of a partition, if this node leads it in the epoch that a client believes in; -1 is none.
    pub fn leader(&self, key: &TopicPartition, epoch: i32) -> Result<&Partition, ErrorCode> {
        let partition = self.replica(key)?;
        partition.check_leader(epoch)?;
        Ok(partition)
    }

    /// Notes what a disk operation says of the disk.
    pub fn note_disk(&mut self, cx: &mut Context<'_>, result: &Result<(), DiskError>) {
        if let Err(error) = result {
            if self.disk_error.as_ref() != Some(error) {
                cx.out.trace(TraceEvent::DiskFailed { reason: error.to_string().into() });
            }
            self.disk_error = Some(error.clone());
        } else {
            self.disk_error = None;
        }
    }

    // ---- time

    fn next_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// When [`on_timeout`](Self::on_timeout) next has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        let own = self.timers.keys().next().map(|(at, _)| *at);
        own.into_iter().chain(self.groups.next_timeout()).min()
    }

    fn timer(&mut self, at: Instant, timer: Timer) {
        let number = self.next_number();
        self.timers.insert((at, number), timer);
    }

    /// The logs are loaded: from here on they are looked after.
    pub fn start_timers(&mut self, cx: &Context<'_>) {
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

    /// Looks after the logs that are flushed by time, if there are any.
    pub fn arm_flush_timer(&mut self, cx: &Context<'_>) {
        let armed = self.timers.values().any(|timer| matches!(timer, Timer::FlushDue));
        if let Some(ms) = self.replicas.shortest_flush_ms().filter(|_| !armed) {
            self.timer(cx.after_ms(ms.max(1)), Timer::FlushDue);
        }
    }

    /// Does what the next timer is for that is due; `None` if none is. Gives the answer that follows, if one does.
    pub fn on_timeout(&mut self, cx: &mut Context<'_>) -> Option<Option<Answered>> {
        let own = self.timers.keys().next().map(|(at, _)| *at);
        let due = |at: &Instant| *at <= cx.now;
        if let Some(at) = self.groups.next_timeout().filter(due)
            && own.is_none_or(|own| at < own)
        {
            self.on_group_timeout(cx);
            return Some(None);
        }
        let timer = self.timers.first_entry().filter(|entry| entry.key().0 <= cx.now)?.remove();
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
            Timer::FetchExpires(id) => return Some(self.complete_fetch(cx, id, true)),
            Timer::ProduceExpires(id) => return Some(self.complete_produce(id, true)),
        }
        Some(None)
    }

    /// Files that wait for their deletion.
    pub fn delete_later(&mut self, cx: &Context<'_>, files: Vec<FilePath>, delay_ms: i64) {
        for file in files {
            self.timer(cx.after_ms(delay_ms), Timer::DeleteFile(file));
        }
    }
}
