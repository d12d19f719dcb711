//! The replicas that this node holds (kafka.server.ReplicaManager, kafka.cluster.Partition).

mod cleaner;
mod fetcher;
mod manager;
mod partition;

pub(crate) use fetcher::Fetchers;
pub(crate) use manager::Checkpoints;
pub use manager::{ReplicaManager, TopicPartition};
pub(crate) use partition::Proposal;
#[cfg(test)]
pub use partition::Settings;
pub use partition::{Follower, Partition};
