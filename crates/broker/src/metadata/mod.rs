//! Cluster metadata: records, and the image that they make.

mod image;
mod record;

pub use image::{BrokerRegistration, MetadataImage, PartitionRegistration, TopicImage};
pub use record::{
    Listener, MetadataRecord, PartitionChange, QuotaEntity, QuotaValue, RecordFormatError, ResourceType,
    ScramCredential,
};

/// The features that a node knows, with the levels that it can work at.
pub(crate) const FEATURES: [(&str, i16, i16); 3] =
    [("metadata.version", 7, 25), ("eligible.leader.replicas.version", 0, 1), ("transaction.version", 0, 2)];

/// The feature by which a cluster's transactions have an epoch each (KIP-890).
pub const TRANSACTION_VERSION: &str = "transaction.version";
