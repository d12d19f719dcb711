//! Kafka's log: an append-only sequence of record batches in segments, with sparse indexes by offset and by time, in
//! Kafka's own file formats.
//!
//! Nothing here touches a disk. What is to be written leaves as [`DiskOp`](blumfeld_kernel::DiskOp)s through the
//! context; the bytes stay here too, shared, as the page cache would hold them. At start a log is loaded from the
//! machine's [`Disk`](blumfeld_kernel::Disk), and recovered if it was not shut down cleanly.

mod bug;
pub mod checkpoint;
pub mod cleaner;
mod config;
mod file_records;
mod leader_epoch;
mod loader;
mod offset_index;
mod producer_state;
mod segment;
mod time_index;
mod transaction_index;
mod unified_log;
mod validator;

pub use bug::Bug;
#[cfg(feature = "planted-bugs")]
pub use bug::plant;
pub use config::{CleanupPolicy, LogConfig};
pub use leader_epoch::LeaderEpochCache;
pub use loader::{LoadOptions, Recovery};
pub use offset_index::OffsetIndex;
pub use producer_state::{
    AppendOrigin, BatchMetadata, CompletedTxn, Marker, ProducerStateEntry, ProducerStateManager,
};
pub use segment::LogSegment;
pub use time_index::TimeIndex;
pub use transaction_index::{AbortedTxn, TransactionIndex};
pub use unified_log::{
    AppendInfo, DELETED, FetchData, OffsetOutOfRange, TimestampOffset, UnifiedLog, unique_directory,
};
pub use validator::{AppendError, RecordError, is_transactional, single_batch};
