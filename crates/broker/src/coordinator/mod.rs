//! Coordinators: what a broker decides for others and stores in a topic of its own, one shard for each partition of it
//! that the broker leads (org.apache.kafka.coordinator). [`runtime`] is what they have in common; each coordinator is a
//! room beside it.

mod group;
mod runtime;
mod transaction;

pub(crate) use group::{
    Answer, CommitRequest, Committing, Env, GroupShard, Host, Join, Offsets, TransactionalCommit,
};
pub use group::{
    ClassicGroup, ClassicGroupState, ClassicMember, GROUP_METADATA_TOPIC, GroupCoordinator,
    GroupMetadataValue, GroupRecord, GroupRecordError, MemberMetadata, OffsetAndMetadata,
    assigned_partitions, partition_for,
};
pub(crate) use runtime::After;
pub(crate) use transaction::{
    Answer as TransactionAnswer, Env as TransactionEnv, Host as TransactionHost, Init, MarkersOf, PENDING,
    TransactionShard,
};
pub use transaction::{
    TRANSACTION_STATE_TOPIC, Transaction, TransactionCoordinator, TransactionMetadata, TransactionRecord,
    TransactionRecordError, TransactionState,
};
