//! Random clusters: how many nodes, in which roles and racks, and how fast their machines are.

use std::time::Duration;

use blumfeld_broker::{BrokerConfig, Roles};
use blumfeld_kernel::{Endpoint, Prng};
use blumfeld_protocol::Uuid;
use blumfeld_sim::{DiskConfig, NetworkConfig, WorldConfig};

use super::pick;

/// A cluster to be.
#[derive(Clone, Debug)]
pub struct Topology {
    /// What its world is made of.
    pub config: WorldConfig,
    /// Ids of the nodes that are brokers.
    pub brokers: Vec<i32>,
    /// Whether power is cut at any time, anywhere: records may be lost then, but never metadata.
    pub reckless: bool,
}

impl Topology {
    /// The cluster of a seed: one node, three or five, combined or with controllers of their own.
    pub fn random(seed: u64, rng: &mut Prng) -> Topology {
        // Nodes in all, controllers, and whether these are brokers too.
        let (count, voters, combined) = pick(
            rng,
            &[
                (1, 1, true),
                (1, 1, true),
                (3, 3, true),
                (3, 3, true),
                (3, 1, true),
                (5, 3, true),
                (5, 5, true),
                (6, 3, false),
            ],
        );
        let mut nodes = BrokerConfig::cluster(count, voters, Uuid::from_u128(u128::from(seed) + 1));
        let racks = rng.chance(1, 2);
        let log_checkpoint_ms = pick(rng, &[500, 5_000, 60_000]);
        let high_watermark_checkpoint_ms = pick(rng, &[200, 5_000]);
        // Short ones have several candidates in one epoch.
        let (election_ms, fetch_ms) = pick(rng, &[(1_000, 2_000), (1_000, 2_000), (300, 1_000)]);
        let (lag_ms, session_ms) = (pick(rng, &[5_000, 30_000]), pick(rng, &[3_000, 9_000]));
        for node in &mut nodes {
            if !combined && node.node_id <= voters {
                node.roles = Roles { broker: false, controller: true };
            }
            node.rack = racks.then(|| format!("rack-{}", node.node_id % 3));
            node.flush_offset_checkpoint_interval_ms = log_checkpoint_ms;
            node.high_watermark_checkpoint_interval_ms = high_watermark_checkpoint_ms;
            node.replica_lag_time_max_ms = lag_ms;
            node.session_timeout_ms = session_ms;
            node.quorum.election_timeout_ms = election_ms;
            node.quorum.fetch_timeout_ms = fetch_ms;
            node.heartbeat_interval_ms = session_ms / 4;
            // Fifty would be much to look at after every event.
            node.group.offsets_topic_partitions = 1 + i32::try_from(seed % 3).unwrap_or(0);
        }
        let brokers = nodes.iter().filter(|node| node.roles.broker).map(|node| node.node_id).collect();
        let config = WorldConfig {
            boot: 0,
            seed,
            epoch_ms: 1_700_000_000_000,
            brokers: nodes,
            network: NetworkConfig {
                latency: Duration::from_micros(50 + rng.below(10_000)),
                jitter: Duration::from_micros(1 + rng.below(10_000)),
                bytes_per_second: pick(rng, &[10_000_000, 1_250_000_000]),
            },
            disk: DiskConfig {
                flush_latency: Duration::from_micros(50 + rng.below(10_000)),
                read_latency: Duration::from_micros(50 + rng.below(5_000)),
                bytes_per_second: pick(rng, &[5_000_000, 500_000_000]),
                cache_size: pick(rng, &[1024 * 1024, 256 * 1024 * 1024]),
                writeback_after: Duration::from_millis(100 + rng.below(29_900)),
            },
            wait_for_store: rng.chance(1, 4),
        };
        let reckless = count > 1 && rng.chance(1, 4);
        Topology { config, brokers, reckless }
    }

    /// The cluster of a seed of a run with transactions: three or four brokers, three of which are controllers, and
    /// nothing that may be lost.
    pub fn for_transactions(seed: u64, rng: &mut Prng) -> Topology {
        let mut topology = Topology::random(seed, rng);
        let drawn = topology.config.brokers.first().cloned();
        let count = pick(rng, &[3, 4]);
        let mut nodes = BrokerConfig::cluster(count, 3, Uuid::from_u128(u128::from(seed) + 1));
        let abort_ms = pick(rng, &[500, 2_000, 10_000]);
        let state_partitions = pick(rng, &[1, 2, 4]);
        for (node, drawn) in nodes.iter_mut().zip(drawn.iter().cycle()) {
            node.flush_offset_checkpoint_interval_ms = drawn.flush_offset_checkpoint_interval_ms;
            node.high_watermark_checkpoint_interval_ms = drawn.high_watermark_checkpoint_interval_ms;
            node.replica_lag_time_max_ms = drawn.replica_lag_time_max_ms;
            node.session_timeout_ms = drawn.session_timeout_ms;
            node.heartbeat_interval_ms = drawn.heartbeat_interval_ms;
            node.quorum.election_timeout_ms = drawn.quorum.election_timeout_ms;
            node.quorum.fetch_timeout_ms = drawn.quorum.fetch_timeout_ms;
            node.group.offsets_topic_partitions = drawn.group.offsets_topic_partitions;
            node.transaction.topic_partitions = state_partitions;
            node.transaction.abort_timed_out_interval_ms = abort_ms;
        }
        topology.brokers = nodes.iter().map(|node| node.node_id).collect();
        topology.config.brokers = nodes;
        topology.reckless = false;
        topology
    }

    /// How many replicas its topics have.
    pub fn replication_factor(&self) -> i16 {
        if self.brokers.len() >= 3 { 3 } else { 1 }
    }

    /// Where its brokers are found.
    pub fn bootstrap(&self) -> Vec<Endpoint> {
        (self.config.brokers.iter())
            .filter(|node| node.roles.broker)
            .map(|node| node.advertised.clone())
            .collect()
    }

    /// A few words for people.
    pub fn describe(&self) -> String {
        let nodes = &self.config.brokers;
        let controllers = nodes.iter().filter(|node| node.roles.controller).count();
        let power = if self.reckless { ", power cuts everywhere" } else { "" };
        format!("{} nodes, {} brokers, {controllers} controllers{power}", nodes.len(), self.brokers.len())
    }
}
