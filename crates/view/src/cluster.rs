//! The state that is drawn.

use serde::{Deserialize, Serialize};

use crate::TimelineView;
use crate::{
    AbortedTransactionView, CleanerView, ClientView, Durability, OpenTransactionView, Pace, RebalancesView,
    TransactionView,
};

/// The clock and what drives it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClockView {
    /// Virtual now, in microseconds since the world began.
    pub now: u64,
    /// Wall clock of the machines at that moment, in milliseconds since 1970-01-01 UTC.
    pub unix_ms: f64,
    /// The pace asked for.
    pub pace: Pace,
    /// The pace reached over the last second, in virtual seconds a second; less than asked when the machine is too
    /// slow.
    pub reached: f64,
    /// Events handled since the world began.
    pub events: u64,
    /// The pace at which it goes on after a pause.
    #[serde(default = "usual")]
    pub resumes: Pace,
    /// The speed that was asked for last, in times the wall clock.
    #[serde(default = "usual_speed")]
    pub speed: f64,
    /// Conditions that are waited for.
    #[serde(default)]
    pub waits: Vec<WaitView>,
    /// What happens next, while time stands still.
    #[serde(default)]
    pub next: Option<NextView>,
}

fn usual() -> Pace {
    Pace::Times(1.0)
}

fn usual_speed() -> f64 {
    1.0
}

impl ClockView {
    /// A clock at this moment and pace, from which nothing else is known.
    pub fn at(now: u64, pace: Pace) -> ClockView {
        ClockView {
            now,
            unix_ms: 0.0,
            pace,
            reached: 1.0,
            events: 0,
            resumes: usual(),
            speed: usual_speed(),
            waits: Vec::new(),
            next: None,
        }
    }
}

/// An event that is to come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextView {
    /// When, in virtual microseconds.
    pub at: u64,
    /// What.
    pub what: NextKind,
    /// The node that it happens at.
    pub node: i32,
}

/// What an event is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum NextKind {
    /// A request or an answer arrives.
    Arrives {
        /// The API as Kafka names it.
        api: String,
        /// Whether it is the answer.
        answer: bool,
        /// The node that sent it.
        from: i32,
    },
    /// A connection is made, or ends, or what was lost on one is sent again.
    Connection,
    /// A timer goes off.
    Timer,
    /// An operation of the disk is done, or the system writes its page cache back.
    Disk,
    /// A process starts, goes on, or gets what was typed.
    Process,
}

/// A condition that is waited for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitView {
    /// The command of the console that waits.
    pub id: u32,
    /// The condition.
    pub condition: String,
    /// What keeps it from being so: `isr("orders", 0) is [1, 2, 3]`.
    pub kept: Vec<String>,
    /// Topics that it names and that there are not.
    pub missing: Vec<String>,
}

/// A topic.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicView {
    /// Its name.
    pub name: String,
    /// Its id, as Kafka writes it: 22 characters of base64.
    pub id: String,
    /// Whether Kafka itself made it.
    pub internal: bool,
    /// Replicas of each partition.
    pub replication_factor: u32,
    /// Configs that were set on the topic, by name.
    pub configs: Vec<(String, String)>,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionView>,
}

/// A partition as its leader sees it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionView {
    /// Its number.
    pub partition: i32,
    /// The leader's `node.id`, -1 if it has none.
    pub leader: i32,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// Replicas by `node.id`, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Those in sync.
    pub isr: Vec<i32>,
    /// Those out of sync that have everything up to the high watermark (eligible leader replicas).
    pub elr: Vec<i32>,
    /// Each replica as its own broker knows it, in the order of `replicas`.
    pub copies: Vec<ReplicaView>,
    /// First offset that can be read.
    pub log_start: i64,
    /// High watermark: consumers read up to here.
    pub high_watermark: i64,
    /// Last stable offset: consumers that want committed transactions alone read up to here.
    pub last_stable: i64,
    /// Log end offset: the next record gets this one.
    pub log_end: i64,
    /// First offset that a power cut could take away.
    pub durable_offset: i64,
    /// Bytes of all segments' batches.
    pub size: u64,
    /// Its segments, oldest first; the last is the active one.
    pub segments: Vec<SegmentView>,
    /// Transactions that are open in it, by their first offsets.
    pub open_transactions: Vec<OpenTransactionView>,
    /// The last transactions in it that were aborted, in the order of their markers.
    pub aborted_transactions: Vec<AbortedTransactionView>,
}

/// A replica as its own broker knows it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaView {
    /// Its broker's `node.id`.
    pub broker: i32,
    /// Whether its broker's process runs and has loaded it.
    pub online: bool,
    /// Log end offset; -1 if it is not online.
    pub log_end: i64,
    /// The high watermark that it knows of; -1 if it is not online.
    pub high_watermark: i64,
    /// Up to where its broker has cleaned it; -1 if it never has.
    pub cleaned_to: i64,
}

