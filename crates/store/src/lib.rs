//! Mirror of the virtual disks in a store that outlives the page: IndexedDB in a browser, memory elsewhere.
//!
//! Files are cut into chunks; a commit writes the chunks that changed and, last and in the same transaction, a manifest
//! that says what every file is. So what is read back is always the disks as they were at one moment. A writer's epoch
//! fences off an older writer, whatever that one still has under way.

#[cfg(target_arch = "wasm32")]
mod indexed_db;
#[cfg(target_arch = "wasm32")]
mod lock;
mod memory;
mod mirror;
mod port;

#[cfg(target_arch = "wasm32")]
pub use indexed_db::IndexedDb;
#[cfg(target_arch = "wasm32")]
pub use lock::{ClusterLock, LockError};
pub use memory::Memory;
pub use mirror::{CHUNK_SIZE, Loaded, Members, Meta, Mirror, PreparedCommit};
pub use port::{Batch, Port, StoreError};
