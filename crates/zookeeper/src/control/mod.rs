//! The requests between a controller and its brokers before KRaft: LeaderAndIsr (4), StopReplica (5), UpdateMetadata
//! (6), ControlledShutdown (7) and AlterIsr (56). Kafka 4 has taken them out of its definitions, so they are written
//! here field by field, from the definitions of Kafka 2.6 and 2.7 and with their names.
//!
//! Versions are those that a broker sends with `inter.broker.protocol.version` 2.6, and 2.7 where ISRs are altered by
//! the controller (KIP-497): [`LEADER_AND_ISR`] 4, [`STOP_REPLICA`] 3, [`UPDATE_METADATA`] 6, [`CONTROLLED_SHUTDOWN`]
//! 3, [`ALTER_ISR`] 0. All are flexible (KIP-482): request header 2, response header 1.

mod fields;

use std::sync::Arc;

use blumfeld_protocol::varint::{self, Reader};
use bytes::Bytes;

/// API key and version of LeaderAndIsr.
pub const LEADER_AND_ISR: (i16, i16) = (4, 4);
/// API key and version of StopReplica.
pub const STOP_REPLICA: (i16, i16) = (5, 3);
/// API key and version of UpdateMetadata.
pub const UPDATE_METADATA: (i16, i16) = (6, 6);
/// API key and version of ControlledShutdown.
pub const CONTROLLED_SHUTDOWN: (i16, i16) = (7, 3);
/// API key and version of AlterIsr.
pub const ALTER_ISR: (i16, i16) = (56, 0);

