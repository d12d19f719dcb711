//! The group coordinator (org.apache.kafka.coordinator.group.GroupCoordinatorService): members and generations of
//! classic groups, and committed offsets.
//!
//! Offsets change by `replay` alone. Members and generations of classic groups are soft state, as in Kafka: records say
//! what they were when a generation was stored, and loading brings that back.

mod answer;
mod classic;
mod manager;
mod offsets;
mod record;
mod shard;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;

use super::runtime::{self, Runtime};
pub use answer::Answer;
pub use classic::{ClassicGroup, ClassicGroupState, ClassicMember, assigned_partitions};
pub use manager::Join;
pub use offsets::{Committing, Offsets};
pub use record::{GroupMetadataValue, GroupRecord, GroupRecordError, MemberMetadata, OffsetAndMetadata};
pub use shard::{CommitRequest, GroupShard, TransactionalCommit};

/// The groups that a broker coordinates.
pub type GroupCoordinator = Runtime<GroupShard>;
/// What a group's handler has at hand.
pub type Env<'a, 'b> = runtime::Env<'a, 'b, GroupShard>;
/// What the coordinator stands on.
pub type Host<'a> = runtime::Host<'a, GroupShard>;
type After = runtime::After<GroupShard>;
type Write = runtime::Write<GroupShard>;
#[cfg(test)]
type Effects = runtime::Effects<GroupShard>;

/// The topic that groups and their offsets are stored in.
pub const GROUP_METADATA_TOPIC: &str = "__consumer_offsets";

/// What a timer of groups is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum GroupTimer {
    /// A member of a group is heard of in time, or is removed.
    Heartbeat(String, String),
    /// The group's members have joined, or the others go on without them.
    Join(String),
    /// The group's members have synced, or the others go on without them.
    Sync(String),
    /// Offsets are looked at for their age.
    Expiration,
}

/// What a group does once its records are committed, or could not be.
#[derive(Clone, Debug)]
pub enum Stored {
    /// The leader's assignment is stored.
    Synced {
        /// `group.id`.
        group: String,
        /// In which generation.
        generation: i32,
        /// What each member gets.
        assignments: BTreeMap<String, bytes::Bytes>,
    },
    /// A static member has come back with a new id, and nobody else is bothered.
    StaticMember {
        /// To which group.
        group: String,
        /// Its new id.
        member_id: String,
        /// What it was before.
        before: Box<ClassicMember>,
        /// Who led before.
        leader: Option<String>,
    },
    /// A group that is new is stored; it is forgotten if it could not be.
    NewGroup(String),
}

impl GroupCoordinator {
    /// Every group that this broker coordinates, in the order of partitions and ids.
    pub fn groups(&self) -> impl Iterator<Item = &ClassicGroup> {
        self.shards().flat_map(GroupShard::groups)
    }

    /// A group, if this broker coordinates it.
    pub fn group(&self, group_id: &str) -> Option<&ClassicGroup> {
        self.shards().find_map(|shard| shard.group(group_id))
    }

    /// The committed offsets of a group by topic and partition, if this broker coordinates it.
    pub fn offsets(&self, group_id: &str) -> impl Iterator<Item = (&str, i32, &OffsetAndMetadata)> {
        self.shards().flat_map(move |shard| shard.committed().of(group_id))
    }
}

/// The partition of `__consumer_offsets` that a group belongs to (GroupCoordinatorService.partitionFor).
pub fn partition_for(group_id: &str, partitions: i32) -> i32 {
    // java.lang.String.hashCode, of UTF-16.
    let hash =
        group_id.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // Utils.abs gives 0 for the one number that has no absolute value.
    hash.checked_abs().unwrap_or(0) % partitions.max(1)
}

/// What a failed append means to members (appendGroupMetadataErrorToResponseError).
pub fn append_error(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::NOT_ENOUGH_REPLICAS
        | ErrorCode::REQUEST_TIMED_OUT => ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::KAFKA_STORAGE_ERROR => ErrorCode::NOT_COORDINATOR,
        ErrorCode::MESSAGE_TOO_LARGE | ErrorCode::RECORD_LIST_TOO_LARGE | ErrorCode::INVALID_FETCH_SIZE => {
            ErrorCode::UNKNOWN_SERVER_ERROR
        }
        code => code,
    }
}