/// A segment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentView {
    /// Its name: the offset it was made for.
    pub base_offset: i64,
    /// The offset after its last record.
    pub next_offset: i64,
    /// Bytes of its `.log`.
    pub size: u64,
    /// Bytes of its `.log` that a power cut leaves.
    pub durable: u64,
    /// Bytes of its `.log` in the page cache: read without the disk.
    pub cached: u64,
    /// First offset of it that a power cut could take away.
    pub durable_offset: i64,
    /// Entries of its `.index`.
    pub index_entries: u32,
    /// Entries of its `.timeindex`.
    pub time_index_entries: u32,
    /// Largest timestamp in it, milliseconds since 1970-01-01 UTC; -1 if it is empty.
    pub max_timestamp: f64,
}

/// A broker.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerView {
    /// Its `node.id`.
    pub id: i32,
    /// Where clients find it: `localhost:9092`.
    pub address: String,
    /// Whether its process runs.
    pub up: bool,
    /// Where it is in its life: `starting`, `recovery`, `running`, `fenced`, `paused`, `shutting-down`, `crashed`.
    pub state: String,
    /// Its part in the metadata quorum: `leader`, `voter` or `observer`.
    pub quorum: String,
    /// `broker.rack`; empty for none.
    pub rack: String,
    /// Whether it leads the metadata quorum.
    pub controller: bool,
    /// Epoch of the metadata quorum.
    pub controller_epoch: i32,
    /// Connections that stand.
    pub connections: u32,
    /// Bytes of its page cache that are not yet durable.
    pub dirty_bytes: u64,
    /// Bytes in its page cache.
    pub cached_bytes: u64,
    /// Bytes that its page cache may hold.
    pub cache_size: u64,
    /// Reads that found all their bytes in the page cache.
    pub cache_hits: u64,
    /// Reads that waited for the disk.
    pub cache_misses: u64,
    /// Bytes that the disk read for them.
    pub cache_bytes_read: u64,
    /// Bytes of all its files.
    pub disk_bytes: u64,
    /// Requests answered since it started.
    pub requests: u64,
    /// Records appended since it started.
    pub records_in: u64,
    /// Records handed to consumers since it started.
    pub records_out: u64,
    /// Its log cleaner.
    pub cleaner: CleanerView,
}

/// A consumer group as its coordinator knows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupView {
    /// `group.id`.
    pub id: String,
    /// Its state, as Kafka names it: `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable`, `Dead`.
    pub state: String,
    /// Its generation: one more with every rebalance.
    pub generation: i32,
    /// The assignor that its members agreed on; empty for none.
    pub protocol: String,
    /// The broker that coordinates it.
    pub coordinator: i32,
    /// Its members by their ids.
    pub members: Vec<GroupMemberView>,
    /// Partitions with a committed offset or an owner, by topic and number.
    pub offsets: Vec<GroupOffsetView>,
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupMemberView {
    /// Its member id.
    pub id: String,
    /// `client.id`.
    pub client_id: String,
    /// `group.instance.id`; empty for a dynamic member.
    pub instance: String,
    /// Where it connected from.
    pub host: String,
    /// Whether it computes the assignment.
    pub leader: bool,
    /// Whether it has joined the rebalance under way, and waits for the others.
    pub joined: bool,
    /// Partitions assigned to it: topic and number.
    pub partitions: Vec<(String, i32)>,
}

/// A partition that a group reads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupOffsetView {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// The offset that the group goes on at; -1 if it has committed none.
    pub committed: i64,
    /// The partition's high watermark; -1 if it is not known.
    pub high_watermark: i64,
    /// The member that it is assigned to; empty for none.
    pub owner: String,
}

/// The browser's storage.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreView {
    /// When acknowledgements may leave.
    pub durability: Durability,
    /// Bytes that the storage does not have yet.
    pub pending_bytes: u64,
    /// Bytes that it has.
    pub stored_bytes: u64,
    /// Commits since the page opened.
    pub commits: u64,
    /// What went wrong last, if it still does.
    pub error: Option<String>,
    /// Whether this tab writes: false once another has taken over.
    pub writer: bool,
}

/// What an event is, for its mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// Records, high watermarks, segments.
    Log,
    /// Leaders of partitions, followers, ISRs.
    Replication,
    /// The metadata quorum and its active controller.
    Quorum,
    /// Topics, configs, brokers.
    Metadata,
    /// Consumer groups: coordinators, members, rebalances, commits.
    Groups,
    /// Connections and requests.
    Network,
    /// Broken things.
    Fault,
}

/// A line of the event log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// When, in virtual microseconds.
    pub at: u64,
    /// What it is.
    pub kind: EventKind,
    /// Whether such events come with every batch or commit. Few of them are kept, and none in the place of a rare one.
    #[serde(default)]
    pub frequent: bool,
    /// Who says so: `broker-1`.
    pub node: String,
    /// The sentence, in English; names and numbers as Kafka writes them.
    pub text: String,
    /// The same in Korean.
    #[serde(default)]
    pub korean: String,
    /// What it is on the time line, if it stands there.
    #[serde(default)]
    pub mark: Option<Mark>,
}

