//! The cluster's configs, from the flags and the ports.

use std::time::Duration;

use blumfeld_broker::BrokerConfig;
use blumfeld_kernel::Endpoint;
use blumfeld_sim::{DiskConfig, NetworkConfig, WorldConfig};

use crate::args::Serve;

/// Where the controllers listen: inside the world alone, so the name is nobody's address.
const CONTROLLER_PORT: u16 = 9_093;

/// Where the controller of a node listens.
pub fn controller_listener(id: i32) -> Endpoint {
    Endpoint::new(&format!("controller-{id}"), CONTROLLER_PORT)
}

/// The world's config for brokers that are found at `advertised`.
///
/// # Errors
/// A `--config` that is none, in words.
pub fn world_config(
    args: &Serve,
    advertised: &[Endpoint],
    seed: u64,
    epoch_ms: i64,
) -> Result<WorldConfig, String> {
    let count = i32::try_from(advertised.len()).unwrap_or(i32::MAX);
    let mut brokers = BrokerConfig::combined(count, seed);
    for (broker, advertised) in brokers.iter_mut().zip(advertised) {
        broker.advertised = advertised.clone();
        broker.controller_listener = controller_listener(broker.node_id);
        broker.voters.iter_mut().for_each(|(id, at)| *at = controller_listener(*id));
        for setting in &args.config {
            let (key, value) =
                setting.split_once('=').ok_or_else(|| format!("'{setting}' is not KEY=VALUE"))?;
            set(broker, key.trim(), value.trim())?;
        }
    }
    let network = NetworkConfig {
        latency: Duration::from_millis(args.network_latency),
        jitter: Duration::ZERO,
        bytes_per_second: u64::MAX,
    };
    let latency = Duration::from_millis(args.disk_latency);
    let disk = DiskConfig {
        flush_latency: latency,
        read_latency: latency,
        bytes_per_second: u64::MAX,
        ..DiskConfig::default()
    };
    Ok(WorldConfig { seed, boot: 0, epoch_ms, brokers, network, disk, wait_for_store: false })
}

/// Sets a static config of a broker by its name in Kafka.
fn set(broker: &mut BrokerConfig, key: &str, value: &str) -> Result<(), String> {
    fn to<T: std::str::FromStr>(field: &mut T, key: &str, value: &str) -> Result<(), String> {
        *field = value.parse().map_err(|_| format!("'{value}' is no value of {key}"))?;
        Ok(())
    }
    match key {
        "num.partitions" => to(&mut broker.num_partitions, key, value),
        "default.replication.factor" => to(&mut broker.default_replication_factor, key, value),
        "auto.create.topics.enable" => to(&mut broker.auto_create_topics, key, value),
        "socket.request.max.bytes" => to(&mut broker.socket_request_max_bytes, key, value),
        "log.retention.check.interval.ms" => to(&mut broker.retention_check_interval_ms, key, value),
        "log.flush.offset.checkpoint.interval.ms" => {
            to(&mut broker.flush_offset_checkpoint_interval_ms, key, value)
        }
        "replica.high.watermark.checkpoint.interval.ms" => {
            to(&mut broker.high_watermark_checkpoint_interval_ms, key, value)
        }
        "broker.heartbeat.interval.ms" => to(&mut broker.heartbeat_interval_ms, key, value),
        "broker.session.timeout.ms" => to(&mut broker.session_timeout_ms, key, value),
        "replica.lag.time.max.ms" => to(&mut broker.replica_lag_time_max_ms, key, value),
        "replica.fetch.wait.max.ms" => to(&mut broker.replica_fetch_wait_max_ms, key, value),
        "replica.fetch.max.bytes" => to(&mut broker.replica_fetch_max_bytes, key, value),
        "replica.fetch.response.max.bytes" => to(&mut broker.replica_fetch_response_max_bytes, key, value),
        "replica.fetch.backoff.ms" => to(&mut broker.replica_fetch_backoff_ms, key, value),
        "replica.socket.timeout.ms" => to(&mut broker.replica_socket_timeout_ms, key, value),
        "auto.leader.rebalance.enable" => to(&mut broker.auto_leader_rebalance, key, value),
        "leader.imbalance.per.broker.percentage" => to(&mut broker.leader_imbalance_percentage, key, value),
        "unclean.leader.election.interval.ms" => to(&mut broker.unclean_election_interval_ms, key, value),
        "metadata.max.idle.interval.ms" => to(&mut broker.metadata_max_idle_interval_ms, key, value),
        "metadata.log.segment.bytes" => to(&mut broker.metadata_log_segment_bytes, key, value),
        "metadata.log.max.record.bytes.between.snapshots" => {
            to(&mut broker.metadata_bytes_between_snapshots, key, value)
        }
        "metadata.log.max.snapshot.interval.ms" => to(&mut broker.metadata_snapshot_interval_ms, key, value),
        "metadata.max.retention.bytes" => to(&mut broker.metadata_max_retention_bytes, key, value),
        "controller.quorum.election.timeout.ms" => to(&mut broker.quorum.election_timeout_ms, key, value),
        "controller.quorum.fetch.timeout.ms" => to(&mut broker.quorum.fetch_timeout_ms, key, value),
        "producer.id.expiration.check.interval.ms" => {
            to(&mut broker.producer_id_expiration_check_interval_ms, key, value)
        }
        "group.min.session.timeout.ms" => to(&mut broker.group.min_session_timeout_ms, key, value),
        "group.max.session.timeout.ms" => to(&mut broker.group.max_session_timeout_ms, key, value),
        "group.initial.rebalance.delay.ms" => to(&mut broker.group.initial_rebalance_delay_ms, key, value),
        "group.max.size" => to(&mut broker.group.max_size, key, value),
        "offset.metadata.max.bytes" => to(&mut broker.group.offset_metadata_max_bytes, key, value),
        "offsets.retention.minutes" => to(&mut broker.group.offsets_retention_minutes, key, value),
        "offsets.retention.check.interval.ms" => {
            to(&mut broker.group.offsets_retention_check_interval_ms, key, value)
        }
        "offsets.commit.timeout.ms" => to(&mut broker.group.offsets_commit_timeout_ms, key, value),
        "offsets.topic.num.partitions" => to(&mut broker.group.offsets_topic_partitions, key, value),
        "offsets.topic.replication.factor" => {
            to(&mut broker.group.offsets_topic_replication_factor, key, value)
        }
        "offsets.topic.segment.bytes" => to(&mut broker.group.offsets_topic_segment_bytes, key, value),
        other => Err(format!("the config {other} cannot be given here (COMPAT.md lists those that can)")),
    }
}