/// A partition of a topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Arc<str>,
    /// Its number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// A partition of a topic.
    pub fn new(topic: &Arc<str>, partition: i32) -> TopicPartition {
        TopicPartition { topic: topic.clone(), partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Why bytes are no control request or none of its answers.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ControlError {
    /// The bytes end within a field.
    #[error("{0} is cut short")]
    Truncated(
        /// The field.
        &'static str,
    ),
    /// A string whose bytes are not UTF-8.
    #[error("{0} is not UTF-8")]
    NotUtf8(
        /// The field.
        &'static str,
    ),
    /// An API or a version of it that is not served.
    #[error("api {0} version {1} is not served")]
    Unknown(
        /// The API's key.
        i16,
        /// The version.
        i16,
    ),
    /// Bytes behind the message.
    #[error("{0} bytes follow the message")]
    Trailing(
        /// How many.
        usize,
    ),
}

type Fields<'a> = Reader<'a>;

fn need<T>(field: &'static str, value: Option<T>) -> Result<T, ControlError> {
    value.ok_or(ControlError::Truncated(field))
}

fn put_str(out: &mut Vec<u8>, text: &str) {
    varint::put_unsigned(out, u32::try_from(text.len() + 1).unwrap_or(u32::MAX));
    out.extend_from_slice(text.as_bytes());
}

fn get_str(r: &mut Fields<'_>, field: &'static str) -> Result<Arc<str>, ControlError> {
    let length = need(field, r.varint_unsigned())?.checked_sub(1).ok_or(ControlError::Truncated(field))?;
    let bytes = need(field, r.take(length as usize))?;
    std::str::from_utf8(bytes).map(Arc::from).map_err(|_| ControlError::NotUtf8(field))
}

fn put_array<T>(out: &mut Vec<u8>, items: &[T], mut each: impl FnMut(&mut Vec<u8>, &T)) {
    varint::put_unsigned(out, u32::try_from(items.len() + 1).unwrap_or(u32::MAX));
    items.iter().for_each(|item| each(out, item));
}

fn get_array<T>(
    r: &mut Fields<'_>,
    field: &'static str,
    mut each: impl FnMut(&mut Fields<'_>) -> Result<T, ControlError>,
) -> Result<Vec<T>, ControlError> {
    let length = need(field, r.varint_unsigned())?.saturating_sub(1);
    // An element has a byte at least, so a hostile length ends at the bytes' end.
    if length as usize > r.remaining() {
        return Err(ControlError::Truncated(field));
    }
    (0..length).map(|_| each(r)).collect()
}

fn put_ids(out: &mut Vec<u8>, ids: &[i32]) {
    put_array(out, ids, |out, id| out.extend_from_slice(&id.to_be_bytes()));
}

fn get_ids(r: &mut Fields<'_>, field: &'static str) -> Result<Vec<i32>, ControlError> {
    get_array(r, field, |r| need(field, r.i32()))
}

/// No tagged fields.
fn put_tags(out: &mut Vec<u8>) {
    out.push(0);
}

/// Tagged fields, which are skipped.
fn skip_tags(r: &mut Fields<'_>) -> Result<(), ControlError> {
    let count = need("tagged fields", r.varint_unsigned())?;
    for _ in 0..count {
        need("tag", r.varint_unsigned())?;
        let size = need("size of a tagged field", r.varint_unsigned())?;
        need("tagged field", r.take(size as usize))?;
    }
    Ok(())
}

/// What stands before a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestHeader {
    /// The API's key.
    pub api_key: i16,
    /// The API's version.
    pub api_version: i16,
    /// The request's number on its connection.
    pub correlation_id: i32,
}

/// Replicas of one partition, as LeaderAndIsr and UpdateMetadata tell of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionState {
    /// Which partition.
    pub partition: TopicPartition,
    /// Epoch of the controller that last decided about it.
    pub controller_epoch: i32,
    /// The leader's broker id; -1 if there is none, -2 while the topic is being deleted.
    pub leader: i32,
    /// How often leadership was decided.
    pub leader_epoch: i32,
    /// The in-sync replicas.
    pub isr: Vec<i32>,
    /// Version of the state's znode.
    pub zk_version: i32,
    /// All replicas, the preferred leader first.
    pub replicas: Vec<i32>,
    /// LeaderAndIsr: whether the replica is not to have been there before.
    pub is_new: bool,
    /// UpdateMetadata: replicas whose broker is not alive.
    pub offline_replicas: Vec<i32>,
}

/// Tells a broker which partitions it leads and which it follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaderAndIsrRequest {
    /// The controller's broker id.
    pub controller_id: i32,
    /// The controller's epoch: a broker listens to none that is lower than one it knows.
    pub controller_epoch: i32,
    /// czxid of the broker's registration, so that nothing meant for an earlier one is done (KIP-380).
    pub broker_epoch: i64,
    /// The partitions.
    pub partition_states: Vec<PartitionState>,
    /// Where their leaders are: id, host, port.
    pub live_leaders: Vec<(i32, Arc<str>, i32)>,
}

/// A broker, as UpdateMetadata tells of it: its one listener is `PLAINTEXT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveBroker {
    /// Its id.
    pub id: i32,
    /// Its host.
    pub host: Arc<str>,
    /// Its port.
    pub port: i32,
}

/// Tells a broker what it tells clients.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateMetadataRequest {
    /// The controller's broker id.
    pub controller_id: i32,
    /// The controller's epoch.
    pub controller_epoch: i32,
    /// czxid of the broker's registration.
    pub broker_epoch: i64,
    /// Partitions that changed, or all for a broker that is new.
    pub partition_states: Vec<PartitionState>,
    /// All brokers that are alive.
    pub live_brokers: Vec<LiveBroker>,
}

/// One partition of StopReplica.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StopReplicaPartition {
    /// Which.
    pub partition: TopicPartition,
    /// Its leader epoch; -2 while the topic is being deleted, -1 if there is none (KIP-570).
    pub leader_epoch: i32,
    /// Whether its log goes too.
    pub delete_partition: bool,
}

