//! The trace: one line where a fact became true, in the past tense, ids only. It is never read back by a node.

use std::fmt;
use std::sync::Arc;

use crate::{LeaveCause, NodeId, Owners, RebalanceCause};

/// Why a connection ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DisconnectReason {
    /// The side that opened it was done.
    Closed,
    /// Nobody listens at that endpoint.
    Refused,
    /// The other side's process or machine went down.
    PeerDown,
    /// The link between the two is cut.
    Unreachable,
    /// The frame could not be understood; the text names what was wrong.
    Malformed(Arc<str>),
    /// The client went away in the middle of a request: what it had sent was no whole one, and need not be wrong.
    Halfway {
        /// Bytes of the request that had come, or of its length.
        came: u64,
        /// Bytes that the request has, without its length; none while its length was not whole.
        of: Option<u64>,
    },
    /// An answer did not come in time.
    RequestTimedOut,
    /// Nothing came or went on it for longer than the broker allows (`connections.max.idle.ms`).
    Idle,
    /// The network reset it: what was under way on it is lost.
    Reset,
    /// The cluster went on from an earlier moment, to which a client outside cannot be taken back.
    Rewound,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Refused => f.write_str("refused"),
            Self::PeerDown => f.write_str("peer down"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::Malformed(what) => write!(f, "malformed frame: {what}"),
            Self::Halfway { came, of: Some(of) } => {
                write!(
                    f,
                    "the client went away in the middle of a request of {of} bytes, of which {came} had come"
                )
            }
            Self::Halfway { came, of: None } => {
                write!(
                    f,
                    "the client went away in the middle of a request's length, of which {came} bytes had come"
                )
            }
            Self::RequestTimedOut => f.write_str("request timed out"),
            Self::Idle => f.write_str("idle for too long"),
            Self::Reset => f.write_str("connection reset"),
            Self::Rewound => f.write_str("the cluster was taken back to an earlier moment"),
        }
    }
}

