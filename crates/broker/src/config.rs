//! What a node is started with: its `server.properties`.

use std::collections::BTreeMap;

use blumfeld_kernel::{Endpoint, Prng};
use blumfeld_protocol::{Uuid, uuid_text};

/// The name of the listener that brokers register for clients and for each other: the only one that they have
/// (`listeners`, `inter.broker.listener.name`).
pub const CLIENT_LISTENER: &str = "PLAINTEXT";

/// A deleted replica's files, and segments that the metadata log or a follower no longer keeps, stay for so long
/// (`log.segment.delete.delay.ms`).
pub const SEGMENT_DELETE_DELAY_MS: i64 = 60_000;

/// `process.roles`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Roles {
    /// It holds replicas and serves clients.
    pub broker: bool,
    /// It is a voter of the quorum.
    pub controller: bool,
}

/// The timeouts of the quorum, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumConfig {
    /// `controller.quorum.election.timeout.ms`: so long, and up to as much again, a voter waits for the end of an
    /// election.
    pub election_timeout_ms: i64,
    /// `controller.quorum.fetch.timeout.ms`: so long a follower gets no answer before it asks for an election.
    pub fetch_timeout_ms: i64,
    /// `controller.quorum.request.timeout.ms`.
    pub request_timeout_ms: i64,
    /// `controller.quorum.retry.backoff.ms`.
    pub retry_backoff_ms: i64,
}

impl Default for QuorumConfig {
    fn default() -> QuorumConfig {
        QuorumConfig {
            election_timeout_ms: 1_000,
            fetch_timeout_ms: 2_000,
            request_timeout_ms: 2_000,
            retry_backoff_ms: 20,
        }
    }
}

/// The group coordinator's configs (org.apache.kafka.coordinator.group.GroupCoordinatorConfig).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupCoordinatorConfig {
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`: so long a new group waits for more members.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`: members of a group.
    pub max_size: i32,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`.
    pub offsets_retention_minutes: i32,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval_ms: i64,
    /// `offsets.commit.timeout.ms`: so long an answer waits for the replicas.
    pub offsets_commit_timeout_ms: i64,
    /// `offsets.topic.num.partitions`.
    pub offsets_topic_partitions: i32,
    /// `offsets.topic.replication.factor`.
    pub offsets_topic_replication_factor: i16,
    /// `offsets.topic.segment.bytes`.
    pub offsets_topic_segment_bytes: u32,
}

impl Default for GroupCoordinatorConfig {
    fn default() -> GroupCoordinatorConfig {
        GroupCoordinatorConfig {
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            max_size: i32::MAX,
            offset_metadata_max_bytes: 4_096,
            offsets_retention_minutes: 10_080,
            offsets_retention_check_interval_ms: 600_000,
            offsets_commit_timeout_ms: 5_000,
            offsets_topic_partitions: 50,
            offsets_topic_replication_factor: 3,
            offsets_topic_segment_bytes: 100 * 1024 * 1024,
        }
    }
}

/// The static configs of a node. What is not here has Kafka's default.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// `node.id`.
    pub node_id: i32,
    /// `process.roles`.
    pub roles: Roles,
    /// `advertised.listeners`: where clients find it.
    pub advertised: Endpoint,
    /// The listener of `controller.listener.names`, of a controller.
    pub controller_listener: Endpoint,
    /// `controller.quorum.voters`: the controllers by `node.id`. Empty for a controller that is alone.
    pub voters: BTreeMap<i32, Endpoint>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// `cluster.id`, for a node whose disk is still empty.
    pub cluster_id: Uuid,
    /// `controller.quorum.*`.
    pub quorum: QuorumConfig,
    /// `num.partitions`: partitions of a topic that is created without a number.
    pub num_partitions: i32,
    /// `min.insync.replicas`, of all topics that do not set it.
    pub min_insync_replicas: i32,
    /// `default.replication.factor`.
    pub default_replication_factor: i16,
    /// `auto.create.topics.enable`.
    pub auto_create_topics: bool,
    /// `socket.request.max.bytes`: a larger frame closes its connection. In bytes.
    pub socket_request_max_bytes: usize,
    /// `connections.max.idle.ms`: a connection on which nothing comes and goes for longer is closed; below 0 none is.
    pub connections_max_idle_ms: i64,
    /// `max.incremental.fetch.session.cache.slots`: fetch sessions that are kept.
    pub fetch_session_slots: u32,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval_ms: i64,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub flush_offset_checkpoint_interval_ms: i64,
    /// `replica.high.watermark.checkpoint.interval.ms`.
    pub high_watermark_checkpoint_interval_ms: i64,
    /// `broker.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i64,
    /// `broker.session.timeout.ms`: a broker that is not heard of for so long is fenced.
    pub session_timeout_ms: i64,
    /// `producer.id.expiration.check.interval.ms`.
    pub producer_id_expiration_check_interval_ms: i64,
    /// `replica.lag.time.max.ms`: a follower that has not caught up for so long leaves the ISR.
    pub replica_lag_time_max_ms: i64,
    /// `replica.fetch.wait.max.ms`.
    pub replica_fetch_wait_max_ms: i32,
    /// `replica.fetch.max.bytes`, of a partition.
    pub replica_fetch_max_bytes: i32,
    /// `replica.fetch.response.max.bytes`.
    pub replica_fetch_response_max_bytes: i32,
    /// `replica.fetch.backoff.ms`.
    pub replica_fetch_backoff_ms: i64,
    /// `replica.socket.timeout.ms`.
    pub replica_socket_timeout_ms: i64,
    /// `replica.selector.class` is the RackAwareReplicaSelector (KIP-392).
    pub rack_aware_selector: bool,
    /// `auto.leader.rebalance.enable`.
    pub auto_leader_rebalance: bool,
    /// `leader.imbalance.check.interval.seconds`, in milliseconds.
    pub leader_imbalance_check_interval_ms: i64,
    /// `leader.imbalance.per.broker.percentage`.
    pub leader_imbalance_percentage: i64,
    /// `unclean.leader.election.interval.ms`.
    pub unclean_election_interval_ms: i64,
    /// `metadata.max.idle.interval.ms`: so often the controller writes a record that says nothing; 0 for never.
    pub metadata_max_idle_interval_ms: i64,
    /// `metadata.log.segment.bytes`.
    pub metadata_log_segment_bytes: u32,
    /// `metadata.log.max.record.bytes.between.snapshots`.
    pub metadata_bytes_between_snapshots: u64,
    /// `metadata.log.max.snapshot.interval.ms`.
    pub metadata_snapshot_interval_ms: i64,
    /// `metadata.max.retention.bytes`.
    pub metadata_max_retention_bytes: u64,
    /// `group.*` and `offsets.*`.
    pub group: GroupCoordinatorConfig,
    /// Whether every append is flushed before it is acknowledged or fetched further. Kafka's nearest is
    /// `log.flush.interval.messages=1`.
    pub flush_before_acknowledging: bool,
}

