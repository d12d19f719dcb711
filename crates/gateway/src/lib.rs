//! A cluster in real time, with a TCP port for each broker: as a program (`blumfeld-gateway serve`), or as a part of
//! another one ([`Gateway`]).
//!
//! One thread drives the world and the sockets. A turn handles what is due, writes what it did to the data directory,
//! sends what came for clients, and sleeps until the next timer or the next byte.

pub mod args;
mod clock;
mod cluster;
mod control;
mod data_dir;
mod door;
mod exec;
pub mod log;
mod log_dirs;
mod past;
mod ready;
mod running;
mod server;

pub use control::Watch;
pub use exec::exec;
pub use log_dirs::{export, import};
pub use ready::Ready;
pub use running::Gateway;
pub use server::{ServeError, serve};
