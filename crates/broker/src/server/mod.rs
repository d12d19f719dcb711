//! What a broker serves its clients with: all that the handler of a request may touch. What only the process needs (its
//! connections, its channels to other nodes, its part in the quorum) is the node's, and no handler has it.

mod cleaner;
mod delayed_fetch;
mod fetch_session;
mod forwarding;
mod groups;
mod isr;
mod producer_ids;
mod purgatory;
mod transactions;
mod txn_markers;
mod txn_verification;

use blumfeld_kernel::{ConnectionId, Context, DiskError, Instant, TraceEvent};
use blumfeld_protocol::{ErrorCode, Uuid};

use crate::config::BrokerConfig;
use crate::coordinator::{GroupCoordinator, TransactionCoordinator};
use crate::metadata::MetadataImage;
use crate::replica::{Partition, ReplicaManager, TopicPartition};
pub use cleaner::{CleanerStatus, LogCleaner};
pub use delayed_fetch::{divergence, failure, is_of_earlier_life};
pub use fetch_session::FetchSessions;
pub use forwarding::Forwarding;
pub use isr::AlterPartitionManager;
pub use producer_ids::ProducerIds;
pub use purgatory::{
    Answered, DelayedDeleteRecords, DelayedFetch, DelayedProduce, FetchContext, Purgatory, Undeleted, Unsafe,
};
pub use txn_markers::Markers;
pub use txn_verification::{Refusals, Standing, Supports, Verifications, Verified};

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

/// The services of a broker that do something by time.
#[derive(Clone, Copy, Debug)]
enum Service {
    Replicas,
    Cleaner,
    Isr,
    Purgatory,
    Groups,
    Transactions,
    Markers,
    Verifications,
}

/// A broker's half of a node. A controller that is no broker has one as well: of it, only the image is in use.
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
    /// Compacts their logs.
    pub cleaner: LogCleaner,
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
    /// The transactions that this broker coordinates.
    pub transactions: TransactionCoordinator,
    /// Transaction markers under way.
    pub markers: Markers,
    /// Requests of transactions that the coordinator is asked about.
    pub verifications: Verifications,
    /// Counts of what was served.
    pub stats: BrokerStats,
    /// Why the disk takes nothing, if it does not.
    pub disk_error: Option<DiskError>,
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
            cleaner: LogCleaner::default(),
            sessions: FetchSessions::new(config.fetch_session_slots),
            purgatory: Purgatory::default(),
            isr: AlterPartitionManager::default(),
            forwarding: Forwarding::default(),
            producer_ids: ProducerIds::default(),
            groups: GroupCoordinator::default(),
            transactions: TransactionCoordinator::default(),
            markers: Markers::default(),
            verifications: Verifications::default(),
            stats: BrokerStats::default(),
            disk_error: None,
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

    /// The connections whose requests wait for something.
    pub fn owed(&self) -> impl Iterator<Item = ConnectionId> {
        let coordinators = self.groups.owed().chain(self.transactions.owed());
        let transactions = self.markers.owed().chain(self.verifications.owed());
        self.purgatory.owed().chain(self.forwarding.owed()).chain(coordinators).chain(transactions)
    }

    /// What must always be true.
    pub fn invariants(&self) -> Result<(), String> {
        self.replicas.invariants()?;
        self.groups.invariants()?;
        self.transactions.invariants()
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

    /// The logs are loaded: from here on they are looked after.
    pub fn start_timers(&mut self, cx: &Context<'_>) {
        self.replicas.start_timers(cx, &self.config);
        self.isr.start_timers(cx, &self.config);
        if self.config.log_cleaner_enable {
            self.cleaner.start_timers(cx);
        }
    }

    /// Which service has the earliest timer, and when that goes off.
    fn next_service(&self) -> Option<(Instant, Service)> {
        let services = [
            (self.replicas.next_timeout(), Service::Replicas),
            (self.cleaner.next_timeout(), Service::Cleaner),
            (self.isr.next_timeout(), Service::Isr),
            (self.purgatory.next_timeout(), Service::Purgatory),
            (self.groups.next_timeout(), Service::Groups),
            (self.transactions.next_timeout(), Service::Transactions),
            (self.markers.next_timeout(), Service::Markers),
            (self.verifications.next_timeout(), Service::Verifications),
        ];
        services.into_iter().filter_map(|(at, service)| Some((at?, service))).min_by_key(|(at, _)| *at)
    }

    /// When [`poll`](Self::poll) next has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.next_service().map(|(at, _)| at)
    }

    /// Does what time brings, up to the next answer that follows from it. Timers go off in the order of their times,
    /// also where several are late: a node that stood still does what it missed in the order in which it would have
    /// done it. At the same instant logs go before requests, so that a request sees what they have become.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Option<Answered> {
        while let Some((_, service)) = self.next_service().filter(|(at, _)| *at <= cx.now) {
            match service {
                Service::Replicas => self.replicas.poll(cx, &self.config, &self.image),
                Service::Cleaner => self.poll_cleaner(cx),
                Service::Isr => self.shrink_isrs(cx),
                Service::Purgatory => {
                    let answered = self.expire_next(cx);
                    if answered.is_some() {
                        return answered;
                    }
                }
                Service::Groups => self.poll_groups(cx),
                Service::Transactions => self.poll_transactions(cx),
                Service::Markers => self.look_at_markers(cx.now),
                Service::Verifications => self.ask_again(cx.now),
            }
        }
        None
    }
}
