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
//! # Faults
//!
//! `fault` takes one line. A broker is a number; `clients` are all clients together.
//!
//! | line | what happens |
//! |---|---|
//! | `crash 2`, `power-cut 2` | the process is killed; its machine loses its power |
//! | `shutdown 2`, `restart 2` | the process ends in order; comes back |
//! | `pause 2`, `pause 2 500`, `resume 2` | the process stands still, for good or for 500 ms; goes on |
//! | `cut 1 3`, `cut-oneway 1 3` | nothing passes between two brokers; from one to the other |
//! | `isolate 2` | nothing passes to and from a broker |
//! | `latency 1 2 50`, `jitter 1 2 20` | the network is slow, in ms; up to so much slower at random |
//! | `drop 1 2 10%`, `reorder 1 2 20` | it loses packets; mixes them up within 20 ms |
//! | `bandwidth 1 2 100000` | it is narrow, in bytes a second |
//! | `latency 1 2 50 oneway` | any of these five, in one direction |
//! | `break clients 1` | connections break once |
//! | `disk full 1`, `disk fail 1` | a disk has no room; fails |
//! | `disk slow 1 10`, `disk ok 1` | it is ten times as slow; works again |
//! | `page-cache 1 8388608`, `page-cache 1 drop` | it has so little memory for files; forgets what it can read again |
//! | `skew 2 5000`, `clock-jump 2 -1000` | a broker's wall clock is ahead, in ms; jumps |
//! | `request 1 Produce error NOT_LEADER_OR_FOLLOWER 3` | the next three Produce requests to a broker get an error |
//! | `request 1 Fetch delay 200`, `request 1 Fetch drop` | the next one is late, in ms; finds its connection broken |
//! | `lose-response 1 Produce` | the next one is handled, and its answer lost |
//! | `on …`, `off NAME` | [triggers](On) |
//! | `heal`, `heal 1 3`, `heal 2` | mends everything, and takes every trigger off; one connection; one broker's |
//!
//! # Conditions
//!
//! [`Simulation::wait_for`] and [`Cluster::wait_for`](crate::Cluster::wait_for) take what the console's `until` takes:
//! `state("billing") == "Stable" and lag("billing") == 0`, joined by `and`, `or`, `not` and brackets, compared by
//! `==`, `!=`,
//! `<`, `<=`, `>`, `>=` and `in`. While what is asked for is not there, a condition is not so, and neither is its
//! opposite.
//!
//! | asks | gives |
//! |---|---|
//! | `leader("orders", 0)`, `epoch("orders", 0)` | a partition's leader, -1 for none; its leader epoch |
//! | `isr("orders", 0)`, `replicas("orders", 0)` | lists of brokers, in any order: `isr("orders", 0) == [1, 2]` |
//! | `high_watermark("orders", 0)`, `log_end("orders", 0, 2)` | offsets, as the leader or a broker's replica has them |
//! | `log_start("orders", 0)`, `partitions("orders")` | the first offset; how many there are |
//! | `under_replicated`, `under_replicated("orders")` | partitions with fewer in-sync replicas than replicas |
//! | `state("billing")`, `generation("billing")` | a group's state, `"Dead"` if there is none; its generation |
//! | `members("billing")`, `coordinator("billing")` | how many there are; a broker |
//! | `committed("billing", "orders", 0)`, `lag("billing")` | an offset; records not committed yet |
//! | `up(2)`, `broker(2)`, `brokers`, `controller` | whether it runs; its state; those that run; the active one |
//! | `topics`, `groups`, `in_flight`, `time` | names; messages under way; virtual time: `time >= 90s` |
//! | `saw(NOT_ENOUGH_REPLICAS)`, `saw(error)` | whether an answer had it since the wait began |
//! | `saw(election)`, `saw(isr_change, "orders-0")` | whether it happened since: `until` in the console lists all |
//!
//! # How long things take
//!
//! With Kafka's defaults a broker that crashes is taken for dead after 9 s (`broker.session.timeout.ms`); if
//! it was the controller as well, another one is elected first, which takes about 3 s more.
//! [`Builder::quick_failover`] makes that a second or two. A group waits 3 s for more members before its first
//! assignment (`group.initial.rebalance.delay.ms`). In a [`Simulation`] all of that is virtual time and passes
//! at once.
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
/// The JSON of [`Request::fields`] and [`On::answer`].
pub use serde_json;
pub use simulation::Simulation;
pub use trigger::{On, Request, Trigger, Triggered};
pub use view::View;
pub use world::Output;

/// What a [`View`] consists of.
pub use blumfeld_view::{
    BrokerView, GroupMemberView, GroupOffsetView, GroupView, PartitionView, ReplicaView, TopicView,
    TransactionView,
};
