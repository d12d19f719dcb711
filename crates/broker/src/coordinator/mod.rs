//! Group coordinators, one for each partition of `__consumer_offsets` that this broker leads
//! (org.apache.kafka.coordinator.common.runtime.CoordinatorRuntime and
//! org.apache.kafka.coordinator.group.GroupCoordinatorService).
//!
//! A handler looks at a [`Shard`] and says through [`Effects`] what follows: answers, timers, and records to append to
//! the shard's partition. Offsets change by `replay` alone. Members and generations of classic groups are soft state, as
//! in Kafka: records say what they were when a generation was stored, and loading brings that back.

mod answer;
mod group;
mod shard;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use blumfeld_kernel::Instant;
use blumfeld_protocol::ErrorCode;

use crate::call::Call;

pub use answer::Answer;
pub use group::{
    ClassicGroup, ClassicGroupState, ClassicMember, GroupMetadataValue, GroupRecord, GroupRecordError,
    MemberMetadata, OffsetAndMetadata,
};
pub(crate) use group::{Committing, Env, Join, Offsets};
pub use shard::Shard;
pub(crate) use shard::{CommitRequest, Pending};

/// The topic that groups and their offsets are stored in.
pub const GROUP_METADATA_TOPIC: &str = "__consumer_offsets";

/// What a timer of a shard is for.
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
    /// A write is committed, or its request is answered all the same.
    Write(u64),
}

/// What a shard does once its records are committed, or could not be.
#[derive(Clone, Debug)]
pub enum After {
    /// Nothing.
    Nothing,
    /// Nothing: another coordinator wrote it, and may have told of it.
    Loaded,
    /// The answer goes out.
    Respond(Call, Answer),
    /// What is asked of a group is one of several parts of a request.
    Gathered(u64, String),
    /// The leader's assignment is stored.
    Synced {
        /// Of which group.
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

/// Records to append.
#[derive(Clone, Debug)]
pub struct Write {
    /// Which.
    pub records: Vec<GroupRecord>,
    /// Whether they are replayed here, or say what is here already.
    pub replay: bool,
    /// What follows.
    pub after: After,
}

/// What follows from a handler.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Answers that go out.
    pub answers: Vec<(Call, Answer)>,
    /// Timers that are set anew for so many milliseconds from now, or `None` that are no more.
    pub timers: Vec<(GroupTimer, Option<i64>)>,
    /// Records to append, in order.
    pub writes: Vec<Write>,
    /// Parts of requests that are done with, by their gathering and group.
    pub gathered: Vec<(u64, String, ErrorCode)>,
}

impl Effects {
    fn answer(&mut self, waiter: Call, answer: Answer) {
        self.answers.push((waiter, answer));
    }
}

/// A request about groups of several shards.
#[derive(Clone, Debug)]
pub struct Gathering {
    /// Who asked.
    pub waiter: Call,
    /// The answer so far.
    pub answer: Answer,
    /// Parts that are under way.
    pub missing: usize,
}

/// All shards of a broker.
#[derive(Clone, Debug, Default)]
pub struct GroupCoordinator {
    pub(crate) shards: BTreeMap<i32, Shard>,
    /// Timers by partition, with their places in the node's table.
    pub(crate) timers: BTreeMap<(i32, GroupTimer), (Instant, u64)>,
    /// Answers that are to be sent.
    pub(crate) answers: VecDeque<(Call, Answer)>,
    pub(crate) gatherings: BTreeMap<u64, Gathering>,
}

impl GroupCoordinator {
    /// Every group that this broker coordinates, in the order of partitions and ids.
    pub fn groups(&self) -> impl Iterator<Item = &ClassicGroup> {
        self.shards.values().flat_map(Shard::groups)
    }

    /// A group, if this broker coordinates it.
    pub fn group(&self, group_id: &str) -> Option<&ClassicGroup> {
        self.shards.values().find_map(|shard| shard.group(group_id))
    }

    /// The committed offsets of a group by topic and partition, if this broker coordinates it.
    pub fn offsets(&self, group_id: &str) -> impl Iterator<Item = (&str, i32, &OffsetAndMetadata)> {
        self.shards.values().flat_map(move |shard| shard.committed().of(group_id))
    }

    /// The partitions of `__consumer_offsets` that it coordinates.
    pub fn partitions(&self) -> impl Iterator<Item = i32> {
        self.shards.keys().copied()
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
