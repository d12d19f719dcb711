//! What a node is started with: its `server.properties`.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::{Endpoint, Prng};
use blumfeld_protocol::{Uuid, uuid_text};

/// The name of the listener that brokers register for clients and for each other: the only one that they have
/// (`listeners`, `inter.broker.listener.name`).
pub const CLIENT_LISTENER: &str = "PLAINTEXT";

/// The name of the listener of controllers (`controller.listener.names`).
pub const CONTROLLER_LISTENER: &str = "CONTROLLER";

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

/// The transaction coordinator's configs (org.apache.kafka.coordinator.transaction.TransactionLogConfig,
/// TransactionStateManagerConfig).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionConfig {
    /// `transaction.state.log.num.partitions`.
    pub topic_partitions: i32,
    /// `transaction.state.log.replication.factor`.
    pub topic_replication_factor: i16,
    /// `transaction.state.log.min.isr`.
    pub topic_min_isr: i32,
    /// `transaction.state.log.segment.bytes`.
    pub topic_segment_bytes: u32,
    /// `transaction.max.timeout.ms`: no client may ask for more.
    pub max_timeout_ms: i64,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
    pub abort_timed_out_interval_ms: i64,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`.
    pub remove_expired_interval_ms: i64,
    /// `transactional.id.expiration.ms`: an id that is not used for so long is forgotten.
    pub id_expiration_ms: i64,
    /// `transaction.partition.verification.enable`: a partition asks the coordinator before it takes the first batch
    /// of a transaction (KIP-890).
    pub partition_verification: bool,
    /// `add.partitions.to.txn.retry.backoff.ms`: a partition that is to join a transaction while the one before is
    /// being ended is asked for again so much later.
    pub add_partitions_retry_backoff_ms: i64,
    /// `add.partitions.to.txn.retry.backoff.max.ms`: for so long.
    pub add_partitions_retry_backoff_max_ms: i64,
    /// So long a change waits for the replicas, in milliseconds.
    pub write_timeout_ms: i64,
    /// Whether records have tagged fields: from transaction.version 1 on, which the cluster's metadata says.
    pub flexible_records: bool,
}

impl Default for TransactionConfig {
    fn default() -> TransactionConfig {
        TransactionConfig {
            topic_partitions: 50,
            topic_replication_factor: 3,
            topic_min_isr: 2,
            topic_segment_bytes: 100 * 1024 * 1024,
            max_timeout_ms: 900_000,
            abort_timed_out_interval_ms: 10_000,
            remove_expired_interval_ms: 3_600_000,
            id_expiration_ms: 604_800_000,
            partition_verification: true,
            add_partitions_retry_backoff_ms: 20,
            add_partitions_retry_backoff_max_ms: 100,
            write_timeout_ms: 30_000,
            flexible_records: true,
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
    /// `delete.topic.enable`: read where the node is the active controller.
    pub delete_topic_enable: bool,
    /// `socket.request.max.bytes`: a larger frame closes its connection. In bytes.
    pub socket_request_max_bytes: usize,
    /// `connections.max.idle.ms`: a connection on which nothing comes and goes for longer is closed; below 0 none is.
    pub connections_max_idle_ms: i64,
    /// `max.incremental.fetch.session.cache.slots`: fetch sessions that are kept.
    pub fetch_session_slots: u32,
    /// `fetch.max.bytes`: more than this no answer to a fetch has, beside a first batch that is larger.
    pub fetch_max_bytes: i32,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval_ms: i64,
    /// `log.cleaner.enable`: whether logs are compacted whose topics want it.
    pub log_cleaner_enable: bool,
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
    /// `transaction.*`.
    pub transaction: TransactionConfig,
    /// Whether every append is flushed before it is acknowledged or fetched further. Kafka's nearest is
    /// `log.flush.interval.messages=1`.
    pub flush_before_acknowledging: bool,
    /// The names of those that were set by [`set`](Self::set), be it to their defaults.
    pub given: BTreeSet<String>,
}

/// The only class that `replica.selector.class` can name beside the default.
const RACK_AWARE_SELECTOR: &str = "org.apache.kafka.common.replica.RackAwareReplicaSelector";

/// Where a config's value stands.
enum Field<'a> {
    Bool(&'a mut bool),
    I16(&'a mut i16),
    I32(&'a mut i32),
    I64(&'a mut i64),
    U32(&'a mut u32),
    U64(&'a mut u64),
    Usize(&'a mut usize),
}

impl Field<'_> {
    /// Takes a value; whether it is one.
    fn set(self, value: &str) -> bool {
        fn to<T: std::str::FromStr>(field: &mut T, value: &str) -> bool {
            value.parse().is_ok_and(|value| {
                *field = value;
                true
            })
        }
        match self {
            Field::Bool(field) => to(field, value),
            Field::I16(field) => to(field, value),
            Field::I32(field) => to(field, value),
            Field::I64(field) => to(field, value),
            Field::U32(field) => to(field, value),
            Field::U64(field) => to(field, value),
            Field::Usize(field) => to(field, value),
        }
    }

    fn shown(self) -> String {
        match self {
            Field::Bool(field) => field.to_string(),
            Field::I16(field) => field.to_string(),
            Field::I32(field) => field.to_string(),
            Field::I64(field) => field.to_string(),
            Field::U32(field) => field.to_string(),
            Field::U64(field) => field.to_string(),
            Field::Usize(field) => field.to_string(),
        }
    }
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
            delete_topic_enable: true,
            socket_request_max_bytes: 100 * 1024 * 1024,
            connections_max_idle_ms: 600_000,
            fetch_session_slots: 1_000,
            fetch_max_bytes: 55 * 1024 * 1024,
            retention_check_interval_ms: 300_000,
            log_cleaner_enable: true,
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
            transaction: TransactionConfig::default(),
            flush_before_acknowledging: false,
            given: BTreeSet::new(),
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
        let wrong = |why: &str| Err(format!("'{value}' is no value of {key}{why}"));
        match key {
            // It is the whole cluster's from its first record on, as with Kafka's eligible leader replicas.
            "min.insync.replicas" => match value.trim().parse() {
                Ok(replicas @ 1..) => self.min_insync_replicas = replicas,
                _ => return wrong(": it must be a whole number from 1 on"),
            },
            // Less could hold no batch (ServerConfigs).
            "fetch.max.bytes" => match value.trim().parse() {
                Ok(bytes @ 1_024..) => self.fetch_max_bytes = bytes,
                _ => return wrong(": it must be a whole number from 1024 on"),
            },
            // An INT from 0 on (ServerConfigs).
            "max.incremental.fetch.session.cache.slots" => match value.trim().parse::<i32>() {
                Ok(slots @ 0..) => self.fetch_session_slots = slots.unsigned_abs(),
                _ => return wrong(": it must be a whole number from 0 on"),
            },
            // A LONG from 1 on (ReplicationConfigs).
            "leader.imbalance.check.interval.seconds" => {
                match value.trim().parse::<i64>().map(|seconds| (seconds, seconds.checked_mul(1_000))) {
                    Ok((1.., Some(millis))) => self.leader_imbalance_check_interval_ms = millis,
                    _ => return wrong(": it must be a whole number from 1 on"),
                }
            }
            "broker.rack" => self.rack = Some(value.to_owned()).filter(|rack| !rack.is_empty()),
            // The only selector that Kafka brings with it beside that of the leader (KIP-392).
            "replica.selector.class" => match value {
                RACK_AWARE_SELECTOR => self.rack_aware_selector = true,
                "" | "org.apache.kafka.common.replica.LeaderSelector" => self.rack_aware_selector = false,
                _ => return wrong(": there is no class of this name"),
            },
            other => match self.field(other).map(|field| field.set(value)) {
                Some(true) => {}
                Some(false) => return wrong(""),
                None => {
                    return Err(format!(
                        "the config {other} cannot be given at the start: it is none of a broker's, or none that is read here \
                         (COMPAT.md lists those that are); what is dynamic can be set by kafka-configs.sh"
                    ));
                }
            },
        }
        self.given.insert(key.to_owned());
        Ok(())
    }

    /// The value of a static config that can be set, and whether it was.
    pub(crate) fn get(&self, key: &str) -> Option<(Option<String>, bool)> {
        let value = match key {
            "broker.rack" => self.rack.clone(),
            "replica.selector.class" => self.rack_aware_selector.then(|| RACK_AWARE_SELECTOR.to_owned()),
            "leader.imbalance.check.interval.seconds" => {
                Some((self.leader_imbalance_check_interval_ms / 1_000).to_string())
            }
            "fetch.max.bytes" => Some(self.fetch_max_bytes.to_string()),
            "max.incremental.fetch.session.cache.slots" => Some(self.fetch_session_slots.to_string()),
            other => Some(self.clone().field(other)?.shown()),
        };
        Some((value, self.given.contains(key)))
    }

    /// The number or switch that a static config sets.
    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "num.partitions" => Field::I32(&mut self.num_partitions),
            "default.replication.factor" => Field::I16(&mut self.default_replication_factor),
            "auto.create.topics.enable" => Field::Bool(&mut self.auto_create_topics),
            "delete.topic.enable" => Field::Bool(&mut self.delete_topic_enable),
            "socket.request.max.bytes" => Field::Usize(&mut self.socket_request_max_bytes),
            "connections.max.idle.ms" => Field::I64(&mut self.connections_max_idle_ms),
            "log.retention.check.interval.ms" => Field::I64(&mut self.retention_check_interval_ms),
            "log.cleaner.enable" => Field::Bool(&mut self.log_cleaner_enable),
            "log.flush.offset.checkpoint.interval.ms" => {
                Field::I64(&mut self.flush_offset_checkpoint_interval_ms)
            }
            "replica.high.watermark.checkpoint.interval.ms" => {
                Field::I64(&mut self.high_watermark_checkpoint_interval_ms)
            }
            "broker.heartbeat.interval.ms" => Field::I64(&mut self.heartbeat_interval_ms),
            "broker.session.timeout.ms" => Field::I64(&mut self.session_timeout_ms),
            "replica.lag.time.max.ms" => Field::I64(&mut self.replica_lag_time_max_ms),
            "replica.fetch.wait.max.ms" => Field::I32(&mut self.replica_fetch_wait_max_ms),
            "replica.fetch.max.bytes" => Field::I32(&mut self.replica_fetch_max_bytes),
            "replica.fetch.response.max.bytes" => Field::I32(&mut self.replica_fetch_response_max_bytes),
            "replica.fetch.backoff.ms" => Field::I64(&mut self.replica_fetch_backoff_ms),
            "replica.socket.timeout.ms" => Field::I64(&mut self.replica_socket_timeout_ms),
            "auto.leader.rebalance.enable" => Field::Bool(&mut self.auto_leader_rebalance),
            "leader.imbalance.per.broker.percentage" => Field::I64(&mut self.leader_imbalance_percentage),
            "unclean.leader.election.interval.ms" => Field::I64(&mut self.unclean_election_interval_ms),
            "transaction.state.log.num.partitions" => Field::I32(&mut self.transaction.topic_partitions),
            "transaction.state.log.replication.factor" => {
                Field::I16(&mut self.transaction.topic_replication_factor)
            }
            "transaction.state.log.min.isr" => Field::I32(&mut self.transaction.topic_min_isr),
            "transaction.state.log.segment.bytes" => Field::U32(&mut self.transaction.topic_segment_bytes),
            "add.partitions.to.txn.retry.backoff.ms" => {
                Field::I64(&mut self.transaction.add_partitions_retry_backoff_ms)
            }
            "add.partitions.to.txn.retry.backoff.max.ms" => {
                Field::I64(&mut self.transaction.add_partitions_retry_backoff_max_ms)
            }
            "transaction.max.timeout.ms" => Field::I64(&mut self.transaction.max_timeout_ms),
            "transaction.abort.timed.out.transaction.cleanup.interval.ms" => {
                Field::I64(&mut self.transaction.abort_timed_out_interval_ms)
            }
            "transaction.remove.expired.transaction.cleanup.interval.ms" => {
                Field::I64(&mut self.transaction.remove_expired_interval_ms)
            }
            "transactional.id.expiration.ms" => Field::I64(&mut self.transaction.id_expiration_ms),
            "metadata.max.idle.interval.ms" => Field::I64(&mut self.metadata_max_idle_interval_ms),
            "metadata.log.segment.bytes" => Field::U32(&mut self.metadata_log_segment_bytes),
            "metadata.log.max.record.bytes.between.snapshots" => {
                Field::U64(&mut self.metadata_bytes_between_snapshots)
            }
            "metadata.log.max.snapshot.interval.ms" => Field::I64(&mut self.metadata_snapshot_interval_ms),
            "metadata.max.retention.bytes" => Field::U64(&mut self.metadata_max_retention_bytes),
            "controller.quorum.election.timeout.ms" => Field::I64(&mut self.quorum.election_timeout_ms),
            "controller.quorum.fetch.timeout.ms" => Field::I64(&mut self.quorum.fetch_timeout_ms),
            "producer.id.expiration.check.interval.ms" => {
                Field::I64(&mut self.producer_id_expiration_check_interval_ms)
            }
            "group.min.session.timeout.ms" => Field::I32(&mut self.group.min_session_timeout_ms),
            "group.max.session.timeout.ms" => Field::I32(&mut self.group.max_session_timeout_ms),
            "group.initial.rebalance.delay.ms" => Field::I32(&mut self.group.initial_rebalance_delay_ms),
            "group.max.size" => Field::I32(&mut self.group.max_size),
            "offset.metadata.max.bytes" => Field::Usize(&mut self.group.offset_metadata_max_bytes),
            "offsets.retention.minutes" => Field::I32(&mut self.group.offsets_retention_minutes),
            "offsets.retention.check.interval.ms" => {
                Field::I64(&mut self.group.offsets_retention_check_interval_ms)
            }
            "offsets.commit.timeout.ms" => Field::I64(&mut self.group.offsets_commit_timeout_ms),
            "offsets.topic.num.partitions" => Field::I32(&mut self.group.offsets_topic_partitions),
            "offsets.topic.replication.factor" => {
                Field::I16(&mut self.group.offsets_topic_replication_factor)
            }
            "offsets.topic.segment.bytes" => Field::U32(&mut self.group.offsets_topic_segment_bytes),
            _ => return None,
        })
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
