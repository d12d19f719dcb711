//! What a line of the trace is to somebody who reads it: its kind, and how often such lines come.

use blumfeld_kernel::TraceEvent;
use blumfeld_view::{EventKind, Mark};

/// How often events of a sort come. What comes rarely must not be lost among what comes often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Often {
    /// Twice a second from a cluster that does nothing: no news.
    Idle,
    /// With every batch or commit.
    Frequent,
    /// When something about the cluster changes.
    Rare,
}

/// What a line is on the time line; nothing for most.
pub(crate) fn mark_of(event: &TraceEvent) -> Option<Mark> {
    use TraceEvent as E;
    match event {
        E::LeaderElected { partition, .. } if partition.starts_with("__") => None,
        E::LeaderElected { .. } | E::ControllerElected { .. } => Some(Mark::Election),
        E::IsrChanged { partition, .. } if !partition.starts_with("__") => Some(Mark::Isr),
        E::GroupRebalancing { .. } => Some(Mark::Rebalance),
        E::RequestRejected { .. } | E::DiskFailed { .. } => Some(Mark::Error),
        E::FaultInjected { .. } => Some(Mark::Fault),
        _ => None,
    }
}

/// The partition of the metadata. The controller appends to it twice a second, be it that nothing has changed.
const METADATA: &str = "__cluster_metadata-0";

/// The kind of an event, and how often its sort comes.
pub(crate) fn sort_of(event: &TraceEvent) -> (EventKind, Often) {
    use EventKind::{Fault, Groups, Log, Metadata, Network, Quorum, Replication};
    use Often::{Frequent, Idle, Rare};
    use TraceEvent as E;
    match event {
        E::Appended { partition, .. } if &**partition == METADATA => (Log, Idle),
        E::Appended { .. } | E::DuplicateBatch { .. } | E::HighWatermarkAdvanced { .. } => (Log, Frequent),
        E::SegmentRolled { .. }
        | E::SegmentsDeleted { .. }
        | E::LogStartAdvanced { .. }
        | E::LogRecovered { .. }
        | E::LogSetAside { .. } => (Log, Rare),
        E::LeaderElected { .. }
        | E::BecameLeader { .. }
        | E::BecameFollower { .. }
        | E::IsrChanged { .. }
        | E::LogTruncated { .. }
        | E::ReplicasAssigned { .. } => (Replication, Rare),
        E::ControllerElected { .. }
        | E::ControllerResigned { .. }
        | E::QuorumFollower { .. }
        | E::QuorumProspective { .. }
        | E::QuorumCandidate { .. }
        | E::VoteGranted { .. }
        | E::QuorumLeader { .. }
        | E::SnapshotWritten { .. } => (Quorum, Rare),
        E::BrokerStarted { .. }
        | E::BrokerRegistered { .. }
        | E::RegistrationRefused { .. }
        | E::BrokerFenced { .. }
        | E::BrokerUnfenced { .. }
        | E::BrokerShuttingDown { .. }
        | E::BrokerUnregistered { .. }
        | E::BrokerAdded { .. }
        | E::BrokerRemoved { .. }
        | E::TopicCreated { .. }
        | E::TopicDeleted { .. }
        | E::PartitionsAdded { .. }
        | E::ConfigAltered { .. } => (Metadata, Rare),
        E::OffsetsCommitted { .. } => (Groups, Frequent),
        E::CoordinatorLoaded { .. }
        | E::CoordinatorUnloaded { .. }
        | E::TransactionStateChanged { .. }
        | E::TransactionTimedOut { .. }
        | E::TransactionsLoaded { .. }
        | E::TransactionsUnloaded { .. }
        | E::GroupRecordSkipped { .. }
        | E::GroupRebalancing { .. }
        | E::GroupStateChanged { .. }
        | E::GroupMemberJoined { .. }
        | E::GroupStaticMemberReplaced { .. }
        | E::GroupMemberLeft { .. }
        | E::GroupMemberRejoined { .. }
        | E::GroupAssigned { .. }
        | E::GroupLoaded { .. }
        | E::GroupOffsetsExpired { .. } => (Groups, Rare),
        E::RequestRejected { .. } | E::OutsideConnected { .. } | E::OutsideDisconnected { .. } => {
            (Network, Rare)
        }
        E::DiskFailed { .. } | E::FaultInjected { .. } => (Fault, Rare),
        // With every request, for all that is known.
        E::TriggerFired { .. } => (Fault, Frequent),
    }
}
