//! The session's time line: how far back it goes, and its branches.

use serde::{Deserialize, Serialize};

/// Where to go on the time line.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seek {
    /// To a virtual time, in microseconds.
    Time(u64),
    /// So many events back, or forth if above zero.
    Events(i64),
    /// To the end of the living branch.
    Now,
}

/// A branch: what was done from its fork on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BranchView {
    /// Its name.
    pub name: String,
    /// The branch that it forks from; the first has none.
    pub parent: Option<String>,
    /// Where it forks, in virtual microseconds.
    pub fork: u64,
    /// Whether it goes on from there as the browser's storage had it, when the cluster was opened again.
    #[serde(default)]
    pub reopened: bool,
    /// Where it ends, in virtual microseconds; 0 of the living one while it goes on.
    pub end: u64,
    /// Whether it is the one that goes on, and that the store holds.
    pub living: bool,
}

/// How the time line stands.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineView {
    /// The virtual time from which on it can be gone back to, in microseconds.
    pub from: u64,
    /// Where the living branch ends, in microseconds, while an earlier moment is looked at.
    pub tip: Option<u64>,
    /// All branches, in the order in which they began.
    pub branches: Vec<BranchView>,
    /// Copies that are kept.
    pub checkpoints: u32,
    /// Bytes that these take, as far as they share nothing, by estimate.
    pub weight: u64,
    /// Bytes that they may take.
    pub cap: u64,
    /// Branches that were given up for want of room.
    pub forgotten: u32,
    /// Branches that will not be there when the cluster is opened again: the browser's storage has no room for them.
    #[serde(default)]
    pub unkept: u32,
    /// How far it is on the way to another moment, 0 to 1.
    pub seeking: Option<f64>,
}
