//! What the rebalances of groups were, as their coordinators said it.

use serde::{Deserialize, Serialize};

/// Why a group rebalanced, or what else came during it. A member is named by its member id; `said` is the reason that a
/// client gave (KIP-800), empty for none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the fields are as above")]
pub enum RebalanceCauseView {
    /// A member is new.
    Joined { member: String },
    /// The leader joined again, as its topics have other partitions than it had assigned.
    TopicsChanged { member: String },
    /// A member joined again with another subscription.
    SubscriptionChanged { member: String },
    /// A member has given up partitions that another one is to get, and joined again (KIP-429).
    GaveUp { member: String },
    /// A member joined again for another reason.
    Rejoined { member: String, leads: bool, said: String },
    /// A static member came back under a new id.
    StaticReturned { member: String, instance: String },
    /// A member left, or was taken out.
    Left { member: String, said: String },
    /// A member was not heard of for so many milliseconds.
    TimedOut { member: String, after_ms: i64 },
    /// A member did not join again in time.
    NotRejoined { member: String },
    /// A member did not ask for its assignment in time.
    NotSynced { member: String },
    /// The assignment could not be stored; Kafka's name of the error.
    NotStored { error: String },
    /// The group is larger than `group.max.size`.
    OverCapacity { most: i32 },
    /// Another broker coordinates the group; its members were not asked to join again.
    CoordinatorMoved { from: i32, to: i32 },
    /// The same broker has loaded the group anew.
    CoordinatorBack { broker: i32 },
}

/// How a rebalance ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RebalanceEnd {
    /// It has not.
    UnderWay,
    /// Everybody has an assignment.
    Stable,
    /// Nobody is left.
    Empty,
    /// Another one began before everybody had an assignment.
    Interrupted,
    /// Its coordinator was lost meanwhile.
    CoordinatorLost,
}

/// For how long nobody read partitions, as far as the coordinator knows: from when their owner joined again (with a
/// protocol whose members give up all before they join), left, gave them up, or was heard of for the last time, until
/// the answer left that gives them to an owner. The way of messages and the first fetch are not in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StillView {
    /// How many partitions got an owner again.
    pub partitions: u32,
    /// The longest of their times, in microseconds.
    pub longest: u64,
}

/// A rebalance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RebalanceView {
    /// When it began, in virtual microseconds.
    pub at: u64,
    /// What began it, and then what came while members were waited for.
    pub causes: Vec<RebalanceCauseView>,
    /// The generation before it.
    pub from: i32,
    /// The generation that it began; the same as before while it has begun none.
    pub to: i32,
    /// Microseconds in `PreparingRebalance`, once that is over.
    pub preparing: Option<u64>,
    /// Microseconds in `CompletingRebalance`, once that is over; none where nobody was left.
    pub completing: Option<u64>,
    /// How long partitions stood still; nothing where none got an owner again.
    pub still: Option<StillView>,
    /// Members of the generation that was stable before.
    pub before: u32,
    /// Members after it, or now.
    pub after: u32,
    /// The protocol that members agreed on: an assignor's name; empty for none.
    pub protocol: String,
    /// How it ended.
    pub end: RebalanceEnd,
}

/// The last rebalances of a group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RebalancesView {
    /// `group.id`.
    pub group: String,
    /// The rebalances, oldest first.
    pub rebalances: Vec<RebalanceView>,
}