/// Tells a broker to stop replicas.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StopReplicaRequest {
    /// The controller's broker id.
    pub controller_id: i32,
    /// The controller's epoch.
    pub controller_epoch: i32,
    /// czxid of the broker's registration.
    pub broker_epoch: i64,
    /// The partitions.
    pub partitions: Vec<StopReplicaPartition>,
}

/// Asks the controller to move what a broker leads elsewhere before it ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControlledShutdownRequest {
    /// The broker that is to end.
    pub broker_id: i32,
    /// czxid of its registration.
    pub broker_epoch: i64,
}

/// One partition of AlterIsr.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterIsrPartition {
    /// Which.
    pub partition: TopicPartition,
    /// The leader epoch that the leader knows.
    pub leader_epoch: i32,
    /// The ISR that it wants.
    pub new_isr: Vec<i32>,
    /// The version of the state's znode that it knows.
    pub current_isr_version: i32,
}

/// Asks the controller to change ISRs (KIP-497).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterIsrRequest {
    /// The leader's broker id.
    pub broker_id: i32,
    /// czxid of its registration.
    pub broker_epoch: i64,
    /// The partitions.
    pub partitions: Vec<AlterIsrPartition>,
}

/// How AlterIsr went for one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterIsrResult {
    /// Which.
    pub partition: TopicPartition,
    /// Kafka's error code, 0 if it is done.
    pub error_code: i16,
    /// The leader.
    pub leader_id: i32,
    /// The leader epoch.
    pub leader_epoch: i32,
    /// The ISR as it is now.
    pub isr: Vec<i32>,
    /// Version of the state's znode.
    pub current_isr_version: i32,
}

/// A control request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ControlRequest {
    /// See [`LeaderAndIsrRequest`].
    LeaderAndIsr(
        /// It.
        LeaderAndIsrRequest,
    ),
    /// See [`StopReplicaRequest`].
    StopReplica(
        /// It.
        StopReplicaRequest,
    ),
    /// See [`UpdateMetadataRequest`].
    UpdateMetadata(
        /// It.
        UpdateMetadataRequest,
    ),
    /// See [`ControlledShutdownRequest`].
    ControlledShutdown(
        /// It.
        ControlledShutdownRequest,
    ),
    /// See [`AlterIsrRequest`].
    AlterIsr(
        /// It.
        AlterIsrRequest,
    ),
}

/// An error of one partition, by Kafka's code.
pub type PartitionError = (TopicPartition, i16);

/// An answer to a control request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ControlResponse {
    /// To LeaderAndIsr: an error for all, and one for each partition.
    LeaderAndIsr(
        /// Kafka's code for all.
        i16,
        /// Each partition with its code.
        Vec<PartitionError>,
    ),
    /// To StopReplica: an error for all, and one for each partition.
    StopReplica(
        /// Kafka's code for all.
        i16,
        /// Each partition with its code.
        Vec<PartitionError>,
    ),
    /// To UpdateMetadata.
    UpdateMetadata(
        /// Kafka's code.
        i16,
    ),
    /// To ControlledShutdown: what the broker still leads.
    ControlledShutdown(
        /// Kafka's code.
        i16,
        /// The partitions.
        Vec<TopicPartition>,
    ),
    /// To AlterIsr.
    AlterIsr(
        /// Kafka's code for all.
        i16,
        /// Each partition.
        Vec<AlterIsrResult>,
    ),
}

/// Items of one topic after the other, grouped as the wire groups them.
fn by_topic<T>(items: &[T], partition: impl Fn(&T) -> &TopicPartition) -> Vec<(Arc<str>, &[T])> {
    let mut groups = Vec::new();
    for group in items.chunk_by(|a, b| partition(a).topic == partition(b).topic) {
        if let Some(first) = group.first() {
            groups.push((partition(first).topic.clone(), group));
        }
    }
    groups
}