/// Where the broker of this id listens in a cluster on one machine.
fn port(id: i32) -> u16 {
    u16::try_from(id - 1).unwrap_or(0).saturating_mul(2).saturating_add(9_092)
}

impl BrokerConfig {
    /// The node `node_id` of the cluster `cluster_id`, found at `advertised`, with Kafka's defaults: a broker and a
    /// controller that is alone, whose listener is one port further on.
    pub fn new(node_id: i32, advertised: Endpoint, cluster_id: Uuid) -> BrokerConfig {
        BrokerConfig {
            node_id,
            roles: Roles { broker: true, controller: true },
            controller_listener: Endpoint {
                host: advertised.host.clone(),
                port: advertised.port.wrapping_add(1),
            },
            advertised,
            voters: BTreeMap::new(),
            rack: None,
            cluster_id,
            quorum: QuorumConfig::default(),
            num_partitions: 1,
            min_insync_replicas: 1,
            default_replication_factor: 1,
            auto_create_topics: true,
            socket_request_max_bytes: 100 * 1024 * 1024,
            connections_max_idle_ms: 600_000,
            fetch_session_slots: 1_000,
            retention_check_interval_ms: 300_000,
            flush_offset_checkpoint_interval_ms: 60_000,
            high_watermark_checkpoint_interval_ms: 5_000,
            heartbeat_interval_ms: 2_000,
            session_timeout_ms: 9_000,
            producer_id_expiration_check_interval_ms: 600_000,
            replica_lag_time_max_ms: 30_000,
            replica_fetch_wait_max_ms: 500,
            replica_fetch_max_bytes: 1024 * 1024,
            replica_fetch_response_max_bytes: 10 * 1024 * 1024,
            replica_fetch_backoff_ms: 1_000,
            replica_socket_timeout_ms: 30_000,
            rack_aware_selector: false,
            auto_leader_rebalance: true,
            leader_imbalance_check_interval_ms: 300_000,
            leader_imbalance_percentage: 10,
            unclean_election_interval_ms: 300_000,
            metadata_max_idle_interval_ms: 500,
            metadata_log_segment_bytes: 1024 * 1024 * 1024,
            metadata_bytes_between_snapshots: 20 * 1024 * 1024,
            metadata_snapshot_interval_ms: 3_600_000,
            metadata_max_retention_bytes: 100 * 1024 * 1024,
            // A node that is alone can hold one replica; Kafka's server.properties says so too.
            group: GroupCoordinatorConfig {
                offsets_topic_replication_factor: 1,
                ..GroupCoordinatorConfig::default()
            },
            flush_before_acknowledging: false,
        }
    }

