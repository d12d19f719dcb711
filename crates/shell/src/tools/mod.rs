//! The tools, one file each. `registry` imports them all, and `toolbox`, which they are made of, none.

mod admin;
pub(crate) mod broker;
mod cat;
mod client_settings;
mod cluster;
mod command_config;
mod configs;
mod console_consumer;
pub(crate) mod console_producer;
mod consumer_groups;
mod consumer_perf;
mod delete_records;
mod dump_log;
pub(crate) mod fault;
mod file;
mod get_offsets;
mod help;
mod leader_election;
mod line_reader;
mod log_dirs;
mod metadata_quorum;
mod producer_perf;
mod properties;
mod reassign;
pub(crate) mod registry;
pub mod timeline;
mod toolbox;
mod topics;
mod transactions;
pub mod until;
pub(crate) mod workload;

pub use console_consumer::ConsoleConsumer;
pub use console_producer::ConsoleProducer;
pub use consumer_perf::ConsumerPerf;
pub use producer_perf::ProducerPerf;
pub use workload::{Consume, Produce, Transform};
