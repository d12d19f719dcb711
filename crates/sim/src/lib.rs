//! The deterministic world: it owns the nodes, the virtual clock, the network, the disks and everything that goes
//! wrong.
//!
//! Everything that happens is an event in one queue, ordered by time and then by the order in which it was caused. The
//! same seed and the same calls give the same events, natively and in wasm, to the byte; [`World::digest`] says so.

mod calls;
mod causes;
pub mod checkers;
mod cleaner_view;
mod config;
mod config_view;
mod disk;
mod event;
pub mod failover;
mod fault;
mod group_view;
mod kind;
mod korean;
pub mod load;
mod meaning;
mod membership;
mod network;
mod page_cache;
mod process;
mod rebalances;
mod sightings;
mod slot;
mod token_view;
mod trace;
mod transaction_view;
mod view;
mod waiting;
mod wire;
mod wire_view;
mod world;

pub use calls::{Call, TimedCall};
pub use causes::{Causes, Handled, Landed, Occasion, Origin};
pub use config::{DiskConfig, NetworkConfig, WorldConfig, controller_listener};
pub use disk::{DiskChange, MachineDisk};
pub use fault::{
    Action, Clause, DiskState, Fault, FaultError, Heal, LinkFault, Observed, RequestFault, Side, Trigger,
    When, Which, escape,
};
pub use membership::{Membership, MembershipError};
pub use page_cache::CacheStats;
pub use process::{Output, ProcessId};
pub use token_view::api_name;
pub use trace::{Trace, TraceLine};
pub use view::{event_view, record_view};
pub use waiting::Wait;
pub use wire::{Ending, Exchange, Loss, Sort, Wire};
pub use world::{InFlight, OutsideEvent, Standing, Traffic, World};
