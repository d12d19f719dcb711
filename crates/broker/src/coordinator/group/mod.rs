//! Classic groups: members, generations, committed offsets.

mod classic;
mod manager;
mod offsets;
mod record;

pub use classic::{ClassicGroup, ClassicGroupState, ClassicMember};
pub use manager::{Env, Join};
pub use offsets::{Committing, Offsets, tombstone};
pub use record::{GroupMetadataValue, GroupRecord, GroupRecordError, MemberMetadata, OffsetAndMetadata};