fn put_topics<T>(
    out: &mut Vec<u8>,
    items: &[T],
    partition: impl Fn(&T) -> &TopicPartition,
    mut each: impl FnMut(&mut Vec<u8>, &T),
) {
    put_array(out, &by_topic(items, partition), |out, (topic, items)| {
        put_str(out, topic);
        put_array(out, items, |out, item| {
            each(out, item);
            put_tags(out);
        });
        put_tags(out);
    });
}

fn get_topics<T>(
    r: &mut Fields<'_>,
    mut each: impl FnMut(&mut Fields<'_>, TopicPartition) -> Result<T, ControlError>,
) -> Result<Vec<T>, ControlError> {
    let topics = get_array(r, "topics", |r| {
        let topic = get_str(r, "topic")?;
        let items = get_array(r, "partitions", |r| {
            let partition =
                TopicPartition { topic: topic.clone(), partition: need("partition index", r.i32())? };
            let item = each(r, partition)?;
            skip_tags(r)?;
            Ok(item)
        })?;
        skip_tags(r)?;
        Ok(items)
    })?;
    Ok(topics.into_iter().flatten().collect())
}

fn put_state_head(out: &mut Vec<u8>, state: &PartitionState) {
    for number in [state.partition.partition, state.controller_epoch, state.leader, state.leader_epoch] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    put_ids(out, &state.isr);
    out.extend_from_slice(&state.zk_version.to_be_bytes());
    put_ids(out, &state.replicas);
}

fn get_state_head(r: &mut Fields<'_>, partition: TopicPartition) -> Result<PartitionState, ControlError> {
    Ok(PartitionState {
        partition,
        controller_epoch: need("controller epoch", r.i32())?,
        leader: need("leader", r.i32())?,
        leader_epoch: need("leader epoch", r.i32())?,
        isr: get_ids(r, "isr")?,
        zk_version: need("zk version", r.i32())?,
        replicas: get_ids(r, "replicas")?,
        is_new: false,
        offline_replicas: Vec::new(),
    })
}

impl ControlRequest {
    /// API key and version.
    pub const fn api(&self) -> (i16, i16) {
        match self {
            ControlRequest::LeaderAndIsr(_) => LEADER_AND_ISR,
            ControlRequest::StopReplica(_) => STOP_REPLICA,
            ControlRequest::UpdateMetadata(_) => UPDATE_METADATA,
            ControlRequest::ControlledShutdown(_) => CONTROLLED_SHUTDOWN,
            ControlRequest::AlterIsr(_) => ALTER_ISR,
        }
    }

    /// Writes it, with its header. `client` is the sender's name: a controller's is its broker id.
    pub fn encode(&self, correlation_id: i32, client: &str) -> Bytes {
        let out = &mut Vec::new();
        let (key, version) = self.api();
        out.extend_from_slice(&key.to_be_bytes());
        out.extend_from_slice(&version.to_be_bytes());
        out.extend_from_slice(&correlation_id.to_be_bytes());
        // The client's name keeps its old form in every header, so that any broker can read it.
        out.extend_from_slice(&i16::try_from(client.len()).unwrap_or(i16::MAX).to_be_bytes());
        out.extend_from_slice(client.as_bytes());
        put_tags(out);
        let control = |out: &mut Vec<u8>, id: i32, epoch: i32, broker_epoch: i64| {
            out.extend_from_slice(&id.to_be_bytes());
            out.extend_from_slice(&epoch.to_be_bytes());
            out.extend_from_slice(&broker_epoch.to_be_bytes());
        };
        match self {
            ControlRequest::LeaderAndIsr(request) => {
                control(out, request.controller_id, request.controller_epoch, request.broker_epoch);
                put_topics(
                    out,
                    &request.partition_states,
                    |state| &state.partition,
                    |out, state| {
                        put_state_head(out, state);
                        // Adding and removing replicas: nobody reassigns here.
                        put_ids(out, &[]);
                        put_ids(out, &[]);
                        out.push(u8::from(state.is_new));
                    },
                );
                put_array(out, &request.live_leaders, |out, (id, host, port)| {
                    out.extend_from_slice(&id.to_be_bytes());
                    put_str(out, host);
                    out.extend_from_slice(&port.to_be_bytes());
                    put_tags(out);
                });
            }
            ControlRequest::StopReplica(request) => {
                control(out, request.controller_id, request.controller_epoch, request.broker_epoch);
                put_topics(
                    out,
                    &request.partitions,
                    |each| &each.partition,
                    |out, each| {
                        out.extend_from_slice(&each.partition.partition.to_be_bytes());
                        out.extend_from_slice(&each.leader_epoch.to_be_bytes());
                        out.push(u8::from(each.delete_partition));
                    },
                );
            }
            ControlRequest::UpdateMetadata(request) => {
                control(out, request.controller_id, request.controller_epoch, request.broker_epoch);
                put_topics(
                    out,
                    &request.partition_states,
                    |state| &state.partition,
                    |out, state| {
                        put_state_head(out, state);
                        put_ids(out, &state.offline_replicas);
                    },
                );
                put_array(out, &request.live_brokers, |out, broker| {
                    out.extend_from_slice(&broker.id.to_be_bytes());
                    put_array(out, &[broker], |out, broker| {
                        out.extend_from_slice(&broker.port.to_be_bytes());
                        put_str(out, &broker.host);
                        put_str(out, "PLAINTEXT");
                        out.extend_from_slice(&0_i16.to_be_bytes());
                        put_tags(out);
                    });
                    // No rack: a null string.
                    out.push(0);
                    put_tags(out);
                });
            }
            ControlRequest::ControlledShutdown(request) => {
                out.extend_from_slice(&request.broker_id.to_be_bytes());
                out.extend_from_slice(&request.broker_epoch.to_be_bytes());
            }
            ControlRequest::AlterIsr(request) => {
                out.extend_from_slice(&request.broker_id.to_be_bytes());
                out.extend_from_slice(&request.broker_epoch.to_be_bytes());
                put_topics(
                    out,
                    &request.partitions,
                    |each| &each.partition,
                    |out, each| {
                        out.extend_from_slice(&each.partition.partition.to_be_bytes());
                        out.extend_from_slice(&each.leader_epoch.to_be_bytes());
                        put_ids(out, &each.new_isr);
                        out.extend_from_slice(&each.current_isr_version.to_be_bytes());
                    },
                );
            }
        }
        put_tags(out);
        Bytes::from(std::mem::take(out))
    }

    /// Reads one with its header.
    ///
    /// # Errors
    /// Bytes that are none, or an API or version that is not served.
    pub fn decode(frame: &[u8]) -> Result<(RequestHeader, ControlRequest), ControlError> {
        let r = &mut Reader::new(frame);
        let header = RequestHeader {
            api_key: need("api key", r.i16())?,
            api_version: need("api version", r.i16())?,
            correlation_id: need("correlation id", r.i32())?,
        };
        let client = need("client id", r.i16())?;
        need("client id", r.take(usize::try_from(client).unwrap_or(0)))?;
        skip_tags(r)?;
        let control = |r: &mut Fields<'_>| {
            let id = need("controller id", r.i32())?;
            Ok((id, need("controller epoch", r.i32())?, need("broker epoch", r.i64())?))
        };
        let request = match (header.api_key, header.api_version) {
            LEADER_AND_ISR => {
                let (controller_id, controller_epoch, broker_epoch) = control(r)?;
                let partition_states = get_topics(r, |r, partition| {
                    let mut state = get_state_head(r, partition)?;
                    get_ids(r, "adding replicas")?;
                    get_ids(r, "removing replicas")?;
                    state.is_new = need("is new", r.u8())? != 0;
                    Ok(state)
                })?;
                let live_leaders = get_array(r, "live leaders", |r| {
                    let id = need("broker id", r.i32())?;
                    let leader = (id, get_str(r, "host")?, need("port", r.i32())?);
                    skip_tags(r)?;
                    Ok(leader)
                })?;
                ControlRequest::LeaderAndIsr(LeaderAndIsrRequest {
                    controller_id,
                    controller_epoch,
                    broker_epoch,
                    partition_states,
                    live_leaders,
                })
            }
            STOP_REPLICA => {
                let (controller_id, controller_epoch, broker_epoch) = control(r)?;
                let partitions = get_topics(r, |r, partition| {
                    let leader_epoch = need("leader epoch", r.i32())?;
                    let delete_partition = need("delete partition", r.u8())? != 0;
                    Ok(StopReplicaPartition { partition, leader_epoch, delete_partition })
                })?;
                let request =
                    StopReplicaRequest { controller_id, controller_epoch, broker_epoch, partitions };
                ControlRequest::StopReplica(request)
            }
            UPDATE_METADATA => {
                let (controller_id, controller_epoch, broker_epoch) = control(r)?;
                let partition_states = get_topics(r, |r, partition| {
                    let mut state = get_state_head(r, partition)?;
                    state.offline_replicas = get_ids(r, "offline replicas")?;
                    Ok(state)
                })?;
                let live_brokers = get_array(r, "live brokers", get_broker)?.into_iter().flatten().collect();
                ControlRequest::UpdateMetadata(UpdateMetadataRequest {
                    controller_id,
                    controller_epoch,
                    broker_epoch,
                    partition_states,
                    live_brokers,
                })
            }
            CONTROLLED_SHUTDOWN => ControlRequest::ControlledShutdown(ControlledShutdownRequest {
                broker_id: need("broker id", r.i32())?,
                broker_epoch: need("broker epoch", r.i64())?,
            }),
            ALTER_ISR => {
                let (broker_id, broker_epoch) = (need("broker id", r.i32())?, need("broker epoch", r.i64())?);
                let partitions = get_topics(r, |r, partition| {
                    Ok(AlterIsrPartition {
                        partition,
                        leader_epoch: need("leader epoch", r.i32())?,
                        new_isr: get_ids(r, "new isr")?,
                        current_isr_version: need("current isr version", r.i32())?,
                    })
                })?;
                ControlRequest::AlterIsr(AlterIsrRequest { broker_id, broker_epoch, partitions })
            }
            (key, version) => return Err(ControlError::Unknown(key, version)),
        };
        end(r)?;
        Ok((header, request))
    }
}

