//! Mirror of the virtual disks in a store that outlives the page: IndexedDB in a browser, memory elsewhere.
//!
//! A commit writes the bytes that are new and, last and in the same transaction, a manifest that says where the bytes
//! of every file are. So what is read back is always the disks as they were at one moment. A writer's epoch fences off
//! an older writer, whatever that one still has under way.

#[cfg(target_arch = "wasm32")]
mod indexed_db;
#[cfg(target_arch = "wasm32")]
mod lock;
mod manifest;
mod memory;
mod mirror;
mod port;

#[cfg(target_arch = "wasm32")]
pub use indexed_db::IndexedDb;
#[cfg(target_arch = "wasm32")]
pub use lock::{ClusterLock, LockError};
pub use manifest::{Members, Meta, StoredBranch, StoredClient, StoredMark, StoredPast};
pub use memory::Memory;
pub use mirror::{LARGE, Loaded, Mirror, PreparedCommit};
pub use port::{Batch, ManifestText, Port, StoreError};