/// What a mark on the time line is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// A leader or an active controller was elected.
    Election,
    /// An ISR changed.
    Isr,
    /// A group began to rebalance.
    Rebalance,
    /// A request was refused, or a disk failed.
    Error,
    /// Somebody broke or mended something.
    Fault,
}

/// How long requests were under way, from when they were sent until their answer had come: totals since the cluster
/// began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LatencyView {
    /// Kafka's name of the API.
    pub api: String,
    /// Whether clients asked, and not brokers.
    pub of_client: bool,
    /// Requests that were answered.
    pub answers: u64,
    /// What they took together, in virtual microseconds.
    pub micros: u64,
}

/// The whole of what is drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterView {
    /// The clock.
    pub clock: ClockView,
    /// Brokers by id.
    pub brokers: Vec<BrokerView>,
    /// Topics by name.
    pub topics: Vec<TopicView>,
    /// Consumer groups by id.
    #[serde(default)]
    pub groups: Vec<GroupView>,
    /// Transactional ids, by id.
    #[serde(default)]
    pub transactions: Vec<TransactionView>,
    /// The last rebalances of groups, by group id.
    #[serde(default)]
    pub rebalances: Vec<RebalancesView>,
    /// Producers and consumers that run, by their processes' numbers.
    #[serde(default)]
    pub clients: Vec<ClientView>,
    /// Faults in force, each as the console writes it: `cut 1 3`.
    pub faults: Vec<String>,
    /// How long requests took, by API.
    #[serde(default)]
    pub latencies: Vec<LatencyView>,
    /// The browser's storage.
    pub store: StoreView,
    /// How far back one can go, and the branches.
    #[serde(default)]
    pub timeline: TimelineView,
}

/// What changed since the last [`Delta`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// The clock, always.
    pub clock: ClockView,
    /// Brokers, all of them, if one changed.
    pub brokers: Option<Vec<BrokerView>>,
    /// Faults in force, all of them, if that changed.
    pub faults: Option<Vec<String>>,
    /// Topics that are new or changed.
    pub topics: Vec<TopicView>,
    /// Names of topics that are gone.
    pub gone: Vec<String>,
    /// Consumer groups, all of them, if one changed.
    #[serde(default)]
    pub groups: Option<Vec<GroupView>>,
    /// Transactional ids, all of them, if one changed.
    #[serde(default)]
    pub transactions: Option<Vec<TransactionView>>,
    /// Groups that have rebalanced, each with all of its last rebalances.
    #[serde(default)]
    pub rebalances: Vec<RebalancesView>,
    /// Producers and consumers that are new or changed.
    #[serde(default)]
    pub clients: Vec<ClientView>,
    /// Numbers of those that are gone.
    #[serde(default)]
    pub clients_gone: Vec<i32>,
    /// How long requests took, by API, if there were any.
    #[serde(default)]
    pub latencies: Option<Vec<LatencyView>>,
    /// The browser's storage, if it changed.
    pub store: Option<StoreView>,
    /// How the time line stands, if that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<TimelineView>,
    /// Events since, oldest first: all the rare ones up to a bound, and the newest of the frequent ones.
    pub events: Vec<EventView>,
    /// Events since that are not in `events`, because there were too many.
    pub events_left_out: u64,
}

impl ClusterView {
    /// What leads from `before` to this view.
    pub fn delta_from(&self, before: &ClusterView, events: Vec<EventView>, events_left_out: u64) -> Delta {
        let same = |topic: &&TopicView| before.topics.contains(topic);
        Delta {
            clock: self.clock.clone(),
            brokers: (self.brokers != before.brokers).then(|| self.brokers.clone()),
            faults: (self.faults != before.faults).then(|| self.faults.clone()),
            topics: self.topics.iter().filter(|topic| !same(topic)).cloned().collect(),
            gone: (before.topics.iter())
                .filter(|was| !self.topics.iter().any(|topic| topic.name == was.name))
                .map(|was| was.name.clone())
                .collect(),
            groups: (self.groups != before.groups).then(|| self.groups.clone()),
            transactions: (self.transactions != before.transactions).then(|| self.transactions.clone()),
            rebalances: (self.rebalances.iter())
                .filter(|now| !before.rebalances.contains(now))
                .cloned()
                .collect(),
            clients: self.clients.iter().filter(|client| !before.clients.contains(client)).cloned().collect(),
            clients_gone: (before.clients.iter())
                .filter(|was| !self.clients.iter().any(|client| client.id == was.id))
                .map(|was| was.id)
                .collect(),
            latencies: (self.latencies != before.latencies).then(|| self.latencies.clone()),
            store: (self.store != before.store).then(|| self.store.clone()),
            timeline: (self.timeline != before.timeline).then(|| self.timeline.clone()),
            events,
            events_left_out,
        }
    }
}