/// A broker with each of its endpoints.
fn get_broker(r: &mut Fields<'_>) -> Result<Vec<LiveBroker>, ControlError> {
    let id = need("id", r.i32())?;
    let found = get_array(r, "endpoints", |r| {
        let port = need("port", r.i32())?;
        let host = get_str(r, "host")?;
        get_str(r, "listener")?;
        need("security protocol", r.i16())?;
        skip_tags(r)?;
        Ok(LiveBroker { id, host, port })
    })?;
    if let Some(length) = need("rack", r.varint_unsigned())?.checked_sub(1) {
        need("rack", r.take(length as usize))?;
    }
    skip_tags(r)?;
    Ok(found)
}

fn end(r: &mut Fields<'_>) -> Result<(), ControlError> {
    skip_tags(r)?;
    match r.remaining() {
        0 => Ok(()),
        left => Err(ControlError::Trailing(left)),
    }
}

impl ControlResponse {
    /// Kafka's error code for all of it.
    pub const fn error_code(&self) -> i16 {
        match self {
            ControlResponse::LeaderAndIsr(code, _)
            | ControlResponse::StopReplica(code, _)
            | ControlResponse::UpdateMetadata(code)
            | ControlResponse::ControlledShutdown(code, _)
            | ControlResponse::AlterIsr(code, _) => *code,
        }
    }