/// Something that became true at a node, or at the world around them. Sent, delivered, flushed and crashed are not
/// here: the world sees these itself.
///
/// A new one goes to the end: its place is part of every digest.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the fields are the ids that the line names; Display gives the sentence")]
pub enum TraceEvent {
    /// The node has recovered its logs and serves.
    BrokerStarted { clean: bool },
    /// The node became leader of the metadata quorum.
    ControllerElected { epoch: i32 },
    /// The node leads the metadata quorum no more.
    ControllerResigned { epoch: i32 },
    /// The node follows a leader of the metadata quorum.
    QuorumFollower { leader: i32, epoch: i32 },
    /// The node asks whether it would be elected.
    QuorumProspective { epoch: i32 },
    /// The node asks for votes.
    QuorumCandidate { epoch: i32 },
    /// The node gave a candidate its vote.
    VoteGranted { candidate: i32, epoch: i32 },
    /// The node was elected leader of the metadata quorum.
    QuorumLeader { epoch: i32 },
    /// A snapshot of the metadata stands.
    SnapshotWritten { end_offset: i64 },
    /// The controller has taken the node's registration.
    BrokerRegistered { epoch: i64 },
    /// The controller has refused the node's registration.
    RegistrationRefused { error: &'static str },
    /// A broker may not lead any more.
    BrokerFenced { broker: i32 },
    /// A broker may lead.
    BrokerUnfenced { broker: i32 },
    /// A broker is going in order.
    BrokerShuttingDown { broker: i32 },
    /// A broker is gone for good.
    BrokerUnregistered { broker: i32 },
    /// The controller has given a partition another leader; -1 is none.
    LeaderElected { partition: Arc<str>, leader: i32, epoch: i32, isr: Arc<[i32]>, unclean: bool },
    /// A partition has other replicas.
    ReplicasAssigned { partition: Arc<str>, replicas: Arc<[i32]> },
    /// The node follows a partition's leader; -1 is none.
    BecameFollower { partition: Arc<str>, leader: i32, epoch: i32 },
    /// The ISR of a partition that the node leads has changed.
    IsrChanged { partition: Arc<str>, from: Arc<[i32]>, to: Arc<[i32]> },
    /// Records that the leader does not have were cut off.
    LogTruncated { partition: Arc<str>, from: i64, to: i64 },
    /// A topic stands in the metadata.
    TopicCreated { topic: Arc<str>, partitions: i32 },
    /// A topic is gone from the metadata.
    TopicDeleted { topic: Arc<str> },
    /// A topic has more partitions.
    PartitionsAdded { topic: Arc<str>, partitions: i32 },
    /// A configuration changed.
    ConfigAltered { resource: Arc<str>, name: Arc<str> },
    /// The node leads a partition.
    BecameLeader { partition: Arc<str>, epoch: i32, isr: Arc<[i32]> },
    /// Records stand in a log.
    Appended { partition: Arc<str>, base_offset: i64, last_offset: i64, bytes: u32 },
    /// An idempotent producer sent a batch again that stands in the log.
    DuplicateBatch {
        partition: Arc<str>,
        producer_id: i64,
        base_sequence: i32,
        last_sequence: i32,
        base_offset: i64,
    },
    /// The high watermark moved.
    HighWatermarkAdvanced { partition: Arc<str>, from: i64, to: i64 },
    /// The active segment was closed and a new one begun.
    SegmentRolled { partition: Arc<str>, base_offset: i64 },
    /// Segments were deleted.
    SegmentsDeleted { partition: Arc<str>, count: u32, log_start: i64 },
    /// The log start moved.
    LogStartAdvanced { partition: Arc<str>, to: i64 },
    /// A log was opened; what recovery found.
    LogRecovered { partition: Arc<str>, clean: bool, scanned: u64, truncated: u64, log_end: i64 },
    /// The node coordinates the groups of a partition of `__consumer_offsets`.
    CoordinatorLoaded { partition: Arc<str>, groups: u32, offsets: u32 },
    /// The node coordinates them no more.
    CoordinatorUnloaded { partition: Arc<str>, groups: u32 },
    /// A record of groups could not be read and is passed over.
    GroupRecordSkipped { partition: Arc<str>, offset: i64, reason: Arc<str> },
    /// A group's members have to join again.
    GroupRebalancing { group: Arc<str>, generation: i32, cause: RebalanceCause, reason: Arc<str> },
    /// A group is in another state.
    GroupStateChanged { group: Arc<str>, from: &'static str, to: &'static str, generation: i32, members: u32 },
    /// A member is in a group.
    GroupMemberJoined { group: Arc<str>, member: Arc<str>, instance: Option<Arc<str>> },
    /// A static member has come back under a new id.
    GroupStaticMemberReplaced { group: Arc<str>, instance: Arc<str>, old: Arc<str>, new: Arc<str> },
    /// A member is in a group no more.
    GroupMemberLeft { group: Arc<str>, member: Arc<str>, cause: LeaveCause },
    /// A group has read its partitions up to these offsets.
    OffsetsCommitted { group: Arc<str>, offsets: Arc<[(Arc<str>, i64)]> },
    /// Offsets of a group were too old; it may have gone with them.
    GroupOffsetsExpired { group: Arc<str>, offsets: u32, gone: bool },
    /// A request could not be understood, or asks for what is not there.
    RequestRejected { api_key: i16, version: i16, reason: Arc<str> },
    /// The disk failed an operation.
    DiskFailed { reason: Arc<str> },
    /// Somebody broke or mended something; the text is the fault's own.
    FaultInjected { fault: Arc<str> },
    /// A trigger had a request; the texts are the trigger's line and the request in words.
    TriggerFired { trigger: Arc<str>, request: Arc<str> },
    /// A machine with a broker and an empty disk came to the cluster.
    BrokerAdded { broker: i32, address: Arc<str> },
    /// A machine was taken away, with its disk.
    BrokerRemoved { broker: i32 },
    /// A client outside the world has a connection.
    OutsideConnected { name: Arc<str>, listener: Arc<str> },
    /// The connection of a client outside the world is gone.
    OutsideDisconnected { name: Arc<str>, reason: Arc<str> },
    /// A directory belongs to no replica of the node, and has another name from now on.
    LogSetAside { directory: Arc<str>, to: Arc<str>, why: Arc<str> },
    /// A member of a group has joined again, and waits for the others.
    GroupMemberRejoined { group: Arc<str>, member: Arc<str> },
    /// The members of a group are told what they own from now on; the protocol is an assignor's name.
    GroupAssigned { group: Arc<str>, generation: i32, protocol: Arc<str>, owners: Owners },
    /// A transactional id is in another state, or its producer has another epoch.
    TransactionStateChanged {
        id: Arc<str>,
        producer_id: i64,
        epoch: i16,
        from: &'static str,
        to: &'static str,
        partitions: u32,
    },
    /// A transaction was open for longer than its producer wanted: it is aborted.
    TransactionTimedOut { id: Arc<str> },
    /// A broker coordinates the transactions of a partition of `__transaction_state` from now on.
    TransactionsLoaded { partition: Arc<str>, transactions: u32 },
    /// It does so no more.
    TransactionsUnloaded { partition: Arc<str>, transactions: u32 },
    /// The node coordinates a group from now on, which stands as it was stored.
    GroupLoaded { group: Arc<str>, generation: i32, members: u32, protocol: Arc<str>, owners: Owners },
    /// The cleaner has begun to compact a log, of which these offsets are dirty.
    LogCleaningStarted { partition: Arc<str>, from: i64, to: i64 },
    /// The cleaner has compacted a log up to an offset; in bytes, and in records.
    LogCleaned { partition: Arc<str>, from: i64, to: i64, read: u64, written: u64, kept: u64, removed: u64 },
    /// The cleaner has given up before the end.
    LogCleaningStopped { partition: Arc<str>, reason: Arc<str> },
}

impl fmt::Display for TraceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokerStarted { clean: true } => f.write_str("started after a clean shutdown"),
            Self::BrokerStarted { clean: false } => f.write_str("started"),
            Self::ControllerElected { epoch } => write!(f, "became active controller in epoch {epoch}"),
            Self::ControllerResigned { epoch } => {
                write!(f, "resigned as leader of the quorum in epoch {epoch}")
            }
            Self::QuorumFollower { leader, epoch } => {
                write!(f, "follows broker-{leader} in the quorum in epoch {epoch}")
            }
            Self::QuorumProspective { epoch } => write!(f, "asks for pre-votes in epoch {epoch}"),
            Self::QuorumCandidate { epoch } => write!(f, "asks for votes in epoch {epoch}"),
            Self::VoteGranted { candidate, epoch } => {
                write!(f, "granted its vote to broker-{candidate} in epoch {epoch}")
            }
            Self::QuorumLeader { epoch } => write!(f, "was elected leader of the quorum in epoch {epoch}"),
            Self::SnapshotWritten { end_offset } => {
                write!(f, "wrote a snapshot of the metadata up to {end_offset}")
            }
            Self::BrokerRegistered { epoch } => write!(f, "registered with broker epoch {epoch}"),
            Self::RegistrationRefused { error } => write!(f, "was refused registration: {error}"),
            Self::BrokerFenced { broker } => write!(f, "fenced broker-{broker}"),
            Self::BrokerUnfenced { broker } => write!(f, "unfenced broker-{broker}"),
            Self::BrokerShuttingDown { broker } => {
                write!(f, "began the controlled shutdown of broker-{broker}")
            }
            Self::BrokerUnregistered { broker } => write!(f, "unregistered broker-{broker}"),
            Self::LeaderElected { partition, leader: -1, epoch, .. } => {
                write!(f, "left {partition} without a leader in epoch {epoch}")
            }
            Self::LeaderElected { partition, leader, epoch, isr, unclean } => {
                let how = if *unclean { "uncleanly " } else { "" };
                write!(f, "{how}elected broker-{leader} leader of {partition} in epoch {epoch}, ISR {isr:?}")
            }
            Self::ReplicasAssigned { partition, replicas } => {
                write!(f, "assigned replicas {replicas:?} to {partition}")
            }
            Self::BecameFollower { partition, leader: -1, epoch } => {
                write!(f, "waits for a leader of {partition} in epoch {epoch}")
            }
            Self::BecameFollower { partition, leader, epoch } => {
                write!(f, "became follower of broker-{leader} for {partition} in epoch {epoch}")
            }
            Self::IsrChanged { partition, from, to } => {
                let how = if to.len() < from.len() { "shrank" } else { "expanded" };
                write!(f, "{how} ISR of {partition} from {from:?} to {to:?}")
            }
            Self::LogTruncated { partition, from, to } => {
                write!(f, "truncated {partition} from {from} to {to}")
            }
            Self::TopicCreated { topic, partitions } => {
                write!(f, "created topic {topic} with {partitions} partitions")
            }
            Self::TopicDeleted { topic } => write!(f, "deleted topic {topic}"),
            Self::PartitionsAdded { topic, partitions } => {
                write!(f, "extended topic {topic} to {partitions} partitions")
            }
            Self::ConfigAltered { resource, name } => write!(f, "altered {name} of {resource}"),
            Self::BecameLeader { partition, epoch, isr } => {
                write!(f, "became leader of {partition} in epoch {epoch}, ISR {isr:?}")
            }
            Self::Appended { partition, base_offset, last_offset, bytes } => {
                write!(f, "appended {base_offset}..{last_offset} to {partition}, {bytes} B")
            }
            Self::DuplicateBatch { partition, producer_id, base_sequence, last_sequence, base_offset } => {
                write!(
                    f,
                    "recognised sequence {base_sequence}..{last_sequence} of producer {producer_id} in {partition}: it \
                     stands at offset {base_offset}"
                )
            }
            Self::HighWatermarkAdvanced { partition, from, to } => {
                write!(f, "advanced high watermark of {partition} from {from} to {to}")
            }
            Self::SegmentRolled { partition, base_offset } => {
                write!(f, "rolled {partition} at {base_offset}")
            }
            Self::SegmentsDeleted { partition, count, log_start } => {
                write!(f, "deleted {count} segments of {partition}, log start {log_start}")
            }
            Self::LogStartAdvanced { partition, to } => write!(f, "moved log start of {partition} to {to}"),
            Self::LogRecovered { partition, clean: true, log_end, .. } => {
                write!(f, "loaded {partition}, log end {log_end}")
            }
            Self::LogRecovered { partition, clean: false, scanned, truncated, log_end } => {
                write!(f, "recovered {partition}: scanned {scanned} B, cut {truncated} B, log end {log_end}")
            }
            Self::LogCleaningStarted { partition, from, to } => {
                write!(f, "began to clean {partition} from {from} to {to}")
            }
            Self::LogCleaned { partition, from, to, read, written, kept, removed } => {
                write!(
                    f,
                    "cleaned {partition} from {from} to {to}: read {read} B, wrote {written} B, kept {kept} records, \
                     removed {removed}"
                )
            }
            Self::LogCleaningStopped { partition, reason } => {
                write!(f, "stopped cleaning {partition}: {reason}")
            }
            Self::LogSetAside { directory, to, why } => write!(f, "set {directory} aside as {to}: {why}"),
            Self::CoordinatorLoaded { partition, groups, offsets } => {
                write!(f, "loaded {groups} groups and {offsets} offsets from {partition}")
            }
            Self::CoordinatorUnloaded { partition, groups } => {
                write!(f, "unloaded {groups} groups of {partition}")
            }
            Self::GroupRecordSkipped { partition, offset, reason } => {
                write!(f, "skipped the record at {offset} of {partition}: {reason}")
            }
            Self::GroupRebalancing { group, generation, reason, .. } => {
                write!(f, "prepares to rebalance group {group} with old generation {generation}: {reason}")
            }
            Self::GroupStateChanged { group, from, to, generation, members } => {
                write!(
                    f,
                    "moved group {group} from {from} to {to} in generation {generation} with {members} members"
                )
            }
            Self::GroupMemberJoined { group, member, instance: None } => {
                write!(f, "added member {member} to group {group}")
            }
            Self::GroupMemberJoined { group, member, instance: Some(instance) } => {
                write!(f, "added static member {member} with instance id {instance} to group {group}")
            }
            Self::GroupStaticMemberReplaced { group, instance, old, new } => {
                write!(f, "replaced static member {instance} of group {group}: {old} is now {new}")
            }
            Self::GroupMemberLeft { group, member, cause } => {
                write!(f, "removed member {member} from group {group}: {cause}")
            }
            Self::GroupMemberRejoined { group, member } => {
                write!(f, "had member {member} of group {group} join again")
            }
            Self::GroupAssigned { group, generation, protocol, owners } => {
                write!(f, "assigned generation {generation} of group {group} by {protocol}:")?;
                owners.iter().try_for_each(|(member, owned)| write!(f, " {member} {}", owned.len()))
            }
            Self::TransactionStateChanged { id, producer_id, epoch, from, to, partitions } => {
                write!(
                    f,
                    "moved transaction {id} of producer {producer_id} with epoch {epoch} from {from} to {to} with \
                     {partitions} partitions"
                )
            }
            Self::TransactionTimedOut { id } => write!(f, "aborts transaction {id}, which timed out"),
            Self::TransactionsLoaded { partition, transactions } => {
                write!(f, "loaded {transactions} transactional ids from {partition}")
            }
            Self::TransactionsUnloaded { partition, transactions } => {
                write!(f, "unloaded {transactions} transactional ids of {partition}")
            }
            Self::GroupLoaded { group, generation, members, .. } => {
                write!(f, "loaded group {group} in generation {generation} with {members} members")
            }
            Self::OffsetsCommitted { group, offsets } => {
                write!(f, "committed for group {group}:")?;
                offsets.iter().try_for_each(|(partition, offset)| write!(f, " {partition}@{offset}"))
            }
            Self::GroupOffsetsExpired { group, offsets, gone } => {
                let how = if *gone { ", which is gone with them" } else { "" };
                write!(f, "expired {offsets} offsets of group {group}{how}")
            }
            Self::RequestRejected { api_key, version, reason } => {
                write!(f, "rejected request of API key {api_key} version {version}: {reason}")
            }
            Self::DiskFailed { reason } => write!(f, "disk failed: {reason}"),
            Self::FaultInjected { fault } => write!(f, "fault {fault}"),
            Self::TriggerFired { trigger, request } => write!(f, "trigger {trigger}: {request}"),
            Self::BrokerAdded { broker, address } => write!(f, "added broker-{broker} at {address}"),
            Self::BrokerRemoved { broker } => write!(f, "took broker-{broker} away with its disk"),
            Self::OutsideConnected { name, listener } => write!(f, "connected from {name} to {listener}"),
            Self::OutsideDisconnected { name, reason } => write!(f, "disconnected, {name}: {reason}"),
        }
    }
}

impl TraceEvent {
    /// The line with its speaker: `broker-1: rolled orders-0 at 350`.
    pub fn line(&self, node: NodeId) -> String {
        format!("{node}: {self}")
    }
}
