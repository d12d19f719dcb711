//! Cluster metadata: records, and the image that they make.

mod image;
mod record;

pub use image::{BrokerRegistration, MetadataImage, PartitionRegistration, TopicImage};
pub use record::{Listener, MetadataRecord, PartitionChange, RecordFormatError, ResourceType};