    /// The nodes of a cluster in combined mode: `count` brokers with ids from 1, at `localhost:9092`, `9094` and so on,
    /// each with its CONTROLLER listener one port further on; the first `voters` of them are controllers.
    pub fn cluster(count: i32, voters: i32, cluster_id: Uuid) -> Vec<BrokerConfig> {
        let listener = |id: i32| Endpoint::new("localhost", port(id) + 1);
        let quorum: BTreeMap<i32, Endpoint> = (1..=voters).map(|id| (id, listener(id))).collect();
        (1..=count)
            .map(|id| BrokerConfig {
                roles: Roles { broker: true, controller: id <= voters },
                voters: quorum.clone(),
                group: GroupCoordinatorConfig {
                    offsets_topic_replication_factor: i16::try_from(count.clamp(1, 3)).unwrap_or(3),
                    ..GroupCoordinatorConfig::default()
                },
                ..BrokerConfig::new(id, Endpoint::new("localhost", port(id)), cluster_id)
            })
            .collect()
    }

    /// The same with as many controllers as are of use, five at most, and a cluster id that follows from the seed: one
    /// seed is one cluster.
    pub fn combined(count: i32, seed: u64) -> Vec<BrokerConfig> {
        // A majority has to be possible: an even number of controllers is no better than one fewer.
        let voters = if count % 2 == 0 { count - 1 } else { count }.min(5);
        let mut ids = Prng::new(seed, "cluster-id");
        BrokerConfig::cluster(count, voters, uuid_text::random(|| ids.bytes16()))
    }

    /// A broker that is to join this node's cluster, in the place of [`cluster`](Self::cluster) for its id. It is no
    /// controller: the voters of the quorum are fixed (kraft.version 0).
    pub fn joining(&self, id: i32, rack: Option<String>) -> BrokerConfig {
        BrokerConfig {
            node_id: id,
            roles: Roles { broker: true, controller: false },
            advertised: Endpoint::new("localhost", port(id)),
            controller_listener: Endpoint::new("localhost", port(id) + 1),
            voters: self.quorum_voters(),
            rack,
            ..self.clone()
        }
    }

