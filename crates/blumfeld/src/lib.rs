//! Apache Kafka clusters for tests: real brokers that speak Kafka's wire protocol, in the process of the test.
//!
//! [`Cluster`] listens on loopback ports, so any Kafka client can connect to it. It starts in milliseconds, needs no
//! Java and no container, and is gone when it is dropped. Many can run at once.
//!
//! ```
//! use blumfeld::Cluster;
//!
//! let cluster = Cluster::builder().brokers(3).config("default.replication.factor", "3").start()?;
//! cluster.create_topic("orders", 1, 3)?;
//! cluster.produce("orders", ["one", "two"])?;
//!
//! // Any client can do the same at this address.
//! assert!(cluster.bootstrap_servers().starts_with("127.0.0.1:"));
//!
//! // Break it, and wait until the cluster has dealt with it.
//! let leader = cluster.view()?.leader("orders", 0).unwrap();
//! cluster.fault(&format!("crash {leader}"))?;
//! cluster.until("orders-0 has another leader", |view| {
//!     view.leader("orders", 0).is_some_and(|now| now != leader)
//! })?;
//!
//! let values: Vec<_> = cluster.records("orders")?.into_iter().filter_map(|record| record.value).collect();
//! assert_eq!(values, ["one", "two"]);
//! # Ok::<(), blumfeld::Error>(())
//! ```
//!
//! [`Simulation`] is the same cluster without sockets, in virtual time: nothing waits, and one seed gives one course of
//! events.
//!
//! ```
//! use std::time::Duration;
//! use blumfeld::{Builder, ProducerRecord};
//!
//! let mut cluster = Builder::new().brokers(3).seed(7).simulate()?;
//! cluster.create_topic("orders", 3, 3)?;
//! cluster.pass(Duration::from_secs(60));
//! cluster.produce("orders", [ProducerRecord::new("a minute later").key("customer-7").header("trace", "42")])?;
//! assert_eq!(cluster.records("orders").len(), 1);
//! # Ok::<(), blumfeld::Error>(())
//! ```
//!
//! # What there is where
//!
//! | | natively | in wasm (`wasm32-unknown-unknown`) |
//! |---|---|---|
//! | [`Builder`], [`Simulation`], [`View`], [`ProducerRecord`], [`Record`] | yes | yes |
//! | `Cluster`, [`Builder`]'s `start` | yes | no: there are no sockets |
//!
//! A test of both begins with [`Builder::new`] and ends with [`Builder::simulate`]. In a browser it runs under
//! `wasm-bindgen-test`; a seed gives the same [`digest`](Simulation::digest) there as natively.
//!
//! # Time and patience
//!
//! Nothing waits without a bound. `until`, `produce` and `run` give up after the [patience](Builder::patience), and the
//! error says what was waited for and how the cluster stood. What a simulation costs is what happens in it, heartbeats
//! and empty fetches too: an hour of three idle brokers is not free.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
#[cfg(not(target_family = "wasm"))]
mod cluster;
mod error;
mod produce;
mod records;
mod simulation;
mod trigger;
mod view;
mod world;

pub use builder::Builder;
pub use bytes::Bytes;
#[cfg(not(target_family = "wasm"))]
#[cfg_attr(docsrs, doc(cfg(not(target_family = "wasm"))))]
pub use cluster::Cluster;
pub use error::Error;
pub use records::{ProducerRecord, Record, RecordMetadata};
pub use simulation::Simulation;
pub use trigger::{On, Request, Trigger, Triggered};
pub use view::View;
pub use world::Output;

/// What a [`View`] consists of.
pub use blumfeld_view::{
    BrokerView, GroupMemberView, GroupOffsetView, GroupView, PartitionView, ReplicaView, TopicView,
};
