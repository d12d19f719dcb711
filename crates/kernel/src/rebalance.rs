//! Why groups rebalance, and why members are in them no more: what their coordinator knows, apart from the words in
//! which Kafka's log has it.

use std::fmt;
use std::sync::Arc;

/// Why a group's members have to join again.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the fields are member ids, and what clients said")]
pub enum RebalanceCause {
    /// A member is new.
    MemberJoined { member: Arc<str> },
    /// A member joined again of its own accord, with the reason that it gave (KIP-800), which may be empty. A leader
    /// may do so to assign anew, another member only with another subscription or other assignors than before.
    MemberRejoined { member: Arc<str>, leads: bool, said: Arc<str> },
    /// A static member came back under a new id, while its old one took part in a rebalance or with other assignors.
    StaticMemberReturned { member: Arc<str>, instance: Arc<str> },
    /// Members left, or were taken out by a tool.
    MembersLeft { members: Arc<[Arc<str>]> },
    /// A member was not heard of for so many milliseconds.
    SessionTimedOut { member: Arc<str>, after_ms: i64 },
    /// Members did not ask for their assignment within the rebalance timeout.
    SyncTimedOut { members: Arc<[Arc<str>]> },
    /// The assignment could not be stored, by this error.
    NotStored { error: &'static str },
    /// A coordinator has loaded a group that is larger than `group.max.size` allows.
    OverCapacity { most: i32 },
}

/// Why a member is in a group no more.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the fields are what the line says")]
pub enum LeaveCause {
    /// It left, or a tool took it out, with this reason, which may be empty.
    Left { said: Arc<str> },
    /// It was not heard of for so many milliseconds.
    SessionTimedOut { after_ms: i64 },
    /// It was given an id, and never joined with it.
    NeverJoined,
    /// It did not join again before the rebalance timeout was over.
    NotRejoined,
    /// It did not ask for its assignment before the rebalance timeout was over.
    NotSynced,
}

impl fmt::Display for LeaveCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left { said } if said.is_empty() => f.write_str("LeaveGroup; client reason: not provided"),
            Self::Left { said } => write!(f, "LeaveGroup; client reason: {said}"),
            Self::SessionTimedOut { .. } => f.write_str("session timeout"),
            Self::NeverJoined => f.write_str("session timeout of a pending member"),
            Self::NotRejoined => f.write_str("did not rejoin in time"),
            Self::NotSynced => f.write_str("did not sync in time"),
        }
    }
}

/// The partitions that each member of a group owns (`orders-0`), by member id.
pub type Owners = Arc<[(Arc<str>, Arc<[Arc<str>]>)]>;