    /// Writes it, with its header.
    pub fn encode(&self, correlation_id: i32) -> Bytes {
        let out = &mut Vec::new();
        out.extend_from_slice(&correlation_id.to_be_bytes());
        put_tags(out);
        if let ControlResponse::AlterIsr(..) = self {
            // Nobody is throttled.
            out.extend_from_slice(&0_i32.to_be_bytes());
        }
        out.extend_from_slice(&self.error_code().to_be_bytes());
        match self {
            ControlResponse::LeaderAndIsr(_, errors) | ControlResponse::StopReplica(_, errors) => {
                put_array(out, errors, |out, (partition, code)| {
                    put_str(out, &partition.topic);
                    out.extend_from_slice(&partition.partition.to_be_bytes());
                    out.extend_from_slice(&code.to_be_bytes());
                    put_tags(out);
                });
            }
            ControlResponse::UpdateMetadata(_) => {}
            ControlResponse::ControlledShutdown(_, remaining) => {
                put_array(out, remaining, |out, partition| {
                    put_str(out, &partition.topic);
                    out.extend_from_slice(&partition.partition.to_be_bytes());
                    put_tags(out);
                })
            }
            ControlResponse::AlterIsr(_, results) => {
                put_topics(
                    out,
                    results,
                    |each| &each.partition,
                    |out, each| {
                        out.extend_from_slice(&each.partition.partition.to_be_bytes());
                        out.extend_from_slice(&each.error_code.to_be_bytes());
                        out.extend_from_slice(&each.leader_id.to_be_bytes());
                        out.extend_from_slice(&each.leader_epoch.to_be_bytes());
                        put_ids(out, &each.isr);
                        out.extend_from_slice(&each.current_isr_version.to_be_bytes());
                    },
                );
            }
        }
        put_tags(out);
        Bytes::from(std::mem::take(out))
    }

