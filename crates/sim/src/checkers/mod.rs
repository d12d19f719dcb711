//! Truths about a cluster as a whole, checked from outside its nodes: what clients were told and what nodes show, now
//! and earlier.
//!
//! Each checker takes plain data and says what cannot be. [`Seen`] is what is taken from a world.

mod compaction;
mod consumers;
mod controllers;
mod groups;
mod health;
mod high_watermarks;
mod idempotence;
mod images;
mod incarnations;
mod leaders;
mod records;
mod replicas;
mod seen;
mod sent;
mod transactions;

pub use compaction::{CompactedSeen, Compaction, RecordKind, RecordSeen};
pub use consumers::Consumers;
pub use controllers::Controllers;
pub use groups::GroupChecks;
pub use health::{PartitionHealth, Unhealthy, unhealthy};
pub use high_watermarks::HighWatermarks;
pub use idempotence::Idempotence;
pub use images::Images;
pub use incarnations::Incarnations;
pub use leaders::Leaders;
pub use records::Records;
pub use replicas::{BatchSeen, LogSeen, replicas_agree};
pub use seen::{NUMBER, ReplicaSeen, Seen, digest_of_record};
pub use sent::Sent;
pub use transactions::{Place, Transactions};
