//! The engine behind the page: a world, its console, its clock and its store.
//!
//! [`Engine`] is plain Rust and runs natively too, which is how a recorded fault is replayed. `worker`, compiled for
//! wasm alone, ties it to a Web Worker: messages, the wall clock, files, IndexedDB.

mod boot;
mod compare;
#[cfg(target_arch = "wasm32")]
mod comparing;
mod door;
#[cfg(target_arch = "wasm32")]
mod dropped;
mod engine;
mod era;
mod keeper;
pub mod log_dirs;
mod look;
mod record;
mod run;
mod script_producer;
mod tool;
#[cfg(target_arch = "wasm32")]
mod watchers;
#[cfg(target_arch = "wasm32")]
pub mod worker;

pub use boot::{Boot, Past};
pub use compare::{Compare, LONGEST};
pub use door::{Door, DoorEvent};
pub use engine::{Cause, Engine};
pub use era::Era;
pub use keeper::{Commit, Committed, Keeper, TakenOver};
pub use look::{DoorRecord, DoorTimeline, DoorView, RecordRange, milliseconds};
pub use record::{Record, ReplayError, replay};
pub use script_producer::{Ask, ScriptAnswer, ScriptError};
pub use tool::ToolOutput;