    /// Sets a static config by its name in Kafka's `server.properties`. COMPAT.md lists those that can be given.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        fn to<T: std::str::FromStr>(field: &mut T, key: &str, value: &str) -> Result<(), String> {
            *field = value.parse().map_err(|_| format!("'{value}' is no value of {key}"))?;
            Ok(())
        }
        match key {
            "num.partitions" => to(&mut self.num_partitions, key, value),
            // It is the whole cluster's from its first record on, as with Kafka's eligible leader replicas.
            "min.insync.replicas" => match value.trim().parse() {
                Ok(replicas @ 1..) => {
                    self.min_insync_replicas = replicas;
                    Ok(())
                }
                _ => Err(format!("'{value}' is no value of {key}: it must be a whole number from 1 on")),
            },
            "default.replication.factor" => to(&mut self.default_replication_factor, key, value),
            "auto.create.topics.enable" => to(&mut self.auto_create_topics, key, value),
            "socket.request.max.bytes" => to(&mut self.socket_request_max_bytes, key, value),
            "connections.max.idle.ms" => to(&mut self.connections_max_idle_ms, key, value),
            // An INT from 0 on (ServerConfigs).
            "max.incremental.fetch.session.cache.slots" => match value.trim().parse::<i32>() {
                Ok(slots @ 0..) => {
                    self.fetch_session_slots = slots.unsigned_abs();
                    Ok(())
                }
                _ => Err(format!("'{value}' is no value of {key}: it must be a whole number from 0 on")),
            },
            "log.retention.check.interval.ms" => to(&mut self.retention_check_interval_ms, key, value),
            "log.flush.offset.checkpoint.interval.ms" => {
                to(&mut self.flush_offset_checkpoint_interval_ms, key, value)
            }
            "replica.high.watermark.checkpoint.interval.ms" => {
                to(&mut self.high_watermark_checkpoint_interval_ms, key, value)
            }
            "broker.heartbeat.interval.ms" => to(&mut self.heartbeat_interval_ms, key, value),
            "broker.session.timeout.ms" => to(&mut self.session_timeout_ms, key, value),
            "replica.lag.time.max.ms" => to(&mut self.replica_lag_time_max_ms, key, value),
            "replica.fetch.wait.max.ms" => to(&mut self.replica_fetch_wait_max_ms, key, value),
            "replica.fetch.max.bytes" => to(&mut self.replica_fetch_max_bytes, key, value),
            "replica.fetch.response.max.bytes" => to(&mut self.replica_fetch_response_max_bytes, key, value),
            "replica.fetch.backoff.ms" => to(&mut self.replica_fetch_backoff_ms, key, value),
            "replica.socket.timeout.ms" => to(&mut self.replica_socket_timeout_ms, key, value),
            "broker.rack" => {
                self.rack = Some(value.to_owned()).filter(|rack| !rack.is_empty());
                Ok(())
            }
            // The only selector that Kafka brings with it beside that of the leader (KIP-392).
            "replica.selector.class" => match value {
                "org.apache.kafka.common.replica.RackAwareReplicaSelector" => {
                    self.rack_aware_selector = true;
                    Ok(())
                }
                "" | "org.apache.kafka.common.replica.LeaderSelector" => {
                    self.rack_aware_selector = false;
                    Ok(())
                }
                _ => Err(format!("'{value}' is no value of {key}: there is no class of this name")),
            },
            "auto.leader.rebalance.enable" => to(&mut self.auto_leader_rebalance, key, value),
            "leader.imbalance.per.broker.percentage" => to(&mut self.leader_imbalance_percentage, key, value),
            "unclean.leader.election.interval.ms" => to(&mut self.unclean_election_interval_ms, key, value),
            "metadata.max.idle.interval.ms" => to(&mut self.metadata_max_idle_interval_ms, key, value),
            "metadata.log.segment.bytes" => to(&mut self.metadata_log_segment_bytes, key, value),
            "metadata.log.max.record.bytes.between.snapshots" => {
                to(&mut self.metadata_bytes_between_snapshots, key, value)
            }
            "metadata.log.max.snapshot.interval.ms" => {
                to(&mut self.metadata_snapshot_interval_ms, key, value)
            }
            "metadata.max.retention.bytes" => to(&mut self.metadata_max_retention_bytes, key, value),
            "controller.quorum.election.timeout.ms" => to(&mut self.quorum.election_timeout_ms, key, value),
            "controller.quorum.fetch.timeout.ms" => to(&mut self.quorum.fetch_timeout_ms, key, value),
            "producer.id.expiration.check.interval.ms" => {
                to(&mut self.producer_id_expiration_check_interval_ms, key, value)
            }
            "group.min.session.timeout.ms" => to(&mut self.group.min_session_timeout_ms, key, value),
            "group.max.session.timeout.ms" => to(&mut self.group.max_session_timeout_ms, key, value),
            "group.initial.rebalance.delay.ms" => to(&mut self.group.initial_rebalance_delay_ms, key, value),
            "group.max.size" => to(&mut self.group.max_size, key, value),
            "offset.metadata.max.bytes" => to(&mut self.group.offset_metadata_max_bytes, key, value),
            "offsets.retention.minutes" => to(&mut self.group.offsets_retention_minutes, key, value),
            "offsets.retention.check.interval.ms" => {
                to(&mut self.group.offsets_retention_check_interval_ms, key, value)
            }
            "offsets.commit.timeout.ms" => to(&mut self.group.offsets_commit_timeout_ms, key, value),
            "offsets.topic.num.partitions" => to(&mut self.group.offsets_topic_partitions, key, value),
            "offsets.topic.replication.factor" => {
                to(&mut self.group.offsets_topic_replication_factor, key, value)
            }
            "offsets.topic.segment.bytes" => to(&mut self.group.offsets_topic_segment_bytes, key, value),
            other => Err(format!(
                "the config {other} cannot be given at the start: it is none of a broker's, or none that is read here \
                 (COMPAT.md lists those that are); what is dynamic can be set by kafka-configs.sh"
            )),
        }
    }

    /// The voters of the quorum with their listeners.
    pub(crate) fn quorum_voters(&self) -> BTreeMap<i32, Endpoint> {
        if self.voters.is_empty() {
            return BTreeMap::from([(self.node_id, self.controller_listener.clone())]);
        }
        self.voters.clone()
    }

    /// Where it listens: for clients, and for other nodes of the quorum.
    pub fn listeners(&self) -> impl Iterator<Item = &Endpoint> {
        let broker = self.roles.broker.then_some(&self.advertised);
        broker.into_iter().chain(self.roles.controller.then_some(&self.controller_listener))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_replica_is_chosen_by_kafkas_own_class() {
        let mut config = BrokerConfig::new(1, Endpoint::new("localhost", 9092), Uuid::nil());
        let class = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
        assert_eq!(config.set("replica.selector.class", class), Ok(()));
        assert_eq!(config.set("broker.rack", "a"), Ok(()));
        assert!(config.rack_aware_selector && config.rack.as_deref() == Some("a"));
        assert!(config.set("replica.selector.class", "com.example.Mine").is_err());
        assert_eq!(config.set("replica.selector.class", ""), Ok(()));
        assert!(!config.rack_aware_selector);
    }
}