    /// Reads the answer to a request of that API, with its correlation id.
    ///
    /// # Errors
    /// Bytes that are none.
    pub fn decode(api_key: i16, frame: &[u8]) -> Result<(i32, ControlResponse), ControlError> {
        let r = &mut Reader::new(frame);
        let correlation_id = need("correlation id", r.i32())?;
        skip_tags(r)?;
        let partition = |r: &mut Fields<'_>| {
            let topic = get_str(r, "topic")?;
            Ok::<_, ControlError>(TopicPartition { topic, partition: need("partition index", r.i32())? })
        };
        let errors = |r: &mut Fields<'_>| {
            get_array(r, "partition errors", |r| {
                let error = (partition(r)?, need("error code", r.i16())?);
                skip_tags(r)?;
                Ok(error)
            })
        };
        if api_key == ALTER_ISR.0 {
            need("throttle time", r.i32())?;
        }
        let code = need("error code", r.i16())?;
        let response = match api_key {
            4 => ControlResponse::LeaderAndIsr(code, errors(r)?),
            5 => ControlResponse::StopReplica(code, errors(r)?),
            6 => ControlResponse::UpdateMetadata(code),
            7 => {
                let remaining = get_array(r, "remaining partitions", |r| {
                    let found = partition(r)?;
                    skip_tags(r)?;
                    Ok(found)
                })?;
                ControlResponse::ControlledShutdown(code, remaining)
            }
            56 => {
                let results = get_topics(r, |r, partition| {
                    Ok(AlterIsrResult {
                        partition,
                        error_code: need("error code", r.i16())?,
                        leader_id: need("leader id", r.i32())?,
                        leader_epoch: need("leader epoch", r.i32())?,
                        isr: get_ids(r, "isr")?,
                        current_isr_version: need("current isr version", r.i32())?,
                    })
                })?;
                ControlResponse::AlterIsr(code, results)
            }
            other => return Err(ControlError::Unknown(other, 0)),
        };
        end(r)?;
        Ok((correlation_id, response))
    }
}

#[cfg(test)]
mod tests;
