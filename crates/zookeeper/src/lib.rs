//! Kafka's control plane as it was before KRaft, to compare with: a ZooKeeper ensemble, brokers that are registered
//! there, and a controller that one of them is by an ephemeral znode.
//!
//! Truth stands in znodes. A controller reads them back when it is elected, writes a znode for each partition whose
//! leader it decides, and tells every broker by requests of its own ([`control`]). In KRaft truth is a log that each
//! broker reads, and a new controller has it already.
//!
//! Everything is sans-IO, as the core is: [`Ensemble`] and [`Broker`] are nodes (`blumfeld_kernel::Node`), their frames
//! are ZooKeeper's ([`jute`]) and Kafka's, and time is virtual. [`Cluster`] drives them, and [`Measuring`] tells what
//! happens when a controller or a broker dies, when a cluster begins, and when topics are made.

mod admin;
pub mod broker;
pub mod client;
pub mod cluster;
pub mod control;
pub mod controller;
pub mod ensemble;
pub mod jute;
mod measure;
pub mod znodes;

pub use admin::Admin;
pub use broker::{Broker, BrokerConfig, IsrUpdates};
pub use cluster::{Cluster, ClusterConfig};
pub use control::TopicPartition;
pub use ensemble::{Ensemble, EnsembleConfig};
pub use measure::{ApiCount, Measured, Measuring, Scenario, measure, partitions_by_topic};

/// What a broker's requests to ZooKeeper are given with: whom an answer belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// The controller, at this place.
    Controller(
        /// Which.
        controller::Place,
    ),
    /// A leader that writes an ISR.
    Isr(
        /// What it wrote.
        broker::IsrChange,
    ),
    /// A leader whose write met another version, and that looks whether it was its own.
    IsrCheck(
        /// What it had written.
        broker::IsrChange,
    ),
    /// Nobody waits for it.
    Nothing,
}
